//! Ids, kernel and environment of the live machine.

use std::{env, time::Instant};

use nix::unistd;

use super::file;
use crate::source::{Ids, Refusal, Uname};

/// An environment can be large; a sane one is not.
const ENVIRONMENT_LIMIT: u32 = 1024 * 1024;

pub(in crate::source) fn ids() -> Result<Ids, Refusal> {
    let groups = unistd::getgroups().map_err(|e| Refusal::Errno(e as i32))?;
    let mut groups: Vec<u32> = groups.into_iter().map(unistd::Gid::as_raw).collect();
    groups.sort_unstable();
    Ok(Ids {
        pid: std::process::id(),
        euid: unistd::geteuid().as_raw(),
        egid: unistd::getegid().as_raw(),
        groups,
    })
}

pub(in crate::source) fn uname() -> Result<Uname, Refusal> {
    let name = nix::sys::utsname::uname().map_err(|e| Refusal::Errno(e as i32))?;
    Ok(Uname {
        release: name.release().to_string_lossy().into_owned(),
        version: name.version().to_string_lossy().into_owned(),
        machine: name.machine().to_string_lossy().into_owned(),
    })
}

/// A variable of the doctor itself, or of a process.
pub(in crate::source) fn variable(
    pid: Option<u32>,
    name: &str,
    deadline: Instant,
) -> Result<Option<String>, Refusal> {
    match pid {
        Some(pid) => of(pid, name, deadline),
        None => Ok(env::var_os(name).map(|value| value.to_string_lossy().into_owned())),
    }
}

/// What an environment is called: the doctor's own, or a process's.
pub(in crate::source) fn environment(pid: Option<u32>) -> String {
    pid.map_or_else(|| "environment".to_owned(), |pid| format!("/proc/{pid}/environ"))
}

/// A variable of another process; nothing but its value leaves this function.
fn of(pid: u32, name: &str, deadline: Instant) -> Result<Option<String>, Refusal> {
    let content = file::read(&format!("/proc/{pid}/environ"), ENVIRONMENT_LIMIT, deadline)?;
    let value = content
        .split(|b| *b == 0)
        .find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    Ok(value.map(|value| String::from_utf8_lossy(value).into_owned()))
}
