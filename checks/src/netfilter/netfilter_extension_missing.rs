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
    /// that kube-proxy's need beside (comment, mark, MARK, statistic; recent for `sessionAffinity`), and the legacy table raw: by the
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
const RECENT: &str = "match recent";

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
        .filter(|extension| extension.name != RAW && extension.name != RECENT)
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
    found.extend(missing(facts).find(|extension| extension.name == RECENT).map(recent));
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

/// kube-proxy keeps a client on one endpoint by it; once a Service asks for that, no sync of its rules succeeds any more.
fn recent(extension: &Extension) -> Finding {
    let summary = "this kernel has no match recent: from the first Service with sessionAffinity ClientIP on, kube-proxy's rules fail";
    Finding::new(RECENT, severities!(kind: Warning), summary)
        .evidence(extension.source.as_str(), format!("no {RECENT}"))
        .remedy(Remedy::advice(
            Place::Host,
            "use a kernel with xt_recent (CONFIG_NETFILTER_XT_MATCH_RECENT), or no such Service",
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
mod tests;
