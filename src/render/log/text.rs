//! What a log says, for people: the likeliest failure first, with the line that shows it and what this
//! machine says about it.

use std::io::{self, Write};

use dind_doctor_checks::target::Severity;

use crate::{
    log::{Explanation, LIMIT, Place, Sighting, Suspect},
    render::{
        escape,
        table::{
            self, Detail, HEADING, LABEL, PLAIN, View, labelled, of_severity, paragraph, rows,
        },
    },
    report::{Origin, Report, Status},
};

/// So many texts of one failure are shown.
const FEW: usize = 2;

/// So many failures are shown whole; of the others, which are less likely, only what they are.
const WHOLE: usize = 5;

/// What the log `name` says, for people.
pub fn text(
    name: &str,
    explanation: &Explanation<'_>,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Explanation { log, report, suspects } = explanation;
    let name = if name == "-" { "standard input".into() } else { escape(name) };
    let (lines, known) = (count(log.lines, "line"), count(suspects.len() as u64, "known failure"));
    paragraph(&format!("{name}: {lines}, signs of {known}"), HEADING, 0, width, out)?;
    if log.skipped > 0 {
        let text = format!(
            "only the last {} MiB were read, and not the {} before{}",
            LIMIT / 1024 / 1024,
            size(log.skipped),
            if log.lines_before.is_none() {
                "; lines are counted from where that begins"
            } else {
                ""
            },
        );
        paragraph(&text, of_severity(Severity::Warning), 0, width, out)?;
    }
    if log.more {
        let text = "and then there was still more, which was not waited for";
        paragraph(text, of_severity(Severity::Warning), 0, width, out)?;
    }
    let whole = suspects.iter().filter(|s| s.is_found()).count().max(WHOLE).min(suspects.len());
    let mut told = Vec::new();
    for suspect in &suspects[..whole] {
        writeln!(out)?;
        write_suspect(suspect, report, &mut told, width, out)?;
    }
    if whole < suspects.len() {
        let others: Vec<_> = suspects[whole..].iter().map(|suspect| suspect.check.id).collect();
        writeln!(out)?;
        paragraph(&format!("less likely: {}", others.join(", ")), LABEL, 0, width, out)?;
    }
    write_unrecognised(explanation, width, out)?;
    writeln!(out)?;
    let next = suspects.first().map_or_else(
        || ("doctor".to_owned(), "what would fail here, whatever the log says"),
        |first| (format!("doctor explain {}", first.check.id), "why it happens and how to fix it"),
    );
    writeln!(out, "{}  {}  {}", LABEL.style("next:"), next.0, LABEL.style(next.1))
}

fn write_suspect<'a>(
    suspect: &Suspect<'a>,
    report: &Report,
    told: &mut Vec<&'a Place>,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let check = suspect.check;
    let place = if report.origin == Origin::Bundle { "in the bundle" } else { "here" };
    let found = check.severity.filter(|_| suspect.is_found());
    let severity = found.map_or_else(
        || LABEL.style(format!("({}, not found {place})", check.area)).to_string(),
        |severity| {
            let also = LABEL.style(format!("also found {place}:"));
            format!("{also} {}", of_severity(severity).style(severity.name()))
        },
    );
    writeln!(out, "{}  {severity}", HEADING.style(check.id))?;
    paragraph(check.title, PLAIN, 2, width, out)?;
    write_seen(suspect, told, width, out)?;
    let label = if report.origin == Origin::Bundle { "bundle" } else { "here" };
    rows(&[labelled(label, verdict(suspect), PLAIN)], 2, width, out)?;
    let causes = suspect.causes();
    if !causes.is_empty() {
        rows(&[labelled("because", causes.join(", "), PLAIN)], 2, width, out)?;
    }
    let first = check.findings.first().and_then(|finding| finding.remedies.first());
    if let Some(remedy) = first {
        let view = View { width, detail: Detail::Normal };
        return table::remedies([remedy].into_iter(), report.environment.launcher, view, out);
    }
    rows(&[labelled("more", format!("doctor explain {}", check.id), PLAIN)], 2, width, out)
}

/// The lines that show it, each once over the whole log.
fn write_seen<'a>(
    suspect: &Suspect<'a>,
    told: &mut Vec<&'a Place>,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut lines: Vec<&Sighting<'a>> = Vec::new();
    for sighting in &suspect.seen {
        if !lines.iter().any(|other| other.first.line == sighting.first.line) {
            lines.push(sighting);
        }
    }
    for sighting in lines.iter().take(FEW) {
        let first = sighting.first;
        let more = match sighting.lines {
            0 | 1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let is_told =
            told.iter().any(|place| place.line == first.line && place.shows(sighting.text));
        let excerpt = if is_told { "see above".into() } else { escape(&first.excerpt) };
        told.push(first);
        let text = format!("line {}{more}: {excerpt}", first.line);
        rows(&[labelled("log", text, PLAIN)], 2, width, out)?;
    }
    if let Some(more) = lines.len().checked_sub(FEW).filter(|more| *more > 0) {
        let text = format!("and {} of it", count(more as u64, "other sign"));
        rows(&[labelled("", text, LABEL)], 2, width, out)?;
    }
    Ok(())
}

/// What the machine says about it.
fn verdict(suspect: &Suspect<'_>) -> String {
    let check = suspect.check;
    let reason = escape(check.reason.as_deref().unwrap_or_default());
    match check.status {
        Status::Finding => {
            let summary = check.findings.first().map(|finding| escape(&finding.summary));
            let more = match check.findings.len() {
                0 | 1 => String::new(),
                n => format!(" (and {} more)", n - 1),
            };
            format!("{}{more}", summary.as_deref().unwrap_or_default())
        }
        Status::Pass => "passes: nothing of it is seen".to_owned(),
        Status::NotApplicable => format!("does not apply: {reason}"),
        Status::Unknown => format!("unknown: {reason}"),
        Status::Crashed => format!("the check crashed: {reason}; please report it"),
    }
}

fn write_unrecognised(
    explanation: &Explanation<'_>,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let log = explanation.log;
    if log.unrecognised == 0 {
        return Ok(());
    }
    writeln!(out)?;
    let (verb, last) = if log.unrecognised == 1 { ("looks", "") } else { ("look", "; the last") };
    let lines = count(log.unrecognised, "line");
    let text = format!("{lines} that {verb} like an error and {} not known{last}:", {
        if log.unrecognised == 1 { "is" } else { "are" }
    });
    paragraph(&text, LABEL, 0, width, out)?;
    for place in &log.last_unrecognised {
        let text = format!("line {}: {}", place.line, escape(&place.excerpt));
        paragraph(&text, LABEL, 2, width, out)?;
    }
    Ok(())
}

/// A number of bytes for people.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["bytes", "KiB", "MiB", "GiB"];
    let unit = (0..UNITS.len() - 1).find(|unit| bytes >> (10 * unit) < 10 * 1024);
    let unit = unit.unwrap_or(UNITS.len() - 1);
    format!("{} {}", bytes >> (10 * unit), UNITS[unit])
}

fn count(n: u64, what: &str) -> String {
    match n {
        0 => format!("no {what}"),
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}
