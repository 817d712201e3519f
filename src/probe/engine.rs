//! Configuration of engines, and engines that run here.

use dind_doctor_checks::facts::{
    DaemonConfig, EngineProcess, Engines, Fact, Missing, PREPARING_ENTRYPOINTS, Processes, Why,
};

use super::{Reader, process};

/// Names of engines, as `comm` has them.
const NAMES: [&str; 13] = [
    "buildkitd",
    "conmon",
    "containerd",
    "crio",
    "dockerd",
    "k3s",
    "k3s-server",
    "kubelet",
    "lxcfs",
    "podman",
    "rke2",
    "rootlesskit",
    "sysbox-runc",
];

/// Engines that are looked at.
const RUNNING: usize = 32;

const DAEMON_JSON: &str = "/etc/docker/daemon.json";

pub(super) fn probe(reader: &Reader, processes: &Processes) -> Engines {
    let running = processes.rows.as_ref().map(|rows| {
        let engines = rows.iter().filter(|row| NAMES.contains(&row.comm.as_str()));
        engines.take(RUNNING).map(|row| running(reader, row.pid, &row.comm)).collect()
    });
    let mut engines = Engines { running, ..Engines::default() };
    engines.daemon_json = daemon_json(reader, &engines);
    engines.preparing_entrypoints = Fact::Known(
        PREPARING_ENTRYPOINTS
            .iter()
            .filter(|path| reader.stat(path).is_ok())
            .map(|path| (*path).into())
            .collect(),
    );
    engines
}

fn running(reader: &Reader, pid: u32, name: &str) -> EngineProcess {
    let own = reader.link("/proc/self/ns/mnt");
    let theirs = reader.link(&format!("/proc/{pid}/ns/mnt"));
    EngineProcess {
        name: name.into(),
        pid,
        arguments: process::arguments(reader, pid),
        same_mount_namespace: own.ok().zip(theirs.ok()).map(|(own, theirs)| own == theirs),
    }
}

fn daemon_json(reader: &Reader, engines: &Engines) -> Fact<DaemonConfig> {
    let path = engines
        .here("dockerd")
        .filter_map(|daemon| daemon.flag("config-file"))
        .find(|path| path.starts_with('/'))
        .unwrap_or_else(|| DAEMON_JSON.to_owned());
    let content = match reader.bytes(&path) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(content) => content,
            // dockerd takes an empty file for no configuration.
            Err(_) if bytes.trim_ascii().is_empty() => serde_json::Value::Null,
            Err(_) => return Fact::missing(path, Why::Malformed),
        },
        Err(Missing { why: Why::NotFound, .. }) => serde_json::Value::Null,
        Err(missing) => return Fact::Missing(missing),
    };
    Fact::Known(DaemonConfig { path: path.into(), content })
}
