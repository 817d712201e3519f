//! Facts of cgroup v1 and of pods for unit tests.

use alloc::{vec, vec::Vec};

use crate::{
    facts::{Fact::Known, *},
    testing::{healthy_container, initial, prepared_base},
};

/// The cgroup of the pod-shaped containers.
pub(super) const POD: &str = "/kubepods/burstable/pod0a1b2c3d-1111-2222-3333-444455556666/4f5e6d7c";

/// The hierarchies of a small version 1 host.
fn hierarchies() -> Vec<Hierarchy> {
    vec![
        Hierarchy::Controllers(vec!["cpu".into(), "cpuacct".into()]),
        Hierarchy::Controllers(vec!["devices".into()]),
        Hierarchy::Controllers(vec!["memory".into()]),
        Hierarchy::Named("systemd".into()),
    ]
}

/// Every hierarchy, with the doctor at `path` and the directory `root` mounted.
pub(super) fn set_v1(facts: &mut Facts, path: &str, root: &str) {
    facts.cgroup.version = Known(CgroupVersion::V1);
    let memberships: Vec<Membership> = hierarchies()
        .into_iter()
        .map(|hierarchy| Membership { hierarchy, path: path.into() })
        .collect();
    facts.cgroup.memberships = Known(memberships.clone());
    facts.cgroup.pid1_memberships = Known(memberships);
    facts.cgroup.controllers = Known(
        ["cpu", "cpuacct", "devices", "memory", "hugetlb"]
            .into_iter()
            .map(|name| ControllerRow {
                name: name.into(),
                hierarchy: u32::from(name != "hugetlb"),
                cgroups: 1,
                enabled: true,
            })
            .collect(),
    );
    facts.cgroup.mounts = Known(
        hierarchies()
            .into_iter()
            .map(|hierarchy| CgroupMount {
                mount_point: match &hierarchy {
                    Hierarchy::Named(name) => alloc::format!("/sys/fs/cgroup/{name}").into(),
                    other => alloc::format!("/sys/fs/cgroup/{other}").into(),
                },
                hierarchy,
                root: root.into(),
                read_only: false,
                super_options: vec!["rw".into()],
            })
            .collect(),
    );
    let absent = Fact::missing("/sys/fs/cgroup/cgroup.controllers", Why::NotFound);
    facts.cgroup.base = absent.clone();
    facts.cgroup.own = absent;
}

/// A container on cgroup v1 with a cgroup namespace of its own.
pub(super) fn v1_container() -> Facts {
    let mut facts = healthy_container();
    set_v1(&mut facts, "/", "/");
    facts
}

/// A privileged pod on cgroup v1: no cgroup namespace, its own cgroup mounted over each root.
pub(super) fn v1_pod() -> Facts {
    let mut facts = healthy_container();
    set_v1(&mut facts, POD, POD);
    in_kubernetes(&mut facts);
    facts
}

/// A privileged pod on cgroup v2: the host's cgroup namespace and its whole hierarchy.
pub(super) fn v2_pod() -> Facts {
    let mut facts = healthy_container();
    let path = vec![Membership { hierarchy: Hierarchy::Unified, path: POD.into() }];
    facts.cgroup.memberships = Known(path.clone());
    facts.cgroup.pid1_memberships = Known(path);
    facts.cgroup.base = Known(CgroupDirectory { kind: Known(CgroupType::Root), ..prepared_base() });
    in_kubernetes(&mut facts);
    facts
}

fn in_kubernetes(facts: &mut Facts) {
    facts.identity.namespaces.cgroup = initial(4_026_531_835);
    facts.runtime.kubernetes = Tri::Yes;
    facts.runtime.engine = Engine::Containerd;
    facts.runtime.launcher = Launcher::Kubernetes;
}

/// This project's own lab: a hybrid micro-VM, `/` for all but memory.
pub(super) fn hybrid_vm() -> Facts {
    let mut facts = crate::testing::healthy_vm();
    set_v1(&mut facts, "/", "/");
    facts.cgroup.version = Known(CgroupVersion::Hybrid);
    if let Known(memberships) = &mut facts.cgroup.memberships {
        for membership in memberships.iter_mut().filter(|m| m.hierarchy.has("memory")) {
            membership.path = "/vm_init/8e785fb96d25700dc4c56b426ec380e5".into();
        }
        memberships.push(Membership { hierarchy: Hierarchy::Unified, path: "/".into() });
    }
    facts
}

/// A kubelet in this PID namespace; `same` says whether it is in the doctor's mount namespace.
pub(super) fn kubelet(same: bool, arguments: &[&str]) -> EngineProcess {
    EngineProcess {
        name: "kubelet".into(),
        pid: 700,
        arguments: Known(arguments.iter().map(|a| (*a).into()).collect()),
        same_mount_namespace: Some(same),
    }
}

/// The findings of a verdict that has some.
pub(super) fn findings(verdict: crate::outcome::Verdict) -> Vec<crate::outcome::Finding> {
    match verdict {
        Ok(crate::outcome::Outcome::Found(findings)) => findings,
        other => panic!("no finding: {other:?}"),
    }
}
