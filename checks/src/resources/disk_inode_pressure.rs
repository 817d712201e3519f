use alloc::{format, string::String, vec::Vec};

use super::limits::size;
use crate::{
    facts::{DataRoot, DataRootOwner, Facts, Mount, Space, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
    target::{Severities, Severity, Target},
};

check! {
    /// ## What it looks at
    /// Free bytes and inodes of the filesystem under each data root (`statfs(2)`), as an unprivileged
    /// process has them.
    /// `--active` does not try it: to fill the disk would do the harm that it looks for.
    ///
    /// ## Why it matters
    /// A kind node takes nearly 3 GiB (1.8 GB of image, 0.9 GB of volume), before a workload has any. A full disk ends a pull with
    /// `no space left on device`, and kubelet evicts pods (`node.kubernetes.io/disk-pressure`). So does a
    /// filesystem without inodes, with gigabytes free.
    ///
    /// ## When it is fine
    /// From 5 GiB on for kind, 2 GiB for engines. Filesystems without a fixed number of inodes (btrfs,
    /// zfs) have none to run out of. kind turns off kubelet's eviction by disk, so that only bytes count
    /// there, not per cent; k3d and minikube leave 5 to 15 per cent unused. What does not show: an emptyDir's
    /// `sizeLimit` and a pod's `ephemeral-storage` limit, which kubelet enforces by eviction.
    ///
    /// ## How to fix
    /// A larger volume for the data root, a larger `sizeLimit`, or a regular `docker system prune`.
    ///
    /// ## References
    /// `statfs(2)`; <https://kind.sigs.k8s.io/docs/user/known-issues/>; kind issue 156;
    /// <https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/>.
    "disk-inode-pressure",
    "A data root is short of disk space or inodes",
    { dockerd: Warning, kind: Error, rootless: Warning, buildkit: Warning },
    [
        "no space left on device",
        "node.kubernetes.io/disk-pressure",
        "The node was low on resource: ephemeral-storage",
        "Usage of EmptyDir volume",
    ]
}

/// A node does not fit: 1.8 GB of image and 0.9 GB of volume were counted.
const NODE: u64 = 2560 << 20;

/// Images and builds of a small project.
const ENGINE: u64 = 2 << 30;

/// A node with some images for its pods.
const CLUSTER: u64 = 5 << 30;

/// One in twenty inodes.
const INODES: u64 = 20;

struct Group<'a> {
    place: &'a str,
    space: Space,
    filesystem: &'a str,
    roots: Vec<&'a DataRoot>,
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if facts.storage.data_roots.is_empty() {
        return Err(Unknown::new("data roots", Why::NotRecorded));
    }
    // Findings are told apart by mounts, and users by their id.
    facts.mounts.get()?;
    facts.identity.euid.told()?;
    let mut groups: Vec<Group> = Vec::new();
    let mut missing = Vec::new();
    for root in facts.storage.data_roots.iter().filter(|root| is_used(facts, plan, root)) {
        let space = match root.space.get() {
            Ok(space) => *space,
            Err(unknown) => {
                missing.extend(unknown.missing);
                continue;
            }
        };
        let filesystem = root.filesystem.known();
        let mount = filesystem.and_then(|fs| fs.mount.as_ref());
        // Nothing can be written there anyway; such filesystems report that they are full.
        if space.total == 0 || mount.is_some_and(Mount::read_only) {
            continue;
        }
        let place = mount.map_or(root.path.as_str(), |mount| &mount.mount_point);
        match groups.iter_mut().find(|group| group.place == place) {
            Some(group) => group.roots.push(root),
            None => groups.push(Group {
                place,
                space,
                filesystem: filesystem.map_or("unknown", |fs| fs.name()),
                roots: [root].into(),
            }),
        }
    }
    let findings: Vec<Finding> =
        groups.iter().filter_map(|group| judge(facts, plan, group)).collect();
    Outcome::settled(findings, missing, Outcome::pass)
}

