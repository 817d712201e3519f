//! What the trial says of cgroups: root's, since another user may make none.

use alloc::{format, string::String, vec::Vec};

use super::{CHECK, privileged_remedy};
use crate::{
    facts::{Action, CgroupMount, Facts, Hierarchy, Step, Trial, TrialName},
    outcome::Finding,
    target::Severity,
};

/// `EEXIST`: something else is in the way.
const EXISTS: i32 = 17;

/// The cgroup that was made at this mount, or could not be.
pub(super) fn made<'a>(facts: &'a Facts, mount: &CgroupMount) -> Option<(&'a Trial, &'a Step)> {
    let trial = root(facts, TrialName::Cgroup)?;
    let step = trial.step(Action::MakeDirectory, &mount.mount_point)?;
    (step.errno() != Some(EXISTS)).then_some((trial, step))
}

fn root(facts: &Facts, name: TrialName) -> Option<&Trial> {
    let root = facts.identity.euid.is_known_and(|euid| *euid == 0);
    facts.trials.complete(name).filter(|_| root)
}

/// Hierarchies that are mounted writable, and in which root cannot make a cgroup: those of version 1 in a
/// user namespace belong to the root outside. Version 2 is judged by `cgroup2-not-delegated`.
pub(super) fn cgroups(facts: &Facts, mounts: &[CgroupMount]) -> Option<Finding> {
    let controllers = |mount: &&CgroupMount| matches!(mount.hierarchy, Hierarchy::Controllers(_));
    let refused: Vec<_> = mounts
        .iter()
        .filter(controllers)
        .filter_map(|mount| Some((mount, made(facts, mount)?)))
        .filter(|(_, (_, step))| step.refused.is_some())
        .collect();
    let (_, (_, first)) = refused.first()?;
    let names: Vec<String> = refused.iter().map(|(m, _)| format!("{}", m.hierarchy)).collect();
    let summary = format!("no cgroup can be made in {} ({first})", names.join(" "));
    // runc does without in a user namespace, and without limits.
    let severity = if facts.identity.namespaces.user_is_private().is_yes() {
        CHECK.worst.at_most(Severity::Warning)
    } else {
        CHECK.worst
    };
    let finding = refused
        .into_iter()
        .fold(Finding::new("/sys/fs/cgroup", severity, summary), |finding, (_, (trial, step))| {
            finding.tried(trial, step)
        });
    Some(privileged_remedy(facts, finding))
}

/// Whether root made a cgroup wherever it was tried.
pub(super) fn makes_cgroups(facts: &Facts) -> bool {
    root(facts, TrialName::Cgroup).is_some_and(|trial| trial.worked(Action::MakeDirectory))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Fact::Known, Text},
        outcome::{Outcome, Proof},
        testing::{healthy_container, private, tried},
    };

    fn found(facts: &Facts) -> Vec<Finding> {
        match super::super::judged(facts) {
            Ok(Outcome::Found(found)) => found,
            other => panic!("{other:?}"),
        }
    }

    fn hierarchy(name: &str, read_only: bool) -> CgroupMount {
        CgroupMount {
            hierarchy: Hierarchy::Controllers(vec![name.into()]),
            mount_point: Text::from(format!("/sys/fs/cgroup/{name}")),
            root: "/".into(),
            read_only,
            super_options: vec![],
        }
    }

    fn on_version_1(read_only: bool, what: Option<&str>) -> Facts {
        let mut facts = healthy_container();
        facts.cgroup.mounts = Known(vec![hierarchy("memory", read_only)]);
        let steps = [(Action::MakeDirectory, "/sys/fs/cgroup/memory", what)];
        tried(&mut facts, TrialName::Cgroup, "/sys/fs/cgroup", &steps);
        facts
    }

    #[test]
    fn a_cgroup_that_was_made_removes_the_alarm_and_one_that_was_not_makes_it() {
        assert_eq!(super::super::judged(&on_version_1(true, None)), Ok(Outcome::pass()));
        let read_only = found(&on_version_1(true, Some("EROFS"))).remove(0);
        assert_eq!(read_only.evidence.last().unwrap().value, "EROFS");
        assert_eq!(read_only.proof(), Proof::Trial);

        let mut facts = on_version_1(false, Some("EACCES"));
        assert_eq!(found(&facts)[0].summary, "no cgroup can be made in memory (EACCES)");
        assert_eq!(found(&facts)[0].severity, CHECK.worst);
        facts.identity.namespaces.user = private(4_026_532_600);
        let severity = found(&facts)[0].severity;
        assert_eq!(severity.get(crate::target::Target::Dockerd), Some(Severity::Warning));
    }
}
