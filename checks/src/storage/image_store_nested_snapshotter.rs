use alloc::{format, vec::Vec};

use super::{
    dataroot_on_overlay::is_overlay,
    driver::{self, Driver},
    tried::{self, Tried},
};
use crate::{
    facts::{DataRoot, DataRootOwner, Fact, Facts, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, DaemonOption, Place, Remedy},
    version::Component,
};

check! {
    /// ## What it looks at
    /// Which of its two image stores dockerd will use (the release, `features.containerd-snapshotter`,
    /// `storage-driver`, `$DOCKER_DRIVER`, what is in the data root), whether the configured name belongs to
    /// that store, and whether both stores hold something. A directory `overlay2` counts where an overlay
    /// works; with `--active` one is mounted there.
    ///
    /// ## Why it matters
    /// Docker 29 keeps images in containerd by default. Its snapshotters (`overlayfs`, `native`) are not the
    /// graph drivers of before (`overlay2`, `vfs`): with a name of the other kind dockerd does not start.
    /// What was pulled into one store cannot be seen from the other, so images seem to vanish with an upgrade,
    /// a downgrade or a switched feature, and keep their space. And `kind load docker-image` fails on
    /// images for several platforms, since only one platform's layers are there.
    ///
    /// ## When it is fine
    /// Graph drivers still work in Docker 29: a data root that has one is kept, and `overlay2` in
    /// `$DOCKER_DRIVER` selects it. `overlayfs` in `docker info` is the snapshotter. That neither store can
    /// put layers on an overlay or on NFS is the business of dataroot-on-overlay and
    /// storage-fs-unsupported; Docker 29 has no fall-back there.
    ///
    /// ## How to fix
    /// Configure one store: `--feature=containerd-snapshotter=false` for graph drivers, or no
    /// `storage-driver` at all. For kind: `docker image save --platform linux/amd64 -o image.tar IMAGE`, then
    /// `kind load image-archive image.tar`.
    ///
    /// ## References
    /// moby `daemon/daemon.go`; <https://docs.docker.com/engine/storage/containerd/>,
    /// <https://github.com/kubernetes-sigs/kind/issues/3795>, <https://github.com/docker/cli/issues/6646>.
    "image-store-nested-snapshotter",
    "Docker's two image stores are mixed up",
    Docker,
    { dockerd: Error, kind: Error },
    [
        "snapshotter not loaded: overlay2",
        "snapshotter not loaded: vfs",
        "driver not supported: overlayfs",
        "ctr: content digest sha256:",
        "failed to mount /tmp/containerd-mount",
    ],
    trials: [Overlay]
}

/// Graph drivers of which containerd has no snapshotter by that name.
const NO_SNAPSHOTTER: [&str; 5] = ["overlay2", "vfs", "overlay", "aufs", "devicemapper"];

/// Snapshotters of which moby has no graph driver by that name.
const NO_GRAPH_DRIVER: [&str; 4] = ["overlayfs", "native", "stargz", "nydus"];

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let mut roots = facts.storage.of(DataRootOwner::Docker);
    let root = roots.next().ok_or_else(|| Unknown::new("data roots", Why::NotRecorded))?;
    let tried = tried::overlay(facts, root);
    let overlays = match tried {
        Some(Tried::Works) => true,
        Some(Tried::Fails(..)) => false,
        None => root.filesystem.is_known_and(|filesystem| !is_overlay(filesystem)),
    };
    root.filesystem.told()?;
    driver::settle_docker(facts, root)?;
    let stores = &facts.storage.image_stores;
    facts.told_of_roots(&root.entries)?;
    let missing = [facts.told_of_roots(&stores.graph), facts.told_of_roots(&stores.snapshots)];
    let missing: Vec<_> =
        missing.into_iter().filter_map(Result::err).flat_map(|u| u.missing).collect();
    let driver = driver::driver(facts, root, overlays);
    let mut findings: Vec<Finding> = wrong_name(facts, &driver).into_iter().collect();
    findings.extend(two_stores(facts, root, &driver));
    findings.extend(kind_load(facts, &driver));
    if findings.is_empty() {
        // A configuration that cannot be read can name anything.
        facts.engines.daemon_json.get()?;
    }
    Outcome::settled(findings, missing, || {
        if tried.is_some() { Outcome::proved() } else { Outcome::pass() }
    })
}

fn store(driver: &Driver) -> &'static str {
    match driver {
        Driver::Snapshotter(_) => "the containerd image store",
        Driver::Graph(_) | Driver::Ladder => "the store of graph drivers",
    }
}

