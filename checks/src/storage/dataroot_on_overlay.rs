use alloc::format;

use super::{
    data_roots, driver,
    tried::{self, Tried},
};
use crate::{
    facts::{Facts, Filesystem},
    outcome::{Outcome, Verdict},
    plan::Plan,
};

check! {
    /// ## What it looks at
    /// The filesystem under each data root (`statfs(2)` of the nearest existing directory, links
    /// resolved, and `/proc/self/mountinfo`): `/var/lib/docker` or what dockerd is configured to use,
    /// `/var/lib/containerd` where a containerd runs outside dockerd, the roots of podman, BuildKit and
    /// rootless Docker. Also the release and configuration of Docker, which decide what follows. With
    /// `--active` an overlay is mounted there.
    ///
    /// ## Why it matters
    /// A container's own root is an overlay, and overlayfs refuses an upper directory on an overlay or
    /// on fuse-overlayfs. Docker 29 with the containerd image store starts all the same, and then every
    /// `docker run` fails with `invalid argument`. Earlier Docker falls back in silence: to
    /// fuse-overlayfs if it is installed and `/dev/fuse` may be opened, else to vfs, which takes minutes
    /// and twenty times the space. The nodes of kind keep their images on the same filesystem, and do
    /// not fall back at all.
    ///
    /// ## When it is fine
    /// A data root that is a volume, or a link to one, passes although `/` is an overlay. Where `/` is
    /// on btrfs or zfs there is no overlay: the same pod then works on one node and not on another.
    /// "Overlay on overlay works since 5.11" is a misreading: 5.11 permits overlay *in a user namespace*,
    /// and only a *lower* directory may be an overlay. Where only one of Docker and podman has a sound
    /// root, rootless containers need not suffer.
    ///
    /// ## How to fix
    /// A volume: `docker run -v dind:/var/lib/docker`; in a pod an `emptyDir` with a `sizeLimit`.
    /// Kubernetes ignores the image's `VOLUME`, and the dind container of Actions Runner Controller has
    /// none. Last resorts: `--storage-driver=vfs`, or fuse-overlayfs with `--device /dev/fuse`.
    ///
    /// ## References
    /// Kernel `Documentation/filesystems/overlayfs.rst`; moby `daemon/graphdriver/overlay2`;
    /// <https://github.com/moby/moby/issues/42171>, <https://github.com/containerd/containerd/issues/4350>,
    /// <https://github.com/containers/fuse-overlayfs/issues/375>,
    /// <https://docs.docker.com/engine/storage/containerd/>.
    "dataroot-on-overlay",
    "A data root is on an overlay filesystem",
    { dockerd: Error, kind: Error, rootless: Error, buildkit: Error },
    [
        "failed to mount overlay: invalid argument",
        "failed to mount /tmp/containerd-mount",
        "not supported as upperdir",
        "maximum fs stacking depth exceeded",
        "is not supported over overlayfs",
    ],
    trials: [Overlay]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let fuse = driver::fuse_overlayfs(facts);
    let (groups, missing) = data_roots::affected(facts, plan, |root, filesystem| {
        let works = matches!(tried::overlay(facts, root), Some(Tried::Works));
        let refused = is_overlay(filesystem) && !works;
        refused.then(|| driver::without_overlayfs(facts, root, fuse)).transpose()
    })?;
    let findings = groups.iter().map(|group| {
        let name = group.filesystem.name();
        let finding = group.finding(&format!("on {name} ({})", group.mount_point));
        driver::finish(facts, group, fuse, tried::evidence(facts, group, finding))
    });
    Outcome::settled(findings.collect(), missing, || tried::pass(facts))
}

pub(super) fn is_overlay(filesystem: &Filesystem) -> bool {
    matches!(filesystem.name(), "overlay" | "fuse.fuse-overlayfs" | "fuse-overlayfs")
}

#[cfg(test)]
mod tests;
