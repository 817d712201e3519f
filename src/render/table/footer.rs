//! The counts, and what to do next.

use std::io::{self, Write};

use dind_doctor_checks::target::Severity;

use super::{
    View, grid,
    style::{CODE, HEADING, LABEL},
};
use crate::{
    render::entries::Entry,
    report::{CheckReport, Origin, Report},
};

pub(super) fn write(
    report: &Report,
    entries: &[Entry<'_>],
    view: View,
    out: &mut dyn Write,
) -> io::Result<()> {
    grid::paragraph(&counts(report), HEADING, 0, view.width, out)?;
    if let Some(baseline) = &report.baseline {
        let (known, new) = (baseline.known, baseline.new);
        let text =
            format!("baseline: {known} known, which the exit code does not count; {new} new");
        grid::paragraph(&text, HEADING, 0, view.width, out)?;
    }
    let Some((command, what)) = next(report, entries) else { return Ok(()) };
    let row = vec![("next:".to_owned(), LABEL), (command, CODE), (what.to_owned(), LABEL)];
    grid::rows(&[row], 0, view.width, out)
}

/// `74 checks: 3 errors, …`
pub(in crate::render) fn counts(report: &Report) -> String {
    let summary = &report.summary;
    let plural = |n: usize, name: &str| match n {
        1 => format!("1 {name}"),
        n => format!("{n} {name}s"),
    };
    let mut parts = vec![
        plural(summary.error, "error"),
        plural(summary.warning, "warning"),
        format!("{} info", summary.info),
        format!("{} passed", summary.passed),
        format!("{} unknown", summary.unknown),
        format!("{} not applicable", summary.not_applicable),
    ];
    let rare = [
        (summary.crashed, "crashed"),
        (summary.ignored, "ignored"),
        (summary.other_targets, "for other targets"),
    ];
    parts.extend(rare.into_iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}")));
    format!("{}: {}", plural(summary.checks, "check"), parts.join(", "))
}

/// The command that helps most after this report, if anything is wrong.
fn next(report: &Report, entries: &[Entry<'_>]) -> Option<(String, &'static str)> {
    if let Some(worst) = entries.first().filter(|worst| worst.severity >= Severity::Warning) {
        let what = "why it matters and how to fix it";
        return Some((format!("doctor explain {}", worst.check.id), what));
    }
    let targets = report.selected();
    let open = |check: &&CheckReport| check.counts() && check.is_unjudged(&targets);
    let open = report.checks.iter().find(open)?;
    Some(match report.origin {
        Origin::Live => {
            let what = "to have it looked at elsewhere";
            ("doctor capture -o doctor.tar.gz".to_owned(), what)
        }
        Origin::Bundle => (format!("doctor explain {}", open.id), "what it looks at"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{check, crashed, found, report_of, unknown};

    fn last_line(report: &Report) -> String {
        let mut out = Vec::new();
        let entries = crate::render::entries::of(report);
        write(
            report,
            &entries,
            View { width: 100, detail: super::super::Detail::Normal },
            &mut out,
        )
        .unwrap();
        let text = String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).unwrap();
        text.lines().last().unwrap_or_default().to_owned()
    }

    #[test]
    fn what_is_wrong_is_explained() {
        let report =
            report_of(&[unknown!("blind", {dockerd: Error}), found!("broken", {dockerd: Warning})]);
        assert!(last_line(&report).starts_with("next:  doctor explain broken  "));
    }

    #[test]
    fn what_is_unknown_is_captured_where_that_can_be_done() {
        for check in [unknown!("blind", {dockerd: Error}), crashed!("broken", {dockerd: Error})] {
            let mut report = report_of(&[check]);
            report.origin = Origin::Live;
            assert!(last_line(&report).starts_with("next:  doctor capture -o doctor.tar.gz  "));
            report.origin = Origin::Bundle;
            assert!(last_line(&report).starts_with("next:  doctor explain b"));
        }
    }

    #[test]
    fn there_is_nothing_to_do_when_nothing_is_wrong() {
        let fine = [check!("fine", {dockerd: Error}), found!("so-so", {dockerd: Info})];
        let elsewhere = [found!("other", {rootless: Error}), unknown!("blind", {rootless: Error})];
        for check in fine.into_iter().chain(elsewhere) {
            assert!(last_line(&report_of(&[check])).starts_with("1 check: "));
        }
    }
}
