use alloc::{borrow::ToOwned, vec};

use serde_json::json;

use super::*;
use crate::{
    facts::{DaemonConfig, EngineProcess, Fact::Known, Text},
    remedy::{Change, Task},
    target::Target,
    testing::{healthy_container, healthy_vm},
    version::Version,
};

const PATH: &str = "/etc/docker/daemon.json";

fn with(content: Value) -> Facts {
    let mut facts = healthy_vm();
    facts.engines.daemon_json = Known(DaemonConfig { path: PATH.into(), content });
    facts.versions.give(Component::Docker, Version::new(28, 5, 2));
    facts
}

fn findings(facts: &Facts) -> Vec<Finding> {
    match judged(facts) {
        Ok(Outcome::Found(found)) => found,
        other => panic!("{other:?}"),
    }
}

fn found(content: Value) -> Finding {
    let mut found = findings(&with(content));
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn running(facts: &mut Facts, arguments: &str) {
    facts.engines.running = Known(vec![EngineProcess {
        name: "dockerd".into(),
        pid: 7,
        arguments: Known(arguments.split(' ').map(Text::from).collect()),
        same_mount_namespace: Some(true),
    }]);
}

#[test]
fn no_file_and_one_with_known_keys_pass() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    let all = json!({
        "mtu": 1400, "debug": true, "hosts": ["fd://"], "log-opts": {"max-size": "10m", "no-such": "x"},
        "proxies": {"http-proxy": "http://proxy:3128"}, "runtimes": {"nvidia": {"path": "x"}},
        "features": {"containerd-snapshotter": true}, "default-address-pools": [{"base": "10.0.0.0/8", "size": 24}],
        "bip": null, "default-shm-size": "64M",
    });
    assert_eq!(judged(&with(all)), Ok(Outcome::pass()));
}

#[test]
fn what_is_no_json_or_no_object_stops_dockerd() {
    let mut facts = with(Value::Null);
    facts.engines.daemon_json = Fact::missing(PATH, Why::Malformed);
    let broken = &findings(&facts)[0];
    assert_eq!(broken.severity, severities!(dockerd: Error, kind: Error));
    assert_eq!(
        broken.remedies[0].change.commands(),
        ["dockerd --validate --config-file=/etc/docker/daemon.json"]
    );
    facts.versions.give(Component::Docker, Version::new(20, 10, 24));
    let old = findings(&facts)[0].remedies[0].change.commands();
    assert_eq!(old, ["python3 -m json.tool /etc/docker/daemon.json"]);
    assert!(found(json!(["mtu"])).summary.contains("no object"));
}

#[test]
fn a_second_object_is_not_read_or_refused() {
    let mut facts = with(json!({"mtu": 1400}));
    facts.engines.daemon_json_goes_on = true;
    assert_eq!(findings(&facts)[0].severity.get(Target::Dockerd), Some(Severity::Error));
    facts.versions.give(Component::Docker, Version::new(20, 10, 24));
    assert_eq!(findings(&facts)[0].severity.get(Target::Dockerd), Some(Severity::Warning));
}

#[test]
fn a_key_that_no_release_knows_is_named_with_what_was_meant() {
    let unknown = found(json!({"registry_mirrors": []}));
    assert!(unknown.summary.contains("which dockerd does not know"), "{}", unknown.summary);
    assert!(unknown.remedies[0].text.contains("\"registry-mirrors\""), "{:?}", unknown.remedies);
    assert!(found(json!({"MTU": 1400})).remedies[0].text.contains("\"mtu\""));
    assert!(
        found(json!({"proxy": {"mtuu": 1}})).subject == "mtuu",
        "what is inside counts as if outside"
    );
    assert!(found(json!({"nonsense": 1})).remedies[0].text.contains("take"));
}

#[test]
fn a_release_that_is_not_known_yet_may_have_more_keys() {
    let mut facts = with(json!({"nonsense": 1}));
    facts.versions.give(Component::Docker, Version::new(31, 0, 0));
    assert_eq!(findings(&facts)[0].severity.get(Target::Dockerd), Some(Severity::Warning));
}

