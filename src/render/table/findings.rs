//! What is wrong.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use dind_doctor_checks::{outcome::Finding, target::Target};

use super::{
    View, grid, remedies,
    style::{HEADING, LABEL, PLAIN, of_severity},
};
use crate::{
    render::{entries::Entry, escape, list::in_words},
    report::{Prescription, Report},
};

/// So many instances of one problem are shown unless all were asked for.
const FEW: usize = 3;

/// A line for each warning and error.
pub(super) fn briefly(entries: &[Entry<'_>], view: View, out: &mut dyn Write) -> io::Result<()> {
    let urgent = entries.iter().filter(|entry| entry.is_new());
    let rows: Vec<_> = urgent
        .map(|entry| {
            let summary = entry.findings.first().map(|finding| escape(&finding.summary));
            vec![
                (entry.severity.name().to_owned(), of_severity(entry.severity)),
                (entry.check.id.to_owned(), HEADING),
                (summary.unwrap_or_default().into_owned(), PLAIN),
            ]
        })
        .collect();
    grid::rows(&rows, 0, view.width, out)
}

/// The warnings and errors whole; of the rest the names, unless everything is asked for.
pub(super) fn write(
    entries: &[Entry<'_>],
    prescription: &Prescription,
    report: &Report,
    view: View,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (told, named): (Vec<_>, Vec<_>) =
        entries.iter().partition(|entry| view.is_verbose() || is_told(entry));
    for entry in told {
        writeln!(out)?;
        write_entry(entry, prescription, report, view, out)?;
        if view.is_verbose() {
            for consequence in &entry.explains {
                writeln!(out)?;
                write_entry(consequence, prescription, report, view, out)?;
            }
        } else if !entry.explains.is_empty() {
            let explained: Vec<_> = entry.explains.iter().map(|entry| entry.check.id).collect();
            let row = grid::labelled("explains", explained.join(", "), LABEL);
            grid::rows(&[row], 2, view.width, out)?;
        }
    }
    for (what, known) in [("worth knowing", false), ("known (baseline)", true)] {
        let such = named.iter().filter(|entry| entry.is_known() == known);
        let ids: Vec<_> = such.map(|entry| entry.check.id).collect();
        if !ids.is_empty() {
            writeln!(out)?;
            let text = format!("{what}: {} (doctor -v)", ids.join(", "));
            grid::paragraph(&text, LABEL, 0, view.width, out)?;
        }
    }
    Ok(())
}

/// What a user made of an error is shown, so that nobody takes it for harmless.
fn is_told(entry: &Entry<'_>) -> bool {
    entry.is_new() || entry.check.overridden.is_some()
}

fn write_entry(
    entry: &Entry<'_>,
    prescription: &Prescription,
    report: &Report,
    view: View,
    out: &mut dyn Write,
) -> io::Result<()> {
    let severity = of_severity(entry.severity);
    writeln!(
        out,
        "{}  {}  {}",
        severity.style(entry.severity.name()),
        HEADING.style(entry.check.id),
        LABEL.style(hurt(entry, &report.selected()) + &standing(entry)),
    )?;
    if let Some(was) = &entry.check.overridden {
        let text = format!("without the override it is: {}", in_words(*was));
        grid::paragraph(&text, LABEL, 2, view.width, out)?;
    }
    let shown = if view.is_verbose() { entry.findings.len() } else { FEW };
    for finding in entry.findings.iter().take(shown) {
        write_finding(finding, view, out)?;
    }
    if let Some(more) = entry.findings.len().checked_sub(shown).filter(|more| *more > 0) {
        grid::paragraph(&format!("and {more} more: doctor -v"), LABEL, 2, view.width, out)?;
    }
    if !entry.caused_by.is_empty() {
        let row = grid::labelled("because", entry.caused_by.join(", "), PLAIN);
        grid::rows(&[row], 2, view.width, out)?;
    }
    let unread: Vec<_> = entry
        .check
        .missing
        .iter()
        .map(|missing| {
            let text = format!("{}: {}; there may be more", escape(&missing.source), missing.why);
            grid::labelled("unread", text, LABEL)
        })
        .collect();
    grid::rows(&unread, 2, view.width, out)?;
    let shown = || entry.findings.iter().take(shown);
    let assumed: BTreeMap<_, _> = shown().flat_map(|finding| &finding.assumed).collect();
    let assumed: Vec<_> = assumed
        .into_iter()
        .map(|(component, version)| {
            let version = escape(version);
            let text = format!("{component} {version}; --assume {component}=V if it is another");
            grid::labelled("assumed", text, LABEL)
        })
        .collect();
    grid::rows(&assumed, 2, view.width, out)?;
    let around = &report.environment.surroundings;
    remedies::write(shown().flat_map(|f| &f.remedies), prescription, around, view, out)
}

fn write_finding(finding: &Finding, view: View, out: &mut dyn Write) -> io::Result<()> {
    grid::paragraph(&escape(&finding.summary), PLAIN, 2, view.width, out)?;
    let rows: Vec<_> = finding
        .evidence
        .iter()
        .filter(|_| view.is_verbose())
        .map(|seen| {
            let text = format!("{}: {}", escape(&seen.source), escape(&seen.value));
            grid::labelled("seen", text, LABEL)
        })
        .collect();
    grid::rows(&rows, 2, view.width, out)
}

/// The targets that were asked for and are hurt; how badly only where they differ.
fn hurt(entry: &Entry<'_>, targets: &[Target]) -> String {
    let each: Vec<_> = targets
        .iter()
        .filter_map(|target| Some((*target, entry.check.severity_for(*target)?)))
        .collect();
    let alike = each.iter().all(|(_, severity)| *severity == entry.severity);
    let names: Vec<_> = each
        .into_iter()
        .map(
            |(target, severity)| {
                if alike { target.name().to_owned() } else { format!("{target}: {severity}") }
            },
        )
        .collect();
    format!("({})", names.join(", "))
}

/// What the baseline knows of an entry.
fn standing(entry: &Entry<'_>) -> String {
    match (entry.known, entry.findings.len()) {
        (0, _) => String::new(),
        (known, all) if known == all => "  known (baseline)".to_owned(),
        (known, all) => format!("  {} new, {known} known (baseline)", all - known),
    }
}
