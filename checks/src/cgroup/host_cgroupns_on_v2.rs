use alloc::format;

use super::{namespace, nesting};
use crate::{
    facts::{CgroupVersion, Engine, Fact, Facts, Hierarchy, Role, Sandbox, Tri},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, ParentOf, Place, Remedy, Task},
    target::{Severities, Severity, Target},
};

check! {
    /// ## What it looks at
    /// On cgroup v2: whether the cgroup namespace (`/proc/self/ns/cgroup`) is the host's, the container's
    /// path in `/proc/self/cgroup`, and whether the whole hierarchy is mounted writable at `/sys/fs/cgroup`.
    /// With `--active`, whether a namespace with a mount of its own works here, which is the remedy.
    ///
    /// ## Why it matters
    /// containerd and CRI-O give a privileged pod the host's cgroup namespace and the whole hierarchy, where
    /// Docker gives even a privileged container a namespace of its own. dockerd then makes `/docker/<id>` at
    /// the root of the *node*: the inner containers run outside the pod's limits and accounting, a build
    /// that runs away takes the node's memory, and the directories outlive the pod. Nothing fails loudly.
    /// systemd that sits in the host's root cgroup would manage the host's tree.
    ///
    /// ## When it is fine
    /// On a host or VM, where the same facts hold and are right. With a read-only mount, or with only the
    /// container's own cgroup mounted: nothing can be made outside. A process in the root cgroup shows `/`
    /// too, so the path alone proves nothing. With `docker run --cgroupns=host` it is what was asked for: systemd and
    /// rootless engines are told as information. dockerd's containers still land outside, and their cgroups were
    /// there after the outer container had ended (tried with Docker 20.10), which few ask for.
    ///
    /// ## How to fix
    /// In a pod, start the daemon in a cgroup namespace of its own with a fresh mount, after moving all
    /// processes to a leaf; or give it `--cgroup-parent=<own path>/docker`. Take the path from
    /// `/proc/self/cgroup` at start: it differs between QoS classes. With Docker: `--cgroupns=private`.
    ///
    /// ## References
    /// `cgroup_namespaces(7)`; containerd `container_create.go`, CRI-O `setupCgroupNamespace`; Kubernetes issues
    /// 112937, 119669 and 119853; moby issue 45378; coder/envbox pull request 169; kubernetes/test-infra pull
    /// request 37440.
    "host-cgroupns-on-v2",
    "Inner containers escape the limits of this one",
    { dockerd: Warning, kind: Warning, rootless: Error, systemd: Error, buildkit: Warning },
    ["/sys/fs/cgroup/memory.max: No such file"],
    trials: [Cgroup]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    match facts.cgroup.version.get()? {
        CgroupVersion::V2 => {}
        CgroupVersion::None => {
            return Ok(Outcome::not_applicable("no cgroup filesystem is mounted"));
        }
        CgroupVersion::V1 | CgroupVersion::Hybrid => {
            return Ok(Outcome::not_applicable("cgroup v1: see cgroup-v1-no-namespace"));
        }
    }
    if facts.sandbox()? == Sandbox::Kata {
        return Ok(Outcome::not_applicable(
            "a VM of Kata Containers: the cgroups are its own kernel's",
        ));
    }
    if !namespace::in_container(facts)? {
        return Ok(Outcome::not_applicable("not a container: the whole hierarchy is its own"));
    }
    if namespace::is_own(facts)? {
        return Ok(namespace::pass(facts));
    }
    facts.cgroup.mounts.get()?;
    let Some(mount) = facts.cgroup.unified_mount() else {
        return Ok(Outcome::not_applicable("cgroup2 is not mounted at /sys/fs/cgroup"));
    };
    if mount.read_only {
        return Ok(Outcome::not_applicable("/sys/fs/cgroup is read-only: no cgroup can be made"));
    }
    if mount.root != "/" {
        return Ok(Outcome::pass());
    }
    let memberships = facts.cgroup.memberships.get()?;
    let Some(own) = memberships.iter().find(|m| m.hierarchy == Hierarchy::Unified) else {
        return Ok(Outcome::not_applicable("/proc/self/cgroup has no line of cgroup v2"));
    };
    namespace::in_container(facts)?;
    let mut found = finding(facts, &own.path);
    if namespace::parent_is_below(facts, &own.path) {
        // What dockerd makes stays below; other engines still go astray.
        found.severity = found.severity.with(Target::Dockerd, None).with(Target::Kind, None);
        found = found.evidence("dockerd: cgroup-parent", "below the container's own cgroup");
    }
    Ok(Outcome::of_or(
        [found].into_iter().filter(|found| found.severity != Severities::NONE).collect(),
        Outcome::pass,
    ))
}

