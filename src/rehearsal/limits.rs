//! Whether the limits of a container hold: tried in it, by its first process.

use std::{
    fs::{self, File, OpenOptions},
    io::Read,
    path::Path,
};

use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, kill},
        wait::waitpid,
    },
    unistd::{Pid, pause},
};

use crate::sys::fork;

const ROOT: &str = "/sys/fs/cgroup";

/// Beyond its limit, so many processes are begun at most.
const MORE: u64 = 8;

/// Beyond its limit, so many bytes of a file are read: pages that can be given back, so that nothing is killed.
const BEYOND: u64 = 32 * 1024 * 1024;

/// What of a limit may be exceeded: memory is counted in batches.
const SLACK: u64 = 4 * 1024 * 1024;

/// What is not tried: it would cost more than a container of a rehearsal gets.
const LARGE: u64 = 512 * 1024 * 1024;
const MANY: u64 = 1024;

/// Whether no more processes can be begun than `limit` allows; `None` if something else refuses them, or it is not known.
pub(super) fn pids_hold(limit: u64) -> Option<bool> {
    if limit > MANY {
        return None;
    }
    let mut children = Vec::new();
    let mut refused = None;
    while (children.len() as u64) < limit + MORE {
        match fork::spawn(|| {
            pause();
        }) {
            Ok(child) => children.push(child),
            Err(error) => {
                refused = error.raw_os_error().map(Errno::from_raw);
                break;
            }
        }
    }
    let counted = number(&["pids.current", "pids/pids.current"]);
    end(&children);
    match refused {
        None => Some(false),
        Some(Errno::EAGAIN) if counted? >= limit => Some(true),
        Some(_) => None,
    }
}

fn end(children: &[Pid]) {
    for child in children {
        let _ = kill(*child, Signal::SIGKILL);
    }
    for child in children {
        let _ = waitpid(*child, None);
    }
}

/// Whether no more memory is used than `limit` allows, though more is asked for; `None` if nobody counts it here.
pub(super) fn memory_holds(limit: u64) -> Option<bool> {
    if limit > LARGE {
        return None;
    }
    let before = hits()?;
    let most = most_used(limit + BEYOND).ok()??;
    if most > limit + SLACK {
        return Some(false);
    }
    (hits()? > before).then_some(true)
}

/// The most that was used while so many bytes of a file without content were read.
fn most_used(bytes: u64) -> std::io::Result<Option<u64>> {
    let path = Path::new("/dind-doctor-pages");
    let mut file: File = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
    fs::remove_file(path)?;
    file.set_len(bytes)?;
    let mut piece = vec![0; 1024 * 1024];
    let mut most = None;
    while file.read(&mut piece)? > 0 {
        most = most.max(number(&["memory.current", "memory/memory.usage_in_bytes"]));
    }
    Ok(most)
}

/// How often the limit was met, of version 1 also that of memory and swap together.
fn hits() -> Option<u64> {
    let events = || {
        let events = fs::read_to_string(Path::new(ROOT).join("memory.events")).ok()?;
        events.lines().find_map(|line| line.strip_prefix("max ")?.parse().ok())
    };
    let swap = || number(&["memory/memory.memsw.failcnt"]).unwrap_or(0);
    events().or_else(|| Some(number(&["memory/memory.failcnt"])? + swap()))
}

fn number(files: &[&str]) -> Option<u64> {
    let text = files.iter().find_map(|file| fs::read_to_string(Path::new(ROOT).join(file)).ok())?;
    text.trim().parse().ok()
}
