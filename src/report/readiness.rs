//! What follows for each target.

use dind_doctor_checks::{
    facts::TrialName,
    outcome::Proof,
    target::{Severities, Severity, Target},
};

use super::{CheckReport, Status};

/// Whether a target can be started here; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Readiness {
    /// A finding is an error for it.
    Blocked,
    /// A check that could be an error for it was not judged.
    Unknown,
    /// A finding is a warning for it.
    Degraded,
    /// Nothing speaks against it.
    Ready,
}

impl Readiness {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
            Self::Degraded => "degraded",
            Self::Ready => "ready",
        }
    }
}

/// What the checks mean for one target.
#[derive(Debug)]
pub struct TargetReport {
    /// The target.
    pub target: Target,
    /// Whether it was asked for.
    pub selected: bool,
    /// Whether it can be started here.
    pub readiness: Readiness,
    /// `Trial` if the real thing was tried: of what blocks, at least one; otherwise everything that
    /// could block and that a trial can tell. `Rehearsal` if its engine itself ran a container, or failed to.
    pub proof: Proof,
    /// `dockerd 20.10.24 ran a container, 4.1 s`, if it did.
    pub rehearsed: Option<String>,
    /// Checks that found an error for it, root causes first.
    pub blockers: Vec<&'static str>,
    /// Checks that could be an error for it and are unknown, crashed or not selected.
    pub unknown_because: Vec<&'static str>,
    /// Checks that found a warning for it, root causes first.
    pub degraded_by: Vec<&'static str>,
    /// The readiness if nothing were ignored or overridden.
    pub as_found: Readiness,
    /// Where that differs: the checks that make the difference.
    pub adjusted_by: Vec<&'static str>,
}

impl TargetReport {
    /// The readiness in words for people: what was only read has shown no obstacle, which is less than ready.
    pub fn called(&self) -> &'static str {
        match (self.readiness, self.proof) {
            (Readiness::Ready, Proof::Static) => "no obstacle found",
            (readiness, _) => readiness.name(),
        }
    }

    /// `kind is blocked`, `no obstacle found for kind`
    pub fn told(&self) -> String {
        match self.called() {
            called if called == self.readiness.name() => format!("{} is {called}", self.target),
            called => format!("{called} for {}", self.target),
        }
    }
}

/// A check that was not to run.
#[derive(Debug)]
pub(super) struct LeftOut {
    /// Its id.
    pub(super) id: &'static str,
    /// The worst that it can find, per target.
    pub(super) given: Severities,
    /// The same, overridden.
    pub(super) worst: Severities,
    /// Whether it is ignored.
    pub(super) ignored: bool,
}

impl LeftOut {
    /// What it means for a target: by itself, and as it counts.
    fn effects(&self, target: Target) -> (Readiness, Readiness) {
        let counts = if self.ignored { Severities::NONE } else { self.worst };
        (open(self.given.get(target)), open(counts.get(target)))
    }
}

/// What a check that ran means for a target: by itself, and as it counts.
fn effects(check: &CheckReport, target: Target) -> (Readiness, Readiness) {
    let (given, counts) = if check.of(target).is_some_and(|of| of.status.is_open()) {
        (open(check.declared.get(target)), open(check.worst.get(target)))
    } else {
        (found(check.as_found().get(target)), found(check.severity_for(target)))
    };
    let beside =
        if check.is_open_for(target) { open(check.worst.get(target)) } else { Readiness::Ready };
    let (given, counts) = (given.min(beside), counts.min(beside));
    (given, if check.counts() { counts } else { Readiness::Ready })
}

/// What a severity means that a check found.
fn found(severity: Option<Severity>) -> Readiness {
    match severity {
        Some(Severity::Error) => Readiness::Blocked,
        Some(Severity::Warning) => Readiness::Degraded,
        Some(Severity::Info) | None => Readiness::Ready,
    }
}

/// What the worst severity means that a check could have found and that was not judged.
fn open(worst: Option<Severity>) -> Readiness {
    if worst == Some(Severity::Error) { Readiness::Unknown } else { Readiness::Ready }
}

/// Judges every target from the checks that ran and those that were left out.
pub(super) fn of_targets(
    checks: &[CheckReport],
    left_out: &[LeftOut],
    selected: &[Target],
) -> Vec<TargetReport> {
    Target::ALL
        .into_iter()
        .map(|target| of_target(target, checks, left_out, selected.contains(&target)))
        .collect()
}

