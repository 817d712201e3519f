//! Engines: their configuration, and those that run here.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{Fact, Text, Why};
use crate::outcome::Unknown;

/// Keys of daemon.json that checks judge, and that are shown: the others may hold secrets.
pub const JUDGED_DAEMON_KEYS: &str = "\
    allow-direct-routing bip bip6 bridge cgroup-parent containerd containerd-namespace \
    containerd-snapshotter data-root debug default-address-pools default-cgroupns-mode \
    default-gateway default-gateway-v6 default-ipc-mode default-network-opts default-runtime \
    default-shm-size default-ulimits dns dns-opts exec-opts exec-root experimental features \
    firewall-backend fixed-cidr fixed-cidr-v6 graph group hosts icc init init-path ip ip-forward \
    ip-forward-no-drop ip-masq ip6tables iptables ipv6 live-restore log-driver log-level \
    max-concurrent-downloads min-api-version mtu no-new-privileges pidfile seccomp-profile \
    selinux-enabled shutdown-timeout storage-driver storage-opts tls tlsverify userland-proxy \
    userns-remap";

/// `/etc/docker/daemon.json` or the file named by `--config-file`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DaemonConfig {
    /// The file.
    pub path: Text,
    /// Its content; `Null` where there is no such file.
    pub content: serde_json::Value,
}

/// An engine that runs in this PID namespace, not in one below it, and that root of this user namespace or the
/// doctor's own user runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineProcess {
    /// `dockerd`, `containerd`, `kubelet`, `buildkitd`, `podman`, `crio`, `rootlesskit`, …
    pub name: Text,
    /// PID.
    pub pid: u32,
    /// Arguments, the program first.
    pub arguments: Fact<Vec<Text>>,
    /// Whether it is in the doctor's mount namespace; `None` if that could not be read.
    pub same_mount_namespace: Option<bool>,
}

impl EngineProcess {
    /// The value of `--name VALUE` or `--name=VALUE`; `Some("")` for a flag without a value. The last
    /// one wins.
    pub fn flag(&self, name: &str) -> Option<String> {
        let arguments = self.arguments.known()?;
        arguments.iter().enumerate().rev().find_map(|(at, argument)| {
            let rest = argument.strip_prefix("--")?.strip_prefix(name)?;
            if let Some(value) = rest.strip_prefix('=') {
                return Some(value.into());
            }
            let next = arguments.get(at + 1).filter(|next| !next.starts_with('-'));
            rest.is_empty().then(|| next.map_or_else(String::new, |next| next.as_str().into()))
        })
    }
}

/// A process by the name of an engine that is not believed to be one: anybody can call a process so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedAlike {
    /// The engine whose name it has.
    pub name: Text,
    /// PID.
    pub pid: u32,
    /// Why it is not believed.
    pub because: NotBelieved,
}

/// Why a process by the name of an engine is not believed to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotBelieved {
    /// This user runs it (one of its four ids), who is neither root nor the doctor's own user.
    RunBy(u32),
    /// Its program is set-user-ID or has capabilities: root's, but named and told by whoever executed it.
    SetUserId,
    /// It is in a PID namespace of its own: another container's engine, which is told there what it is to do.
    Contained,
}

/// What an engine says of itself: `GET /version` of the Engine API, which podman answers too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EngineVersion {
    /// `Version`.
    pub version: Text,
    /// `ApiVersion`, the newest that it speaks: `1.51`; empty if it does not say.
    pub api_version: Text,
    /// `MinAPIVersion`, the oldest that it takes; empty if it does not say.
    pub minimum_api_version: Text,
    /// `Components`: containerd and runc with their versions.
    pub components: Vec<(Text, Text)>,
}

/// The API of an engine that runs here and holds its socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineApi {
    /// `dockerd` or `podman`.
    pub name: Text,
    /// Its PID.
    pub pid: u32,
    /// The socket.
    pub socket: Text,
    /// What it answers.
    pub answer: Fact<EngineVersion>,
}

/// A program that an engine executes, or one that shows that an engine is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its name.
    pub name: Text,
    /// The first on the PATH, or where its engine looks besides; `None` if there is none.
    pub path: Fact<Option<Text>>,
}

