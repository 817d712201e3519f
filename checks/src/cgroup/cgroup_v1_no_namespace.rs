use alloc::{format, vec::Vec};

use super::namespace;
use crate::{
    facts::{CgroupMount, Facts, Membership, Tri},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, ParentOf, Place, Remedy, Task},
    target::{Severity, Target},
};

check! {
    /// ## What it looks at
    /// For each cgroup v1 hierarchy the path in `/proc/self/cgroup` and the root of its mount in
    /// `/proc/self/mountinfo`, and whether the cgroup namespace (`/proc/self/ns/cgroup`) is the container's
    /// own. Kubernetes never makes one on v1; Docker only when asked; kernels before 4.6 cannot. With
    /// `--active`, whether such a namespace with a mount of its own works here, which is the remedy.
    ///
    /// ## Why it matters
    /// The engine mounts the container's own cgroup over the root of each hierarchy, but
    /// `/proc/PID/cgroup` still shows paths of the host. A kubelet or cAdvisor that looks them up finds
    /// nothing (`root container [kubepods] doesn't exist`), and in a kind node the pods of the outer cluster
    /// come into sight: see stray-kubepods-cgroup. If the host's whole hierarchy is mounted instead (a
    /// volume at `/sys/fs/cgroup`), the inner daemon makes its cgroups at the root of the host, outside the
    /// container's limits, and they stay when the container is gone.
    ///
    /// ## When it is fine
    /// In a cgroup namespace of its own (every path is then `/`). In hierarchies in which the container sits
    /// in the root: each is judged for itself, because hosts put some controllers only in a sub-directory.
    /// On a host or VM, whose paths are right as they are. Where only the container's own part is mounted,
    /// what dockerd makes is below it and is gone with it (tried with Docker 20.10): only programs that read
    /// `/proc/PID/cgroup` are misled. A node in which `/kubelet` was made in every hierarchy lives on.
    ///
    /// ## How to fix
    /// `docker run --cgroupns=private` (kernel 4.6, Docker 20.10); in a pod start the daemon through
    /// `unshare --cgroup`; do not mount the host's `/sys/fs/cgroup`, or give the daemon
    /// `--cgroup-parent=<own path>/docker`. kind 0.20 and later gives its nodes a namespace. Best of all, cgroup
    /// v2 on the host. Left-over directories are removed with rmdir, leaves first; kill nothing.
    ///
    /// ## References
    /// `cgroup_namespaces(7)`; kind issues 303, 1614 and 2440, pull requests 993 and 1747; Kubernetes issues
    /// 18202 and 95488.
    "cgroup-v1-no-namespace",
    "cgroup v1 without a cgroup namespace shows host paths",
    { dockerd: Warning, kind: Error, systemd: Warning, buildkit: Info },
    [
        "Failed to get system container stats for",
        "failed to initialize top level QOS containers",
        "Your kernel does not support cgroup namespaces",
        "cgroupns not enabled! Please use cgroup v2",
        "found, removing pod cgroups",
        "Failed to start ContainerManager",
    ],
    trials: [Cgroup]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if !facts.cgroup.version.get()?.is_v1() {
        return Ok(Outcome::not_applicable("not cgroup v1"));
    }
    if !namespace::in_container(facts)? {
        return Ok(Outcome::not_applicable("not a container: paths of the host are right here"));
    }
    if namespace::is_own(facts)? {
        return Ok(namespace::pass(facts));
    }
    let mounts = facts.cgroup.mounts.get()?;
    facts.cgroup.memberships.get()?;
    let (whole, bound): (Vec<Seen>, Vec<Seen>) = namespace::v1_memberships(facts)
        .filter(|m| m.path != "/" && !m.path.starts_with("/.."))
        .filter_map(|m| Some((m, namespace::mount_of(mounts, &m.hierarchy)?)))
        .partition(|(_, mount)| mount.root == "/");
    let findings: Vec<Finding> = [finding(facts, &whole, true), finding(facts, &bound, false)]
        .into_iter()
        .flatten()
        .collect();
    if !findings.is_empty() {
        namespace::in_container(facts)?;
    }
    Ok(Outcome::of(findings))
}

