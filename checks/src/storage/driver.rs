//! What each engine does on a filesystem that overlayfs refuses as upper directory.

use alloc::{
    format,
    string::{String, ToString},
};

use serde_json::Value;

use super::data_roots::{Affected, Defect, uses_external_containerd};
use crate::{
    derived::user_namespace::is_remapped,
    facts::{DataRoot, DataRootOwner, Device, Facts, Tri, Why},
    outcome::{Finding, Unknown},
    remedy::{DaemonOption, Remedy},
    target::{Severities, Severity, Target},
    version::Component,
};

/// Where Docker keeps images and how it stacks their layers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Driver {
    /// A containerd snapshotter: the containerd image store, which has no chain of fall-backs.
    Snapshotter(String),
    /// A graph driver that is asked for; Docker does not start if it does not work.
    Graph(String),
    /// The first graph driver that works: overlay2, fuse-overlayfs, btrfs, zfs, vfs.
    Ladder,
}

const GRAPH_DRIVERS: [&str; 5] = ["overlay2", "fuse-overlayfs", "btrfs", "zfs", "vfs"];

/// moby's `determineImageStoreChoice`: the feature switch, then what is on the disk, then a configured
/// driver by its name, then the default of the release. The user's own daemon.json, which a rootless
/// dockerd reads, is not known here. `overlays` says whether the filesystem carries them, so that an
/// `overlay2` directory there is in use and not left over.
pub(super) fn driver(facts: &Facts, root: &DataRoot, overlays: bool) -> Driver {
    let configured =
        if root.owner == DataRootOwner::Docker { configured_driver(facts) } else { None };
    let graph = |name: Option<String>| name.map_or(Driver::Ladder, Driver::Graph);
    let snapshotter =
        |name: Option<String>| Driver::Snapshotter(name.unwrap_or_else(|| "overlayfs".into()));
    let feature =
        if root.owner == DataRootOwner::Docker { containerd_feature(facts) } else { None };
    match feature {
        Some(true) => snapshotter(configured),
        Some(false) => graph(configured),
        None if !is_containerd_default(facts) => {
            graph(configured.or_else(|| prior_driver(root, overlays)))
        }
        None => match prior_driver(root, overlays) {
            Some(prior) => graph(configured.or(Some(prior))),
            None if is_graph_driver(configured.as_deref()) || remaps_users(facts, root) => {
                graph(configured)
            }
            None => snapshotter(configured),
        },
    }
}

pub(super) fn is_containerd_default(facts: &Facts) -> bool {
    facts.versions.of(Component::Docker).version.at_least(29, 0)
}

fn is_graph_driver(name: Option<&str>) -> bool {
    name.is_some_and(|name| GRAPH_DRIVERS.contains(&name))
}

/// The switch of the rootful dockerd between its two image stores; releases before 23.0 do not know it, and go on
/// without a word.
pub(super) fn containerd_feature(facts: &Facts) -> Option<bool> {
    if !facts.versions.of(Component::Docker).version.at_least(23, 0) {
        return None;
    }
    let flag = facts.engines.named("dockerd").find_map(|engine| engine.flag("feature"));
    match flag.as_deref() {
        Some("containerd-snapshotter=true" | "containerd-snapshotter") => Some(true),
        Some("containerd-snapshotter=false") => Some(false),
        _ => facts.engines.configured(&["features", "containerd-snapshotter"])?.as_bool(),
    }
}

fn remaps_users(facts: &Facts, root: &DataRoot) -> bool {
    root.owner == DataRootOwner::Docker && is_remapped(facts)
}

/// `$DOCKER_DRIVER` wins over the flag, which excludes the key in daemon.json.
pub(super) fn configured_driver(facts: &Facts) -> Option<String> {
    let variable = facts.runtime.variable("DOCKER_DRIVER").map(ToString::to_string);
    let flag = || facts.engines.named("dockerd").find_map(|e| e.flag("storage-driver"));
    let key = || facts.engines.configured(&["storage-driver"]).and_then(Value::as_str);
    variable.or_else(flag).or_else(|| key().map(Into::into)).filter(|name| !name.is_empty())
}

