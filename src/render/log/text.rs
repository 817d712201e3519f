//! What a log says, for people: the line that decides first, what it means and what to do about it.

use std::io::{self, Write};

use dind_doctor_checks::target::Severity;

use super::fix;
use crate::{
    log::{Explanation, LIMIT, Log, Place, Sighting, Subject, Suspect},
    render::{
        escape,
        table::{
            self, Detail, HEADING, LABEL, PLAIN, View, labelled, of_severity, paragraph, rows,
        },
    },
    report::{CheckReport, Origin, Prescription, Report, Status},
};

/// So many texts of one failure are shown.
const FEW: usize = 2;

/// So many failures are shown whole; of the others, which are less likely, only what they are.
const WHOLE: usize = 3;

/// So many steps are shown of what to do about the likeliest failure, and about the others.
const STEPS: (usize, usize) = (6, 2);

/// What the log `name` says, for people.
pub fn text(
    name: &str,
    explanation: &Explanation<'_>,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Explanation { log, suspects, .. } = explanation;
    let name = if name == "-" { "standard input".into() } else { escape(name) };
    let files = log.files.map(|files| format!(" in {}", count(files, "file")));
    let (lines, known) = (count(log.lines, "line"), count(suspects.len() as u64, "known failure"));
    let text = format!("{name}: {lines}{}, signs of {known}", files.unwrap_or_default());
    paragraph(&text, HEADING, 0, width, out)?;
    write_left_out(log, width, out)?;
    write_compared(explanation, width, out)?;
    let mut told = Vec::new();
    for (at, suspect) in suspects.iter().take(WHOLE).enumerate() {
        writeln!(out)?;
        let steps = if at == 0 { STEPS.0 } else { STEPS.1 };
        write_suspect(suspect, explanation, steps, &mut told, width, out)?;
    }
    write_others(suspects.get(WHOLE..).unwrap_or_default(), width, out)?;
    write_unrecognised(explanation, width, out)?;
    writeln!(out)?;
    write_next(explanation, out)
}

/// What was not read.
fn write_left_out(log: &Log<'_>, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let warning = of_severity(Severity::Warning);
    if log.skipped > 0 && log.files.is_some() {
        let text =
            format!("of long files only the last part was read, and not {}", size(log.skipped));
        paragraph(&text, warning, 0, width, out)?;
    } else if log.skipped > 0 {
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
        paragraph(&text, warning, 0, width, out)?;
    }
    if log.more {
        let text = "and then there was still more, which was not waited for";
        paragraph(text, warning, 0, width, out)?;
    }
    if log.left_out_count > 0 {
        let names: Vec<_> = log
            .left_out
            .iter()
            .map(|(name, why)| format!("{} ({})", escape(name), escape(why)))
            .collect();
        let more = if log.left_out_count > names.len() as u64 { ", …" } else { "" };
        let text = format!(
            "not read: {} of the names in it: {}{more}",
            log.left_out_count,
            names.join(", ")
        );
        paragraph(&text, LABEL, 0, width, out)?;
    }
    Ok(())
}

/// With which machine it is compared, and how to have it compared with another.
fn write_compared(
    explanation: &Explanation<'_>,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let text = match explanation.report.map(|report| report.origin) {
        None if explanation.suspects.is_empty() => return Ok(()),
        None => {
            "read without looking at a machine: --here compares it with this one, --from BUNDLE with a recorded one"
        }
        Some(Origin::Bundle) => "compared with the bundle",
        Some(_) if explanation.names_this_host => "compared with this machine, which the log names",
        Some(_) => "compared with this machine",
    };
    paragraph(text, LABEL, 0, width, out)
}

fn write_suspect<'a>(
    suspect: &Suspect<'a>,
    explanation: &Explanation<'_>,
    steps: usize,
    told: &mut Vec<&'a Place>,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{}  {}", HEADING.style(suspect.id()), about(suspect, explanation.report))?;
    paragraph(suspect.subject.title(), PLAIN, 2, width, out)?;
    write_seen(suspect, told, width, out)?;
    if let Subject::Entry(entry) = suspect.subject {
        rows(&[labelled("cause", entry.cause.to_owned(), PLAIN)], 2, width, out)?;
    }
    if let (Some(report), Some(check)) = (explanation.report, suspect.check) {
        let label = if report.origin == Origin::Bundle { "bundle" } else { "here" };
        rows(&[labelled(label, verdict(check), PLAIN)], 2, width, out)?;
        let causes = suspect.causes();
        if !causes.is_empty() {
            rows(&[labelled("because", causes.join(", "), PLAIN)], 2, width, out)?;
        }
        let first = check.findings.first().and_then(|finding| finding.remedies.first());
        if let Some(remedy) = first.filter(|_| suspect.is_found()) {
            let view = View { width, detail: Detail::Normal };
            return table::remedies(
                [remedy].into_iter(),
                &Prescription::default(),
                &report.environment.surroundings,
                view,
                out,
            );
        }
    }
    write_fix(suspect, steps, width, out)
}

