//! Docker commands find the daemon, and what takes the usual path for granted does not.

use alloc::format;

use crate::{
    derived::endpoint::{self, Address, DEFAULT_SOCKET},
    facts::{Facts, SocketKind, Why},
    outcome::Finding,
    remedy::{Place, Remedy},
    target::{Severities, Severity},
};

/// A daemon that is reached at another socket while nothing is at the usual one. In a container, where a runner or an editor
/// was set up for others, that is worth a warning.
pub(super) fn missed(facts: &Facts) -> Option<Finding> {
    let endpoint = endpoint::effective(facts).ok()?;
    let Address::Unix(path) = &endpoint.address else { return None };
    let here = facts.clients.socket(path)?;
    let usual = facts.clients.socket(DEFAULT_SOCKET)?;
    let is_socket = here.kind.is_known_and(|kind| *kind == SocketKind::Socket);
    if endpoint.is_default() || !is_socket || usual.kind.why() != Some(Why::NotFound) {
        return None;
    }
    let severity =
        if facts.runtime.container.is_yes() { Severity::Warning } else { Severity::Info };
    let summary = format!(
        "docker commands use {path}, and nothing is at {DEFAULT_SOCKET}: what mounts that path into a container finds no socket"
    );
    Some(
        Finding::new(DEFAULT_SOCKET, Severities::NONE.docker(severity), summary)
            .evidence(endpoint.configured_by.as_str(), endpoint.url())
            .evidence(format!("stat: {DEFAULT_SOCKET}"), "not there")
            .remedy(Remedy::advice(
                Place::Here,
                format!("mount the socket that is there to the usual path: docker run -v {path}:{DEFAULT_SOCKET}"),
            ))
            .remedy(Remedy::advice(
                Place::Runtime,
                format!("let the daemon listen at both: --host=unix://{path} --host=unix://{DEFAULT_SOCKET}"),
            )),
    )
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{EngineSocket, Fact, Fact::Known, Tri},
        testing::{healthy_container, healthy_vm, socket},
    };

    const OTHER: &str = "/run/docker/docker.sock";

    fn at(path: &str, mut facts: Facts) -> Facts {
        let there = EngineSocket { kind: Known(SocketKind::Socket), ..socket(path) };
        facts.clients.sockets = vec![socket(DEFAULT_SOCKET), there];
        let host = format!("unix://{path}");
        facts.runtime.variables = Known(vec![("DOCKER_HOST".into(), host.as_str().into())]);
        facts
    }

    fn severity(facts: &Facts) -> Option<Severity> {
        missed(facts).map(|found| found.severity.worst(&crate::target::Target::ALL).unwrap())
    }

    #[test]
    fn nothing_at_the_usual_path_is_told() {
        let mut facts = healthy_container();
        facts.runtime.container = Tri::Yes;
        assert_eq!(severity(&at(OTHER, facts)), Some(Severity::Warning));
        let rootless = at("/run/user/1000/docker.sock", healthy_vm());
        assert_eq!(severity(&rootless), Some(Severity::Info));
    }

    #[test]
    fn with_a_socket_there_or_the_usual_endpoint_nothing_is_missed() {
        let mut facts = at(OTHER, healthy_container());
        facts.clients.sockets[0].kind = Known(SocketKind::Socket);
        assert_eq!(missed(&facts), None);
        facts.clients.sockets[0].kind = Fact::missing(DEFAULT_SOCKET, Why::NotPermitted);
        assert_eq!(missed(&facts), None);
        let mut facts = at(OTHER, healthy_container());
        facts.runtime.variables = Known(vec![]);
        assert_eq!(missed(&facts), None);
        let mut facts = at(OTHER, healthy_container());
        facts.clients.sockets[1].kind = Fact::missing(OTHER, Why::NotFound);
        assert_eq!(missed(&facts), None, "a daemon may yet make it");
    }
}