/// The graph driver whose directory keeps Docker on the old image store. overlay2 is not taken as one
/// where it cannot have worked; vfs never is, since Docker ignores it.
fn prior_driver(root: &DataRoot, overlays: bool) -> Option<String> {
    let entries = root.entries.known()?;
    entries
        .iter()
        .find(|name| match name.as_str() {
            "fuse-overlayfs" | "btrfs" | "zfs" => true,
            name => overlays && name == "overlay2",
        })
        .map(|name| name.as_str().into())
}

/// Whether fuse-overlayfs could be used: on the PATH, and `/dev/fuse` may be opened.
pub(crate) fn fuse_overlayfs(facts: &Facts) -> Tri {
    let usable = facts.security.device(Device::Fuse).map(|fuse| &fuse.usable);
    // A device that is not there is as good as one that is refused.
    let device = usable.and_then(|usable| match usable.why() {
        Some(Why::NotFound) => Some(false),
        _ => usable.known().copied(),
    });
    match (facts.storage.fuse_overlayfs.known().map(Option::is_some), device) {
        (Some(true), Some(true)) => Tri::Yes,
        (Some(false), _) | (_, Some(false)) => Tri::No,
        _ => Tri::Unknown,
    }
}

/// How the owner of `root` fares without overlayfs. `fuse` says whether fuse-overlayfs would work there.
pub(super) fn without_overlayfs(
    facts: &Facts,
    root: &DataRoot,
    fuse: Tri,
) -> Result<Defect, Unknown> {
    settle(facts, root, fuse)?;
    Ok(fares_without_overlayfs(facts, root, fuse))
}

/// Unknown where something failed on which the choice of a driver turns.
fn settle(facts: &Facts, root: &DataRoot, fuse: Tri) -> Result<(), Unknown> {
    if fuse == Tri::Unknown {
        facts.storage.fuse_overlayfs.told()?;
        if let Some(device) = facts.security.device(Device::Fuse) {
            device.usable.told()?;
        }
    }
    settle_docker(facts, root)?;
    facts.told_of_roots(&root.entries).map(|_| ())
}

/// The same for what is Docker's.
pub(super) fn settle_docker(facts: &Facts, root: &DataRoot) -> Result<(), Unknown> {
    use DataRootOwner::{Containerd, Docker, RootlessDocker};
    facts.engines.running.told()?;
    facts.runtime.variables.told()?;
    if !matches!(root.owner, Docker | RootlessDocker | Containerd) {
        return Ok(());
    }
    facts.versions.sure(Component::Docker)?;
    if root.owner != RootlessDocker {
        facts.engines.told()?;
    }
    Ok(())
}

fn fares_without_overlayfs(facts: &Facts, root: &DataRoot, fuse: Tri) -> Defect {
    let on = |targets: &[Target], severity, consequence: String| Defect {
        severity: targets
            .iter()
            .fold(Severities::NONE, |all, target| all.with(*target, Some(severity))),
        consequence,
    };
    match root.owner {
        DataRootOwner::Docker => docker(facts, root, fuse),
        DataRootOwner::RootlessDocker => {
            let (severity, consequence, _) = docker_fares(facts, root, fuse);
            on(&[Target::Rootless], severity, format!("rootless {consequence}"))
        }
        DataRootOwner::Containerd if uses_external_containerd(facts) && is_containerd_default(facts) => on(
            &[Target::Dockerd, Target::Kind],
            Severity::Error,
            "dockerd keeps its images there, in the external containerd, and starts no container".into(),
        ),
        DataRootOwner::Containerd => on(
            &[Target::Dockerd, Target::Kind],
            Severity::Warning,
            "the overlayfs snapshotter of the containerd that runs here does not work".into(),
        ),
        DataRootOwner::Podman if fuse == Tri::Yes => on(
            &[Target::Rootless],
            Severity::Warning,
            "podman depends on fuse-overlayfs".into(),
        ),
        DataRootOwner::Podman => {
            on(&[Target::Rootless], Severity::Error, "podman's overlay driver does not start".into())
        }
        DataRootOwner::Buildkit | DataRootOwner::RootlessBuildkit => {
            let mut engines = facts.engines.named("buildkitd");
            if engines.any(|e| e.flag("oci-worker-snapshotter").as_deref() == Some("overlayfs")) {
                on(&[Target::Buildkit], Severity::Error, "buildkitd is told to use overlayfs".into())
            } else {
                let to = if fuse == Tri::Yes { "fuse-overlayfs" } else { "copying whole layers" };
                on(&[Target::Buildkit], Severity::Warning, format!("buildkitd falls back to {to}"))
            }
        }
        DataRootOwner::Kubelet => on(&[], Severity::Info, String::new()),
    }
}

