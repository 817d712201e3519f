use alloc::vec;

use super::*;
use crate::{
    facts::{EngineProcess, Fact, Fact::Known, Sandbox, Seccomp, Tri, Why},
    testing::{healthy_container, healthy_vm, mount, private},
    version::Version,
};

const ORDINARY: CapabilitySet = CapabilitySet(0xa804_25fb);

fn with_bounding(mut facts: Facts, bounding: CapabilitySet) -> Facts {
    facts.capabilities.bounding = Known(bounding);
    facts.capabilities.effective = Known(bounding);
    facts
}

fn without(facts: Facts, capability: Capability) -> Facts {
    let hole = CapabilitySet::from_iter([capability]);
    with_bounding(facts, CapabilitySet::up_to(40).without(hole))
}

fn findings(facts: &Facts) -> Vec<Finding> {
    match judged(facts) {
        Ok(Outcome::Found(findings)) => findings,
        Ok(Outcome::Pass(_)) => vec![],
        other => panic!("{other:?}"),
    }
}

fn severity_of(facts: &Facts) -> Severities {
    let findings = findings(facts);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].severity.within(&CHECK.worst));
    findings[0].severity
}

#[test]
fn an_ordinary_container_is_found_with_every_piece() {
    let mut facts = with_bounding(healthy_container(), ORDINARY);
    facts.security.seccomp = Known(Seccomp::Filter);
    facts.security.label = Known("docker-default (enforce)".into());
    let found = findings(&facts);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, CHECK.worst);
    assert_eq!(
        found[0].summary,
        "the container lacks CAP_NET_ADMIN, CAP_SYS_ADMIN, and the AppArmor profile docker-default \
         denies mounts"
    );
    assert!(found[0].evidence.iter().any(|e| e.value == "seccomp"));
    assert_eq!(found[0].remedies.len(), 2);
    facts.runtime.kubernetes = Tri::Yes;
    assert_eq!(findings(&facts)[0].remedies.len(), 3);
}

#[test]
fn privileged_containers_and_vms_pass() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
}

