//! PID 1 and the processes around it.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Fact, Missing, Text};
use crate::outcome::Unknown;

/// Number of SIGTERM.
pub const SIGTERM: u32 = 15;

/// What kind of program a process is, by its executable, else by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A minimal init: tini, docker-init, dumb-init, catatonit, s6, runit, …
    Init,
    /// systemd.
    Systemd,
    /// A shell, with or without a script.
    Shell,
    /// An engine: dockerd, containerd, buildkitd, kubelet, podman.
    Daemon,
    /// The pause process of a pod.
    Pause,
    /// Anything else.
    #[default]
    Application,
}

impl Role {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Systemd => "systemd",
            Self::Shell => "shell",
            Self::Daemon => "daemon",
            Self::Pause => "pause",
            Self::Application => "application",
        }
    }
}

/// Signal masks from `/proc/PID/status`; bit n-1 is signal n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SignalMasks {
    /// `SigBlk`.
    pub blocked: u64,
    /// `SigIgn`.
    pub ignored: u64,
    /// `SigCgt`.
    pub caught: u64,
}

impl SignalMasks {
    /// Whether `mask` has `signal`.
    pub const fn has(mask: u64, signal: u32) -> bool {
        mask & (1 << (signal - 1)) != 0
    }
}

/// A process that something was started with: PID 1, or a container's own top process.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct InitProcess {
    /// Its PID in the doctor's PID namespace.
    pub pid: u32,
    /// Whether the doctor itself is this process.
    pub is_doctor: bool,
    /// Name: 15 characters, settable by the process.
    pub comm: Fact<Text>,
    /// Target of the `exe` link.
    pub exe: Fact<Text>,
    /// Arguments.
    pub arguments: Fact<Vec<Text>>,
    /// What kind of program it is.
    pub role: Role,
    /// What it does with signals.
    pub signals: Fact<SignalMasks>,
    /// The kernel function it sleeps in; `0` for readers without privilege.
    pub wchan: Fact<Text>,
    /// The number of the system call it is in, if it is in one.
    pub syscall: Fact<Option<u64>>,
    /// Value of `container` in its environment; `None` if it has none.
    pub container_variable: Fact<Option<Text>>,
}

impl InitProcess {
    /// What kind of program it is, or *unknown* where neither its name nor its executable could be read.
    pub fn known_role(&self) -> Result<Role, Unknown> {
        if self.exe.known().is_none() {
            self.comm.told()?;
        }
        Ok(self.role)
    }

    /// The name by which people know it: the base name of its executable, else its `comm`.
    pub fn name(&self) -> &str {
        let exe = self.exe.known().map(|exe| exe.trim_end_matches(" (deleted)"));
        exe.and_then(|exe| exe.rsplit('/').next())
            .filter(|name| !name.is_empty())
            .or_else(|| self.comm.known().map(Text::as_str))
            .unwrap_or("unknown")
    }
}

/// One process (`/proc/PID/stat`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRow {
    /// PID in the doctor's PID namespace.
    pub pid: u32,
    /// Parent.
    pub ppid: u32,
    /// Name.
    pub comm: Text,
    /// State letter: `R`, `S`, `D`, `Z`, …
    pub state: char,
}

/// A zombie whose parent is PID 1, seen in every sample: see [`Processes::zombies_of_pid1`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zombie {
    /// PID.
    pub pid: u32,
    /// Name.
    pub comm: Text,
}

/// The processes of this PID namespace.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Processes {
    /// All rows that could be looked at, sorted by PID.
    pub rows: Fact<Vec<ProcessRow>>,
    /// Whether there are more.
    pub truncated: bool,
    /// What the first of them was that could not be looked at, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<Missing>,
    /// Zombies of PID 1 that stayed over all samples; empty if the first one had none. Not probed where it had
    /// some and they change no verdict: see [`super::Facts::judges_reaping`].
    pub zombies_of_pid1: Fact<Vec<Zombie>>,
}
