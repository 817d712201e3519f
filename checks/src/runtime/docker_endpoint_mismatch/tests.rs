use alloc::vec;

use super::*;
use crate::{
    facts::{CertificateDirectory, DockerContext, Fact, Fact::Known, Launcher, Tri},
    remedy::Change,
    target::{Severity, Target},
    testing::{healthy_container, healthy_vm, said_of, socket},
};

fn with(pairs: &[(&str, &str)]) -> Facts {
    let mut facts = healthy_container();
    facts.runtime.variables =
        Known(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect());
    facts
}

fn certificates(path: &str, missing: &[&str], shared: bool) -> CertificateDirectory {
    CertificateDirectory {
        path: path.into(),
        missing: Known(missing.iter().map(|name| (*name).into()).collect()),
        shared: Some(shared),
    }
}

fn present(path: &str, kind: SocketKind, usable: bool) -> EngineSocket {
    EngineSocket {
        kind: Known(kind),
        permissions: "srw-rw---- 0:999".into(),
        gid: Known(999),
        usable: Known(usable),
        ..socket(path)
    }
}

fn found(facts: &Facts) -> Finding {
    match judged(facts) {
        Ok(Outcome::Found(mut findings)) => findings.remove(0),
        other => panic!("{other:?}"),
    }
}

fn dockerd(facts: &Facts) -> Option<Severity> {
    found(facts).severity.get(Target::Dockerd)
}

#[test]
fn before_anything_is_started_there_is_no_question() {
    assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
    assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
    assert!(matches!(judged(&with(&[("DOCKER_HOST", "")])), Ok(Outcome::NotApplicable(_))));
}

#[test]
fn a_socket_of_another_group_is_refused() {
    let mut facts = healthy_vm();
    facts.clients.sockets = vec![present("/var/run/docker.sock", SocketKind::Socket, false)];
    let finding = found(&facts);
    assert_eq!(finding.severity, severities!(dockerd: Error, kind: Error));
    assert!(finding.summary.contains("0:999"), "{}", finding.summary);
    assert_eq!(finding.remedies[0].place, Place::Host, "a user of a machine joins its group");
    facts.runtime.container = Tri::Yes;
    assert_eq!(found(&facts).remedies[0].place, Place::Container);
    facts.clients.sockets[0].usable = Known(true);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.clients.sockets[0].usable = Fact::missing("/var/run/docker.sock", Why::TimedOut);
    assert!(judged(&facts).is_err());
}

#[test]
fn a_directory_in_the_place_of_a_socket_is_found() {
    let mut facts = healthy_container();
    facts.clients.sockets = vec![present("/var/run/docker.sock", SocketKind::Directory, true)];
    assert!(found(&facts).summary.contains("is a directory"));
}

/// An engine that mounts a socket makes a directory where there is none; what is no mount can go.
#[test]
fn only_a_directory_that_is_no_mount_is_removed() {
    let mut facts = healthy_container();
    facts.clients.sockets = vec![present("/var/run/docker.sock", SocketKind::Directory, true)];
    let remove = Change::Tasks(vec![Task::RemoveDirectory("/var/run/docker.sock".into())]);
    assert_eq!(found(&facts).remedies[0].change, remove);
    let Known(table) = &mut facts.mounts else { panic!() };
    let mut mount = table.rows[0].clone();
    mount.mount_point = "/run/docker.sock".into();
    table.rows.push(mount);
    assert_eq!(found(&facts).remedies[0].change, Change::Advice);
}

#[test]
fn ports_and_tls_belong_together() {
    let plain = with(&[("DOCKER_HOST", "tcp://docker:2376")]);
    assert_eq!(dockerd(&plain), Some(Severity::Error));
    let tls = with(&[("DOCKER_HOST", "tcp://docker:2375"), ("DOCKER_TLS_VERIFY", "1")]);
    assert_eq!(dockerd(&tls), Some(Severity::Error));
}

#[test]
fn the_entrypoint_turns_tls_on_where_there_are_certificates() {
    let mut facts = with(&[("DOCKER_HOST", "tcp://docker:2376"), ("DOCKER_TLS_CERTDIR", "/certs")]);
    facts.clients.certificates = vec![certificates("/certs/client", &[], true)];
    assert!(judged(&facts).is_err());
}

#[test]
fn certificates_that_nothing_can_bring_are_an_error() {
    let mut facts = with(&[("DOCKER_HOST", "tcp://docker:2376"), ("DOCKER_TLS_VERIFY", "1")]);
    facts.clients.certificates = vec![certificates("/certs/client", &["ca.pem"], false)];
    assert_eq!(dockerd(&facts), Some(Severity::Error));
    facts.clients.certificates = vec![certificates("/certs/client", &["ca.pem"], true)];
    assert_eq!(dockerd(&facts), Some(Severity::Warning));
}

#[test]
fn a_gitlab_job_without_tls_is_a_warning_and_a_sidecar_is_not_judged() {
    let pairs = [("DOCKER_HOST", "tcp://docker:2375"), ("DOCKER_TLS_CERTDIR", "/certs")];
    let mut facts = with(&pairs);
    assert!(judged(&facts).is_err());
    facts.runtime.launcher = Launcher::Gitlab;
    assert_eq!(dockerd(&facts), Some(Severity::Warning));
}

#[test]
fn whether_a_port_answers_is_unknown_and_says_how_to_know() {
    let Err(unknown) = judged(&with(&[("DOCKER_HOST", "tcp://docker:2375")])) else { panic!() };
    assert_eq!(unknown.missing[0].why, Why::NotProbed);
    assert!(unknown.remedy.is_some());
    assert!(judged(&with(&[("DOCKER_HOST", "ssh://user@host")])).is_err());
}

