//! Limits, and what is in use where the kernel tells it.

use alloc::{format, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{Fact, PodmanDefaults, Text};

/// Number of tasks in one cgroup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PidsCgroup {
    /// The directory.
    pub path: Text,
    /// `pids.max`, in tasks (threads count); `None` for `max`. Not-found in the root and where the
    /// controller is not enabled.
    pub max: Fact<Option<u64>>,
    /// `pids.current`, in tasks.
    pub current: Fact<u64>,
    /// `max` of `pids.events`: how often a fork was refused.
    pub refused: Fact<u64>,
}

/// Memory of one cgroup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryCgroup {
    /// The directory.
    pub path: Text,
    /// `memory.max` or `memory.limit_in_bytes`, in bytes; `None` for no limit.
    pub max: Fact<Option<u64>>,
    /// `memory.high`, in bytes; `None` for no limit. Version 2 only.
    pub high: Fact<Option<u64>>,
    /// Version 1: `hierarchical_memory_limit` of `memory.stat`, in bytes: the least limit of this cgroup
    /// and all above it, visible or not; `None` for no limit.
    pub inherited: Fact<Option<u64>>,
    /// `oom_kill` of `memory.events` or `memory.oom_control`: processes killed since it was made.
    pub oom_kills: Fact<u64>,
}

/// A share of CPU time per period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuQuota {
    /// Microseconds that may be used in a period, summed over all CPUs.
    pub quota: u64,
    /// Length of a period in microseconds.
    pub period: u64,
}

impl CpuQuota {
    /// Thousandths of a CPU, as Kubernetes writes `1500m`.
    pub fn millicpus(self) -> u64 {
        self.quota.saturating_mul(1000).checked_div(self.period).unwrap_or(u64::MAX)
    }
}

/// CPU time of one cgroup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuCgroup {
    /// The directory.
    pub path: Text,
    /// `cpu.max`, or `cpu.cfs_quota_us` and `cpu.cfs_period_us`; `None` for no quota.
    pub quota: Fact<Option<CpuQuota>>,
    /// `nr_periods` of `cpu.stat`: periods in which something ran.
    pub periods: Fact<u64>,
    /// `nr_throttled` of `cpu.stat`: periods in which the quota was used up.
    pub throttled: Fact<u64>,
}

/// How many cgroups are below one; version 2 only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeCgroup {
    /// The directory.
    pub path: Text,
    /// `nr_descendants` of `cgroup.stat`.
    pub descendants: Fact<u64>,
    /// `nr_dying_descendants` of `cgroup.stat`: removed, but something still refers to them.
    pub dying: Fact<u64>,
    /// `cgroup.max.descendants`; `None` for `max`.
    pub max: Fact<Option<u64>>,
}

/// The doctor's cgroup and its visible ancestors, itself first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CgroupLimits {
    /// Tasks.
    pub pids: Fact<Vec<PidsCgroup>>,
    /// Memory.
    pub memory: Fact<Vec<MemoryCgroup>>,
    /// CPU time.
    pub cpu: Fact<Vec<CpuCgroup>>,
    /// Cgroups below; not-found on version 1.
    pub tree: Fact<Vec<TreeCgroup>>,
}

/// inotify instances of one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InotifyUser {
    /// User id, as seen by the doctor.
    pub uid: u32,
    /// Open instances; one that several processes inherited counts for each.
    pub instances: u32,
}

/// Open inotify instances, counted by the links in `/proc/PID/fd`. Only the doctor's PID namespace is
/// seen, so that the number is a lower bound in a container.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InotifyUse {
    /// By user, sorted by id: of root, and of the user that the doctor runs as. Nobody else's are looked at.
    pub users: Vec<InotifyUser>,
    /// Processes of these users whose descriptors could not be read.
    pub unreadable: u32,
    /// Whether the walk met its bound.
    pub truncated: bool,
}

impl InotifyUse {
    /// The instances that this user was seen to have.
    pub fn of(&self, uid: u32) -> u32 {
        self.users.iter().find(|user| user.uid == uid).map_or(0, |user| user.instances)
    }
}

