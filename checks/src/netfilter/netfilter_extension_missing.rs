use alloc::{format, string::String, vec::Vec};

use super::{
    backend::{self, Firewall},
    mark6, nftables, parts,
};
use crate::{
    facts::{Action, Extension, Facts, Sandbox, Step, ToolFlavour, Tri, Trial, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy, quote},
    target::{Severities, Severity, Target},
    version::{Component, Version},
};

check! {
    /// ## What it looks at
    /// The extensions of iptables that dockerd's rules need (addrtype, conntrack, DNAT, MASQUERADE), those
    /// that kube-proxy's need beside (comment, mark, MARK, statistic), and the legacy table raw: by the
    /// kernel's list of what is registered, and its configuration. With `--active` rules with them are made;
    /// where dockerd is told to use its nftables backend, rules of nf_tables (fib, ct, nat, masq).
    ///
    /// ## Why it matters
    /// dockerd exits when a rule for its chains is refused. Kernels made for small VMs and appliances leave
    /// extensions out, and the message (`No such file or directory`, `revision 0 not supported`) names none. A few stable
    /// kernels of autumn 2024 have the target MARK for IPv4 only: kube-proxy's rules for IPv6 fail (`unknown option
    /// "--xor-mark"`).
    ///
    /// ## When it is fine
    /// The list has only what is loaded: on a kernel with modules, an extension that is not listed comes
    /// when a rule asks for it, and the kernel loads it itself, from a container too. Without modules the
    /// list is all there is. The nftables backend (Docker 29) has expressions of its own, and `--iptables=false` needs nothing. The
    /// table raw is used from Docker 28.0.1 on, for published ports.
    ///
    /// ## How to fix
    /// A kernel with the options that are missing, or dockerd with the nftables backend, if the kernel has
    /// nf_tables. For raw alone: `DOCKER_INSECURE_NO_IPTABLES_RAW=1`.
    ///
    /// ## References
    /// livecycle/preevy#453; moby#49557; pitkley/dfw#370; tailscale#13863; k3s#11175; bottlerocket#4295.
    "netfilter-extension-missing",
    "The kernel lacks an iptables extension that rules need",
    { dockerd: Error, kind: Error, rootless: Error, buildkit: Warning },
    [
        "revision 0 not supported, missing kernel module?",
        "Couldn't load match `addrtype'",
        "can't initialize iptables table `raw'",
        "failed to create NAT chain DOCKER",
        "RULE_APPEND failed (No such file or directory)",
        "CHAIN_ADD failed (No such file or directory)",
        "No chain/target/match by that name",
        "unknown option \"--xor-mark\"",
        "unknown option \"--set-xmark\"",
    ],
    trials: [Netfilter]
}

/// Rules of dockerd, and thereby of everything that uses its networks.
const DOCKER: [&str; 4] = ["match addrtype", "match conntrack", "target DNAT", "target MASQUERADE"];
const RAW: &str = "table raw";

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if plan.is_rootless_podman() {
        return Ok(Outcome::not_applicable("for a user podman makes no firewall rules"));
    }
    let podman = plan.target == Target::Podman;
    let firewall = if podman { Firewall::Iptables } else { backend::firewall(facts) };
    facts.engines.told()?;
    if firewall == Firewall::Off {
        return Ok(Outcome::not_applicable("dockerd is told to use no iptables"));
    }
    if facts.sandbox()? == Sandbox::Gvisor {
        return Ok(Outcome::not_applicable("gVisor has its own network stack"));
    }
    // A daemon that runs has made its rules, or it would have exited.
    let runs =
        !podman && facts.engines.named("dockerd").any(|d| d.same_mount_namespace == Some(true));
    if firewall == Firewall::Nftables && !runs {
        let untried = || Outcome::not_applicable("dockerd is told to use no iptables");
        return Ok(nftables::rules(facts).unwrap_or_else(untried));
    }
    let (docker, others): (Vec<&Extension>, Vec<&Extension>) = missing(facts)
        .filter(|extension| extension.name != RAW)
        .partition(|extension| DOCKER.contains(&extension.name.as_str()));
    let mut found = Vec::new();
    if !docker.is_empty() && !runs {
        found.push(finding(
            facts,
            &docker,
            severities!(dockerd: Error, kind: Error, rootless: Error, buildkit: Warning)
                .with(Target::Podman, Some(of_podman(facts)?)),
            if podman { "podman's rules need" } else { "dockerd's rules need" },
        ));
    }
    if !others.is_empty() {
        found.push(finding(facts, &others, severities!(kind: Error), "kube-proxy's rules need"));
    }
    if !podman && !runs {
        found.extend(raw(facts)?);
    }
    found.extend(mark6::unregistered(facts));
    // On a kernel that takes no modules, what is not known is known to be nowhere else.
    let unknown = facts
        .netfilter
        .extensions
        .iter()
        .filter(|e| tried(facts, e).is_none())
        .find(|e| e.present == Tri::Unknown && DOCKER.contains(&e.name.as_str()));
    let fixed = facts.kernel.modules_loadable.is_known_and(|loadable| !loadable);
    match unknown {
        Some(extension) if found.is_empty() && fixed && !runs => {
            Err(Unknown::new(extension.source.as_str(), Why::NotPermitted))
        }
        _ => Ok(Outcome::of_or(found, || pass(facts))),
    }
}