#[test]
fn a_context_that_does_not_exist_is_an_error() {
    let mut facts = healthy_container();
    facts.clients.context = Known(Some(DockerContext {
        name: "gone".into(),
        selected_by: "DOCKER_CONTEXT".into(),
        host: Fact::missing("/root/.docker/contexts/meta", Why::NotFound),
    }));
    assert_eq!(dockerd(&facts), Some(Severity::Error));
}

#[test]
fn a_socket_of_buildkit_concerns_buildkit_only() {
    let mut facts = with(&[("BUILDKIT_HOST", "unix:///run/buildkit/buildkitd.sock")]);
    let path = "/run/buildkit/buildkitd.sock";
    facts.clients.sockets.push(present(path, SocketKind::Socket, false));
    assert_eq!(found(&facts).severity, severities!(buildkit: Error));
}

#[test]
fn without_the_environment_it_is_unknown() {
    let mut facts = healthy_container();
    facts.runtime.variables = Fact::missing("environment", Why::NotRecorded);
    assert!(judged(&facts).is_err());
}

fn answered(mut facts: Facts, url: &str, error: Option<&str>) -> Facts {
    use crate::{
        facts::{Action, TrialName},
        testing::tried,
    };
    let steps = [(Action::ConnectEngine, "", None), (Action::AskEngine, "/_ping", error)];
    tried(&mut facts, TrialName::Api, url, &steps);
    facts
}

fn asked_of(facts: Facts, url: &str, error: Option<&str>) -> Verdict {
    judged(&answered(facts, url, error))
}

fn docker_asked_of(facts: Facts, url: &str) -> Verdict {
    said_of(&CHECK, &answered(facts, url, None), Target::Docker)
}

fn with_host(variables: &[(&str, &str)]) -> Facts {
    let mut facts = healthy_container();
    facts.runtime.variables =
        Known(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect());
    facts
}

#[test]
fn a_daemon_that_was_asked_settles_it() {
    use crate::outcome::Proof;
    let url = "tcp://docker:2375";
    let plain = with_host(&[("DOCKER_HOST", url)]);
    assert!(judged(&plain).is_err(), "nobody has asked");
    assert_eq!(docker_asked_of(plain.clone(), url), Ok(Outcome::proved()));
    let Err(kind) = asked_of(plain.clone(), url, None) else {
        panic!("its machine is not seen from here")
    };
    assert_eq!(kind.missing[0].source, "the machine of the daemon at tcp://docker:2375");
    let Ok(Outcome::Found(found)) = asked_of(plain, url, Some("it speaks TLS")) else {
        panic!("nothing was found")
    };
    assert_eq!((found[0].proof(), found[0].severity), (Proof::Trial, CLIENTS));
    // What was read explains it better, and a port that answers after all is fine.
    let port = "tcp://docker:2376";
    let wrong = with_host(&[("DOCKER_HOST", port)]);
    let Ok(Outcome::Found(found)) = asked_of(wrong.clone(), port, Some("it speaks TLS")) else {
        panic!("nothing was found")
    };
    assert!(found[0].summary.contains("2376"), "{}", found[0].summary);
    assert_eq!(docker_asked_of(wrong, port), Ok(Outcome::proved()));
}

#[test]
fn a_socket_that_a_daemon_is_about_to_make_is_waited_for() {
    use crate::{
        facts::{Action, TrialName},
        testing::refused_step,
    };
    let path = "/run/ci/docker.sock";
    let url = "unix:///run/ci/docker.sock";
    let mut facts = with_host(&[("DOCKER_HOST", url)]);
    facts.clients.sockets.push(socket(path));
    let facts = |errno, what: &str| {
        let mut facts = answered(facts.clone(), url, None);
        refused_step(&mut facts, TrialName::Api, Action::ConnectEngine, errno, what);
        facts
    };
    assert_eq!(judged(&facts(2, "ENOENT")), Ok(Outcome::pass()));
    assert!(matches!(judged(&facts(111, "ECONNREFUSED")), Ok(Outcome::Found(_))));
}

#[test]
fn certificates_that_are_not_accepted_are_told_apart_from_a_daemon_that_is_not_there() {
    use crate::{
        facts::{Action, TrialName},
        testing::tried,
    };
    let url = "tcp://docker:2376";
    let mut facts = with_host(&[("DOCKER_HOST", url), ("DOCKER_TLS_VERIFY", "1")]);
    facts.clients.certificates = vec![certificates("/certs/client", &[], true)];
    assert!(judged(&facts).is_err(), "nobody has asked");
    assert_eq!(docker_asked_of(facts.clone(), url), Ok(Outcome::proved()));
    let why = "its certificate is not for docker, but for localhost";
    let steps = [(Action::ConnectEngine, "", None), (Action::BeginTls, "", Some(why))];
    tried(&mut facts, TrialName::Api, url, &steps);
    let found = found(&facts);
    assert!(found.summary.contains(why), "{}", found.summary);
    let offered = format!("{:?}", found.remedies);
    assert!(offered.contains("DOCKER_TLS_SAN") && offered.contains("DNS:docker"), "{offered}");
}

#[test]
fn a_daemon_that_is_started_here_does_not_care_who_answers_elsewhere() {
    let facts = with_host(&[("DOCKER_HOST", "ssh://u@h")]);
    assert!(said_of(&CHECK, &facts, Target::Docker).is_err());
    for target in [Target::Dockerd, Target::Rootless] {
        let verdict = said_of(&CHECK, &facts, target);
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(why)) if why.contains("ssh://")));
    }
}
