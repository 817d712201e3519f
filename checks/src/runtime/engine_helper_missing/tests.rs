use alloc::{string::String, vec, vec::Vec};

use super::*;
use crate::{
    facts::{EngineProcess, Fact, Fact::Known, Missing, Program, Why},
    target::{Severity, Target},
    testing::{healthy_container, healthy_vm, said_of},
    version::{Component, Version},
};

const ALL: [&str; 14] = [
    "aardvark-dns",
    "buildkitd",
    "conmon",
    "containerd",
    "containerd-shim-runc-v2",
    "crun",
    "docker-proxy",
    "netavark",
    "pasta",
    "podman",
    "rootlesskit",
    "runc",
    "slirp4netns",
    "vpnkit",
];

/// Everything is installed but these.
fn without(missing: &[&str]) -> Facts {
    let mut facts = healthy_vm();
    let path = |name: &str| (!missing.contains(&name)).then(|| format!("/usr/bin/{name}").into());
    facts.engines.programs =
        ALL.iter().map(|name| Program { name: (*name).into(), path: Known(path(name)) }).collect();
    facts
}

fn said(facts: &Facts, target: Target) -> Vec<(String, Severity)> {
    match said_of(&CHECK, facts, target) {
        Ok(Outcome::Found(found)) => {
            found.iter().map(|f| (f.subject.clone(), f.severity.get(target).unwrap())).collect()
        }
        Ok(_) => vec![],
        other => panic!("{other:?}"),
    }
}

fn error(name: &str) -> Vec<(String, Severity)> {
    vec![(name.into(), Severity::Error)]
}

#[test]
fn with_everything_there_all_pass() {
    for target in Target::ALL {
        assert_eq!(said(&without(&[]), target), vec![], "{target}");
    }
}

#[test]
fn dockerd_wants_its_companions() {
    for name in ["containerd", "containerd-shim-runc-v2", "docker-proxy", "runc"] {
        assert_eq!(said(&without(&[name]), Target::Dockerd), error(name));
    }
    let mut facts = without(&["docker-proxy"]);
    facts.versions.give(Component::Docker, Version::new(20, 10, 0));
    let old = vec![("docker-proxy".into(), Severity::Warning)];
    assert_eq!(said(&facts, Target::Dockerd), old);
}

#[test]
fn a_daemon_that_runs_has_found_what_it_starts_with() {
    let mut facts = without(&["containerd", "docker-proxy", "runc"]);
    facts.engines.running = Known(vec![EngineProcess {
        name: "dockerd".into(),
        pid: 7,
        arguments: Known(vec![]),
        same_mount_namespace: Some(true),
    }]);
    assert_eq!(said(&facts, Target::Dockerd), error("runc"));
}

#[test]
fn what_the_configuration_replaces_is_not_wanted() {
    let mut facts = without(&["docker-proxy", "runc"]);
    if let Known(config) = &mut facts.engines.daemon_json {
        config.content = serde_json::json!({"userland-proxy": false, "default-runtime": "crun"});
    }
    assert_eq!(said(&facts, Target::Dockerd), vec![]);
}

#[test]
fn one_command_installs_all() {
    let facts = without(&["docker-proxy", "runc"]);
    let Ok(Outcome::Found(found)) = said_of(&CHECK, &facts, Target::Dockerd) else { panic!() };
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].subject, "runc, docker-proxy");
    let commands = found[0].remedies[0].change.commands();
    assert_eq!(commands[0], "apt-get update && apt-get install -y docker.io runc");
}

/// An ordinary user of a machine is not told what only root can do as if he could.
#[test]
fn installing_on_a_machine_takes_root() {
    let mut facts = without(&["conmon"]);
    facts.runtime.container = Tri::No;
    let text = |facts: &Facts| match said_of(&CHECK, facts, Target::Podman) {
        Ok(Outcome::Found(found)) => found[0].remedies[0].text.clone(),
        other => panic!("{other:?}"),
    };
    assert!(text(&facts).starts_with("install"));
    facts.identity.euid = Known(1000);
    assert!(text(&facts).starts_with("as root, install"), "{}", text(&facts));
}

#[test]
fn podman_wants_another_network_as_root_and_as_a_user() {
    let mut facts = without(&["pasta"]);
    assert_eq!(said(&facts, Target::Podman), vec![]);
    facts.identity.euid = Known(1000);
    assert_eq!(said(&facts, Target::Podman), error("pasta"));
    facts.versions.read(Component::Podman, Version::new(4, 3, 1), "dpkg");
    assert_eq!(said(&facts, Target::Podman), vec![], "podman 4 takes slirp4netns");
    assert_eq!(said(&without(&["netavark"]), Target::Podman), error("netavark"));
    assert_eq!(said(&without(&["crun", "runc"]), Target::Podman), error("crun nor runc"));
}

#[test]
fn rootless_docker_wants_a_network_driver_up_to_29_5() {
    let mut facts = without(&["slirp4netns", "vpnkit", "pasta"]);
    assert_eq!(said(&facts, Target::Rootless), vec![]);
    facts.versions.give(Component::Docker, Version::new(28, 0, 0));
    assert_eq!(said(&facts, Target::Rootless), error("slirp4netns nor vpnkit nor pasta"));
}

#[test]
fn what_is_not_installed_wants_nothing() {
    let mut facts = without(&ALL);
    facts.engines.dockerd = Known(None);
    for target in Target::ALL {
        assert_eq!(said(&facts, target), vec![], "{target}");
    }
}

#[test]
fn an_older_recording_says_nothing_and_a_closed_directory_is_unknown() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    let mut facts = without(&[]);
    for program in &mut facts.engines.programs {
        program.path = Fact::missing("/opt/bin", Why::NotPermitted);
    }
    assert!(said_of(&CHECK, &facts, Target::Dockerd).is_err());
    let mut facts = without(&["pasta"]);
    facts.identity.euid = Known(1000);
    let database = Missing::new("/var/lib/dpkg/status", Why::NotPermitted);
    facts.versions.unreadable.push(database);
    assert!(said_of(&CHECK, &facts, Target::Podman).is_err(), "podman 4 would not want it");
}
