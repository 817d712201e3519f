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

/// Modules for the networks of containers, and those by which it shows that this kernel has such things as modules.
pub const NETWORK_MODULES: [&str; 9] = [
    "br_netfilter",
    "bridge",
    "nf_conntrack",
    "nf_nat",
    "nf_tables",
    "overlay",
    "stp",
    "veth",
    "vxlan",
];

/// Where a module is that engines need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModuleState {
    /// Loaded, or built in.
    Present,
    /// Not loaded; its file is there for the running kernel.
    OnDisk,
    /// Not loaded, and a module as the kernel's configuration says.
    NotLoaded,
    /// Neither loaded nor built in, and its file is not where others of this kernel are.
    NotInstalled,
    /// Not loaded; whether it is built in or could come is not known.
    NotSeen,
    /// The kernel's configuration leaves it out.
    LeftOut,
    /// Modules cannot be seen here.
    Unknown,
}

/// A module that engines need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// Its name, as `/proc/modules` has it.
    pub name: Text,
    /// Where it is.
    pub state: ModuleState,
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
    /// Those of [`NETWORK_MODULES`] that are loaded (`/proc/modules`); what is built in is not among them.
    #[serde(default)]
    pub network_modules: Fact<Vec<Text>>,
    /// Interpreters that are registered in `/proc/sys/fs/binfmt_misc`, sorted; `None` where that filesystem is not
    /// mounted. Never looked for where looking would mount it.
    #[serde(default)]
    pub emulators: Fact<Option<Vec<Text>>>,
    /// The level of x86-64 that the processor has (psABI: 1 to 4), from the flags in `/proc/cpuinfo`; `None` on
    /// other processors.
    #[serde(default)]
    pub cpu_level: Fact<Option<u8>>,
    /// What engines need of it that can be a module.
    #[serde(default)]
    pub needed: Vec<Module>,
    /// Whether it has loaded modules: one that has all built in does not, though it could.
    #[serde(default)]
    pub modular: Fact<bool>,
    /// Whether `/lib/modules` has modules of any release.
    #[serde(default)]
    pub other_modules: Fact<bool>,
    /// Whether overlayfs is registered now (`/proc/filesystems`); as a module it may still come.
    pub overlay: Fact<bool>,
}

impl Kernel {
    /// Where this module is; unknown for one that is not among those that engines need.
    pub fn module(&self, name: &str) -> ModuleState {
        let module = self.needed.iter().find(|module| module.name == *name);
        module.map_or(ModuleState::Unknown, |module| module.state)
    }
}