/// Configuration of engines, and engines that run here.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Engines {
    /// dockerd's configuration file.
    pub daemon_json: Fact<DaemonConfig>,
    /// More follows its first value: before Docker 23 that is not read, and since then the file is refused.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub daemon_json_goes_on: bool,
    /// The command line of systemd's docker.service, where systemd runs and there is a daemon.json with keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Fact<Vec<Text>>>,
    /// Engines that run here, sorted by PID; missing if not all processes could be looked at.
    pub running: Fact<Vec<EngineProcess>>,
    /// Processes of others that have an engine's name. Nothing of theirs was read; the first 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named_alike: Vec<NamedAlike>,
    /// Their APIs, as far as nothing is started by asking.
    pub apis: Vec<EngineApi>,
    /// The first `dockerd` on the PATH; `None` if there is none, so that a daemon would come with an
    /// image of its own.
    pub dockerd: Fact<Option<Text>>,
    /// Programs that engines execute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<Program>,
    /// Entrypoints on this filesystem that prepare cgroup v2 nesting before they start an engine, from
    /// [`PREPARING_ENTRYPOINTS`].
    pub preparing_entrypoints: Fact<Vec<Text>>,
}

/// Entrypoints that are known to move processes into a leaf and to enable controllers: docker:dind,
/// moby's `hack/dind`, kind's node image, k3d.
pub const PREPARING_ENTRYPOINTS: [&str; 5] = [
    "/usr/local/bin/dockerd-entrypoint.sh",
    "/usr/local/bin/dind",
    "/usr/local/bin/entrypoint",
    "/usr/local/bin/create-kubelet-cgroup-v2.sh",
    "/bin/k3d-entrypoint.sh",
];

/// The entrypoint of docker:dind.
pub const DIND_ENTRYPOINT: &str = PREPARING_ENTRYPOINTS[0];

impl Engines {
    /// Whether docker:dind's entrypoint is here, so that it starts the daemon.
    pub fn is_dind(&self) -> bool {
        self.preparing_entrypoints
            .is_known_and(|entrypoints| entrypoints.iter().any(|path| *path == DIND_ENTRYPOINT))
    }

    /// *Unknown* where what dockerd is told could not be read: which engines run, their arguments, or
    /// daemon.json. What then is not known to be set may be set.
    pub fn told(&self) -> Result<(), Unknown> {
        self.seen()?;
        for engine in self.named("dockerd") {
            engine.arguments.told()?;
        }
        self.daemon_json.told().map(|_| ())
    }

    /// *Unknown* where which engines run could not be seen. That there is no list is no empty list, but an older
    /// recording has none.
    pub fn seen(&self) -> Result<(), Unknown> {
        match &self.running {
            Fact::Missing(missing) if !matches!(missing.why, Why::NotRecorded | Why::Redacted) => {
                Err(missing.clone().into())
            }
            _ => Ok(()),
        }
    }

    /// The running engines of this name.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a EngineProcess> {
        self.running.known().into_iter().flatten().filter(move |e| e.name == name)
    }

    /// The running engines of this name whose arguments name paths that are the doctor's too: those in
    /// its mount namespace, and those of which that could not be read.
    pub fn here<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a EngineProcess> {
        self.named(name).filter(|engine| engine.same_mount_namespace != Some(false))
    }

    /// What the engine answers at this socket. `/var/run` is a link to `/run` everywhere.
    pub fn answer_at(&self, socket: &str) -> Option<&EngineVersion> {
        fn plain(path: &str) -> &str {
            path.strip_prefix("/var").filter(|rest| rest.starts_with("/run/")).unwrap_or(path)
        }
        self.apis.iter().find(|api| plain(&api.socket) == plain(socket))?.answer.known()
    }

    /// Where the program of this name is; nothing if there is none, or it was not looked for; *unknown* where the
    /// search failed.
    pub fn program(&self, name: &str) -> Result<Option<&Text>, Unknown> {
        let program = self.programs.iter().find(|program| program.name == name);
        program.map_or(Ok(None), |program| Ok(program.path.told()?.and_then(Option::as_ref)))
    }

    /// Whether it is certain that there is no program of this name.
    pub fn lacks(&self, name: &str) -> bool {
        let mut programs = self.programs.iter().filter(|program| program.name == name);
        programs.any(|program| program.path == Fact::Known(None))
    }

    /// A value of daemon.json by its path of keys.
    pub fn configured(&self, keys: &[&str]) -> Option<&serde_json::Value> {
        let config = self.daemon_json.known()?;
        keys.iter().try_fold(&config.content, |value, key| value.get(key))
    }
}
