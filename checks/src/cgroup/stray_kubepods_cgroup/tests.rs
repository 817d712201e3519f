use alloc::vec;

use super::*;
use crate::{
    cgroup::testing::{POD, findings, hybrid_vm, kubelet, set_v1, v1_container, v1_pod, v2_pod},
    facts::{Fact, Hierarchy, KubeletRoot, PodTrees, Procs, Tri},
    remedy::Change,
    testing::{healthy_container, healthy_vm, initial},
    version::Version,
};

const STRAY: &str = "/kubepods/burstable/pod0a1b2c3d-1111-2222-3333-444455556666";

fn see(facts: &mut Facts, path: &str) {
    let mount_point = if facts.cgroup.version.is_known_and(|v| v.is_v1()) {
        "/sys/fs/cgroup/memory"
    } else {
        "/sys/fs/cgroup"
    };
    let tree = PodTree {
        hierarchy: Hierarchy::Controllers(vec!["memory".into()]),
        mount_point: mount_point.into(),
        path: path.into(),
        is_pod: path.contains("/pod"),
        procs: Procs { pids: vec![1, 38], foreign: 2, count: 4 },
    };
    facts.cgroup.pod_trees = Fact::Known(PodTrees { trees: vec![tree], truncated: false });
}

/// A nested node on version 1, its entrypoint's bind mounts in place.
fn node() -> Facts {
    let mut facts = v1_pod();
    facts.runtime.kubernetes = Tri::No;
    see(&mut facts, STRAY);
    facts
}

fn kind(facts: &Facts) -> Option<Severity> {
    findings(judged(facts))[0].severity.get(Target::Kind)
}

#[test]
fn the_outer_pod_inside_a_node_is_found_with_its_processes() {
    let found = findings(judged(&node())).remove(0);
    assert_eq!(found.severity, CHECK.worst);
    assert_eq!(
        (found.subject.as_str(), &found.caused_by[..]),
        (STRAY, &["cgroup-v1-no-namespace"][..])
    );
    let tree = found.evidence.iter().find(|e| e.source.ends_with(STRAY)).unwrap();
    assert_eq!(tree.value, "PIDs 1 38, 2 processes outside of this PID namespace");
}

#[test]
fn in_the_outer_pod_it_is_predicted() {
    let found = findings(judged(&v1_pod())).remove(0);
    assert_eq!((found.severity, found.subject.as_str()), (CHECK.worst, POD));
    let patched = |r: &&crate::remedy::Remedy| match &r.change {
        Change::KindConfig(tree) => serde_json::to_string(tree).unwrap().contains("cgroup-root"),
        _ => false,
    };
    assert!(found.remedies.iter().find(patched).is_some());
    let first = &found.remedies[0].change;
    assert!(
        matches!(first, Change::Daemon(o) if o[0].argument == "--default-cgroupns-mode=private")
    );
}

#[test]
fn a_kernel_without_cgroup_namespaces_gets_the_cgroup_root_first() {
    let mut facts = v1_pod();
    facts.identity.namespaces.cgroup = Fact::missing("/proc/self/ns/cgroup", Why::NotFound);
    let found = findings(judged(&facts)).remove(0);
    assert!(matches!(found.remedies[0].change, Change::KindConfig(_)));
}

