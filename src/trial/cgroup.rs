//! A cgroup where a daemon would make its own, a process in it, and a cgroup namespace.

use std::{
    fs,
    path::{Path, PathBuf},
};

use dind_doctor_checks::facts::{
    Action, CGROUP_NAMESPACE, CgroupMount, CgroupVersion, Facts, Hierarchy, TrialName,
};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};

use super::{
    Description, Plan, namespace,
    steps::{Failure, Steps},
};

pub(super) const TRIAL: Description = Description {
    name: TrialName::Cgroup,
    does: "makes a cgroup where a daemon would (in every hierarchy of version 1), sets limits to none, \
           moves a process of its own into it, and mounts cgroups in a cgroup namespace of its own",
    loads: &[],
    plan,
};

/// Controllers that limits of `docker run` need, and those that only kubelet wants.
const DOCKER: [&str; 3] = ["cpu", "memory", "pids"];
const KUBELET: [&str; 2] = ["cpuset", "io"];

/// Hierarchies of version 1 in which a process can be moved without preparing anything; a cpuset has to
/// be given its CPUs first.
const MOVABLE: [&str; 4] = ["cpu", "devices", "memory", "pids"];

const ROOT: &str = "/sys/fs/cgroup";

fn plan(facts: &Facts) -> Vec<Plan> {
    let skipped = |why: &str| vec![Plan::skipped(TrialName::Cgroup, "", why)];
    match facts.cgroup.version.known() {
        Some(CgroupVersion::V2) => vec![unified()],
        Some(CgroupVersion::V1 | CgroupVersion::Hybrid) => vec![legacy(facts)],
        Some(CgroupVersion::None) => skipped("no cgroup filesystem is mounted"),
        None => skipped("the version of the cgroups is not known"),
    }
}

fn unified() -> Plan {
    Plan::new(TrialName::Cgroup, ROOT, vec![ROOT.into()], |steps, places| {
        if let Some(Some(place)) = places.first() {
            offered(steps, place);
            for limit in ["memory.max", "pids.max"] {
                steps.about(limit, true);
                steps.step(Action::SetLimit, || fs::write(place.join(limit), "max"));
            }
            steps.about("", true);
            enter(steps, place);
        }
        steps.in_child(|steps| {
            remount(steps, "", "cgroup2", None);
        });
    })
}

/// What the child has, which is what the base enables, and not only what the base has.
fn offered(steps: &mut Steps, place: &Path) {
    let controllers = fs::read_to_string(place.join("cgroup.controllers"));
    for name in DOCKER.into_iter().chain(KUBELET) {
        steps.about(name, DOCKER.contains(&name));
        let has = controllers.as_ref().map(|all| all.split_whitespace().any(|one| one == name));
        steps.step(Action::ChildController, || match has {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::seen("not enabled for children")),
            Err(error) => Err(Failure::seen(error.to_string())),
        });
    }
}

/// One process of our own, which ends in it.
fn enter(steps: &mut Steps, place: &Path) {
    steps.in_child(|steps| {
        let pid = std::process::id().to_string();
        steps.step(Action::EnterCgroup, || fs::write(place.join("cgroup.procs"), pid));
    });
}

fn legacy(facts: &Facts) -> Plan {
    let mounts = hierarchies(facts);
    if mounts.is_empty() {
        let why = "no hierarchy of version 1 is mounted in /sys/fs/cgroup";
        return Plan::skipped(TrialName::Cgroup, ROOT, why);
    }
    let places: Vec<PathBuf> =
        mounts.iter().map(|mount| PathBuf::from(mount.mount_point.as_str())).collect();
    Plan::new(TrialName::Cgroup, ROOT, places, move |steps, places| {
        for (mount, place) in mounts.iter().zip(places) {
            if let Some(place) = place {
                in_hierarchy(steps, &mount.hierarchy, place);
            }
        }
        let memory = mounts.iter().find(|mount| mount.hierarchy.has("memory"));
        if let Some(options) = memory.map(|mount| mount.hierarchy.to_string()) {
            steps.in_child(|steps| {
                remount(steps, &options, "cgroup", Some(&options));
            });
        }
    })
}

/// One mount of each hierarchy, the read-only ones too: what may be made in them is the question. Nodes of
/// kind mount the same cgroup once more below itself.
fn hierarchies(facts: &Facts) -> Vec<CgroupMount> {
    let mounts = facts.cgroup.mounts.known().into_iter().flatten();
    let mut found: Vec<CgroupMount> = Vec::new();
    for mount in mounts.filter(|mount| mount.hierarchy != Hierarchy::Unified) {
        let name = mount.mount_point.strip_prefix("/sys/fs/cgroup/");
        if name.is_some_and(|name| !name.contains('/'))
            && !found.iter().any(|known| known.hierarchy == mount.hierarchy)
        {
            found.push(mount.clone());
        }
    }
    found
}

fn in_hierarchy(steps: &mut Steps, hierarchy: &Hierarchy, place: &Path) {
    let limits = [("memory", "memory.limit_in_bytes", "-1"), ("pids", "pids.max", "max")];
    for (_, limit, none) in limits.iter().filter(|(name, ..)| hierarchy.has(name)) {
        steps.about(limit, true);
        steps.step(Action::SetLimit, || fs::write(place.join(limit), none));
    }
    if MOVABLE.iter().any(|name| hierarchy.has(name)) && !hierarchy.has("cpuset") {
        steps.about(&hierarchy.to_string(), true);
        enter(steps, place);
    }
}

/// In a process of its own: a cgroup namespace, and a mount in it. Never outside of a new namespace: in the
/// initial one, mounting sets options of the whole hierarchy.
fn remount(steps: &mut Steps, object: &str, fstype: &str, options: Option<&str>) -> Option<()> {
    steps.about(object, false);
    namespace::mounts(steps)?;
    steps.about(CGROUP_NAMESPACE, false);
    steps.step(Action::Unshare, || unshare(CloneFlags::CLONE_NEWCGROUP))?;
    steps.about(object, false);
    steps.step(Action::MountCgroup, || {
        // The root is always there; over a mount of the same hierarchy the kernel would say EBUSY.
        mount(Some(fstype), "/", Some(fstype), MsFlags::empty(), options)
    })?;
    steps.step(Action::ReadCgroup, || {
        let shown = fs::read_to_string("/proc/self/cgroup")?;
        match shown.lines().find(|line| !line.ends_with(":/")) {
            None => Ok(()),
            Some(line) => Err(Failure::seen(format!("not in its root: {line}"))),
        }
    })
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::facts::Fact;

    use super::*;

    #[test]
    fn each_hierarchy_of_version_1_is_tried_once() {
        let mount = |hierarchy: &str, mount_point: &str, read_only| CgroupMount {
            hierarchy: Hierarchy::Controllers(vec![hierarchy.into()]),
            mount_point: mount_point.into(),
            root: "/".into(),
            read_only,
            super_options: Vec::new(),
        };
        let mut facts = Facts::default();
        facts.cgroup.mounts = Fact::Known(vec![
            mount("memory", "/sys/fs/cgroup/memory", false),
            mount("pids", "/sys/fs/cgroup/pids", true),
            mount("memory", "/sys/fs/cgroup/memory/docker/0123", false),
            mount("cpu", "/elsewhere/cpu", false),
            mount("pids", "/sys/fs/cgroup/again", false),
        ]);
        let points: Vec<_> = hierarchies(&facts).into_iter().map(|m| m.mount_point).collect();
        assert_eq!(points, ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"]);
    }
}
