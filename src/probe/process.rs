//! PID 1, the container's top process, and the process table.

use std::{io::Cursor, iter};

use dind_doctor_checks::facts::{
    Fact, InitProcess, Missing, ProcessRow, Processes, Role, Text, Why,
};
use procfs::{FromRead, process::Stat};

use super::{Reader, status::Status};
use crate::isolated::isolated;
use crate::source::ask;

pub(super) fn pid1(reader: &Reader) -> InitProcess {
    init_process(reader, 1)
}

/// Where PID 1 is a pause process: the process that the doctor's own container was started with, which
/// is the oldest one whose parent is outside and whose mount namespace is the doctor's.
pub(super) fn top(
    reader: &Reader,
    pid1: &InitProcess,
    processes: &Processes,
) -> Option<InitProcess> {
    if pid1.role != Role::Pause {
        return None;
    }
    let own = reader.link("/proc/self/ns/mnt").ok()?;
    let rows = processes.rows.known()?;
    let started_from_outside = rows.iter().filter(|row| row.ppid == 0 && row.pid != 1);
    let mut ours = started_from_outside
        .filter(|row| reader.link(&format!("/proc/{}/ns/mnt", row.pid)).is_ok_and(|ns| ns == own));
    ours.next().map(|row| init_process(reader, row.pid))
}

fn init_process(reader: &Reader, pid: u32) -> InitProcess {
    let comm: Fact<Text> = reader.text(&format!("/proc/{pid}/comm")).into();
    let exe: Fact<Text> = reader.link(&format!("/proc/{pid}/exe")).map(Text::from).into();
    let name = exe.known().or(comm.known()).map(Text::as_str).unwrap_or_default();
    let role = role(name, comm.known().map(Text::as_str).unwrap_or_default());
    let container = reader.variables(Some(pid), &["container"]);
    InitProcess {
        pid,
        is_doctor: reader.ask(ask::Ids).is_ok_and(|ids| ids.pid == pid),
        arguments: arguments(reader, pid),
        signals: Status::read(reader, &pid.to_string()).signals(),
        wchan: reader.text(&format!("/proc/{pid}/wchan")).into(),
        syscall: syscall(reader, pid),
        container_variable: container
            .map(|mut v| v.remove("container").filter(|v| !v.is_empty()).map(Text::from))
            .into(),
        comm,
        exe,
        role,
    }
}

/// The arguments of a process.
pub(super) fn arguments(reader: &Reader, pid: u32) -> Fact<Vec<Text>> {
    let split = |bytes: Vec<u8>| {
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
        bytes.split(|b| *b == 0).map(Text::from_bytes).collect()
    };
    reader.bytes(&format!("/proc/{pid}/cmdline")).map(split).into()
}

/// `/proc/PID/syscall` is `running`, `-1 …` or `NUMBER …`.
fn syscall(reader: &Reader, pid: u32) -> Fact<Option<u64>> {
    let path = format!("/proc/{pid}/syscall");
    reader.text(&path).map(|text| text.split(' ').next().and_then(|n| n.parse().ok())).into()
}

/// By the base name of the executable, else by the name; the way a script interpreter is recognised too.
fn role(exe: &str, comm: &str) -> Role {
    const INITS: [&str; 16] = [
        "catatonit",
        "docker-init",
        "dumb-init",
        "init",
        "my_init",
        "openrc-init",
        "podman-init",
        "runit",
        "runsvdir",
        "s6-init",
        "s6-svscan",
        "supervisord",
        "tini",
        "tini-static",
        "conmon",
        "s6-linux-init",
    ];
    const SHELLS: [&str; 8] = ["ash", "bash", "busybox", "dash", "ksh", "mksh", "sh", "zsh"];
    const DAEMONS: [&str; 9] = [
        "buildkitd",
        "containerd",
        "crio",
        "dockerd",
        "k3s",
        "kubelet",
        "podman",
        "rke2",
        "rootlesskit",
    ];
    let exe = exe.trim_end_matches(" (deleted)");
    let name = exe.rsplit('/').next().unwrap_or(exe);
    if name == "systemd" || comm == "systemd" {
        Role::Systemd
    } else if name == "pause" || comm == "pause" {
        Role::Pause
    } else if INITS.contains(&name) || INITS.contains(&comm) {
        Role::Init
    } else if SHELLS.contains(&name) {
        // busybox is every applet: only its shells are shells.
        if name == "busybox" && !SHELLS.contains(&comm) { Role::Application } else { Role::Shell }
    } else if DAEMONS.contains(&name) || DAEMONS.contains(&comm) {
        Role::Daemon
    } else {
        Role::Application
    }
}