fn of_target(
    target: Target,
    checks: &[CheckReport],
    left_out: &[LeftOut],
    selected: bool,
) -> TargetReport {
    let counted = || checks.iter().filter(|check| check.counts());
    let blockers = with_severity(counted(), target, Severity::Error);
    let degraded_by = with_severity(counted(), target, Severity::Warning);
    let open = counted().filter(|check| check.hides(Severity::Error, target)).map(|check| check.id);
    let absent = left_out
        .iter()
        .filter(|check| check.effects(target).1 == Readiness::Unknown)
        .map(|check| check.id);
    let unknown_because: Vec<_> = open.chain(absent).collect();
    let readiness = if !blockers.is_empty() {
        Readiness::Blocked
    } else if !unknown_because.is_empty() {
        Readiness::Unknown
    } else if !degraded_by.is_empty() {
        Readiness::Degraded
    } else {
        Readiness::Ready
    };
    let tried = |check: &CheckReport| check.of(target).is_some_and(|of| of.proof != Proof::Static);
    let passes = |check: &CheckReport| check.of(target).is_some_and(|of| of.status == Status::Pass);
    let proved = match readiness {
        Readiness::Blocked => counted().any(|check| blockers.contains(&check.id) && tried(check)),
        Readiness::Unknown => false,
        Readiness::Degraded | Readiness::Ready => {
            let rests_on = |check: &&CheckReport| {
                check.could_reach(Severity::Error, &[target])
                    && (passes(check) || degraded_by.contains(&check.id))
            };
            counted().any(|check| rests_on(&check) && tried(check))
                && counted().filter(rests_on).all(|check| tried(check) || check.trials.is_empty())
        }
    };
    let by_rehearsal = |check: &CheckReport| {
        check.of(target).is_some_and(|of| of.proof == Proof::Rehearsal)
            && check.trials.contains(&TrialName::Rehearse)
            && (passes(check) || blockers.contains(&check.id) || degraded_by.contains(&check.id))
    };
    let rehearsed = readiness != Readiness::Unknown && counted().any(by_rehearsal);
    let each = || {
        let of_left_out = left_out.iter().map(|check| (check.id, check.effects(target)));
        checks.iter().map(|check| (check.id, effects(check, target))).chain(of_left_out)
    };
    let as_found = each().map(|(_, (given, _))| given).min().unwrap_or(Readiness::Ready);
    let differ = each().filter(|(_, (given, counts))| as_found != readiness && given != counts);
    let adjusted_by = differ.map(|(id, _)| id).collect();
    TargetReport {
        target,
        selected,
        readiness,
        proof: match (rehearsed, proved) {
            (true, _) => Proof::Rehearsal,
            (false, true) => Proof::Trial,
            (false, false) => Proof::Static,
        },
        rehearsed: None,
        blockers,
        unknown_because,
        degraded_by,
        as_found,
        adjusted_by,
    }
}