/// podman before 6 makes its rules by iptables, but where a distribution chose nftables, as Fedora does from 41 on.
fn of_podman(facts: &Facts) -> Result<Severity, Unknown> {
    let podman = facts.versions.sure(Component::Podman)?;
    let fedora = facts.kernel.release.is_known_and(|release| release.contains(".fc"));
    let by_iptables = !podman.is_assumed() && !podman.version.at_least(6, 0) && !fedora;
    Ok(if by_iptables { Severity::Error } else { Severity::Warning })
}

fn missing(facts: &Facts) -> impl Iterator<Item = &Extension> {
    facts.netfilter.extensions.iter().filter(|extension| match tried(facts, extension) {
        Some((_, step)) => step.refused.is_some(),
        None => {
            extension.present.is_no()
                || extension.present == Tri::Unknown && is_registered_where(extension, facts)
        }
    })
}

/// What is registered is all there is on a machine that has no modules for its kernel.
fn is_registered_where(extension: &Extension, facts: &Facts) -> bool {
    parts::nothing_comes(facts) && extension.source.starts_with("/proc/net/ip_tables_")
}

/// The step that made a rule with the extension; nothing is told where no rule could be made at all.
fn tried<'a>(facts: &'a Facts, extension: &Extension) -> Option<(&'a Trial, &'a Step)> {
    let action = match extension.name.as_str() {
        "match addrtype" => Action::MatchAddrtype,
        "match conntrack" => Action::MatchConntrack,
        "target MASQUERADE" => Action::Masquerade,
        RAW => Action::RawTable,
        _ => return None,
    };
    let trial = backend::tried(facts).filter(|trial| trial.worked(Action::NatChain))?;
    Some((trial, trial.steps(action).next()?))
}

fn pass(facts: &Facts) -> Outcome {
    let rules =
        [Action::NatChain, Action::MatchAddrtype, Action::MatchConntrack, Action::Masquerade];
    let proved =
        backend::tried(facts).is_some_and(|trial| rules.into_iter().all(|rule| trial.worked(rule)));
    if proved { Outcome::proved() } else { Outcome::pass() }
}

fn finding(facts: &Facts, missing: &[&Extension], severity: Severities, who: &str) -> Finding {
    let names: Vec<&str> = missing.iter().map(|extension| extension.name.as_str()).collect();
    let names = names.join(", ");
    let mut finding = Finding::new(
        "iptables extensions",
        severity,
        format!("this kernel has no {names}, which {who}"),
    );
    for extension in missing {
        finding = match tried(facts, extension) {
            Some((trial, step)) => finding.tried(trial, step),
            None => finding.evidence(extension.source.as_str(), format!("no {}", extension.name)),
        };
    }
    if facts.netfilter.nft_kernel.is_no() && facts.netfilter.legacy_kernel.is_no() {
        finding = finding.caused_by("iptables-backend-unusable");
    }
    if let Some(remedy) = extra_package(facts, missing) {
        finding = finding.remedy(remedy);
    }
    finding.remedy(Remedy::advice(Place::Host, format!("use a kernel with {}", options(missing))))
}

/// What a distribution leaves out of its small images.
fn extra_package(facts: &Facts, missing: &[&Extension]) -> Option<Remedy> {
    let of_disk = missing.iter().any(|extension| extension.source.starts_with("/lib/modules/"));
    let release = facts.kernel.release.known().filter(|_| of_disk)?;
    let (package, install) = if [".el", ".fc", ".amzn"].iter().any(|mark| release.contains(mark)) {
        (format!("kernel-modules-extra-{release}"), "dnf install -y")
    } else if facts.kernel.ubuntu_signature.is_known_and(Option::is_some) {
        (format!("linux-modules-extra-{release}"), "apt-get install -y")
    } else {
        return None;
    };
    Some(Remedy::commands(
        Place::Host,
        "install the rest of this kernel's modules, and load them at every boot",
        [format!("{install} {}", quote(&package))],
    ))
}

