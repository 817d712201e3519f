//! The kinds of change.

use alloc::{string::String, vec::Vec};

use super::{Snippet, Task};
use crate::facts::Capability;

/// What is changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Nothing that a command or a snippet could carry.
    Advice,
    /// Commands to paste.
    Commands(Vec<String>),
    /// Steps by what they set, in their order.
    Tasks(Vec<Task>),
    /// How the container is launched.
    Container(Vec<ContainerSetting>),
    /// Options of dockerd.
    Daemon(Vec<DaemonOption>),
    /// A part of kind's cluster configuration.
    KindConfig(serde_json::Value),
    /// A part of podman's `containers.conf`.
    ContainersConf(serde_json::Value),
    /// A piece of a file.
    File(Snippet),
}

impl Change {
    /// The commands that carry it out whatever has launched this; none where it is no matter of commands.
    pub fn commands(&self) -> Vec<String> {
        match self {
            Self::Commands(commands) => commands.clone(),
            Self::Tasks(tasks) => tasks.iter().flat_map(Task::commands).collect(),
            _ => Vec::new(),
        }
    }
}

/// One setting of how a container is launched.
#[derive(Debug, Clone, PartialEq)]
pub enum ContainerSetting {
    /// `--privileged`.
    Privileged,
    /// `--cap-add`.
    CapAdd(Capability),
    /// `--security-opt`.
    SecurityOption(SecurityOption),
    /// A cgroup namespace of its own: `--cgroupns=private`. Kubernetes has no such field.
    PrivateCgroupNamespace,
    /// A volume on the node's disk, mounted at this path.
    Volume(String),
    /// A tmpfs at this path.
    Tmpfs(String),
    /// A device of the host.
    Device(String),
    /// A minimal init as PID 1: `--init`. In a pod, `shareProcessNamespace` makes the pause process reap.
    Init,
    /// No init in front of the image's own: `--init=false`.
    NoInit,
    /// Each container has its own PID namespace: no `shareProcessNamespace`, no `--pid=host`.
    OwnPidNamespace,
    /// An environment variable.
    Variable(String, String),
    /// As many processes as the host has room for: `--pids-limit=-1`.
    UnlimitedPids,
    /// Memory in GiB.
    Memory(u32),
    /// So many CPUs.
    Cpus(u32),
    /// Soft and hard limit of a resource, by the name that `docker run --ulimit` has for it.
    Ulimit {
        /// `nofile`, `nproc`, …
        name: String,
        /// The soft limit; -1 for none.
        soft: i64,
        /// The hard limit; -1 for none.
        hard: i64,
    },
    /// A sysctl of the container's own namespaces.
    Sysctl(String, String),
    /// The signal by which the container is asked to stop.
    StopSignal(String),
    /// A supplementary group of the container's user.
    Group(u32),
}

/// What `--security-opt` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityOption {
    /// No seccomp filter.
    SeccompUnconfined,
    /// No AppArmor profile.
    AppArmorUnconfined,
    /// No SELinux confinement.
    LabelDisable,
    /// No masked and read-only paths in `/proc` and `/sys`.
    SystemPathsUnconfined,
    /// A writable `/sys/fs/cgroup` without privilege (Docker 28, containerd 2.1).
    WritableCgroups,
}

/// One option of dockerd.
#[derive(Debug, Clone, PartialEq)]
pub struct DaemonOption {
    /// The argument, not yet quoted: `--mtu=1400`.
    pub argument: String,
    /// Where it is in daemon.json.
    pub keys: Vec<&'static str>,
    /// Its value in daemon.json.
    pub value: serde_json::Value,
}

impl DaemonOption {
    /// MTU of the default bridge.
    pub fn mtu(mtu: u32) -> Self {
        Self {
            argument: alloc::format!("--mtu={mtu}"),
            keys: alloc::vec!["mtu"],
            value: mtu.into(),
        }
    }

    /// MTU of user-defined networks (Docker 24 and later).
    pub fn user_network_mtu(mtu: u32) -> Self {
        Self {
            argument: alloc::format!(
                "--default-network-opt=bridge=com.docker.network.driver.mtu={mtu}"
            ),
            keys: alloc::vec!["default-network-opts", "bridge", "com.docker.network.driver.mtu"],
            value: alloc::format!("{mtu}").into(),
        }
    }

    /// The cgroup below which containers are put.
    pub fn cgroup_parent(path: &str) -> Self {
        Self {
            argument: alloc::format!("--cgroup-parent={path}"),
            keys: alloc::vec!["cgroup-parent"],
            value: path.into(),
        }
    }

    /// The storage driver.
    pub fn storage_driver(name: &str) -> Self {
        Self {
            argument: alloc::format!("--storage-driver={name}"),
            keys: alloc::vec!["storage-driver"],
            value: name.into(),
        }
    }

    /// Whether dockerd makes rules for IPv4.
    pub fn iptables(on: bool) -> Self {
        Self {
            argument: alloc::format!("--iptables={on}"),
            keys: alloc::vec!["iptables"],
            value: on.into(),
        }
    }

    /// Whether dockerd makes rules for IPv6.
    pub fn ip6tables(on: bool) -> Self {
        Self {
            argument: alloc::format!("--ip6tables={on}"),
            keys: alloc::vec!["ip6tables"],
            value: on.into(),
        }
    }

    /// Name servers of containers.
    pub fn dns(server: &str) -> Self {
        Self {
            argument: alloc::format!("--dns={server}"),
            keys: alloc::vec!["dns"],
            value: alloc::vec![server].into(),
        }
    }

    /// Address and subnet of the default bridge: `10.200.0.1/24`.
    pub fn bip(address: &str) -> Self {
        Self {
            argument: alloc::format!("--bip={address}"),
            keys: alloc::vec!["bip"],
            value: address.into(),
        }
    }

    /// The pool of which networks get subnets with prefixes of `size`.
    pub fn default_address_pool(base: &str, size: u8) -> Self {
        Self {
            argument: alloc::format!("--default-address-pool=base={base},size={size}"),
            keys: alloc::vec!["default-address-pools"],
            value: serde_json::json!([{"base": base, "size": size}]),
        }
    }

    /// Soft and hard limit of open files of containers that do not set their own.
    pub fn default_nofile(soft: u64, hard: u64) -> Self {
        Self {
            argument: alloc::format!("--default-ulimit=nofile={soft}:{hard}"),
            keys: alloc::vec!["default-ulimits", "nofile"],
            value: serde_json::json!({"Name": "nofile", "Soft": soft, "Hard": hard}),
        }
    }

    /// Firewall backend of Docker 29 and later.
    pub fn firewall_backend(name: &str) -> Self {
        Self {
            argument: alloc::format!("--firewall-backend={name}"),
            keys: alloc::vec!["firewall-backend"],
            value: name.into(),
        }
    }
}
