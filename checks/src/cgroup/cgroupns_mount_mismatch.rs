use alloc::{format, vec::Vec};

use super::{namespace, nesting};
use crate::{
    facts::{CgroupMount, CgroupVersion, Facts, Hierarchy, Tri},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
};

check! {
    /// ## What it looks at
    /// The root of the cgroup mounts below `/sys/fs/cgroup` in `/proc/self/mountinfo`, which the kernel shows
    /// relative to the reader's cgroup namespace: `/` if mount and namespace agree, `/../..` if the mount was
    /// made above the namespace.
    ///
    /// ## Why it matters
    /// Everything that handles cgroups joins `/sys/fs/cgroup` and the path from `/proc/PID/cgroup`. If the mount
    /// shows another directory than the namespace's root, that joins to a place that does not exist: runc
    /// fails with "no such file or directory", systemd cannot make `/init.scope`. On cgroup v1 it goes
    /// unnoticed, and inner cgroups land at the host's root. It comes from `unshare --cgroup` without a new
    /// mount, or from binding the host's `/sys/fs/cgroup` into a container that has a namespace of its own.
    ///
    /// ## When it is fine
    /// With root `/`. In the host's cgroup namespace a longer root is a bind of a sub-directory, which is what
    /// a debugger sees that entered only the mount namespace of a container. Mounts elsewhere than below
    /// `/sys/fs/cgroup` are no engine's business.
    ///
    /// ## How to fix
    /// Mount cgroup2 anew after the namespace has been made: `umount /sys/fs/cgroup`, then `mount -t cgroup2
    /// cgroup2 /sys/fs/cgroup`. Or leave out the volume for `/sys/fs/cgroup`, so that the engine mounts it.
    ///
    /// ## References
    /// `cgroup_namespaces(7)`, section on mountinfo; `proc_pid_mountinfo(5)`; coder/envbox pull request 169;
    /// freeipa-container issue 520.
    "cgroupns-mount-mismatch",
    "/sys/fs/cgroup shows another tree than the namespace",
    { dockerd: Error, kind: Error, rootless: Error, systemd: Error, buildkit: Warning },
    [
        "openat2 /sys/fs/cgroup/",
        "Failed to create /init.scope control group: No such file or directory",
        "could not find a log line that matches",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let version = *facts.cgroup.version.get()?;
    if version == CgroupVersion::None {
        return Ok(Outcome::not_applicable("no cgroup filesystem is mounted"));
    }
    let mounts = facts.cgroup.mounts.get()?;
    if version.is_v1() {
        return Ok(Outcome::of(legacy(mounts).into_iter().collect()));
    }
    let Some(mount) = facts.cgroup.unified_mount() else {
        return Ok(Outcome::not_applicable("cgroup2 is not mounted at /sys/fs/cgroup"));
    };
    if mount.root == "/" {
        return Ok(Outcome::pass());
    }
    // A root above the namespace is wrong in any namespace; one below is, if the namespace is not the
    // one that all paths are told in.
    if !leaves_the_namespace(mount) {
        facts.identity.namespaces.cgroup.get()?;
        if facts.identity.namespaces.cgroup_is_private() != Tri::Yes {
            return Ok(Outcome::pass());
        }
    }
    let summary = format!(
        "/sys/fs/cgroup shows {} of the hierarchy, seen from this cgroup namespace, and not its root",
        mount.root
    );
    Ok(Finding::new("/sys/fs/cgroup", CHECK.worst, summary)
        .evidence("mountinfo: root of /sys/fs/cgroup", mount.root.as_str())
        .remedy(
            Remedy::tasks(
                Place::Here,
                "mount the hierarchy anew, in the entrypoint before any daemon starts",
                nesting::remount(),
            )
            .then(nesting::prepared()),
        )
        .remedy(without_volume())
        .into())
}

fn without_volume() -> Remedy {
    Remedy::advice(
        Place::Container,
        "if the launcher mounts the host's /sys/fs/cgroup, take that volume out: the engine mounts the one \
         that agrees with the namespace",
    )
}

/// On version 1 nothing fails, but the tree in sight is one above the container's.
fn legacy(mounts: &[CgroupMount]) -> Option<Finding> {
    let outside: Vec<&CgroupMount> = mounts
        .iter()
        .filter(|m| m.hierarchy != Hierarchy::Unified)
        .filter(|m| m.mount_point.starts_with("/sys/fs/cgroup/") && leaves_the_namespace(m))
        .collect();
    let first = outside.first()?;
    let names = namespace::names(outside.iter().map(|m| &m.hierarchy));
    let summary = format!(
        "the mounts of {names} show {} from above this cgroup namespace: cgroups made here escape it",
        first.root
    );
    let finding = Finding::new(
        names,
        severities!(dockerd: Warning, kind: Warning, systemd: Warning, buildkit: Info),
        summary,
    );
    let finding = outside.iter().fold(finding, |finding, m| {
        finding.evidence(format!("mountinfo: root of {}", m.mount_point), m.root.as_str())
    });
    Some(finding.remedy(without_volume()))
}

fn leaves_the_namespace(mount: &CgroupMount) -> bool {
    mount.root.split('/').any(|component| component == "..")
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::{
        cgroup::testing::{findings, hybrid_vm, set_v1, v1_container, v1_pod},
        facts::{Fact, Why},
        testing::{healthy_container, healthy_vm, initial},
    };

    fn with_root(root: &str) -> Facts {
        let mut facts = healthy_container();
        if let Fact::Known(mounts) = &mut facts.cgroup.mounts {
            mounts[0].root = root.into();
        }
        facts
    }

    #[test]
    fn a_mount_from_above_the_namespace_is_found() {
        let found = findings(judged(&with_root("/../..")));
        assert_eq!(found[0].severity, CHECK.worst);
        assert!(found[0].summary.contains("/../.."));
    }

    #[test]
    fn it_needs_no_container() {
        let mut facts = healthy_vm();
        facts.cgroup.mounts = with_root("/../..").cgroup.mounts;
        assert_eq!(findings(judged(&facts)).len(), 1);
    }

    #[test]
    fn a_part_of_the_hierarchy_is_found_in_a_namespace_of_its_own_only() {
        let mut facts = with_root("/docker/0123456789abcdef");
        assert_eq!(findings(judged(&facts)).len(), 1);
        facts.identity.namespaces.cgroup = initial(4_026_531_835);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn a_name_with_two_dots_is_not_the_parent() {
        let mut facts = with_root("/a..b");
        facts.identity.namespaces.cgroup = initial(4_026_531_835);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn agreeing_mounts_pass() {
        for environment in [healthy_container, healthy_vm, v1_container, v1_pod, hybrid_vm] {
            assert_eq!(judged(&environment()), Ok(Outcome::pass()));
        }
    }

    #[test]
    fn mounts_elsewhere_are_not_judged() {
        let mut facts = with_root("/..");
        if let Fact::Known(mounts) = &mut facts.cgroup.mounts {
            mounts[0].mount_point = "/mnt/cgroup".into();
        }
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn on_v1_it_is_a_leak() {
        let mut facts = v1_container();
        set_v1(&mut facts, "/", "/../..");
        let found = findings(judged(&facts));
        assert_eq!(
            (found.len(), found[0].severity),
            (1, severities!(dockerd: Warning, kind: Warning, systemd: Warning, buildkit: Info))
        );
    }

    #[test]
    fn without_mounts_or_the_namespace_it_is_unknown() {
        let mut facts = with_root("/docker/0123456789abcdef");
        facts.identity.namespaces.cgroup = Fact::missing("/proc/self/ns/cgroup", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        facts.cgroup.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
