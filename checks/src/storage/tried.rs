//! What the trial of overlays says of a data root.

use alloc::string::ToString;

use super::data_roots::{self, Affected};
use crate::{
    facts::{Action, DataRoot, DataRootOwner, Facts, IN_USER_NAMESPACE, Step, Trial, TrialName},
    outcome::{Finding, Outcome, Proof},
};

/// In the order in which an engine meets them.
const OPERATIONS: [Action; 6] = [
    Action::MountOverlay,
    Action::WriteFile,
    Action::CopyUp,
    Action::Whiteout,
    Action::OpaqueDirectory,
    Action::RenameDirectory,
];

/// EPERM, ENOMEM, EACCES, ENODEV, ENOSPC, EDQUOT: of a mount, these say nothing about the file system.
const OF_ANOTHER: [i32; 6] = [1, 12, 13, 19, 28, 122];

/// How an overlay fared.
pub(super) enum Tried<'a> {
    /// It was mounted, and everything in it worked.
    Works,
    /// This step failed.
    Fails(&'a Trial, &'a Step),
}

/// How an overlay in the directory of `root` fared, mounted as its owner would; `None` if it was not
/// tried, or if what failed has nothing to do with the file system.
pub(super) fn overlay<'a>(facts: &'a Facts, root: &DataRoot) -> Option<Tried<'a>> {
    let trial = facts.trials.of(TrialName::Overlay, root.resolved.known()?)?;
    match mounted(trial, scene(facts, root.owner))? {
        Tried::Fails(_, step)
            if step.action == Action::MountOverlay
                && step.errno().is_none_or(|errno| OF_ANOTHER.contains(&errno)) =>
        {
            None
        }
        tried => Some(tried),
    }
}

/// How the overlays of one scene fared.
pub(super) fn mounted<'a>(trial: &'a Trial, scene: &str) -> Option<Tried<'a>> {
    let operations = OPERATIONS.map(|action| {
        trial.steps.iter().find(|step| step.action == action && step.object == scene)
    });
    if let Some(failed) = operations.iter().flatten().find(|step| step.refused.is_some()) {
        return Some(Tried::Fails(trial, failed));
    }
    operations.iter().all(Option::is_some).then_some(Tried::Works)
}

/// Rootless engines are in a user namespace of their own.
fn scene(facts: &Facts, owner: DataRootOwner) -> &'static str {
    let root = facts.identity.euid.is_known_and(|euid| *euid == 0);
    match owner {
        DataRootOwner::RootlessDocker | DataRootOwner::RootlessBuildkit => IN_USER_NAMESPACE,
        DataRootOwner::Podman if !root => IN_USER_NAMESPACE,
        _ => "",
    }
}

/// A pass is proved where an overlay worked in every data root that is used here.
pub(super) fn pass(facts: &Facts) -> Outcome {
    let mut roots =
        facts.storage.data_roots.iter().filter(|root| data_roots::is_used(facts, root) == Ok(true));
    let proved = roots.all(|root| matches!(overlay(facts, root), Some(Tried::Works)));
    Outcome::Pass(if proved { Proof::Trial } else { Proof::Static })
}

/// The failed steps of the data roots on one mount, as evidence.
pub(super) fn evidence(facts: &Facts, group: &Affected, finding: Finding) -> Finding {
    let failed = group.roots.iter().filter_map(|(root, _)| match overlay(facts, root)? {
        Tried::Fails(trial, step) => Some((trial.source(step), step.to_string())),
        Tried::Works => None,
    });
    failed.fold(finding, |finding, (source, value)| {
        if finding.evidence.iter().any(|e| e.source == *source) {
            finding
        } else {
            finding.evidence(source, value)
        }
    })
}

#[cfg(test)]
pub(super) mod testing {
    use alloc::vec::Vec;

    use super::OPERATIONS;
    use crate::facts::{Action, Ending, Facts, Refused, Step, Trial, TrialName};

    /// A trial in `path` with one scene, whose step `fails` ends with this error number.
    pub(in super::super) fn tried(
        facts: &mut Facts,
        path: &str,
        scene: &str,
        fails: Option<(Action, i32, &str)>,
    ) {
        let steps: Vec<Step> = OPERATIONS
            .into_iter()
            .map(|action| Step {
                action,
                object: scene.into(),
                needed: true,
                refused: fails
                    .filter(|(failing, ..)| *failing == action)
                    .map(|(_, errno, what)| Refused { errno: Some(errno), what: what.into() }),
            })
            .collect();
        facts.trials.runs.push(Trial {
            name: TrialName::Overlay,
            subject: path.into(),
            steps,
            ending: Ending::Complete,
            left_behind: Vec::new(),
            learned: None,
        });
    }
}
