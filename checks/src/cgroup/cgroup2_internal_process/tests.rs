use alloc::vec;

use super::*;
use crate::{
    cgroup::testing::{findings, v1_pod, v2_pod},
    facts::{CgroupChild, EngineProcess, Why},
    testing::{healthy_container, healthy_vm},
};

fn list(names: &str) -> Fact<Vec<Text>> {
    Fact::Known(names.split_whitespace().map(Into::into).collect())
}

fn base(facts: &mut Facts) -> &mut CgroupDirectory {
    match &mut facts.cgroup.base {
        Fact::Known(base) => base,
        Fact::Missing(_) => panic!("the healthy container has a base"),
    }
}

/// The entrypoint and dockerd sit in the container's own cgroup.
fn unprepared() -> Facts {
    let mut facts = healthy_container();
    base(&mut facts).subtree_control = list("");
    base(&mut facts).procs = Fact::Known(Procs { pids: vec![1, 7, 42], foreign: 0, count: 3 });
    facts
}

fn engine(name: &str, same: bool) -> EngineProcess {
    EngineProcess {
        name: name.into(),
        pid: 7,
        arguments: Fact::Known(vec![name.into()]),
        same_mount_namespace: Some(same),
    }
}

#[test]
fn an_unprepared_custom_image_is_found() {
    let found = findings(judged(&unprepared())).remove(0);
    assert_eq!(found.severity, CHECK.worst);
    assert!(found.summary.contains("3 processes"), "{}", found.summary);
    assert!(found.summary.contains("cpu memory pids cpuset io"), "{}", found.summary);
}

#[test]
fn only_what_kubelet_needs_hurts_only_kind() {
    for (enabled, severity) in [
        ("cpu memory pids io", severities!(kind: Error)),
        ("cpu memory pids cpuset", severities!(kind: Warning)),
    ] {
        let mut facts = unprepared();
        base(&mut facts).subtree_control = list(enabled);
        assert_eq!(findings(judged(&facts))[0].severity, severity);
    }
}

#[test]
fn a_controller_that_is_not_there_is_not_missed_here() {
    let mut facts = unprepared();
    base(&mut facts).controllers = list("cpu pids");
    assert!(findings(judged(&facts))[0].summary.contains("so cpu pids cannot"));
}

#[test]
fn a_child_that_went_threaded_keeps_its_parent_stuck() {
    let mut facts = unprepared();
    let base = base(&mut facts);
    base.kind = Fact::Known(CgroupType::DomainThreaded);
    base.procs = Fact::Known(Procs::default());
    base.subtree_control = list("cpuset cpu pids");
    base.children = Fact::Known(vec![CgroupChild {
        name: "docker".into(),
        kind: Fact::Known(CgroupType::Threaded),
    }]);
    let found = findings(judged(&facts)).remove(0);
    assert!(found.summary.contains("domain threaded"), "{}", found.summary);
    assert!(found.evidence.iter().any(|e| e.source == "/sys/fs/cgroup/docker/cgroup.type"));
}

#[test]
fn inside_a_threaded_subtree_no_entrypoint_helps() {
    for kind in [CgroupType::Threaded, CgroupType::DomainInvalid] {
        let mut facts = unprepared();
        facts.engines.preparing_entrypoints = list("/usr/local/bin/dockerd-entrypoint.sh");
        base(&mut facts).kind = Fact::Known(kind);
        let found = findings(judged(&facts)).remove(0);
        assert_eq!(found.severity, CHECK.worst);
        assert_eq!(found.remedies[0].place, Place::Host);
    }
}

#[test]
fn a_prepared_container_stays_prepared_when_something_is_executed_in_it() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    let mut facts = healthy_container();
    base(&mut facts).procs = Fact::Known(Procs { pids: vec![99], foreign: 0, count: 1 });
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn an_empty_cgroup_can_still_be_prepared_and_foreign_processes_do_not_count() {
    let mut facts = unprepared();
    base(&mut facts).procs = Fact::Known(Procs { pids: vec![], foreign: 2, count: 2 });
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn an_entrypoint_that_prepares_is_trusted_until_a_daemon_runs_without_it() {
    let mut facts = unprepared();
    facts.engines.preparing_entrypoints = list("/usr/local/bin/dind");
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.engines.running = Fact::Known(vec![engine("dockerd", false)]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.engines.running = Fact::Known(vec![engine("dockerd", true)]);
    assert_eq!(findings(judged(&facts))[0].severity, CHECK.worst);
}

#[test]
fn a_node_prepares_for_itself_only() {
    let mut facts = unprepared();
    facts.engines.preparing_entrypoints = list("/usr/local/bin/entrypoint");
    assert_eq!(
        findings(judged(&facts))[0].severity,
        severities!(dockerd: Warning, rootless: Warning, buildkit: Warning)
    );
}

#[test]
fn the_root_v1_and_a_read_only_hierarchy_are_not_judged() {
    let mut read_only = unprepared();
    base(&mut read_only).writable = Fact::Known(false);
    for facts in [healthy_vm(), v2_pod(), v1_pod(), read_only] {
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }
}

#[test]
fn without_the_files_it_is_unknown() {
    let breaks: [fn(&mut Facts); 4] = [
        |facts| facts.cgroup.base = Fact::missing("/sys/fs/cgroup", Why::NotPermitted),
        |facts| base(facts).procs = Fact::missing("cgroup.procs", Why::NotPermitted),
        |facts| base(facts).subtree_control = Fact::missing("subtree_control", Why::NotPermitted),
        |facts| facts.engines.preparing_entrypoints = Fact::missing("/usr", Why::NotPermitted),
    ];
    for break_one in breaks {
        let mut facts = unprepared();
        break_one(&mut facts);
        assert!(judged(&facts).is_err());
    }
}

#[test]
fn a_child_that_has_controllers_and_takes_a_process_is_proof() {
    use crate::{outcome::Proof, testing::tried};
    let with = |mut facts: Facts, memory| {
        let steps = [(Action::ChildController, "memory", memory), (Action::EnterCgroup, "", None)];
        tried(&mut facts, TrialName::Cgroup, "/sys/fs/cgroup", &steps);
        judged(&facts)
    };
    assert_eq!(with(healthy_container(), None), Ok(Outcome::proved()));
    let Ok(Outcome::Found(found)) = with(unprepared(), Some("not enabled for children")) else {
        panic!()
    };
    assert_eq!(found[0].proof(), Proof::Trial);
}
