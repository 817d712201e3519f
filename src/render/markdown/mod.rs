//! Markdown for pull requests, job summaries and support tickets: a table of what will run and one of what
//! is wrong, then each finding with its evidence and remedies.

mod syntax;
mod ticket;

use std::io::{self, Write};

use dind_doctor_checks::{outcome::Proof, remedy::Rendered};
use syntax::{block, code, paragraph, text};
pub use ticket::write as ticket;

use super::{
    case,
    entries::{self, Entry},
    environment, escape, prose,
    table::{counts, place},
};
use crate::report::{CheckReport, Readiness, Report, Status, TargetReport};

/// So many findings of one check are told with their evidence.
const FEW: usize = 5;

/// The report as one Markdown document, whose headings begin at the second level.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## dind-doctor: {}\n", heading(report))?;
    targets(report, out)?;
    if let Some(found) = report.found_configuration() {
        writeln!(out, "\n{}", paragraph(&found))?;
    }
    let entries = entries::of(report);
    overview(&entries, out)?;
    for entry in &entries {
        write_entry(entry, report, out)?;
        for consequence in &entry.explains {
            write_entry(consequence, report, out)?;
        }
    }
    open(report, out)?;
    aside(report, out)?;
    about(report, out)
}

/// `kind is blocked, dockerd is degraded`
fn heading(report: &Report) -> String {
    let selected = report.targets.iter().filter(|target| target.selected);
    let each: Vec<_> = selected.map(TargetReport::told).collect();
    each.join(", ")
}

fn targets(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "| target | readiness | why |\n| --- | --- | --- |")?;
    let (asked, others): (Vec<_>, Vec<_>) = report.targets.iter().partition(|t| t.selected);
    for target in asked.into_iter().chain(others) {
        let readiness = target.called();
        let (name, readiness) = if target.selected {
            (format!("**{}**", target.target), format!("**{readiness}**"))
        } else {
            (target.target.to_string(), readiness.to_owned())
        };
        writeln!(out, "| {name} | {readiness} | {} |", because(target))?;
    }
    Ok(())
}

fn because(target: &TargetReport) -> String {
    let ids = |ids: &[&str]| ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    match target.readiness {
        Readiness::Blocked => ids(&target.blockers),
        Readiness::Degraded => ids(&target.degraded_by),
        Readiness::Unknown => format!("not judged: {}", ids(&target.unknown_because)),
        Readiness::Ready => match (target.proof, &target.rehearsed) {
            (Proof::Rehearsal, Some(told)) => format!("rehearsed: {}", escape(told)),
            (Proof::Static, _) => "static evidence only".to_owned(),
            _ => "tried".to_owned(),
        },
    }
}

