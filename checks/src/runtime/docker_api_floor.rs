use alloc::{format, string::String};

use serde_json::Value;

use super::asked;
use crate::{
    derived::endpoint::{self, Address},
    facts::Facts,
    outcome::{Finding, Outcome, Source, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy},
    target::Severity,
    version::{Component, KnownVersion, Origin, Version},
};

check! {
    /// ## What it looks at
    /// The newest API that clients here speak: `DOCKER_API_VERSION`, else what the installed Docker command
    /// line client has; and the oldest that the daemon takes: what it answers itself, if it runs here, else
    /// its version, `min-api-version` in daemon.json, `DOCKER_MIN_API_VERSION`.
    ///
    /// ## Why it matters
    /// Docker 29 refuses clients of API versions below 1.44, which Docker 25 brought. Jobs in an old
    /// `docker:` image, old Testcontainers or Traefik, and pinned versions fail at their first request.
    ///
    /// ## When it is fine
    /// A daemon before 29 takes 1.24 and later. A client of the same installation is as new as its daemon.
    /// Of a daemon elsewhere the version is not known here: an old client is then information only. Programs
    /// with a client library of their own cannot be seen.
    ///
    /// ## How to fix
    /// Update the client, or unset `DOCKER_API_VERSION`; as a stopgap `min-api-version` in daemon.json.
    ///
    /// ## References
    /// <https://docs.docker.com/engine/release-notes/29/>; docker-library/docker issue 559;
    /// <https://docs.docker.com/reference/api/engine/>, API version matrix.
    "docker-api-floor",
    "Docker refuses the API version of clients here",
    Client,
    { dockerd: Warning, kind: Warning, rootless: Warning },
    ["is too old. Minimum supported API version is"],
    trials: [Api]
}

/// An API version, `1.44` as (1, 44).
type Api = (u32, u32);

/// The variable that pins clients.
const PINNED: &str = "DOCKER_API_VERSION";

/// What every client since Docker 25 speaks.
const NEWEST_KNOWN: Api = (1, 44);

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let Some((api, said_by, value)) = client(facts) else {
        facts.clients.docker.get()?;
        return Ok(Outcome::not_applicable("no Docker client is installed, and none is pinned"));
    };
    let docker = facts.versions.sure(Component::Docker)?;
    let elsewhere = daemon_is_elsewhere(facts);
    // What the user says is going to run counts before what runs now.
    let answered = answered(facts).filter(|_| docker.origin != Origin::Given);
    let floor = answered.as_ref().map_or_else(|| floor(facts, &docker, elsewhere), |a| a.0);
    let pinned = said_by == PINNED;
    // Of a newer client it is only known that it speaks this at least.
    if api >= if pinned { floor } else { floor.min(NEWEST_KNOWN) } {
        let proved = answered.is_some_and(|(_, source, _)| source.is_trial());
        return Ok(if proved { Outcome::proved() } else { Outcome::pass() });
    }
    let certain =
        docker.origin == Origin::Given || answered.is_some() || !elsewhere && !docker.is_assumed();
    let severity = if certain { Severity::Warning } else { Severity::Info };
    let condition = if certain { "" } else { " if it is Docker 29 or later" };
    let summary = format!(
        "clients here speak API {}.{}, and the daemon takes {}.{} and later{condition}",
        api.0, api.1, floor.0, floor.1
    );
    let finding = Finding::new(said_by.as_str(), CHECK.worst.at_most(severity), summary)
        .evidence(said_by.as_str(), value)
        .rests_on(Component::Docker, &docker);
    let finding = match answered {
        Some((_, source, value)) => finding.evidence(source, value),
        None => finding,
    };
    let finding = if pinned {
        finding.remedy(Remedy::commands(
            Place::Here,
            "let clients agree on a version with the daemon",
            ["unset DOCKER_API_VERSION"],
        ))
    } else {
        finding.remedy(Remedy::advice(Place::Image, "update the client to Docker 25 or later"))
    };
    Ok(finding
        .remedy(Remedy::container(
            "or, for a while, have the daemon take older clients",
            [ContainerSetting::Variable(
                "DOCKER_MIN_API_VERSION".into(),
                format!("{}.{}", api.0, api.1),
            )],
        ))
        .into())
}

