//! What probes found out, typed; nothing here judges.
//!
//! A fact that could not be read is [`Fact::Missing`] with its source and the reason, so that a check
//! can say *unknown* and what to grant.

mod cgroup;
mod client;
mod clocks;
mod engine;
mod errno;
mod fact;
mod identity;
mod kernel;
mod leftover;
mod mount;
mod net_sysctl;
mod netfilter;
mod network;
mod pid1;
mod podman;
mod proxy;
mod resolver;
mod resources;
mod runtime;
mod scratch;
mod security;
mod session;
mod storage;
mod text;
mod trials;
mod userns;

pub use cgroup::{
    Cgroup, CgroupChild, CgroupDirectory, CgroupMount, CgroupType, CgroupVersion, ControllerRow,
    Cpuset, Hierarchy, KubeletRoot, Membership, PodTree, PodTrees, Procs,
};
pub use client::{
    CertificateDirectory, Clients, DockerClient, DockerContext, EngineSocket, Kubeconfig,
    SocketKind,
};
pub use clocks::{Clocks, Reading};
pub use engine::{
    DIND_ENTRYPOINT, DaemonConfig, EngineApi, EngineProcess, EngineVersion, Engines,
    JUDGED_DAEMON_KEYS, NamedAlike, NotBelieved, PREPARING_ENTRYPOINTS, Program,
};
pub use fact::{Fact, Missing, Why};
pub use identity::{IdMapping, Identity, Namespace, Namespaces, Tri};
pub use kernel::{Kernel, KernelSetting, Module, ModuleState, NETWORK_MODULES};
pub use leftover::{Leftovers, PidFile, PidFileOwner};
pub use mount::{Mount, MountTable, Propagation};
pub use net_sysctl::{NetSysctls, SettingAtBoot};
pub use netfilter::{
    Extension, ForwardChain, IptablesTool, LegacyTable, Netfilter, NftTable, TableCount,
    ToolFlavour,
};
pub use network::{Address, Link, Network, PathMtu, Route};
pub use pid1::{InitProcess, ProcessRow, Processes, Role, SIGTERM, SignalMasks, Zombie};
pub use podman::PodmanDefaults;
pub use proxy::{EngineProxy, PROXY_VARIABLES, Proxies};
pub use resolver::{NameServer, ResolvConf, Resolver};
pub use resources::{
    CgroupLimits, CpuCgroup, CpuQuota, DefaultUlimit, Inotify, InotifyUse, InotifyUser, KeyUser,
    Memory, MemoryCgroup, PidsCgroup, Resources, Rlimit, ScriptLimit, Swap, TreeCgroup,
};
pub use runtime::{Engine, Launcher, Machine, Runtime, Sandbox};
pub use scratch::{Scratch, ScratchDirectory};
pub use security::{
    Capabilities, Capability, CapabilitySet, Device, DeviceNode, FilteredCalls, Seccomp, Security,
};
pub use session::Session;
pub use storage::{DataRoot, DataRootOwner, Filesystem, ImageStores, SourceDevice, Space, Storage};
pub use text::Text;
pub use trials::{
    Action, CGROUP_NAMESPACE, Download, Ending, EngineLearned, EngineNetwork, IN_USER_NAMESPACE,
    Learned, NETWORK_NAMESPACE, NF_TABLES, PORT_START, PathLearned, Refused, Rehearsed, SeenInside,
    Step, Trial, TrialName, Trials,
};
pub use userns::{MappingProgram, SubordinateIds, SubordinateRange, UserNamespaces};

use serde::{Deserialize, Serialize};

use crate::{outcome::Unknown, version::Versions};

