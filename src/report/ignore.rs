//! What does not count, for a reason and until a day.

use dind_doctor_checks::{outcome::Finding, registry::Area};

use super::{CheckReport, Day, Options, Selector, Status, baseline};

/// Something that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    /// One check, or all of an area.
    pub selector: Selector,
    /// If given, only findings about this subject. Ids and addresses in it stand for any others, as in
    /// a baseline.
    pub subject: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub until: Option<Day>,
}

impl Ignore {
    /// Whether it still holds.
    pub fn holds(&self, today: Day) -> bool {
        self.until.is_none_or(|last| today <= last)
    }

    /// Whether it is about the check.
    pub fn covers(&self, area: Area, id: &str) -> bool {
        self.selector.covers(area, id)
    }

    fn is_about(&self, finding: &Finding) -> bool {
        let subject = |subject: &str| baseline::fingerprint(subject);
        self.subject.as_ref().is_some_and(|s| subject(s) == subject(&finding.subject))
    }

    /// Whether a check that it covers ended with something that this is about, or might have.
    fn matches(&self, check: &CheckReport) -> bool {
        if check.status.is_open() {
            return true;
        }
        if self.subject.is_none() {
            return check.status == Status::Finding;
        }
        let aside = check.set_aside.iter().map(|aside| &aside.finding);
        check.findings.iter().chain(aside).any(|finding| self.is_about(finding))
    }
}

impl From<Selector> for Ignore {
    /// As the command line asks for it.
    fn from(selector: Selector) -> Self {
        Self { selector, subject: None, reason: "--ignore".to_owned(), until: None }
    }
}

/// Why the outcome of a check, or one of its findings, does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The reason that was given.
    pub reason: String,
    /// The last day (`YYYY-MM-DD`) on which it holds.
    pub until: Option<String>,
}

impl From<&Ignore> for Ignored {
    fn from(ignore: &Ignore) -> Self {
        Self { reason: ignore.reason.clone(), until: ignore.until.map(|day| day.to_string()) }
    }
}

/// A finding that does not count beside others of the same check that do.
#[derive(Debug, Clone)]
pub struct SetAside {
    /// What was found, as the check gave it.
    pub finding: Finding,
    /// Why it does not count.
    pub ignored: Ignored,
}

/// Sets aside the findings whose subjects are ignored. If that leaves none, the check as a whole is
/// ignored, and keeps them.
pub(super) fn set_aside(check: &mut CheckReport, options: &Options) {
    if check.ignored.is_some() {
        return;
    }
    let holding = |finding: &Finding| {
        options.ignore.iter().find(|ignore| {
            ignore.holds(options.today)
                && ignore.covers(check.area, check.id)
                && ignore.is_about(finding)
        })
    };
    let by: Vec<Option<&Ignore>> = check.findings.iter().map(holding).collect();
    if by.iter().all(Option::is_some) {
        let until = by.iter().flatten().filter_map(|ignore| ignore.until).min();
        let until = until.map(|day| day.to_string());
        check.ignored = (!by.is_empty()).then(|| Ignored { reason: reasons(&by), until });
        return;
    }
    let findings = std::mem::take(&mut check.findings);
    for (finding, ignore) in findings.into_iter().zip(by) {
        match ignore {
            Some(ignore) => check.set_aside.push(SetAside { finding, ignored: ignore.into() }),
            None => check.findings.push(finding),
        }
    }
}

/// The different reasons, in order.
fn reasons(by: &[Option<&Ignore>]) -> String {
    let mut reasons: Vec<&str> = Vec::new();
    for ignore in by.iter().flatten() {
        if !reasons.contains(&ignore.reason.as_str()) {
            reasons.push(&ignore.reason);
        }
    }
    reasons.join("; ")
}

