//! What each engine executes.

use alloc::{vec, vec::Vec};

use crate::{
    facts::Facts,
    outcome::Unknown,
    plan::{Plan, Provider, User},
    target::{Severity, Target},
    version::{Component, KnownVersion, Origin},
};

/// Something that an engine executes.
pub(super) struct Need {
    /// Any of these will do.
    pub(super) names: &'static [&'static str],
    /// How bad it is that there is none.
    pub(super) severity: Severity,
    /// What happens.
    pub(super) consequence: &'static str,
    /// Debian's package.
    pub(super) package: &'static str,
    /// The same of others.
    pub(super) elsewhere: &'static str,
    /// The version on which it rests.
    pub(super) version: Option<(Component, KnownVersion)>,
    /// Whether most do without: where it is not known whether it is here, nothing is said.
    optional: bool,
}

impl Need {
    const fn new(
        names: &'static [&'static str],
        consequence: &'static str,
        package: &'static str,
        elsewhere: &'static str,
    ) -> Self {
        Self {
            names,
            severity: Severity::Error,
            consequence,
            package,
            elsewhere,
            version: None,
            optional: false,
        }
    }

    fn at_most(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    fn because_of(mut self, component: Component, version: &KnownVersion) -> Self {
        self.version = Some((component, version.clone()));
        self
    }

    /// Whether it is certain that none of them is here.
    pub(super) fn is_missing(&self, facts: &Facts) -> Result<bool, Unknown> {
        for name in self.names {
            match facts.engines.program(name) {
                Ok(None) => {}
                Ok(Some(_)) => return Ok(false),
                Err(_) if self.optional => return Ok(false),
                Err(unknown) => return Err(unknown),
            }
        }
        Ok(self.names.iter().all(|name| facts.engines.lacks(name)))
    }
}

/// Which engine it is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    Docker,
    RootlessDocker,
    Podman,
    Buildkit,
}

impl Engine {
    /// Rootless engines are Docker where rootlesskit is, and podman elsewhere.
    fn of(facts: &Facts, plan: &Plan) -> Option<Self> {
        let podman = plan.target == Target::Podman || plan.provider == Some(Provider::Podman);
        let rootlesskit = matches!(facts.engines.program("rootlesskit"), Ok(Some(_)));
        match plan.target {
            _ if podman => Some(Self::Podman),
            Target::Dockerd | Target::Docker | Target::Kind => Some(Self::Docker),
            Target::Rootless if rootlesskit => Some(Self::RootlessDocker),
            Target::Rootless => Some(Self::Podman),
            Target::Buildkit => Some(Self::Buildkit),
            Target::Systemd | Target::Podman | Target::Sandbox => None,
        }
    }
}

/// Whether the engine of this plan is installed here. *Unknown* too where what it is told could not be read: it may be
/// told to do without.
pub(super) fn is_installed(facts: &Facts, plan: &Plan) -> Result<bool, Unknown> {
    let engines = &facts.engines;
    match Engine::of(facts, plan) {
        Some(Engine::Docker | Engine::RootlessDocker) => {
            engines.told()?;
            let runs = engines.here("dockerd").next().is_some();
            Ok(runs || engines.dockerd.told()?.and_then(Option::as_ref).is_some())
        }
        Some(Engine::Podman) => {
            let packaged = matches!(facts.versions.of(Component::Podman).origin, Origin::Read(_));
            Ok(packaged || engines.program("podman")?.is_some())
        }
        Some(Engine::Buildkit) => Ok(engines.program("buildkitd")?.is_some()),
        None => Ok(false),
    }
}

/// What the engine of this plan executes.
pub(super) fn of(facts: &Facts, plan: &Plan) -> Vec<Need> {
    match Engine::of(facts, plan) {
        Some(Engine::Docker) => dockers(facts),
        Some(Engine::RootlessDocker) => rootless_dockers(facts),
        Some(Engine::Podman) => podmans(facts, plan.user),
        Some(Engine::Buildkit) => buildkits(plan.user),
        None => Vec::new(),
    }
}

const IN_CONTAINERD_IO: &str = "Docker's packages have runc and containerd in containerd.io";
const EVERYWHERE: &str = "other distributions have the same names";

