use alloc::vec;

use super::*;
use crate::target::Severities;
use crate::{
    facts::{Fact, Fact::Known, TableCount, Tri, Why},
    testing::{healthy_container, healthy_vm},
    version::Version,
};

fn legacy(name: &str, pristine: u32, rules: u32) -> LegacyTable {
    LegacyTable {
        family: 4,
        name: name.into(),
        count: Known(TableCount { entries: pristine + rules, pristine }),
    }
}

fn nft(name: &str, rules: u32, chains: &[&str]) -> NftTable {
    NftTable {
        forward_drop: None,
        family: "ip".into(),
        name: name.into(),
        rules,
        chains: chains.iter().map(|c| (*c).into()).collect(),
    }
}

fn environment(tool: ToolFlavour, legacy: Vec<LegacyTable>, nft: Vec<NftTable>) -> Facts {
    let mut facts = healthy_container();
    if let Known(Some(iptables)) = &mut facts.netfilter.iptables {
        iptables.flavour = Known(tool);
    }
    facts.netfilter.legacy_tables = Known(legacy);
    facts.netfilter.nft_tables = Known(nft);
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

const WARNING: Severities = CHECK.worst;
const INFO: Severities = severities!(dockerd: Info, kind: Info, buildkit: Info);

#[test]
fn the_daemon_would_use_the_flavour_that_does_not_hold_the_engines_rules() {
    let dns = nft("nat", 4, &["DOCKER_OUTPUT", "OUTPUT"]);
    let facts = environment(ToolFlavour::Legacy, vec![legacy("nat", 5, 2)], vec![dns.clone()]);
    let found = finding(&facts);
    assert_eq!(found.severity, WARNING);
    let evidence =
        |source: &str| found.evidence.iter().find(|e| e.source == source).map(|e| e.value.as_str());
    assert_eq!(evidence("legacy tables"), Some("nat 2 rules"));
    assert_eq!(evidence("nf_tables"), Some("ip nat 4 rules (DOCKER_OUTPUT)"));
    assert_eq!(evidence("docker:dind would take"), Some("legacy"));
    assert!(evidence("a kind node would take").is_some_and(|v| v.starts_with("legacy")));
    let facts = environment(ToolFlavour::Nft, vec![legacy("nat", 5, 2)], vec![dns]);
    assert_eq!(finding(&facts).severity, INFO);
}

#[test]
fn legacy_rules_and_an_nft_daemon() {
    let rules = vec![nft("filter", 1, &["INPUT"])];
    let facts = environment(ToolFlavour::Nft, vec![legacy("nat", 5, 2)], rules);
    assert_eq!(finding(&facts).severity, WARNING);
}

#[test]
fn rules_of_one_flavour_and_a_daemon_of_the_other_are_told() {
    let dns = vec![nft("nat", 4, &["DOCKER_OUTPUT"])];
    let mut facts = environment(ToolFlavour::Legacy, vec![], dns);
    assert_eq!(finding(&facts).severity, INFO);
    facts.kernel.version = Known(Version::new(3, 10, 0));
    assert_eq!(finding(&facts).severity, WARNING);
    if let Known(Some(iptables)) = &mut facts.netfilter.iptables {
        iptables.flavour = Known(ToolFlavour::Nft);
    }
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn no_rules_and_one_flavour_pass() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    let facts = environment(ToolFlavour::Legacy, vec![legacy("nat", 5, 9)], vec![]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn native_tables_stand_beside_others() {
    let mut firewalld = nft("firewalld", 90, &[]);
    firewalld.family = "inet".into();
    let tables = vec![firewalld, nft("docker-bridges", 9, &[]), nft("nat", 0, &[])];
    let facts = environment(ToolFlavour::Legacy, vec![legacy("nat", 5, 2)], tables);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn empty_legacy_tables_only_flip_dind() {
    let mut facts = environment(ToolFlavour::Nft, vec![legacy("filter", 4, 0)], vec![]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    let dind = Known(vec!["/usr/local/bin/dockerd-entrypoint.sh".into()]);
    facts.engines.preparing_entrypoints = dind;
    assert_eq!(finding(&facts).severity, INFO);
    facts.runtime.variables = Known(vec![(backend::DIND_VARIABLE.into(), "1".into())]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn without_the_legacy_tables_it_is_unknown_where_nft_has_rules() {
    let mut facts = environment(ToolFlavour::Nft, vec![], vec![nft("nat", 4, &[])]);
    facts.netfilter.legacy_tables = Fact::missing("/proc/net/ip_tables_names", Why::NotPermitted);
    assert!(judged(&facts).is_err());
    facts.netfilter.legacy_kernel = Tri::No;
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.netfilter.legacy_kernel = Tri::Yes;
    facts.netfilter.nft_tables = Known(vec![]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn without_the_nft_tables_or_the_counts_it_is_unknown() {
    let mut facts = environment(ToolFlavour::Nft, vec![legacy("nat", 5, 2)], vec![]);
    facts.netfilter.nft_tables = Fact::missing("nfnetlink: tables", Why::NotProbed);
    assert!(judged(&facts).is_err());
    let mut table = legacy("nat", 5, 2);
    table.count = Fact::missing("IPT_SO_GET_INFO", Why::NotPermitted);
    let facts = environment(ToolFlavour::Nft, vec![table], vec![nft("nat", 4, &[])]);
    assert!(judged(&facts).is_err());
}

#[test]
fn a_tool_that_is_not_known_makes_it_worth_knowing_only() {
    let mut facts =
        environment(ToolFlavour::Nft, vec![legacy("nat", 5, 2)], vec![nft("nat", 4, &[])]);
    facts.netfilter.iptables = Known(None);
    assert_eq!(finding(&facts).severity, INFO);
}
