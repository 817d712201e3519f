//! Checks that ended differently, each below what decides it.

use std::io::{self, Write};

use dind_doctor_checks::target::Target;
use owo_colors::Style;

use super::{Layout, name, words};
use crate::{
    diff::{Change, Comparison, How, Verdict},
    render::{
        escape,
        table::{HEADING, LABEL, PLAIN, UNKNOWN, of_severity, paragraph, rows},
    },
};

/// So many deciding facts are shown unless all were asked for.
const FEW: usize = 4;

pub(super) fn write(
    comparison: &Comparison,
    layout: Layout,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (told, others): (Vec<_>, Vec<_>) =
        comparison.changes.iter().partition(|change| concerns(change, comparison));
    for change in &told {
        if !layout.verbose && cause(change, &told).is_some() {
            continue;
        }
        writeln!(out)?;
        write_change(change, comparison, layout, out)?;
        let explained: Vec<_> = told
            .iter()
            .filter(|other| root(other, &told).is_some_and(|root| root.left.id == change.left.id))
            .map(|other| format!("{} ({})", escape(&other.left.id), rank(other).0))
            .collect();
        if !layout.verbose && !explained.is_empty() {
            rows(&[labelled("explains", explained.join(", "), LABEL)], 2, layout.width, out)?;
        }
    }
    if others.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    if layout.verbose {
        for change in &others {
            write_change(change, comparison, layout, out)?;
        }
        return Ok(());
    }
    let names: Vec<_> = others
        .iter()
        .map(|c| format!("{} ({})", escape(&c.left.id), place(c, comparison)))
        .collect();
    paragraph(&format!("for other targets: {}", names.join("; ")), LABEL, 0, layout.width, out)
}

/// Whether it matters for a target that was asked for.
fn concerns(change: &Change, comparison: &Comparison) -> bool {
    let open = |verdict: &Verdict| *verdict == Verdict::Open;
    change.severity.is_some()
        || (open(&change.verdicts.0) || open(&change.verdicts.1))
            && dind_doctor_checks::registry::find(&change.left.id)
                .is_none_or(|(_, check)| check.worst.worst(&comparison.targets).is_some())
}

/// The change that this one is a consequence of, if that is at least as bad on the same side.
fn cause<'a>(change: &Change, among: &[&'a Change]) -> Option<&'a Change> {
    let (judged, _) = change.on(change.worse());
    let causes = || judged.findings.iter().flat_map(|found| &found.caused_by);
    among
        .iter()
        .find(|other| {
            causes().any(|id| *id == other.left.id)
                && other.worse() == change.worse()
                && other.severity >= change.severity
                && other.left.id != change.left.id
        })
        .copied()
}

/// The first cause of a consequence.
fn root<'a>(change: &Change, among: &[&'a Change]) -> Option<&'a Change> {
    let mut root = cause(change, among)?;
    // As many steps as there can be; two that blame each other end too.
    for _ in among {
        match cause(root, among) {
            Some(next) => root = next,
            None => break,
        }
    }
    Some(root)
}

fn write_change(
    change: &Change,
    comparison: &Comparison,
    layout: Layout,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (rank, style) = rank(change);
    let (id, place) = (escape(&change.left.id), place(change, comparison));
    let place = format!("{place}{}", hurt(change, comparison));
    write!(out, "{}  {}", style.style(rank), HEADING.style(&id))?;
    if rank.len() + id.len() + place.chars().count() + 4 <= layout.width {
        writeln!(out, "  {}", LABEL.style(place))?;
    } else {
        writeln!(out)?;
        paragraph(&place, LABEL, 2, layout.width, out)?;
    }
    rows(&because(change, comparison, layout), 2, layout.width, out)?;
    let (judged, _) = change.on(change.worse());
    let shown = if layout.verbose { judged.findings.len() } else { 1 };
    for found in judged.findings.iter().take(shown) {
        paragraph(&escape(&found.summary), PLAIN, 2, layout.width, out)?;
    }
    if let Some(more) = judged.findings.len().checked_sub(shown).filter(|more| *more > 0) {
        paragraph(&format!("and {more} more: -v"), LABEL, 2, layout.width, out)?;
    }
    if judged.findings.is_empty() {
        let text = escape(judged.reason.as_deref().unwrap_or(&judged.title));
        paragraph(&format!("not judged: {text}"), PLAIN, 2, layout.width, out)?;
    }
    Ok(())
}

fn rank(change: &Change) -> (&'static str, Style) {
    match change.severity {
        Some(severity) => (severity.name(), of_severity(severity)),
        None if change.on(change.worse()).1 == &Verdict::Open => ("unknown", UNKNOWN),
        None => ("other", LABEL),
    }
}

/// On which side it is.
fn place(change: &Change, comparison: &Comparison) -> String {
    let worse = change.worse();
    let (here, there) = (name(comparison, worse), name(comparison, worse.other()));
    match (change.on(worse).1, change.on(worse.other()).1) {
        (Verdict::Found(_), Verdict::Found(_)) => format!("worse in {here}"),
        (Verdict::Found(_), Verdict::Open) => format!("in {here}; not judged in {there}"),
        (Verdict::Found(_), Verdict::Fine) => format!("only in {here}"),
        _ => format!("not judged in {here}"),
    }
}

/// The targets that were asked for and are hurt on the worse side; how badly only where they differ.
fn hurt(change: &Change, comparison: &Comparison) -> String {
    let verdict = change.on(change.worse()).1;
    let each: Vec<_> = comparison
        .targets
        .iter()
        .filter_map(|target: &Target| Some((target, verdict.severity_for(*target)?)))
        .collect();
    let alike = each.iter().all(|(_, severity)| Some(*severity) == change.severity);
    let names: Vec<_> = each
        .into_iter()
        .map(|(t, s)| if alike { t.name().to_owned() } else { format!("{t}: {s}") })
        .collect();
    if names.is_empty() { String::new() } else { format!("  ({})", names.join(", ")) }
}

fn because(change: &Change, comparison: &Comparison, layout: Layout) -> Vec<Vec<(String, Style)>> {
    let Some(explanation) = &change.explanation else {
        if !comparison.has_facts {
            return Vec::new();
        }
        let text = "no set of differing facts explains it; compare the evidence of doctor check -v";
        return vec![labelled("because", text.to_owned(), LABEL)];
    };
    let differences = || explanation.differences.iter().map(|at| &comparison.differences[*at]);
    if explanation.how == How::Sections {
        let mut sections: Vec<_> = differences().map(|d| d.path.section()).collect();
        sections.dedup();
        let text = format!("something in {}; too much differs to say what", sections.join(", "));
        return vec![labelled("because", text, PLAIN)];
    }
    let shown = if layout.verbose { usize::MAX } else { FEW };
    let mut sentences: Vec<_> =
        differences().map(|d| words::sentence(d, comparison, layout.verbose)).collect();
    // What is told in few words tells the most.
    sentences.sort_by_key(String::len);
    let mut lines: Vec<_> = sentences
        .into_iter()
        .take(shown)
        .enumerate()
        .map(|(at, text)| labelled(if at == 0 { "because" } else { "and" }, text, PLAIN))
        .collect();
    if let Some(more) = explanation.differences.len().checked_sub(shown).filter(|more| *more > 0) {
        lines.push(labelled("and", format!("{more} more facts: -v"), LABEL));
    }
    lines
}

fn labelled(label: &str, text: String, style: Style) -> Vec<(String, Style)> {
    vec![(format!("{label:8}"), LABEL), (text, style)]
}
