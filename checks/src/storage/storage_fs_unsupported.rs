use alloc::{format, string::String, vec::Vec};

use super::{
    data_roots::{self, Affected, Defect},
    dataroot_on_overlay::is_overlay,
    driver,
    tried::{self, Tried},
};
use crate::{
    facts::{DataRoot, DataRootOwner, Facts, Filesystem, Tri, Why},
    outcome::{Outcome, Unknown, Verdict},
    plan::Plan,
    target::{Severities, Severity, Target},
};

check! {
    /// ## What it looks at
    /// The filesystem under each data root: its type (`statfs(2)`, `/proc/self/mountinfo`), whether
    /// directory entries carry their type (`d_type` of `getdents64(2)`), the mount options, and the
    /// version of OpenZFS (`/sys/module/zfs/version`).
    ///
    /// ## Why it matters
    /// The upper directory of an overlay needs `trusted.*` or `user.*` attributes, whiteouts by rename
    /// and `d_type`. NFS, CIFS, 9p, eCryptfs, FAT, most of FUSE, xfs made with `ftype=0` and OpenZFS
    /// before 2.2 lack one of them. A volume that is ReadWriteMany is often NFS underneath. On `noexec`,
    /// programs on volumes and in copied layers cannot be run; with `nosuid` or `nodev`, rootless
    /// BuildKit fails to remount, and set-user-id programs in images break.
    ///
    /// ## When it is fine
    /// ext4, xfs, btrfs and OpenZFS 2.2 carry overlays. kind's nodes use plain copies on zfs, and Docker
    /// up to 28 has a driver of its own for it. Overlays and tmpfs have checks of their own. On virtiofs
    /// it depends on how the host exports it, and on an unknown FUSE filesystem on its server: no
    /// verdict without a trial (`--active`).
    ///
    /// ## How to fix
    /// Put the data root on a local disk: an `emptyDir`, a block PVC, a named volume. `mkfs.xfs -n
    /// ftype=1`, OpenZFS 2.2.
    ///
    /// ## References
    /// Kernel `Documentation/filesystems/overlayfs.rst`, `mount(8)`;
    /// <https://github.com/moby/moby/issues/22937>, <https://github.com/docker/for-linux/issues/196>,
    /// <https://github.com/moby/buildkit/issues/879>, <https://github.com/openzfs/zfs/issues/6896>.
    "storage-fs-unsupported",
    "A data root is on a filesystem that carries no overlay",
    { dockerd: Error, kind: Error, rootless: Error, buildkit: Error },
    [
        "upper fs needs to support d_type",
        "upper fs missing required features",
        "failed to mount overlay: invalid argument",
        "failed to mount /tmp/containerd-mount",
        "not supported as upperdir",
        "upper fs does not support",
        "is not supported over nfs",
        "is not supported over zfs",
    ],
    trials: [Overlay]
}

/// Network and foreign filesystems that overlayfs refuses as upper directory.
const REFUSED: [&str; 20] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb2",
    "smb3",
    "9p",
    "ecryptfs",
    "aufs",
    "ceph",
    "afs",
    "lustre",
    "fuseblk",
    "fuse.sshfs",
    "fuse.s3fs",
    "fuse.gcsfuse",
    "fuse.glusterfs",
    "fuse.ceph",
    "fuse.rclone",
    "fuse.blobfuse2",
    "fuse.encfs",
];

/// Filesystems without links, owners and modes: not even copies of layers are possible.
const HOPELESS: [&str; 6] = ["vfat", "msdos", "exfat", "ntfs", "ntfs3", "hfsplus"];

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let (groups, missing) =
        data_roots::affected(facts, plan, |root, filesystem| judge(facts, root, filesystem))?;
    let findings = groups.iter().map(|group| {
        let finding = tried::evidence(facts, group, group.finding(&problem(facts, group)));
        if fails(facts, group) || refuses_overlay(facts, group.filesystem) == Ok(true) {
            driver::finish(facts, group, fuse_on(facts, group.filesystem.name()), finding)
        } else {
            finding
        }
    });
    Outcome::settled(findings.collect(), missing, || tried::pass(facts))
}

/// Whether a trial failed in one of the data roots.
fn fails(facts: &Facts, group: &Affected) -> bool {
    let mut tried = group.roots.iter().map(|(root, _)| tried::overlay(facts, root));
    tried.any(|tried| matches!(tried, Some(Tried::Fails(..))))
}

