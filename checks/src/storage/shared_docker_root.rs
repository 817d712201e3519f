use alloc::{format, string::String, vec::Vec};

use super::data_roots::{self, Defect};
use crate::{
    facts::{
        DataRoot, DataRootOwner, Facts, Filesystem, Mount, MountTable, Step, Trial, TrialName, Why,
    },
    outcome::{Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
    target::{Severities, Severity, Target},
};

check! {
    /// ## What it looks at
    /// Which directory of which filesystem each data root is (`/proc/self/mountinfo`: the root field, and
    /// what follows the mount point), compared with where the engine that runs this container keeps its own
    /// data (the sources of `/etc/hosts` and of the root mount), and with where kubelet keeps volumes.
    /// With `--active`, whether somebody holds the lock of a database in it: a shared lock is asked for without
    /// waiting, which a daemon that holds it does not notice. Without, a data root on a volume that some daemon has
    /// used, and that none here uses, is unknown: locks only show to whoever asks for them.
    ///
    /// ## Why it matters
    /// A data root belongs to one daemon. A second one waits for the lock of a database and dies with
    /// `timeout`, or, where locks do not reach, both write the same layers until images are corrupt. That
    /// happens with the host's own `/var/lib/docker` as a volume of the container, and with a `hostPath`
    /// that every pod of a node mounts, although it works while there is only one.
    ///
    /// ## When it is fine
    /// `emptyDir`, named and anonymous volumes, and volumes of a claim belong to one container unless
    /// somebody mounts them twice. So does a directory of a Docker host that is not the host's data root. A new volume
    /// has no databases, and nobody uses it. A host or VM has only its own daemon.
    ///
    /// ## How to fix
    /// A volume per container: `emptyDir` in the pod, or a StatefulSet whose claims are
    /// `ReadWriteOncePod`; `docker run -v NAME:/var/lib/docker` with a name for each daemon.
    ///
    /// ## References
    /// `proc_pid_mountinfo(5)`, `flock(2)`; bbolt's README on file locks;
    /// <https://kubernetes.io/docs/concepts/storage/volumes/#hostpath>.
    "shared-docker-root",
    "A data root is shared with another daemon",
    Docker,
    { dockerd: Error, kind: Error, buildkit: Warning },
    [
        "failed to open boltdb",
        "buildkit.lock: resource temporarily unavailable",
        "could not lock /var/lib/buildkit",
        "error creating buildkit instance: timeout",
        "waiting for response from boltdb open",
        "timeout waiting for containerd to start",
    ],
    trials: [Lock]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if !facts.in_container()? {
        return Ok(Outcome::not_applicable(
            "not a container: the data roots are this machine's own",
        ));
    }
    let table = facts.mounts.get()?;
    let hosts = engine_roots(table);
    let node = kubelet_device(table);
    let groups = data_roots::affected(facts, plan, |root, filesystem| {
        if let Some((_, step)) = locked(facts, root) {
            let consequence = format!("{} is locked", step.object);
            return Ok(defect(root, Severity::Error, consequence));
        }
        let Some(place) = place_of(root, filesystem) else { return Ok(None) };
        let of_host = hosts.iter().any(|host| host.is(&place));
        let of_node = node == Some(place.device) && !is_private(&place.path) && facts.in_pod()?;
        facts.told_of_roots(&root.entries)?;
        facts.engines.running.told()?;
        Ok(if of_host {
            defect(
                root,
                Severity::Error,
                format!(
                    "{} of the host, in use by the engine that runs this container",
                    place.path
                ),
            )
        } else if of_node {
            defect(
                root,
                Severity::Warning,
                format!("{} of the node, the same for every pod that mounts it", place.path),
            )
        } else if is_left_by_a_daemon(facts, root) && asked(facts, root).is_none() {
            return Err(Unknown::new(format!("locks of {}", root.path), Why::NotProbed));
        } else {
            None
        })
    });
    let (groups, missing) = groups.map_err(|unknown| {
        unknown.with_remedy(Remedy::commands(
            Place::Here,
            "whether another daemon uses a data root is known only by asking for its locks",
            ["doctor --active=lock"],
        ))
    })?;
    let findings = groups.iter().map(|group| {
        let mut held = group.roots.iter().filter_map(|(root, _)| locked(facts, root));
        if let Some((trial, step)) = held.next() {
            return group.finding("is in use by another daemon").tried(trial, step);
        }
        let mount = group.filesystem.mount.as_ref();
        let source = mount.map_or("", |mount| mount.root.as_str());
        group
            .finding("is a directory of the machine outside")
            .evidence(format!("/proc/self/mountinfo: root of {}", group.mount_point), source)
    });
    Outcome::settled(findings.collect(), missing, || {
        let tried = facts.storage.data_roots.iter().any(|root| asked(facts, root).is_some());
        if tried { Outcome::proved() } else { Outcome::pass() }
    })
}

/// EAGAIN, the answer to who does not wait for a lock.
const HELD: i32 = 11;

/// What was asked of the databases there, if there are any and all could be asked.
fn asked<'a>(facts: &'a Facts, root: &DataRoot) -> Option<&'a Trial> {
    let trial = facts.trials.of(TrialName::Lock, root.resolved.known()?)?;
    let mut answers = trial.steps.iter();
    let answered = answers.all(|step| step.refused.is_none() || step.errno() == Some(HELD));
    (answered && !trial.steps.is_empty()).then_some(trial)
}

