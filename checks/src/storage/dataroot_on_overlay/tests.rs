use alloc::{vec, vec::Vec};

use serde_json::json;

use super::*;
use crate::{
    facts::{
        DaemonConfig,
        DataRootOwner::{self, *},
        EngineProcess, Fact, Why,
    },
    outcome::Finding,
    storage::data_roots::testing::{on, only_finding},
    target::{Severity, Target},
    testing::{healthy_container, healthy_vm, said_of},
    version::{Component, Version},
};

const ERROR: Option<Severity> = Some(Severity::Error);
const WARNING: Option<Severity> = Some(Severity::Warning);
const INFO: Option<Severity> = Some(Severity::Info);

fn overlay(owners: &[DataRootOwner]) -> Facts {
    on("overlay", "/", owners)
}

fn docker(version: Version) -> Facts {
    let mut facts = overlay(&[Docker]);
    facts.versions.give(Component::Docker, version);
    facts.versions.give(Component::Kind, Version::new(0, 32, 0));
    facts
}

fn configured(version: Version, content: serde_json::Value) -> Facts {
    let mut facts = docker(version);
    facts.engines.daemon_json =
        Fact::Known(DaemonConfig { path: "/etc/docker/daemon.json".into(), content });
    facts
}

fn dockerd_and_kind(facts: &Facts) -> [Option<Severity>; 2] {
    let finding = only_finding(judged(facts));
    [Target::Dockerd, Target::Kind].map(|target| finding.severity.get(target))
}

fn engine(name: &str, arguments: &[&str]) -> EngineProcess {
    EngineProcess {
        name: name.into(),
        pid: 50,
        arguments: Fact::Known(arguments.iter().map(|a| (*a).into()).collect()),
        same_mount_namespace: Some(true),
    }
}

fn has_assumed_docker(finding: &Finding) -> bool {
    finding.assumed.contains_key(&Component::Docker)
}

#[test]
fn docker_29_has_no_fall_back_and_28_has() {
    assert_eq!(dockerd_and_kind(&docker(Version::new(29, 1, 0))), [ERROR, ERROR]);
    let old = docker(Version::new(28, 5, 0));
    assert_eq!(dockerd_and_kind(&old), [WARNING, ERROR]);
    let finding = only_finding(judged(&old));
    assert!(finding.summary.contains("/var/lib/docker on overlay (/)"));
    assert!(finding.summary.contains("vfs"));
    assert!(!has_assumed_docker(&finding));
    assert!(has_assumed_docker(&only_finding(judged(&overlay(&[Docker])))));
}

#[test]
fn fuse_overlayfs_is_taken_before_vfs_and_saves_the_nodes_of_kind_too() {
    let mut facts = docker(Version::new(20, 10, 24));
    facts.storage.fuse_overlayfs = Fact::Known(Some("/usr/bin/fuse-overlayfs".into()));
    assert_eq!(dockerd_and_kind(&facts), [WARNING, WARNING]);
    assert!(only_finding(judged(&facts)).summary.contains("fuse-overlayfs"));
    facts.versions.give(Component::Kind, Version::new(0, 11, 1));
    assert_eq!(dockerd_and_kind(&facts), [WARNING, ERROR]);
    facts.versions.give(Component::Docker, Version::new(29, 0, 0));
    assert_eq!(dockerd_and_kind(&facts), [ERROR, ERROR]);
}

#[test]
fn fuse_overlayfs_without_its_device_is_not_taken() {
    let mut facts = docker(Version::new(28, 0, 0));
    facts.storage.fuse_overlayfs = Fact::Known(Some("/usr/bin/fuse-overlayfs".into()));
    for usable in [Fact::Known(false), Fact::missing("/dev/fuse", Why::NotFound)] {
        facts.security.devices[0].usable = usable;
        let summary = only_finding(judged(&facts)).summary;
        assert!(summary.contains("vfs") && !summary.contains("fuse"), "{summary}");
    }
}

