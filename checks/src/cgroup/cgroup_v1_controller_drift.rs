use alloc::{format, string::ToString, vec::Vec};

use crate::{
    facts::{Fact, Facts, Hierarchy, KubeletRoot, Missing},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy, Task},
    version::Component,
};

check! {
    /// ## What it looks at
    /// On cgroup v1, in a container: whether the directory `/kubelet`, which kubelets in nodes of kind have
    /// as their root, is in every hierarchy that kubelet asks for or only in some; whether its `cpuset.cpus`
    /// and `cpuset.mems` are filled; and whether the `misc` controller is mounted for a kind before 0.20.
    ///
    /// ## Why it matters
    /// On v1 each controller has a tree of its own, and nothing keeps them alike. kubelet with
    /// `--cgroup-root=/kubelet` stops with `cgroup-root ["kubelet"] doesn't exist` if one tree lacks it. A
    /// cpuset without CPUs or memory nodes refuses every process with `no space left on device`. `misc` came
    /// with Linux 5.13: node images of its time do not know it while a newer runc outside does, and their
    /// containers cannot be entered.
    ///
    /// ## When it is fine
    /// In no hierarchy at all: the entrypoint of kind's node image makes the directories. Hierarchies that
    /// kubelet does not ask for (`devices`, `blkio`, `freezer`, `rdma`) may lack it. On a host or VM such
    /// directories are left over and used by nobody. kind 0.20 and later takes `misc` away itself.
    ///
    /// ## How to fix
    /// Make the directory in every hierarchy and copy the parent's cpuset; better, boot the host with
    /// cgroup v2, which has one tree.
    ///
    /// ## References
    /// `cgroups(7)`, `cpuset(7)`; kind issues 1969, 2440 and 3223, pull request 3255; runc issue 3849.
    "cgroup-v1-controller-drift",
    "cgroup v1 hierarchies differ from each other",
    { kind: Error },
    [
        "invalid configuration: cgroup-root",
        "cgroup.procs: no space left on device",
        "no space left on device",
        "Failed to start ContainerManager",
    ]
}

/// The controllers without which kubelet takes a cgroup for absent (`cgroupManagerImpl.Validate`).
const KUBELET: [&str; 6] = ["cpu", "cpuacct", "cpuset", "memory", "pids", "hugetlb"];

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if !facts.cgroup.version.get()?.is_v1() {
        return Ok(Outcome::not_applicable("not cgroup v1"));
    }
    if !super::namespace::in_container(facts)? {
        return Ok(Outcome::not_applicable(
            "not a container: nodes of kind have trees of their own",
        ));
    }
    let mut findings: Vec<Finding> = misc(facts).into_iter().collect();
    let mut missing: Vec<Missing> = Vec::new();
    match &facts.cgroup.kubelet_roots {
        Fact::Known(roots) => {
            findings.extend(partial(roots));
            findings.extend(roots.iter().filter_map(empty_cpuset));
            missing.extend(roots.iter().flat_map(unread));
        }
        Fact::Missing(all) => missing.push(all.clone()),
    }
    Outcome::settled(findings, missing, Outcome::pass)
}

fn is_asked_for(root: &KubeletRoot) -> bool {
    match &root.hierarchy {
        Hierarchy::Controllers(names) => names.iter().any(|name| KUBELET.contains(&name.as_str())),
        Hierarchy::Named(name) => name == "systemd",
        Hierarchy::Unified => false,
    }
}

fn unread(root: &KubeletRoot) -> impl Iterator<Item = Missing> + '_ {
    let cpuset = root.cpuset.iter().flat_map(|set| [&set.cpus, &set.mems]);
    let texts = cpuset.filter_map(Fact::lack);
    root.exists.lack().into_iter().chain(texts)
}

fn partial(roots: &[KubeletRoot]) -> Option<Finding> {
    let asked: Vec<&KubeletRoot> = roots.iter().filter(|root| is_asked_for(root)).collect();
    let is =
        |root: &KubeletRoot, wanted: bool| root.exists.is_known_and(|exists| *exists == wanted);
    let here: Vec<&KubeletRoot> = asked.iter().copied().filter(|root| is(root, true)).collect();
    let lacking: Vec<&KubeletRoot> = asked.iter().copied().filter(|root| is(root, false)).collect();
    if here.is_empty() || lacking.is_empty() {
        return None;
    }
    let names = super::namespace::names(lacking.iter().map(|root| &root.hierarchy));
    let mut finding = Finding::new(
        names.as_str(),
        CHECK.worst,
        format!(
            "/kubelet is in {} hierarchies but not in {names}: kubelet does not start on it",
            here.len()
        ),
    );
    for root in here.iter().chain(&lacking) {
        let value = if is(root, true) { "exists" } else { "not found" };
        finding = finding.evidence(format!("stat {}", root.path), value);
    }
    Some(finding.remedy(Remedy::tasks(
        Place::Here,
        format!("make it in {names} too, before kubelet starts"),
        lacking.iter().map(|root| Task::CgroupDirectory {
            path: root.path.to_string(),
            make: true,
            cpuset: root.hierarchy.has("cpuset"),
        }),
    )))
}

