//! What a log says, and what a machine says about that.

use std::{cmp::Reverse, collections::HashMap};

use super::{
    reader::{Log, Match, Place},
    texts::Subject,
};
use crate::report::{CheckReport, Report, Status};

/// A text that is in the log.
#[derive(Debug)]
pub struct Sighting<'a> {
    /// The text.
    pub text: &'static str,
    /// Where it is first.
    pub first: &'a Place,
    /// How many lines have it.
    pub lines: u64,
    /// To how many failures it points.
    pub carriers: usize,
    /// Whether it says only that something failed.
    pub symptom: bool,
    strength: usize,
}

impl Sighting<'_> {
    /// The most telling first; symptoms after causes.
    const fn rank(&self) -> (bool, Reverse<usize>) {
        (self.symptom, Reverse(self.strength))
    }
}

/// A failure that the log may show.
#[derive(Debug)]
pub struct Suspect<'a> {
    /// What it is.
    pub subject: Subject,
    /// What the machine says about it, if there is one and a check looks for it.
    pub check: Option<&'a CheckReport>,
    /// Its texts that are in the log, the most telling first; never empty.
    pub seen: Vec<Sighting<'a>>,
}

impl Suspect<'_> {
    /// Its id.
    pub const fn id(&self) -> &'static str {
        self.subject.id()
    }

    /// Whether the same problem is found on the machine.
    pub fn is_found(&self) -> bool {
        self.check.is_some_and(|check| check.status == Status::Finding && check.counts())
    }

    /// Whether nothing that was seen of it names a cause.
    pub fn is_symptom(&self) -> bool {
        self.seen.iter().all(|sighting| sighting.symptom)
    }

    /// Ids of the findings on the machine that explain this one.
    pub fn causes(&self) -> Vec<&'static str> {
        let mut causes: Vec<&'static str> = Vec::new();
        let findings = self.check.iter().flat_map(|check| &check.findings);
        for cause in findings.flat_map(|finding| &finding.caused_by) {
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
    /// What was found on the machine with which it is compared, if it is with one.
    pub report: Option<&'a Report>,
    /// Whether that machine is this one because the log names it.
    pub names_this_host: bool,
    /// What it may show, the likeliest first.
    pub suspects: Vec<Suspect<'a>>,
}

/// Says what a log shows, and joins that with a report if there is one.
///
/// The order is that of the log: what has the text that says most (with the most constant characters, in a line
/// that says that something failed) comes first, and a symptom after causes. Of several causes of the same text the
/// likeliest comes first. What is found on the machine does not change it: a disk that is full is not a limit of
/// inotify because that is low, too.
pub fn explain<'a>(log: &'a Log<'a>, report: Option<&'a Report>) -> Explanation<'a> {
    let checks: HashMap<_, _> =
        report.iter().flat_map(|report| &report.checks).map(|check| (check.id, check)).collect();
    let mut suspects: Vec<Suspect<'a>> = Vec::new();
    for subject in log.subjects() {
        let mut seen: Vec<_> =
            log.matches.iter().filter_map(|found| sighting(found, subject.id())).collect();
        if !seen.is_empty() {
            seen.sort_by_key(Sighting::rank);
            let check = checks.get(subject.id()).copied();
            suspects.push(Suspect { subject, check, seen });
        }
    }
    suspects.sort_by_key(|suspect| {
        let rank = suspect.seen.first().map(Sighting::rank);
        (rank, Reverse(suspect.seen.len()))
    });
    Explanation { log, report, names_this_host: false, suspects }
}

fn sighting<'a>(found: &'a Match<'a>, id: &str) -> Option<Sighting<'a>> {
    let place = found.text.subjects.iter().position(|subject| subject.id() == id)?;
    // What is only warned of is often not what it failed of; what is less likely says less.
    let divisor = (place + 1) * if found.failed { 1 } else { 2 };
    Some(Sighting {
        text: found.text.text,
        first: &found.first,
        lines: found.lines,
        carriers: found.text.subjects.len(),
        symptom: found.text.symptom,
        // Scaled, so that short texts keep their order.
        strength: found.text.strength() * 64 / divisor,
    })
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

    static CHECKS: [Check; 5] = [
        check("generic", &["xermission denied"], |_, _| Ok(Outcome::pass())),
        check("vague", &["xermission denied", "shared words"], |_, _| Ok(Outcome::pass())),
        check("precise", &["xount: xermission denied (are you root?)"], |_, _| Ok(Outcome::pass())),
        check("found", &["a short text"], |_, _| Ok(found("cause"))),
        check("absent", &["never there at all"], |_, _| Ok(found("cause"))),
    ];

    fn ranked(content: &str, is_joined: bool) -> Vec<&'static str> {
        let checks = || CHECKS.iter().map(|check| (Area::Cgroup, check));
        let collected =
            Collected { facts: Facts::default(), timed_out: vec![], crashed: vec![], took: vec![] };
        let report = diagnose_with(checks(), collected, Origin::Live, &Options::default());
        let texts = Texts::of(checks());
        let log = read(content.as_bytes(), &texts).unwrap();
        let explanation = explain(&log, is_joined.then_some(&report));
        let found = explanation.suspects.iter().filter(|suspect| suspect.is_found());
        assert_eq!(found.count() > 0, is_joined && content.contains("short"));
        explanation.suspects.iter().map(super::Suspect::id).collect()
    }

    #[test]
    fn the_most_telling_text_comes_first_whatever_is_found_here() {
        for is_joined in [false, true] {
            let ranked = |content| ranked(content, is_joined);
            assert_eq!(ranked("xount: xermission denied (are you root?)"), ["precise"]);
            let log =
                "xermission denied\nxount: xermission denied (are you root?)\na short text: failed";
            assert_eq!(ranked(log), ["precise", "generic", "found", "vague"]);
            assert_eq!(ranked("a short text"), ["found"]);
        }
    }

    #[test]
    fn a_symptom_comes_after_its_causes() {
        let log = "error: kubelet is not healthy after 4m0s\nerror: a short text";
        assert_eq!(ranked(log, false)[0], "found");
        assert_eq!(ranked(log, true)[0], "found");
    }
}
