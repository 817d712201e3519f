//! Trials made by hand.

use crate::facts::{Action, Ending, Facts, Refused, Step, Trial, TrialName};

/// Adds a trial with these steps: what was done, to what, and how it failed.
pub(crate) fn tried(
    facts: &mut Facts,
    name: TrialName,
    subject: &str,
    steps: &[(Action, &str, Option<&str>)],
) {
    let step = |(action, object, what): &(Action, &str, Option<&str>)| Step {
        action: *action,
        object: (*object).into(),
        needed: true,
        refused: what.map(|what| Refused { errno: None, what: what.into() }),
    };
    facts.trials.runs.push(Trial {
        name,
        subject: subject.into(),
        steps: steps.iter().map(step).collect(),
        ending: Ending::Complete,
        left_behind: alloc::vec![],
        learned: None,
    });
}

/// Lets all steps of a trial that did this fail with this error number.
pub(crate) fn refused_step(
    facts: &mut Facts,
    name: TrialName,
    action: Action,
    errno: i32,
    what: &str,
) {
    let trials = facts.trials.runs.iter_mut().filter(|trial| trial.name == name);
    for step in trials.flat_map(|trial| &mut trial.steps).filter(|step| step.action == action) {
        step.refused = Some(Refused { errno: Some(errno), what: what.into() });
    }
}
