//! Ids, kernel and environment of the live machine.

use std::{collections::BTreeMap, env, time::Instant};

use nix::unistd;

use super::file;
use crate::source::{Ids, Refusal, Uname};

/// An environment can be large; a sane one is not.
const ENVIRONMENT_LIMIT: u32 = 1024 * 1024;

pub(super) fn ids() -> Result<Ids, Refusal> {
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

pub(super) fn uname() -> Result<Uname, Refusal> {
    let name = nix::sys::utsname::uname().map_err(|e| Refusal::Errno(e as i32))?;
    Ok(Uname {
        release: name.release().to_string_lossy().into_owned(),
        version: name.version().to_string_lossy().into_owned(),
        machine: name.machine().to_string_lossy().into_owned(),
    })
}

/// Variables of the doctor itself.
pub(super) fn own(names: &[String]) -> BTreeMap<String, String> {
    let value =
        |name: &String| Some((name.clone(), env::var_os(name)?.to_string_lossy().into_owned()));
    names.iter().filter_map(value).collect()
}

/// Variables of another process; nothing but the named ones leaves this function.
pub(super) fn of(
    pid: u32,
    names: &[String],
    deadline: Instant,
) -> Result<BTreeMap<String, String>, Refusal> {
    let content = file::read(&format!("/proc/{pid}/environ"), ENVIRONMENT_LIMIT, deadline)?;
    let variables = content.split(|b| *b == 0).filter_map(|entry| {
        let at = entry.iter().position(|b| *b == b'=')?;
        let name = std::str::from_utf8(&entry[..at]).ok()?;
        let value = String::from_utf8_lossy(&entry[at + 1..]).into_owned();
        names.iter().any(|n| n == name).then(|| (name.to_owned(), value))
    });
    Ok(variables.collect())
}