#[test]
fn the_configuration_decides_which_image_store_it_is() {
    let feature = |on: bool| json!({"features": {"containerd-snapshotter": on}});
    let (v28, v29) = (Version::new(28, 0, 0), Version::new(29, 1, 0));
    assert_eq!(dockerd_and_kind(&configured(v28, feature(true))), [ERROR, ERROR]);
    assert_eq!(dockerd_and_kind(&configured(v29, feature(false))), [WARNING, ERROR]);
    let driver = |name: &str| json!({"storage-driver": name});
    assert_eq!(dockerd_and_kind(&configured(v29, driver("vfs"))), [WARNING, ERROR]);
    assert_eq!(dockerd_and_kind(&configured(v28, driver("overlay2"))), [ERROR, ERROR]);
    assert_eq!(dockerd_and_kind(&configured(v29, driver("native"))), [WARNING, ERROR]);
    let remap = json!({"userns-remap": "default"});
    assert_eq!(dockerd_and_kind(&configured(v29, remap)), [WARNING, ERROR]);
}

#[test]
fn what_an_earlier_docker_left_keeps_the_old_store() {
    let mut facts = docker(Version::new(29, 1, 0));
    facts.storage.fuse_overlayfs = Fact::Known(Some("/usr/bin/fuse-overlayfs".into()));
    facts.storage.data_roots[0].entries = Fact::Known(vec!["fuse-overlayfs".into()]);
    assert_eq!(dockerd_and_kind(&facts), [WARNING, WARNING]);
}

#[test]
fn an_engine_is_told_of_its_own_data_roots_on_one_mount() {
    let facts = overlay(&[Docker, Buildkit, RootlessBuildkit, RootlessDocker, Podman, Kubelet]);
    let of = |target| only_finding(said_of(&CHECK, &facts, target));
    for (target, severity, owned) in [
        (Target::Dockerd, ERROR, ["/var/lib/docker"].as_slice()),
        (Target::Rootless, ERROR, &["share/docker", "containers/storage"]),
        (Target::Podman, ERROR, &["containers/storage"]),
        (Target::Buildkit, WARNING, &["/var/lib/buildkit"]),
    ] {
        let finding = of(target);
        assert_eq!((finding.subject.as_str(), finding.severity.get(target)), ("/", severity));
        let places: Vec<&str> = finding.evidence.iter().map(|e| e.source.as_str()).collect();
        assert_eq!(places.len(), owned.len(), "of no other engine: {places:?}");
        assert!(owned.iter().all(|path| places.iter().any(|place| place.contains(path))));
    }
}

#[test]
fn one_sound_root_is_enough_for_rootless_containers() {
    for owner in [Podman, RootlessDocker] {
        let finding = only_finding(judged(&overlay(&[owner])));
        assert_eq!(finding.severity.get(Target::Rootless), INFO, "{owner:?}");
    }
}

