//! The counts, and what to do next.

use std::io::{self, Write};

use dind_doctor_checks::target::Target;

use super::{
    View, grid,
    style::{CODE, HEADING, LABEL},
};
use crate::{
    render::entries,
    report::{Report, Status},
};

pub(super) fn write(report: &Report, view: View, out: &mut dyn Write) -> io::Result<()> {
    grid::paragraph(&counts(report), HEADING, 0, view.width, out)?;
    if let Some(baseline) = &report.baseline {
        let (known, new) = (baseline.known, baseline.new);
        let text =
            format!("baseline: {known} known, which the exit code does not count; {new} new");
        grid::paragraph(&text, HEADING, 0, view.width, out)?;
    }
    let (command, what) = next(report);
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

/// The command that helps most after this report.
fn next(report: &Report) -> (String, &'static str) {
    if let Some(worst) = entries::of(report).first() {
        let what = "why it matters and how to fix it";
        return (format!("doctor explain {}", worst.check.id), what);
    }
    let open = report.checks.iter().find(|check| check.counts() && check.status == Status::Unknown);
    if let Some(open) = open {
        return (format!("doctor explain {}", open.id), "what it looks at");
    }
    let others: Vec<_> =
        report.targets.iter().filter(|t| !t.selected).map(|t| Target::name(t.target)).collect();
    if others.is_empty() {
        return ("doctor list".to_owned(), "what was looked at");
    }
    (format!("doctor --for {}", others.join(",")), "the other targets")
}