/// Whether a target could put images there; containerd's and kubelet's own are inside a node.
fn is_used(facts: &Facts, plan: &Plan, root: &DataRoot) -> bool {
    if !plan.keeps_images_with(root.owner) {
        return false;
    }
    let root_user = facts.identity.euid.known().map(|euid| *euid == 0);
    match root.owner {
        DataRootOwner::Docker | DataRootOwner::Podman => true,
        DataRootOwner::Buildkit => root_user != Some(false),
        DataRootOwner::RootlessDocker | DataRootOwner::RootlessBuildkit => root_user != Some(true),
        DataRootOwner::Containerd | DataRootOwner::Kubelet => false,
    }
}

fn judge(facts: &Facts, plan: &Plan, group: &Group) -> Option<Finding> {
    let space = group.space;
    let few_inodes = has_fixed_inodes(group) && space.inodes_free < space.inodes / INODES;
    let severity = match plan.target {
        Target::Kind if space.available < NODE => Severity::Error,
        Target::Kind if space.available < CLUSTER => Severity::Warning,
        _ if space.available < ENGINE || few_inodes => Severity::Warning,
        _ => return None,
    };
    let severity = Severities::NONE.with(plan.target, Some(severity));
    let inodes = if few_inodes {
        format!(", {} of {} inodes", space.inodes_free, space.inodes)
    } else {
        String::new()
    };
    let node = severity.get(Target::Kind).is_some();
    let needs = match (few_inodes, node) {
        (true, _) => "fewer than one inode in twenty is left".into(),
        (false, true) if space.available < NODE => format!("a kind node takes {}", size(NODE)),
        (false, true) => format!("a kind node with its images takes {}", size(CLUSTER)),
        (false, false) => format!("images of a small project take {}", size(ENGINE)),
    };
    let paths: Vec<&str> = group.roots.iter().map(|root| root.path.as_str()).collect();
    let mut finding = Finding::new(
        group.place,
        severity,
        format!(
            "{} of {} free{inodes} on {} ({}), which holds {}: {needs}",
            size(space.available),
            size(space.total),
            group.place,
            group.filesystem,
            paths.join(", ")
        ),
    )
    .evidence(
        format!("statfs {}", group.roots[0].path),
        format!(
            "{} bytes available of {}, {} inodes free of {}",
            space.available, space.total, space.inodes_free, space.inodes
        ),
    );
    // Of a filesystem that is too small when it is empty, nothing is gained.
    if space.total >= 2 * CLUSTER {
        finding = finding.remedy(Remedy::commands(
            Place::Here,
            "see what is used, then remove stopped containers and images without a tag; volumes are kept",
            ["docker system df", "docker system prune -f"],
        ));
    }
    if matches!(group.filesystem, "tmpfs" | "ramfs") {
        finding = finding.caused_by("dataroot-on-tmpfs");
    }
    if facts.runtime.container.is_no() {
        return Some(finding.remedy(Remedy::advice(
            Place::Host,
            format!(
                "enlarge the filesystem at {}, or move what it holds to a larger one",
                group.place
            ),
        )));
    }
    for root in &group.roots {
        // A volume on the same disk gains nothing.
        let text = format!("put {} on a volume that has more room", root.path);
        finding = finding.remedy(Remedy::advice(Place::Container, text));
    }
    Some(finding)
}