fn finding(facts: &Facts, path: &str) -> Finding {
    let asked_for = facts.runtime.kubernetes != Tri::Yes
        && matches!(facts.runtime.engine, Engine::Docker | Engine::Podman);
    let in_root = path == "/";
    let summary = if in_root {
        "the container sits in the root of the host's cgroup hierarchy, and can write to it".into()
    } else {
        format!(
            "the cgroup namespace is the host's{}: cgroups made at /sys/fs/cgroup land outside {path}",
            if asked_for { " (--cgroupns=host)" } else { "" }
        )
    };
    let namespace = facts.identity.namespaces.cgroup.known();
    let mut finding = Finding::new("/sys/fs/cgroup", severity(facts, asked_for, in_root), summary)
        .evidence(
            "/proc/self/ns/cgroup",
            namespace.map_or_else(|| "unknown".into(), |n| format!("cgroup:[{}]", n.inode)),
        )
        .evidence("/proc/self/cgroup", format!("0::{path}"))
        .evidence("mountinfo: root of /sys/fs/cgroup", "/, writable");
    if facts.runtime.kubernetes != Tri::Yes {
        // The namespace alone leaves processes in its root, and no controllers for containers.
        finding = finding.remedy(
            Remedy::container(
                "start the container with a cgroup namespace of its own",
                [ContainerSetting::PrivateCgroupNamespace],
            )
            .then(nesting::prepared()),
        );
    }
    finding = namespace::evidence(facts, finding);
    if namespace::can_be_made(facts) {
        finding = finding.remedy(Remedy::tasks(
            Place::Image,
            "start the daemon in a cgroup namespace of its own, as the last line of the entrypoint (with \
             exec; unshare of util-linux: BusyBox's has no --cgroup)",
            [nesting::renamespaced("dockerd")],
        ));
    }
    // Where systemd is PID 1, dockerd takes the systemd driver, and the parent would be a slice.
    if !in_root && facts.pid1.role != Role::Systemd {
        finding = finding
            .remedy(Remedy::tasks(
                Place::Image,
                "keep the daemon's cgroups below the container's own, whatever that is called at each start: \
                 in the entrypoint, in place of dockerd",
                [Task::CgroupParent(ParentOf::Unified)],
            ));
    }
    finding
}

