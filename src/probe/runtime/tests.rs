use dind_doctor_checks::facts::{Hierarchy, Membership, MountTable};

use super::*;

fn mounted(mount_point: &str, root: &str, upper: &str) -> Mount {
    Mount {
        mount_point: mount_point.into(),
        root: root.into(),
        super_options: [format!("upperdir={upper}")].into(),
        ..Mount::default()
    }
}

#[test]
fn engines_are_known_by_what_they_mount() {
    let id = "0".repeat(64);
    let engine = |m: Mount| from_mount(&m).map(|(engine, _)| engine);
    assert_eq!(engine(mounted("/", "/", "/var/lib/docker/overlay2/x/diff")), Some(Engine::Docker));
    let snapshot = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs";
    assert_eq!(engine(mounted("/", "/", snapshot)), Some(Engine::Containerd));
    let hosts = format!("/data/containers/{id}/hosts");
    assert_eq!(engine(mounted("/etc/hosts", &hosts, "")), Some(Engine::Docker));
    assert_eq!(engine(mounted("/", "/", "/run/live/overlay")), None);
}

#[test]
fn a_pod_of_cri_o_is_not_podmans() {
    let member = |path: &str| Membership { hierarchy: Hierarchy::Unified, path: path.into() };
    let mut facts = Facts::default();
    facts.cgroup.memberships = Fact::Known(vec![member("/kubepods.slice/pod1/crio-0.scope")]);
    assert!(in_crio_pod(&facts));
    let below = "/kubepods.slice/pod1/crio-0.scope/libpod-1";
    facts.cgroup.memberships = Fact::Known(vec![member(below)]);
    assert!(!in_crio_pod(&facts), "podman, started in the pod");
    facts.cgroup.memberships = Fact::Known(vec![member("/")]);
    assert!(!in_crio_pod(&facts));
    let rows = vec![mounted("/etc/hosts", "/var/lib/kubelet/pods/1/etc-hosts", "")];
    facts.mounts = Fact::Known(MountTable { rows, ..MountTable::default() });
    assert!(in_crio_pod(&facts));
}

#[test]
fn cgroup_paths_name_engines() {
    assert_eq!(engine_in_cgroup("/system.slice/docker-00.scope"), Some(Engine::Docker));
    assert_eq!(engine_in_cgroup("/kubepods/burstable/pod1/00"), Some(Engine::Unknown));
    assert_eq!(engine_in_cgroup("/vm_init/00"), None);
    assert_eq!(engine_in_cgroup("/system.slice/docker.service"), None);
}
