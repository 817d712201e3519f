//! Whose cgroup namespace this is, and what a cgroup path says about its owner.

use alloc::{string::String, vec::Vec};

use crate::{
    facts::{
        Action, CGROUP_NAMESPACE, CgroupMount, Fact, Facts, Hierarchy, Membership, Step, Tri,
        Trial, TrialName, Why,
    },
    outcome::{Finding, Outcome, Proof, Unknown},
    version::Component,
};

/// Whether the doctor is in a cgroup namespace that was made for this container. On a kernel without
/// cgroup namespaces it is not.
pub(super) fn is_own(facts: &Facts) -> Result<bool, Unknown> {
    // A container that shares the namespace of a nested node sees its own scope in its path, although
    // that namespace is not the kernel's initial one.
    if names_container(facts) {
        return Ok(false);
    }
    let namespace = &facts.identity.namespaces.cgroup;
    if namespace.why() == Some(Why::NotFound) {
        return Ok(false);
    }
    match namespace.get()?.initial {
        Tri::Yes => Ok(false),
        Tri::No => Ok(true),
        Tri::Unknown => Err(Unknown::new("/proc/self/ns/cgroup", Why::Unsupported)),
    }
}

/// Whether this kernel can make cgroup namespaces (4.6 and later).
pub(super) fn are_supported(facts: &Facts) -> bool {
    facts.identity.namespaces.cgroup.known().is_some()
}

/// How a cgroup namespace with a mount of its own fared, which root tried: the step that failed, or the
/// last.
pub(super) fn tried(facts: &Facts) -> Option<(&Trial, &Step)> {
    let trial = facts.trials.complete(TrialName::Cgroup)?;
    let steps = [
        trial.step(Action::Unshare, CGROUP_NAMESPACE),
        trial.steps(Action::MountCgroup).next(),
        trial.steps(Action::ReadCgroup).next(),
    ];
    let failed = steps.iter().flatten().find(|step| step.refused.is_some());
    let step = failed.copied().or(steps[2])?;
    facts.identity.euid.is_known_and(|euid| *euid == 0).then_some((trial, step))
}

/// Whether a daemon can be started in a cgroup namespace here; that it cannot is only known if it was
/// tried.
pub(super) fn can_be_made(facts: &Facts) -> bool {
    tried(facts).is_none_or(|(_, step)| step.refused.is_none())
}

/// A pass that is proved if a cgroup namespace works here.
pub(super) fn pass(facts: &Facts) -> Outcome {
    let works = tried(facts).is_some_and(|(_, step)| step.refused.is_none());
    Outcome::Pass(if works { Proof::Trial } else { Proof::Static })
}

/// With what became of a cgroup namespace, which is the remedy.
pub(super) fn evidence(facts: &Facts, finding: Finding) -> Finding {
    match tried(facts) {
        Some((trial, step)) => finding.tried(trial, step),
        None => finding,
    }
}

/// Whether the doctor runs in a container; where detection does not know, its own cgroup can tell.
/// Whether dockerd is told to put containers below this cgroup.
pub(super) fn parent_is_below(facts: &Facts, path: &str) -> bool {
    let own = path.strip_suffix("/init").unwrap_or(path);
    let flag = facts.engines.here("dockerd").find_map(|engine| engine.flag("cgroup-parent"));
    let configured = facts.engines.configured(&["cgroup-parent"]).and_then(|v| v.as_str());
    let parent = flag.as_deref().or(configured);
    own != "/"
        && parent
            .and_then(|parent| parent.strip_prefix(own))
            .is_some_and(|rest| rest.starts_with('/'))
}

pub(super) fn in_container(facts: &Facts) -> Result<bool, Unknown> {
    match facts.in_container() {
        Err(_) if names_container(facts) => Ok(true),
        known => known,
    }
}

/// Whether the kind that will run is known to give its nodes a cgroup namespace of their own:
/// 0.20 and later pass `--cgroupns=private` (kind d16895a4).
pub(super) fn nodes_get_their_own(facts: &Facts) -> bool {
    let kind = facts.versions.of(Component::Kind);
    are_supported(facts) && !kind.is_assumed() && kind.version.at_least(0, 20)
}

