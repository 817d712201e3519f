//! What the legacy ip6tables needs, for networks that have IPv6.

use alloc::format;

use super::{
    backend::{self, Firewall},
    parts,
};
use crate::{
    facts::{Facts, ToolFlavour},
    outcome::{Finding, Unknown},
    plan::Plan,
    remedy::{DaemonOption, Place, Remedy},
    target::{Severity, Target},
    version::{Component, Version},
};

/// From Docker 27 on ip6tables is on; networks without IPv6 do not need it.
pub(crate) fn lacking(facts: &Facts, plan: &Plan) -> Result<Option<Finding>, Unknown> {
    let makes_rules = backend::firewall(facts) == Firewall::Iptables && plan.engine() == "dockerd";
    let tool = facts.netfilter.iptables.known().and_then(Option::as_ref).filter(|_| makes_rules);
    if tool.and_then(|tool| backend::selected(facts, tool)) != Some(ToolFlavour::Legacy) {
        return Ok(None);
    }
    let ipv6 = facts.net_sysctls.ipv6.is_known_and(|is_there| *is_there)
        && facts.net_sysctls.ipv6_disabled.is_known_and(|disabled| !disabled);
    let docker = facts.versions.of(Component::Docker);
    let told_not = backend::option(facts, "ip6tables").is_some_and(|value| value == "false");
    let lacking = (ipv6 && !told_not && docker.version.at_least(27, 0))
        .then(|| parts::lacking6(facts))
        .flatten();
    let Some(lacking) = lacking else { return Ok(None) };
    facts.versions.sure(Component::Docker)?;
    // kind asks for a network with IPv6; from 0.25 on it takes one without where Docker says that ip6tables failed.
    let kind = facts.versions.of(Component::Kind);
    let (of_kind, effect) = if plan.target == Target::Kind && !kind.version.at_least(0, 25) {
        (Severity::Error, ", and kind before 0.25 insists on one")
    } else {
        (Severity::Warning, "")
    };
    let mut finding = Finding::new(
        "ip6tables",
        severities!(dockerd: Warning).with(Target::Kind, Some(of_kind)),
        format!("networks with IPv6 cannot be made{effect}: {}", lacking.why),
    )
    .evidence(lacking.source, lacking.value)
    .rests_on(Component::Docker, &docker);
    if plan.target == Target::Kind {
        finding = finding.rests_on(Component::Kind, &kind);
    }
    if let Some(modules) = lacking.modules {
        finding = finding.remedy(Remedy::commands(
            Place::Host,
            "load the modules on the host, now and at every boot (/etc/modules-load.d)",
            [format!("modprobe -a {modules}")],
        ));
    }
    Ok(Some(finding.remedy(Remedy::daemon(
        "do without ip6tables: networks with IPv6 are then not filtered",
        [DaemonOption::ip6tables(false)],
    ))))
}

