//! What this environment is.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Fact, Text, Tri};
use crate::outcome::Evidence;

/// On what kind of machine the kernel runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Machine {
    /// Under a hypervisor.
    Vm,
    /// On metal.
    Physical,
    /// Not known.
    #[default]
    Unknown,
}

/// Which engine made the container that the doctor runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// Docker Engine.
    Docker,
    /// containerd, through CRI or nerdctl.
    Containerd,
    /// CRI-O.
    CriO,
    /// podman.
    Podman,
    /// LXC, LXD or Incus.
    Lxc,
    /// systemd-nspawn.
    SystemdNspawn,
    /// Not a container.
    None,
    /// A container of an engine that is not known, or it is not known whether it is one.
    #[default]
    Unknown,
}

impl Engine {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Containerd => "containerd",
            Self::CriO => "cri-o",
            Self::Podman => "podman",
            Self::Lxc => "lxc",
            Self::SystemdNspawn => "systemd-nspawn",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }
}

/// A kernel, or a layer over it, that is not plain Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sandbox {
    /// gVisor: a kernel in user space.
    Gvisor,
    /// Kata or another VM made for one pod.
    Kata,
    /// Sysbox.
    Sysbox,
    /// Windows Subsystem for Linux 2.
    Wsl2,
    /// Plain Linux.
    None,
    /// Not known.
    #[default]
    Unknown,
}

impl Sandbox {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gvisor => "gvisor",
            Self::Kata => "kata",
            Self::Sysbox => "sysbox",
            Self::Wsl2 => "wsl2",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }
}

/// With what people start this environment; remedies are written for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Launcher {
    /// A GitLab CI job.
    Gitlab,
    /// A GitHub Actions job, hosted or by Actions Runner Controller.
    Github,
    /// A dev container.
    Devcontainer,
    /// A pod.
    Kubernetes,
    /// `docker run`, Compose.
    Docker,
    /// `podman run`, a Quadlet unit.
    Podman,
    /// LXC, by hand or by a manager that is not known.
    Lxc,
    /// Incus.
    Incus,
    /// LXD.
    Lxd,
    /// Proxmox VE.
    Proxmox,
    /// systemd-nspawn.
    Nspawn,
    /// Nothing that is known: a VM, a host, an unknown container.
    #[default]
    None,
}

impl Launcher {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gitlab => "gitlab",
            Self::Github => "github",
            Self::Devcontainer => "devcontainer",
            Self::Kubernetes => "kubernetes",
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Lxc => "lxc",
            Self::Incus => "incus",
            Self::Lxd => "lxd",
            Self::Proxmox => "proxmox",
            Self::Nspawn => "systemd-nspawn",
            Self::None => "none",
        }
    }
}

/// What this environment is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Runtime {
    /// VM or metal.
    pub machine: Machine,
    /// Whether the doctor runs in a container. `/.dockerenv` alone is no proof: it lies in images that
    /// became VMs.
    pub container: Tri,
    /// Which engine made the container.
    pub engine: Engine,
    /// Whether the kernel is another than plain Linux.
    pub sandbox: Sandbox,
    /// Whether this is a pod.
    pub kubernetes: Tri,
    /// With what it was started, in the six words of the first reports: podman counts as Docker, LXC and
    /// systemd-nspawn as none.
    pub launcher: Launcher,
    /// With what it was started, innermost first: the last is what people edit. Empty in what older doctors wrote.
    #[serde(default)]
    pub launchers: Vec<Launcher>,
    /// The name or number that LXC, Proxmox or systemd-nspawn has for the container.
    #[serde(default)]
    pub name: Option<Text>,
    /// The observations on which the above rests.
    pub evidence: Vec<Evidence>,
    /// The variables of the doctor's own environment that checks judge, sorted by name.
    pub variables: Fact<Vec<(Text, Text)>>,
}

impl Runtime {
    /// The value of a variable of the doctor's own environment, if it is set.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.known()?.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
