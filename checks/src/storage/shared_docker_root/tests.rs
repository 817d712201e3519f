use alloc::vec;

use super::*;
use crate::{
    facts::{
        Action,
        DataRootOwner::{Buildkit, Docker},
        EngineProcess, Fact, Tri, Why,
    },
    outcome::Proof,
    storage::data_roots::testing::{only_finding, with_roots_on},
    testing::{healthy_container, healthy_vm, mount, refused_step, tried},
};

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn bind(mount_point: &str, device: &str, root: &str) -> Mount {
    Mount { device: device.into(), root: root.into(), ..mount(mount_point, "ext4", &["rw"]) }
}

fn container(hosts: &str, mounted: &Mount, owners: &[DataRootOwner]) -> Facts {
    let mut facts = with_roots_on(mounted, owners);
    let Fact::Known(table) = &mut facts.mounts else { panic!() };
    table.rows.push(bind("/etc/hosts", "8:1", hosts));
    facts
}

fn in_docker(root: &str) -> Facts {
    let hosts = format!("/var/lib/docker/containers/{ID}/hosts");
    container(&hosts, &bind("/var/lib/docker", "8:1", root), &[Docker])
}

fn in_pod(mounted: &Mount, owner: DataRootOwner) -> Facts {
    let mut facts = container("/var/lib/kubelet/pods/0a1b/etc-hosts", mounted, &[owner]);
    facts.runtime.kubernetes = Tri::Yes;
    facts
}

#[test]
fn the_data_root_of_the_host_s_own_docker_is_an_error() {
    let finding = only_finding(judged(&in_docker("/var/lib/docker")));
    assert_eq!(finding.severity, severities!(dockerd: Error, kind: Error));
    assert!(finding.summary.contains("/var/lib/docker of the host"), "{}", finding.summary);
}

#[test]
fn volumes_and_other_directories_of_a_docker_host_pass() {
    for root in ["/var/lib/docker/volumes/dind/_data", "/srv/dind", "/"] {
        assert_eq!(judged(&in_docker(root)), Ok(Outcome::pass()), "{root}");
    }
}

#[test]
fn a_path_on_another_disk_only_looks_the_same() {
    let hosts = format!("/var/lib/docker/containers/{ID}/hosts");
    let other = bind("/var/lib/docker", "8:17", "/var/lib/docker");
    assert_eq!(judged(&container(&hosts, &other, &[Docker])), Ok(Outcome::pass()));
}

#[test]
fn the_node_s_containerd_is_known_by_the_root_mount() {
    let mut facts = container("/x", &bind("/mnt", "8:1", "/var/lib/containerd"), &[Docker]);
    facts.storage.data_roots[0].path = "/mnt".into();
    facts.storage.data_roots[0].resolved = Fact::Known("/mnt".into());
    let Fact::Known(table) = &mut facts.mounts else { panic!() };
    table.rows[0].super_options =
        ["upperdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs"
            .into()]
        .into();
    assert_eq!(only_finding(judged(&facts)).severity.get(Target::Dockerd), Some(Severity::Error));
}

#[test]
fn a_host_path_in_a_pod_is_a_warning() {
    let finding =
        only_finding(judged(&in_pod(&bind("/var/lib/docker", "8:1", "/mnt/dind"), Docker)));
    assert_eq!(finding.severity, severities!(dockerd: Warning, kind: Warning));
    let finding =
        only_finding(judged(&in_pod(&bind("/var/lib/buildkit", "8:1", "/mnt/buildkit"), Buildkit)));
    assert_eq!(finding.severity, severities!(buildkit: Warning));
}

#[test]
fn volumes_of_a_pod_pass() {
    for (device, root) in [
        ("8:1", "/var/lib/kubelet/pods/0a1b/volumes/kubernetes.io~empty-dir/dind"),
        ("8:1", "/opt/local-path-provisioner/pvc-0a1b2c3d-1111-2222-3333-444455556666_ci_dind"),
        ("8:1", "/var/lib/containerd/io.containerd.grpc.v1.cri/containers/a/volumes/b"),
        ("8:32", "/subpath"),
        ("8:32", "/"),
    ] {
        let facts = in_pod(&bind("/var/lib/docker", device, root), Docker);
        assert_eq!(judged(&facts), Ok(Outcome::pass()), "{root}");
    }
}

#[test]
fn a_node_of_kind_has_its_own_anonymous_volume() {
    let var = bind("/var", "8:1", "/var/lib/docker/volumes/0123/_data");
    let hosts = format!("/var/lib/docker/containers/{ID}/hosts");
    let mut facts = container(&hosts, &var, &[Docker]);
    facts.runtime.kubernetes = Tri::Yes;
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn healthy_environments_have_nothing_to_share() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
}

#[test]
fn without_mounts_or_filesystem_it_is_unknown() {
    let mut facts = healthy_container();
    facts.storage.data_roots[0].filesystem = Fact::missing("statfs", Why::TimedOut);
    assert!(judged(&facts).is_err());
    facts.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
    assert!(judged(&facts).is_err());
}

/// On a volume in which a daemon has worked.
fn used_before() -> Facts {
    let mut facts = in_docker("/var/lib/docker/volumes/dind/_data");
    facts.storage.data_roots[0].entries = Fact::Known(vec!["overlay2".into(), "volumes".into()]);
    facts.engines.running = Fact::Known(vec![]);
    facts
}

fn asked_with(errno: Option<(i32, &str)>) -> Verdict {
    let mut facts = used_before();
    let database = "volumes/metadata.db";
    let steps = [(Action::TakeLock, database, None)];
    tried(&mut facts, TrialName::Lock, "/var/lib/docker", &steps);
    if let Some((errno, what)) = errno {
        refused_step(&mut facts, TrialName::Lock, Action::TakeLock, errno, what);
    }
    judged(&facts)
}

#[test]
fn whether_a_volume_that_was_used_is_in_use_is_unknown_without_a_trial() {
    let unknown = judged(&used_before()).unwrap_err();
    assert_eq!(unknown.missing[0].why, Why::NotProbed);
    assert!(unknown.remedy.is_some());
    let mut own = used_before();
    own.engines.running = Fact::Known(vec![EngineProcess {
        name: "dockerd".into(),
        pid: 9,
        arguments: Fact::Known(vec![]),
        same_mount_namespace: Some(true),
    }]);
    assert_eq!(judged(&own), Ok(Outcome::pass()));
}

#[test]
fn a_lock_that_is_held_is_proof_of_another_daemon_and_one_that_is_free_of_none() {
    let found = only_finding(asked_with(Some((11, "EAGAIN"))));
    assert_eq!(found.severity, severities!(dockerd: Error, kind: Error));
    assert_eq!(found.proof(), Proof::Trial);
    assert!(found.summary.contains("volumes/metadata.db is locked"), "{}", found.summary);
    assert_eq!(asked_with(None), Ok(Outcome::proved()));
    assert!(asked_with(Some((13, "EACCES"))).is_err(), "it could not be asked");
}
