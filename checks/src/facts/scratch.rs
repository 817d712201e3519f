//! Directories for sockets, locks and temporary files, and what an earlier run left in them.

use serde::{Deserialize, Serialize};

use super::{Fact, Text};

/// A directory in which engines make files at run time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScratchDirectory {
    /// The path.
    pub path: Text,
    /// Whether the doctor's user may make files in it (`faccessat2`, mount flags included).
    pub writable: Fact<bool>,
    /// Size of its filesystem in bytes (`statfs(2)`).
    pub size: Fact<u64>,
}

/// Directories for sockets, locks and temporary files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scratch {
    /// `/run`.
    pub run: ScratchDirectory,
    /// `$TMPDIR` of the doctor, else `/tmp`.
    pub temporary: ScratchDirectory,
    /// Whether `/run/xtables.lock` may be written; `None` where it does not exist yet.
    pub xtables_lock: Fact<Option<bool>>,
    /// The number in `/run/docker.pid`; `None` where there is no such file.
    pub docker_pid: Fact<Option<u32>>,
    /// The first `docker` on the PATH, links resolved: `/usr/bin/snap` for a snap; `None` if there is none.
    pub docker_client: Fact<Option<Text>>,
}
