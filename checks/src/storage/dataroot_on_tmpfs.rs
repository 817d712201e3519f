use alloc::format;

use super::{
    data_roots::{self, Defect},
    driver,
};
use crate::{
    facts::{DataRoot, DataRootOwner, Facts},
    outcome::{Outcome, Unknown, Verdict},
    plan::Plan,
    target::{Severities, Severity, Target},
    version::Component,
};

check! {
    /// ## What it looks at
    /// Whether a data root is on tmpfs (`statfs(2)`, `/proc/self/mountinfo`), its `size=` option, and
    /// for rootless engines the release of the kernel.
    ///
    /// ## Why it matters
    /// What is pulled and built then counts as memory: `emptyDir: {medium: Memory}` is charged to the
    /// pod, and images beyond the memory limit end in an OOM kill in the middle of a build. Without
    /// `size=` a tmpfs may take half of the node's memory. Before Linux 6.6 tmpfs has no `user.*`
    /// attributes, which an overlay in a user namespace needs: a rootless engine cannot use overlayfs
    /// there at all.
    ///
    /// ## When it is fine
    /// As root, overlayfs works on tmpfs, and a few small images in a job with memory to spare are
    /// quick: a warning, not an error. From Linux 6.6 on that holds for rootless engines too.
    ///
    /// ## How to fix
    /// An `emptyDir` without `medium: Memory`, a named volume instead of `--tmpfs /var/lib/docker`.
    ///
    /// ## References
    /// `tmpfs(5)`, `xattr(7)`, kernel `Documentation/filesystems/overlayfs.rst` (userxattr);
    /// <https://kubernetes.io/docs/concepts/storage/volumes/#emptydir>.
    "dataroot-on-tmpfs",
    "A data root is in memory (tmpfs)",
    { dockerd: Warning, kind: Warning, rootless: Error, buildkit: Warning },
    ["Memory cgroup out of memory", "Reason: OOMKilled", "reason:OOMKilled"]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let (groups, missing) = data_roots::affected(facts, plan, |root, filesystem| {
        matches!(filesystem.name(), "tmpfs" | "ramfs").then(|| in_memory(facts, root)).transpose()
    })?;
    let findings = groups.iter().map(|group| {
        let mount = group.filesystem.mount.as_ref();
        let size = mount.and_then(|m| m.super_option("size"));
        let limit = size.map_or_else(|| "no size=".into(), |size| format!("size={size}"));
        let place = group.mount_point;
        let finding = group
            .finding(&format!("on {} ({place}, {limit})", group.filesystem.name()))
            .evidence(format!("/proc/self/mountinfo: {place}"), limit);
        if group.has(DataRootOwner::RootlessDocker) && lacks_user_attributes(facts) {
            let docker = facts.versions.of(Component::Docker);
            return finding.rests_on(Component::Docker, &docker);
        }
        finding
    });
    Outcome::settled(findings.collect(), missing, Outcome::pass)
}

fn in_memory(facts: &Facts, root: &DataRoot) -> Result<Defect, Unknown> {
    let warn = |targets: &[Target]| {
        targets.iter().fold(Severities::NONE, |all, t| all.with(*t, Some(Severity::Warning)))
    };
    let severity = match root.owner {
        DataRootOwner::Docker | DataRootOwner::Containerd => warn(&[Target::Dockerd, Target::Kind]),
        DataRootOwner::Buildkit | DataRootOwner::RootlessBuildkit => warn(&[Target::Buildkit]),
        DataRootOwner::Podman | DataRootOwner::RootlessDocker => {
            facts.identity.namespaces.user.told()?;
            facts.kernel.version.told()?;
            if in_user_namespace(facts, root) && lacks_user_attributes(facts) {
                return Ok(Defect {
                    consequence:
                        "before Linux 6.6 tmpfs lacks user.* attributes, which an overlay in \
                                  a user namespace needs"
                            .into(),
                    ..driver::without_overlayfs(facts, root, driver::fuse_overlayfs(facts))?
                });
            }
            warn(&[Target::Rootless])
        }
        DataRootOwner::Kubelet => Severities::NONE,
    };
    Ok(Defect { severity, consequence: "images and containers count as memory".into() })
}

/// Whether the engine mounts in a user namespace; podman as root does not.
fn in_user_namespace(facts: &Facts, root: &DataRoot) -> bool {
    root.owner == DataRootOwner::RootlessDocker
        || facts.identity.euid.is_known_and(|euid| *euid != 0)
        || facts.identity.namespaces.user_is_private().is_yes()
}

fn lacks_user_attributes(facts: &Facts) -> bool {
    facts.kernel.version.is_known_and(|version| !version.at_least(6, 6))
}

#[cfg(test)]
mod tests;