/// kind's nodes keep images on a volume on the same filesystem. From 0.15 on they use fuse-overlayfs
/// where their own root is FUSE; otherwise overlayfs, without a fall-back.
fn docker(facts: &Facts, root: &DataRoot, fuse: Tri) -> Defect {
    let (severity, consequence, is_fuse) = docker_fares(facts, root, fuse);
    let saved = is_fuse && facts.versions.of(Component::Kind).version.at_least(0, 15);
    let kind = if saved { Severity::Warning } else { Severity::Error };
    Defect {
        severity: Severities::NONE
            .with(Target::Dockerd, Some(severity))
            .with(Target::Kind, Some(kind)),
        consequence,
    }
}

/// How badly, in words, and whether it ends with fuse-overlayfs.
fn docker_fares(facts: &Facts, root: &DataRoot, fuse: Tri) -> (Severity, String, bool) {
    let version = facts.versions.of(Component::Docker).version;
    match driver(facts, root, false) {
        Driver::Snapshotter(name) if name == "native" => {
            (Severity::Warning, format!("Docker {version} copies whole layers (native)"), false)
        }
        Driver::Snapshotter(name) => (
            Severity::Error,
            format!(
                "Docker {version} (containerd image store, {name}) has no fall-back, and starts no container"
            ),
            false,
        ),
        Driver::Graph(name) if matches!(name.as_str(), "overlay2" | "overlay") => {
            (Severity::Error, format!("Docker does not start with the driver {name}"), false)
        }
        Driver::Graph(name) if name == "fuse-overlayfs" => match fuse {
            Tri::No => (Severity::Error, "Docker does not start with fuse-overlayfs".into(), false),
            _ => (Severity::Warning, "Docker uses fuse-overlayfs, as configured".into(), true),
        },
        Driver::Graph(name) => {
            (Severity::Warning, format!("Docker uses {name}, as configured"), false)
        }
        Driver::Ladder => {
            let to = match fuse {
                Tri::Yes => "fuse-overlayfs",
                Tri::No => "vfs, which copies whole layers",
                Tri::Unknown => "fuse-overlayfs or vfs",
            };
            (Severity::Warning, format!("Docker {version} falls back to {to}"), fuse == Tri::Yes)
        }
    }
}

/// Notes the versions on which the finding rests, and a driver that works where Docker's choice does not.
pub(super) fn finish(facts: &Facts, group: &Affected, fuse: Tri, mut finding: Finding) -> Finding {
    let docker = group.has(DataRootOwner::Docker);
    if docker || group.has(DataRootOwner::RootlessDocker) {
        finding = finding.rests_on(Component::Docker, &facts.versions.of(Component::Docker));
    }
    if docker && fuse == Tri::Yes {
        finding = finding.rests_on(Component::Kind, &facts.versions.of(Component::Kind));
    }
    if finding.severity.get(Target::Dockerd) == Some(Severity::Error) {
        let name = if fuse == Tri::Yes { "fuse-overlayfs" } else { "vfs" };
        finding = finding.remedy(Remedy::daemon(
            format!("last resort for dockerd alone, slow and large: the storage driver {name}"),
            [DaemonOption::storage_driver(name)],
        ));
    }
    finding
}