/// Everything that was found out about this environment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Facts {
    /// The doctor's own user, groups, namespaces and id mappings.
    pub identity: Identity,
    /// PID 1 of this PID namespace.
    pub pid1: InitProcess,
    /// Where PID 1 is a pause process: the topmost ancestor of the doctor in its own mount namespace,
    /// which is what the container was started with.
    pub top: Option<InitProcess>,
    /// The processes of this PID namespace.
    pub processes: Processes,
    /// Capabilities of the doctor's own process.
    pub capabilities: Capabilities,
    /// `no_new_privs`, seccomp, LSMs and label, device nodes.
    pub security: Security,
    /// Switches for user namespaces.
    pub userns: UserNamespaces,
    /// Subordinate ids of the doctor's user.
    pub subids: SubordinateIds,
    /// cgroup version, membership, mounts, delegation, pod directories.
    pub cgroup: Cgroup,
    /// The mount table of this mount namespace.
    pub mounts: Fact<MountTable>,
    /// The filesystem under each data root.
    pub storage: Storage,
    /// `/run` and the directory for temporary files, and what an earlier run left there.
    pub scratch: Scratch,
    /// iptables and nftables: kernel, tables, the tool on the PATH.
    pub netfilter: Netfilter,
    /// Links, addresses, routes and MTUs of this network namespace.
    pub network: Network,
    /// Sysctls below `/proc/sys/net`.
    pub net_sysctls: NetSysctls,
    /// Name resolution.
    pub resolver: Resolver,
    /// Proxies of engines that run here.
    pub proxies: Proxies,
    /// Kernel release.
    pub kernel: Kernel,
    /// Limits, and what is in use.
    pub resources: Resources,
    /// Clocks.
    pub clocks: Clocks,
    /// Configuration of engines, and engines that run here.
    pub engines: Engines,
    /// What clients would talk to: sockets, contexts, certificates, the kubeconfig.
    pub clients: Clients,
    /// What lies in `/run`.
    pub leftovers: Leftovers,
    /// The session of the doctor's user.
    #[serde(default)]
    pub session: Session,
    /// What this environment is: container, engine, sandbox, Kubernetes, launcher.
    pub runtime: Runtime,
    /// Versions that are given or read.
    pub versions: Versions,
    /// What was tried; nothing without `--active`.
    pub trials: Trials,
}

impl Facts {
    /// Whether PID 1 is judged by the orphans that it leaves: it is a container's, and it is certain whose PID
    /// namespace this is. Zombies of a machine's init, or of the doctor itself, change no verdict.
    pub fn judges_reaping(&self) -> bool {
        let namespace = &self.identity.namespaces.pid;
        !self.runtime.container.is_no()
            && !self.pid1.is_doctor
            && !namespace.is_known_and(|namespace| namespace.initial == Tri::Yes)
            && (self.runtime.container != Tri::Unknown || namespace.known().is_some())
    }

    /// Whether the doctor runs in a container, or *unknown* with what would tell.
    pub fn in_container(&self) -> Result<bool, Unknown> {
        match self.runtime.container {
            Tri::Yes => Ok(true),
            Tri::No => Ok(false),
            Tri::Unknown => {
                self.identity.namespaces.pid.get()?;
                self.mounts.get()?;
                self.cgroup.memberships.get()?;
                Err(Unknown::new("whether this is a container", Why::NotFound))
            }
        }
    }

    /// Whether this is a pod, or *unknown* with what would tell.
    pub fn in_pod(&self) -> Result<bool, Unknown> {
        match self.runtime.kubernetes {
            Tri::Yes => Ok(true),
            Tri::No => Ok(false),
            Tri::Unknown => {
                self.in_container()?;
                self.mounts.get()?;
                self.cgroup.memberships.get()?;
                self.cgroup.pid1_memberships.get()?;
                Err(Unknown::new("whether this is a pod", Why::NotFound))
            }
        }
    }

    /// What the kernel is instead of plain Linux, or *unknown* with what would tell.
    pub fn sandbox(&self) -> Result<Sandbox, Unknown> {
        if self.runtime.sandbox == Sandbox::Unknown {
            self.kernel.release.told()?;
            self.mounts.told()?;
        }
        Ok(self.runtime.sandbox)
    }

    /// Whether the user namespace is another than the kernel's initial one.
    pub fn in_private_users(&self) -> Result<bool, Unknown> {
        match self.identity.namespaces.user_is_private() {
            Tri::Yes => Ok(true),
            Tri::No => Ok(false),
            Tri::Unknown => {
                self.identity.namespaces.user.get()?;
                self.identity.uid_map.get()?;
                Err(Unknown::new("/proc/self/ns/user", Why::Unsupported))
            }
        }
    }

    /// As [`Fact::told`], for what is root's own: that another user may not look into it is no failure, since it is
    /// not that user who starts what it belongs to.
    pub fn told_of_roots<'a, T>(&self, fact: &'a Fact<T>) -> Result<Option<&'a T>, Unknown> {
        let user = self.identity.euid.is_known_and(|euid| *euid != 0);
        if user && fact.why() == Some(Why::NotPermitted) {
            return Ok(None);
        }
        fact.told()
    }

    /// Whether root runs the doctor.
    pub fn is_root(&self) -> Result<bool, Unknown> {
        Ok(*self.identity.euid.get()? == 0)
    }
}
