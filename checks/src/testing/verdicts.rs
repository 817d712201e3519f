//! What checks say, for unit tests.

use crate::{
    Check,
    facts::Facts,
    judge::Judgement,
    outcome::{Outcome, Proof, Verdict},
    plan::{Plan, Plans},
    target::{Severity, Target},
};

/// What a check says of all plans together, but for those that repeat others: of docker commands and of podman.
pub(crate) fn judged(check: &Check, facts: &Facts) -> Verdict {
    let mut judgement = Judgement::default();
    let plans = Plans::of(facts);
    let repeats = |plan: &&Plan| matches!(plan.target, Target::Docker | Target::Podman);
    for plan in check.concerned(&plans).filter(|plan| !repeats(plan)) {
        judgement.add(plan, check.says(facts, plan));
    }
    let verdict = judgement.verdict();
    if let Ok(outcome) = &verdict
        && outcome.proof() == Proof::Trial
    {
        assert!(
            !check.trials.is_empty(),
            "{} is settled by trials, and does not say by which",
            check.id
        );
    }
    verdict
}

/// What a check says of one target.
pub(crate) fn said_of(check: &Check, facts: &Facts, target: Target) -> Verdict {
    let plans = Plans::of(facts);
    check.says(facts, plans.get(target).unwrap())
}

/// How badly its first finding hurts that target; nothing where it passes or does not apply.
pub(crate) fn severity_for(check: &Check, facts: &Facts, target: Target) -> Option<Severity> {
    match said_of(check, facts, target) {
        Ok(Outcome::Found(found)) => found[0].severity.get(target),
        Ok(_) => None,
        other => panic!("{other:?}"),
    }
}