/// btrfs says 0, zfs makes a number up from the free space.
fn has_fixed_inodes(group: &Group) -> bool {
    group.space.inodes > 0 && group.filesystem != "zfs"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Filesystem, Tri},
        resources::testing::only_finding,
        testing::{healthy_container, healthy_vm, mount, said_of},
    };

    /// All data roots on one filesystem with this much free.
    fn with(fstype: &str, options: &[&str], space: Space) -> Facts {
        let mut facts = healthy_container();
        for root in &mut facts.storage.data_roots {
            root.filesystem = Fact::Known(Filesystem {
                magic: 0,
                mount: Some(mount("/data", fstype, options)),
                d_type: Some(true),
            });
            root.space = Fact::Known(space);
        }
        facts
    }

    fn free(gib: u64) -> Space {
        Space { total: 500 << 30, available: gib << 30, inodes: 1000, inodes_free: 900 }
    }

    /// What is said of one target.
    fn of(facts: &Facts, target: Target) -> Finding {
        only_finding(said_of(&CHECK, facts, target))
    }

    #[test]
    fn bytes_are_judged_by_what_they_are_for() {
        let finding = of(&with("ext4", &["rw"], free(1)), Target::Kind);
        assert_eq!(finding.severity, severities!(kind: Error));
        assert!(finding.summary.contains("1.0 GiB of 500.0 GiB free"));
        assert!(finding.summary.ends_with(": a kind node takes 2.5 GiB"), "{}", finding.summary);
        assert_eq!(
            only_finding(judged(&with("ext4", &["rw"], free(4)))).severity,
            severities!(kind: Warning)
        );
    }

    #[test]
    fn a_host_has_no_launcher_to_give_it_a_volume() {
        let places = |container: Tri| -> Vec<Place> {
            let mut facts = with("ext4", &["rw"], free(1));
            facts.runtime.container = container;
            of(&facts, Target::Kind).remedies.iter().map(|remedy| remedy.place).collect()
        };
        assert!(places(Tri::Yes).contains(&Place::Container));
        let host = places(Tri::No);
        assert!(host.contains(&Place::Host) && !host.contains(&Place::Container));
    }

    #[test]
    fn a_large_disk_may_be_nearly_full() {
        assert_eq!(judged(&with("ext4", &["rw"], free(20))), Ok(Outcome::pass()));
    }

    #[test]
    fn inodes_run_out_where_their_number_is_fixed() {
        let few = Space { inodes_free: 10, ..free(100) };
        let facts = with("ext4", &["rw"], few);
        for target in [Target::Kind, Target::Rootless, Target::Buildkit, Target::Podman] {
            assert_eq!(of(&facts, target).severity.get(target), Some(Severity::Warning));
        }
        let finding = of(&facts, Target::Dockerd);
        assert!(finding.summary.contains("holds /var/lib/docker:"), "{}", finding.summary);
        assert!(finding.summary.contains("10 of 1000 inodes"));
        assert_eq!(judged(&with("zfs", &["rw"], few)), Ok(Outcome::pass()));
        let none = Space { inodes: 0, inodes_free: 0, ..free(100) };
        assert_eq!(judged(&with("btrfs", &["rw"], none)), Ok(Outcome::pass()));
    }

    #[test]
    fn memory_is_explained_by_the_other_finding() {
        let finding = of(&with("tmpfs", &["rw"], free(1)), Target::Dockerd);
        assert_eq!(finding.caused_by, ["dataroot-on-tmpfs"]);
    }

    #[test]
    fn what_cannot_be_written_or_says_nothing_is_not_full() {
        assert_eq!(judged(&with("squashfs", &["ro"], free(0))), Ok(Outcome::pass()));
        let silent = Space { total: 0, ..free(0) };
        assert_eq!(judged(&with("fuse", &["rw"], silent)), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    }

    #[test]
    fn a_missing_number_is_unknown() {
        let mut facts = healthy_container();
        facts.storage.data_roots[0].space = Fact::missing("statfs", Why::TimedOut);
        assert!(judged(&facts).is_err());
    }

    #[test]
    fn a_machine_is_told_of_its_filesystem_and_a_small_one_not_to_prune() {
        let mut facts = with("ext4", &["rw"], Space { total: 8 << 30, ..free(4) });
        facts.runtime.container = Tri::No;
        let remedies = only_finding(judged(&facts)).remedies;
        assert_eq!(remedies.iter().map(|r| r.place).collect::<Vec<_>>(), [Place::Host]);
        facts.runtime.container = Tri::Yes;
        let remedies = only_finding(judged(&facts)).remedies;
        assert!(remedies.iter().all(|r| r.place == Place::Container));
    }
}
