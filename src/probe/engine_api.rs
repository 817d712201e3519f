//! The APIs of engines that run here.

use dind_doctor_checks::facts::{EngineApi, EngineProcess, Engines, Fact, MountTable, Why};

use super::Reader;
use crate::source::{ask, path::encode};

/// Where they listen unless they are told otherwise.
const DOCKER: &str = "/var/run/docker.sock";
const PODMAN: &str = "/run/podman/podman.sock";

/// Questions at most: one that waits for a dead engine takes a second.
const ASKED: usize = 4;

/// Asks engines in the doctor's own mount namespace, where their paths are the doctor's. Whether the
/// process holds the socket, the source sees to.
pub(super) fn probe(
    reader: &Reader,
    engines: &Engines,
    mounts: &Fact<MountTable>,
) -> Vec<EngineApi> {
    let running = engines.running.known().into_iter().flatten();
    let here = running.filter(|engine| engine.same_mount_namespace == Some(true));
    let sockets = here.flat_map(|engine| {
        sockets(engine, engines).into_iter().map(move |socket| (engine, socket))
    });
    let ours = sockets.filter(|(_, socket)| !is_bound_in(reader, socket, mounts));
    ours.enumerate()
        .map(|(asked, (engine, socket))| EngineApi {
            name: engine.name.clone(),
            pid: engine.pid,
            answer: if asked < ASKED {
                let socket = encode(socket.as_bytes());
                reader.ask(ask::EngineVersion { pid: engine.pid, socket }).into()
            } else {
                Fact::missing(format!("GET /version of {socket}"), Why::TooLarge)
            },
            socket: socket.into(),
        })
        .collect()
}

/// The sockets that an engine is told to listen on, else where it does by itself.
fn sockets(engine: &EngineProcess, engines: &Engines) -> Vec<String> {
    let Fact::Known(arguments) = &engine.arguments else { return Vec::new() };
    let named: Vec<_> = arguments.iter().filter_map(|argument| path(argument)).collect();
    let configured = || {
        let hosts = engines.configured(&["hosts"])?.as_array()?;
        let sockets: Vec<_> = hosts.iter().filter_map(|host| path(host.as_str()?)).collect();
        (!sockets.is_empty()).then_some(sockets)
    };
    let own = match engine.name.as_str() {
        "dockerd" => DOCKER,
        "podman" if arguments.iter().any(|argument| argument == "service") => PODMAN,
        _ => return Vec::new(),
    };
    if !named.is_empty() {
        return named;
    }
    let configured = if own == DOCKER { configured() } else { None };
    configured.unwrap_or_else(|| vec![own.to_owned()])
}

/// The path in `unix:///path`, alone or after `-H` or `--host=`.
fn path(argument: &str) -> Option<String> {
    let (before, path) = argument.split_once("unix://")?;
    let is_host = matches!(before, "" | "-H" | "-H=" | "--host=");
    (is_host && path.starts_with('/')).then(|| path.to_owned())
}

/// Whether the path is a mount of its own: another socket was bound over that of the engine.
fn is_bound_in(reader: &Reader, socket: &str, mounts: &Fact<MountTable>) -> bool {
    let Fact::Known(table) = mounts else { return true };
    let asked = encode(socket.as_bytes());
    let resolved = reader.resolve(&asked).unwrap_or(asked);
    table.at(&resolved).is_some()
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::facts::{DaemonConfig, EngineVersion, Mount, Why};

    use super::*;
    use crate::source::{Refusal, fixed::Fixed};

    fn engine(arguments: &[&str], here: Option<bool>) -> EngineProcess {
        EngineProcess {
            name: arguments[0].into(),
            pid: 7,
            arguments: Fact::Known(arguments.iter().map(|a| (*a).into()).collect()),
            same_mount_namespace: here,
        }
    }

    fn engines(running: Vec<EngineProcess>) -> Engines {
        Engines { running: Fact::Known(running), ..Engines::default() }
    }

    fn question(socket: &str) -> ask::EngineVersion {
        ask::EngineVersion { pid: 7, socket: socket.into() }
    }

    fn asked(engines: &Engines, mount_point: &str) -> Vec<String> {
        let mount = Mount { mount_point: mount_point.into(), ..Mount::default() };
        let mounts = Fact::Known(MountTable { rows: vec![mount], malformed: 0 });
        let apis = probe(&Reader::new(&Fixed::new()), engines, &mounts);
        apis.into_iter().map(|api| api.socket.into()).collect()
    }

    #[test]
    fn an_engine_is_asked_where_it_is_told_to_listen() {
        let of = |arguments: &[&str]| asked(&engines(vec![engine(arguments, Some(true))]), "/");
        assert_eq!(of(&["dockerd"]), ["/var/run/docker.sock"]);
        assert_eq!(of(&["dockerd", "-H", "fd://"]), ["/var/run/docker.sock"]);
        let told = ["dockerd", "-H", "unix:///a.sock", "--host=unix:///b.sock", "-H=tcp://[::1]:1"];
        assert_eq!(of(&told), ["/a.sock", "/b.sock"]);
        assert_eq!(of(&["podman", "system", "service"]), ["/run/podman/podman.sock"]);
        assert_eq!(of(&["podman", "system", "service", "unix:///p.sock"]), ["/p.sock"]);
        for other in [&["podman", "run", "x"][..], &["containerd"], &["rootlesskit", "dockerd"]] {
            assert!(of(other).is_empty(), "{other:?}");
        }
        let mut configured = engines(vec![engine(&["dockerd"], Some(true))]);
        let content = serde_json::json!({"hosts": ["tcp://0.0.0.0:1", "unix:///c.sock"]});
        configured.daemon_json = Fact::Known(DaemonConfig { path: "/d".into(), content });
        assert_eq!(asked(&configured, "/"), ["/c.sock"]);
    }

    #[test]
    fn an_engine_elsewhere_is_not_asked() {
        for here in [Some(false), None] {
            assert!(asked(&engines(vec![engine(&["dockerd"], here)]), "/").is_empty());
        }
        let here = engines(vec![engine(&["dockerd"], Some(true))]);
        assert!(asked(&here, "/var/run/docker.sock").is_empty(), "bound over it");
        assert!(
            probe(&Reader::new(&Fixed::new()), &here, &Fact::missing("x", Why::NotFound))
                .is_empty()
        );
    }

    #[test]
    fn what_it_answers_is_kept_and_why_it_does_not() {
        let arguments = ["dockerd", "-Hunix:///a", "-Hunix:///b", "-Hunix:///c"];
        let engines = engines(vec![engine(&arguments, Some(true))]);
        let version = EngineVersion { version: "28.2.2".into(), ..EngineVersion::default() };
        let source = Fixed::new()
            .answer(question("/a"), version.clone())
            .refuse(question("/b"), Refusal::TimedOut)
            .refuse(question("/c"), Refusal::NotProbed);
        let mounts = Fact::Known(MountTable::default());
        let reader = Reader::new(&source);
        let apis = probe(&reader, &engines, &mounts);
        assert_eq!(apis[0].answer, Fact::Known(version));
        assert_eq!(apis[1].answer.why(), Some(Why::TimedOut));
        assert_eq!(apis[2].answer.why(), Some(Why::NotProbed));
    }
}
