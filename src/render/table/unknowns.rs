//! What could not be judged, and what to grant or mount so that the next run can.

use std::io::{self, Write};

use super::{
    View, grid, readiness, remedies,
    style::{LABEL, PLAIN, UNKNOWN},
};
use crate::{
    render::escape,
    report::{CheckReport, Prescription, Report, Status},
};

pub(super) fn write(report: &Report, view: View, out: &mut dyn Write) -> io::Result<()> {
    let targets = report.selected();
    let open = |check: &&CheckReport| check.counts() && check.status.is_open();
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        report.checks.iter().filter(open).partition(|check| check.is_unjudged(&targets));
    for group in groups(&here) {
        writeln!(out)?;
        write_group(&group, report, view, out)?;
    }
    if !elsewhere.is_empty() && view.is_verbose() {
        let ids: Vec<_> = elsewhere.iter().map(|check| check.id).collect();
        let text = format!("unknown, for other targets: {}", readiness::some_of(&ids, view));
        writeln!(out)?;
        grid::paragraph(&text, LABEL, 0, view.width, out)?;
    }
    if !report.timed_out.is_empty() {
        let names = report.timed_out.join(", ");
        let text = format!("no answer in time: {}; try --timeout=60", escape(&names));
        writeln!(out)?;
        grid::paragraph(&text, UNKNOWN, 0, view.width, out)?;
    }
    for text in report.crashes() {
        writeln!(out)?;
        grid::paragraph(&escape(&text), UNKNOWN, 0, view.width, out)?;
    }
    Ok(())
}

/// Checks that miss the same and need the same, together: one thing to grant often answers ten.
fn groups<'a>(open: &[&'a CheckReport]) -> Vec<Vec<&'a CheckReport>> {
    let mut groups: Vec<Vec<&CheckReport>> = Vec::new();
    for check in open {
        let alike = |other: &CheckReport| {
            check.status == Status::Unknown
                && other.status == Status::Unknown
                && check.missing == other.missing
                && check.remedies == other.remedies
        };
        match groups.iter_mut().find(|group| alike(group[0])) {
            Some(group) => group.push(check),
            None => groups.push(vec![check]),
        }
    }
    groups
}

fn write_group(
    group: &[&CheckReport],
    report: &Report,
    view: View,
    out: &mut dyn Write,
) -> io::Result<()> {
    let first = group[0];
    let ids: Vec<_> = group.iter().map(|check| check.id).collect();
    let head = format!("{}:", first.status.name());
    let row = vec![(head, UNKNOWN), (readiness::some_of(&ids, view), PLAIN)];
    grid::rows(&[row], 0, view.width, out)?;
    let reason = escape(first.reason.as_deref().unwrap_or_default());
    if first.status == Status::Crashed {
        let text = format!("{reason}; a defect of the doctor: please report it");
        return grid::paragraph(&text, PLAIN, 2, view.width, out);
    }
    grid::paragraph(&reason, LABEL, 2, view.width, out)?;
    let around = &report.environment.surroundings;
    remedies::write(first.remedies.iter(), &Prescription::default(), around, view, out)
}
