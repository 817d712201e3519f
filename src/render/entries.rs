//! What is wrong, in the order in which it is told: worst first, consequences with their cause.

use std::cmp::Reverse;

use dind_doctor_checks::{outcome::Finding, target::Severity};

use crate::report::{CheckReport, Report};

/// One check that found something for the targets that were asked for.
pub(super) struct Entry<'a> {
    /// The check.
    pub(super) check: &'a CheckReport,
    /// How bad it is for the targets that were asked for.
    pub(super) severity: Severity,
    /// Its findings that concern those targets, worst first.
    pub(super) findings: Vec<&'a Finding>,
    /// How many of the findings are in the baseline.
    pub(super) known: usize,
    /// Causes that are shown in entries of their own.
    pub(super) caused_by: Vec<&'static str>,
    /// What it explains, directly or not, in report order.
    pub(super) explains: Vec<Entry<'a>>,
}

impl Entry<'_> {
    /// Whether all of it is in the baseline.
    pub(super) fn is_known(&self) -> bool {
        self.known == self.findings.len()
    }

    /// Whether part of it is a warning or an error that is not.
    pub(super) fn is_new(&self) -> bool {
        self.severity > Severity::Info && !self.is_known()
    }
}

/// The root causes, what is new to the baseline first, then worst first, with what they explain. A
/// consequence that is worse than its cause stands by itself, and so does a new one of a known cause, so
/// that nothing bad hides under something harmless.
pub(super) fn of(report: &Report) -> Vec<Entry<'_>> {
    let targets = report.selected();
    let mut found: Vec<Option<Entry<'_>>> = report
        .checks
        .iter()
        .filter(|check| check.counts())
        .filter_map(|check| {
            let mut findings: Vec<_> = check
                .findings
                .iter()
                .filter(|finding| finding.severity.worst(&targets).is_some())
                .collect();
            let is_known = |finding: &&Finding| check.is_known(finding, &targets);
            findings.sort_by_key(|f| (is_known(f), Reverse(f.severity.worst(&targets))));
            let known = findings.iter().filter(|f| is_known(f)).count();
            let severity = check.severity?;
            let (caused_by, explains) = (vec![], vec![]);
            Some(Some(Entry { check, severity, findings, known, caused_by, explains }))
        })
        .collect();
    let shown: Vec<_> =
        found.iter().flatten().map(|e| (e.check.id, (e.is_new(), e.severity))).collect();
    for entry in found.iter_mut().flatten() {
        let causes = entry.findings.iter().flat_map(|finding| &finding.caused_by);
        for cause in causes.filter(|id| shown.iter().any(|(shown, _)| shown == *id)) {
            if !entry.caused_by.contains(cause) {
                entry.caused_by.push(cause);
            }
        }
    }
    let parents: Vec<_> = found.iter().flatten().map(|entry| parent(entry, &shown)).collect();
    let roots: Vec<_> = (0..found.len()).map(|at| root(at, &parents)).collect();
    for (at, root) in roots.into_iter().enumerate() {
        if at != root
            && let Some(consequence) = found[at].take()
            && let Some(cause) = &mut found[root]
        {
            cause.explains.push(consequence);
        }
    }
    let mut entries: Vec<_> = found.into_iter().flatten().collect();
    entries.sort_by_key(|entry| Reverse((entry.is_new(), entry.severity)));
    entries
}

/// The entry under which this one can be folded: every finding must be explained by something that is
/// shown and at least as bad.
fn parent(entry: &Entry<'_>, shown: &[(&str, (bool, Severity))]) -> Option<usize> {
    let cause = |finding: &&Finding| {
        finding.caused_by.iter().find_map(|id| {
            shown.iter().position(|(shown, (new, worst))| {
                shown == id && *worst >= entry.severity && (*new || !entry.is_new())
            })
        })
    };
    let causes: Option<Vec<_>> = entry.findings.iter().map(cause).collect();
    causes?.first().copied()
}

/// The end of the chain of causes; in a circle the first in report order.
fn root(start: usize, parents: &[Option<usize>]) -> usize {
    let mut path = vec![start];
    let mut at = start;
    while let Some(parent) = parents[at] {
        if let Some(begin) = path.iter().position(|seen| *seen == parent) {
            return path[begin..].iter().copied().min().unwrap_or(parent);
        }
        path.push(parent);
        at = parent;
    }
    at
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::severities;

    use super::{Entry, root};
    use crate::report::{
        Baseline, Options,
        testing::{found, report_of, report_with},
    };

    fn ids<'a>(entries: &[Entry<'a>]) -> Vec<&'a str> {
        entries.iter().map(|entry| entry.check.id).collect()
    }

    #[test]
    fn consequences_of_consequences_fold_under_the_root() {
        let report = report_of(&[
            found!("late", {dockerd: Warning}, "middle"),
            found!("middle", {dockerd: Error}, "first"),
            found!("lone", {dockerd: Warning}),
            found!("first", {dockerd: Error}),
        ]);
        let entries = super::of(&report);
        assert_eq!(ids(&entries), ["first", "lone"]);
        assert_eq!(ids(&entries[0].explains), ["late", "middle"]);
    }

    #[test]
    fn nothing_hides_under_something_less_bad_or_not_shown() {
        let report = report_of(&[
            found!("hint", {dockerd: Info}),
            found!("severe", {dockerd: Error}, "hint"),
            found!("elsewhere", {rootless: Error}),
            found!("here", {dockerd: Warning}, "elsewhere"),
        ]);
        let entries = super::of(&report);
        assert_eq!(ids(&entries), ["severe", "here", "hint"]);
        assert_eq!(entries[0].caused_by, ["hint"]);
        assert!(entries[1].caused_by.is_empty());
    }

    #[test]
    fn what_is_new_comes_first_and_does_not_hide_under_what_is_known() {
        let mut baseline = Baseline::default();
        baseline.add("cause", "subject", severities!(dockerd: Error), "");
        baseline.add("known", "subject", severities!(dockerd: Warning), "");
        let options = Options { baseline: Some(baseline), ..Options::default() };
        let report = report_with(
            &[
                found!("cause", {dockerd: Error}),
                found!("known", {dockerd: Warning}, "cause"),
                found!("new", {dockerd: Warning}, "cause"),
                found!("hint", {dockerd: Info}, "cause"),
            ],
            &options,
        );
        let entries = super::of(&report);
        assert_eq!(ids(&entries), ["new", "cause"]);
        assert_eq!(ids(&entries[1].explains), ["known", "hint"]);
    }

    #[test]
    fn a_circle_loses_nobody() {
        assert_eq!(root(0, &[Some(1), Some(2), Some(1)]), 1);
        assert_eq!(root(1, &[Some(1), Some(2), Some(1)]), 1);
        assert_eq!(root(2, &[Some(1), Some(2), Some(1)]), 1);
    }
}