fn empty_cpuset(root: &KubeletRoot) -> Option<Finding> {
    let cpuset = root.cpuset.as_ref()?;
    let (name, _) = [("cpuset.cpus", &cpuset.cpus), ("cpuset.mems", &cpuset.mems)]
        .into_iter()
        .find(|(_, value)| value.is_known_and(|value| value.is_empty()))?;
    let path = root.path.as_str();
    Some(
        Finding::new(
            path,
            severities!(kind: Warning),
            format!(
                "{path}/{name} is empty: processes cannot be moved there (no space left on device)"
            ),
        )
        .evidence(format!("{path}/{name}"), "empty")
        .remedy(Remedy::tasks(
            Place::Here,
            "copy the parent's cpuset, before kubelet starts",
            [Task::CgroupDirectory { path: path.into(), make: false, cpuset: true }],
        )),
    )
}

/// Said only of a kind that is known to be old.
fn misc(facts: &Facts) -> Option<Finding> {
    let kind = facts.versions.of(Component::Kind);
    if kind.is_assumed() || kind.version.at_least(0, 20) {
        return None;
    }
    let mount = facts.cgroup.mounts.known()?.iter().find(|mount| mount.hierarchy.has("misc"))?;
    let place = mount.mount_point.as_str();
    Some(
        Finding::new(
            "misc",
            severities!(kind: Warning),
            format!(
                "the misc controller is mounted at {place}, and kind {} does not know it",
                kind.version
            ),
        )
        .evidence(format!("/proc/self/mountinfo: {place}"), "misc")
        .remedy(Remedy::tasks(
            Place::Here,
            "take it away here; containers of this Docker then go without",
            [Task::Unmount { target: place.to_string(), remove: true }],
        ))
        .remedy(Remedy::advice(Place::Runtime, "use kind 0.20 or later, which does so itself")),
    )
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        cgroup::testing::{findings, hybrid_vm, v1_container, v1_pod},
        facts::{CgroupMount, Cpuset, Fact, Why},
        testing::{healthy_container, healthy_vm},
        version::Version,
    };

    fn root(controller: &str, exists: bool) -> KubeletRoot {
        KubeletRoot {
            hierarchy: Hierarchy::Controllers(vec![controller.into()]),
            path: format!("/sys/fs/cgroup/{controller}/kubelet").into(),
            exists: Fact::Known(exists),
            cpuset: None,
        }
    }

    fn with(roots: Vec<KubeletRoot>) -> Facts {
        let mut facts = v1_container();
        facts.cgroup.kubelet_roots = Fact::Known(roots);
        facts
    }

    fn cpuset(cpus: &str) -> KubeletRoot {
        let cpuset = Cpuset { cpus: Fact::Known(cpus.into()), mems: Fact::Known("0".into()) };
        KubeletRoot { cpuset: Some(cpuset), ..root("cpuset", true) }
    }

    #[test]
    fn a_directory_in_only_some_hierarchies_is_found() {
        let found = findings(judged(&with(vec![root("memory", true), root("cpuset", false)])));
        assert_eq!((found.len(), found[0].severity), (1, CHECK.worst));
        assert_eq!(found[0].subject, "cpuset");
        let commands = found[0].remedies[0].change.commands();
        assert_eq!(commands.len(), 3);
        assert_eq!(commands[0], "mkdir -p /sys/fs/cgroup/cpuset/kubelet");
        assert_eq!(
            commands[1],
            "cat /sys/fs/cgroup/cpuset/cpuset.cpus > /sys/fs/cgroup/cpuset/kubelet/cpuset.cpus"
        );
    }

    #[test]
    fn all_none_and_what_kubelet_does_not_ask_for_pass() {
        let all = vec![root("memory", true), root("pids", true), root("devices", false)];
        assert_eq!(judged(&with(all)), Ok(Outcome::pass()));
        let none = vec![root("memory", false), root("pids", false), root("devices", true)];
        assert_eq!(judged(&with(none)), Ok(Outcome::pass()));
        assert_eq!(judged(&v1_pod()), Ok(Outcome::pass()));
    }

    #[test]
    fn an_empty_cpuset_is_a_warning() {
        assert_eq!(
            findings(judged(&with(vec![cpuset("")])))[0].severity,
            severities!(kind: Warning)
        );
        assert_eq!(judged(&with(vec![cpuset("0-3")])), Ok(Outcome::pass()));
    }

    #[test]
    fn misc_is_said_of_an_old_kind_only() {
        let mut facts = with(vec![]);
        if let Fact::Known(mounts) = &mut facts.cgroup.mounts {
            mounts.push(CgroupMount {
                hierarchy: Hierarchy::Controllers(vec!["misc".into()]),
                mount_point: "/sys/fs/cgroup/misc".into(),
                ..mounts[0].clone()
            });
        }
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.versions.give(Component::Kind, Version::new(0, 17, 0));
        assert_eq!(findings(judged(&facts))[0].subject, "misc");
    }

    #[test]
    fn v2_and_machines_are_not_judged() {
        for facts in [healthy_container(), healthy_vm(), hybrid_vm()] {
            assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
        }
    }

    #[test]
    fn without_the_directories_it_is_unknown() {
        let mut facts = v1_container();
        facts.cgroup.kubelet_roots = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
