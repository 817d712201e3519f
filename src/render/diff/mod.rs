//! A comparison: for people, and as JSON.

mod changes;
mod facts;
mod json;
mod words;

use std::io::{self, Write};

pub use json::render as json;

use super::table::{HEADING, LABEL, PLAIN, paragraph, rows};
use crate::{
    diff::{Comparison, Kind, Origin, Position},
    render::escape,
};

/// How the comparison is laid out.
#[derive(Clone, Copy)]
struct Layout {
    width: usize,
    verbose: bool,
}

/// The comparison for people: what will run where, what decides it, what else differs. Always styled;
/// whoever does not want styles strips them.
pub fn table(
    comparison: &Comparison,
    width: usize,
    verbose: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let layout = Layout { width, verbose };
    readiness(comparison, width, out)?;
    changes::write(comparison, layout, out)?;
    facts::write(comparison, layout, out)?;
    writeln!(out)?;
    footer(comparison, layout, out)
}

/// The name of a side, safe to print.
fn name(comparison: &Comparison, position: Position) -> String {
    words::cut(&escape(&comparison.side(position).name), 40)
}

/// One line for each target that was asked for.
fn readiness(comparison: &Comparison, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let of = |position: Position, target| {
        escape(comparison.side(position).report.readiness(target).unwrap_or("unknown")).into_owned()
    };
    let lines: Vec<_> = comparison
        .targets
        .iter()
        .map(|target| {
            let (left, right) = (of(Position::Left, *target), of(Position::Right, *target));
            let text = if left == right {
                format!("{left} in both")
            } else {
                let (a, b) = (name(comparison, Position::Left), name(comparison, Position::Right));
                format!("{left} in {a}, {right} in {b}")
            };
            vec![(target.name().to_owned(), HEADING), (text, PLAIN)]
        })
        .collect();
    rows(&lines, 0, width, out)
}

fn footer(comparison: &Comparison, layout: Layout, out: &mut dyn Write) -> io::Result<()> {
    let (real, same) = (comparison.count(Kind::Real), comparison.same);
    let left_out: usize = comparison.left_out().values().sum();
    let what = if comparison.has_facts { "facts" } else { "values of the environment" };
    let text = if comparison.differs() {
        format!(
            "{real} {what} differ, {same} are the same; {} of {} checks end differently",
            comparison.changes.len(),
            comparison.changes.len() + comparison.alike
        )
    } else {
        format!("no difference: {same} {what} and {} verdicts are the same", comparison.alike)
    };
    paragraph(&text, PLAIN, 0, layout.width, out)?;
    if left_out > 0 {
        let reasons: Vec<_> =
            comparison.left_out().iter().map(|(reason, n)| format!("{reason} ({n})")).collect();
        let text = if layout.verbose {
            format!("left out, since it always differs: {}", reasons.join(", "))
        } else {
            format!("{left_out} that always differ are left out (-v says which)")
        };
        paragraph(&text, LABEL, 0, layout.width, out)?;
    }
    for note in notes(comparison) {
        paragraph(&escape(&note), LABEL, 0, layout.width, out)?;
    }
    Ok(())
}

/// What limits the comparison.
fn notes(comparison: &Comparison) -> Vec<String> {
    let mut notes = Vec::new();
    let origins = [comparison.left.origin, comparison.right.origin];
    if !comparison.has_facts {
        notes.push(
            "a JSON report holds no facts: only environment, targets and findings are compared, and \
             nothing says what decides them; capture bundles for that"
                .to_owned(),
        );
    }
    let incomparable = comparison.count(Kind::Incomparable);
    if incomparable > 0 {
        notes.push(format!(
            "not comparable: {incomparable} (one side was redacted, or recorded before the doctor asked \
             for it)"
        ));
    }
    let redacted = |origin| origin == Origin::Bundle { redacted: true };
    if comparison.has_facts && redacted(origins[0]) != redacted(origins[1]) {
        notes.push("one side is redacted: names that differ can be the same".to_owned());
    }
    if !comparison.unjudged.is_empty() {
        notes.push(format!(
            "not judged on one side for want of records, and no finding on the other: {}",
            comparison.unjudged.join(", ")
        ));
    }
    if !comparison.one_sided.is_empty() {
        notes.push(format!(
            "only one of the reports has: {} (another release, or not selected)",
            comparison.one_sided.join(", ")
        ));
    }
    notes
}