#[test]
fn a_containerd_counts_only_outside_dockerd() {
    let mut facts = overlay(&[Containerd]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    let own = engine(
        "containerd",
        &["containerd", "--config", "/var/run/docker/containerd/containerd.toml"],
    );
    facts.engines.running = Fact::Known(vec![own]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.engines.running = Fact::Known(vec![engine("containerd", &["/usr/bin/containerd"])]);
    assert_eq!(dockerd_and_kind(&facts), [WARNING, WARNING]);
    let flag = "--containerd=/run/containerd/containerd.sock";
    facts.engines.running = Fact::Known(vec![engine("dockerd", &["dockerd", flag])]);
    assert_eq!(dockerd_and_kind(&facts), [ERROR, ERROR]);
}

#[test]
fn buildkitd_falls_back_unless_told_otherwise() {
    let mut facts = overlay(&[Buildkit]);
    assert_eq!(only_finding(judged(&facts)).severity.get(Target::Buildkit), WARNING);
    let flag = "--oci-worker-snapshotter=overlayfs";
    facts.engines.running = Fact::Known(vec![engine("buildkitd", &["buildkitd", flag])]);
    assert_eq!(only_finding(judged(&facts)).severity.get(Target::Buildkit), ERROR);
}

#[test]
fn fuse_overlayfs_below_is_refused_too() {
    assert_eq!(only_finding(judged(&on("fuse.fuse-overlayfs", "/", &[Docker]))).subject, "/");
}

#[test]
fn volumes_pass_although_the_root_is_an_overlay() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    assert_eq!(judged(&on("btrfs", "/", &[Docker])), Ok(Outcome::pass()));
}

#[test]
fn a_missing_filesystem_is_unknown_unless_something_is_certain() {
    let missing = || Fact::missing("statfs /var/lib/docker", Why::NotPermitted);
    let mut facts = healthy_container();
    facts.storage.data_roots[0].filesystem = missing();
    assert!(judged(&facts).is_err());
    facts = overlay(&[Buildkit]);
    facts.storage.data_roots[0].filesystem = missing();
    assert_eq!(only_finding(judged(&facts)).severity.get(Target::Dockerd), None);
    facts.storage.data_roots.clear();
    assert!(judged(&facts).is_err());
}

#[test]
fn the_volume_goes_where_a_link_leads() {
    let mut facts = overlay(&[Docker]);
    facts.storage.data_roots[0].resolved = Fact::Known("/data/docker".into());
    assert!(only_finding(judged(&facts)).summary.starts_with("/data/docker on overlay"));
    facts.storage.data_roots[0].exists = false;
    facts.storage.data_roots[0].resolved = Fact::Known("/var/lib".into());
    assert!(only_finding(judged(&facts)).summary.starts_with("/var/lib/docker on overlay"));
}

#[test]
fn a_trial_says_more_than_the_name_of_the_filesystem() {
    use crate::{facts::Action, outcome::Proof, storage::tried::testing::tried};
    let mut facts = on("overlay", "/", &[Docker]);
    let roots: Vec<_> = facts.storage.data_roots.iter().map(|r| r.path.clone()).collect();
    for path in &roots {
        for scene in ["", crate::facts::IN_USER_NAMESPACE] {
            tried(&mut facts, path, scene, None);
        }
        let (first, second) = (facts.trials.runs.pop().unwrap(), facts.trials.runs.last_mut());
        second.unwrap().steps.extend(first.steps);
    }
    assert_eq!(judged(&facts), Ok(Outcome::Pass(Proof::Trial)));

    facts.trials.runs.clear();
    tried(&mut facts, "/var/lib/docker", "", Some((Action::MountOverlay, 22, "EINVAL")));
    let finding = only_finding(judged(&facts));
    assert_eq!(finding.proof(), Proof::Trial);
    let seen = finding.evidence.last().unwrap();
    assert_eq!(seen.source, "trial: mount overlay (/var/lib/docker)");
    assert_eq!(seen.value, "EINVAL");

    facts.trials.runs.clear();
    tried(&mut facts, "/var/lib/docker", "", Some((Action::MountOverlay, 1, "EPERM")));
    assert_eq!(
        only_finding(judged(&facts)).proof(),
        Proof::Static,
        "EPERM is not the filesystem's"
    );
}

#[test]
fn a_containerd_that_was_here_and_will_be_again_counts_too() {
    let mut facts = overlay(&[Containerd]);
    facts.versions.give(Component::Docker, Version::new(29, 3, 0));
    assert!(!matches!(said_of(&CHECK, &facts, Target::Dockerd), Ok(Outcome::Found(_))));
    facts.storage.containerd_was_here = Fact::Known(true);
    assert!(matches!(said_of(&CHECK, &facts, Target::Dockerd), Ok(Outcome::Found(_))));
    facts.storage.image_stores.snapshots = Fact::Known(4);
    let has_its_own = said_of(&CHECK, &facts, Target::Dockerd);
    assert!(!matches!(has_its_own, Ok(Outcome::Found(_))), "{has_its_own:?}");
}
