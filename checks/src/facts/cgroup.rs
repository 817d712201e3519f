//! cgroups: version, membership, mounts, delegation, pod directories.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Fact, Text};

/// Which hierarchy engines find at `/sys/fs/cgroup`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CgroupVersion {
    /// Controllers in hierarchies of version 1 only.
    V1,
    /// The unified hierarchy only.
    V2,
    /// Version 1 with a unified hierarchy beside it; engines treat it as version 1.
    Hybrid,
    /// No cgroup filesystem is mounted.
    None,
}

impl CgroupVersion {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::Hybrid => "hybrid",
            Self::None => "none",
        }
    }

    /// Whether engines use version 1 here: v1 or hybrid.
    pub const fn is_v1(self) -> bool {
        matches!(self, Self::V1 | Self::Hybrid)
    }
}

/// What names a hierarchy: the unified one, controllers, or a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hierarchy {
    /// cgroup2.
    Unified,
    /// Version 1 with these controllers, sorted; `["cpu", "cpuacct"]` where co-mounted.
    Controllers(Vec<String>),
    /// Version 1 without controllers, by name: `systemd`.
    Named(String),
}

impl Hierarchy {
    /// Whether it has this version 1 controller.
    pub fn has(&self, controller: &str) -> bool {
        matches!(self, Self::Controllers(names) if names.iter().any(|n| n == controller))
    }
}

impl fmt::Display for Hierarchy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unified => f.pad("cgroup2"),
            Self::Controllers(names) => f.pad(&names.join(",")),
            Self::Named(name) => write!(f, "name={name}"),
        }
    }
}

impl Serialize for Hierarchy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hierarchy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match text.strip_prefix("name=") {
            Some(name) => Self::Named(name.to_owned()),
            None if text == "cgroup2" => Self::Unified,
            None => Self::Controllers(text.split(',').map(str::to_owned).collect()),
        })
    }
}

/// One line of `/proc/PID/cgroup` (`cgroups(7)`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Which hierarchy.
    pub hierarchy: Hierarchy,
    /// The path relative to the root of the reader's cgroup namespace; can begin with `/..`.
    pub path: Text,
}

/// One line of `/proc/cgroups`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerRow {
    /// Controller.
    pub name: Text,
    /// Hierarchy id; 0 if the controller is on version 2 or unmounted.
    pub hierarchy: u32,
    /// Number of cgroups in that hierarchy, host-wide.
    pub cgroups: u32,
    /// False with `cgroup_disable=`.
    pub enabled: bool,
}

/// One mount of a cgroup filesystem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupMount {
    /// Which hierarchy.
    pub hierarchy: Hierarchy,
    /// Where it is mounted.
    pub mount_point: Text,
    /// The directory of the hierarchy that is mounted, as the reader's cgroup namespace sees it: `/` if
    /// mount and namespace agree, `/../..` if it was mounted before the namespace was left.
    pub root: Text,
    /// Whether writing is refused.
    pub read_only: bool,
    /// Options of the superblock: `nsdelegate`, `memory_recursiveprot`, …
    pub super_options: Vec<String>,
}

/// `cgroup.type` of a version 2 cgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CgroupType {
    /// No such file: the real root of the hierarchy.
    Root,
    /// `domain`.
    Domain,
    /// `domain threaded`: the root of a threaded subtree.
    DomainThreaded,
    /// `domain invalid`: inside a threaded subtree, not yet made threaded.
    DomainInvalid,
    /// `threaded`.
    Threaded,
}

impl CgroupType {
    /// As the kernel writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Domain => "domain",
            Self::DomainThreaded => "domain threaded",
            Self::DomainInvalid => "domain invalid",
            Self::Threaded => "threaded",
        }
    }
}

/// The processes in a cgroup, from `cgroup.procs`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Procs {
    /// PIDs in the reader's PID namespace, sorted, up to a bound.
    pub pids: Vec<u32>,
    /// How many lines are `0`: processes outside the reader's PID namespace.
    pub foreign: u32,
    /// How many there are in all.
    pub count: u32,
}

/// A child of a version 2 cgroup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupChild {
    /// Directory name.
    pub name: Text,
    /// Its type.
    pub kind: Fact<CgroupType>,
}

