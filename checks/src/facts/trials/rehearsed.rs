//! What a rehearsal has seen of an engine, and the doctor in its container.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::facts::Text;

/// An engine that was started for seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsed {
    /// Its program, as it was found on the PATH.
    pub program: Text,
    /// Its version, as it says itself; empty if it did not come to that.
    pub version: Text,
    /// From its start to the end of the container, in milliseconds.
    pub milliseconds: u32,
    /// What of the real conditions was replaced or left out.
    pub replaced: Vec<Text>,
    /// What the doctor in the container saw; `None` if it did not come to that.
    pub inside: Option<SeenInside>,
    /// The last lines that the engine wrote, if something failed.
    pub log: Vec<Text>,
    /// Ids of the checks whose texts are in these lines, the likeliest first.
    pub known_as: Vec<Text>,
}

/// What the doctor sees as the first process of a rehearsed container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenInside {
    /// Its PID.
    pub pid: u32,
    /// `pid:[4026532281]`, …: all namespaces that it is in.
    pub namespaces: Vec<Text>,
    /// Effective capabilities.
    pub capabilities: u64,
    /// `Seccomp` in `/proc/self/status`: 0 without a filter, 2 with one.
    pub seccomp: u32,
    /// Lines of `/proc/self/uid_map`.
    pub uid_map: Vec<Text>,
    /// Lines of `/proc/self/cgroup`.
    pub cgroup: Vec<Text>,
    /// `memory.max` or `memory.limit_in_bytes`, if there is such a limit.
    pub memory_limit: Option<u64>,
    /// `pids.max`, if there is such a limit.
    pub pids_limit: Option<u64>,
    /// The file system of its root.
    pub root: Text,
    /// How many mounts there are.
    pub mounts: u32,
    /// Names in `/dev`.
    pub devices: Vec<Text>,
    /// How a connection to a listener beyond the engine's network failed; `None` if it worked or was not asked for.
    pub not_reached: Option<Text>,
    /// Whether no more memory than the limit could be used; `None` if that was not tried, or could not be told.
    pub memory_holds: Option<bool>,
    /// The same of processes.
    pub pids_hold: Option<bool>,
}