/// Where the doctor is in a hierarchy, and what of it is mounted.
type Seen<'a> = (&'a Membership, &'a CgroupMount);

/// The hierarchies in which the host's whole tree is mounted, or those in which only a part is.
fn finding(facts: &Facts, seen: &[Seen<'_>], whole: bool) -> Option<Finding> {
    // What people mean by "the container's path" is that of memory, or systemd's.
    let (first, _) = seen.iter().find(|(m, _)| m.hierarchy.has("memory")).or(seen.first())?;
    let path = first.path.as_str();
    let hierarchies = namespace::names(seen.iter().map(|(m, _)| &m.hierarchy));
    let in_pod = seen.iter().any(|(m, _)| namespace::is_below_kubepods(&m.path));
    let apart = namespace::nodes_get_their_own(facts) || namespace::kubelet_is_apart(facts);
    let kind = if (whole || in_pod) && !apart { Severity::Error } else { Severity::Warning };
    // What dockerd makes below the part that is mounted is the container's, and ends with it.
    let dockerd = if whole && !namespace::parent_is_below(facts, path) {
        Severity::Warning
    } else {
        Severity::Info
    };
    let severity = severities!(systemd: Warning, buildkit: Info)
        .with(Target::Dockerd, Some(dockerd))
        .with(Target::Kind, Some(kind));
    let summary = if whole {
        format!(
            "the host's whole hierarchy is mounted for {hierarchies}: cgroups made here land outside {path}"
        )
    } else {
        format!("no cgroup namespace for {hierarchies}: /proc/self/cgroup says {path}")
    };
    let mut finding = Finding::new(hierarchies, severity, summary);
    for (membership, mount) in seen {
        let name = &membership.hierarchy;
        finding = finding
            .evidence(format!("/proc/self/cgroup: {name}"), membership.path.as_str())
            .evidence(format!("mountinfo: root of {}", mount.mount_point), mount.root.as_str());
    }
    if !whole {
        finding = namespace::evidence(facts, finding);
    }
    let remedies = if whole { without_the_hosts(path) } else { own_namespace(facts) };
    Some(remedies.into_iter().fold(finding, Finding::remedy))
}

fn without_the_hosts(path: &str) -> Vec<Remedy> {
    [
        Remedy::advice(
            Place::Container,
            "do not mount the host's /sys/fs/cgroup into the container: the engine mounts what belongs to it",
        ),
        // The path is that of this container: the next one has another.
        Remedy::tasks(
            Place::Image,
            format!("keep the daemon's cgroups below the container's own ({path} now): in the entrypoint"),
            [Task::CgroupParent(ParentOf::Memory)],
        ),
    ]
    .into()
}

fn own_namespace(facts: &Facts) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    if namespace::are_supported(facts) {
        if facts.runtime.kubernetes != Tri::Yes {
            remedies.push(Remedy::container(
                "start the container with a cgroup namespace of its own (Docker 20.10 and later)",
                [ContainerSetting::PrivateCgroupNamespace],
            ));
        }
        // What is mounted is the container's own cgroup, so it is the new namespace's root as it stands.
        if namespace::can_be_made(facts) {
            remedies.push(Remedy::tasks(
                Place::Image,
                "start the daemon in a cgroup namespace of its own, in the entrypoint (unshare of util-linux: \
                 BusyBox's has no --cgroup)",
                [Task::CgroupNamespace { command: "dockerd".into(), prepared: false }],
            ));
        }
    }
    remedies.push(Remedy::advice(
        Place::Host,
        "boot the host with cgroup v2, where engines make the namespace by default (kernel 4.6 at least)",
    ));
    remedies
}

#[cfg(test)]
mod tests;
