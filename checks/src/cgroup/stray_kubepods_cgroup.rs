use alloc::{collections::BTreeSet, format, string::String, vec::Vec};

mod remedies;

use super::namespace;
use crate::{
    facts::{CgroupMount, EngineProcess, Facts, Hierarchy, PodTree, Sandbox, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    target::{Severities, Severity, Target},
    version::Component,
};

check! {
    /// ## What it looks at
    /// Pod cgroups (`/kubepods/…`, `/kubepods.slice/…`) at the root of the cgroup hierarchies that are mounted
    /// here, the processes in them, and whether a kubelet that runs here owns them. On cgroup v1 also
    /// whether this container's own path in `/proc/self/cgroup` is below kubepods without a cgroup namespace: a
    /// nested node will then see that path.
    ///
    /// ## Why it matters
    /// kubelet takes every pod cgroup below its cgroup root that it does not know for an orphan of its own,
    /// and kills the processes in it. On cgroup v1 the node image mounts each controller once more at the
    /// path that `/proc/self/cgroup` names, so that the pod of the *outer* cluster appears inside the nested
    /// node. The inner kubelet then kills the node that it runs in: random SIGKILLs, exit status 137,
    /// seconds or minutes after the start, and nothing in the log but "Orphaned pod found".
    ///
    /// ## When it is fine
    /// On a host, where the trees are its own kubelet's. In a cgroup namespace of its own: what is at
    /// `/kubepods` there was made there, by the node itself. Below `/kubelet` or `kubelet.slice`, and below the
    /// directory of another container, where a kubelet here does not look. With a kubelet that runs in this
    /// PID namespace, except for the pod that PID 1 itself is in. Where `/kubelet` is made in every controller
    /// already, it is a warning: a kubelet started with that root leaves the others alone. On cgroup v2 kind's nodes have a namespace
    /// of their own, so what is in sight is a danger only to a kubelet that is started right here.
    ///
    /// ## How to fix
    /// Give the node a cgroup namespace: `docker run --cgroupns=private` for this container, or
    /// `dockerd --default-cgroupns-mode=private` for the nodes (kernel 4.6, Docker 20.10); kind 0.20 and later asks
    /// for it by itself. Otherwise kubelet's `cgroup-root: /kubelet`, by a kubeadm patch in kind's
    /// configuration, with that directory made in every controller (with `cpuset.cpus` and `cpuset.mems` copied);
    /// node images of Kubernetes 1.20 and later do that themselves.
    ///
    /// ## References
    /// `cgroup_namespaces(7)`; kind issues 303 and 1614, pull requests 993 and 1747, and `fix_cgroup` in the node
    /// image's entrypoint; <https://d2iq.com/blog/running-kind-inside-a-kubernetes-cluster-for-continuous-integration>.
    "stray-kubepods-cgroup",
    "Inner kubelet kills pods of the outer cluster as orphans",
    { kind: Error },
    [
        "found, removing pod cgroups",
        "Attempt to kill process with pid",
        "kubelet isn't running or healthy",
        "kubelet is not healthy after",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let is_v1 = facts.cgroup.version.get()?.is_v1();
    if facts.sandbox()? == Sandbox::Kata {
        return Ok(Outcome::not_applicable(
            "a VM of Kata Containers: the cgroups are its own kernel's",
        ));
    }
    if !namespace::in_container(facts)? {
        return Ok(Outcome::not_applicable("not a container: pod cgroups are this machine's own"));
    }
    let own_namespace = namespace::is_own(facts);
    let trees = seen(facts, is_v1, own_namespace.as_ref());
    let finding = match &trees {
        Ok(trees) if !trees.is_empty() => Some(seen_finding(facts, is_v1, trees)),
        _ if is_v1 && own_namespace == Ok(false) => predicted(facts)?,
        _ => None,
    };
    if let Some(finding) = finding {
        namespace::in_container(facts)?;
        return Ok(finding.into());
    }
    own_namespace?;
    trees?;
    Ok(Outcome::pass())
}

/// The pod trees here that a kubelet with its default cgroup root would take for its own, and are not.
fn seen<'a>(
    facts: &'a Facts,
    is_v1: bool,
    own_namespace: Result<&bool, &Unknown>,
) -> Result<Vec<&'a PodTree>, Unknown> {
    // What is at the root of a namespace of its own was made in it; only a mount made above the
    // namespace can show others' trees.
    let from_above = match own_namespace {
        Ok(true) => {
            let mounts = facts.cgroup.mounts.get()?.iter();
            let above: Vec<_> = mounts.filter(|m| m.root.starts_with("/..")).collect();
            if above.is_empty() {
                return Ok(Vec::new());
            }
            Some(above)
        }
        _ => None,
    };
    let found = facts.cgroup.pod_trees.get()?;
    let in_sight: Vec<&PodTree> = found
        .trees
        .iter()
        // On a hybrid host kubelet uses version 1 only.
        .filter(|tree| is_at_root(tree) && !(is_v1 && tree.hierarchy == Hierarchy::Unified))
        .filter(|tree| {
            let is_shown = |m: &&CgroupMount| m.mount_point == tree.mount_point;
            from_above.as_ref().is_none_or(|above| above.iter().copied().any(|m| is_shown(&m)))
        })
        .collect();
    if in_sight.is_empty() {
        if found.truncated {
            return Err(Unknown::new("walk of the cgroup mounts", Why::TooLarge));
        }
        return Ok(in_sight);
    }
    own_namespace.map_err(Clone::clone)?;
    facts.engines.running.get()?;
    let mut kubelets = kubelets_here(facts).peekable();
    if kubelets.peek().is_none() {
        return Ok(in_sight);
    }
    if kubelets.all(has_cgroup_root) {
        return Ok(Vec::new());
    }
    // The kubelet's own pods and strays are side by side; only the pod around PID 1 is surely a stray.
    Ok(in_sight.into_iter().filter(|tree| holds_pid1(facts, tree)).collect())
}

