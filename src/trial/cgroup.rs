//! A cgroup where a daemon would make its own, a process in it, and a cgroup namespace.

use std::{
    fs,
    path::{Path, PathBuf},
};

use dind_doctor_checks::facts::{Action, CgroupMount, CgroupVersion, Facts, Hierarchy, TrialName};
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
            steps.about("", false);
            remount(steps, "cgroup2", None);
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
    let mounts = facts.cgroup.mounts.known().into_iter().flatten();
    let mounts: Vec<CgroupMount> = mounts
        .filter(|mount| mount.hierarchy != Hierarchy::Unified && !mount.read_only)
        .filter(|mount| mount.mount_point.starts_with("/sys/fs/cgroup/"))
        .cloned()
        .collect();
    if mounts.is_empty() {
        return Plan::skipped(
            TrialName::Cgroup,
            ROOT,
            "no hierarchy of version 1 is mounted writable",
        );
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
                steps.about(&options, false);
                remount(steps, "cgroup", Some(&options));
            });
        }
    })
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
fn remount(steps: &mut Steps, fstype: &str, options: Option<&str>) -> Option<()> {
    namespace::mounts(steps)?;
    steps.step(Action::Unshare, || unshare(CloneFlags::CLONE_NEWCGROUP))?;
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
