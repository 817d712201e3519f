//! A bounded walk for pod cgroups.

use std::collections::{BTreeSet, VecDeque};

use dind_doctor_checks::facts::{
    CgroupMount, Fact, Hierarchy, MountTable, PodTree, PodTrees, Procs,
};

use super::{beginning, directory::procs};
use crate::{probe::Reader, source::EntryKind};

/// Directories that are looked at in one hierarchy.
const DIRECTORIES: usize = 1024;

/// Levels below a mount point; a pod's container in a nested node's pod is at the tenth.
const DEPTH: usize = 14;

/// Names in one directory, files included.
const NAMES: usize = 4096;

/// PIDs that are kept of one pod.
const PIDS: usize = 64;

/// One directory to be looked at.
struct Step {
    /// Below the mount point; empty for itself.
    path: String,
    depth: usize,
    /// The tree that it belongs to.
    tree: Option<usize>,
}

/// Looks for `kubepods` directories, and the pods in them, in every hierarchy that is mounted. The walk
/// does not go through mount points: the cgroup v1 workaround of node images mounts a controller onto a
/// directory below itself, and following it would never end.
pub(super) fn pod_trees(
    reader: &Reader,
    mounts: &[CgroupMount],
    table: &Fact<MountTable>,
) -> PodTrees {
    let start = beginning(mounts.iter().map(|mount| mount.mount_point.as_str()));
    let rows = table.known().into_iter().flat_map(|t| &t.rows);
    let mount_points: BTreeSet<&str> =
        rows.map(|row| row.mount_point.as_str()).filter(|at| at.starts_with(start)).collect();
    let mut seen: BTreeSet<(&Hierarchy, &str)> = BTreeSet::new();
    let mut found = PodTrees::default();
    let mut by_length: Vec<&CgroupMount> = mounts.iter().collect();
    by_length.sort_by_key(|m| m.mount_point.len());
    for mount in by_length {
        // A second mount of the same directory shows the same cgroups.
        if seen.insert((&mount.hierarchy, &mount.root)) {
            walk(reader, mount, &mount_points, &mut found);
        }
    }
    found.trees.sort_by(|a, b| (&a.hierarchy, &a.path).cmp(&(&b.hierarchy, &b.path)));
    found
}

fn walk(reader: &Reader, mount: &CgroupMount, mount_points: &BTreeSet<&str>, found: &mut PodTrees) {
    let mut trees: Vec<PodTree> = Vec::new();
    let mut queue = VecDeque::from([Step { path: String::new(), depth: 0, tree: None }]);
    let mut looked_at = 0;
    while let Some(mut step) = queue.pop_front() {
        looked_at += 1;
        if looked_at > DIRECTORIES {
            found.truncated = true;
            break;
        }
        let directory = format!("{}{}", mount.mount_point, step.path);
        let name = step.path.rsplit('/').next().unwrap_or_default();
        let is_pod = step.tree.is_some() && is_pod_name(name);
        if is_pod || step.tree.is_none() && name.starts_with("kubepods") {
            step.tree = Some(trees.len());
            trees.push(PodTree {
                hierarchy: mount.hierarchy.clone(),
                mount_point: mount.mount_point.clone(),
                path: step.path.as_str().into(),
                is_pod,
                procs: Procs::default(),
            });
        }
        if let Some(tree) = step.tree {
            add(&mut trees[tree].procs, &procs(reader, &directory));
        }
        let below_itself = step.depth > 0 && mount_points.contains(directory.as_str());
        if below_itself || step.depth >= DEPTH {
            continue;
        }
        let Ok(listing) = reader.list(&directory, NAMES) else { continue };
        found.truncated |= listing.truncated;
        for entry in listing.entries.into_iter().filter(|e| e.kind == EntryKind::Directory) {
            let path = format!("{}/{}", step.path, entry.name);
            queue.push_back(Step { path, depth: step.depth + 1, tree: step.tree });
        }
    }
    // A `kubepods` directory is told by its pods where it has any.
    let with_pods: Vec<String> =
        trees.iter().filter(|t| t.is_pod).map(|t| t.path.as_str().to_owned()).collect();
    let holds_pods =
        |tree: &PodTree| with_pods.iter().any(|pod| pod.starts_with(&format!("{}/", tree.path)));
    found.trees.extend(trees.into_iter().filter(|tree| tree.is_pod || !holds_pods(tree)));
}

/// `pod<uid>` with the cgroupfs driver, `kubepods-burstable-pod<uid>.slice` with the systemd driver.
fn is_pod_name(name: &str) -> bool {
    let uid = match name.strip_suffix(".slice") {
        Some(slice) => slice.rsplit_once("-pod").map(|(_, uid)| uid),
        None => name.strip_prefix("pod"),
    };
    uid.is_some_and(|uid| uid.len() >= 8 && uid.starts_with(|c: char| c.is_ascii_hexdigit()))
}

fn add(to: &mut Procs, procs: &Fact<Procs>) {
    let Some(procs) = procs.known() else { return };
    to.count += procs.count;
    to.foreign += procs.foreign;
    let room = PIDS.saturating_sub(to.pids.len());
    to.pids.extend(procs.pids.iter().take(room));
    to.pids.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_drivers_name_pods() {
        assert!(is_pod_name("pod0a1b2c3d-1111-2222-3333-444455556666"));
        assert!(is_pod_name("kubepods-burstable-pod0a1b2c3d_1111_2222_3333_444455556666.slice"));
        assert!(is_pod_name("kubelet-kubepods-besteffort-pod0a1b2c3d_1111.slice"));
        assert!(!is_pod_name("burstable"));
        assert!(!is_pod_name("kubepods-burstable.slice"));
        assert!(!is_pod_name("podman"));
    }
}
