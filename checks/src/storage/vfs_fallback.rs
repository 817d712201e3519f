use alloc::{format, string::String, vec};

use super::{
    data_roots::{self, Affected, Defect},
    dataroot_on_overlay::is_overlay,
    driver::{self, Driver},
    storage_fs_unsupported::refuses_overlay,
    tried::{self, Tried},
};
use crate::{
    facts::{DataRoot, DataRootOwner, Device, Facts, Filesystem, Tri},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, DaemonOption, Place, Remedy},
    target::Severities,
};

check! {
    /// ## What it looks at
    /// Which storage driver each engine will end up with: what is configured (`storage-driver`,
    /// `$DOCKER_DRIVER`, `--oci-worker-snapshotter`), which driver an earlier run left in the data root, and
    /// else the first that works of overlay2, fuse-overlayfs, btrfs, zfs, vfs, given the filesystem of the
    /// data root, `fuse-overlayfs` on the PATH and `/dev/fuse`.
    ///
    /// ## Why it matters
    /// vfs works everywhere, and so engines end with it in silence. It copies the whole image for every
    /// layer and every container: builds take many times as long, and an image of 200 MB can fill the disk.
    /// BuildKit's native snapshotter does the same.
    ///
    /// ## When it is fine
    /// Docker 29 with the containerd image store never falls back to vfs; there the data root itself is
    /// the problem. A directory `vfs` that an earlier dockerd left does not bind the next one, whereas
    /// podman's database keeps the driver that it began with. On btrfs and zfs Docker has drivers of its own.
    /// Where overlays cannot work, a vfs that was chosen on purpose is slow, and not broken.
    ///
    /// ## How to fix
    /// Put the data root on a volume on a local disk, and take `vfs` out of the configuration. Otherwise
    /// install fuse-overlayfs and give the container `/dev/fuse`. podman needs `podman system reset` once.
    ///
    /// ## References
    /// moby `daemon/graphdriver`; `containers-storage.conf(5)`; <https://github.com/moby/moby/issues/42171>,
    /// <https://github.com/kubernetes-sigs/kind/issues/890>.
    "vfs-fallback",
    "An engine copies whole layers (vfs)",
    { dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning },
    [
        "using the vfs storage driver",
        "falling back to vfs",
        "graph driver \"overlay\" overwritten by graph driver \"vfs\"",
        "graphdriver(s)=vfs",
        "storage-driver=vfs",
    ],
    trials: [Overlay]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let (groups, missing) = data_roots::affected(facts, plan, |root, filesystem| {
        let consequence = match root.owner {
            DataRootOwner::Docker | DataRootOwner::RootlessDocker => {
                docker(facts, root, filesystem)?
            }
            DataRootOwner::Podman => podman(root)?,
            DataRootOwner::Buildkit | DataRootOwner::RootlessBuildkit => {
                buildkit(facts, root, filesystem)?
            }
            DataRootOwner::Containerd | DataRootOwner::Kubelet => None,
        };
        Ok(consequence.map(|text| Defect { severity: severity(root.owner), consequence: text }))
    })?;
    let findings = groups.iter().map(|group| finding(facts, group)).collect();
    Outcome::settled(findings, missing, || tried::pass(facts))
}

fn severity(owner: DataRootOwner) -> Severities {
    match owner {
        DataRootOwner::Docker => severities!(dockerd: Warning, kind: Warning),
        DataRootOwner::Podman | DataRootOwner::RootlessDocker => severities!(rootless: Warning),
        _ => severities!(buildkit: Warning),
    }
}

/// Whether overlayfs refuses an upper directory there, whatever the reason.
fn refuses(facts: &Facts, root: &DataRoot, filesystem: &Filesystem) -> Result<bool, Unknown> {
    match tried::overlay(facts, root) {
        Some(Tried::Works) => Ok(false),
        Some(Tried::Fails(..)) => Ok(true),
        None => Ok(is_overlay(filesystem) || refuses_overlay(facts, filesystem)?),
    }
}

fn docker(
    facts: &Facts,
    root: &DataRoot,
    filesystem: &Filesystem,
) -> Result<Option<String>, Unknown> {
    driver::settle_docker(facts, root)?;
    let refused = refuses(facts, root, filesystem);
    let name = match driver::driver(facts, root, refused == Ok(false)) {
        Driver::Snapshotter(name) | Driver::Graph(name) => name,
        Driver::Ladder => return ladder(facts, root, filesystem, refused),
    };
    let copies = matches!(name.as_str(), "vfs" | "native");
    Ok(copies.then(|| format!("dockerd is told to use {name}, which copies whole layers")))
}

