use alloc::{format, string::String};

use crate::{
    facts::{CgroupMount, CgroupVersion, Facts, Role, Sandbox, Tri, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{Place, Remedy, Task},
};

check! {
    /// ## What it looks at
    /// The options of the cgroup2 superblock (`/proc/self/mountinfo`) on a machine whose cgroups systemd
    /// manages: `nsdelegate`, which systemd sets at boot.
    ///
    /// ## Why it matters
    /// All mounts of cgroup2 share one superblock. A privileged container that mounts it once more
    /// without the option takes it away from the whole machine, and `memory_recursiveprot` with it. Then a
    /// cgroup namespace is no border any more: processes can be moved across it, and a container can raise the
    /// limits of its own root. Memory protection of a parent no longer reaches its children.
    ///
    /// ## When it is fine
    /// Where something other than systemd mounts cgroup2, the option is absent by design. In a container
    /// with a cgroup namespace of its own it cannot be told who manages the host. Nothing fails at once:
    /// worth knowing.
    ///
    /// ## How to fix
    /// On the host: `mount -o remount,nsdelegate,memory_recursiveprot /sys/fs/cgroup`. It lasts until the next
    /// container that strips it; current containerd and Docker keep the options.
    ///
    /// ## References
    /// Kernel `Documentation/admin-guide/cgroup-v2.rst` (nsdelegate);
    /// <https://github.com/moby/moby/issues/50466>, <https://github.com/containerd/containerd/pull/12952>.
    "cgroup2-nsdelegate-stripped",
    "cgroup2 lost its nsdelegate option",
    { dockerd: Info, kind: Info, rootless: Info, systemd: Info, buildkit: Info },
    []
}

/// Options of the superblock that a remount has to repeat (`cgroup2_fs_parameters`).
const KEPT: [&str; 5] = [
    "favordynmods",
    "memory_hugetlb_accounting",
    "memory_localevents",
    "pids_localevents",
    "memory_recursiveprot",
];

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if *facts.cgroup.version.get()? != CgroupVersion::V2 {
        return Ok(Outcome::not_applicable("not cgroup v2"));
    }
    if facts.sandbox()? == Sandbox::Wsl2 {
        return Ok(Outcome::not_applicable("WSL mounts cgroup2 before systemd"));
    }
    facts.cgroup.mounts.get()?;
    let mount = facts
        .cgroup
        .unified_mount()
        .ok_or_else(|| Unknown::new("/proc/self/mountinfo: /sys/fs/cgroup", Why::NotFound))?;
    if mount.super_options.iter().any(|option| option == "nsdelegate") {
        return Ok(Outcome::pass());
    }
    facts.in_container()?;
    facts.identity.namespaces.cgroup.told()?;
    facts.cgroup.memberships.told()?;
    match manager(facts) {
        Some(evidence) => Ok(finding(facts, mount, evidence).into()),
        None => Ok(Outcome::not_applicable(
            "nothing here shows that systemd manages the host's cgroups",
        )),
    }
}

/// What shows that systemd mounted cgroup2: it is PID 1 of the machine, or the path in the machine's own
/// cgroup namespace is a unit's.
fn manager(facts: &Facts) -> Option<(String, String)> {
    if facts.runtime.container == Tri::No && facts.pid1.role == Role::Systemd {
        return Some(("/proc/1/exe".into(), "systemd".into()));
    }
    if !facts.identity.namespaces.cgroup_is_private().is_no() {
        return None;
    }
    let path = facts.cgroup.own_path()?;
    let top = path.split('/').nth(1)?;
    ["system.slice", "user.slice", "machine.slice", "kubepods.slice", "init.scope"]
        .contains(&top)
        .then(|| ("/proc/self/cgroup".into(), path.into()))
}

fn finding(facts: &Facts, mount: &CgroupMount, (source, value): (String, String)) -> Finding {
    let place = mount.mount_point.as_str();
    let mut options = String::from("remount,nsdelegate");
    let protects = facts.kernel.version.is_known_and(|version| version.at_least(5, 7));
    for name in KEPT {
        let is_set = mount.super_options.iter().any(|option| option == name);
        if is_set || name == "memory_recursiveprot" && protects {
            options = format!("{options},{name}");
        }
    }
    Finding::new(
        place,
        CHECK.worst,
        "cgroup2 is mounted without nsdelegate, which systemd sets: cgroup namespaces are no border any more",
    )
    .evidence(format!("/proc/self/mountinfo: {place}"), mount.super_options.join(","))
    .evidence(source, value)
    .remedy(Remedy::tasks(
        Place::Host,
        "set the options again; they are the whole machine's",
        [Task::Remount { options, target: place.into() }],
    ))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        cgroup::testing::{findings, v1_container, v2_pod},
        facts::{Fact, Hierarchy, Membership},
        testing::{healthy_container, healthy_vm},
    };

    fn stripped(mut facts: Facts, options: &[&str]) -> Facts {
        if let Fact::Known(mounts) = &mut facts.cgroup.mounts {
            mounts[0].super_options = options.iter().map(|o| (*o).into()).collect();
        }
        facts
    }

    #[test]
    fn a_machine_with_systemd_that_lost_the_option_is_told() {
        let found = findings(judged(&stripped(healthy_vm(), &["favordynmods", "rw"])));
        assert_eq!(found[0].severity, CHECK.worst);
        let command =
            "mount -o remount,nsdelegate,favordynmods,memory_recursiveprot /sys/fs/cgroup";
        assert_eq!(found[0].remedies[0].change.commands(), [command]);
    }

    #[test]
    fn a_pod_in_the_host_s_namespace_sees_who_manages_it() {
        let mut facts = stripped(v2_pod(), &["rw"]);
        assert!(
            matches!(judged(&facts), Ok(Outcome::NotApplicable(_))),
            "/kubepods is not systemd's"
        );
        let path = "/kubepods.slice/kubepods-pod1.slice/cri-containerd-1.scope";
        facts.cgroup.memberships =
            Fact::Known(vec![Membership { hierarchy: Hierarchy::Unified, path: path.into() }]);
        assert_eq!(findings(judged(&facts))[0].evidence[1].value, path);
    }

    #[test]
    fn without_systemd_or_behind_a_namespace_it_is_not_judged() {
        let mut machine = stripped(healthy_vm(), &["rw"]);
        machine.pid1.role = Role::Init;
        machine.cgroup.memberships =
            Fact::Known(vec![Membership { hierarchy: Hierarchy::Unified, path: "/".into() }]);
        for facts in [machine, stripped(healthy_container(), &["rw"]), v1_container()] {
            assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
        }
    }

    #[test]
    fn with_the_option_it_passes() {
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    }

    #[test]
    fn without_the_mounts_it_is_unknown() {
        let mut facts = healthy_vm();
        facts.cgroup.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
