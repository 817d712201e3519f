//! What this environment is, in words.

use dind_doctor_checks::{
    facts::{CgroupVersion, Engine, Launcher, Machine, Role, Sandbox, Tri},
    plan::Place,
};

use crate::report::{Environment, Tool};

/// What it is called and what it is, not escaped. Of many missing capabilities only the number, unless
/// everything is asked for.
pub(super) fn lines(environment: &Environment, whole: bool) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("this is", place(environment)),
        ("PID 1", pid1(environment)),
        ("cgroup", cgroup(environment)),
        ("privileged", privileged(environment, whole)),
        ("netfilter", netfilter(environment)),
        ("MTU", mtu(environment)),
    ];
    if let Some(docker) = docker(environment) {
        lines.push(("docker", docker));
    }
    if !environment.versions.is_empty() {
        let each: Vec<_> =
            environment.versions.iter().map(|(c, version)| format!("{c} {version}")).collect();
        lines.push(("versions", each.join(", ")));
    }
    lines
}

fn place(environment: &Environment) -> String {
    let mut parts = Vec::new();
    match (environment.container, environment.engine) {
        (Tri::Yes, Engine::Unknown) => parts.push("a container".to_owned()),
        (Tri::Yes, engine) => parts.push(format!("a container ({})", engine.name())),
        (Tri::No, _) => parts.push("not a container".to_owned()),
        (Tri::Unknown, _) => parts.push("perhaps a container".to_owned()),
    }
    if environment.kubernetes.is_yes() {
        parts.push("a pod".to_owned());
    }
    match environment.launcher {
        Launcher::Gitlab => parts.push("a GitLab CI job".to_owned()),
        Launcher::Github => parts.push("a GitHub Actions job".to_owned()),
        Launcher::Devcontainer => parts.push("a dev container".to_owned()),
        _ => {}
    }
    match environment.sandbox {
        Sandbox::None | Sandbox::Unknown => {}
        sandbox => parts.push(format!("sandbox {}", sandbox.name())),
    }
    match environment.machine {
        Machine::Vm => parts.push("on a VM".to_owned()),
        Machine::Physical => parts.push("on a physical machine".to_owned()),
        Machine::Unknown => {}
    }
    if let Some(kernel) = &environment.kernel {
        parts.push(format!("Linux {kernel}"));
    }
    if let Some(euid) = environment.euid {
        let inside = if environment.user_namespace.is_yes() { " of a user namespace" } else { "" };
        parts.push(format!("uid {euid}{inside}"));
    }
    parts.join(", ")
}

/// Which daemon is meant, where that is not one of this place.
fn docker(environment: &Environment) -> Option<String> {
    let Place::Elsewhere(daemon) = &environment.docker else { return None };
    let how = if daemon.mounted { "a socket mounted from outside" } else { &daemon.configured_by };
    Some(format!("the daemon at {} ({how}): not judged here", daemon.url))
}

fn pid1(environment: &Environment) -> String {
    let pid1 = &environment.pid1;
    let role = match pid1.role {
        Some(Role::Application) | None => "",
        Some(Role::Daemon) => " (an engine)",
        Some(Role::Init) => " (an init)",
        Some(Role::Pause) => " (the pause process of a pod)",
        Some(Role::Shell) => " (a shell)",
        Some(Role::Systemd) => " (systemd)",
    };
    let name = pid1.exe.as_deref().or(pid1.comm.as_deref()).unwrap_or("unknown");
    format!("{name}{role}")
}

fn cgroup(environment: &Environment) -> String {
    let cgroup = &environment.cgroup;
    let version = cgroup.version.map_or("version unknown", |version| match version {
        CgroupVersion::V1 => "v1",
        CgroupVersion::V2 => "v2",
        CgroupVersion::Hybrid => "hybrid (used as v1)",
        CgroupVersion::None => "not mounted",
    });
    let namespace = match cgroup.private {
        Tri::Yes => ", namespace of its own",
        Tri::No => ", namespace of the host",
        Tri::Unknown => "",
    };
    let path = cgroup.path.as_ref().map(|path| format!(", in {path}")).unwrap_or_default();
    format!("{version}{namespace}{path}")
}

/// A container of the engines' defaults misses 27 capabilities; a first look needs their number.
fn privileged(environment: &Environment, whole: bool) -> String {
    let privileged = &environment.privileged;
    let (capabilities, others): (Vec<_>, Vec<_>) =
        privileged.missing.iter().partition(|name| name.starts_with("capability:"));
    let mut missing: Vec<String> = match capabilities.len() {
        n if n > 4 && !whole => vec![format!("{n} capabilities")],
        _ => capabilities.iter().map(|name| name.replacen("capability:", "", 1)).collect(),
    };
    missing.extend(others.into_iter().cloned());
    let is = privileged.is.name();
    if missing.is_empty() {
        is.to_owned()
    } else {
        format!("{is}; missing: {}", missing.join(", "))
    }
}

fn netfilter(environment: &Environment) -> String {
    let tool = match environment.netfilter_tool {
        Tool::Flavour(flavour) => format!("iptables uses {}", flavour.name()),
        Tool::None => "no iptables on the PATH".to_owned(),
        Tool::Unknown => "iptables unknown".to_owned(),
    };
    let legacy = environment.netfilter_legacy.name();
    format!("{tool}; kernel: nft {}, legacy {legacy}", environment.netfilter_nft.name())
}

fn mtu(environment: &Environment) -> String {
    let mtu = &environment.mtu;
    let device = match (&mtu.uplink, mtu.device) {
        (Some(uplink), Some(device)) => format!("{uplink} {device}"),
        _ => "no uplink known".to_owned(),
    };
    mtu.path.map_or_else(|| device.clone(), |path| format!("{device}, path {path}"))
}
