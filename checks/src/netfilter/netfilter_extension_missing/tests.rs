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
    let steps =
        [(Action::MakeTable, "", None), (Action::MakeRule, "fib daddr type local", Some("ENOENT"))];
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
    assert!(judged(&made(Some("EPERM"), Some("EPERM"))).is_err(), "no rule could be made at all");
}

#[test]
fn sessions_need_recent_and_nothing_else_does() {
    let found = finding(&with(&[("match recent", Tri::No)], false));
    assert_eq!(found.severity, severities!(kind: Warning));
    for present in [Tri::Yes, Tri::Unknown] {
        let facts = with(&[("match recent", present)], true);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }
}
