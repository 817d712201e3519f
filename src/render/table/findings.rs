//! What is wrong.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use dind_doctor_checks::{outcome::Finding, target::Target};

use super::{
    Detail, View, grid, remedies,
    style::{HEADING, LABEL, PLAIN, of_severity},
};
use crate::{
    render::{
        entries::{self, Entry},
        escape,
        list::in_words,
    },
    report::Report,
};

/// So many instances of one problem are shown unless all were asked for.
const FEW: usize = 3;

pub(super) fn write(report: &Report, view: View, out: &mut dyn Write) -> io::Result<()> {
    for (at, entry) in entries::of(report).iter().enumerate() {
        if at > 0 || view.detail != Detail::Quiet {
            writeln!(out)?;
        }
        write_entry(entry, report, view, out)?;
        if view.is_verbose() {
            for consequence in &entry.explains {
                writeln!(out)?;
                write_entry(consequence, report, view, out)?;
            }
        } else {
            let explained: Vec<_> = entry.explains.iter().map(explained).collect();
            grid::rows(&explained, 2, view.width, out)?;
        }
    }
    Ok(())
}

fn write_entry(
    entry: &Entry<'_>,
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
    remedies::write(shown().flat_map(|f| &f.remedies), &report.environment.surroundings, view, out)
}

fn write_finding(finding: &Finding, view: View, out: &mut dyn Write) -> io::Result<()> {
    grid::paragraph(&escape(&finding.summary), PLAIN, 2, view.width, out)?;
    let evidence = if view.is_verbose() { finding.evidence.len() } else { 1 };
    let rows: Vec<_> = finding
        .evidence
        .iter()
        .take(evidence)
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

fn explained(entry: &Entry<'_>) -> Vec<(String, owo_colors::Style)> {
    let summary = entry.findings.first().map(|finding| escape(&finding.summary));
    let more = match entry.findings.len() {
        0 | 1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    let text = format!(
        "{} ({}{}): {}{more}",
        entry.check.id,
        entry.severity,
        if entry.is_known() { ", known" } else { "" },
        summary.as_deref().unwrap_or_default(),
    );
    grid::labelled("explains", text, LABEL)
}