fn overview(entries: &[Entry<'_>], out: &mut dyn Write) -> io::Result<()> {
    if entries.is_empty() {
        return writeln!(out, "\nNothing was found for these targets.");
    }
    writeln!(out, "\n| severity | finding | what |\n| --- | --- | --- |")?;
    for entry in entries.iter().flat_map(|entry| std::iter::once(entry).chain(&entry.explains)) {
        let what = text(&headline(entry));
        writeln!(out, "| {} | `{}` | {what} |", entry.severity, entry.check.id)?;
    }
    Ok(())
}

fn headline(entry: &Entry<'_>) -> String {
    let first = entry.findings.first().map(|f| f.summary.as_str()).unwrap_or_default();
    match entry.findings.len() {
        0 | 1 => first.to_owned(),
        n => format!("{first} (and {} more)", n - 1),
    }
}

fn write_entry(entry: &Entry<'_>, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let check = entry.check;
    let hurt: Vec<_> = report
        .selected()
        .into_iter()
        .filter_map(|target| Some(format!("{target}: {}", check.severity_for(target)?)))
        .collect();
    writeln!(out, "\n### {}: `{}`\n", entry.severity, check.id)?;
    writeln!(out, "{} ({})", text(check.title), hurt.join(", "))?;
    for finding in entry.findings.iter().take(FEW) {
        writeln!(out, "\n{}\n", paragraph(&finding.summary))?;
        let (shown, more) = prose::evidence(finding);
        for (source, value) in &shown {
            writeln!(out, "- seen: {}: {}", code(source), code(value))?;
        }
        if more > 0 {
            writeln!(out, "- and {more} more observations")?;
        }
    }
    for note in notes(entry) {
        writeln!(out, "- {note}")?;
    }
    let found = prose::findings(check, &report.selected());
    remedies(&prose::remedies(check, &found, &report.environment.surroundings), out)
}

fn notes(entry: &Entry<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(more) = entry.findings.len().checked_sub(FEW).filter(|more| *more > 0) {
        notes.push(format!("and {more} more findings"));
    }
    notes.extend(
        prose::assumed(&entry.findings).iter().map(|version| format!("assumed: {}", text(version))),
    );
    let ids =
        |ids: Vec<&str>| ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    if !entry.caused_by.is_empty() {
        notes.push(format!("because of {}", ids(entry.caused_by.clone())));
    }
    if !entry.explains.is_empty() {
        let explained = entry.explains.iter().map(|entry| entry.check.id).collect();
        notes.push(format!("explains {}", ids(explained)));
    }
    notes
}

/// The best in full view, the others folded.
fn remedies(remedies: &[Rendered], out: &mut dyn Write) -> io::Result<()> {
    let Some((best, others)) = remedies.split_first() else { return Ok(()) };
    write_remedy("Fix", best, out)?;
    if others.is_empty() {
        return Ok(());
    }
    let count = others.len();
    let ways = if count == 1 { "another way".to_owned() } else { format!("{count} other ways") };
    writeln!(out, "\n<details><summary>{ways}</summary>")?;
    for other in others {
        write_remedy("Or", other, out)?;
    }
    writeln!(out, "\n</details>")
}

fn write_remedy(label: &str, remedy: &Rendered, out: &mut dyn Write) -> io::Result<()> {
    let labels = std::iter::once(label).chain(std::iter::repeat("And"));
    for (step, label) in remedy.steps().zip(labels) {
        writeln!(out, "\n**{label}**, {}: {}", place(step.place), text(&step.text))?;
        for (language, pasted) in prose::paste(step) {
            writeln!(out, "\n{}", block(language, &pasted))?;
        }
    }
    Ok(())
}

/// What could not be judged, and what to grant so that the next run knows.
fn open(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let targets = report.selected();
    let open: Vec<_> = report
        .checks
        .iter()
        .filter(|check| check.counts() && check.is_unjudged(&targets))
        .collect();
    if open.is_empty() && report.timed_out.is_empty() && report.crashed_probes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n### could not be judged\n")?;
    for check in open {
        let reason = text(&case::reason(check));
        let first =
            prose::remedies(check, &[], &report.environment.surroundings).into_iter().next();
        let fix = first.map(|remedy| {
            let commands: Vec<_> = remedy.commands.iter().map(|c| code(&escape(c))).collect();
            let colon = if commands.is_empty() { "" } else { ": " };
            let place = place(remedy.place);
            format!("; {place}: {}{colon}{}", text(&remedy.text), commands.join(", "))
        });
        writeln!(out, "- `{}`: {reason}{}", check.id, fix.unwrap_or_default())?;
    }
    if !report.timed_out.is_empty() {
        let names = report.timed_out.join(", ");
        writeln!(out, "- no answer in time: {}; try `--timeout=60`", text(&names))?;
    }
    for crash in &report.crashed_probes {
        let (probe, message) = (text(&crash.probe), text(&crash.message));
        writeln!(out, "- {probe} crashed, please report it: {message}")?;
    }
    Ok(())
}

/// What does not count for this run.
fn aside(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let elsewhere = |check: &&CheckReport| {
        check.counts() && check.status == Status::Finding && check.severity.is_none()
    };
    let others: Vec<_> =
        report.checks.iter().filter(elsewhere).map(|check| format!("`{}`", check.id)).collect();
    if !others.is_empty() {
        writeln!(out, "\nFor other targets: {}.", others.join(", "))?;
    }
    let ignored: Vec<_> = report
        .checks
        .iter()
        .filter(|check| check.status == Status::Finding || check.status.is_open())
        .filter_map(|check| Some((check.id, check.ignored.as_ref()?)))
        .map(|(id, ignored)| {
            let until = ignored.until.as_ref().map(|day| format!(" until {day}"));
            format!("`{id}` ({}{})", text(&ignored.reason), text(&until.unwrap_or_default()))
        })
        .collect();
    if !ignored.is_empty() {
        writeln!(out, "\nIgnored: {}.", ignored.join(", "))?;
    }
    Ok(())
}

/// What whoever helps from afar asks first.
fn about(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n<details><summary>this environment</summary>\n")?;
    for (label, line) in environment::lines(&report.environment, true) {
        writeln!(out, "- {label}: {}", text(&line))?;
    }
    writeln!(out, "\n</details>\n")?;
    let source = report.origin.name();
    writeln!(out, "{}. dind-doctor {}, {source}.", counts(report), report.version)
}