fn judge(
    facts: &Facts,
    root: &DataRoot,
    filesystem: &Filesystem,
) -> Result<Option<Defect>, Unknown> {
    let name = filesystem.name();
    if HOPELESS.contains(&name) {
        let mut defect = driver::without_overlayfs(facts, root, Tri::No)?;
        for (target, _) in defect.severity.iter().collect::<Vec<_>>() {
            defect.severity = defect.severity.with(target, Some(Severity::Error));
        }
        defect.consequence =
            "it has no links, owners and modes, so no image can be unpacked".into();
        return Ok(Some(defect));
    }
    let refused = match tried::overlay(facts, root) {
        Some(Tried::Works) => false,
        Some(Tried::Fails(..)) => !is_overlay(filesystem) && name != "tmpfs",
        None => refuses_overlay(facts, filesystem)?,
    };
    if refused {
        let mut defect = driver::without_overlayfs(facts, root, fuse_on(facts, name))?;
        if name == "zfs" && root.owner == DataRootOwner::Docker {
            spare_on_zfs(facts, &mut defect);
        }
        return Ok(Some(defect));
    }
    Ok(options(root, filesystem))
}

/// Whether overlayfs refuses an upper directory there. Overlays and tmpfs are for other checks.
pub(super) fn refuses_overlay(facts: &Facts, filesystem: &Filesystem) -> Result<bool, Unknown> {
    let name = filesystem.name();
    let untold =
        || Unknown::new(format!("overlay with an upper directory on {name}"), Why::NotProbed);
    match name {
        "overlay" | "fuse.fuse-overlayfs" | "fuse-overlayfs" | "tmpfs" | "ramfs" => Ok(false),
        "zfs" => match facts.storage.zfs.get()? {
            Some(version) => Ok(!version.at_least(2, 2)),
            None => Err(untold()),
        },
        name if REFUSED.contains(&name) => Ok(true),
        "virtiofs" | "fuse" => Err(untold()),
        name if name.starts_with("fuse.") => Err(untold()),
        _ => Ok(filesystem.d_type == Some(false)),
    }
}

/// fuse-overlayfs stores what overlayfs cannot on zfs, but not on network filesystems.
fn fuse_on(facts: &Facts, name: &str) -> Tri {
    if name == "zfs" { driver::fuse_overlayfs(facts) } else { Tri::No }
}

/// Docker's graph drivers and kind's nodes know zfs; the containerd image store does not.
fn spare_on_zfs(facts: &Facts, defect: &mut Defect) {
    if defect.severity.get(Target::Dockerd) == Some(Severity::Error) {
        return;
    }
    defect.severity = defect.severity.with(Target::Kind, Some(Severity::Warning));
    if driver::fuse_overlayfs(facts) == Tri::No {
        defect.consequence = "Docker uses its zfs driver, or vfs where /dev/zfs is missing".into();
    }
}

/// Options of the mount that matter though overlays work.
fn options(root: &DataRoot, filesystem: &Filesystem) -> Option<Defect> {
    let mount = filesystem.mount.as_ref()?;
    let targets: &[Target] = match root.owner {
        DataRootOwner::Docker | DataRootOwner::Containerd => &[Target::Dockerd, Target::Kind],
        DataRootOwner::Podman | DataRootOwner::RootlessDocker => &[Target::Rootless],
        DataRootOwner::Buildkit | DataRootOwner::RootlessBuildkit => &[Target::Buildkit],
        DataRootOwner::Kubelet => &[],
    };
    let locked = root.owner == DataRootOwner::RootlessBuildkit
        && (mount.has_option("nosuid") || mount.has_option("nodev"));
    let consequence = if mount.has_option("noexec") {
        "programs on volumes and in copied layers cannot be run"
    } else if locked {
        "rootless BuildKit cannot clear these options, and set-user-id programs in images break"
    } else {
        return None;
    };
    let severity = targets
        .iter()
        .fold(Severities::NONE, |all, target| all.with(*target, Some(Severity::Warning)));
    Some(Defect { severity, consequence: consequence.into() })
}

/// What is wrong with the mount, for the summary.
fn problem(facts: &Facts, group: &Affected) -> String {
    let filesystem = group.filesystem;
    let name = filesystem.name();
    let place = group.mount_point;
    if REFUSED.contains(&name) || HOPELESS.contains(&name) || name == "zfs" {
        return format!("on {name} ({place}), which carries no overlay");
    }
    if filesystem.d_type == Some(false) {
        return format!("on {name} without d_type ({place})");
    }
    if fails(facts, group) {
        return format!("on {name} ({place}), where overlays do not work");
    }
    let options: Vec<&str> = ["noexec", "nosuid", "nodev"]
        .into_iter()
        .filter(|option| filesystem.mount.as_ref().is_some_and(|m| m.has_option(option)))
        .collect();
    format!("on {place}, mounted {}", options.join(","))
}

#[cfg(test)]
mod tests;
