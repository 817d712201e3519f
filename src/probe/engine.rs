//! Configuration of engines, and engines that run here.

mod believer;
mod unit;

use dind_doctor_checks::facts::{
    DaemonConfig, EngineProcess, Engines, Fact, Missing, NamedAlike, PREPARING_ENTRYPOINTS,
    ProcessRow, Processes, Why,
};

use serde_json::Value;

use self::believer::Believer;
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

/// Of which there is one for each container: so many are asked for their arguments, on which nothing
/// depends.
const PER_CONTAINER: (&str, usize) = ("conmon", 32);

/// Processes that only have the name of an engine, as they are listed.
const NAMED_ALIKE: usize = 100;

const DAEMON_JSON: &str = "/etc/docker/daemon.json";

pub(super) fn probe(reader: &Reader, processes: &Processes) -> Engines {
    let mut named_alike = Vec::new();
    let running = match (&processes.rows, &processes.unseen) {
        (Fact::Missing(missing), _) | (_, Some(missing)) => Fact::Missing(missing.clone()),
        (Fact::Known(rows), None) => running(reader, rows, &mut named_alike).into(),
    };
    let mut engines = Engines { running, named_alike, ..Engines::default() };
    (engines.daemon_json, engines.daemon_json_goes_on) = daemon_json(reader, &engines);
    let has_keys =
        |file: &DaemonConfig| file.content.as_object().is_some_and(|keys| !keys.is_empty());
    if engines.daemon_json.is_known_and(has_keys) {
        engines.unit = unit::arguments(reader);
    }
    engines.preparing_entrypoints = Fact::Known(
        PREPARING_ENTRYPOINTS
            .iter()
            .filter(|path| reader.stat(path).is_ok())
            .map(|path| (*path).into())
            .collect(),
    );
    engines
}

/// Among all processes, whatever else has the names; what is not believed goes into `named_alike`.
fn running(
    reader: &Reader,
    rows: &[ProcessRow],
    named_alike: &mut Vec<NamedAlike>,
) -> Result<Vec<EngineProcess>, Missing> {
    let own = reader.link("/proc/self/ns/mnt").ok();
    let believer = Believer::new(reader);
    let mut engines = Vec::new();
    let mut per_container = 0;
    for row in rows.iter().filter(|row| NAMES.contains(&row.comm.as_str())) {
        match believer.believe(reader, row.pid) {
            Ok(Ok(())) => {}
            Ok(Err(because)) => {
                let alike = NamedAlike { name: row.comm.clone(), pid: row.pid, because };
                named_alike.extend((named_alike.len() < NAMED_ALIKE).then_some(alike));
                continue;
            }
            // It is gone by now.
            Err(Missing { why: Why::NotFound, .. }) => continue,
            Err(missing) => return Err(missing),
        }
        let started = process::started(reader, row.pid);
        per_container += usize::from(row.comm == PER_CONTAINER.0);
        let arguments = if row.comm == PER_CONTAINER.0 && per_container > PER_CONTAINER.1 {
            Fact::missing(format!("arguments of {}", row.comm), Why::TooLarge)
        } else {
            process::arguments(reader, row.pid)
        };
        let theirs = reader.link(&format!("/proc/{}/ns/mnt", row.pid)).ok();
        // Whoever has the PID by now is another process, and may be another's.
        if process::started(reader, row.pid) == started {
            engines.push(EngineProcess {
                name: row.comm.clone(),
                pid: row.pid,
                arguments,
                same_mount_namespace: own.as_ref().zip(theirs).map(|(own, theirs)| *own == theirs),
            });
        }
    }
    Ok(engines)
}

/// The file, and whether more follows its first value.
fn daemon_json(reader: &Reader, engines: &Engines) -> (Fact<DaemonConfig>, bool) {
    let path = engines
        .here("dockerd")
        .filter_map(|daemon| daemon.flag("config-file"))
        .find(|path| path.starts_with('/'))
        .unwrap_or_else(|| DAEMON_JSON.to_owned());
    let (content, goes_on) = match reader.bytes(&path) {
        Ok(bytes) => match first_value(&bytes) {
            Some(read) => read,
            None => return (Fact::missing(path, Why::Malformed), false),
        },
        Err(Missing { why: Why::NotFound, .. }) => (Value::Null, false),
        Err(missing) => return (Fact::Missing(missing), false),
    };
    (Fact::Known(DaemonConfig { path: path.into(), content }), goes_on)
}

/// As dockerd takes it: an empty file is no configuration, and a byte order mark is none of it.
fn first_value(bytes: &[u8]) -> Option<(Value, bool)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    match values.next() {
        None => Some((Value::Null, false)),
        Some(value) => {
            let rest = bytes.get(values.byte_offset()..).unwrap_or_default();
            Some((value.ok()?, !rest.trim_ascii().is_empty()))
        }
    }
}

#[cfg(test)]
mod tests;
