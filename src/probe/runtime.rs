//! What this environment is: container, engine, sandbox, Kubernetes, launcher, machine.

use dind_doctor_checks::{
    facts::{Engine, Fact, Facts, Launcher, Machine, Mount, Runtime, Sandbox, Text, Tri},
    outcome::Evidence,
};

use super::Reader;
use crate::source::ask;

mod lxc;

/// Variables of the doctor's own environment that checks judge. No others are read.
const VARIABLES: [&str; 36] = [
    "BUILDKITD_FLAGS",
    "BUILDKIT_HOST",
    "CI",
    "CODESPACES",
    "DEVCONTAINER",
    "DOCKER_ALLOW_IPV6_ON_IPV4_INTERFACE",
    "DOCKER_BUILDKIT",
    "DOCKER_CERT_PATH",
    "DOCKER_CONTEXT",
    "DOCKER_DRIVER",
    "DOCKER_HOST",
    "DOCKER_IPTABLES_LEGACY",
    "DOCKER_TLS_CERTDIR",
    "DOCKER_TLS_VERIFY",
    "DOCKER_VERSION",
    "DOCKERD_ROOTLESS_ROOTLESSKIT_MTU",
    "DOCKERD_ROOTLESS_ROOTLESSKIT_NET",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "KIND_EXPERIMENTAL_PROVIDER",
    "KUBERNETES_PORT",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "NO_PROXY",
    "REMOTE_CONTAINERS",
    "RUNNER_ENVIRONMENT",
    "TINI_SUBREAPER",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XTABLES_LOCKFILE",
    "container",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

pub(super) fn probe(reader: &Reader, facts: &Facts) -> Runtime {
    let variables = reader.variables(None, &VARIABLES);
    let pairs = |v: std::collections::BTreeMap<String, String>| {
        v.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    };
    let mut runtime = Runtime { variables: variables.map(pairs).into(), ..Runtime::default() };
    runtime.sandbox = sandbox(reader, facts, &mut runtime.evidence);
    let mut traces = traces(reader, facts);
    if in_crio_pod(facts) {
        // podman and CRI-O share a storage library, and leave the same mounts.
        for (engine, _) in traces.iter_mut().filter(|(engine, _)| *engine == Engine::Podman) {
            *engine = Engine::CriO;
        }
    }
    runtime.container = container(facts, &traces);
    runtime.engine = match runtime.container {
        Tri::No => Engine::None,
        _ => traces
            .iter()
            .map(|(engine, _)| *engine)
            .find(|e| *e != Engine::Unknown)
            .unwrap_or_default(),
    };
    if !runtime.container.is_no() {
        runtime.evidence.extend(traces.into_iter().map(|(_, evidence)| evidence));
    }
    runtime.kubernetes = kubernetes(facts, &runtime);
    runtime.launcher = launcher(&runtime);
    let system = lxc::manager(reader, facts, &runtime);
    runtime.launchers = launchers(&runtime, system);
    runtime.name = name(reader, facts, &runtime);
    runtime.machine = machine(reader);
    runtime
}

type Trace = (Engine, Evidence);

fn evidence(source: impl Into<String>, value: impl Into<String>) -> Evidence {
    Evidence::new(source.into(), value)
}

/// Signs of an engine, the surest first. Files like `/.dockerenv` come last: they stay behind where an
/// image became a VM.
fn traces(reader: &Reader, facts: &Facts) -> Vec<Trace> {
    let mut traces = Vec::new();
    let rows = facts.mounts.known().map(|table| table.rows.as_slice()).unwrap_or_default();
    traces.extend(rows.iter().filter_map(from_mount));
    for (file, memberships) in [
        ("/proc/self/cgroup", &facts.cgroup.memberships),
        ("/proc/1/cgroup", &facts.cgroup.pid1_memberships),
    ] {
        let mut paths = memberships.known().into_iter().flatten();
        let named = paths.find_map(|m| Some((engine_in_cgroup(&m.path)?, m)));
        traces.extend(named.map(|(engine, m)| (engine, evidence(file, m.path.as_str()))));
    }
    let declared = facts.pid1.container_variable.known().and_then(Option::as_ref).map(Text::as_str);
    if let Some(value) = declared {
        let value_of = evidence("/proc/1/environ", format!("container={value}"));
        traces.push((engine_named(value), value_of));
    }
    for (path, engine) in [
        ("/run/systemd/container", Engine::Unknown),
        ("/run/.containerenv", Engine::Podman),
        ("/.dockerenv", Engine::Docker),
    ] {
        if reader.stat(path).is_ok() {
            let name = (engine == Engine::Unknown)
                .then(|| reader.text(path).ok())
                .flatten()
                .map_or(engine, |text| engine_named(&text));
            traces.push((name, evidence(path, "exists")));
        }
    }
    traces
}

/// Engines leave their directories in the table: as the upper directory of the root, and as the source of
/// the files that they mount over `/etc`.
fn from_mount(mount: &Mount) -> Option<Trace> {
    let place = match mount.mount_point.as_str() {
        "/" => mount.super_option("upperdir").or_else(|| mount.super_option("lowerdir"))?,
        "/etc/hosts" | "/etc/hostname" | "/etc/resolv.conf" | "/dev/termination-log" => &mount.root,
        _ => return None,
    };
    let engine = if place.contains("io.containerd.") {
        Engine::Containerd
    } else if place.contains("/overlay-containers/") || place.contains("/containers/storage/") {
        // podman and CRI-O share a storage library; CRI-O keeps pods of a kubelet.
        if place.contains("crio") { Engine::CriO } else { Engine::Podman }
    } else if place.contains("/docker/") || docker_container_file(place) {
        Engine::Docker
    } else if place.contains("/pods/") && place.ends_with("/etc-hosts") {
        Engine::Unknown
    } else {
        return None;
    };
    Some((engine, evidence(format!("/proc/self/mountinfo: {}", mount.mount_point), place)))
}

/// `…/containers/<64 hex>/hostname`, whatever the data root is called.
fn docker_container_file(place: &str) -> bool {
    let mut components = place.rsplit('/').skip(1);
    let id = components.next().unwrap_or_default();
    id.len() == 64
        && id.bytes().all(|b| b.is_ascii_hexdigit())
        && components.next() == Some("containers")
}

fn engine_in_cgroup(path: &str) -> Option<Engine> {
    let has = |part: &str| path.contains(part);
    Some(if has("/docker/") || has("/docker-") {
        Engine::Docker
    } else if has("cri-containerd") {
        Engine::Containerd
    } else if has("/crio-") {
        Engine::CriO
    } else if has("/libpod") {
        Engine::Podman
    } else if has("/lxc/") || has("/lxc.payload") {
        Engine::Lxc
    } else if has("/machine.slice/systemd-nspawn@") || has("/machine.slice/machine-") {
        Engine::SystemdNspawn
    } else if has("kubepods") {
        Engine::Unknown
    } else {
        return None;
    })
}

fn engine_named(name: &str) -> Engine {
    match name.trim() {
        "docker" => Engine::Docker,
        "podman" => Engine::Podman,
        "lxc" | "lxc-libvirt" => Engine::Lxc,
        "systemd-nspawn" => Engine::SystemdNspawn,
        _ => Engine::Unknown,
    }
}

/// A container of a kubelet that is not podman's own: its cgroup is CRI-O's, or the kubelet wrote its `/etc/hosts`
/// or its message of termination. A podman inside such a pod has a cgroup of its own below.
fn in_crio_pod(facts: &Facts) -> bool {
    let paths = [&facts.cgroup.memberships, &facts.cgroup.pid1_memberships];
    let last = |path: &str| path.rsplit('/').find_map(|part| engine_in_cgroup(&format!("/{part}")));
    let mut paths = paths.iter().filter_map(|of| of.known()).flatten().map(|m| m.path.as_str());
    if let Some(engine) = paths.find_map(last) {
        return engine == Engine::CriO;
    }
    let rows = facts.mounts.known().map(|table| table.rows.as_slice()).unwrap_or_default();
    rows.iter().any(|row| {
        matches!(row.mount_point.as_str(), "/etc/hosts" | "/dev/termination-log")
            && row.root.contains("/pods/")
    })
}

/// A PID namespace of its own is a container. With the host's, only what an engine mounted or where it
/// put the process tells.
fn container(facts: &Facts, traces: &[Trace]) -> Tri {
    let by_engine = traces.iter().any(|(_, e)| {
        e.source.starts_with("/proc/self/mountinfo") || e.source == "/proc/self/cgroup"
    });
    let looked = facts.mounts.told().is_ok() && facts.cgroup.memberships.told().is_ok();
    match facts.identity.namespaces.pid.known().map(|ns| ns.initial) {
        Some(Tri::No) => Tri::Yes,
        _ if by_engine => Tri::Yes,
        Some(Tri::Yes) if looked => Tri::No,
        _ => Tri::Unknown,
    }
}

fn kubernetes(facts: &Facts, runtime: &Runtime) -> Tri {
    if runtime.container.is_no() {
        return Tri::No;
    }
    let in_pod = |m: &dind_doctor_checks::facts::Membership| m.path.contains("kubepods");
    let rows = facts.mounts.known().map(|t| t.rows.as_slice()).unwrap_or_default();
    let by_mount = rows.iter().any(|m| {
        m.mount_point == "/run/secrets/kubernetes.io/serviceaccount"
            || m.mount_point == "/var/run/secrets/kubernetes.io/serviceaccount"
            || m.mount_point == "/etc/hosts" && m.root.contains("/pods/")
    });
    let memberships = [&facts.cgroup.memberships, &facts.cgroup.pid1_memberships];
    let by_cgroup = memberships.iter().any(|m| m.known().is_some_and(|m| m.iter().any(in_pod)));
    let by_variable = runtime.variable("KUBERNETES_SERVICE_HOST").is_some();
    let looked = facts.mounts.told().is_ok()
        && memberships.iter().all(|m| m.told().is_ok())
        && runtime.variables.told().is_ok();
    if by_mount || by_cgroup || by_variable {
        Tri::Yes
    } else if runtime.container == Tri::Unknown || !looked {
        Tri::Unknown
    } else {
        Tri::No
    }
}

/// What people edit: the CI's file before the pod that the CI makes of it.
fn launcher(runtime: &Runtime) -> Launcher {
    let set = |name: &str| runtime.variable(name).is_some_and(|value| !value.is_empty());
    if set("GITLAB_CI") {
        Launcher::Gitlab
    } else if set("GITHUB_ACTIONS") {
        Launcher::Github
    } else if set("CODESPACES") || set("REMOTE_CONTAINERS") || set("DEVCONTAINER") {
        Launcher::Devcontainer
    } else if runtime.kubernetes.is_yes() {
        Launcher::Kubernetes
    } else if matches!(runtime.engine, Engine::Docker | Engine::Podman | Engine::Containerd) {
        Launcher::Docker
    } else {
        Launcher::None
    }
}

/// With what it was started, innermost first. A CI job in a system container was started in it by its runner; a
/// container of an application by the CI.
fn launchers(runtime: &Runtime, system: Option<Launcher>) -> Vec<Launcher> {
    let by_ci = match runtime.launcher {
        ci @ (Launcher::Gitlab | Launcher::Github | Launcher::Devcontainer) => Some(ci),
        _ => None,
    };
    if system.is_some() {
        return by_ci.into_iter().chain(system).collect();
    }
    let container = match runtime.engine {
        _ if runtime.kubernetes.is_yes() => Some(Launcher::Kubernetes),
        Engine::Podman => Some(Launcher::Podman),
        Engine::Docker | Engine::Containerd => Some(Launcher::Docker),
        _ => None,
    };
    let known: Vec<_> = container.into_iter().chain(by_ci).collect();
    if known.is_empty() { vec![Launcher::None] } else { known }
}

/// What LXC, its managers or systemd-nspawn call the container. Machines of nspawn and containers of LXC are named
/// like their host, unless somebody chose another name; Proxmox counts them.
fn name(reader: &Reader, facts: &Facts, runtime: &Runtime) -> Option<Text> {
    let last = runtime.launchers.last()?;
    let by_traces = lxc::name(facts, *last);
    match last {
        Launcher::Lxc | Launcher::Incus | Launcher::Lxd | Launcher::Nspawn => by_traces
            .or_else(|| Some(reader.text("/proc/sys/kernel/hostname").ok()?.trim().to_owned()))
            .filter(|name| !name.is_empty())
            .map(Into::into),
        Launcher::Proxmox => by_traces.map(Into::into),
        _ => None,
    }
}

fn sandbox(reader: &Reader, facts: &Facts, seen: &mut Vec<Evidence>) -> Sandbox {
    let uname = reader.ask(ask::Uname);
    let rows = facts.mounts.known().map(|t| t.rows.as_slice()).unwrap_or_default();
    if let Ok(uname) = &uname {
        // gVisor's kernel has one release and build date for years (`pkg/sentry/syscalls/linux`).
        if uname.version.contains("PST 2016") || uname.release.contains("gvisor") {
            seen.push(evidence("uname", format!("{} {}", uname.release, uname.version)));
            return Sandbox::Gvisor;
        }
        if uname.release.to_ascii_lowercase().contains("microsoft") {
            seen.push(evidence("uname", uname.release.clone()));
            return Sandbox::Wsl2;
        }
    }
    let signs = [(Sandbox::Sysbox, "sysboxfs"), (Sandbox::Kata, "kataShared")];
    for (sandbox, source) in signs {
        if let Some(mount) = rows.iter().find(|m| m.source.contains(source)) {
            let place = format!("/proc/self/mountinfo: {}", mount.mount_point);
            seen.push(evidence(place, mount.source.as_str()));
            return sandbox;
        }
    }
    if uname.is_ok() && matches!(facts.mounts, Fact::Known(_)) {
        Sandbox::None
    } else {
        Sandbox::Unknown
    }
}

/// x86 processors say whether they are under a hypervisor; elsewhere the firmware may.
fn machine(reader: &Reader) -> Machine {
    const FIRMWARE: [&str; 8] =
        ["amazon ec2", "bochs", "google compute", "kvm", "openstack", "qemu", "virtual", "vmware"];
    let flags = reader.bytes("/proc/cpuinfo").ok().and_then(|bytes| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.lines().find(|line| line.starts_with("flags")).map(str::to_owned)
    });
    if let Some(flags) = flags {
        let virtual_machine = flags.split_whitespace().any(|flag| flag == "hypervisor");
        return if virtual_machine { Machine::Vm } else { Machine::Physical };
    }
    if reader.stat("/sys/hypervisor/type").is_ok() {
        return Machine::Vm;
    }
    let firmware = ["sys_vendor", "product_name"]
        .iter()
        .filter_map(|name| reader.text(&format!("/sys/class/dmi/id/{name}")).ok())
        .any(|text| FIRMWARE.iter().any(|sign| text.to_ascii_lowercase().contains(sign)));
    if firmware { Machine::Vm } else { Machine::Unknown }
}

#[cfg(test)]
mod tests;
