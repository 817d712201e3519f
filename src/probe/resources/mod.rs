//! Limits, and what is in use where the kernel tells it.

mod cgroup;
mod podman;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use dind_doctor_checks::facts::{
    Cgroup, Engines, Fact, Inotify, KeyUser, Memory, Missing, Resources, Rlimit, ScriptLimit, Swap,
    Text, Why,
};

use super::{Reader, status::Status};
use crate::source::ask;

const OPEN_FILES: &str = "Max open files";

type Read<T> = Result<T, Missing>;

pub(super) fn probe(reader: &Reader, cgroup: &Cgroup, engines: &Engines) -> Resources {
    let (podman_ulimits, podman_defaults) = podman::configured(reader);
    Resources {
        cgroup: cgroup::limits(reader, cgroup),
        inotify: inotify(reader),
        open_files: rlimit(reader, "self", OPEN_FILES),
        containerd_open_files: containerd_open_files(reader, engines),
        init_script: init_script(reader),
        processes: rlimit(reader, "self", "Max processes"),
        pid_max: number(reader, "/proc/sys/kernel/pid_max"),
        threads_max: number(reader, "/proc/sys/kernel/threads-max"),
        key_users: key_users(reader),
        memory: memory(reader),
        cpus: cpus(reader),
        swaps: swaps(reader),
        podman_ulimits,
        podman_defaults,
    }
}

/// The content of a small file as text, white space at its ends removed.
fn text(reader: &Reader, path: &str) -> Read<Text> {
    reader.bytes(path).map(|bytes| Text::from_bytes(bytes.trim_ascii()))
}

/// What `parse` makes of a small file.
fn parsed<T>(reader: &Reader, path: &str, parse: impl FnOnce(&str) -> Option<T>) -> Fact<T> {
    let malformed = || Missing::new(path, Why::Malformed);
    text(reader, path).and_then(|text| parse(&text).ok_or_else(malformed)).into()
}

fn number<T: FromStr>(reader: &Reader, path: &str) -> Fact<T> {
    parsed(reader, path, |text| text.parse().ok())
}

fn inotify(reader: &Reader) -> Inotify {
    Inotify {
        instances: number(reader, "/proc/sys/fs/inotify/max_user_instances"),
        watches: number(reader, "/proc/sys/fs/inotify/max_user_watches"),
        namespace_instances: number(reader, "/proc/sys/user/max_inotify_instances"),
        namespace_watches: number(reader, "/proc/sys/user/max_inotify_watches"),
        in_use: reader.ask(ask::InotifyInstances).into(),
    }
}

/// `Max open files            1024                 524288               files`.
fn rlimit(reader: &Reader, process: &str, name: &str) -> Fact<Rlimit> {
    let limit = |word: &str| match word {
        "unlimited" => Some(None),
        number => number.parse().ok().map(Some),
    };
    parsed(reader, &format!("/proc/{process}/limits"), |text| {
        let mut words = text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace();
        Some(Rlimit { soft: limit(words.next()?)?, hard: limit(words.next()?)? })
    })
}

/// Of the first one of this mount namespace: containers inherit what its shims have.
fn containerd_open_files(reader: &Reader, engines: &Engines) -> Option<Fact<Rlimit>> {
    let engine = engines.here("containerd").next()?;
    Some(match rlimit(reader, &engine.pid.to_string(), OPEN_FILES) {
        // Without its number, which is another one each time.
        Fact::Missing(missing) => Fact::missing("limits of containerd", missing.why),
        known @ Fact::Known(_) => known,
    })
}

/// `ulimit -Hn 524288` in the script of Docker's package; Debian's says `ulimit -n 1048576`.
fn init_script(reader: &Reader) -> Fact<Option<ScriptLimit>> {
    let bytes = match reader.bytes("/etc/init.d/docker") {
        Err(Missing { why: Why::NotFound, .. }) => return Fact::Known(None),
        Err(missing) => return Fact::Missing(missing),
        Ok(bytes) => bytes,
    };
    let limit = |line: &str| {
        let mut words = line.split_whitespace();
        let (Some("ulimit"), Some(flag), Some(files)) = (words.next(), words.next(), words.next())
        else {
            return None;
        };
        let hard_only = match flag {
            "-Hn" | "-nH" => true,
            "-n" => false,
            _ => return None,
        };
        Some(ScriptLimit { files: files.parse().ok()?, hard_only })
    };
    Fact::Known(String::from_utf8_lossy(&bytes).lines().find_map(limit))
}

/// `    0:    66 65/65 50/1000000 1023/25000000`: usage, keys instantiated, keys and bytes of the quota.
fn key_users(reader: &Reader) -> Fact<Vec<KeyUser>> {
    let row = |line: &str| {
        let (uid, rest) = line.split_once(':')?;
        let of = |word: &str| {
            let (used, max) = word.split_once('/')?;
            Some((used.parse().ok()?, max.parse().ok()?))
        };
        let mut words = rest.split_whitespace().skip(2);
        let (keys, max_keys) = of(words.next()?)?;
        let (bytes, max_bytes) = of(words.next()?)?;
        Some(KeyUser { uid: uid.trim().parse().ok()?, keys, max_keys, bytes, max_bytes })
    };
    text(reader, "/proc/key-users")
        .map(|text| {
            let mut users: Vec<KeyUser> = text.lines().filter_map(row).collect();
            users.sort_unstable_by_key(|user| user.uid);
            users
        })
        .into()
}

/// `MemTotal:       16384000 kB`.
fn memory(reader: &Reader) -> Fact<Memory> {
    parsed(reader, "/proc/meminfo", |text| {
        let bytes = |name: &str| {
            let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
            rest.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
        };
        Some(Memory {
            total: bytes("MemTotal:")?,
            available: bytes("MemAvailable:"),
            commit_limit: bytes("CommitLimit:"),
            committed: bytes("Committed_AS:"),
        })
    })
}

fn cpus(reader: &Reader) -> Fact<u32> {
    Status::read(reader, "self").count("Cpus_allowed_list").into()
}

/// A header, and a line per swap: name, type, size, used, priority.
fn swaps(reader: &Reader) -> Fact<Vec<Swap>> {
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let (name, size) = (words.next()?, words.nth(1)?);
        Some(Swap { name: name.into(), size: size.parse().ok()? })
    };
    text(reader, "/proc/swaps").map(|text| text.lines().skip(1).filter_map(row).collect()).into()
}
