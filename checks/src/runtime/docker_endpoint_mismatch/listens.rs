//! A daemon that runs here and listens somewhere else than clients look.

use alloc::{format, string::String, vec, vec::Vec};

use crate::{
    derived::endpoint::Endpoint,
    facts::{EngineProcess, Facts, Text},
    outcome::Finding,
    remedy::{Place, Remedy, Task, quote},
    target::Target,
};

/// Where dockerd listens that is told nothing.
const DEFAULT: &str = "unix:///var/run/docker.sock";

/// dockerd runs in this container, is told where to listen, and that is not the path at which clients look: it will never
/// be there. One that is told nothing has its default socket, which may only not be made yet.
pub(super) fn elsewhere(facts: &Facts, endpoint: &Endpoint, path: &str) -> Option<Finding> {
    let mut daemons = facts.engines.here("dockerd");
    let (daemon, None) = (daemons.next()?, daemons.next()) else { return None };
    let mut hosts = hosts(facts, daemon)?;
    let mut severity = severities!(dockerd: Error, kind: Error, rootless: Error);
    if hosts.is_empty() {
        // That of a user may be made by another daemon, which is not started yet.
        if path.starts_with("/run/user/") {
            return None;
        }
        hosts.push(DEFAULT.into());
        severity = severity.with(Target::Rootless, None);
    }
    let there = |host: &String| plain(host) == plain(path) || host.starts_with("fd:");
    if hosts.iter().any(there) {
        return None;
    }
    let list = hosts.join(", ");
    let finding = Finding::new(
        path,
        severity,
        format!("dockerd listens on {list} only, and clients here look for it at {path}"),
    )
    .evidence(format!("/proc/{}/cmdline: --host", daemon.pid), list)
    .evidence(endpoint.configured_by.as_str(), format!("unix://{path}"));
    let client = hosts[0].replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
    Some(
        finding
            .remedy(Remedy::tasks(
                Place::Here,
                "tell clients where it listens",
                [Task::Environment {
                    set: vec![("DOCKER_HOST".into(), quote(&client))],
                    unset: Vec::new(),
                }],
            ))
            .remedy(Remedy::commands(
                Place::Container,
                "have dockerd make the socket as well: leave the image's entrypoint as it is, or add it",
                [format!("dockerd --host=unix://{path} --host={}", quote(&hosts[0]))],
            )),
    )
}

/// Where it is told to listen; nothing where that is not known.
fn hosts(facts: &Facts, daemon: &EngineProcess) -> Option<Vec<String>> {
    let arguments = daemon.arguments.known()?;
    let mut hosts = Vec::new();
    let mut arguments = arguments.iter().skip(1).map(Text::as_str);
    while let Some(argument) = arguments.next() {
        let value = match argument {
            "-H" | "--host" => arguments.next(),
            _ => argument.strip_prefix("--host=").or_else(|| argument.strip_prefix("-H")),
        };
        hosts.extend(value.map(|value| value.trim_start_matches('=').into()));
    }
    let configured = facts.engines.configured(&["hosts"]).and_then(|hosts| hosts.as_array());
    let configured = configured.into_iter().flatten().filter_map(|host| host.as_str());
    hosts.extend(configured.map(String::from));
    Some(hosts)
}

/// `/var/run` is a link to `/run` everywhere.
fn plain(path: &str) -> &str {
    let path = path.strip_prefix("unix://").unwrap_or(path);
    path.strip_prefix("/var").filter(|rest| rest.starts_with("/run/")).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::{super::CHECK, *};
    use crate::{
        facts::Fact::Known,
        outcome::Outcome,
        target::{Severity, Target},
        testing::{healthy_container, said_of},
    };

    fn with(arguments: &[&str]) -> Facts {
        let mut facts = healthy_container();
        facts.engines.running = Known(vec![EngineProcess {
            name: "dockerd".into(),
            pid: 1,
            arguments: Known(arguments.iter().map(|argument| (*argument).into()).collect()),
            same_mount_namespace: Some(true),
        }]);
        facts
    }

    fn found(facts: &Facts) -> Option<Finding> {
        match said_of(&CHECK, facts, Target::Dockerd) {
            Ok(Outcome::Found(mut found)) => Some(found.remove(0)),
            _ => None,
        }
    }

    #[test]
    fn a_command_that_takes_the_socket_away() {
        for arguments in [
            &["dockerd", "-H", "tcp://0.0.0.0:2375"][..],
            &["dockerd", "--host=tcp://0.0.0.0:2375"],
            &["dockerd", "-Htcp://0.0.0.0:2375", "--debug"],
        ] {
            let finding = found(&with(arguments)).unwrap();
            assert_eq!(finding.severity.get(Target::Dockerd), Some(Severity::Error));
            let rendered = finding.remedies[0].render(&crate::facts::Launcher::None.into());
            assert_eq!(rendered[0].commands, ["export DOCKER_HOST=tcp://127.0.0.1:2375"]);
        }
    }

    #[test]
    fn a_socket_that_is_only_not_made_yet() {
        for arguments in [
            &["dockerd"][..],
            &["dockerd", "-H", "fd://"],
            &["dockerd", "-H", "tcp://0.0.0.0:2375", "-H", "unix:///run/docker.sock"],
        ] {
            assert_eq!(found(&with(arguments)), None, "{arguments:?}");
        }
        assert_eq!(found(&healthy_container()), None);
    }

    /// It has the default socket, and will never make the one that is asked for.
    #[test]
    fn a_daemon_that_is_told_nothing_and_a_client_that_is() {
        for (host, wrong) in [
            ("unix:///run/other.sock", true),
            ("unix:///run/docker.sock", false),
            ("unix:///run/user/1000/docker.sock", false),
        ] {
            let mut facts = with(&["dockerd"]);
            facts.runtime.variables = Known([("DOCKER_HOST".into(), host.into())].into());
            let path = host.strip_prefix("unix://").unwrap();
            let mut socket = facts.clients.sockets[0].clone();
            socket.path = path.into();
            socket.kind = crate::facts::Fact::missing(path, crate::facts::Why::NotFound);
            facts.clients.sockets.push(socket);
            let endpoint = crate::derived::endpoint::effective(&facts).unwrap();
            assert_eq!(elsewhere(&facts, &endpoint, path).is_some(), wrong, "{host}");
        }
    }

    #[test]
    fn what_daemon_json_says_counts_too() {
        let mut facts = with(&["dockerd"]);
        if let Known(config) = &mut facts.engines.daemon_json {
            config.content = serde_json::json!({"hosts": ["tcp://127.0.0.1:2375"]});
        }
        assert!(found(&facts).is_some());
    }
}
