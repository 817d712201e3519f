//! Clients that are newer than the daemon.

use alloc::{format, string::String};

use super::{Api, CHECK, PINNED, answered_newest, daemon_is_elsewhere, floor_of, newest_api};
use crate::{
    facts::Facts,
    outcome::Finding,
    remedy::{Place, Remedy, Task},
    target::Severity,
    version::{Component, KnownVersion, Origin},
};

/// A version that is pinned above what the daemon knows; a docker command that refuses a daemon so old. Only of a
/// daemon that was asked, or whose version is known.
pub(super) fn than_the_daemon(
    facts: &Facts,
    api: Api,
    said_by: &str,
    value: &str,
    docker: &KnownVersion,
) -> Option<Finding> {
    let (newest, source, said) = daemon(facts, docker)?;
    let name = |api: Api| format!("{}.{}", api.0, api.1);
    let severity = CHECK.worst.at_most(Severity::Warning);
    let (summary, remedy) = if said_by == PINNED && api > newest {
        (
            format!(
                "clients here insist on API {}, and the daemon knows none above {}",
                name(api),
                name(newest)
            ),
            Remedy::tasks(
                Place::Here,
                "let clients agree on a version with the daemon",
                [Task::unset("DOCKER_API_VERSION")],
            ),
        )
    } else {
        let client = facts.clients.docker.known()?.as_ref()?;
        let floor =
            floor_of(client.version).filter(|floor| said_by != PINNED && newest < *floor)?;
        (
            format!(
                "the docker command {} talks API {} and later, and the daemon knows none above {}",
                client.version,
                name(floor),
                name(newest)
            ),
            Remedy::advice(
                Place::Image,
                "update the daemon, or use a docker command of its release (before 29, or from 29.3 on)",
            ),
        )
    };
    Some(
        Finding::new(said_by, severity, summary)
            .evidence(said_by, value)
            .evidence(source, said)
            .rests_on(Component::Docker, docker)
            .remedy(remedy),
    )
}

/// The newest API that the daemon knows.
fn daemon(facts: &Facts, docker: &KnownVersion) -> Option<(Api, String, String)> {
    let given = docker.origin == Origin::Given;
    if let Some(answered) = answered_newest(facts).filter(|_| !given) {
        return Some(answered);
    }
    let told = given || !docker.is_assumed() && !daemon_is_elsewhere(facts);
    // Of releases from 25 on it is only known that they speak 1.44 at least.
    let newest = newest_api(docker.version);
    let old = told && newest < super::NEWEST_KNOWN;
    old.then(|| (newest, "Docker".into(), format!("{}", docker.version)))
}
