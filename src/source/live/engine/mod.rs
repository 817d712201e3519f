//! The version of an engine that runs, by its API: the one thing that the doctor connects to.
//!
//! A socket can be systemd's, which starts the engine at the first connection, or lead to another
//! container. So nothing is connected to unless the engine's own process holds the listening socket of
//! which the path is the doctor's, too.

mod http;
#[cfg(test)]
mod tests;

pub(crate) use http::{Timed, get};

use std::{
    ffi::OsStr,
    fs,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::FileTypeExt, net::UnixStream},
    },
    path::Path,
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::{EngineVersion, Text};
use nix::{
    sys::socket::{
        AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, socket,
        sockopt::PeerCredentials,
    },
    unistd::geteuid,
};
use serde::Deserialize;

use super::file;
use crate::source::{Refusal, path::decode};

/// How long an engine may take: it answers this out of its memory.
const PATIENCE: Duration = Duration::from_secs(1);

/// A machine with a thousand pods has tens of thousands of sockets.
const SOCKETS_LIMIT: u32 = 4 * 1024 * 1024;

/// Descriptors of an engine that are looked at.
const DESCRIPTORS: usize = 65_536;

const NOT_CONNECTED: Refusal = Refusal::NotProbed;

/// Programs of which an engine tells the version, and rules depend on it.
const COMPONENTS: [&str; 2] = ["containerd", "runc"];

/// What the engine `pid` answers at `path`.
pub(in crate::source) fn version(
    pid: u32,
    path: &str,
    deadline: Instant,
) -> Result<EngineVersion, Refusal> {
    let deadline = deadline.min(Instant::now() + PATIENCE);
    let path = decode(path);
    let resolved = fs::canonicalize(&path).map_err(|e| file::refusal(&e))?;
    if !fs::metadata(&resolved).map_err(|e| file::refusal(&e))?.file_type().is_socket() {
        return Err(NOT_CONNECTED);
    }
    let inode = listening(&[&path, &resolved], deadline)?;
    if !sees_the_same(pid)? || !holds(pid, inode, deadline)? {
        return Err(NOT_CONNECTED);
    }
    let stream = connected(&resolved)?;
    // The name in the table is that of the file when it was bound: by now another one can be there.
    let peer = getsockopt(&stream, PeerCredentials).map_err(|e| Refusal::Errno(e as i32))?;
    if ![0, geteuid().as_raw()].contains(&peer.uid()) {
        return Err(NOT_CONNECTED);
    }
    let body = get(Timed::new(&stream, deadline), "/version")?;
    parse(&body).ok_or(Refusal::Malformed)
}

/// The inode of the one listening socket that was bound to one of these names: columns `Num RefCount
/// Protocol Flags Type St Inode Path`, and the flag `__SO_ACCEPTCON` (`net/unix/af_unix.c`). With several,
/// the file belongs to one of them, and nobody can say to which.
fn listening(names: &[&Path], deadline: Instant) -> Result<u64, Refusal> {
    const ACCEPTS: u32 = 1 << 16;
    let table = file::read("/proc/net/unix", SOCKETS_LIMIT, deadline)?;
    let mut found = table.split(|b| *b == b'\n').filter_map(|line| {
        // A name can hold spaces; nothing before it holds a slash.
        let at = line.iter().position(|b| *b == b'/')?;
        let (columns, name) = line.split_at(at);
        if !names.contains(&Path::new(OsStr::from_bytes(name))) {
            return None;
        }
        let mut columns = std::str::from_utf8(columns).ok()?.split_ascii_whitespace();
        let flags = u32::from_str_radix(columns.nth(3)?, 16).ok()?;
        let inode = columns.nth(2)?.parse().ok()?;
        (flags & ACCEPTS != 0).then_some(inode)
    });
    match (found.next(), found.next()) {
        (Some(inode), None) => Ok(inode),
        _ => Err(NOT_CONNECTED),
    }
}

/// Whether a path is the same file for the process: same mount namespace, same root.
fn sees_the_same(pid: u32) -> Result<bool, Refusal> {
    let link = |process: &str, name: &str| file::read_link(&format!("/proc/{process}/{name}"));
    let pid = pid.to_string();
    Ok(link("self", "ns/mnt")? == link(&pid, "ns/mnt")?
        && link("self", "root")? == link(&pid, "root")?)
}

/// Whether the process has the socket open.
fn holds(pid: u32, inode: u64, deadline: Instant) -> Result<bool, Refusal> {
    let wanted = format!("socket:[{inode}]");
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).map_err(|e| file::refusal(&e))?;
    for descriptor in descriptors.take(DESCRIPTORS).flatten() {
        if Instant::now() >= deadline {
            return Err(Refusal::TimedOut);
        }
        // One that was closed meanwhile has no link.
        if fs::read_link(descriptor.path()).is_ok_and(|target| target.as_os_str() == &*wanted) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Connects without waiting: a full queue of connections is that of an engine that does not answer.
pub(crate) fn connected(path: &Path) -> Result<UnixStream, Refusal> {
    let errno = |errno: nix::Error| Refusal::Errno(errno as i32);
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let address = UnixAddr::new(path).map_err(errno)?;
    let stream: OwnedFd =
        socket(AddressFamily::Unix, SockType::Stream, flags, None).map_err(errno)?;
    match connect(stream.as_raw_fd(), &address) {
        Ok(()) => Ok(UnixStream::from(stream)),
        Err(nix::Error::EAGAIN) => Err(Refusal::TimedOut),
        Err(error) => Err(errno(error)),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answered {
    version: String,
    #[serde(default)]
    api_version: String,
    #[serde(default, rename = "MinAPIVersion")]
    minimum_api_version: String,
    #[serde(default)]
    components: Option<Vec<Component>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    name: String,
    version: String,
}

/// What is judged of the answer; the rest stays behind.
pub(crate) fn parse(body: &[u8]) -> Option<EngineVersion> {
    let answered: Answered = serde_json::from_slice(body).ok()?;
    let components = answered.components.unwrap_or_default().into_iter();
    let components = components.filter(|component| COMPONENTS.contains(&component.name.as_str()));
    Some(EngineVersion {
        version: answered.version.into(),
        api_version: answered.api_version.into(),
        minimum_api_version: answered.minimum_api_version.into(),
        components: components.map(|c| (Text::from(c.name), Text::from(c.version))).collect(),
    })
}