#[test]
fn keys_come_and_go_with_releases() {
    let early = found(json!({"firewall-backend": "nftables"}));
    assert!(early.summary.contains("from Docker 29 on"), "{}", early.summary);
    let late = found(json!({"graph": "/data"}));
    assert!(late.summary.contains("up to Docker 23"), "{}", late.summary);
    let mut assumed = with(json!({"firewall-backend": "nftables", "graph": "/x"}));
    assumed.versions = healthy_vm().versions;
    if assumed.versions.of(Component::Docker).is_assumed() {
        assert_eq!(judged(&assumed), Ok(Outcome::pass()));
    }
}

#[test]
fn values_of_another_type_are_found() {
    for (content, wanted) in [
        (json!({"mtu": "1400"}), "a number"),
        (json!({"mtu": 1400.5}), "a number"),
        (json!({"debug": "true"}), "true or false"),
        (json!({"insecure-registries": "registry:5000"}), "a list"),
        (json!({"log-opts": {"max-file": 3}}), "strings"),
        (json!({"data-root": ["/x"]}), "a string"),
    ] {
        let summary = found(content).summary;
        assert!(summary.contains(wanted), "{summary}");
    }
}

#[test]
fn what_the_unit_says_too_is_taken_out_of_the_unit() {
    let mut facts = with(json!({"hosts": ["fd://", "tcp://127.0.0.1:2375"]}));
    let unit = "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock";
    facts.engines.unit = Some(Known(unit.split(' ').map(Text::from).collect()));
    let twice = &findings(&facts)[0];
    assert_eq!(twice.severity.get(Target::Dockerd), Some(Severity::Error));
    let Change::Tasks(tasks) = &twice.remedies[0].change else { panic!("{twice:?}") };
    let Task::File { lines, .. } = &tasks[0] else { panic!("{tasks:?}") };
    let start = "ExecStart=/usr/bin/dockerd --containerd=/run/containerd/containerd.sock";
    assert_eq!(lines, &["[Service]".to_owned(), "ExecStart=".to_owned(), start.to_owned()]);
    facts.engines.unit = Some(Known(vec!["/usr/bin/dockerd".into()]));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.engines.unit =
        Some(Fact::missing("/etc/systemd/system/docker.service", Why::NotPermitted));
    assert!(judged(&facts).is_err());
}

#[test]
fn a_daemon_that_runs_is_warned_of_the_next_time() {
    let mut facts = with(json!({"mtu": 1400, "runtimes": {}}));
    running(&mut facts, "dockerd --mtu 1500 --add-runtime x=y");
    let twice = &findings(&facts)[0];
    assert_eq!(twice.severity, severities!(dockerd: Warning, kind: Warning));
    assert!(twice.summary.ends_with("dockerd does not start again"), "{}", twice.summary);
    running(&mut facts, "dockerd --debug");
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.engines.running = Known(vec![EngineProcess {
        name: "dockerd".into(),
        pid: 7,
        arguments: Fact::missing("/proc/7/cmdline", Why::NotPermitted),
        same_mount_namespace: Some(true),
    }]);
    assert!(judged(&facts).is_err());
}

#[test]
fn the_entrypoint_of_dind_sets_hosts() {
    let mut facts = with(json!({"hosts": ["unix:///x"]}));
    facts.engines.preparing_entrypoints =
        Known(vec!["/usr/local/bin/dockerd-entrypoint.sh".into()]);
    assert_eq!(findings(&facts)[0].severity.get(Target::Dockerd), Some(Severity::Warning));
}

#[test]
fn a_file_that_cannot_be_read_is_unknown() {
    let mut facts = with(Value::Null);
    facts.engines.daemon_json = Fact::missing(PATH, Why::NotPermitted);
    assert!(judged(&facts).is_err());
}
