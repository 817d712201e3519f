mod newer;

use alloc::{format, string::String};

use serde_json::Value;

use super::asked;
use crate::{
    derived::endpoint::{self, Address},
    facts::Facts,
    outcome::{Finding, Outcome, Source, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy, Task},
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
    /// Docker 29.0 to 29.2 refuse clients of API versions below 1.44, which Docker 25 brought; from 29.3 on
    /// those below 1.40 (Docker 19.03). Jobs in an old `docker:` image, old Testcontainers or Traefik, and
    /// pinned versions fail at their first request. The other way round, the docker command of these releases
    /// refuses daemons whose newest version is below its own floor, and a daemon refuses a pinned version that
    /// it does not know yet.
    ///
    /// ## When it is fine
    /// A daemon before 29 takes 1.24 and later. A client of the same installation is as new as its daemon.
    /// Of a daemon elsewhere the version is not known here: an old client is then information only. Programs
    /// with a client library of their own cannot be seen: beside Docker 29 that is a word of information, and beside 29.0 to
    /// 29.2 a warning to who uses the daemon, since 1.44 is above what most of them asked for when it came.
    ///
    /// ## How to fix
    /// Update the client, or unset `DOCKER_API_VERSION`; as a stopgap `min-api-version` in daemon.json.
    ///
    /// ## References
    /// <https://docs.docker.com/engine/release-notes/29/>; docker-library/docker issue 559;
    /// testcontainers-java#11211;
    /// <https://docs.docker.com/reference/api/engine/>, API version matrix.
    "docker-api-floor",
    "Docker refuses the API version of clients here",
    Client,
    { dockerd: Warning, docker: Error, kind: Error, rootless: Warning },
    [
        "is too old. Minimum supported API version is",
        "is too new. Maximum supported API version is",
        "is not supported by this client: the minimum supported API version is",
    ],
    trials: [Api]
}

/// An API version, `1.44` as (1, 44).
type Api = (u32, u32);

/// The variable that pins clients.
const PINNED: &str = "DOCKER_API_VERSION";

/// What every client since Docker 25 speaks.
const NEWEST_KNOWN: Api = (1, 44);

/// What libraries of testing and proxies ask for that were not updated for Docker 29; `docker-java` by default.
const OLD_LIBRARY: Api = (1, 32);

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let Some((api, said_by, value)) = client(facts) else {
        facts.clients.docker.get()?;
        return Ok(Outcome::not_applicable("no Docker client is installed, and none is pinned"));
    };
    let docker = facts.versions.sure(Component::Docker)?;
    if let Some(finding) = newer::than_the_daemon(facts, api, &said_by, &value, &docker) {
        return Ok(finding.into());
    }
    let elsewhere = daemon_is_elsewhere(facts);
    // What the user says is going to run counts before what runs now.
    let answered = answered(facts).filter(|_| docker.origin != Origin::Given);
    let floor = answered.as_ref().map_or_else(|| floor(facts, &docker, elsewhere), |a| a.0);
    let pinned = said_by == PINNED;
    // Of a newer client it is only known that it speaks this at least.
    if api >= if pinned { floor } else { floor.min(NEWEST_KNOWN) } {
        if let Some(finding) = libraries(facts, &docker, floor, answered.as_ref()) {
            return Ok(finding.into());
        }
        let proved = answered.is_some_and(|(_, source, _)| source.is_trial());
        return Ok(if proved { Outcome::proved() } else { Outcome::pass() });
    }
    let certain =
        docker.origin == Origin::Given || answered.is_some() || !elsewhere && !docker.is_assumed();
    // Every command of theirs is refused; the daemon itself is none the worse for it.
    // Whoever names the version of what is to be started here may well mean the client, too, which comes with it.
    let renewed = docker.origin == Origin::Given && !elsewhere && answered.is_none() && !pinned;
    let severity = match certain {
        true if renewed => Severity::Warning,
        true => Severity::Error,
        false => Severity::Info,
    };
    let condition = match floor {
        _ if certain => "",
        NEWEST_KNOWN => " if it is Docker 29.0 to 29.2",
        _ => " if it is Docker 29 or later",
    };
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
        finding.remedy(Remedy::tasks(
            Place::Here,
            "let clients agree on a version with the daemon",
            [Task::unset("DOCKER_API_VERSION")],
        ))
    } else {
        finding.remedy(Remedy::advice(Place::Image, "update the client to Docker 25 or later"))
    };
    Ok(finding
        .remedy(lower(facts, "or, for a while, have the daemon take older clients", api))
        .into())
}

