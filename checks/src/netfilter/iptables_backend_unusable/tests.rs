use alloc::{vec, vec::Vec};

use super::*;
use crate::{
    facts::{EngineProcess, Fact, Fact::Known, TrialName},
    testing::{healthy_container, healthy_vm},
    version::{Component, Version},
};

/// A kernel without modules that serves these.
fn on_kernel(flavour: ToolFlavour, nft: Tri, legacy: Tri) -> Facts {
    let mut facts = healthy_container();
    if let Known(Some(tool)) = &mut facts.netfilter.iptables {
        tool.flavour = Known(flavour);
    }
    facts.netfilter.nft_kernel = nft;
    facts.netfilter.legacy_kernel = legacy;
    facts.kernel.modules_loadable = Known(false);
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

fn commands(finding: &Finding) -> Vec<String> {
    let rendered =
        finding.remedies.iter().flat_map(|r| r.render(&crate::facts::Launcher::None.into()));
    rendered.flat_map(|r| r.commands).collect()
}

#[test]
fn a_legacy_tool_on_a_kernel_that_only_has_nft() {
    let found = finding(&on_kernel(ToolFlavour::Legacy, Tri::Yes, Tri::No));
    assert_eq!(found.severity, TOOL);
    let commands = commands(&found);
    assert_eq!(commands[0], "update-alternatives --set iptables /usr/sbin/iptables-nft");
    assert!(commands.contains(&"docker run -e DOCKER_IPTABLES_LEGACY= IMAGE".into()));
    assert!(commands.contains(&"dockerd --firewall-backend=nftables".into()));
}

#[test]
fn an_nft_tool_on_a_kernel_that_only_has_legacy() {
    let mut facts = on_kernel(ToolFlavour::Nft, Tri::No, Tri::Yes);
    let modprobe = |found: &Finding| commands(found).iter().any(|c| c.starts_with("modprobe"));
    let found = finding(&facts);
    assert!(commands(&found).contains(&"docker run -e DOCKER_IPTABLES_LEGACY=1 IMAGE".into()));
    assert!(!modprobe(&found), "this kernel loads no modules");
    facts.kernel.modules_loadable = Known(true);
    assert!(modprobe(&finding(&facts)));
}

#[test]
fn docker_28_is_not_told_of_a_backend_that_it_does_not_have() {
    let mut facts = on_kernel(ToolFlavour::Legacy, Tri::Yes, Tri::No);
    facts.versions.give(Component::Docker, Version::new(28, 0, 0));
    assert!(!commands(&finding(&facts)).iter().any(|c| c.contains("firewall-backend")));
}

#[test]
fn the_right_flavour_passes() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    for (flavour, nft, legacy) in [
        (ToolFlavour::Nft, Tri::Yes, Tri::No),
        (ToolFlavour::Legacy, Tri::No, Tri::Yes),
        (ToolFlavour::Legacy, Tri::Unknown, Tri::Yes),
    ] {
        assert_eq!(judged(&on_kernel(flavour, nft, legacy)), Ok(Outcome::pass()));
    }
}

#[test]
fn tables_that_are_not_loaded_may_come() {
    let mut facts = on_kernel(ToolFlavour::Legacy, Tri::Yes, Tri::Unknown);
    facts.kernel.modules_loadable = Known(true);
    assert!(judged(&facts).is_err());
    facts.kernel.modules_loadable = Fact::missing("/proc/modules", Why::NotPermitted);
    assert!(judged(&facts).is_err());
}

#[test]
fn what_was_not_asked_is_unknown() {
    assert!(judged(&on_kernel(ToolFlavour::Nft, Tri::Unknown, Tri::Yes)).is_err());
    let mut facts = healthy_container();
    facts.netfilter.iptables = Fact::missing("PATH", Why::Redacted);
    assert!(judged(&facts).is_err());
}

#[test]
fn a_kernel_with_neither_is_certain_whatever_the_tool() {
    let mut facts = on_kernel(ToolFlavour::Nft, Tri::No, Tri::No);
    facts.netfilter.iptables = Fact::missing("PATH", Why::Redacted);
    assert_eq!(finding(&facts).severity, CHECK.worst);
}