/// A lock that another daemon holds.
fn locked<'a>(facts: &'a Facts, root: &DataRoot) -> Option<(&'a Trial, &'a Step)> {
    let trial = facts.trials.of(TrialName::Lock, root.resolved.known()?)?;
    Some((trial, trial.steps.iter().find(|step| step.errno() == Some(HELD))?))
}

/// Whether a daemon has made its directories there, and none of this kind runs here.
fn is_left_by_a_daemon(facts: &Facts, root: &DataRoot) -> bool {
    let made = match root.owner {
        DataRootOwner::Docker => "volumes",
        DataRootOwner::Containerd => "io.containerd.metadata.v1.bolt",
        DataRootOwner::Buildkit => "buildkitd.lock",
        _ => return false,
    };
    let used = root.entries.is_known_and(|entries| entries.iter().any(|entry| *entry == made));
    used && root.owner.daemon().is_some_and(|daemon| facts.engines.named(daemon).next().is_none())
}

fn defect(root: &DataRoot, severity: Severity, consequence: String) -> Option<Defect> {
    let targets: &[Target] = match root.owner {
        DataRootOwner::Docker | DataRootOwner::Containerd => &[Target::Dockerd, Target::Kind],
        DataRootOwner::Buildkit | DataRootOwner::RootlessBuildkit => &[Target::Buildkit],
        _ => return None,
    };
    let severity = targets.iter().fold(Severities::NONE, |all, target| {
        let ceiling = CHECK.worst.get(*target).unwrap_or(Severity::Info);
        all.with(*target, Some(severity.min(ceiling)))
    });
    Some(Defect { severity, consequence })
}

/// A directory of a filesystem, as its own root sees it.
struct Directory<'a> {
    device: &'a str,
    path: String,
}

/// `None` where the data root is on the container's own root, or in memory.
fn place_of<'a>(root: &DataRoot, filesystem: &'a Filesystem) -> Option<Directory<'a>> {
    let mount = filesystem.mount.as_ref()?;
    if mount.mount_point == "/" || matches!(mount.fstype.as_str(), "overlay" | "tmpfs" | "ramfs") {
        return None;
    }
    let resolved = root.resolved.known().filter(|_| root.exists);
    let path = resolved.map_or(root.path.as_str(), |path| path.as_str());
    let rest = path.strip_prefix(mount.mount_point.trim_end_matches('/'))?;
    let path = format!("{}{rest}", mount.root.trim_end_matches('/'));
    (!path.is_empty()).then_some(Directory { device: &mount.device, path })
}

/// Where the engine that made this container keeps its data.
struct EngineRoot<'a> {
    /// `None` where only an overlay names the path.
    device: Option<&'a str>,
    path: &'a str,
}

impl EngineRoot<'_> {
    fn is(&self, place: &Directory) -> bool {
        self.path == place.path && self.device.is_none_or(|device| device == place.device)
    }
}

/// Docker mounts `<data root>/containers/<id>/hosts`; the root mount names a snapshot of containerd.
fn engine_roots(table: &MountTable) -> Vec<EngineRoot<'_>> {
    let mut roots = Vec::new();
    for file in ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"] {
        let Some(mount) = table.at(file) else { continue };
        let container = mount.root.rsplit_once('/').and_then(|(rest, _)| rest.rsplit_once('/'));
        let Some((directory, id)) = container else { continue };
        let is_id = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
        if let Some(path) = directory.strip_suffix("/containers").filter(|_| is_id) {
            roots.push(EngineRoot { device: Some(&mount.device), path });
        }
    }
    let upper = table.at("/").and_then(|root| root.super_option("upperdir"));
    if let Some((path, _)) = upper.and_then(|upper| upper.split_once("/io.containerd.snapshotter."))
    {
        roots.push(EngineRoot { device: None, path });
    }
    roots
}

/// The filesystem on which the node's kubelet keeps its pods.
fn kubelet_device(table: &MountTable) -> Option<&str> {
    let of_pod = |mount: &&Mount| mount.root.contains("/pods/");
    let mount = table
        .at("/etc/hosts")
        .filter(of_pod)
        .or_else(|| table.at("/dev/termination-log").filter(of_pod))?;
    Some(&mount.device)
}

/// Whether the path names a volume that something made for one owner.
fn is_private(path: &str) -> bool {
    const MADE: [&str; 5] =
        ["/pods/", "/volumes/", "/io.containerd.", "/overlay-containers/", "/overlay2/"];
    MADE.iter().any(|part| path.contains(part)) || path.split('/').any(has_uuid)
}

/// Provisioners of local volumes put the claim's or the volume's UID into the name.
fn has_uuid(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.windows(36).any(|window| {
        window.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    })
}

#[cfg(test)]
mod tests;
