use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::{
        Action, Capability, CgroupMount, CgroupVersion, Facts, Hierarchy, Role, Step, Tri, Trial,
        TrialName, Why,
    },
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Remedy},
};

check! {
    /// ## What it looks at
    /// What systemd as PID 1 of this container could not make itself: a mount at `/run`, where it may not
    /// mount (no `CAP_SYS_ADMIN` in the bounding set); a cgroup filesystem; and on cgroup v1 the hierarchy named
    /// `systemd`, writable. With `--active` a tmpfs is mounted, and a cgroup made where systemd would.
    ///
    /// ## Why it matters
    /// systemd mounts a tmpfs at `/run` and makes `/init.scope` before it logs anything. If either fails
    /// it freezes, or exits with 255 and no word.
    ///
    /// ## When it is fine
    /// With `CAP_SYS_ADMIN` systemd mounts what it lacks. On a host, or where systemd is PID 1 already. A
    /// `/sys/fs/cgroup` that is read-only, of the host's namespace or of another view on cgroup v2 is judged
    /// by the checks of the area cgroup, and an init in front of systemd by init-flag-conflict. A kind node
    /// gets all this from kind. The stop signal `SIGRTMIN+3` and the variable `container` of what will be
    /// started cannot be seen.
    ///
    /// ## How to fix
    /// `docker run --privileged --cgroupns=private --tmpfs /run --tmpfs /tmp --stop-signal SIGRTMIN+3 -e
    /// container=docker IMAGE /sbin/init`, without a mount of the host's `/sys/fs/cgroup`; podman:
    /// `--systemd=always`.
    ///
    /// ## References
    /// <https://systemd.io/CONTAINER_INTERFACE/>; systemd `src/shared/mount-setup.c`; moby issue 42275; systemd issue
    /// 19245; freeipa-container issue 520; podman issue 6734.
    "systemd-prerequisites",
    "systemd lacks what it needs as PID 1 of this container",
    { systemd: Error },
    [
        "Failed to mount tmpfs at /run: Operation not permitted",
        "Failed to create /init.scope control group",
        "Failed to allocate manager object",
        "Failed to mount cgroup at /sys/fs/cgroup/systemd",
        "cannot determine cgroup we are running in",
        "Couldn't find an alternative telinit implementation to spawn",
        "Failed to mount API filesystems",
        "Freezing execution",
    ],
    trials: [Cgroup, Privilege]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if !facts.in_container()? {
        return Ok(Outcome::not_applicable("not a container"));
    }
    if facts.pid1.known_role()? == Role::Systemd {
        return Ok(Outcome::not_applicable("systemd is PID 1 here already"));
    }
    if facts.runtime.container == Tri::Unknown {
        return Err(Unknown::new("whether this is a container", Why::NotFound));
    }
    let mut findings = Vec::new();
    let mut missing = Vec::new();
    for result in [run_directory(facts), cgroups(facts)] {
        match result {
            Ok(found) => findings.extend(found),
            Err(unknown) => missing.extend(unknown.missing),
        }
    }
    if findings.is_empty() && !missing.is_empty() {
        return Err(Unknown { missing, remedy: None });
    }
    Ok(Outcome::of_or(findings, || {
        let worked =
            |tried: Option<(&Trial, &Step)>| tried.is_some_and(|(_, step)| step.refused.is_none());
        let all = worked(mounted(facts)) && worked(made(facts));
        if all { Outcome::proved() } else { Outcome::pass() }
    }))
}

/// How mounting a tmpfs went, which may fail for want of a directory too.
fn mounted(facts: &Facts) -> Option<(&Trial, &Step)> {
    let trial = facts.trials.complete(TrialName::Privilege)?;
    let mut steps = trial.steps(Action::MountTmpfs);
    let step = steps.find(|step| step.refused.is_none() || step.errno().is_some())?;
    Some((trial, step))
}

