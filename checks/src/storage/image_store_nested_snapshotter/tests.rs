use alloc::{vec, vec::Vec};

use serde_json::{Value, json};

use super::*;
use crate::{
    facts::{DaemonConfig, ImageStores},
    target::{Severity, Target},
    testing::{healthy_container, healthy_vm},
    version::Version,
};

fn docker(version: Option<Version>, content: Value) -> Facts {
    let mut facts = healthy_container();
    if let Some(version) = version {
        facts.versions.give(Component::Docker, version);
    }
    facts.engines.daemon_json =
        Fact::Known(DaemonConfig { path: "/etc/docker/daemon.json".into(), content });
    facts
}

fn found(facts: &Facts) -> Vec<Finding> {
    match judged(facts) {
        Ok(Outcome::Found(found)) => {
            assert!(found.iter().all(|f| f.severity.within(&CHECK.worst)));
            found
        }
        other => panic!("{other:?}"),
    }
}

fn snapshotter(on: bool, driver: &str) -> Value {
    json!({"features": {"containerd-snapshotter": on}, "storage-driver": driver})
}

#[test]
fn a_graph_driver_s_name_does_not_start_the_containerd_store() {
    for version in [None, Some(Version::new(28, 0, 0))] {
        let found = found(&docker(version, snapshotter(true, "overlay2")));
        assert_eq!(found[0].severity.get(Target::Dockerd), Some(Severity::Error));
        assert!(found[0].summary.contains("has no overlay2"));
    }
    let fine = docker(None, snapshotter(true, "overlayfs"));
    assert_eq!(judged(&fine), Ok(Outcome::pass()));
}

#[test]
fn the_variable_of_gitlab_counts_and_is_emptied() {
    let mut facts = docker(None, json!({"features": {"containerd-snapshotter": true}}));
    facts.runtime.variables = Fact::Known(vec![("DOCKER_DRIVER".into(), "overlay2".into())]);
    assert_eq!(found(&facts)[0].subject, "DOCKER_DRIVER");
    facts.engines.daemon_json = Fact::Known(DaemonConfig::default());
    assert_eq!(judged(&facts), Ok(Outcome::pass()), "it selects the graph driver of Docker 29");
}

#[test]
fn a_snapshotter_s_name_does_not_start_graph_drivers() {
    let old = Some(Version::new(28, 5, 0));
    let found_there = found(&docker(old, json!({"storage-driver": "overlayfs"})));
    assert_eq!(found_there[0].severity.get(Target::Kind), Some(Severity::Error));
    assert!(!found(&docker(None, snapshotter(false, "overlayfs"))).is_empty());
    assert_eq!(judged(&docker(old, json!({"storage-driver": "overlay2"}))), Ok(Outcome::pass()));
}

#[test]
fn images_in_both_stores_are_worth_knowing() {
    let mut facts = docker(None, Value::Null);
    facts.storage.image_stores = ImageStores { graph: Fact::Known(3), snapshots: Fact::Known(8) };
    let all = found(&facts);
    assert!(all[0].summary.contains("does not see 3 images"), "{}", all[0].summary);
    assert_eq!(all[0].severity.worst(&Target::ALL), Some(Severity::Info));
    facts.storage.data_roots[0].entries = Fact::Known(vec!["overlay2".into()]);
    assert!(found(&facts)[0].summary.contains("does not see 8 snapshots"));
}

#[test]
fn loading_into_kind_is_said_only_of_a_docker_that_is_known() {
    let all = found(&docker(Some(Version::new(29, 1, 0)), Value::Null));
    assert_eq!(all[0].severity, severities!(kind: Info));
    assert_eq!(judged(&docker(Some(Version::new(28, 1, 0)), Value::Null)), Ok(Outcome::pass()));
    let mut kept = docker(Some(Version::new(29, 1, 0)), Value::Null);
    kept.storage.data_roots[0].entries = Fact::Known(vec!["overlay2".into()]);
    assert_eq!(judged(&kept), Ok(Outcome::pass()));
}

#[test]
fn healthy_environments_pass() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
}

#[test]
fn without_the_configuration_or_the_data_root_it_is_unknown() {
    let mut facts = healthy_container();
    facts.engines.daemon_json = Fact::missing("/etc/docker/daemon.json", Why::NotPermitted);
    assert!(judged(&facts).is_err());
    facts.storage.data_roots.clear();
    assert!(judged(&facts).is_err());
}

#[test]
fn an_overlay_that_was_tried_says_whether_overlay2_is_in_use() {
    use crate::{
        facts::{Action, Ending},
        storage::tried::testing::tried,
    };
    let with = |fails| {
        let mut facts = docker(None, Value::Null);
        facts.storage.image_stores =
            ImageStores { graph: Fact::Known(3), snapshots: Fact::Known(8) };
        facts.storage.data_roots[0].entries = Fact::Known(vec!["overlay2".into()]);
        let path = facts.storage.data_roots[0].resolved.known().unwrap().clone();
        tried(&mut facts, &path, "", fails);
        facts
    };
    assert!(found(&with(None))[0].summary.contains("does not see 8 snapshots"));
    let mut refused = with(Some((Action::MountOverlay, 22, "EINVAL")));
    assert!(found(&refused)[0].summary.contains("does not see 3 images"));
    refused.trials.runs[0].ending = Ending::Skipped("no process can be forked".into());
    refused.trials.runs[0].steps.clear();
    assert!(found(&refused)[0].summary.contains("does not see 8 snapshots"), "as before");
    let mut mounted = with(None);
    mounted.storage.image_stores = ImageStores { graph: Fact::Known(3), snapshots: Fact::Known(0) };
    assert_eq!(judged(&mounted), Ok(Outcome::proved()));
}