fn severity(facts: &Facts, asked_for: bool, in_root: bool) -> Severities {
    if in_root {
        // There are no limits that inner containers could escape, but systemd takes the cgroup that it
        // is started in as its own tree (manager_setup_cgroup), and that would be the host's.
        return Severities::NONE.with(Target::Systemd, Some(Severity::Error));
    }
    let unwritable =
        matches!(&facts.cgroup.base, Fact::Known(base) if base.writable == Fact::Known(false));
    let rootless = if unwritable { Severity::Error } else { Severity::Warning };
    let severity =
        severities!(dockerd: Warning, kind: Warning, systemd: Warning, buildkit: Warning)
            .with(Target::Rootless, Some(rootless));
    if asked_for {
        // Other engines make cgroups where their user did not look.
        severity.at_most_for(&[Target::Rootless, Target::Systemd], Severity::Info)
    } else {
        severity
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cgroup::testing::{POD, findings, v1_pod, v2_pod},
        facts::Why,
        remedy::Change,
        testing::{healthy_container, healthy_vm, initial, private},
    };

    #[test]
    fn a_privileged_pod_gets_a_cgroup_parent_that_is_computed_at_start() {
        let found = findings(judged(&v2_pod())).remove(0);
        assert_eq!(
            found.severity,
            severities!(dockerd: Warning, kind: Warning, rootless: Warning, systemd: Warning, buildkit: Warning)
        );
        assert!(found.summary.contains(POD));
        let commands: alloc::string::String =
            found.remedies.iter().map(|r| r.change.commands().concat()).collect();
        assert!(commands.contains("--cgroup-parent=\"$own/docker\""), "{commands}");
        assert!(!commands.contains(POD), "the next pod has another path: {commands}");
        assert!(!found.remedies.iter().any(|r| matches!(r.change, Change::Container(_))));
    }

    #[test]
    fn a_pod_in_a_kind_node_shares_the_nodes_namespace() {
        let mut facts = v2_pod();
        facts.identity.namespaces.cgroup = private(4_026_532_600);
        assert_eq!(findings(judged(&facts)).len(), 1);
    }

    #[test]
    fn a_namespace_that_was_tried_is_its_remedy_or_not() {
        use crate::facts::{Action, CGROUP_NAMESPACE, TrialName};
        let remedies = |what: Option<&str>| {
            let mut facts = v2_pod();
            let steps = [
                (Action::Unshare, "", None),
                (Action::Unshare, CGROUP_NAMESPACE, None),
                (Action::MountCgroup, "", what),
                (Action::ReadCgroup, "", None),
            ];
            let steps = if what.is_some() { &steps[..3] } else { &steps };
            crate::testing::tried(&mut facts, TrialName::Cgroup, "/sys/fs/cgroup", steps);
            let found = findings(judged(&facts)).remove(0);
            assert_eq!(found.proof(), crate::outcome::Proof::Trial);
            let unshares =
                found.remedies.iter().any(|r| r.change.commands().concat().contains("unshare"));
            (found.evidence.last().unwrap().value.clone(), unshares)
        };
        assert_eq!(remedies(None), ("worked".into(), true));
        assert_eq!(remedies(Some("EPERM")), ("EPERM".into(), false));
    }

    #[test]
    fn what_was_asked_for_is_information_but_for_engines_that_leave_cgroups_behind() {
        let mut facts = v2_pod();
        facts.runtime.kubernetes = Tri::No;
        facts.runtime.engine = Engine::Docker;
        let found = findings(judged(&facts)).remove(0);
        assert_eq!(
            found.severity,
            severities!(dockerd: Warning, kind: Warning, rootless: Info, systemd: Info, buildkit: Warning)
        );
        assert!(matches!(found.remedies[0].change, Change::Container(_)));
    }

    #[test]
    fn a_rootless_engine_has_nowhere_to_write() {
        let mut facts = v2_pod();
        if let Fact::Known(base) = &mut facts.cgroup.base {
            base.writable = Fact::Known(false);
        }
        let severity = findings(judged(&facts))[0].severity;
        assert_eq!(severity.get(Target::Rootless), Some(Severity::Error));
    }

    #[test]
    fn in_the_hosts_root_only_systemd_is_a_danger() {
        let mut facts = healthy_container();
        facts.identity.namespaces.cgroup = initial(4_026_531_835);
        facts.cgroup.memberships = Fact::Known(
            [crate::facts::Membership { hierarchy: Hierarchy::Unified, path: "/".into() }].into(),
        );
        let severity = findings(judged(&facts))[0].severity;
        assert_eq!(severity, severities!(systemd: Error));
    }

    #[test]
    fn a_namespace_of_its_own_passes() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    }

    #[test]
    fn a_host_and_v1_are_not_judged() {
        assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
        assert!(matches!(judged(&v1_pod()), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn nothing_can_be_made_through_a_read_only_or_partial_mount() {
        let mut facts = v2_pod();
        if let Fact::Known(mounts) = &mut facts.cgroup.mounts {
            mounts[0].read_only = true;
        }
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
        let mut facts = v2_pod();
        if let Fact::Known(mounts) = &mut facts.cgroup.mounts {
            mounts[0].root = POD.into();
        }
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn without_the_namespace_the_path_of_a_pod_is_enough_and_less_is_unknown() {
        let missing = Fact::missing("/proc/self/ns/cgroup", Why::NotPermitted);
        let mut facts = v2_pod();
        facts.identity.namespaces.cgroup = missing.clone();
        assert_eq!(findings(judged(&facts)).len(), 1);
        let mut facts = healthy_container();
        facts.identity.namespaces.cgroup = missing;
        assert!(judged(&facts).is_err());
    }
}
