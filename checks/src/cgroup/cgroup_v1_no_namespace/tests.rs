use alloc::vec;

use super::*;
use crate::{
    cgroup::testing::{POD, findings, hybrid_vm, set_v1, v1_container, v1_pod},
    facts::{Fact, Hierarchy, KubeletRoot, Why},
    remedy::Change,
    testing::{healthy_container, initial},
    version::{Component, Version},
};

const DOCKER: &str = "/docker/0123456789abcdef0123456789abcdef";

fn kind(facts: &Facts) -> Option<Severity> {
    findings(judged(facts))[0].severity.get(Target::Kind)
}

#[test]
fn a_pod_without_a_namespace_is_found_and_blocks_kind() {
    let found = findings(judged(&v1_pod()));
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].severity,
        severities!(dockerd: Info, kind: Error, systemd: Warning, buildkit: Info)
    );
    assert!(found[0].summary.contains(POD));
    assert_eq!(found[0].remedies[0].change.commands(), ["unshare --cgroup -- dockerd"]);
}

#[test]
fn outside_of_pods_kind_only_degrades() {
    let mut facts = healthy_container();
    set_v1(&mut facts, DOCKER, DOCKER);
    facts.identity.namespaces.cgroup = initial(4_026_531_835);
    assert_eq!(kind(&facts), Some(Severity::Warning));
    let remedies = &findings(judged(&facts))[0].remedies;
    assert!(matches!(remedies[0].change, Change::Container(_)));
}

#[test]
fn the_hosts_whole_hierarchy_gets_a_cgroup_parent_that_is_computed_at_start() {
    let mut facts = healthy_container();
    set_v1(&mut facts, DOCKER, "/");
    facts.identity.namespaces.cgroup = initial(4_026_531_835);
    assert_eq!(kind(&facts), Some(Severity::Error));
    let remedies = findings(judged(&facts)).remove(0).remedies;
    let commands: alloc::string::String =
        remedies.iter().map(|r| r.change.commands().concat()).collect();
    assert!(commands.contains("--cgroup-parent=\"$(awk"), "{commands}");
    assert!(!commands.contains(DOCKER), "the next container has another path: {commands}");
}

#[test]
fn a_kernel_without_cgroup_namespaces_has_none() {
    let mut facts = v1_pod();
    facts.identity.namespaces.cgroup = Fact::missing("/proc/self/ns/cgroup", Why::NotFound);
    let remedies = findings(judged(&facts)).remove(0).remedies;
    assert!(remedies.iter().all(|r| r.place == Place::Host));
}

#[test]
fn a_kind_known_to_make_namespaces_degrades_only() {
    let mut facts = v1_pod();
    facts.versions.give(Component::Kind, Version::new(0, 20, 0));
    assert_eq!(kind(&facts), Some(Severity::Warning));
    facts.versions.give(Component::Kind, Version::new(0, 19, 0));
    assert_eq!(kind(&facts), Some(Severity::Error));
}

#[test]
fn a_namespace_of_its_own_passes_even_with_processes_in_a_leaf() {
    assert_eq!(judged(&v1_container()), Ok(Outcome::pass()));
    let mut facts = healthy_container();
    set_v1(&mut facts, "/init.scope", "/");
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn each_controller_is_judged_for_itself() {
    let mut facts = hybrid_vm();
    facts.runtime.container = Tri::Yes;
    let found = findings(judged(&facts));
    assert_eq!((found.len(), found[0].subject.as_str()), (1, "memory"));
    set_v1(&mut facts, "/", "/");
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn a_host_and_v2_are_not_judged() {
    assert!(matches!(judged(&hybrid_vm()), Ok(Outcome::NotApplicable(_))));
    assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
}

#[test]
fn a_pods_path_is_container_enough_where_detection_does_not_know() {
    let mut facts = v1_pod();
    facts.runtime.container = Tri::Unknown;
    assert_eq!(findings(judged(&facts)).len(), 1);
    let mut facts = hybrid_vm();
    facts.runtime.container = Tri::Unknown;
    assert!(judged(&facts).is_err());
}

#[test]
fn without_mounts_or_namespace_it_is_unknown() {
    let mut facts = v1_pod();
    facts.cgroup.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
    assert!(judged(&facts).is_err());
    let mut facts = v1_container();
    facts.identity.namespaces.cgroup = Fact::missing("/proc/self/ns/cgroup", Why::NotPermitted);
    assert!(judged(&facts).is_err());
}

#[test]
fn what_became_of_a_namespace_is_evidence() {
    use crate::{
        facts::{Action, CGROUP_NAMESPACE, TrialName},
        outcome::Proof,
        testing::tried,
    };
    let (unshare, mount, read) = (Action::Unshare, Action::MountCgroup, Action::ReadCgroup);
    let works =
        [(unshare, CGROUP_NAMESPACE, None), (mount, "memory", None), (read, "memory", None)];
    let mut facts = v1_pod();
    tried(&mut facts, TrialName::Cgroup, "/sys/fs/cgroup", &works);
    let found = findings(judged(&facts)).remove(0);
    assert_eq!(found.proof(), Proof::Trial);
    assert_eq!(found.evidence.last().unwrap().value, "worked");
    assert_eq!(found.remedies.len(), 2);

    let mut own = v1_container();
    assert_eq!(judged(&own), Ok(Outcome::pass()));
    tried(&mut own, TrialName::Cgroup, "/sys/fs/cgroup", &works);
    assert_eq!(judged(&own), Ok(Outcome::proved()));

    let mut facts = v1_pod();
    let refused = [(unshare, "memory", None), (unshare, CGROUP_NAMESPACE, Some("EPERM"))];
    tried(&mut facts, TrialName::Cgroup, "/sys/fs/cgroup", &refused);
    let found = findings(judged(&facts)).remove(0);
    assert_eq!(
        found.evidence.last().unwrap().source,
        "trial: unshare (cgroup namespace; /sys/fs/cgroup)"
    );
    assert!(found.remedies.iter().all(|remedy| remedy.place == Place::Host));
    // Another user may not make one, which says nothing of root.
    facts.identity.euid = Fact::Known(1000);
    assert_eq!(findings(judged(&facts))[0].proof(), Proof::Static);
}

#[test]
fn a_node_in_which_kubelet_is_apart_is_warned() {
    let root = |name: &str| KubeletRoot {
        hierarchy: Hierarchy::Controllers(vec![name.into()]),
        path: format!("/sys/fs/cgroup/{name}/kubelet").into(),
        exists: Fact::Known(true),
        cpuset: None,
    };
    let mut facts = v1_pod();
    facts.cgroup.kubelet_roots = Fact::Known(vec![root("memory"), root("pids")]);
    assert_eq!(kind(&facts), Some(Severity::Warning));
}
