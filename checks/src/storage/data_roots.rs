//! Which data roots matter to which target, and data roots on one mount as one finding.

use alloc::{format, string::String, vec, vec::Vec};

use crate::{
    facts::{DataRoot, DataRootOwner, Fact, Facts, Filesystem, Missing, Text, Why},
    outcome::{Finding, Unknown},
    plan::Plan,
    remedy::{ContainerSetting, Remedy},
    target::{Severities, Severity, Target},
};

/// A defect of one data root: how badly it hurts whom, and in a few words what happens.
pub(super) struct Defect {
    pub(super) severity: Severities,
    pub(super) consequence: String,
}

/// The affected data roots on one mount.
pub(super) struct Affected<'a> {
    pub(super) mount_point: &'a str,
    pub(super) filesystem: &'a Filesystem,
    pub(super) roots: Vec<(&'a DataRoot, Defect)>,
}

/// Asks `judge` about every data root that the plan's engine could use here.
///
/// # Errors
/// No data root is affected, and of some it is not known.
pub(super) fn affected<'a>(
    facts: &'a Facts,
    plan: &Plan,
    judge: impl Fn(&DataRoot, &Filesystem) -> Result<Option<Defect>, Unknown>,
) -> Result<(Vec<Affected<'a>>, Vec<Missing>), Unknown> {
    let mut groups: Vec<Affected<'a>> = Vec::new();
    let mut missing = Vec::new();
    let mut sound = Vec::new();
    if facts.storage.data_roots.is_empty() {
        return Err(Unknown::new("data roots", Why::NotRecorded));
    }
    // Findings are told apart by mounts.
    facts.mounts.get()?;
    let mut open = Vec::new();
    let podman = plan.engine() == "podman";
    let roots = facts.storage.data_roots.iter();
    for root in roots.filter(|root| plan.keeps_images_with(root.owner)) {
        if !is_used(facts, root)? {
            continue;
        }
        let judged = root.filesystem.get().and_then(|fs| Ok((fs, judge(root, fs)?)));
        match judged {
            Err(unknown) => {
                open.push(root.owner);
                missing.extend(unknown.missing);
            }
            Ok((_, None)) => sound.push(root.owner),
            Ok((filesystem, Some(mut defect))) => {
                if podman {
                    let severity = defect.severity.get(Target::Rootless);
                    defect.severity = Severities::NONE.with(plan.target, severity);
                }
                let mount_point = filesystem.mount.as_ref().map_or(&root.path, |m| &m.mount_point);
                match groups.iter_mut().find(|group| group.mount_point == mount_point.as_str()) {
                    Some(group) => group.roots.push((root, defect)),
                    None => groups.push(Affected {
                        mount_point,
                        filesystem,
                        roots: vec![(root, defect)],
                    }),
                }
            }
        }
    }
    // How badly one of two that stand for each other fares is known when both are.
    if !podman && open.iter().copied().any(is_alternative) {
        for group in &mut groups {
            group.roots.retain(|(root, _)| !is_alternative(root.owner));
        }
        groups.retain(|group| !group.roots.is_empty());
    }
    if groups.is_empty() && !missing.is_empty() {
        return Err(Unknown { missing, remedy: None });
    }
    if !podman {
        for (root, defect) in groups.iter_mut().flat_map(|group| &mut group.roots) {
            spare(root.owner, &sound, &mut defect.severity);
        }
    }
    missing.dedup();
    Ok((groups, missing))
}

/// A rootless engine is had with either of them.
const fn is_alternative(owner: DataRootOwner) -> bool {
    matches!(owner, DataRootOwner::Podman | DataRootOwner::RootlessDocker)
}

/// Rootless containers need one engine, Docker or podman: where the other one's data root is sound, this
/// one's is only worth knowing.
fn spare(owner: DataRootOwner, sound: &[DataRootOwner], severity: &mut Severities) {
    if is_alternative(owner) && sound.iter().copied().any(is_alternative) {
        *severity = severity.at_most(Severity::Info);
    }
}

/// Whether a target could put images there: buildkitd by the doctor's user, containerd only where one
/// runs that is not dockerd's own, kubelet never.
pub(super) fn is_used(facts: &Facts, root: &DataRoot) -> Result<bool, Unknown> {
    let euid = facts.identity.euid.told()?;
    Ok(match root.owner {
        DataRootOwner::Docker | DataRootOwner::Podman | DataRootOwner::RootlessDocker => true,
        DataRootOwner::Buildkit => euid.is_none_or(|euid| *euid == 0),
        DataRootOwner::RootlessBuildkit => euid.is_none_or(|euid| *euid != 0),
        DataRootOwner::Containerd => {
            facts.engines.running.told()?;
            uses_external_containerd(facts) || containerd_runs(facts) || is_containerds(facts)
        }
        DataRootOwner::Kubelet => false,
    })
}

