//! Who the doctor is: user, groups, namespaces, id mappings.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::Fact;

/// Yes, no, or not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tri {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Not known.
    #[default]
    Unknown,
}

impl Tri {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is certain.
    pub const fn is_yes(self) -> bool {
        matches!(self, Self::Yes)
    }

    /// Whether the contrary is certain.
    pub const fn is_no(self) -> bool {
        matches!(self, Self::No)
    }
}

impl From<Option<bool>> for Tri {
    fn from(answer: Option<bool>) -> Self {
        match answer {
            Some(true) => Self::Yes,
            Some(false) => Self::No,
            None => Self::Unknown,
        }
    }
}

/// The doctor's own user, groups, namespaces and id mappings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Identity {
    /// The doctor's own PID in its PID namespace.
    pub pid: Fact<u32>,
    /// Effective user id.
    pub euid: Fact<u32>,
    /// Effective group id.
    pub egid: Fact<u32>,
    /// Supplementary groups.
    pub groups: Fact<Vec<u32>>,
    /// Namespaces by inode.
    pub namespaces: Namespaces,
    /// `/proc/self/uid_map`.
    pub uid_map: Fact<Vec<IdMapping>>,
    /// `/proc/self/gid_map`.
    pub gid_map: Fact<Vec<IdMapping>>,
}

/// One extent of a user namespace's id mapping (`user_namespaces(7)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdMapping {
    /// First id inside the namespace.
    pub inside: u32,
    /// First id outside, as seen by the reader.
    pub outside: u32,
    /// How many ids.
    pub count: u32,
}

/// One namespace that the doctor is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Inode number of the link in `/proc/self/ns`.
    pub inode: u64,
    /// Whether it is the initial namespace of this kernel. cgroup, ipc, pid, time, user and uts have constant
    /// inodes (`include/uapi/linux/nsfs.h`, `PROC_*_INIT_INO`); net is initial if and only if
    /// `/proc/sys/net/core/netdev_budget` exists; mnt is never known.
    pub initial: Tri,
}

/// The namespaces that the doctor is in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Namespaces {
    /// cgroup namespace; not found on kernels before 4.6.
    pub cgroup: Fact<Namespace>,
    /// IPC namespace.
    pub ipc: Fact<Namespace>,
    /// Mount namespace.
    pub mnt: Fact<Namespace>,
    /// Network namespace.
    pub net: Fact<Namespace>,
    /// PID namespace.
    pub pid: Fact<Namespace>,
    /// Time namespace; not found on kernels before 5.6 or built without.
    pub time: Fact<Namespace>,
    /// User namespace.
    pub user: Fact<Namespace>,
    /// UTS namespace.
    pub uts: Fact<Namespace>,
}

impl Namespaces {
    /// Whether the cgroup namespace is another than the kernel's initial one.
    pub fn cgroup_is_private(&self) -> Tri {
        Self::is_private(&self.cgroup)
    }

    /// Whether the user namespace is another than the kernel's initial one.
    pub fn user_is_private(&self) -> Tri {
        Self::is_private(&self.user)
    }

    fn is_private(namespace: &Fact<Namespace>) -> Tri {
        match namespace.known().map(|n| n.initial) {
            Some(Tri::Yes) => Tri::No,
            Some(Tri::No) => Tri::Yes,
            _ => Tri::Unknown,
        }
    }
}