#[test]
fn what_docker_20_10_leaves_out_is_not_needed() {
    let mut facts = with_bounding(healthy_container(), CapabilitySet(0x3f_ffff_ffff));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.versions.give(Component::Docker, Version::new(20, 10, 24));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn one_default_capability_less_stops_every_container() {
    let facts = without(healthy_container(), Capability(29));
    assert_eq!(severity_of(&facts), severities!(dockerd: Error, kind: Error, buildkit: Error));
}

#[test]
fn without_net_admin_only_buildkit_goes_on() {
    let facts = without(healthy_container(), Capability::NET_ADMIN);
    assert_eq!(severity_of(&facts), severities!(dockerd: Error, kind: Error, buildkit: Info));
}

#[test]
fn a_hole_stops_the_privileged_containers_of_old_engines() {
    let mut facts = without(healthy_vm(), Capability(25));
    let found = findings(&facts);
    assert_eq!(found[0].severity, severities!(kind: Info));
    assert_eq!(found[0].assumed.len(), 1);
    facts.versions.give(Component::Docker, Version::new(20, 10, 24));
    let found = findings(&facts);
    assert_eq!(found[0].severity, severities!(dockerd: Info, kind: Error));
    assert!(found[0].summary.contains("20.10.24") && found[0].assumed.is_empty());
}

#[test]
fn without_cap_sys_resource_no_pod_starts_in_a_node() {
    let mut facts = without(healthy_vm(), Capability::SYS_RESOURCE);
    for facts in [&facts, &without(healthy_container(), Capability::SYS_RESOURCE)] {
        let found = findings(facts);
        assert_eq!(found[0].severity, severities!(kind: Error));
        assert!(found[0].summary.contains("no pod starts"));
        let rendered = found[0].remedies[0].render(&crate::facts::Launcher::None.into());
        let text = format!("{:?}", rendered[0].snippet);
        assert!(text.contains("restrict_oom_score_adj = true"));
    }
    // kind leaves it where it is by itself in a user namespace.
    facts.identity.namespaces.user = private(4_026_532_600);
    assert_eq!(severity_of(&facts), severities!(kind: Info));
}

#[test]
fn a_vm_whose_sessions_are_all_that_there_is_stops_engines() {
    let mut facts = with_bounding(healthy_vm(), ORDINARY);
    facts.pid1.role = Role::Application;
    assert_eq!(severity_of(&facts), CHECK.worst);
    facts.engines.running = Known(vec![EngineProcess {
        name: "dockerd".into(),
        pid: 7,
        arguments: Known(vec![]),
        same_mount_namespace: Some(true),
    }]);
    assert_eq!(severity_of(&facts).get(Target::Dockerd), Some(Severity::Warning));
}

#[test]
fn a_user_namespace_with_the_two_capabilities_is_enough() {
    let mut facts = healthy_container();
    facts.identity.namespaces.user = private(4_026_532_600);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    let two = [Capability::SYS_ADMIN, Capability::NET_ADMIN].into_iter().collect::<CapabilitySet>();
    let facts = with_bounding(facts, CapabilitySet(ORDINARY.0 | two.0));
    assert_eq!(severity_of(&facts), severities!(kind: Info));
}

#[test]
fn a_session_on_a_host_that_lacks_much_is_no_error() {
    let facts = with_bounding(healthy_vm(), ORDINARY);
    assert_eq!(
        severity_of(&facts),
        severities!(dockerd: Warning, kind: Warning, rootless: Info, systemd: Warning, buildkit: Warning)
    );
}

#[test]
fn only_profiles_that_are_known_to_deny_mounts_are_blamed() {
    let mut facts = healthy_container();
    for label in ["cri-containerd.apparmor.d (enforce)", "lxc-container-default-cgns (enforce)"] {
        facts.security.label = Known(label.into());
        assert_eq!(severity_of(&facts), CHECK.worst);
    }
    for label in ["lxc-container-default-with-nesting (enforce)", "docker-default (complain)"] {
        facts.security.label = Known(label.into());
        assert_eq!(judged(&facts), Ok(Outcome::pass()), "{label}");
    }
}

#[test]
fn a_filter_or_a_read_only_sys_alone_is_for_others_to_judge() {
    let mut facts = healthy_container();
    facts.security.seccomp = Known(Seccomp::Filter);
    if let Known(table) = &mut facts.mounts {
        table.rows.push(mount("/sys", "sysfs", &["ro"]));
    }
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn read_only_sysctls_degrade_unless_net_is_writable() {
    let mut facts = healthy_container();
    if let Known(table) = &mut facts.mounts {
        table.rows.push(mount("/proc/sys", "proc", &["ro"]));
    }
    assert_eq!(severity_of(&facts), severities!(dockerd: Warning, kind: Info));
    if let Known(table) = &mut facts.mounts {
        table.rows.push(mount("/proc/sys/net", "proc", &["rw"]));
    }
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn a_user_is_told_to_use_sudo() {
    let mut facts = healthy_container();
    facts.identity.euid = Known(1000);
    facts.capabilities.effective = Known(CapabilitySet(0));
    assert_eq!(severity_of(&facts), severities!(dockerd: Info, kind: Info, buildkit: Info));
    facts.security.no_new_privs = Known(true);
    assert_eq!(
        severity_of(&facts),
        severities!(dockerd: Warning, kind: Warning, buildkit: Warning)
    );
    facts.engines.running = Known(vec![EngineProcess {
        name: "dockerd".into(),
        pid: 7,
        arguments: Known(vec![]),
        same_mount_namespace: Some(true),
    }]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn without_the_capabilities_it_is_unknown_unless_something_else_is_certain() {
    let mut facts = healthy_container();
    facts.capabilities.bounding = Fact::missing("/proc/self/status", Why::Malformed);
    assert!(judged(&facts).is_err());
    facts.security.label = Known("docker-default (enforce)".into());
    assert_eq!(severity_of(&facts), CHECK.worst);
}

#[test]
fn without_the_label_it_is_unknown_where_an_lsm_may_give_one() {
    let mut facts = healthy_container();
    facts.security.label = Fact::missing("/proc/self/attr/current", Why::NotFound);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.security.label = Fact::missing("/proc/self/attr/current", Why::NotPermitted);
    assert!(judged(&facts).is_err());
    // What is certain is reported all the same.
    let facts = with_bounding(facts, ORDINARY);
    assert_eq!(severity_of(&facts), CHECK.worst);
}

#[test]
fn gvisor_gives_raw_sockets_by_a_flag_of_its_own() {
    let mut facts = without(healthy_container(), Capability::NET_RAW);
    assert_eq!(findings(&facts)[0].remedies[0].place, Place::Container);
    facts.runtime.sandbox = Sandbox::Gvisor;
    assert_eq!(findings(&facts)[0].remedies[0].place, Place::Host);
}