fn options(missing: &[&Extension]) -> String {
    let option = |extension: &&Extension| match extension.name.as_str() {
        "match mark" | "target MARK" => "CONFIG_NETFILTER_XT_MARK",
        "target DNAT" => "CONFIG_NETFILTER_XT_NAT",
        "target MASQUERADE" => "CONFIG_NETFILTER_XT_TARGET_MASQUERADE",
        "match addrtype" => "CONFIG_NETFILTER_XT_MATCH_ADDRTYPE",
        "match comment" => "CONFIG_NETFILTER_XT_MATCH_COMMENT",
        "match statistic" => "CONFIG_NETFILTER_XT_MATCH_STATISTIC",
        "target REJECT" => "CONFIG_IP_NF_TARGET_REJECT",
        _ => "CONFIG_NETFILTER_XT_MATCH_CONNTRACK",
    };
    let mut options: Vec<&str> = missing.iter().map(option).collect();
    options.dedup();
    options.join(", ")
}

/// NVIDIA's kernels for Jetson are built without (`-tegra`, up to 5.15), and nothing here shows that this one has it.
fn comes_without_raw(facts: &Facts, extension: &Extension) -> bool {
    let tegra = facts.kernel.release.is_known_and(|release| release.ends_with("-tegra"));
    let older = facts.kernel.version.is_known_and(|version| !version.at_least(6, 0));
    let tables = facts.netfilter.legacy_tables.known().into_iter().flatten();
    let registered = tables.into_iter().any(|table| table.name == "raw");
    tegra
        && older
        && extension.present == Tri::Unknown
        && !registered
        && tried(facts, extension).is_none()
}

