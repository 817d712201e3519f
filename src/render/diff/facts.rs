//! Facts that differ and decide nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use super::{Layout, words};
use crate::{
    diff::{Comparison, Difference, Kind},
    render::table::{HEADING, LABEL, PLAIN, paragraph, rows},
};

pub(super) fn write(
    comparison: &Comparison,
    layout: Layout,
    out: &mut dyn Write,
) -> io::Result<()> {
    let explaining: BTreeSet<usize> = comparison
        .changes
        .iter()
        .filter_map(|change| change.explanation.as_ref())
        .flat_map(|explanation| explanation.differences.iter().copied())
        .collect();
    let mut sections: BTreeMap<&str, Vec<&Difference>> = BTreeMap::new();
    for (at, difference) in comparison.differences.iter().enumerate() {
        if difference.kind == Kind::Real && !explaining.contains(&at) {
            sections.entry(difference.path.section()).or_default().push(difference);
        }
    }
    if sections.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let title = if comparison.changes.is_empty() {
        "differs, and changes no verdict"
    } else {
        "differs too, and decides nothing"
    };
    paragraph(title, HEADING, 0, layout.width, out)?;
    if layout.verbose {
        for difference in sections.values().flatten() {
            paragraph(&words::sentence(difference, comparison, true), PLAIN, 2, layout.width, out)?;
        }
        return Ok(());
    }
    let lines: Vec<_> = sections
        .iter()
        .map(|(section, differences)| {
            let text = words::summary(differences);
            vec![
                ((*section).to_owned(), LABEL),
                (differences.len().to_string(), LABEL),
                (text, PLAIN),
            ]
        })
        .collect();
    rows(&lines, 2, layout.width, out)
}
