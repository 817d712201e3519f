//! What became of `newuidmap` and `newgidmap` when a trial executed them.

use alloc::{format, string::ToString, vec, vec::Vec};

use super::{CHECK, Kind, user};
use crate::{
    facts::{Action, Facts, Step, Trial, TrialName},
    outcome::{Finding, Outcome, Proof},
    remedy::{Place, Remedy, Task},
};

/// How the map was written.
enum Tried<'a> {
    Works,
    Fails(&'a Trial, &'a Step),
}

/// `None` if the program was not executed.
fn tried(facts: &Facts, kind: Kind) -> Option<Tried<'_>> {
    let trial = facts.trials.complete(TrialName::Subids)?;
    let (action, map) = match kind {
        Kind::User => (Action::MapUserIds, "uid_map"),
        Kind::Group => (Action::MapGroupIds, "gid_map"),
    };
    let written = trial.steps(action).next()?;
    if written.refused.is_some() {
        return Some(Tried::Fails(trial, written));
    }
    let read = trial.step(Action::ReadIdMap, map)?;
    Some(if read.refused.is_some() { Tried::Fails(trial, read) } else { Tried::Works })
}

/// Whether it wrote the map that was asked for: what was read of files says nothing more then.
pub(super) fn works(facts: &Facts, kind: Kind) -> bool {
    matches!(tried(facts, kind), Some(Tried::Works))
}

/// What was found in files with what the program said; its words alone where nothing was found.
pub(super) fn confirmed(facts: &Facts, kind: Kind, found: Vec<Finding>) -> Vec<Finding> {
    let Some(Tried::Fails(trial, step)) = tried(facts, kind) else { return found };
    // That there are few ids explains no failure.
    let explains = |finding: &Finding| finding.severity == CHECK.worst;
    if found.iter().any(explains) {
        let each = found.into_iter();
        return each.map(|f| if explains(&f) { f.tried(trial, step) } else { f }).collect();
    }
    let mut all = vec![failure(facts, kind, trial, step)];
    all.extend(found);
    all
}

/// Proved where both maps were written.
pub(super) fn pass(facts: &Facts) -> Outcome {
    let both = works(facts, Kind::User) && works(facts, Kind::Group);
    Outcome::Pass(if both { Proof::Trial } else { Proof::Static })
}

fn failure(facts: &Facts, kind: Kind, trial: &Trial, step: &Step) -> Finding {
    let name = kind.program();
    let finding = Finding::new(
        name,
        CHECK.worst,
        format!("{name} fails to map the ids of {}: {step}", user(facts)),
    )
    .tried(trial, step);
    let program = match kind {
        Kind::User => facts.subids.newuidmap.known(),
        Kind::Group => facts.subids.newgidmap.known(),
    };
    let finding = match program.and_then(Option::as_ref).filter(|program| program.set_user_id) {
        Some(program) => {
            let capability = if kind == Kind::User { "cap_setuid" } else { "cap_setgid" };
            finding.remedy(Remedy::tasks(
                Place::Image,
                "give it file capabilities in place of the set-user-id bit: it stays the user then who made \
                 the namespace, and needs no CAP_SYS_ADMIN",
                [Task::FileCapability {
                    path: program.path.to_string(),
                    capability: format!("{capability}+ep"),
                }],
            ))
        }
        None => finding,
    };
    finding.remedy(Remedy::advice(
        Place::Container,
        "where a seccomp or AppArmor profile keeps it from writing the map, lift that for the container",
    ))
}