fn lower(facts: &Facts, text: &str, api: Api) -> Remedy {
    let version = format!("{}.{}", api.0, api.1);
    if facts.runtime.container.is_no() {
        return Remedy::tasks(
            Place::Host,
            format!("{text}, and restart it"),
            [Task::File {
                path: "/etc/systemd/system/docker.service.d/api.conf".into(),
                lines: [
                    "[Service]".into(),
                    format!("Environment=DOCKER_MIN_API_VERSION={version}"),
                ]
                .into(),
            }],
        );
    }
    let variable = ContainerSetting::Variable("DOCKER_MIN_API_VERSION".into(), version);
    Remedy::container(text, [variable])
}

/// Programs with an old library are not seen; where the version of the daemon is certain, they are worth a word.
fn libraries(
    facts: &Facts,
    docker: &KnownVersion,
    floor: Api,
    answered: Option<&(Api, Source, String)>,
) -> Option<Finding> {
    let certain = answered.is_some() || !docker.is_assumed();
    if !certain || floor <= OLD_LIBRARY {
        return None;
    }
    let summary = format!(
        "the daemon takes API {}.{} and later: programs with an older client library, such as Testcontainers before \
         1.21.4 and 2.0.2, are refused",
        floor.0, floor.1
    );
    // 1.44 is above what most of them ask for, and was lowered again; 1.40 is above some.
    let severity = CHECK.worst.at_most(Severity::Info);
    let severity =
        if floor >= NEWEST_KNOWN { severity.docker(Severity::Warning) } else { severity };
    let finding =
        Finding::new("client libraries", severity, summary).rests_on(Component::Docker, docker);
    let finding = match answered {
        Some((_, source, value)) => finding.evidence(source.clone(), value.as_str()),
        None => finding.evidence("Docker", format!("{}", docker.version)),
    };
    Some(
        finding
            .remedy(Remedy::advice(
                Place::Image,
                "update such programs (docker-java: api.version=1.44 in ~/.docker-java.properties)",
            ))
            .remedy(lower(facts, "for a while, have the daemon take them", (1, 24))),
    )
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
    let told = !elsewhere || docker.origin == Origin::Given;
    let of_release = if told { floor_of(docker.version).unwrap_or((1, 24)) } else { NEWEST_KNOWN };
    of_this_daemon.unwrap_or(of_release)
}

/// The oldest API that programs of this release of Docker take, on both sides; measured with the daemons.
pub(super) fn floor_of(docker: Version) -> Option<Api> {
    if docker.at_least(29, 3) {
        Some((1, 40))
    } else if docker.at_least(29, 0) {
        Some((1, 44))
    } else {
        None
    }
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

/// The newest API that the daemon says it knows; what was asked, its words.
fn answered_newest(facts: &Facts) -> Option<(Api, String, String)> {
    if let Some((trial, engine)) = asked::engine(facts) {
        let newest = &engine.version.api_version;
        let source = format!("trial: GET /version ({})", trial.subject);
        return Some((parse(newest)?, source, format!("ApiVersion {newest}")));
    }
    let Address::Unix(socket) = endpoint::effective(facts).ok()?.address else { return None };
    let newest = &facts.engines.answer_at(&socket)?.api_version;
    Some((parse(newest)?, format!("GET /version of {socket}"), format!("ApiVersion {newest}")))
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
mod tests;