/// overlay2, fuse-overlayfs, btrfs, zfs, vfs: the first that works.
fn ladder(
    facts: &Facts,
    root: &DataRoot,
    filesystem: &Filesystem,
    refused: Result<bool, Unknown>,
) -> Result<Option<String>, Unknown> {
    let has = |name: &str| root.entries.is_known_and(|all| all.iter().any(|e| *e == name));
    match refused {
        Ok(false) => return Ok(None),
        Ok(true) => {
            facts.told_of_roots(&root.entries)?;
        }
        // What an earlier run ended with tells what the filesystem can do.
        Err(_) if has("vfs") && !has("overlay2") => {
            return Ok(Some("an earlier dockerd found no better driver than vfs there".into()));
        }
        Err(unknown) => return Err(unknown),
    }
    if filesystem.name() == "zfs" {
        return Ok(None);
    }
    match driver::fuse_overlayfs(facts) {
        Tri::Yes => Ok(None),
        Tri::No => Ok(Some("dockerd falls back to vfs, which copies whole layers".into())),
        Tri::Unknown => {
            facts.storage.fuse_overlayfs.get()?;
            facts.security.device(Device::Fuse).map_or(Ok(None), |fuse| {
                fuse.usable.get()?;
                Ok(None)
            })
        }
    }
}

/// libpod's database remembers the driver of the first run.
fn podman(root: &DataRoot) -> Result<Option<String>, Unknown> {
    let Some(entries) = root.entries.told()? else { return Ok(None) };
    let has = |name: &str| entries.iter().any(|entry| *entry == name);
    Ok((has("vfs-images") && !has("overlay-images"))
        .then(|| "podman began with vfs, and its database keeps it".into()))
}

fn buildkit(
    facts: &Facts,
    root: &DataRoot,
    filesystem: &Filesystem,
) -> Result<Option<String>, Unknown> {
    facts.engines.running.told()?;
    let flag = facts.engines.named("buildkitd").find_map(|e| e.flag("oci-worker-snapshotter"));
    Ok(match flag.as_deref() {
        Some("native") => Some("buildkitd is told to use native, which copies whole layers".into()),
        Some(name) if !name.is_empty() && name != "auto" => None,
        _ if refuses(facts, root, filesystem)? => match driver::fuse_overlayfs(facts) {
            Tri::No => Some("buildkitd falls back to native, which copies whole layers".into()),
            Tri::Yes => None,
            Tri::Unknown => {
                facts.storage.fuse_overlayfs.told()?;
                facts.security.device(Device::Fuse).map_or(Ok(None), |fuse| fuse.usable.told())?;
                None
            }
        },
        _ => None,
    })
}

fn finding(facts: &Facts, group: &Affected) -> Finding {
    let filesystem = group.filesystem;
    let finding = group.finding(&format!("on {} ({})", filesystem.name(), group.mount_point));
    let mut finding = tried::evidence(facts, group, finding);
    let overlay = is_overlay(filesystem);
    if overlay {
        finding = finding.caused_by("dataroot-on-overlay");
    } else if group.roots.iter().any(|(root, _)| refuses(facts, root, filesystem) == Ok(true)) {
        finding = finding.caused_by("storage-fs-unsupported");
    } else {
        // A volume would not help: the filesystem is good enough, the choice is not.
        finding.remedies = vec![];
    }
    if overlay && group.roots.iter().any(|(root, _)| root.owner != DataRootOwner::Podman) {
        finding = finding.remedy(Remedy::container(
            "install fuse-overlayfs in the image, and give the container its device",
            [ContainerSetting::Device("/dev/fuse".into())],
        ));
    }
    for (root, defect) in &group.roots {
        let told = defect.consequence.contains("is told");
        finding = match root.owner {
            DataRootOwner::Docker if told => finding.remedy(other_driver(facts, overlay)),
            DataRootOwner::Podman => finding.remedy(Remedy::commands(
                Place::Here,
                "begin again with overlay; this deletes podman's images, containers and volumes",
                ["podman system reset"],
            )),
            _ => finding,
        };
    }
    for (root, _) in group.roots.iter().filter(|(root, _)| root.exists) {
        let entries = root.entries.known().into_iter().flatten();
        let left = entries.filter(|e| matches!(e.as_str(), "vfs" | "vfs-images" | "overlay2"));
        for name in left {
            finding = finding.evidence(format!("names in {}", root.path), name.as_str());
        }
    }
    finding
}

fn other_driver(facts: &Facts, overlay: bool) -> Remedy {
    let name = if overlay { "fuse-overlayfs" } else { "overlay2" };
    let text = format!("use {name}; images that were pulled so far have to be pulled again");
    if facts.runtime.variable("DOCKER_DRIVER").is_some() {
        return Remedy::container(
            text,
            [ContainerSetting::Variable("DOCKER_DRIVER".into(), name.into())],
        );
    }
    Remedy::daemon(text, [DaemonOption::storage_driver(name)])
}

#[cfg(test)]
mod tests;