/// The kubelets of this node; one in another mount namespace is that of a nested node, or of the host.
fn kubelets_here(facts: &Facts) -> impl Iterator<Item = &EngineProcess> {
    facts.engines.named("kubelet").filter(|k| k.same_mount_namespace != Some(false))
}

/// kubelet looks for its pods at the root of each mount, and nowhere deeper.
fn is_at_root(tree: &PodTree) -> bool {
    let first = tree.path.split('/').find(|component| !component.is_empty());
    first.is_some_and(|name| name == "kubepods" || name == "kubepods.slice")
}

fn has_cgroup_root(kubelet: &EngineProcess) -> bool {
    kubelet.flag("cgroup-root").is_some_and(|root| !root.trim_matches('/').is_empty())
}

fn holds_pid1(facts: &Facts, tree: &PodTree) -> bool {
    let inside = |path: &str| {
        path.strip_prefix(tree.path.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('/'))
    };
    let mut memberships = facts.cgroup.pid1_memberships.known().into_iter().flatten();
    tree.is_pod && memberships.any(|m| inside(&m.path))
}

fn seen_finding(facts: &Facts, is_v1: bool, trees: &[&PodTree]) -> Finding {
    let paths: BTreeSet<&str> = trees.iter().map(|t| t.path.as_str()).collect();
    let hierarchies: BTreeSet<&Hierarchy> = trees.iter().map(|t| &t.hierarchy).collect();
    let hierarchies = namespace::names(hierarchies);
    let first = paths.first().copied().unwrap_or_default();
    let more = match paths.len() {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let processes = trees.iter().map(|t| t.procs.count).max().unwrap_or(0);
    // A kind node on version 2 has a cgroup namespace, and does not see what is in sight here.
    let prepared = namespace::kubelet_is_apart(facts);
    let is_safe =
        !is_v1 || prepared || has_own_root(facts, first) || namespace::nodes_get_their_own(facts);
    let finding = Finding::new(
        first,
        severity(is_safe),
        format!(
            "pod cgroups of another kubelet in {hierarchies}: {first}{more}, with up to {processes} processes"
        ),
    );
    let finding = if prepared {
        finding.evidence("/kubelet in every hierarchy", "ready for kubelet --cgroup-root=/kubelet")
    } else {
        finding
    };
    let finding = trees.iter().fold(finding, |finding, tree| {
        finding.evidence(format!("{}{}", tree.mount_point, tree.path), processes_of(tree))
    });
    let cause = match (is_v1, namespace::is_own(facts)) {
        (_, Ok(true)) => "cgroupns-mount-mismatch",
        (true, _) => "cgroup-v1-no-namespace",
        (false, _) => "host-cgroupns-on-v2",
    };
    remedies::add(finding.caused_by(cause), facts, is_v1)
}

fn severity(is_safe: bool) -> Severities {
    let node = if is_safe { Severity::Warning } else { Severity::Error };
    Severities::NONE.with(Target::Kind, Some(node))
}

/// Whether the node that will run is known to look for its pods below /kubelet, and that sets them apart.
/// Only a version that is known can take the edge off, since the whole node is at stake; 1.20 itself is
/// in use with and without the cgroup root in the image.
fn has_own_root(facts: &Facts, path: &str) -> bool {
    let kubernetes = facts.versions.of(Component::Kubernetes);
    !kubernetes.is_assumed()
        && kubernetes.version.at_least(1, 21)
        && !namespace::is_in_kind_pod(path)
}

fn processes_of(tree: &PodTree) -> String {
    if tree.procs.count == 0 {
        return "no processes".into();
    }
    let pids: Vec<String> = tree.procs.pids.iter().take(20).map(|pid| format!("{pid}")).collect();
    let known = if pids.is_empty() { String::new() } else { format!("PIDs {}", pids.join(" ")) };
    let foreign = tree.procs.foreign;
    let others = if foreign > 0 {
        format!("{foreign} processes outside of this PID namespace")
    } else {
        String::new()
    };
    let both = if known.is_empty() || others.is_empty() { "" } else { ", " };
    format!("{known}{both}{others}")
}

/// Version 1 without a cgroup namespace: the node's own path is below this container's, and the node image
/// makes that path in each of its controllers.
fn predicted(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    facts.cgroup.memberships.get()?;
    // Where a kubelet runs already, this is the node, and what it sees is in sight here.
    if namespace::nodes_get_their_own(facts) || kubelets_here(facts).next().is_some() {
        return Ok(None);
    }
    let below: Vec<_> = namespace::v1_memberships(facts)
        .filter(|m| namespace::is_below_kubepods(&m.path))
        .collect();
    let Some(first) = below.first() else { return Ok(None) };
    let path = first.path.as_str();
    let finding = Finding::new(
        path,
        severity(has_own_root(facts, path)),
        format!(
            "a nested node will see its own pod, {path}, and its kubelet kills it as an orphan"
        ),
    )
    .caused_by("cgroup-v1-no-namespace");
    let finding = below.iter().fold(finding, |finding, m| {
        finding.evidence(format!("/proc/self/cgroup: {}", m.hierarchy), m.path.as_str())
    });
    Ok(Some(remedies::add(finding, facts, true)))
}

#[cfg(test)]
mod tests;