#[test]
fn versions_that_are_known_take_the_edge_off_the_prediction() {
    let mut facts = v1_pod();
    facts.versions.give(Component::Kubernetes, Version::new(1, 20, 2));
    assert_eq!(kind(&facts), Some(Severity::Error));
    facts.versions.give(Component::Kubernetes, Version::new(1, 25, 0));
    assert_eq!(kind(&facts), Some(Severity::Warning));
    facts.versions.give(Component::Kind, Version::new(0, 20, 0));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn a_node_known_to_have_its_own_root_degrades_only() {
    let mut facts = node();
    facts.versions.give(Component::Kubernetes, Version::new(1, 25, 0));
    assert_eq!(kind(&facts), Some(Severity::Warning));
}

#[test]
fn a_kubelet_root_in_every_hierarchy_degrades_only() {
    let root = |name: &str, exists| KubeletRoot {
        hierarchy: Hierarchy::Controllers(vec![name.into()]),
        path: format!("/sys/fs/cgroup/{name}/kubelet").into(),
        exists: Fact::Known(exists),
        cpuset: None,
    };
    let mut facts = node();
    facts.cgroup.kubelet_roots = Fact::Known(vec![root("memory", true), root("pids", true)]);
    assert_eq!(kind(&facts), Some(Severity::Warning));
    facts.cgroup.kubelet_roots = Fact::Known(vec![root("memory", true), root("pids", false)]);
    assert_eq!(kind(&facts), Some(Severity::Error));
}

#[test]
fn in_a_pod_of_a_kind_node_another_cgroup_root_is_no_help() {
    let mut facts = healthy_container();
    let path = "/kubelet/kubepods/burstable/pod1/4f5e";
    set_v1(&mut facts, path, path);
    facts.versions.give(Component::Kubernetes, Version::new(1, 25, 0));
    let found = findings(judged(&facts)).remove(0);
    assert_eq!(found.severity, CHECK.worst);
    assert!(!found.remedies.iter().any(|r| matches!(r.change, Change::KindConfig(_))));
}

#[test]
fn on_v2_the_hosts_pods_are_a_danger_only_to_a_kubelet_started_here() {
    let mut facts = v2_pod();
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    see(&mut facts, STRAY);
    let found = findings(judged(&facts)).remove(0);
    assert_eq!(found.severity, severities!(kind: Warning));
    assert_eq!(found.caused_by, ["host-cgroupns-on-v2"]);
}

#[test]
fn a_private_namespace_holds_the_nodes_own_tree() {
    for mut facts in [healthy_container(), v1_container()] {
        see(&mut facts, "/kubepods/besteffort/pod1");
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }
}

#[test]
fn a_mount_from_above_shows_strays_even_in_a_private_namespace() {
    let mut facts = v1_container();
    set_v1(&mut facts, "/", "/../..");
    see(&mut facts, STRAY);
    assert_eq!(findings(judged(&facts))[0].caused_by, ["cgroupns-mount-mismatch"]);
}

#[test]
fn trees_below_a_kubelets_own_root_or_another_container_are_not_stray() {
    for path in [
        "/kubelet/kubepods/besteffort/pod1",
        "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod1.slice",
        "/docker/0123456789abcdef/kubepods/besteffort/pod1",
    ] {
        let mut facts = v2_pod();
        see(&mut facts, path);
        assert_eq!(judged(&facts), Ok(Outcome::pass()), "{path}");
    }
}

#[test]
fn a_kubelet_that_runs_here_owns_its_trees_but_not_the_pod_around_pid_1() {
    let mut facts = node();
    facts.engines.running = Fact::Known(vec![kubelet(true, &["kubelet"])]);
    assert_eq!(findings(judged(&facts))[0].subject, STRAY);
    let mut facts = v2_pod();
    facts.engines.running = Fact::Known(vec![kubelet(true, &["kubelet"])]);
    see(&mut facts, "/kubepods/besteffort/pod1");
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.engines.running = Fact::Known(vec![kubelet(false, &["kubelet"])]);
    assert_eq!(findings(judged(&facts)).len(), 1);
}

#[test]
fn with_a_cgroup_root_of_its_own_kubelet_leaves_strays_alone() {
    let mut facts = node();
    for (arguments, passes) in
        [(&["kubelet", "--cgroup-root=/kubelet"], true), (&["kubelet", "--cgroup-root=/"], false)]
    {
        facts.engines.running = Fact::Known(vec![kubelet(true, arguments)]);
        assert_eq!(judged(&facts) == Ok(Outcome::pass()), passes);
    }
}

#[test]
fn a_host_with_pods_is_not_judged() {
    for mut facts in [healthy_vm(), hybrid_vm()] {
        see(&mut facts, STRAY);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }
}

#[test]
fn outside_of_pods_there_is_nothing_to_predict() {
    let mut facts = healthy_container();
    let path = "/docker/0123456789abcdef0123456789abcdef";
    set_v1(&mut facts, path, path);
    facts.identity.namespaces.cgroup = initial(4_026_531_835);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn without_the_walk_only_the_prediction_is_certain() {
    let missing = Fact::missing("/sys/fs/cgroup", Why::NotPermitted);
    let mut facts = v1_pod();
    facts.cgroup.pod_trees = missing.clone();
    assert_eq!(findings(judged(&facts)).len(), 1);
    let mut facts = healthy_container();
    facts.cgroup.pod_trees = missing.clone();
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    let mut facts = v2_pod();
    facts.cgroup.pod_trees = missing;
    assert!(judged(&facts).is_err());
    facts.cgroup.pod_trees = Fact::Known(PodTrees { trees: vec![], truncated: true });
    assert!(judged(&facts).is_err());
    let mut facts = v2_pod();
    see(&mut facts, STRAY);
    facts.engines.running = Fact::missing("/proc", Why::NotPermitted);
    assert!(judged(&facts).is_err());
}
