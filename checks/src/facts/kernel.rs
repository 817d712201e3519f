//! The kernel.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Fact, Text};
use crate::version::Version;

/// A setting that kubelet wants to have a certain value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelSetting {
    /// The file below `/proc/sys`: `vm/overcommit_memory`.
    pub name: Text,
    /// Its value.
    pub value: Fact<i64>,
    /// What kubelet sets it to (`pkg/kubelet/cm`, `setupKernelTunables`).
    pub wanted: i64,
}

/// The running kernel.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Kernel {
    /// `uname -r`, whole.
    pub release: Fact<Text>,
    /// The leading numbers of the release. Context only: distributions backport, so a rule asks for the
    /// feature where it can.
    pub version: Fact<Version>,
    /// `/proc/version_signature`, which only Ubuntu's kernels have; `None` for every other.
    pub ubuntu_signature: Fact<Option<Text>>,
    /// Whether this kernel can load modules at all: false without `/proc/modules` or with
    /// `kernel.modules_disabled`.
    pub modules_loadable: Fact<bool>,
    /// `uname -v`: build number, date, distribution (`#1 SMP Debian 6.1.0-1`).
    pub build: Fact<Text>,
    /// Types in `/proc/filesystems`: built in or loaded.
    pub filesystems: Fact<Vec<Text>>,
    /// Whether the kernel has `bpf(2)`: `/proc/sys/kernel/unprivileged_bpf_disabled` exists.
    pub bpf: Fact<bool>,
    /// What kubelet sets when it starts.
    pub kubelet_settings: Vec<KernelSetting>,
    /// Whether `/lib/modules/RELEASE` is there for the running kernel.
    pub modules_directory: Fact<bool>,
    /// Whether overlayfs is registered now (`/proc/filesystems`); as a module it may still come.
    pub overlay: Fact<bool>,
}