/// The process table, without a second sample.
pub(super) fn table(reader: &Reader) -> Processes {
    let listing = match reader.list("/proc", usize::MAX) {
        Ok(listing) => listing,
        Err(missing) => {
            return Processes {
                rows: Fact::Missing(missing.clone()),
                zombies_of_pid1: Fact::Missing(missing),
                ..Processes::default()
            };
        }
    };
    let mut pids: Vec<u32> =
        listing.entries.iter().filter_map(|entry| entry.name.parse().ok()).collect();
    pids.sort_unstable();
    let mut rows = Vec::with_capacity(pids.len());
    let mut unseen = listing.truncated.then(|| Missing::new("/proc", Why::TooLarge));
    for pid in pids {
        match row(reader, pid) {
            Ok(row) => rows.push(row),
            // It is gone by now, which PID 1 never is.
            Err(Missing { why: Why::NotFound, .. }) if pid != 1 => {}
            Err(Missing { why: Why::NotRecorded, .. }) => {}
            // It is another's (hidepid), or there was no time.
            Err(missing) => unseen = unseen.or(Some(missing)),
        }
    }
    Processes {
        rows: Fact::Known(rows),
        truncated: unseen.is_some(),
        unseen,
        zombies_of_pid1: Fact::default(),
    }
}

pub(super) fn row(reader: &Reader, pid: u32) -> Result<ProcessRow, Missing> {
    let stat = stat(reader, pid)?;
    Ok(ProcessRow {
        pid,
        ppid: u32::try_from(stat.ppid).unwrap_or(0),
        comm: stat.comm.into(),
        state: stat.state,
    })
}

/// When the process began, in clock ticks after boot: with it, a process that has the PID later is another
/// one.
pub(super) fn started(reader: &Reader, pid: u32) -> Result<u64, Missing> {
    stat(reader, pid).map(|stat| stat.starttime)
}

fn stat(reader: &Reader, pid: u32) -> Result<Stat, Missing> {
    let path = format!("/proc/{pid}/stat");
    let bytes = reader.bytes(&path)?;
    // The parser panics if the name has no end; that costs this row.
    let stat = isolated(|| Stat::from_read(Cursor::new(bytes)));
    stat.ok().and_then(Result::ok).ok_or_else(|| Missing::new(path, Why::Malformed))
}

/// The PIDs of a `cgroup.procs` file; `0` stands for a process of another PID namespace.
pub(super) fn pids(content: &[u8]) -> impl Iterator<Item = u32> + '_ {
    let mut lines = content.split(|b| *b == b'\n');
    iter::from_fn(move || lines.next())
        .filter_map(|line| std::str::from_utf8(line).ok()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_have_roles() {
        assert_eq!(role("/usr/bin/tini-static", "tini"), Role::Init);
        assert_eq!(role("/usr/lib/systemd/systemd", "systemd"), Role::Systemd);
        assert_eq!(role("/bin/busybox", "sleep"), Role::Application);
        assert_eq!(role("/bin/busybox", "sh"), Role::Shell);
        assert_eq!(role("/usr/bin/dockerd (deleted)", "dockerd"), Role::Daemon);
        assert_eq!(role("", "pause"), Role::Pause);
        assert_eq!(role("/usr/bin/node", "node"), Role::Application);
    }

    #[test]
    fn foreign_processes_are_zeroes() {
        assert_eq!(pids(b"12\n0\n0\nx\n7\n").collect::<Vec<_>>(), [12, 0, 0, 7]);
    }
}
