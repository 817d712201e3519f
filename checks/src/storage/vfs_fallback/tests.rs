use alloc::vec;

use serde_json::json;

use super::*;
use crate::{
    facts::{
        DaemonConfig,
        DataRootOwner::{Buildkit, Docker, Podman, RootlessDocker},
        EngineProcess, Fact, Why,
    },
    storage::data_roots::testing::{on, only_finding},
    target::{Severity, Target},
    testing::{healthy_container, healthy_vm},
    version::{Component, Version},
};

fn docker_28(fstype: &str) -> Facts {
    let mut facts = on(fstype, "/var/lib/docker", &[Docker]);
    facts.versions.give(Component::Docker, Version::new(28, 5, 0));
    facts
}

fn with_fuse(mut facts: Facts) -> Facts {
    facts.storage.fuse_overlayfs = Fact::Known(Some("/usr/bin/fuse-overlayfs".into()));
    facts
}

fn configured(mut facts: Facts, driver: &str) -> Facts {
    facts.engines.daemon_json = Fact::Known(DaemonConfig {
        path: "/etc/docker/daemon.json".into(),
        content: json!({"storage-driver": driver}),
    });
    facts
}

fn left(mut facts: Facts, owner: DataRootOwner, names: &[&str]) -> Facts {
    for root in facts.storage.data_roots.iter_mut().filter(|root| root.owner == owner) {
        root.entries = Fact::Known(names.iter().map(|name| (*name).into()).collect());
    }
    facts
}

#[test]
fn docker_28_on_an_overlay_falls_back_to_vfs_and_says_why() {
    let finding = only_finding(judged(&docker_28("overlay")));
    assert_eq!(finding.severity, severities!(dockerd: Warning, kind: Warning));
    assert_eq!(finding.caused_by, ["dataroot-on-overlay"]);
    assert!(finding.summary.contains("falls back to vfs"), "{}", finding.summary);
    assert_eq!(only_finding(judged(&docker_28("nfs"))).caused_by, ["storage-fs-unsupported"]);
}

#[test]
fn fuse_overlayfs_the_containerd_store_and_zfs_are_not_vfs() {
    assert_eq!(judged(&with_fuse(docker_28("overlay"))), Ok(Outcome::pass()));
    assert_eq!(judged(&on("overlay", "/", &[Docker, RootlessDocker])), Ok(Outcome::pass()));
    let mut zfs = docker_28("zfs");
    zfs.storage.zfs = Fact::Known(Some(Version::new(2, 1, 5)));
    assert_eq!(judged(&zfs), Ok(Outcome::pass()));
}

#[test]
fn a_configured_vfs_on_a_good_disk_is_replaced_and_not_moved() {
    let finding = only_finding(judged(&configured(docker_28("ext4"), "vfs")));
    assert!(finding.caused_by.is_empty());
    assert_eq!(finding.remedies.len(), 1);
    assert!(finding.remedies[0].text.contains("overlay2"));
    assert_eq!(judged(&configured(docker_28("ext4"), "overlay2")), Ok(Outcome::pass()));
}

#[test]
fn the_variable_of_gitlab_is_changed_where_it_is_set() {
    let mut facts = docker_28("ext4");
    facts.runtime.variables = Fact::Known(vec![("DOCKER_DRIVER".into(), "vfs".into())]);
    let finding = only_finding(judged(&facts));
    assert_eq!(finding.remedies[0].place, Place::Container);
}

#[test]
fn what_an_earlier_dockerd_left_binds_nobody_but_tells_about_the_filesystem() {
    let names = ["image", "vfs"];
    assert_eq!(judged(&left(docker_28("ext4"), Docker, &names)), Ok(Outcome::pass()));
    let finding = only_finding(judged(&left(docker_28("virtiofs"), Docker, &names)));
    assert!(finding.summary.contains("an earlier dockerd"));
    assert!(judged(&docker_28("virtiofs")).is_err());
}

#[test]
fn podman_keeps_the_driver_that_it_began_with() {
    let facts = left(healthy_container(), Podman, &["vfs", "vfs-images", "vfs-layers"]);
    let finding = only_finding(judged(&facts));
    // The other engine's root is sound.
    assert_eq!(finding.severity.get(Target::Rootless), Some(Severity::Info));
    assert_eq!(
        finding.remedies[0].change,
        crate::remedy::Change::Commands(vec!["podman system reset".into()])
    );
    let both = left(healthy_container(), Podman, &["overlay-images", "vfs-images"]);
    assert_eq!(judged(&both), Ok(Outcome::pass()));
}

#[test]
fn buildkitd_falls_back_to_native_unless_it_has_fuse() {
    let facts = on("overlay", "/", &[Buildkit]);
    assert_eq!(only_finding(judged(&facts)).severity, severities!(buildkit: Warning));
    assert_eq!(judged(&with_fuse(facts)), Ok(Outcome::pass()));
    let mut told = healthy_container();
    told.engines.running = Fact::Known(vec![EngineProcess {
        name: "buildkitd".into(),
        pid: 9,
        arguments: Fact::Known(vec!["--oci-worker-snapshotter=native".into()]),
        same_mount_namespace: Some(true),
    }]);
    assert!(only_finding(judged(&told)).summary.contains("told to use native"));
}

#[test]
fn healthy_environments_pass() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
}

#[test]
fn without_the_filesystem_or_the_path_it_is_unknown() {
    let mut facts = docker_28("overlay");
    facts.storage.fuse_overlayfs = Fact::missing("PATH", Why::NotPermitted);
    assert!(judged(&facts).is_err());
    facts = healthy_container();
    facts.storage.data_roots[0].filesystem = Fact::missing("statfs", Why::TimedOut);
    assert!(judged(&facts).is_err());
}
