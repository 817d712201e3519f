use super::*;
use crate::{
    facts::{CapabilitySet, EngineProcess, EngineSocket, Fact, Fact::Known, SocketKind, Why},
    testing::{healthy_container, healthy_vm, mount, socket},
};

fn with(variables: &[(&str, &str)]) -> Facts {
    let mut facts = healthy_container();
    let pair = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
    facts.runtime.variables = Known(variables.iter().map(pair).collect());
    facts
}

fn mounted() -> Facts {
    let mut facts = healthy_container();
    facts.clients.sockets[0] = EngineSocket {
        kind: Known(SocketKind::Socket),
        mount: Some(mount("/run/docker.sock", "tmpfs", &["rw"])),
        is_mount_point: true,
        ..socket("/var/run/docker.sock")
    };
    facts
}

fn dockerd(facts: &mut Facts) {
    facts.engines.running = Known(vec![EngineProcess {
        name: "dockerd".into(),
        pid: 9,
        arguments: Known(vec![]),
        same_mount_namespace: Some(true),
    }]);
}

fn place(facts: &Facts, target: Target) -> Place {
    Plans::of(facts).get(target).unwrap().place.clone()
}

fn url(facts: &Facts) -> Option<alloc::string::String> {
    match place(facts, Target::Docker) {
        Place::Elsewhere(elsewhere) => Some(elsewhere.url),
        _ => None,
    }
}

#[test]
fn a_mounted_socket_and_a_port_are_elsewhere() {
    assert_eq!(url(&mounted()).as_deref(), Some("unix:///var/run/docker.sock"));
    let service = with(&[("DOCKER_HOST", "tcp://docker:2376")]);
    assert_eq!(url(&service).as_deref(), Some("tcp://docker:2376"));
    assert_eq!(place(&service, Target::Kind), place(&service, Target::Docker));
    assert_eq!(place(&service, Target::Dockerd), Place::not_started());
    assert_eq!(Plans::of(&service).most_likely(&service), [Target::Docker, Target::Kind]);
    assert!(url(&with(&[("DOCKER_HOST", "ssh://u@h")])).is_some());
}

#[test]
fn a_sidecar_on_loopback_is_elsewhere_and_a_daemon_that_runs_here_is_not() {
    let mut facts = with(&[("DOCKER_HOST", "tcp://localhost:2375")]);
    assert!(url(&facts).is_some());
    dockerd(&mut facts);
    assert_eq!(place(&facts, Target::Docker), Place::Here { running: Some(9) });
    let mut facts = mounted();
    dockerd(&mut facts);
    assert_eq!(place(&facts, Target::Docker), Place::Here { running: Some(9) });
    assert_eq!(Plans::of(&facts).most_likely(&facts), [Target::Docker, Target::Kind]);
}

#[test]
fn where_nothing_is_configured_it_would_be_started_here() {
    for facts in [healthy_container(), healthy_vm()] {
        assert_eq!(place(&facts, Target::Docker), Place::not_started());
        assert_eq!(Plans::of(&facts).most_likely(&facts), [Target::Dockerd, Target::Kind]);
    }
    let mut user = healthy_vm();
    user.identity.euid = Known(1000);
    assert_eq!(Plans::of(&user).most_likely(&user), [Target::Rootless]);
}

#[test]
fn an_old_recording_has_the_default_and_a_refusal_is_no_answer() {
    let mut facts = healthy_container();
    facts.runtime.variables = Fact::missing("environ", Why::NotRecorded);
    assert_eq!(place(&facts, Target::Docker), Place::not_started());
    facts.runtime.variables = Fact::missing("environ", Why::NotPermitted);
    assert!(matches!(place(&facts, Target::Docker), Place::Unknown { .. }));
}

#[test]
fn another_provider_does_not_use_dockers_endpoint() {
    let facts =
        with(&[("DOCKER_HOST", "tcp://docker:2376"), ("KIND_EXPERIMENTAL_PROVIDER", "podman")]);
    let plans = Plans::of(&facts);
    let kind = plans.get(Target::Kind).unwrap();
    assert_eq!((kind.provider, &kind.place), (Some(Provider::Podman), &Place::not_started()));
}

#[test]
fn podman_of_root_without_cap_sys_admin_is_rootless() {
    let user = |facts: &Facts, target| Plans::of(facts).get(target).unwrap().user;
    let mut facts = healthy_container();
    assert_eq!(user(&facts, Target::Podman), User::Root);
    facts.capabilities.effective = Known(CapabilitySet(0xa804_25fb));
    assert_eq!(user(&facts, Target::Podman), User::Ordinary);
    assert_eq!(user(&facts, Target::Sandbox), User::Root);
    facts.identity.euid = Known(1000);
    assert_eq!(user(&facts, Target::Sandbox), User::Ordinary);
    assert_eq!(user(&facts, Target::Dockerd), User::Root, "only root starts it");
    facts.identity.euid = Fact::missing("/proc/self/status", Why::NotPermitted);
    assert_eq!(user(&facts, Target::Podman), User::Unknown);
}

#[test]
fn a_socket_in_a_shared_directory_is_elsewhere() {
    let path = "/run/docker/docker.sock";
    let mut facts = with(&[("DOCKER_HOST", "unix:///run/docker/docker.sock")]);
    facts.clients.sockets.push(EngineSocket {
        kind: Known(SocketKind::Socket),
        mount: Some(mount("/run/docker", "ext4", &["rw"])),
        ..socket(path)
    });
    assert_eq!(url(&facts).as_deref(), Some("unix:///run/docker/docker.sock"));
    let last = facts.clients.sockets.len() - 1;
    let mut own = facts.clone();
    own.clients.sockets[last].mount = Some(mount("/", "overlay", &["rw"]));
    assert_eq!(url(&own), None, "the container's own");
    dockerd(&mut facts);
    assert_eq!(url(&facts), None, "its daemon runs here");
}

#[test]
fn a_tmpfs_at_run_is_the_containers_own() {
    let mut facts = mounted();
    facts.clients.sockets[0].is_mount_point = false;
    facts.clients.sockets[0].mount = Some(mount("/run", "tmpfs", &["rw"]));
    assert_eq!(url(&facts), None);
    facts.clients.sockets[0].mount = Some(mount("/run", "ext4", &["rw"]));
    assert!(url(&facts).is_some(), "a volume that a pod shares");
}