#[test]
fn dind_falls_back_to_legacy_by_itself() {
    let mut facts = on_kernel(ToolFlavour::Nft, Tri::No, Tri::Yes);
    let dind = Known(vec!["/usr/local/bin/dockerd-entrypoint.sh".into()]);
    facts.engines.preparing_entrypoints = dind;
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    let forced = vec![(backend::DIND_VARIABLE.into(), "".into())];
    facts.runtime.variables = Known(forced);
    assert_eq!(finding(&facts).severity, TOOL);
}

#[test]
fn no_rules_no_question() {
    let mut facts = on_kernel(ToolFlavour::Nft, Tri::No, Tri::No);
    if let Known(config) = &mut facts.engines.daemon_json {
        config.content = serde_json::json!({"iptables": false});
    }
    assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
}

#[test]
fn the_nftables_backend_wants_nft_only() {
    let mut facts = on_kernel(ToolFlavour::Legacy, Tri::Yes, Tri::No);
    if let Known(config) = &mut facts.engines.daemon_json {
        config.content = serde_json::json!({"firewall-backend": "nftables"});
    }
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.netfilter.nft = Known(None);
    assert_eq!(finding(&facts).subject, "nft");
    facts.netfilter.nft = Fact::missing("PATH", Why::Redacted);
    assert!(judged(&facts).is_err());
}

#[test]
fn a_missing_program_matters_where_a_dockerd_is() {
    let mut facts = healthy_container();
    facts.netfilter.iptables = Known(None);
    assert_eq!(finding(&facts).severity, severities!(dockerd: Error, kind: Error));
    let nftables = "dockerd --firewall-backend=nftables".into();
    assert!(commands(&finding(&facts)).contains(&nftables), "which needs no iptables");
    facts.engines.dockerd = Known(None);
    assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    facts.engines.dockerd = Fact::missing("PATH", Why::Redacted);
    assert!(judged(&facts).is_err());
}