/// What of `options.ignore` no longer holds, and what of the rest is about nothing that was found.
/// What is about checks that did not run is not judged.
pub(super) fn of_no_effect(
    checks: &[CheckReport],
    options: &Options,
) -> (Vec<Ignore>, Vec<Ignore>) {
    let (holding, expired): (Vec<&Ignore>, Vec<&Ignore>) =
        options.ignore.iter().partition(|ignore| ignore.holds(options.today));
    let unused = holding
        .into_iter()
        .filter(|ignore| {
            let mut about = checks.iter().filter(|c| ignore.covers(c.area, c.id)).peekable();
            about.peek().is_some() && !about.any(|check| ignore.matches(check))
        })
        .cloned()
        .collect();
    (expired.into_iter().cloned().collect(), unused)
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::{
        outcome::{Finding, Outcome},
        registry::Area,
        severities,
        target::Severity,
    };

    use super::*;
    use crate::report::{
        Readiness, Report,
        testing::{check, found, report_with, unknown},
    };

    const TODAY: Day = Day::new(2026, 11, 22);

    fn about(id: &str) -> Ignore {
        Ignore { reason: "why".to_owned(), ..Selector::Check(id.to_owned()).into() }
    }

    fn ignoring(ignore: Vec<Ignore>) -> Options {
        Options { ignore, today: TODAY, ..Options::default() }
    }

    fn ids(ignores: &[Ignore]) -> Vec<&str> {
        ignores.iter().map(|ignore| ignore.selector.name()).collect()
    }

    #[test]
    fn it_holds_on_its_last_day_and_not_on_the_next() {
        let until = |day| Ignore { until: Some(day), ..about("a") };
        let code = |day| {
            let report = report_with(&[found!("a", {dockerd: Error})], &ignoring(vec![until(day)]));
            (report.exit_code, report.expired_ignores.len())
        };
        assert_eq!(code(Day::new(2026, 11, 22)), (0, 0));
        assert_eq!(code(Day::new(2026, 11, 21)), (1, 1));
        let report = report_with(&[found!("a", {dockerd: Error})], &ignoring(vec![until(TODAY)]));
        let ignored = report.checks[0].ignored.clone();
        let until = Some("2026-11-22".to_owned());
        assert_eq!(ignored, Some(Ignored { reason: "why".to_owned(), until }));
    }

    #[test]
    fn what_is_about_nothing_that_was_found_is_told() {
        let area = Ignore::from(Selector::Area(Area::Time));
        let ignore = ["found", "passes", "blind", "unselected"].map(about);
        let options = ignoring(ignore.into_iter().chain([area]).collect());
        let select = ["found", "passes", "blind"].map(|id| Selector::Check(id.to_owned()));
        let options = Options { select: select.to_vec(), ..options };
        let checks = [
            found!("found", {rootless: Warning}),
            check!("passes", {dockerd: Error}),
            unknown!("blind", {dockerd: Error}),
            check!("unselected", {dockerd: Error}),
        ];
        let report = report_with(&checks, &options);
        assert_eq!(ids(&report.unused_ignores), ["passes"]);
        assert!(report.expired_ignores.is_empty());
    }

    fn two(subjects: &[&str]) -> Report {
        let check = check!("a", {dockerd: Error}, {
            let finding = |subject, severity| Finding::new(subject, severity, "found");
            Ok(Outcome::of(vec![
                finding("PID 17", severities!(dockerd: Error)),
                finding("PID 1", severities!(dockerd: Warning)),
            ]))
        });
        let ignore = subjects
            .iter()
            .map(|subject| Ignore { subject: Some((*subject).to_owned()), ..about("a") });
        report_with(&[check], &ignoring(ignore.collect()))
    }

    #[test]
    fn one_finding_is_set_aside_and_the_others_count() {
        let report = two(&["PID 4711"]);
        let check = &report.checks[0];
        assert_eq!((check.findings.len(), check.set_aside.len()), (1, 1));
        assert_eq!(check.severity, Some(Severity::Warning));
        assert!(check.counts());
        assert_eq!(report.exit_code, 0);
        assert_eq!(report.targets[0].readiness, Readiness::Degraded);
        assert_eq!(report.targets[0].as_found, Readiness::Blocked);
        assert_eq!(report.targets[0].adjusted_by, ["a"]);
    }

    #[test]
    fn a_check_without_a_finding_that_counts_is_ignored() {
        let report = two(&["PID 1", "PID 2"]);
        let check = &report.checks[0];
        assert_eq!((check.findings.len(), check.set_aside.len()), (2, 0));
        assert_eq!(check.ignored.as_ref().map(|i| i.reason.as_str()), Some("why"));
        assert_eq!(report.summary.ignored, 1);
    }

    #[test]
    fn a_subject_that_is_not_found_is_told() {
        let report = two(&["PID 1", "PID eins"]);
        assert_eq!(ids(&report.unused_ignores), ["a"]);
        assert_eq!(report.unused_ignores[0].subject.as_deref(), Some("PID eins"));
    }
}