/// Whether dockerd is told to use a containerd that it did not start.
pub(super) fn uses_external_containerd(facts: &Facts) -> bool {
    facts.engines.configured(&["containerd"]).is_some()
        || facts.engines.named("dockerd").any(|engine| engine.flag("containerd").is_some())
}

/// Whether a containerd that does not run now has kept snapshots, and dockerd has never kept an image itself: what
/// starts dockerd here starts that containerd before, as Docker's packages do.
fn is_containerds(facts: &Facts) -> bool {
    let stores = &facts.storage.image_stores;
    let none = |count: &Fact<u32>| count.is_known_and(|count| *count == 0);
    facts.storage.containerd_was_here.is_known_and(|was| *was)
        && none(&stores.graph)
        && none(&stores.snapshots)
}

/// dockerd starts its own containerd with a configuration below `/run/docker`.
fn containerd_runs(facts: &Facts) -> bool {
    facts.engines.named("containerd").any(|engine| {
        engine.same_mount_namespace != Some(false)
            && engine.arguments.is_known_and(|arguments| {
                !arguments.iter().any(|argument| argument.contains("/docker/containerd/"))
            })
    })
}

impl Affected<'_> {
    /// Every target as badly off as by the worst of its data roots.
    pub(super) fn severity(&self) -> Severities {
        let mut merged = Severities::NONE;
        for (target, severity) in self.roots.iter().flat_map(|(_, defect)| defect.severity.iter()) {
            merged = merged.with(target, merged.get(target).max(Some(severity)));
        }
        merged
    }

    /// The finding, with a volume for each data root; `problem` says what is wrong with the mount.
    pub(super) fn finding(&self, problem: &str) -> Finding {
        let roots: Vec<&str> = self.roots.iter().map(|(root, _)| place(root)).collect();
        let consequence = self
            .roots
            .iter()
            .max_by_key(|(root, defect)| {
                // The first of the worst, and the first target first.
                let worst = defect.severity.worst(&Target::ALL);
                (worst, core::cmp::Reverse(root.owner))
            })
            .map_or("", |(_, defect)| defect.consequence.as_str());
        let mut finding = Finding::new(
            self.mount_point,
            self.severity(),
            format!("{} {problem}: {consequence}", roots.join(", ")),
        );
        for (root, _) in &self.roots {
            finding = finding.evidence(
                format!("statfs {}", root.resolved.known().unwrap_or(&root.path)),
                format!(
                    "{} on {} ({}, {})",
                    self.filesystem.name(),
                    self.mount_point,
                    owner_name(root.owner),
                    root.configured_by
                ),
            );
        }
        for (root, _) in &self.roots {
            finding = finding.remedy(Remedy::container(
                format!(
                    "{}: put {} on a volume on the node's disk (Kubernetes makes none from VOLUME)",
                    owner_name(root.owner),
                    place(root)
                ),
                [ContainerSetting::Volume(place(root).into())],
            ));
        }
        finding
    }

    /// Whether one of the data roots is this owner's.
    pub(super) fn has(&self, owner: DataRootOwner) -> bool {
        self.roots.iter().any(|(root, _)| root.owner == owner)
    }
}

/// Where a volume must be mounted: behind links, if the directory is there.
fn place(root: &DataRoot) -> &str {
    let resolved = root.resolved.known().filter(|_| root.exists);
    resolved.map_or(root.path.as_str(), Text::as_str)
}

fn owner_name(owner: DataRootOwner) -> &'static str {
    match owner {
        DataRootOwner::Docker => "dockerd",
        DataRootOwner::Containerd => "containerd",
        DataRootOwner::Buildkit => "buildkitd",
        DataRootOwner::Podman => "podman",
        DataRootOwner::RootlessDocker => "rootless dockerd",
        DataRootOwner::RootlessBuildkit => "rootless buildkitd",
        DataRootOwner::Kubelet => "kubelet",
    }
}

#[cfg(test)]
pub(super) mod testing {
    use crate::{
        facts::{DataRootOwner, Fact, Facts, Filesystem, Mount},
        outcome::{Finding, Outcome, Verdict},
        testing::{healthy_container, mount},
    };

    /// A healthy container in which the data roots of these owners are on one mount.
    pub(in super::super) fn with_roots_on(mount: &Mount, owners: &[DataRootOwner]) -> Facts {
        let mut facts = healthy_container();
        for root in facts.storage.data_roots.iter_mut().filter(|r| owners.contains(&r.owner)) {
            root.filesystem = Fact::Known(Filesystem {
                magic: 0,
                mount: Some(mount.clone()),
                d_type: Some(true),
            });
        }
        facts
    }

    /// The same, on a filesystem of this type at this place.
    pub(in super::super) fn on(fstype: &str, place: &str, owners: &[DataRootOwner]) -> Facts {
        with_roots_on(&mount(place, fstype, &["rw"]), owners)
    }

    pub(in super::super) fn only_finding(verdict: Verdict) -> Finding {
        match verdict {
            Ok(Outcome::Found(mut found)) if found.len() == 1 => found.remove(0),
            other => panic!("{other:?}"),
        }
    }
}