/// What stands behind its id.
fn about(suspect: &Suspect<'_>, report: Option<&Report>) -> String {
    let place = match report.map(|report| report.origin) {
        Some(Origin::Bundle) => "in the bundle",
        _ => "here",
    };
    let found = suspect.check.and_then(|check| check.severity).filter(|_| suspect.is_found());
    if let Some(severity) = found {
        let also = LABEL.style(format!("also found {place}:"));
        return format!("{also} {}", of_severity(severity).style(severity.name()));
    }
    let symptom = if suspect.is_symptom() { ", a symptom" } else { "" };
    let text = match (suspect.subject, report) {
        (Subject::Entry(_), _) => format!("(seen only in logs{symptom})"),
        (Subject::Check(area, _), None) => format!("({area}{symptom})"),
        (Subject::Check(area, _), Some(_)) => format!("({area}{symptom}, not found {place})"),
    };
    LABEL.style(text).to_string()
}

/// What to do in general.
fn write_fix(
    suspect: &Suspect<'_>,
    steps: usize,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let fixes = fix::of(suspect.subject);
    // The steps of an entry are few, and stand nowhere else.
    let is_entry = matches!(suspect.subject, Subject::Entry(_));
    let steps = if is_entry { fixes.len() } else { steps };
    for (at, fix) in fixes.iter().take(steps).enumerate() {
        let label = if at == 0 { "fix" } else { "" };
        let text = if fix.is_code { format!("    {}", fix.text) } else { fix.text.clone() };
        rows(&[labelled(label, text, PLAIN)], 2, width, out)?;
    }
    if !is_entry {
        rows(
            &[labelled("more", format!("doctor explain {}", suspect.id()), LABEL)],
            2,
            width,
            out,
        )?;
    }
    Ok(())
}

/// The lines that show it, each once over the whole log.
fn write_seen<'a>(
    suspect: &Suspect<'a>,
    told: &mut Vec<&'a Place>,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let is_same = |a: &Place, b: &Place| (&a.file, a.line) == (&b.file, b.line);
    let mut lines: Vec<&Sighting<'a>> = Vec::new();
    for sighting in &suspect.seen {
        if !lines.iter().any(|other| is_same(other.first, sighting.first)) {
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
            told.iter().any(|place| is_same(place, first) && place.excerpt == first.excerpt);
        let excerpt = if is_told { "see above".into() } else { escape(&first.excerpt) };
        told.push(first);
        let text = format!("{}{more}: {excerpt}", place(first));
        rows(&[labelled("log", text, PLAIN)], 2, width, out)?;
    }
    if let Some(more) = lines.len().checked_sub(FEW).filter(|more| *more > 0) {
        let text = format!("and {} of it", count(more as u64, "other sign"));
        rows(&[labelled("", text, LABEL)], 2, width, out)?;
    }
    Ok(())
}

fn place(place: &Place) -> String {
    match &place.file {
        Some(file) => format!("{} line {}", escape(file), place.line),
        None => format!("line {}", place.line),
    }
}

/// What the machine says about it.
fn verdict(check: &CheckReport) -> String {
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

/// What is less likely, by id.
fn write_others(others: &[Suspect<'_>], width: usize, out: &mut dyn Write) -> io::Result<()> {
    let ids = |is_found: bool| {
        let ids = others.iter().filter(|suspect| suspect.is_found() == is_found);
        ids.map(Suspect::id).collect::<Vec<_>>().join(", ")
    };
    let found = ids(true);
    let rest = ids(false);
    let lines = [("less likely, but found there: ", found), ("less likely: ", rest)];
    for (at, (label, ids)) in lines.iter().filter(|(_, ids)| !ids.is_empty()).enumerate() {
        if at == 0 {
            writeln!(out)?;
        }
        paragraph(&format!("{label}{ids}"), LABEL, 0, width, out)?;
    }
    Ok(())
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
    for alike in &log.last_unrecognised {
        let times =
            if alike.lines > 1 { format!(" ({} like it)", alike.lines) } else { String::new() };
        let text = format!("{}{times}: {}", place(&alike.last), escape(&alike.last.excerpt));
        paragraph(&text, LABEL, 2, width, out)?;
    }
    Ok(())
}

fn write_next(explanation: &Explanation<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (command, why) =
        match explanation.suspects.iter().find_map(|suspect| match suspect.subject {
            Subject::Check(_, check) => Some(check.id),
            Subject::Entry(_) => None,
        }) {
            Some(id) if explanation.suspects[0].id() == id => {
                (format!("doctor explain {id}"), "why it happens and how to fix it")
            }
            _ => ("doctor".to_owned(), "what would fail here, whatever the log says"),
        };
    writeln!(out, "{}  {}  {}", LABEL.style("next:"), command, LABEL.style(why))
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