/// nf_tables has no table that could be missing.
fn raw(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    let unseen =
        |extension: &&Extension| extension.name == RAW && comes_without_raw(facts, extension);
    let extensions = &facts.netfilter.extensions;
    let found = missing(facts).find(|extension| extension.name == RAW);
    let Some(extension) = found.or_else(|| extensions.iter().find(unseen)) else {
        return Ok(None);
    };
    let Some(Some(tool)) = facts.netfilter.iptables.told()? else { return Ok(None) };
    tool.flavour.told()?;
    if backend::selected(facts, tool) != Some(ToolFlavour::Legacy) {
        return Ok(None);
    }
    let docker = facts.versions.sure(Component::Docker)?;
    if docker.version < Version::new(28, 0, 1) {
        return Ok(None);
    }
    Ok(Some(
        Finding::new(
            RAW,
            severities!(dockerd: Warning, kind: Error),
            format!("this kernel has no table raw: Docker {} publishes no ports", docker.version),
        )
        .evidence(
            if found.is_some() { extension.source.as_str() } else { "uname" },
            if found.is_some() {
                "CONFIG_IP_NF_RAW is off"
            } else {
                "Jetson's kernels come without iptable_raw"
            },
        )
        .rests_on(Component::Docker, &docker)
        .remedy(Remedy::container(
            "let dockerd do without it; containers can then be reached past their published ports",
            [ContainerSetting::Variable("DOCKER_INSECURE_NO_IPTABLES_RAW".into(), "1".into())],
        )),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::Fact::Known,
        testing::{healthy_container, healthy_vm},
    };

    fn with(extensions: &[(&str, Tri)], loadable: bool) -> Facts {
        let mut facts = healthy_container();
        facts.kernel.modules_loadable = Known(loadable);
        let row = |(name, present): &(&str, Tri)| Extension {
            name: (*name).into(),
            present: *present,
            source: "/proc/net/ip_tables_matches".into(),
        };
        facts.netfilter.extensions = extensions.iter().map(row).collect();
        facts
    }

    fn legacy(mut facts: Facts) -> Facts {
        if let Known(Some(tool)) = &mut facts.netfilter.iptables {
            tool.flavour = Known(ToolFlavour::Legacy);
        }
        facts
    }

    fn finding(facts: &Facts) -> Finding {
        match judged(facts) {
            Ok(Outcome::Found(findings)) if findings.len() == 1 => {
                assert!(findings[0].severity.within(&CHECK.worst));
                findings[0].clone()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_dockerd_needs_stops_everything() {
        let facts = with(&[("match addrtype", Tri::No), ("match conntrack", Tri::Yes)], false);
        let found = finding(&facts);
        assert_eq!(found.severity, CHECK.worst);
        assert_eq!(found.summary, "this kernel has no match addrtype, which dockerd's rules need");
    }

    #[test]
    fn what_kube_proxy_needs_stops_kind() {
        let found = finding(&with(&[("match mark", Tri::No), ("target MARK", Tri::No)], true));
        assert_eq!(found.severity, severities!(kind: Error));
        assert_eq!(found.remedies[0].text, "use a kernel with CONFIG_NETFILTER_XT_MARK");
    }

    #[test]
    fn raw_matters_to_legacy_and_new_engines() {
        let facts = with(&[(RAW, Tri::No)], false);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        let mut facts = legacy(facts);
        assert_eq!(finding(&facts).severity, severities!(dockerd: Warning, kind: Error));
        facts.versions.give(Component::Docker, Version::new(27, 0, 0));
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn a_jetson_comes_without_raw_unless_something_shows_it() {
        let jetson = |present| {
            let mut facts = legacy(with(&[(RAW, present)], true));
            facts.kernel.release = Known("5.15.148-tegra".into());
            facts.kernel.version = Known(Version::new(5, 15, 148));
            facts.versions.give(Component::Docker, Version::new(28, 0, 1));
            facts
        };
        let found = finding(&jetson(Tri::Unknown));
        assert_eq!(found.severity, severities!(dockerd: Warning, kind: Error));
        assert!(found.evidence[0].value.contains("Jetson"));
        assert_eq!(judged(&jetson(Tri::Yes)), Ok(Outcome::pass()));
        let mut other = jetson(Tri::Unknown);
        other.kernel.release = Known("5.15.0-91-generic".into());
        assert_eq!(judged(&other), Ok(Outcome::pass()));
        let mut registered = jetson(Tri::Unknown);
        registered.netfilter.legacy_tables = Known(alloc::vec![crate::facts::LegacyTable {
            family: 4,
            name: "raw".into(),
            count: crate::facts::Fact::missing("IPT_SO_GET_INFO", Why::NotPermitted),
        }]);
        assert_eq!(judged(&registered), Ok(Outcome::pass()));
    }

    #[test]
    fn podman_before_6_makes_rules_by_iptables_but_on_fedora() {
        use crate::testing::severity_for;
        let mut facts = with(&[("match addrtype", Tri::No)], false);
        assert_eq!(severity_for(&CHECK, &facts, Target::Podman), Some(Severity::Warning));
        facts.versions.give(Component::Podman, Version::new(5, 0, 0));
        assert_eq!(severity_for(&CHECK, &facts, Target::Podman), Some(Severity::Error));
        facts.kernel.release = Known("6.11.4-301.fc41.x86_64".into());
        assert_eq!(severity_for(&CHECK, &facts, Target::Podman), Some(Severity::Warning));
    }

    #[test]
    fn modules_that_are_not_loaded_may_come() {
        assert_eq!(judged(&with(&[("match addrtype", Tri::Unknown)], true)), Ok(Outcome::pass()));
        assert!(judged(&with(&[("match addrtype", Tri::Unknown)], false)).is_err());
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    }

    #[test]
    fn who_makes_no_rules_by_iptables_needs_none() {
        let mut facts = with(&[("match addrtype", Tri::No)], false);
        if let Known(config) = &mut facts.engines.daemon_json {
            config.content = serde_json::json!({"firewall-backend": "nftables"});
        }
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
        let steps = [
            (Action::MakeTable, "", None),
            (Action::MakeRule, "fib daddr type local", Some("ENOENT")),
        ];
        crate::testing::tried(
            &mut facts,
            crate::facts::TrialName::Netfilter,
            crate::facts::NF_TABLES,
            &steps,
        );
        assert!(finding(&facts).summary.contains("no rule with fib daddr type local"));
        let mut facts = with(&[("match addrtype", Tri::No)], false);
        facts.runtime.sandbox = Sandbox::Gvisor;
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_rule_that_was_made_or_refused_decides() {
        use crate::{facts::TrialName, testing::tried};
        let made = |rule: Option<&str>, chain: Option<&str>| {
            let mut facts = with(&[("match addrtype", Tri::Unknown)], false);
            let steps = [
                (Action::NatChain, "", chain),
                (Action::MatchAddrtype, "", rule),
                (Action::MatchConntrack, "", None),
                (Action::Masquerade, "", None),
            ];
            tried(&mut facts, TrialName::Netfilter, "/usr/sbin/iptables", &steps);
            facts
        };
        assert_eq!(judged(&made(None, None)), Ok(Outcome::proved()));
        let found = finding(&made(Some("Couldn't load match `addrtype'"), None));
        assert_eq!(found.severity, CHECK.worst);
        assert!(found.evidence[0].source.starts_with("trial: make a rule with addrtype"));
        assert!(
            judged(&made(Some("EPERM"), Some("EPERM"))).is_err(),
            "no rule could be made at all"
        );
    }
}