/// Docker 28.0.0, and no other, makes rules with ip6tables whatever it is told of IPv6. nf_tables takes them from a kernel
/// that was booted with `ipv6.disable=1`; the legacy ip6tables gets no socket.
pub(crate) fn refused(facts: &Facts, plan: &Plan) -> Result<Option<Finding>, Unknown> {
    let makes_rules = backend::firewall(facts) == Firewall::Iptables && plan.engine() == "dockerd";
    let told_not = backend::option(facts, "ip6tables").is_some_and(|value| value == "false");
    // A daemon that runs has made its rules.
    let runs = facts.engines.here("dockerd").next().is_some();
    if !makes_rules || told_not || runs {
        return Ok(None);
    }
    let docker = facts.versions.sure(Component::Docker)?;
    let tool = facts.netfilter.iptables.known().and_then(Option::as_ref);
    let legacy = tool.and_then(|tool| backend::selected(facts, tool)) == Some(ToolFlavour::Legacy);
    if !legacy || docker.version != Version::new(28, 0, 0) {
        return Ok(None);
    }
    let summary = "this kernel has no IPv6, and Docker 28.0.0 does not start without: ip6tables, address family not supported";
    Ok(Some(
        Finding::new("ip6tables", severities!(dockerd: Error, kind: Error), summary)
            .evidence("/proc/net/if_inet6", "not there")
            .rests_on(Component::Docker, &docker)
            .remedy(Remedy::daemon(
                "do without ip6tables, which has nothing to filter here",
                [DaemonOption::ip6tables(false)],
            ))
            .remedy(Remedy::advice(Place::Image, "use Docker 28.0.1 or later")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Tri, Why},
        plan::Plans,
        testing::healthy_container,
        version::Version,
    };

    fn without(version: Version) -> Facts {
        let mut facts = healthy_container();
        facts.versions.give(Component::Docker, version);
        facts.netfilter.legacy_kernel6 = Tri::Unknown;
        facts.kernel.modular = Known(true);
        facts.kernel.modules_directory = Known(false);
        if let Known(Some(tool)) = &mut facts.netfilter.iptables {
            tool.flavour = Known(ToolFlavour::Legacy);
        }
        facts
    }

    fn judge(facts: &Facts) -> Option<Finding> {
        lacking(facts, Plans::of(facts).get(Target::Dockerd).unwrap()).unwrap()
    }

    #[test]
    fn legacy_rules_for_ipv6_need_a_module_that_a_container_cannot_load() {
        let found = judge(&without(Version::new(27, 3, 1))).unwrap();
        assert_eq!(found.severity, severities!(dockerd: Warning, kind: Warning));
        assert!(found.remedies[0].text.contains("on the host"));
    }

    #[test]
    fn kind_before_0_25_insists_on_a_network_with_ipv6() {
        let of = |kind: Option<Version>| {
            let mut facts = without(Version::new(27, 0, 3));
            if let Some(kind) = kind {
                facts.versions.give(Component::Kind, kind);
            }
            let found = lacking(&facts, Plans::of(&facts).get(Target::Kind).unwrap()).unwrap();
            found.unwrap().severity.get(Target::Kind)
        };
        assert_eq!(of(Some(Version::new(0, 23, 0))), Some(Severity::Error));
        assert_eq!(of(Some(Version::new(0, 25, 0))), Some(Severity::Warning));
        assert_eq!(of(None), Some(Severity::Warning), "the newest takes one without");
    }

    #[test]
    fn who_makes_none_has_them_or_may_get_them_needs_nothing() {
        let old = without(Version::new(26, 1, 0));
        let mut off = without(Version::new(28, 0, 0));
        off.net_sysctls.ipv6_disabled = Known(true);
        let mut there = without(Version::new(28, 0, 0));
        there.netfilter.legacy_kernel6 = Tri::Yes;
        let mut comes = without(Version::new(28, 0, 0));
        comes.kernel.modules_directory = Known(true);
        let mut told = without(Version::new(28, 0, 0));
        if let Known(config) = &mut told.engines.daemon_json {
            config.content = serde_json::json!({"ip6tables": false});
        }
        let mut nft = without(Version::new(28, 0, 0));
        if let Known(Some(tool)) = &mut nft.netfilter.iptables {
            tool.flavour = Known(ToolFlavour::Nft);
        }
        for facts in [old, off, there, comes, told, nft] {
            assert_eq!(judge(&facts), None);
        }
    }

    #[test]
    fn a_list_that_cannot_be_read_says_nothing() {
        let mut facts = without(Version::new(28, 0, 0));
        facts.netfilter.legacy_tables = Fact::missing("/proc/net/ip6_tables_names", Why::Io(5));
        assert_eq!(judge(&facts), None);
    }

    #[test]
    fn one_release_does_not_start_without_ipv6() {
        let on = |facts: &Facts| {
            let plans = Plans::of(facts);
            refused(facts, plans.get(Target::Dockerd).unwrap()).unwrap()
        };
        let mut facts = without(Version::new(28, 0, 0));
        facts.net_sysctls.ipv6 = Known(false);
        let found = on(&facts).unwrap();
        assert_eq!(found.severity.get(Target::Dockerd), Some(Severity::Error));
        facts.versions.give(Component::Docker, Version::new(28, 0, 1));
        assert_eq!(on(&facts), None);
        facts.versions.give(Component::Docker, Version::new(28, 0, 0));
        if let Known(config) = &mut facts.engines.daemon_json {
            config.content = serde_json::json!({"ip6tables": false});
        }
        assert_eq!(on(&facts), None, "told to make none");
        if let Known(config) = &mut facts.engines.daemon_json {
            config.content = serde_json::json!({"ipv6": false});
        }
        assert!(on(&facts).is_some(), "which it does not mind");
        if let Known(Some(tool)) = &mut facts.netfilter.iptables {
            tool.flavour = Known(ToolFlavour::Nft);
        }
        assert_eq!(on(&facts), None, "nf_tables takes the rules");
    }
}