/// How making a cgroup went, where systemd makes init.scope.
fn made(facts: &Facts) -> Option<(&Trial, &Step)> {
    let trial = facts.trials.complete(TrialName::Cgroup)?;
    let named = Hierarchy::Named("systemd".into());
    let mut mounts = facts.cgroup.mounts.known().into_iter().flatten();
    let place = match mounts.find(|mount| mount.hierarchy == named && !mount.read_only) {
        Some(mount) => mount.mount_point.as_str(),
        None => "/sys/fs/cgroup",
    };
    Some((trial, trial.step(Action::MakeDirectory, place)?))
}

fn can_mount(facts: &Facts) -> Result<bool, Unknown> {
    Ok(facts.capabilities.bounding.get()?.has(Capability::SYS_ADMIN))
}

fn run_directory(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    let mount = facts.mounts.get()?.at("/run");
    let tried = mounted(facts);
    let refused = tried.filter(|(_, step)| step.refused.is_some());
    let summary = match mount {
        Some(mount) if mount.read_only() => "/run is mounted read-only",
        Some(_) => return Ok(None),
        None if refused.is_some() => "/run is no mount of its own, and systemd may not mount one",
        None if tried.is_some() || can_mount(facts)? => return Ok(None),
        None => "/run is no mount of its own, and systemd may not mount one without CAP_SYS_ADMIN",
    };
    let options = mount.map_or_else(|| "no such mount".into(), |m| m.options.join(","));
    let mut finding =
        Finding::new("/run", CHECK.worst, summary).evidence("/proc/self/mountinfo: /run", options);
    if let Some((trial, step)) = refused.filter(|_| mount.is_none()) {
        finding = finding.tried(trial, step);
    }
    let finding = finding.remedy(Remedy::container(
        "give the container a tmpfs at /run and /tmp",
        [ContainerSetting::Tmpfs("/run".into()), ContainerSetting::Tmpfs("/tmp".into())],
    ));
    Ok(Some(if mount.is_none() { finding.caused_by("privilege-missing") } else { finding }))
}

fn cgroups(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    let finding = |subject: &str, summary: String| {
        Finding::new(subject, CHECK.worst, summary).caused_by("privilege-missing").remedy(
            Remedy::container(
                "give the container writable cgroups in a namespace of its own",
                [ContainerSetting::Privileged, ContainerSetting::PrivateCgroupNamespace],
            ),
        )
    };
    match facts.cgroup.version.get()? {
        CgroupVersion::V2 => Ok(None),
        CgroupVersion::None if can_mount(facts)? => Ok(None),
        CgroupVersion::None => {
            let summary = "no cgroup filesystem is mounted, and systemd may not mount one";
            let place = "/sys/fs/cgroup";
            Ok(Some(
                finding(place, summary.into())
                    .evidence("/proc/self/mountinfo", format!("no cgroup filesystem at {place}")),
            ))
        }
        CgroupVersion::V1 | CgroupVersion::Hybrid => {
            let named = Hierarchy::Named("systemd".into());
            let mounts = facts.cgroup.mounts.get()?;
            let refused = |m: &&CgroupMount| m.hierarchy == named && m.read_only;
            let writable = mounts.iter().find(|m| m.hierarchy == named && !m.read_only);
            if let (Some(mount), Some((trial, step))) = (writable, made(facts)) {
                let place = mount.mount_point.as_str();
                let summary = format!("no cgroup can be made in {place}, nor /init.scope: {step}");
                let found = || finding(place, summary).tried(trial, step);
                return Ok(step.refused.is_some().then(found));
            }
            // Where the hierarchy is not mounted at all: cgroup-hybrid-named-systemd.
            let Some(mount) = mounts.iter().find(refused).filter(|_| writable.is_none()) else {
                return Ok(None);
            };
            let place = mount.mount_point.as_str();
            let summary = format!("{place} is mounted read-only: systemd cannot make /init.scope");
            Ok(Some(
                finding(place, summary)
                    .evidence(format!("/proc/self/mountinfo: {place}"), "read-only"),
            ))
        }
    }
}

#[cfg(test)]
mod tests;