fn dockers(facts: &Facts) -> Vec<Need> {
    let engines = &facts.engines;
    let mut needs = Vec::new();
    let other_runtime = engines.configured(&["default-runtime"]).is_some()
        || engines.configured(&["runtimes"]).is_some()
        || engines.named("dockerd").any(|daemon| daemon.flag("default-runtime").is_some());
    if !other_runtime {
        needs.push(Need::new(&["runc"], "no container starts", "runc", IN_CONTAINERD_IO));
    }
    let shim = &["containerd-shim-runc-v2"];
    needs.push(Need::new(shim, "no container starts", "containerd", IN_CONTAINERD_IO));
    let told = engines.configured(&["init-path"]).is_some();
    if !told {
        let need = Need::new(
            &["docker-init"],
            "docker run --init fails",
            "docker.io",
            "Docker's packages have docker-init in docker-ce; a snap that lacks it has a newer revision",
        );
        needs.push(need.at_most(Severity::Warning).optional());
    }
    if engines.here("dockerd").next().is_none() {
        needs.extend(to_start(facts));
    }
    needs
}

/// What dockerd looks for when it starts.
fn to_start(facts: &Facts) -> Vec<Need> {
    let engines = &facts.engines;
    let mut needs = Vec::new();
    let elsewhere = engines.named("containerd").next().is_some()
        || engines.configured(&["containerd"]).is_some();
    if !elsewhere {
        needs.push(Need::new(&["containerd"], "it does not start", "containerd", IN_CONTAINERD_IO));
    }
    let off = engines.configured(&["userland-proxy"]).and_then(serde_json::Value::as_bool)
        == Some(false)
        || engines.configured(&["userland-proxy-path"]).is_some();
    if !off {
        // Looked for at start since moby pull request 47000.
        let docker = facts.versions.of(Component::Docker);
        let (severity, consequence) = if docker.version.at_least(26, 1) {
            (Severity::Error, "it does not start with userland-proxy on, the default")
        } else {
            (Severity::Warning, "containers with published ports do not start")
        };
        let need = Need::new(
            &["docker-proxy"],
            consequence,
            "docker.io",
            "Docker's packages have docker-proxy in docker-ce",
        );
        needs.push(need.at_most(severity).because_of(Component::Docker, &docker));
    }
    needs
}

fn rootless_dockers(facts: &Facts) -> Vec<Need> {
    // What runs has found what it needs.
    if facts.engines.named("rootlesskit").next().is_some() {
        return Vec::new();
    }
    let docker = facts.versions.of(Component::Docker);
    let mut needs =
        vec![Need::new(&["runc", "crun"], "no container starts", "runc", IN_CONTAINERD_IO)];
    if !docker.version.at_least(29, 5) {
        let need = Need::new(
            &["slirp4netns", "vpnkit", "pasta"],
            "dockerd-rootless.sh does not start without one of them",
            "slirp4netns",
            EVERYWHERE,
        );
        needs.push(need.because_of(Component::Docker, &docker));
    }
    needs
}

fn podmans(facts: &Facts, user: User) -> Vec<Need> {
    let podman = facts.versions.of(Component::Podman);
    let mut needs = vec![
        Need::new(&["crun", "runc"], "no container starts", "crun", EVERYWHERE),
        Need::new(&["conmon"], "no container starts", "conmon", EVERYWHERE),
    ];
    let need = match (user, podman.version.at_least(5, 0)) {
        (User::Ordinary, true) => Need::new(
            &["pasta"],
            "no container gets a network, since podman 5 takes pasta for users",
            "passt",
            "pasta is in passt everywhere",
        ),
        (User::Ordinary, false) => {
            let consequence = "no container gets a network";
            Need::new(&["slirp4netns"], consequence, "slirp4netns", EVERYWHERE)
        }
        (User::Root, true) => Need::new(
            &["netavark"],
            "no container gets a network, since podman 5 has no other",
            "netavark",
            EVERYWHERE,
        ),
        // CNI will do, too.
        (User::Root, false) | (User::Unknown, _) => return needs,
    };
    needs.push(need.because_of(Component::Podman, &podman));
    if user == User::Root {
        let consequence = "containers of a network do not find each other by name";
        let need = Need::new(&["aardvark-dns"], consequence, "aardvark-dns", EVERYWHERE);
        needs.push(need.at_most(Severity::Info));
    }
    needs
}

fn buildkits(user: User) -> Vec<Need> {
    let mut needs = vec![Need::new(
        &["buildkit-runc", "runc"],
        "no RUN of a build starts",
        "runc",
        "BuildKit's own archive has runc as buildkit-runc",
    )];
    if user == User::Ordinary {
        needs.push(Need::new(
            &["rootlesskit"],
            "a user starts it under rootlesskit",
            "rootlesskit",
            "Docker's packages have rootlesskit in docker-ce-rootless-extras",
        ));
    }
    needs
}
