//! What this environment is, in the few words that a report begins with.

use dind_doctor_checks::{
    Privileged,
    facts::{
        CgroupVersion, Engine, Fact, Facts, Launcher, Machine, Role, Sandbox, Text, ToolFlavour,
        Tri,
    },
    missing_privileges,
    plan::{Place, Plans},
    remedy::Surroundings,
    version::Component,
};

/// PID 1.
#[derive(Debug, Clone)]
pub struct Pid1 {
    /// Its name.
    pub comm: Option<String>,
    /// Its executable.
    pub exe: Option<String>,
    /// What kind of program it is; `None` if neither name nor executable is known.
    pub role: Option<Role>,
}

/// Where the doctor is in the cgroup hierarchy.
#[derive(Debug, Clone)]
pub struct CgroupPlace {
    /// Version.
    pub version: Option<CgroupVersion>,
    /// Whether the cgroup namespace is private.
    pub private: Tri,
    /// The doctor's own path as `/proc/self/cgroup` shows it.
    pub path: Option<String>,
}

/// What the `iptables` on the PATH talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// This interface.
    Flavour(ToolFlavour),
    /// There is none.
    None,
    /// Not known.
    Unknown,
}

impl Tool {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flavour(flavour) => flavour.name(),
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }
}

/// MTUs towards the outside, in bytes.
#[derive(Debug, Clone)]
pub struct Mtu {
    /// The link of the default route.
    pub uplink: Option<String>,
    /// MTU of that link.
    pub device: Option<u32>,
    /// Path MTU: of IPv4, else of IPv6.
    pub path: Option<u32>,
}

/// What this environment is.
#[derive(Debug, Clone)]
pub struct Environment {
    /// `uname -r`.
    pub kernel: Option<String>,
    /// VM or metal.
    pub machine: Machine,
    /// Whether it is a container.
    pub container: Tri,
    /// Which engine made it.
    pub engine: Engine,
    /// Whether the kernel is another than plain Linux.
    pub sandbox: Sandbox,
    /// Whether it is a pod.
    pub kubernetes: Tri,
    /// With what it was started, in the words of the first reports.
    pub launcher: Launcher,
    /// What remedies are written for.
    pub surroundings: Surroundings,
    /// Whether the user namespace is another than the initial one.
    pub user_namespace: Tri,
    /// The doctor's effective user.
    pub euid: Option<u32>,
    /// PID 1.
    pub pid1: Pid1,
    /// The doctor's place in the cgroup hierarchy.
    pub cgroup: CgroupPlace,
    /// What of `--privileged` is here.
    pub privileged: Vector,
    /// Whether the kernel serves legacy iptables.
    pub netfilter_legacy: Tri,
    /// Whether the kernel serves nf_tables.
    pub netfilter_nft: Tri,
    /// What the `iptables` on the PATH talks to.
    pub netfilter_tool: Tool,
    /// MTUs.
    pub mtu: Mtu,
    /// Where the daemon is that docker commands reach.
    pub docker: Place,
    /// Versions that are given or read, sorted by component.
    pub versions: Vec<(Component, String)>,
}

/// How privileged the environment is, piece by piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector {
    /// How much.
    pub is: Privileged,
    /// What is missing: `capability:CAP_…`, `seccomp`, `lsm:PROFILE`, `mount:PATH`.
    pub missing: Vec<String>,
}

impl Vector {
    fn of(facts: &Facts) -> Self {
        let (is, missing) = missing_privileges(facts);
        Self { is, missing }
    }
}

impl Environment {
    /// Takes the summary out of the facts.
    pub(super) fn of(facts: &Facts) -> Self {
        let runtime = &facts.runtime;
        let network = &facts.network;
        let text = |fact: &Fact<Text>| fact.known().map(|text| text.as_str().to_owned());
        let comm = text(&facts.pid1.comm);
        let exe = text(&facts.pid1.exe);
        let uplink = network.uplink();
        let path_mtu = network.path_mtu_v4.known().or_else(|| network.path_mtu_v6.known());
        Self {
            kernel: text(&facts.kernel.release),
            machine: runtime.machine,
            container: runtime.container,
            engine: runtime.engine,
            sandbox: runtime.sandbox,
            kubernetes: runtime.kubernetes,
            launcher: runtime.launcher,
            surroundings: Surroundings::of(facts),
            user_namespace: facts.identity.namespaces.user_is_private(),
            euid: facts.identity.euid.known().copied(),
            pid1: Pid1 {
                role: (comm.is_some() || exe.is_some()).then_some(facts.pid1.role),
                comm,
                exe,
            },
            cgroup: CgroupPlace {
                version: facts.cgroup.version.known().copied(),
                private: facts.identity.namespaces.cgroup_is_private(),
                path: facts.cgroup.own_path().map(str::to_owned),
            },
            privileged: Vector::of(facts),
            netfilter_legacy: facts.netfilter.legacy_kernel,
            netfilter_nft: facts.netfilter.nft_kernel,
            netfilter_tool: match facts.netfilter.iptables.known() {
                Some(Some(tool)) => {
                    tool.flavour.known().map_or(Tool::Unknown, |f| Tool::Flavour(*f))
                }
                Some(None) => Tool::None,
                None => Tool::Unknown,
            },
            mtu: Mtu {
                uplink: uplink.map(|link| link.name.as_str().to_owned()),
                device: uplink.map(|link| link.mtu),
                path: path_mtu.map(|path| path.mtu),
            },
            docker: Plans::of(facts).place_of_docker(),
            versions: facts
                .versions
                .iter()
                .map(|(component, known)| (component, known.version.to_string()))
                .collect(),
        }
    }
}
