//! What a log says, joined with what was found here.

use std::cmp::Reverse;

use super::reader::{Log, Match, Place};
use crate::report::{CheckReport, Report, Status};

/// A text of a check that is in the log.
#[derive(Debug)]
pub struct Sighting<'a> {
    /// The text.
    pub text: &'static str,
    /// Where it is first.
    pub first: &'a Place,
    /// How many lines have it.
    pub lines: u64,
    /// How many checks carry it.
    pub carriers: usize,
    /// The place of this check among them.
    place: usize,
    strength: usize,
}

impl Sighting<'_> {
    /// The most telling first, and of the equally telling those that are typical for this check.
    fn rank(&self) -> (Reverse<usize>, usize) {
        (Reverse(self.strength), self.place)
    }
}

/// A failure that the log may show.
#[derive(Debug)]
pub struct Suspect<'a> {
    /// What this machine says about it.
    pub check: &'a CheckReport,
    /// Its texts that are in the log, the most telling first; never empty.
    pub seen: Vec<Sighting<'a>>,
}

impl Suspect<'_> {
    /// Whether the same problem is found here.
    pub fn is_found(&self) -> bool {
        self.check.status == Status::Finding && self.check.counts()
    }

    /// Ids of the findings here that explain this one.
    pub fn causes(&self) -> Vec<&'static str> {
        let mut causes: Vec<&'static str> = Vec::new();
        for cause in self.check.findings.iter().flat_map(|finding| &finding.caused_by) {
            if !causes.contains(cause) {
                causes.push(cause);
            }
        }
        causes
    }
}

/// What a log says.
#[derive(Debug)]
pub struct Explanation<'a> {
    /// The log.
    pub log: &'a Log<'a>,
    /// What was found here.
    pub report: &'a Report,
    /// What it may show, the likeliest first.
    pub suspects: Vec<Suspect<'a>>,
}

/// Joins a log with a report.
///
/// What is found here too comes first; then what has the most telling text (long, carried by no other
/// check, in a line that says that something failed), then what has more texts, then that for which a shared
/// text is typical, then what comes first in the registry, which has root causes first. A finding never comes before another
/// finding of this list that explains it.
pub fn explain<'a>(log: &'a Log<'a>, report: &'a Report) -> Explanation<'a> {
    let sightings = |check: &CheckReport| {
        let own = log.matches.iter().filter_map(|found| sighting(found, check.id));
        let mut seen: Vec<_> = own.collect();
        seen.sort_by_key(Sighting::rank);
        seen
    };
    let all = report.checks.iter().map(|check| Suspect { check, seen: sightings(check) });
    let mut suspects: Vec<_> = all.filter(|suspect| !suspect.seen.is_empty()).collect();
    suspects.sort_by_key(|s| {
        let (strength, place) = s.seen.first().map(Sighting::rank).unwrap_or_default();
        (Reverse(s.is_found()), strength, Reverse(s.seen.len()), place)
    });
    Explanation { log, report, suspects: causes_first(suspects) }
}

fn sighting<'a>(found: &'a Match<'a>, check: &str) -> Option<Sighting<'a>> {
    Some(Sighting {
        text: found.text.text,
        first: &found.first,
        lines: found.lines,
        carriers: found.text.checks.len(),
        place: found.text.checks.iter().position(|id| *id == check)?,
        // What is only warned of is often not what it failed of.
        strength: found.text.strength() / if found.failed { 1 } else { 2 },
    })
}

/// The same order but that each finding follows those that explain it; in a circle nobody is lost.
fn causes_first(suspects: Vec<Suspect<'_>>) -> Vec<Suspect<'_>> {
    let ids: Vec<_> = suspects.iter().map(|suspect| suspect.check.id).collect();
    let causes: Vec<Vec<usize>> = suspects
        .iter()
        .map(|s| s.causes().iter().filter_map(|id| ids.iter().position(|i| i == id)).collect())
        .collect();
    let mut order = Vec::new();
    let mut entered = vec![false; suspects.len()];
    for at in 0..suspects.len() {
        enter(at, &causes, &mut entered, &mut order);
    }
    let mut suspects: Vec<_> = suspects.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| suspects[at].take()).collect()
}

/// Depth is bounded by the number of checks.
fn enter(at: usize, causes: &[Vec<usize>], entered: &mut [bool], order: &mut Vec<usize>) {
    if std::mem::replace(&mut entered[at], true) {
        return;
    }
    for cause in &causes[at] {
        enter(*cause, causes, entered, order);
    }
    order.push(at);
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::{
        Check, Layer,
        facts::Facts,
        outcome::{Finding, Outcome, Verdict},
        plan::Plan,
        registry::Area,
        target::Severities,
    };

    use super::explain;
    use crate::{
        log::{Texts, read},
        probe::Collected,
        report::{Options, Origin, diagnose_with},
    };

    const WORST: Severities = dind_doctor_checks::severities!(dockerd: Error, kind: Error, rootless: Error, systemd: Error, buildkit: Error);

    fn found(cause: &'static str) -> Outcome {
        Finding::new("subject", WORST, "summary").caused_by(cause).into()
    }

    const fn check(
        id: &'static str,
        logs: &'static [&'static str],
        run: fn(&Facts, &Plan) -> Verdict,
    ) -> Check {
        Check { id, title: id, worst: WORST, layer: Layer::Engine, trials: &[], logs, doc: "", run }
    }

    static CHECKS: [Check; 6] = [
        check("generic", &["permission denied"], |_, _| Ok(Outcome::pass())),
        check("vague", &["permission denied", "shared words"], |_, _| Ok(Outcome::pass())),
        check("precise", &["mount: permission denied (are you root?)"], |_, _| Ok(Outcome::pass())),
        check("effect", &["a long text that only the effect has"], |_, _| Ok(found("cause"))),
        check("cause", &["shared words"], |_, _| Ok(found("effect of nothing here"))),
        check("absent", &["never there at all"], |_, _| Ok(found("cause"))),
    ];

    fn ranked(content: &str) -> Vec<&'static str> {
        let checks = || CHECKS.iter().map(|check| (Area::Cgroup, check));
        let collected =
            Collected { facts: Facts::default(), timed_out: vec![], crashed: vec![], took: vec![] };
        let report = diagnose_with(checks(), collected, Origin::Live, &Options::default());
        let texts = Texts::of(checks());
        let log = read(content.as_bytes(), &texts).unwrap();
        explain(&log, &report).suspects.iter().map(|suspect| suspect.check.id).collect()
    }

    #[test]
    fn a_generic_text_does_not_out_rank_a_precise_one() {
        assert_eq!(ranked("mount: permission denied (are you root?)"), ["precise"]);
        let log = "permission denied\nmount: permission denied (are you root?)\nshared words";
        assert_eq!(ranked(log), ["cause", "precise", "vague", "generic"]);
    }

    #[test]
    fn what_is_found_here_comes_first_and_its_cause_before_it() {
        let log = "permission denied\na long text that only the effect has\nshared words\n";
        assert_eq!(ranked(log), ["cause", "effect", "vague", "generic"]);
        assert_eq!(ranked("a long text that only the effect has"), ["effect"]);
    }
}
