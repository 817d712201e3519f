use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::{Capability, CgroupMount, CgroupVersion, Facts, Hierarchy, Role, Tri, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
    remedy::{ContainerSetting, Remedy},
};

check! {
    /// ## What it looks at
    /// What systemd as PID 1 of this container could not make itself: a mount at `/run`, where it may not
    /// mount (no `CAP_SYS_ADMIN` in the bounding set); a cgroup filesystem; and on cgroup v1 the hierarchy named
    /// `systemd`, writable.
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
    "-/-/-/B/-",
    [
        "Failed to mount tmpfs at /run: Operation not permitted",
        "Failed to create /init.scope control group",
        "Failed to allocate manager object",
        "Failed to mount cgroup at /sys/fs/cgroup/systemd",
        "cannot determine cgroup we are running in",
        "Couldn't find an alternative telinit implementation to spawn",
        "Failed to mount API filesystems",
        "Freezing execution",
    ]
}

fn run(facts: &Facts) -> Verdict {
    if facts.runtime.container.is_no() {
        return Ok(Outcome::not_applicable("not a container"));
    }
    if facts.pid1.role == Role::Systemd {
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
    Ok(Outcome::of(findings))
}

fn can_mount(facts: &Facts) -> Result<bool, Unknown> {
    Ok(facts.capabilities.bounding.get()?.has(Capability::SYS_ADMIN))
}

fn run_directory(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    let mount = facts.mounts.get()?.at("/run");
    let summary = match mount {
        Some(mount) if mount.read_only() => "/run is mounted read-only",
        Some(_) => return Ok(None),
        None if can_mount(facts)? => return Ok(None),
        None => "/run is no mount of its own, and systemd may not mount one without CAP_SYS_ADMIN",
    };
    let options = mount.map_or_else(|| "no such mount".into(), |m| m.options.join(","));
    let finding = Finding::new("/run", CHECK.worst, summary)
        .evidence("/proc/self/mountinfo: /run", options)
        .remedy(Remedy::container(
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
            let writable = mounts.iter().any(|m| m.hierarchy == named && !m.read_only);
            // Where the hierarchy is not mounted at all: cgroup-hybrid-named-systemd.
            let Some(mount) = mounts.iter().find(refused).filter(|_| !writable) else {
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
mod tests {
    use super::*;
    use crate::{
        facts::{CapabilitySet, Fact, Fact::Known},
        testing::{healthy_container, healthy_vm},
    };

    /// What Docker gives without `--privileged`.
    fn unprivileged() -> Facts {
        let mut facts = healthy_container();
        facts.capabilities.bounding = Known(CapabilitySet(0xa804_25fb));
        facts
    }

    fn without_run(mut facts: Facts) -> Facts {
        if let Known(table) = &mut facts.mounts {
            table.rows.retain(|m| m.mount_point != "/run");
        }
        facts
    }

    fn subjects(facts: &Facts) -> Vec<String> {
        match run(facts) {
            Ok(Outcome::Found(findings)) => findings.into_iter().map(|f| f.subject).collect(),
            Ok(_) => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    fn named(facts: &mut Facts, read_only: bool) {
        facts.cgroup.version = Known(CgroupVersion::V1);
        facts.cgroup.mounts = Known(
            [CgroupMount {
                hierarchy: Hierarchy::Named("systemd".into()),
                mount_point: "/sys/fs/cgroup/systemd".into(),
                root: "/".into(),
                read_only,
                super_options: Vec::new(),
            }]
            .into(),
        );
    }

    #[test]
    fn without_a_mount_at_run_and_the_right_to_make_it_systemd_freezes() {
        assert_eq!(subjects(&without_run(unprivileged())), ["/run"]);
    }

    #[test]
    fn with_either_of_the_two_it_passes() {
        assert!(subjects(&unprivileged()).is_empty());
        assert!(subjects(&without_run(healthy_container())).is_empty());
    }

    #[test]
    fn a_read_only_named_hierarchy_is_found() {
        let mut facts = healthy_container();
        named(&mut facts, true);
        assert_eq!(subjects(&facts), ["/sys/fs/cgroup/systemd"]);
        named(&mut facts, false);
        assert!(subjects(&facts).is_empty());
    }

    #[test]
    fn hidden_cgroups_are_found_where_they_cannot_be_mounted() {
        let mut facts = unprivileged();
        facts.cgroup.version = Known(CgroupVersion::None);
        assert_eq!(subjects(&facts), ["/sys/fs/cgroup"]);
    }

    #[test]
    fn a_host_and_systemd_itself_are_not_judged() {
        assert!(matches!(run(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
        let mut facts = without_run(unprivileged());
        facts.pid1.role = Role::Systemd;
        assert!(matches!(run(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_the_mount_table_it_is_unknown_but_what_is_certain_is_told() {
        let mut facts = healthy_container();
        facts.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
        assert!(run(&facts).is_err());
        named(&mut facts, true);
        assert_eq!(subjects(&facts), ["/sys/fs/cgroup/systemd"]);
    }
}
