//! Runs one check for every plan, and keeps its panic to itself.

use std::collections::BTreeMap;

use dind_doctor_checks::{
    Check,
    facts::{Facts, Missing},
    judge::{Judgement, OfTarget, Said, union},
    outcome::Proof,
    plan::Plans,
    registry::Area,
    remedy::{Place, Remedy},
};

use super::{CheckReport, Ignored, Options, Status, check, ignore, rehearsal, severity, unknown};
use crate::isolated::isolated;

/// Runs `check` for every plan that it concerns.
pub(crate) fn judge(
    area: Area,
    check: &'static Check,
    facts: &Facts,
    plans: &Plans,
    options: &Options,
) -> CheckReport {
    let mut judgement = Judgement::default();
    for plan in check.concerned(plans) {
        match isolated(|| check.says(facts, plan)) {
            Ok(verdict) => {
                judgement.add(plan, rehearsal::refuted(check.id, facts, plan, verdict));
            }
            Err(message) => judgement.crash(plan.target, message),
        }
    }
    let Judgement { targets, mut findings } = judgement;
    if facts.runtime.container.is_no() {
        for finding in &mut findings {
            drop_launching(&mut finding.remedies);
        }
    }
    let status = targets.iter().map(|of| status(&of.said)).min_by_key(|status| rank(*status));
    let status = status.unwrap_or(Status::NotApplicable);
    let mut report = CheckReport {
        id: check.id,
        area,
        title: check.title,
        doc: check.doc,
        worst: check.reach(plans),
        declared: check.reach(plans),
        trials: check.trials,
        status,
        severity: None,
        proof: proof(status, &targets),
        reason: None,
        missing: union(targets.iter().flat_map(|of| &of.missing)),
        remedies: Vec::new(),
        ignored: options.ignores(area, check.id).map(Ignored::from),
        overridden: None,
        findings,
        fails: false,
        set_aside: Vec::new(),
        accepted: BTreeMap::new(),
        targets: Vec::new(),
    };
    if status == Status::Unknown {
        report.remedies = targets.iter().find_map(advice).map_or_else(
            || unknown::remedies(&report.missing, facts),
            |remedy| vec![remedy.clone()],
        );
    }
    report.targets = targets.into_iter().map(of_target).collect();
    report.reason = match status {
        Status::Unknown => Some(reason(&report.missing)),
        Status::Pass => None,
        // Found for one target, and unknown for another.
        Status::Finding | Status::NotApplicable | Status::Crashed => {
            let such = |of: &&check::OfTarget| match status {
                Status::Finding => of.status == Status::Unknown,
                status => of.status == status,
            };
            report.targets.iter().filter(such).find_map(|of| of.reason.clone())
        }
    };
    ignore::set_aside(&mut report, options);
    severity::replace(&mut report, options);
    report.severity = report.found().worst(&options.targets);
    report
}

const fn status(said: &Said) -> Status {
    match said {
        Said::Finding => Status::Finding,
        Said::Pass => Status::Pass,
        Said::NotApplicable(_) => Status::NotApplicable,
        Said::Unknown(_) => Status::Unknown,
        Said::Crashed(_) => Status::Crashed,
    }
}

/// Which status stands for several.
const fn rank(status: Status) -> u8 {
    match status {
        Status::Crashed => 0,
        Status::Finding => 1,
        Status::Unknown => 2,
        Status::Pass => 3,
        Status::NotApplicable => 4,
    }
}

/// The weakest on which that status rests.
fn proof(status: Status, targets: &[OfTarget]) -> Proof {
    let such = targets.iter().filter(|of| self::status(&of.said) == status);
    such.map(|of| of.proof).min().unwrap_or(Proof::Static)
}

const fn advice(of: &OfTarget) -> Option<&Remedy> {
    match &of.said {
        Said::Unknown(remedy) => remedy.as_ref(),
        _ => None,
    }
}

fn of_target(of: OfTarget) -> check::OfTarget {
    let status = status(&of.said);
    let reason = match of.said {
        Said::NotApplicable(reason) | Said::Crashed(reason) => Some(reason),
        Said::Unknown(_) => Some(reason(&of.missing)),
        Said::Finding | Said::Pass => None,
    };
    check::OfTarget { target: of.target, status, proof: of.proof, reason, missing: of.missing }
}

/// Nothing launches what is not a container; a remedy that is the only one may still tell something.
fn drop_launching(remedies: &mut Vec<Remedy>) {
    if remedies.iter().any(|remedy| remedy.place != Place::Container) {
        remedies.retain(|remedy| remedy.place != Place::Container);
    }
}

fn reason(missing: &[Missing]) -> String {
    let each: Vec<_> = missing.iter().map(|m| format!("{}: {}", m.source, m.why)).collect();
    each.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{check, crashed, report_of, unknown};

    #[test]
    fn a_panic_is_one_crashed_check_and_the_next_one_runs() {
        let report =
            report_of(&[crashed!("first", {dockerd: Error}), check!("second", {dockerd: Error})]);
        assert_eq!(report.checks[0].status, Status::Crashed);
        let reason = report.checks[0].reason.as_deref().unwrap_or_default();
        assert!(reason.starts_with("out of cheese ("), "{reason}");
        assert!(reason.contains(".rs:"), "{reason}");
        assert_eq!(report.checks[1].status, Status::Pass);
    }

    #[test]
    fn what_is_missing_is_named_with_a_remedy() {
        let report = report_of(&[unknown!("blind", {dockerd: Error})]);
        let check = &report.checks[0];
        assert_eq!(check.reason.as_deref(), Some("/proc/1/status: not-permitted"));
        assert_eq!(check.remedies.len(), 1);
    }

    #[test]
    fn on_a_machine_nothing_is_launched_unless_that_is_all_there_is_to_say() {
        let at = |place| Remedy::advice(place, place.name());
        let mut both = vec![at(Place::Container), at(Place::Host)];
        drop_launching(&mut both);
        assert_eq!(both, [at(Place::Host)]);
        let mut only = vec![at(Place::Container)];
        drop_launching(&mut only);
        assert_eq!(only, [at(Place::Container)]);
    }
}