/// A driver that is configured by a name of the other store.
fn wrong_name(facts: &Facts, driver: &Driver) -> Option<Finding> {
    let docker = facts.versions.of(Component::Docker);
    let version = docker.version;
    let name = driver::configured_driver(facts)?;
    let feature = driver::containerd_feature(facts);
    let (foreign, remedy) = match driver {
        Driver::Snapshotter(_) => (
            NO_SNAPSHOTTER.contains(&name.as_str()),
            Remedy::daemon(
                format!("keep {name}, with the store that it belongs to"),
                [DaemonOption {
                    argument: "--feature=containerd-snapshotter=false".into(),
                    keys: ["features", "containerd-snapshotter"].into(),
                    value: false.into(),
                }],
            ),
        ),
        // With what Docker 29 finds on the disk the choice may be another.
        Driver::Graph(_) if feature == Some(false) || !driver::is_containerd_default(facts) => (
            NO_GRAPH_DRIVER.contains(&name.as_str()),
            Remedy::daemon(
                "use the graph driver that Docker prefers",
                [DaemonOption::storage_driver("overlay2")],
            ),
        ),
        _ => return None,
    };
    if !foreign {
        return None;
    }
    let place = if facts.runtime.variable("DOCKER_DRIVER") == Some(name.as_str()) {
        "DOCKER_DRIVER"
    } else {
        "storage-driver"
    };
    let mut finding = Finding::new(
        place,
        CHECK.worst,
        format!(
            "Docker {version} uses {}, which has no {name}: dockerd does not start",
            store(driver)
        ),
    )
    .evidence(place, name.as_str())
    .rests_on(Component::Docker, &docker);
    if let Some(feature) = feature {
        finding = finding.evidence("features.containerd-snapshotter", format!("{feature}"));
    }
    Some(finding.remedy(remedy).remedy(if place == "DOCKER_DRIVER" {
        Remedy::container(
            "let dockerd choose: an empty variable counts as none",
            [ContainerSetting::Variable(place.into(), alloc::string::String::new())],
        )
    } else {
        Remedy::advice(Place::Runtime, format!("take {place} out, and let dockerd choose"))
    }))
}

/// Images in a store that dockerd will not look into.
fn two_stores(facts: &Facts, root: &DataRoot, driver: &Driver) -> Option<Finding> {
    let stores = &facts.storage.image_stores;
    let (Fact::Known(images), Fact::Known(snapshots)) = (&stores.graph, &stores.snapshots) else {
        return None;
    };
    if *images == 0 || *snapshots == 0 {
        return None;
    }
    let docker = facts.versions.of(Component::Docker);
    let hidden = match driver {
        Driver::Snapshotter(_) => format!("{images} images of graph drivers"),
        Driver::Graph(_) | Driver::Ladder => format!("{snapshots} snapshots of containerd"),
    };
    let path = root.path.as_str();
    Some(
        Finding::new(
            path,
            severities!(dockerd: Info, kind: Info),
            format!("{path} holds both image stores: dockerd uses {}, and does not see {hidden}", store(driver)),
        )
        .evidence(format!("{path}/image"), format!("{images} images"))
        .evidence(format!("{path}/containerd/daemon"), format!("{snapshots} snapshots"))
        .rests_on(Component::Docker, &docker)
        .remedy(Remedy::advice(
            Place::Here,
            format!("switch back, prune and switch again to free their space, or begin with an empty {path}"),
        )),
    )
}

/// Said only of a Docker that is known, since else it would be said everywhere.
fn kind_load(facts: &Facts, driver: &Driver) -> Option<Finding> {
    let docker = facts.versions.of(Component::Docker);
    if docker.is_assumed() || !matches!(driver, Driver::Snapshotter(_)) {
        return None;
    }
    let version = docker.version;
    let kind = facts.versions.of(Component::Kind);
    Some(
        Finding::new(
            "kind load docker-image",
            severities!(kind: Info),
            format!("Docker {version} keeps one platform of an image: kind load docker-image can fail on it"),
        )
        .evidence("image store", store(driver))
        .rests_on(Component::Kind, &kind)
        .remedy(Remedy::commands(
            Place::Here,
            "save the image for one platform, and load that file (IMAGE stands for its name)",
            ["docker image save --platform linux/amd64 -o image.tar IMAGE", "kind load image-archive image.tar"],
        )),
    )
}

#[cfg(test)]
mod tests;
