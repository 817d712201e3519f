//! The doctor as the first process of a rehearsed container: it looks around, says so in one line, and ends, at once or when
//! it is asked to.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use dind_doctor_checks::facts::{SeenInside, Text};
use nix::sys::signal::{SigSet, Signal};

use super::limits;
use crate::sys::alarm;

/// The argument by which the program is this. Engines pass arguments on as they are, names of programs not always.
pub const ARGUMENT: &str = "inside-rehearsal";

/// The argument by which it has limits, which it tries, and waits for SIGTERM.
pub(super) const LIMITED: &str = "limited";

/// What the line begins with: engines write to the same stream.
const BEGIN: &str = "dind-doctor-inside ";

/// A container of which nobody waits for the end has one.
const LIFE: Duration = Duration::from_secs(60);

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Names in a directory that are told.
const NAMES: usize = 64;

/// Whether the program was started as this.
pub(crate) fn is_asked(arguments: &[OsString]) -> bool {
    arguments.get(1).is_some_and(|argument| argument == ARGUMENT)
}

/// Looks around, connects to `IP:PORT` if that is given, and says so.
pub(crate) fn main(arguments: &[OsString], out: &mut dyn Write) -> io::Result<()> {
    alarm::set(Some(LIFE));
    let mut more = arguments.iter().skip(2).filter_map(|argument| argument.to_str()).peekable();
    let listener = more.peek().and_then(|argument| argument.parse().ok());
    let is_limited = more.any(|argument| argument == LIMITED);
    let asked = SigSet::from(Signal::SIGTERM);
    if is_limited {
        // What would be ignored by the first process of a PID namespace is kept if it is blocked.
        asked.thread_block()?;
    }
    let mut seen = look(listener);
    if is_limited {
        seen.memory_holds = seen.memory_limit.and_then(limits::memory_holds);
        seen.pids_hold = seen.pids_limit.and_then(limits::pids_hold);
    }
    let line = serde_json::to_string(&seen)?;
    writeln!(out, "{BEGIN}{line}")?;
    out.flush()?;
    if is_limited {
        asked.wait()?;
    }
    Ok(())
}

/// Whether all of the line is there.
pub(super) fn has_said(written: &[u8]) -> bool {
    read(written).is_some()
}

/// What the line says, if it is there.
pub(super) fn read(written: &[u8]) -> Option<SeenInside> {
    let lines = written.split(|byte| *byte == b'\n');
    let mut ours = lines.filter_map(|line| line.strip_prefix(BEGIN.as_bytes()));
    ours.find_map(|line| serde_json::from_slice(line).ok())
}

fn look(listener: Option<SocketAddr>) -> SeenInside {
    let status = text("/proc/self/status");
    let field = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
    };
    let mounts = text("/proc/self/mounts");
    let mut root = mounts.lines().rev().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        (fields.next()? == "/").then(|| fields.next())?
    });
    SeenInside {
        pid: std::process::id(),
        namespaces: namespaces(),
        capabilities: field("CapEff")
            .and_then(|hex| u64::from_str_radix(hex, 16).ok())
            .unwrap_or(0),
        seccomp: field("Seccomp").and_then(|mode| mode.parse().ok()).unwrap_or(0),
        uid_map: lines("/proc/self/uid_map"),
        cgroup: lines("/proc/self/cgroup"),
        memory_limit: limit(&[
            "/sys/fs/cgroup/memory.max",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        ]),
        pids_limit: limit(&["/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"]),
        root: root.next().unwrap_or_default().into(),
        mounts: u32::try_from(mounts.lines().count()).unwrap_or(u32::MAX),
        devices: names("/dev"),
        not_reached: listener.and_then(not_reached),
        memory_holds: None,
        pids_hold: None,
    }
}

fn not_reached(listener: SocketAddr) -> Option<Text> {
    let refused = TcpStream::connect_timeout(&listener, PATIENCE).err()?;
    Some(format!("{listener}: {refused}").into())
}

/// The namespaces of this process: `pid:[4026532281]`.
pub(super) fn namespaces() -> Vec<Text> {
    let all = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
    let links =
        all.into_iter().filter_map(|name| fs::read_link(format!("/proc/self/ns/{name}")).ok());
    links.map(|link| Text::from(link.to_string_lossy().into_owned())).collect()
}

/// A number that is no limit is as large as an address space.
fn limit(files: &[&str]) -> Option<u64> {
    let number = files.iter().find_map(|file| fs::read_to_string(file).ok())?;
    number.trim().parse().ok().filter(|limit| *limit < 1 << 60)
}

fn text(file: &str) -> String {
    fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn lines(file: &str) -> Vec<Text> {
    let spaced = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text(file).lines().take(NAMES).map(|line| spaced(line).into()).collect()
}

fn names(directory: &str) -> Vec<Text> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<Text> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned().into()).collect();
    names.sort_unstable();
    names.truncate(NAMES);
    names
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn what_is_seen_is_read_back_among_what_engines_write() {
        let mut out = b"time=\"now\" level=warning\n".to_vec();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        main(&["doctor".into(), ARGUMENT.into(), address.into()], &mut out).unwrap();
        alarm::set(None);
        let seen = read(&out).unwrap();
        assert_eq!((seen.pid, seen.not_reached.clone()), (std::process::id(), None));
        assert!(seen.namespaces.iter().any(|namespace| namespace.starts_with("pid:[")), "{seen:?}");
        assert!(!seen.root.is_empty() && seen.mounts > 0 && seen.devices.contains(&"null".into()));
        assert_eq!(read(b"dind-doctor-inside {half a"), None);
    }

    #[test]
    fn what_cannot_be_reached_is_told() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(not_reached(port).unwrap().contains("refused"));
    }
}
