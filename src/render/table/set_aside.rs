//! What does not count because somebody said so, and what of that can go.

use std::io::{self, Write};

use dind_doctor_checks::outcome::Finding;

use super::{
    View, grid,
    style::{LABEL, UNKNOWN},
};
use crate::{
    render::escape,
    report::{CheckReport, Ignore, Ignored, Report, Status},
};

pub(super) fn write(report: &Report, view: View, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Vec::new();
    match report.found_configuration() {
        Some(found) => lines.push((found, UNKNOWN)),
        None => lines.extend(
            report.configuration.iter().map(|path| (format!("configured by {path}"), LABEL)),
        ),
    }
    let ignored = report.checks.iter().flat_map(|check| ignored(check, report));
    lines.extend(ignored.map(|line| (line, LABEL)));
    lines.extend(report.expired_ignores.iter().map(|ignore| (expired(ignore), UNKNOWN)));
    let unused = report.unused_ignores.iter();
    lines.extend(unused.map(|ignore| (format!("nothing to ignore here: {}", told(ignore)), LABEL)));
    if let Some(baseline) = &report.baseline {
        let adopted = baseline.adopted.is_some();
        let verb = if adopted { "taken out of the baseline" } else { "fixed" };
        let gone = baseline.gone.iter();
        let gone = gone.map(|(id, subject, _)| format!("{verb}: {id}: {}", escape(subject)));
        lines.extend(gone.map(|line| (line, LABEL)));
        if !adopted && !baseline.gone.is_empty() {
            let text = "what is fixed is still in the baseline: --write-baseline takes it out";
            lines.push((text.to_owned(), LABEL));
        }
    }
    for (at, (line, style)) in lines.iter().enumerate() {
        if at == 0 {
            writeln!(out)?;
        }
        grid::paragraph(line, *style, 0, view.width, out)?;
    }
    Ok(())
}

/// What even who wants to hear of findings only has to know.
pub(super) fn found(report: &Report, view: View, out: &mut dyn Write) -> io::Result<()> {
    match report.found_configuration() {
        Some(found) => grid::paragraph(&found, UNKNOWN, 0, view.width, out),
        None => Ok(()),
    }
}

/// An ignored check is worth a word if it would have counted, and so is each of its findings.
fn ignored(check: &CheckReport, report: &Report) -> Vec<String> {
    let because = |ignored: &Ignored| {
        let until = ignored.until.as_ref().map(|day| format!(" (until {day})")).unwrap_or_default();
        format!("{}{until}", escape(&ignored.reason))
    };
    let targets = report.selected();
    let severity = |finding: &Finding| {
        finding.severity.worst(&targets).map_or("for other targets", |severity| severity.name())
    };
    let mut lines = Vec::new();
    if let Some(why) = &check.ignored {
        let what = match check.status {
            Status::Finding => check.severity.map_or("for other targets", |s| s.name()),
            status if status.is_open() => status.name(),
            _ => return lines,
        };
        lines.push(format!("ignored: {} ({what}): {}", check.id, because(why)));
    }
    lines.extend(check.set_aside.iter().map(|aside| {
        let subject = escape(&aside.finding.subject);
        let what = severity(&aside.finding);
        format!("ignored: {} {subject} ({what}): {}", check.id, because(&aside.ignored))
    }));
    lines
}

fn expired(ignore: &Ignore) -> String {
    let day = ignore.until.map(|day| day.to_string()).unwrap_or_default();
    format!("no longer ignored, {day} is over: {}", told(ignore))
}

/// `swap-on /dev/zram0 (the reason)`.
fn told(ignore: &Ignore) -> String {
    let subject = ignore.subject.as_deref().map(|s| format!(" {}", escape(s))).unwrap_or_default();
    format!("{}{subject} ({})", ignore.selector.name(), escape(&ignore.reason))
}