#[test]
fn a_daemon_that_runs_has_made_its_chains() {
    let mut facts = on_kernel(ToolFlavour::Nft, Tri::No, Tri::Yes);
    facts.engines.running = Known(vec![EngineProcess {
        name: "dockerd".into(),
        pid: 7,
        arguments: Known(vec![]),
        same_mount_namespace: Some(true),
    }]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn gvisor_has_another_stack() {
    let mut facts = on_kernel(ToolFlavour::Nft, Tri::No, Tri::No);
    facts.runtime.sandbox = Sandbox::Gvisor;
    assert!(judged(&facts).is_err());
}

fn tried_to(facts: &mut Facts, chain: Option<&str>, packet: Option<&str>) {
    let steps = [
        (Action::Nftables, "", None),
        (Action::NatChain, "", chain),
        (Action::Masquerade, "", None),
        (Action::SendPacket, "", packet),
    ];
    crate::testing::tried(facts, TrialName::Netfilter, "/usr/sbin/iptables", &steps);
}

#[test]
fn rules_that_were_made_and_met_are_proof_whatever_the_kernel_seems_to_have() {
    let mut facts = on_kernel(ToolFlavour::Legacy, Tri::Yes, Tri::Unknown);
    assert!(judged(&facts).is_err());
    tried_to(&mut facts, None, None);
    assert_eq!(judged(&facts), Ok(Outcome::proved()));
}

#[test]
fn a_program_that_makes_no_chain_is_found_with_what_it_says() {
    let mut facts = on_kernel(ToolFlavour::Legacy, Tri::Yes, Tri::Unknown);
    tried_to(&mut facts, Some("can't initialize iptables table `nat'"), None);
    let found = finding(&facts);
    assert_eq!(found.proof(), crate::outcome::Proof::Trial);
    assert_eq!(commands(&found)[0], "update-alternatives --set iptables /usr/sbin/iptables-nft");
}

#[test]
fn who_may_not_make_rules_has_tried_nothing() {
    let mut facts = on_kernel(ToolFlavour::Nft, Tri::Yes, Tri::Yes);
    tried_to(&mut facts, Some("Permission denied (you must be root)"), None);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn rules_that_packets_do_not_meet_are_a_warning() {
    let mut facts = on_kernel(ToolFlavour::Nft, Tri::Yes, Tri::Yes);
    tried_to(&mut facts, None, Some("it arrived from 192.0.2.1: the rule was not applied"));
    assert_eq!(
        finding(&facts).severity,
        severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Info)
    );
}

#[test]
fn a_definite_no_of_the_configuration_is_not_softened() {
    let mut facts = on_kernel(ToolFlavour::Legacy, Tri::Yes, Tri::No);
    facts.kernel.modules_loadable = Known(true);
    assert_eq!(finding(&facts).severity, TOOL);
}

#[test]
fn a_backend_that_lacks_a_part() {
    let mut facts = on_kernel(ToolFlavour::Nft, Tri::Yes, Tri::Yes);
    crate::testing::module(&mut facts, "nft_compat", crate::facts::ModuleState::LeftOut);
    let found = finding(&facts);
    assert!(found.summary.ends_with("this kernel was built without nft_compat"));
    assert_eq!(commands(&found)[0], "update-alternatives --set iptables /usr/sbin/iptables-legacy");
    // What was tried counts before what was read.
    asked(&mut facts, None, None);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn a_module_on_the_disk_comes_when_the_program_asks_for_it() {
    let mut facts = on_kernel(ToolFlavour::Legacy, Tri::Yes, Tri::Unknown);
    crate::testing::module(&mut facts, "ip_tables", crate::facts::ModuleState::OnDisk);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

/// What the kernel itself said, without a program.
fn asked(facts: &mut Facts, nft: Option<&str>, legacy: Option<&str>) {
    let steps = [
        (Action::LegacyTable, "nat", legacy),
        (Action::LegacyTable, "filter", legacy),
        (Action::MakeTable, "", nft),
    ];
    crate::testing::tried(facts, TrialName::Netfilter, crate::facts::NF_TABLES, &steps);
}

#[test]
fn a_kernel_that_was_asked_is_known_though_the_program_was_not_run() {
    let mut facts = on_kernel(ToolFlavour::Legacy, Tri::Unknown, Tri::Unknown);
    assert!(judged(&facts).is_err());
    asked(&mut facts, None, None);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    let mut facts = on_kernel(ToolFlavour::Legacy, Tri::Unknown, Tri::Unknown);
    asked(&mut facts, None, Some("ENOENT"));
    let found = finding(&facts);
    assert_eq!(found.proof(), crate::outcome::Proof::Trial);
    assert!(found.summary.contains("this kernel has no ip_tables"));
    let mut facts = on_kernel(ToolFlavour::Nft, Tri::Unknown, Tri::Unknown);
    asked(&mut facts, Some("EOPNOTSUPP"), Some("ENOENT"));
    assert_eq!(finding(&facts).subject, "netfilter", "neither");
}

#[test]
fn a_kernel_that_only_seemed_to_have_neither_passes() {
    let mut facts = on_kernel(ToolFlavour::Nft, Tri::No, Tri::No);
    asked(&mut facts, None, Some("ENOENT"));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn the_nftables_backend_is_judged_by_what_was_made() {
    let mut facts = on_kernel(ToolFlavour::Nft, Tri::Unknown, Tri::Yes);
    if let Known(config) = &mut facts.engines.daemon_json {
        config.content = serde_json::json!({"firewall-backend": "nftables"});
    }
    assert!(judged(&facts).is_err());
    let mut works = facts.clone();
    asked(&mut works, None, None);
    assert_eq!(judged(&works), Ok(Outcome::proved()));
    asked(&mut facts, Some("EOPNOTSUPP"), None);
    let found = finding(&facts);
    assert_eq!(found.severity, severities!(dockerd: Error, kind: Error));
    assert_eq!(found.proof(), crate::outcome::Proof::Trial);
}