/// Whether someone has made the directory that keeps kubelet apart: nobody does without starting kubelet
/// with it, and in the lab such a node lived on.
pub(super) fn kubelet_is_apart(facts: &Facts) -> bool {
    facts.cgroup.kubelet_roots.is_known_and(|roots| {
        !roots.is_empty() && roots.iter().all(|root| root.exists == Fact::Known(true))
    })
}

/// The doctor's memberships in version 1 hierarchies.
pub(super) fn v1_memberships(facts: &Facts) -> impl Iterator<Item = &Membership> {
    let all = facts.cgroup.memberships.known().into_iter().flatten();
    all.filter(|m| m.hierarchy != Hierarchy::Unified)
}

/// The mount of this hierarchy nearest to the root; node images mount a controller once more below itself.
pub(super) fn mount_of<'a>(
    mounts: &'a [CgroupMount],
    hierarchy: &Hierarchy,
) -> Option<&'a CgroupMount> {
    mounts.iter().filter(|m| covers(&m.hierarchy, hierarchy)).min_by_key(|m| m.mount_point.len())
}

fn covers(mounted: &Hierarchy, wanted: &Hierarchy) -> bool {
    match wanted {
        Hierarchy::Controllers(names) => names.iter().all(|name| mounted.has(name)),
        _ => mounted == wanted,
    }
}

/// Whether a component of the path is a kubelet's directory of pods, with either cgroup driver.
pub(super) fn is_below_kubepods(path: &str) -> bool {
    path.split('/').any(is_kubepods)
}

/// `kubepods`, `kubepods.slice`, `kubepods-burstable.slice`, and the same below a kubelet.slice.
fn is_kubepods(component: &str) -> bool {
    let name = component.strip_prefix("kubelet-").unwrap_or(component);
    name == "kubepods" || name == "kubepods.slice" || name.starts_with("kubepods-")
}

/// Whether the path is below the cgroup root of a kind node's kubelet.
pub(super) fn is_in_kind_pod(path: &str) -> bool {
    path.split('/').any(|component| component == "kubelet" || component == "kubelet.slice")
}

/// Whether the doctor's own path names the container that it is in. A path that leaves the namespace
/// (`/..`) says nothing about it.
fn names_container(facts: &Facts) -> bool {
    let mut memberships = facts.cgroup.memberships.known().into_iter().flatten();
    memberships.any(|m| !m.path.starts_with("/..") && is_container_path(&m.path))
}

fn is_container_path(path: &str) -> bool {
    let components: Vec<&str> = path.split('/').collect();
    let by_engine = components.iter().any(|component| {
        ["docker-", "cri-containerd-", "crio-", "libpod-", "nerdctl-"]
            .iter()
            .any(|prefix| component.strip_prefix(prefix).is_some_and(begins_with_id))
    });
    let below_docker =
        components.windows(2).any(|pair| pair[0] == "docker" && begins_with_id(pair[1]));
    by_engine || below_docker || is_below_kubepods(path)
}

/// Container ids are 64 hexadecimal digits; some tools shorten them to 12.
fn begins_with_id(name: &str) -> bool {
    name.chars().take_while(char::is_ascii_hexdigit).count() >= 12
}

/// The names of hierarchies in one line.
pub(super) fn names<'a>(hierarchies: impl IntoIterator<Item = &'a Hierarchy>) -> String {
    let names: Vec<String> =
        hierarchies.into_iter().map(|hierarchy| alloc::format!("{hierarchy}")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_the_container_of_each_engine() {
        for path in [
            "/kubepods/burstable/pod0a1b2c3d/4f5e",
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice",
            "/kubelet.slice/kubelet-kubepods.slice/x.scope",
            "/docker/0123456789abcdef0123",
            "/system.slice/docker-0123456789abcdef.scope",
            "/machine.slice/libpod-0123456789abcdef.scope/container",
        ] {
            assert!(is_container_path(path), "{path}");
        }
        for path in [
            "/",
            "/init",
            "/docker",
            "/docker/buildkit",
            "/system.slice/docker.service",
            "/system.slice/crio-wipe.service",
            "/vm_init/8e785fb96d25700dc4c56b426ec380e5",
            "/user.slice/user-1000.slice/session-1.scope",
        ] {
            assert!(!is_container_path(path), "{path}");
        }
    }
}