/// Limits of inotify per user.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Inotify {
    /// `/proc/sys/fs/inotify/max_user_instances`: those of the initial user namespace, in every namespace.
    pub instances: Fact<u64>,
    /// `/proc/sys/fs/inotify/max_user_watches`.
    pub watches: Fact<u64>,
    /// `/proc/sys/user/max_inotify_instances`: those of the doctor's user namespace; the kernel counts
    /// against every namespace up to the initial one.
    pub namespace_instances: Fact<u64>,
    /// `/proc/sys/user/max_inotify_watches`.
    pub namespace_watches: Fact<u64>,
    /// What is open.
    pub in_use: Fact<InotifyUse>,
}

/// A limit of open files that a script sets (`ulimit -n`, `ulimit -Hn`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptLimit {
    /// The number.
    pub files: u64,
    /// Whether only the hard limit is set.
    pub hard_only: bool,
}

/// A resource limit (`getrlimit(2)`); `None` for unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rlimit {
    /// What is enforced.
    pub soft: Option<u64>,
    /// How far the process may raise it.
    pub hard: Option<u64>,
}

/// A line of `/proc/key-users`: what a user's keyrings take of its quota (`keyrings(7)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUser {
    /// User id, as seen by the doctor.
    pub uid: u32,
    /// Keys.
    pub keys: u64,
    /// Keys at most.
    pub max_keys: u64,
    /// Bytes of payload.
    pub bytes: u64,
    /// Bytes at most.
    pub max_bytes: u64,
}

/// Memory of the machine, or of what stands in for it in a container with lxcfs; in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// `MemTotal` of `/proc/meminfo`.
    pub total: u64,
    /// `MemAvailable`; `None` where the kernel does not say.
    pub available: Option<u64>,
    /// `CommitLimit`: what may be reserved where `vm.overcommit_memory` is 2.
    #[serde(default)]
    pub commit_limit: Option<u64>,
    /// `Committed_AS`: what is reserved.
    #[serde(default)]
    pub committed: Option<u64>,
}

/// A line of `/proc/swaps`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap {
    /// File or partition, as the kernel escapes it.
    pub name: Text,
    /// KiB.
    pub size: u64,
}

/// A limit that an engine sets for the containers that it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultUlimit {
    /// `nofile`, `nproc`, …
    pub name: Text,
    /// The hard limit; `None` for unlimited.
    pub hard: Option<u64>,
    /// The file that says so.
    pub source: Text,
}

impl DefaultUlimit {
    /// `nofile=1048576`, as the object of a step.
    pub fn text(name: &str, hard: Option<u64>) -> String {
        hard.map_or_else(|| format!("{name}=unlimited"), |hard| format!("{name}={hard}"))
    }
}

/// Limits of this environment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Resources {
    /// Along the cgroup's visible ancestors.
    pub cgroup: CgroupLimits,
    /// inotify.
    pub inotify: Inotify,
    /// `Max open files` of `/proc/self/limits`.
    pub open_files: Fact<Rlimit>,
    /// The same of a containerd that runs here, whose hard limit its containers inherit; `None` if none does.
    pub containerd_open_files: Option<Fact<Rlimit>>,
    /// What Docker's init script sets for open files before it starts dockerd; `None` if there is no such script, or it
    /// sets nothing.
    #[serde(default)]
    pub init_script: Fact<Option<ScriptLimit>>,
    /// `Max processes` of `/proc/self/limits`.
    pub processes: Fact<Rlimit>,
    /// `/proc/sys/kernel/pid_max`: process ids; of the PID namespace since Linux 6.14.
    pub pid_max: Fact<u64>,
    /// `/proc/sys/kernel/threads-max`: tasks, host-wide.
    pub threads_max: Fact<u64>,
    /// Quotas of keyrings, sorted by user.
    pub key_users: Fact<Vec<KeyUser>>,
    /// Memory.
    pub memory: Fact<Memory>,
    /// CPUs on which the doctor may run: `Cpus_allowed_list` of `/proc/self/status`, cpusets included.
    pub cpus: Fact<u32>,
    /// Active swap, host-wide.
    pub swaps: Fact<Vec<Swap>>,
    /// `default_ulimits` of podman's `containers.conf`, of the user's before the system's; empty where no
    /// file sets it.
    pub podman_ulimits: Fact<Vec<DefaultUlimit>>,
    /// What else podman gives containers by default.
    #[serde(default)]
    pub podman_defaults: Fact<PodmanDefaults>,
}