/// The newest API of the clients here, what says so, and its words.
fn client(facts: &Facts) -> Option<(Api, String, String)> {
    let pinned = &facts.clients.api_version;
    if let Some(api) = parse(pinned) {
        return Some((api, PINNED.into(), pinned.as_str().into()));
    }
    let client = facts.clients.docker.known()?.as_ref()?;
    let api = newest_api(client.version);
    Some((api, client.source.as_str().into(), format!("{}", client.version)))
}

/// Releases before 25, of which 1.44 is the newest API; for later ones it is enough to know that.
fn newest_api(client: Version) -> Api {
    match (client.major, client.minor) {
        (25.., _) => NEWEST_KNOWN,
        (24, _) => (1, 43),
        (23, _) => (1, 42),
        (20.., _) => (1, 41),
        (19, 3..) => (1, 40),
        _ => (1, 39),
    }
}

fn floor(facts: &Facts, docker: &KnownVersion, elsewhere: bool) -> Api {
    let configured = facts.engines.configured(&["min-api-version"]).and_then(Value::as_str);
    let of_this_daemon = (!elsewhere)
        .then(|| parse(&facts.clients.minimum_api_version).or_else(|| parse(configured?)))
        .flatten();
    // Of a daemon elsewhere, what is installed here says nothing.
    let old = !docker.version.at_least(29, 0) && (!elsewhere || docker.origin == Origin::Given);
    of_this_daemon.unwrap_or(if old { (1, 24) } else { (1, 44) })
}

/// The floor of the daemon that clients reach, if it runs here and answered; what was asked, its words.
fn answered(facts: &Facts) -> Option<(Api, Source, String)> {
    if let Some((trial, engine)) = asked::engine(facts) {
        let floor = &engine.version.minimum_api_version;
        let source = Source::trial(&format!("GET /version ({})", trial.subject));
        return Some((parse(floor)?, source, format!("MinAPIVersion {floor}")));
    }
    let Address::Unix(socket) = endpoint::effective(facts).ok()?.address else { return None };
    let floor = &facts.engines.answer_at(&socket)?.minimum_api_version;
    let source = Source::engine(format!("GET /version of {socket}"));
    Some((parse(floor)?, source, format!("MinAPIVersion {floor}")))
}

fn daemon_is_elsewhere(facts: &Facts) -> bool {
    endpoint::effective(facts).is_ok_and(|endpoint| {
        endpoint.is_remote()
            || endpoint::socket(facts, &endpoint)
                .is_some_and(|socket| endpoint::is_from_elsewhere(facts, socket))
    })
}

fn parse(text: &str) -> Option<Api> {
    let (major, minor) = text.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn an_old_client_beside_a_new_daemon_is_a_warning() {
        assert_eq!(severity(&with(OLD, Some(NEW))), Some(Severity::Warning));
        assert_eq!(severity(&with(OLD, None)), Some(Severity::Info));
    }

    #[test]
    fn a_pinned_version_counts_before_the_client() {
        let mut facts = with(NEW, Some(NEW));
        facts.clients.api_version = "1.41".into();
        assert_eq!(severity(&facts), Some(Severity::Warning));
        facts.clients.minimum_api_version = "1.24".into();
        assert_eq!(severity(&facts), None);
    }

    #[test]
    fn what_belongs_together_passes() {
        assert_eq!(severity(&with(OLD, Some(OLD))), None);
        assert_eq!(severity(&with(NEW, Some(NEW))), None);
        assert_eq!(severity(&healthy_vm()), None);
    }

    #[test]
    fn a_daemon_elsewhere_is_information_unless_its_version_is_given() {
        let mut facts = with(OLD, Some(OLD));
        facts.runtime.variables =
            Known([("DOCKER_HOST".into(), "tcp://docker:2375".into())].into());
        assert_eq!(severity(&facts), Some(Severity::Info));
        facts.versions.give(Component::Docker, NEW);
        assert_eq!(severity(&facts), Some(Severity::Warning));
        facts.versions.give(Component::Docker, OLD);
        assert_eq!(severity(&facts), None);
    }

    fn answering(mut facts: Facts, floor: &str) -> Facts {
        let answer =
            EngineVersion { minimum_api_version: floor.into(), ..EngineVersion::default() };
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
        assert_eq!(severity(&answering(with(NEW, Some(NEW)), "1.48")), None);
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
}
