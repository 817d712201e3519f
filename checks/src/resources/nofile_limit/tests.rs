use alloc::vec;

use super::*;
use crate::{
    facts::{CapabilitySet, EngineProcess, Fact, Why},
    resources::testing::only_finding,
    testing::{healthy_container, healthy_vm},
};

fn with(mut facts: Facts, soft: u64, hard: u64) -> Facts {
    facts.resources.open_files = Fact::Known(Rlimit { soft: Some(soft), hard: Some(hard) });
    facts
}

#[test]
fn the_low_default_of_current_engines_is_found() {
    let finding = only_finding(judged(&with(healthy_container(), 1024, 524_288)));
    assert_eq!(
        finding.severity,
        severities!(dockerd: Info, kind: Info, rootless: Info, buildkit: Info)
    );
    assert!(finding.summary.contains("1024") && finding.summary.contains("524288"));
    let hard = only_finding(judged(&with(healthy_container(), 1024, 4096)));
    assert_eq!(hard.severity, CHECK.worst);
}

#[test]
fn docker_of_before_may_raise_it_for_its_containers() {
    let mut facts = with(healthy_container(), 1024, 4096);
    let dockerd = |facts: &Facts| only_finding(judged(facts)).severity.get(Target::Dockerd);
    facts.versions.read(Component::Docker, Version::new(20, 10, 24), "dpkg");
    assert_eq!(dockerd(&facts), Some(Severity::Info));
    facts.resources.open_files = Fact::Known(Rlimit { soft: Some(1024), hard: Some(524_288) });
    assert_eq!(judged(&facts), Ok(Outcome::pass()), "there is room");
    facts.resources.open_files = Fact::Known(Rlimit { soft: Some(1024), hard: Some(4096) });
    facts.versions.give(Component::Docker, Version::new(23, 0, 6));
    assert_eq!(dockerd(&facts), Some(Severity::Warning));
}

#[test]
fn a_thousand_million_is_found_and_the_kernels_default_passes() {
    let high = with(healthy_container(), 1_073_741_816, 1_073_741_816);
    assert!(only_finding(judged(&high)).summary.contains("1073741816"));
    assert_eq!(judged(&with(healthy_container(), 1 << 20, 1 << 20)), Ok(Outcome::pass()));
    assert_eq!(judged(&with(healthy_container(), 1 << 16, 1 << 30)), Ok(Outcome::pass()));
}

#[test]
fn a_session_on_a_host_is_not_what_services_get() {
    assert_eq!(judged(&with(healthy_vm(), 1024, 524_288)), Ok(Outcome::pass()));
    let finding = only_finding(judged(&with(healthy_vm(), 1024, 1024)));
    assert_eq!(finding.severity, severities!(rootless: Warning));
}

#[test]
fn nor_is_a_session_in_a_container_with_systemd() {
    let mut facts = with(healthy_container(), 1024, 524_288);
    facts.pid1.role = Role::Systemd;
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    let finding = only_finding(judged(&with(facts, 1024, 1024)));
    assert_eq!(finding.severity, severities!(rootless: Warning));
}

#[test]
fn a_limit_of_the_inner_daemon_decides() {
    let mut facts = with(healthy_container(), 1024, 524_288);
    facts.engines.running = Fact::Known(vec![EngineProcess {
        name: "dockerd".into(),
        pid: 9,
        arguments: Fact::Known(vec![
            "dockerd".into(),
            "--default-ulimit=nofile=65536:524288".into(),
        ]),
        same_mount_namespace: Some(true),
    }]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn without_the_limit_it_is_unknown() {
    let mut facts = healthy_container();
    facts.resources.open_files = Fact::missing("/proc/self/limits", Why::NotFound);
    assert!(judged(&facts).is_err());
}

#[test]
fn the_hard_limit_of_an_engine_counts_and_not_the_soft_one() {
    let mut facts = with(healthy_vm(), 1 << 16, 1 << 20);
    facts.capabilities.effective = Fact::Known(CapabilitySet(0));
    let limit = |soft, hard| Some(Fact::Known(Rlimit { soft: Some(soft), hard: Some(hard) }));
    facts.resources.containerd_open_files = limit(1024, 524_288);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.resources.containerd_open_files = limit(1024, 20_000);
    assert!(only_finding(judged(&facts)).summary.contains("20000"));
    facts.resources.containerd_open_files =
        Some(Fact::missing("limits of containerd", Why::NotPermitted));
    assert!(judged(&facts).is_err(), "root is not refused what it owns");
    facts.identity.euid = Fact::Known(1000);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn a_hard_limit_that_nobody_may_raise_is_what_containers_get() {
    let limited = with(healthy_container(), 20_000, 20_000);
    assert_eq!(judged(&limited), Ok(Outcome::pass()), "the capability raises it");
    let mut facts = limited;
    facts.capabilities.effective = Fact::Known(CapabilitySet(0));
    let finding = only_finding(judged(&facts));
    assert_eq!(finding.severity, severities!(dockerd: Info, buildkit: Info));
    assert!(finding.summary.contains("20000"), "{}", finding.summary);
    facts.capabilities.effective = Fact::missing("/proc/self/status", Why::NotFound);
    assert_eq!(judged(&facts), Ok(Outcome::pass()), "who may raise it is not known");
}
