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