/// One version 2 cgroup directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupDirectory {
    /// The directory in the filesystem.
    pub path: Text,
    /// Its type.
    pub kind: Fact<CgroupType>,
    /// Controllers that are available in it.
    pub controllers: Fact<Vec<Text>>,
    /// Controllers that are enabled for its children.
    pub subtree_control: Fact<Vec<Text>>,
    /// Processes in it.
    pub procs: Fact<Procs>,
    /// Its children, sorted by name, up to a bound.
    pub children: Fact<Vec<CgroupChild>>,
    /// Whether the doctor's user may write its `cgroup.procs` and `cgroup.subtree_control` and make
    /// directories in it (`faccessat2`, mount flags included).
    pub writable: Fact<bool>,
}

/// A directory of pod cgroups that is visible here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodTree {
    /// In which hierarchy.
    pub hierarchy: Hierarchy,
    /// Where that hierarchy is mounted.
    pub mount_point: Text,
    /// The pod's directory below the mount point: `/kubepods/burstable/pod<uid>`,
    /// `/kubepods.slice/kubepods-pod<uid>.slice`; or the `kubepods` directory itself where it holds no pod.
    pub path: Text,
    /// Whether the path names a pod, and not only a `kubepods` directory.
    pub is_pod: bool,
    /// Processes in it and below, up to a bound.
    pub procs: Procs,
}

/// What a bounded walk of every cgroup mount found. The walk stops at mount points, since the cgroup v1
/// workaround of node images mounts a controller below itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PodTrees {
    /// Trees found, sorted by hierarchy and path.
    pub trees: Vec<PodTree>,
    /// Whether the walk met its bound, so that there may be more.
    pub truncated: bool,
}

/// `cpuset.cpus` and `cpuset.mems` of a version 1 cgroup; empty ones admit no process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpuset {
    /// CPUs: `0-3`.
    pub cpus: Fact<Text>,
    /// Memory nodes: `0`.
    pub mems: Fact<Text>,
}

/// A mounted version 1 hierarchy, and the directory `kubelet` in it, which kubelets in kind nodes have as
/// their root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeletRoot {
    /// Which hierarchy.
    pub hierarchy: Hierarchy,
    /// The directory: `/sys/fs/cgroup/memory/kubelet`.
    pub path: Text,
    /// Whether it exists.
    pub exists: Fact<bool>,
    /// Its cpuset, where it exists and the hierarchy has that controller.
    pub cpuset: Option<Cpuset>,
}

/// cgroups as seen from here.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Cgroup {
    /// Version.
    pub version: Fact<CgroupVersion>,
    /// `/proc/self/cgroup`.
    pub memberships: Fact<Vec<Membership>>,
    /// `/proc/1/cgroup`.
    pub pid1_memberships: Fact<Vec<Membership>>,
    /// `/proc/cgroups`.
    pub controllers: Fact<Vec<ControllerRow>>,
    /// Mounts of cgroup filesystems; the topmost of each place.
    pub mounts: Fact<Vec<CgroupMount>>,
    /// Version 2: where a daemon would make its cgroups, which is the root of the mount at
    /// `/sys/fs/cgroup`.
    pub base: Fact<CgroupDirectory>,
    /// Version 2: the cgroup that the doctor is in, if it is visible.
    pub own: Fact<CgroupDirectory>,
    /// Version 2: `user.slice/user-UID.slice/user@UID.service` below `/sys/fs/cgroup` for the doctor's
    /// effective UID, in which systemd lets that user's rootless engines make cgroups; not-found where no
    /// user manager runs.
    pub user_service: Fact<CgroupDirectory>,
    /// Version 1: the directory `kubelet` of each mounted hierarchy, in order of mount point.
    pub kubelet_roots: Fact<Vec<KubeletRoot>>,
    /// Pod cgroups that are visible here.
    pub pod_trees: Fact<PodTrees>,
}

impl Cgroup {
    /// The doctor's path in the unified hierarchy, or in the first one if there is none.
    pub fn own_path(&self) -> Option<&str> {
        let memberships = self.memberships.known()?;
        memberships
            .iter()
            .find(|m| m.hierarchy == Hierarchy::Unified)
            .filter(|_| self.version.known().is_none_or(|v| !v.is_v1()))
            .or_else(|| memberships.iter().find(|m| m.hierarchy.has("memory")))
            .or_else(|| memberships.first())
            .map(|m| m.path.as_str())
    }

    /// The mount of the unified hierarchy at `/sys/fs/cgroup`.
    pub fn unified_mount(&self) -> Option<&CgroupMount> {
        let mounts = self.mounts.known()?;
        mounts
            .iter()
            .find(|m| m.hierarchy == Hierarchy::Unified && m.mount_point == "/sys/fs/cgroup")
    }
}
