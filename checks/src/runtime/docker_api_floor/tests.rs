use super::*;
use crate::{
    facts::{
        DockerClient, EngineApi, EngineLearned, EngineVersion, Fact, Fact::Known, Learned,
        TrialName, Why,
    },
    target::Target,
    testing::{healthy_container, healthy_vm, tried},
};

fn with(client: Version, daemon: Option<Version>) -> Facts {
    let mut facts = healthy_container();
    facts.clients.docker = Known(Some(DockerClient { version: client, source: "dpkg".into() }));
    if let Some(daemon) = daemon {
        facts.versions.read(Component::Docker, daemon, "dpkg");
    }
    facts
}

fn severity(facts: &Facts) -> Option<Severity> {
    match judged(facts) {
        Ok(Outcome::Found(findings)) => findings[0].severity.get(Target::Dockerd),
        Ok(_) => None,
        other => panic!("{other:?}"),
    }
}

const OLD: Version = Version::new(20, 10, 24);
const NEW: Version = Version::new(29, 1, 0);
const LOWERED: Version = Version::new(29, 3, 0);

#[test]
fn an_old_client_beside_a_new_daemon_is_a_warning() {
    assert_eq!(severity(&with(OLD, Some(NEW))), Some(Severity::Warning));
    for target in [Target::Docker, Target::Kind] {
        let of = |facts: &Facts| crate::testing::severity_for(&CHECK, facts, target);
        assert_eq!(of(&with(OLD, Some(NEW))), Some(Severity::Error), "both are installed");
        let mut facts = with(OLD, None);
        facts.versions.give(Component::Docker, NEW);
        assert_eq!(of(&facts), Some(Severity::Warning), "the client may come with it");
        facts.runtime.variables =
            Known([("DOCKER_HOST".into(), "tcp://docker:2375".into())].into());
        assert_eq!(of(&facts), Some(Severity::Error), "all that a client here asks is refused");
    }
    assert_eq!(severity(&with(OLD, None)), None, "the newest release takes it");
    let before = Version::new(18, 9, 1);
    assert_eq!(severity(&with(before, None)), Some(Severity::Info));
    assert_eq!(severity(&with(before, Some(LOWERED))), Some(Severity::Warning));
    let patch = Version::new(29, 2, 1);
    assert_eq!(severity(&with(OLD, Some(patch))), Some(Severity::Warning));
}

#[test]
fn a_pinned_version_counts_before_the_client() {
    let mut facts = with(NEW, Some(NEW));
    facts.clients.api_version = "1.41".into();
    assert_eq!(severity(&facts), Some(Severity::Warning));
    facts.versions.give(Component::Docker, LOWERED);
    assert_eq!(summary(&facts), libraries_are_refused("1.40"));
    facts.versions.give(Component::Docker, NEW);
    facts.clients.minimum_api_version = "1.24".into();
    assert_eq!(severity(&facts), None);
}

fn summary(facts: &Facts) -> String {
    match judged(facts) {
        Ok(Outcome::Found(findings)) => findings[0].summary.clone(),
        other => panic!("{other:?}"),
    }
}

fn libraries_are_refused(floor: &str) -> String {
    format!(
        "the daemon takes API {floor} and later: programs with an older client library, such as Testcontainers before \
         1.21.4 and 2.0.2, are refused"
    )
}

#[test]
fn a_client_that_is_newer_than_its_daemon() {
    assert_eq!(
        summary(&with(NEW, Some(OLD))),
        "the docker command 29.1.0 talks API 1.44 and later, and the daemon knows none above 1.41"
    );
    assert_eq!(severity(&with(LOWERED, Some(OLD))), None, "which talks 1.40 again");
    assert_eq!(severity(&with(Version::new(28, 0, 0), Some(OLD))), None);
    let mut pinned = with(OLD, Some(OLD));
    pinned.clients.api_version = "1.44".into();
    assert_eq!(
        summary(&pinned),
        "clients here insist on API 1.44, and the daemon knows none above 1.41"
    );
    assert_eq!(severity(&pinned), Some(Severity::Warning));
}

#[test]
fn what_belongs_together_passes() {
    assert_eq!(severity(&with(OLD, Some(OLD))), None);
    assert_eq!(severity(&with(NEW, Some(NEW))), Some(Severity::Info));
    assert_eq!(summary(&with(NEW, Some(NEW))), libraries_are_refused("1.44"));
    assert_eq!(severity(&with(NEW, None)), None);
    assert_eq!(severity(&healthy_vm()), None);
}

#[test]
fn a_daemon_elsewhere_is_information_unless_its_version_is_given() {
    let mut facts = with(OLD, Some(OLD));
    facts.runtime.variables = Known([("DOCKER_HOST".into(), "tcp://docker:2375".into())].into());
    assert_eq!(severity(&facts), Some(Severity::Info));
    facts.versions.give(Component::Docker, NEW);
    assert_eq!(severity(&facts), Some(Severity::Warning));
    facts.versions.give(Component::Docker, OLD);
    assert_eq!(severity(&facts), None);
}

fn answering(mut facts: Facts, floor: &str) -> Facts {
    let answer = EngineVersion { minimum_api_version: floor.into(), ..EngineVersion::default() };
    facts.engines.apis = [EngineApi {
        name: "dockerd".into(),
        pid: 7,
        socket: "/run/docker.sock".into(),
        answer: Known(answer),
    }]
    .into();
    facts
}

#[test]
fn what_the_daemon_answers_is_certain() {
    assert_eq!(severity(&answering(with(OLD, None), "1.44")), Some(Severity::Warning));
    // Someone lowered it.
    assert_eq!(severity(&answering(with(OLD, Some(NEW)), "1.24")), None);
    // A newer client speaks 1.44 at least; nothing says that it does not speak more.
    assert_eq!(severity(&answering(with(NEW, Some(NEW)), "1.48")), Some(Severity::Info));
    let mut pinned = answering(with(NEW, Some(NEW)), "1.48");
    pinned.clients.api_version = "1.47".into();
    assert_eq!(severity(&pinned), Some(Severity::Warning));
    let mut given = answering(with(OLD, None), "1.44");
    given.versions.give(Component::Docker, OLD);
    assert_eq!(severity(&given), None);
}

#[test]
fn a_daemon_elsewhere_that_was_asked_is_certain_too() {
    let asked = |floor: &str| {
        let mut facts = with(OLD, None);
        facts.runtime.variables =
            Known([("DOCKER_HOST".into(), "tcp://docker:2375".into())].into());
        tried(&mut facts, TrialName::Api, "tcp://docker:2375", &[]);
        let version =
            EngineVersion { minimum_api_version: floor.into(), ..EngineVersion::default() };
        let engine = EngineLearned { version, ..EngineLearned::default() };
        facts.trials.runs[0].learned = Some(Learned::Engine(alloc::boxed::Box::new(engine)));
        facts
    };
    assert_eq!(severity(&asked("1.44")), Some(Severity::Warning));
    assert_eq!(judged(&asked("1.24")), Ok(Outcome::proved()));
}

#[test]
fn without_the_client_it_is_unknown() {
    let mut facts = healthy_container();
    facts.clients.docker = Fact::missing("/var/lib/dpkg/status", Why::TooLarge);
    assert!(judged(&facts).is_err());
}