/// Ids of the checks whose worst finding for `target` is `severity`, those that nothing else explains
/// first.
fn with_severity<'a>(
    checks: impl Iterator<Item = &'a CheckReport>,
    target: Target,
    severity: Severity,
) -> Vec<&'static str> {
    let found = checks.filter(|check| check.severity_for(target) == Some(severity));
    let (roots, explained): (Vec<_>, Vec<_>) = found.partition(|check| {
        let mut such = check.findings.iter().filter(|f| f.severity.get(target) == Some(severity));
        such.any(|finding| finding.caused_by.is_empty())
    });
    roots.into_iter().chain(explained).map(|check| check.id).collect()
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::Check;

    use super::*;
    use crate::report::{
        Options, Report, Selector,
        testing::{check, crashed, found, report_of, report_with, unknown},
    };

    fn dockerd(report: &Report) -> &TargetReport {
        &report.targets[0]
    }

    #[test]
    fn an_error_blocks_whatever_else_is_unknown() {
        let report = report_of(&[
            unknown!("a", {dockerd: Error}),
            found!("b", {dockerd: Error, kind: Warning}),
        ]);
        assert_eq!(dockerd(&report).readiness, Readiness::Blocked);
        assert_eq!(dockerd(&report).blockers, ["b"]);
        assert_eq!(dockerd(&report).unknown_because, ["a"]);
        assert_eq!(report.targets[1].readiness, Readiness::Degraded);
        assert_eq!(report.targets[1].degraded_by, ["b"]);
        assert_eq!(report.targets[2].readiness, Readiness::Ready);
    }

    #[test]
    fn a_possible_error_that_was_not_judged_is_unknown() {
        let with = |open| report_of(&[open, found!("warned", {dockerd: Warning})]);
        assert_eq!(dockerd(&with(unknown!("a", {dockerd: Error}))).readiness, Readiness::Unknown);
        assert_eq!(dockerd(&with(crashed!("a", {dockerd: Error}))).readiness, Readiness::Unknown);
        assert_eq!(
            dockerd(&with(unknown!("a", {dockerd: Warning}))).readiness,
            Readiness::Degraded
        );
    }

    #[test]
    fn a_possible_error_that_was_not_selected_is_unknown() {
        let options =
            Options { select: vec![Selector::Check("b".to_owned())], ..Options::default() };
        let checks: [&Check; 3] = [
            check!("a", {dockerd: Error}),
            check!("b", {dockerd: Error, kind: Error}),
            check!("c", {dockerd: Warning, kind: Warning}),
        ];
        let report = report_with(&checks, &options);
        assert_eq!(dockerd(&report).unknown_because, ["a"]);
        assert_eq!(dockerd(&report).readiness, Readiness::Unknown);
        assert_eq!(report.targets[1].readiness, Readiness::Ready);
        assert_eq!(report.checks.len(), 1);
    }

    #[test]
    fn what_is_ignored_does_not_count_found_unknown_or_left_out() {
        let ignore =
            ["a", "b", "c"].into_iter().map(|id| Selector::Check(id.to_owned()).into()).collect();
        let select = ["a", "b", "d"].into_iter().map(|id| Selector::Check(id.to_owned())).collect();
        let options = Options { select, ignore, ..Options::default() };
        let checks: [&Check; 4] = [
            found!("a", {dockerd: Error}),
            unknown!("b", {dockerd: Error}),
            check!("c", {dockerd: Error}),
            check!("d", {dockerd: Error}),
        ];
        let report = report_with(&checks, &options);
        assert_eq!(dockerd(&report).readiness, Readiness::Ready);
        assert_eq!(dockerd(&report).as_found, Readiness::Blocked);
        assert_eq!(dockerd(&report).adjusted_by, ["a", "b", "c"]);
        assert!(report.checks[0].ignored.is_some());
        assert_eq!(report.checks[0].status, Status::Finding);
    }

    #[test]
    fn root_causes_come_first() {
        let report = report_of(&[
            found!("effect", {dockerd: Error}, "cause"),
            found!("cause", {dockerd: Error}),
            found!("other", {dockerd: Error}),
        ]);
        assert_eq!(dockerd(&report).blockers, ["cause", "other", "effect"]);
    }

    #[test]
    fn it_is_proved_where_all_that_can_be_tried_was() {
        use dind_doctor_checks::outcome::Outcome;
        let report = report_of(&[
            check!("tried", {dockerd: Error, kind: Error}, Ok(Outcome::Pass(Proof::Trial)), [Overlay]),
            check!("not-tried", {kind: Error}, Ok(Outcome::pass()), [Overlay]),
            check!("no-trial-tells-this", {dockerd: Error, kind: Error, rootless: Error}),
        ]);
        assert_eq!(dockerd(&report).proof, Proof::Trial);
        assert_eq!(report.targets[1].proof, Proof::Static, "one of the two was not tried");
        assert_eq!(report.targets[2].proof, Proof::Static);
    }

    #[test]
    fn one_blocker_that_was_tried_is_proof() {
        let report = report_of(&[
            found!("a", {dockerd: Error}),
            check!("b", {dockerd: Error, kind: Error}, {
                let severity = dind_doctor_checks::severities!(dockerd: Error);
                let finding = dind_doctor_checks::outcome::Finding::new("s", severity, "s");
                let tried = dind_doctor_checks::outcome::Source::trial("mount overlay");
                Ok(finding.evidence(tried, "EINVAL").into())
            }),
        ]);
        assert_eq!(dockerd(&report).proof, Proof::Trial);
        assert_eq!(report.targets[1].proof, Proof::Static);
    }
}
