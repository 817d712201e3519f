//! What an engine that ran before, or a host, left in `/run`.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Fact, Text};

/// Whose PID file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PidFileOwner {
    /// dockerd, rootful.
    Docker,
    /// The containerd that dockerd starts.
    Containerd,
    /// Rootless dockerd.
    RootlessDocker,
}

/// A PID file that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PidFile {
    /// Whose it is.
    pub owner: PidFileOwner,
    /// The file.
    pub path: Text,
    /// The PID in it; malformed if it is none.
    pub pid: Fact<u32>,
    /// Name of the process or thread that has this PID now; `None` if none has.
    pub process: Fact<Option<Text>>,
}

/// What lies in `/run`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Leftovers {
    /// PID files of engines, sorted by owner; those that do not exist are absent.
    pub pid_files: Vec<PidFile>,
    /// Whether `/run/systemd/system` is a directory, by which programs recognise systemd
    /// (`sd_booted(3)`).
    pub systemd_directory: Fact<bool>,
}
