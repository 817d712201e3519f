use alloc::{format, string::String, vec, vec::Vec};

use super::namespace;
use crate::{
    facts::{CgroupMount, CgroupVersion, Facts, Hierarchy, Sandbox, Tri},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{Place, Remedy, Task},
    target::{Severity, Target},
    version::Component,
};

check! {
    /// ## What it looks at
    /// Whether every cgroup v1 hierarchy that the kernel has (`/proc/self/cgroup`, and the controllers of
    /// `/proc/cgroups` with a hierarchy) is mounted here according to `/proc/self/mountinfo`, and whether there
    /// is the hierarchy without controllers that is named `systemd`.
    ///
    /// ## Why it matters
    /// Hierarchies are the kernel's, mounts are ours. As soon as anything on the machine has mounted
    /// `name=systemd` or a controller, every process has a line for it in `/proc/PID/cgroup`, and containerd
    /// looks for its mount: "cannot find cgroup mount destination". dockerd does not start without `devices`.
    /// systemd, and with it each kind node, needs `name=systemd`; a new hierarchy can be made only in the
    /// kernel's initial cgroup namespace, so a node in a private one cannot help itself. Seen on hosts
    /// without systemd: WSL 2, Alpine, Gentoo, micro-VMs.
    ///
    /// Where no cgroup filesystem is mounted at all, an engine of either version finds nothing.
    ///
    /// ## When it is fine
    /// With cgroup v2 that is mounted. A controller with hierarchy 0 in `/proc/cgroups` is on v2 or unused, and one that is
    /// disabled on the kernel command line does not count. `cpu,cpuacct` mounted together are both there.
    /// A plain Docker daemon from 20.10 on does without `name=systemd` where the kernel has no such hierarchy at all.
    ///
    /// ## How to fix
    /// `mkdir -p /sys/fs/cgroup/systemd` and `mount -t cgroup -o none,name=systemd cgroup
    /// /sys/fs/cgroup/systemd`, on the host where there is no such hierarchy yet; the same with `-o memory` and
    /// so on for controllers, or the distribution's cgroupfs-mount.
    ///
    /// ## References
    /// `cgroups(7)`, named hierarchies; kernel `cgroup1_root_to_use()`; docker/for-linux issue 219; runc issue
    /// 1631; kata-containers issue 2014; rancher/rke issue 2859; microsoft/WSL issue 4189.
    "cgroup-hybrid-named-systemd",
    "A cgroup v1 hierarchy is not mounted",
    { dockerd: Error, kind: Error, systemd: Error, buildkit: Error },
    [
        "cannot find cgroup mount destination",
        "mountpoint for devices not found",
        "Devices cgroup isn't mounted",
        "Failed to mount cgroup at /sys/fs/cgroup/systemd",
        "could not find a log line that matches",
        "mountpoint for cpu not found",
        "error adding pid",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let version = *facts.cgroup.version.get()?;
    // gVisor's own: sandboxed-kernel says it.
    if version == CgroupVersion::None && facts.sandbox()? != Sandbox::Gvisor {
        return Ok(nothing_mounted(facts)?.into());
    }
    if !version.is_v1() {
        return Ok(Outcome::not_applicable("not cgroup v1"));
    }
    let mounts = facts.cgroup.mounts.get()?;
    let systemd = Hierarchy::Named("systemd".into());
    let missing = unmounted(facts, mounts);
    let mut findings = Vec::new();
    if !missing.is_empty() {
        findings.push(unmounted_finding(&missing));
    }
    if !missing.contains(&systemd) && namespace::mount_of(mounts, &systemd).is_none() {
        findings.push(absent_finding(facts, &systemd)?);
    }
    if findings.is_empty() {
        // Without the list of hierarchies nothing says that all of them are mounted.
        facts.cgroup.memberships.get()?;
    }
    Ok(Outcome::of(findings))
}

/// Engines look for hierarchies among the mounts.
fn nothing_mounted(facts: &Facts) -> Result<Finding, Unknown> {
    let missing: Vec<Hierarchy> =
        facts.cgroup.memberships.get()?.iter().map(|m| m.hierarchy.clone()).collect();
    let unified = missing.iter().all(|hierarchy| *hierarchy == Hierarchy::Unified);
    let mount = |kind: &str, target: &str| Task::Mount {
        kind: kind.into(),
        source: kind.into(),
        options: String::new(),
        target: target.into(),
        make: true,
    };
    let tasks: Vec<Task> = if unified {
        [mount("cgroup2", "/sys/fs/cgroup")].into()
    } else {
        // sysfs has no room for their directories.
        let v1 = missing.iter().filter(|hierarchy| **hierarchy != Hierarchy::Unified);
        [mount("tmpfs", "/sys/fs/cgroup")].into_iter().chain(v1.map(mount_step)).collect()
    };
    Ok(Finding::new(
        "/sys/fs/cgroup",
        severities!(dockerd: Error, kind: Error, buildkit: Error),
        "no cgroup filesystem is mounted: dockerd does not start, or runs no container",
    )
    .evidence("/proc/self/mountinfo", "no mount of cgroups")
    .remedy(Remedy::tasks(Place::Here, "mount it before any daemon starts", tasks)))
}

/// The hierarchies that the kernel has and that are mounted nowhere here.
fn unmounted(facts: &Facts, mounts: &[CgroupMount]) -> Vec<Hierarchy> {
    let is_missing = |hierarchy: &Hierarchy| namespace::mount_of(mounts, hierarchy).is_none();
    let mut missing: Vec<Hierarchy> =
        namespace::v1_memberships(facts).map(|m| m.hierarchy.clone()).filter(is_missing).collect();
    for row in facts.cgroup.controllers.known().into_iter().flatten() {
        let hierarchy = Hierarchy::Controllers(vec![row.name.as_str().into()]);
        let is_listed = missing.iter().any(|h| h.has(&row.name));
        if row.enabled && row.hierarchy != 0 && !is_listed && is_missing(&hierarchy) {
            missing.push(hierarchy);
        }
    }
    missing
}

fn unmounted_finding(missing: &[Hierarchy]) -> Finding {
    let names = namespace::names(missing);
    // runc lets every controller be absent but devices.
    let devices = missing.iter().any(|h| h.has("devices"));
    let has_systemd = missing.contains(&Hierarchy::Named("systemd".into()));
    let severity = severities!(dockerd: Error, kind: Error)
        .with(Target::Systemd, Some(if has_systemd { Severity::Error } else { Severity::Warning }))
        .with(Target::Buildkit, Some(if devices { Severity::Error } else { Severity::Info }));
    Finding::new(
        names.as_str(),
        severity,
        format!("in use on this machine, but not mounted here: {names}"),
    )
    .evidence("/proc/self/cgroup, /proc/cgroups", names.as_str())
    .evidence("/proc/self/mountinfo", "no mount of them")
    .remedy(Remedy::tasks(
        Place::Here,
        format!("mount {names}, before any daemon starts"),
        missing.iter().map(mount_step),
    ))
}

fn absent_finding(facts: &Facts, systemd: &Hierarchy) -> Result<Finding, Unknown> {
    let docker = facts.versions.sure(Component::Docker)?;
    // Releases of before 20.10 look for it as for every other.
    let wants = !docker.version.at_least(20, 10);
    let dockerd = if wants { Severity::Error } else { Severity::Info };
    let is_initial = facts.identity.namespaces.cgroup_is_private() == Tri::No;
    let place = if is_initial { Place::Here } else { Place::Host };
    Ok(Finding::new(
        "name=systemd",
        severities!(kind: Error, systemd: Error).with(Target::Dockerd, Some(dockerd)),
        "there is no cgroup v1 hierarchy name=systemd, which systemd needs, and with it each kind node",
    )
    .evidence("/proc/self/cgroup", "no line name=systemd")
    .evidence("/proc/self/mountinfo", "no mount with name=systemd")
    .remedy(Remedy::tasks(
        place,
        "make the hierarchy; only the kernel's initial cgroup namespace may",
        [mount_step(systemd)],
    ))
    .rests_on(Component::Docker, &docker))
}

fn mount_step(hierarchy: &Hierarchy) -> Task {
    let (directory, options) = match hierarchy {
        Hierarchy::Named(name) => (name.clone(), format!("none,name={name}")),
        other => (format!("{other}"), format!("{other}")),
    };
    Task::Mount {
        kind: "cgroup".into(),
        source: "cgroup".into(),
        options,
        target: format!("/sys/fs/cgroup/{directory}"),
        make: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cgroup::testing::{findings, hybrid_vm, v1_container, v1_pod},
        facts::{Fact, Why},
        testing::healthy_container,
    };

    fn without(wanted: impl Fn(&Hierarchy) -> bool) -> Facts {
        let mut facts = v1_container();
        if let Fact::Known(mounts) = &mut facts.cgroup.mounts {
            mounts.retain(|m| !wanted(&m.hierarchy));
        }
        facts
    }

    fn is_systemd(hierarchy: &Hierarchy) -> bool {
        *hierarchy == Hierarchy::Named("systemd".into())
    }

    #[test]
    fn a_named_hierarchy_without_its_mount_is_found() {
        let found = findings(judged(&without(is_systemd)));
        assert_eq!(
            (found.len(), found[0].severity),
            (1, severities!(dockerd: Error, kind: Error, systemd: Error, buildkit: Info))
        );
        let commands = [
            "mkdir -p /sys/fs/cgroup/systemd",
            "mount -t cgroup -o 'none,name=systemd' cgroup /sys/fs/cgroup/systemd",
        ];
        assert_eq!(found[0].remedies[0].change.commands(), commands);
    }

    #[test]
    fn without_devices_nothing_runs() {
        let found = findings(judged(&without(|h| h.has("devices"))));
        assert_eq!(
            (found.len(), found[0].severity),
            (1, severities!(dockerd: Error, kind: Error, systemd: Warning, buildkit: Error))
        );
        assert_eq!(found[0].subject, "devices");
    }

    #[test]
    fn where_the_kernel_has_no_such_hierarchy_only_systemd_misses_it() {
        let mut facts = without(is_systemd);
        if let Fact::Known(memberships) = &mut facts.cgroup.memberships {
            memberships.retain(|m| !is_systemd(&m.hierarchy));
        }
        let found = findings(judged(&facts));
        assert_eq!(
            (found.len(), found[0].severity),
            (1, severities!(dockerd: Info, kind: Error, systemd: Error))
        );
        assert_eq!(found[0].remedies[0].place, Place::Host);
        facts.versions.give(Component::Docker, crate::version::Version::new(19, 3, 0));
        let found = findings(judged(&facts));
        assert_eq!(found[0].severity.get(Target::Dockerd), Some(Severity::Error));
    }

    #[test]
    fn whole_v1_environments_pass() {
        for facts in [v1_container(), v1_pod(), hybrid_vm()] {
            assert_eq!(judged(&facts), Ok(Outcome::pass()));
        }
    }

    #[test]
    fn co_mounted_unused_and_disabled_controllers_pass() {
        let mut facts = v1_container();
        if let Fact::Known(memberships) = &mut facts.cgroup.memberships {
            memberships[0].hierarchy = Hierarchy::Controllers(vec!["cpu".into()]);
        }
        if let Fact::Known(rows) = &mut facts.cgroup.controllers {
            rows[4].hierarchy = 9;
            rows[4].enabled = false;
        }
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn v2_is_not_judged() {
        assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_mounts_or_memberships_it_is_unknown() {
        let mut facts = v1_container();
        facts.cgroup.memberships = Fact::missing("/proc/self/cgroup", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        facts.cgroup.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }

    #[test]
    fn where_nothing_is_mounted_all_of_it_is_mounted_first() {
        let mut facts = v1_container();
        facts.cgroup.version = Fact::Known(CgroupVersion::None);
        facts.cgroup.mounts = Fact::Known(vec![]);
        let found = findings(judged(&facts));
        assert_eq!(found[0].severity, severities!(dockerd: Error, kind: Error, buildkit: Error));
        let commands = found[0].remedies[0].change.commands().join("\n");
        assert!(commands.contains("mount -t tmpfs tmpfs /sys/fs/cgroup"), "{commands}");
        assert!(commands.contains("-o devices"), "{commands}");
        let mut unified = healthy_container();
        unified.cgroup.version = Fact::Known(CgroupVersion::None);
        unified.cgroup.mounts = Fact::Known(vec![]);
        let commands = findings(judged(&unified))[0].remedies[0].change.commands().join("\n");
        assert!(commands.contains("mount -t cgroup2 cgroup2 /sys/fs/cgroup"), "{commands}");
        unified.runtime.sandbox = Sandbox::Gvisor;
        assert!(matches!(judged(&unified), Ok(Outcome::NotApplicable(_))));
        unified.runtime.sandbox = Sandbox::Unknown;
        unified.kernel.release = Fact::missing("uname", Why::Io(5));
        assert!(judged(&unified).is_err(), "it may be gVisor");
        facts.cgroup.memberships = Fact::missing("/proc/self/cgroup", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
