//! What to do, taken together.

use std::io::{self, Write};

use dind_doctor_checks::remedy::Remedy;

use super::{View, grid, remedies, style::HEADING};
use crate::{
    render::entries::Entry,
    report::{Prescription, Report},
};

/// The first remedies of the warnings and errors that are not known already.
pub(in crate::render) fn of(entries: &[Entry<'_>]) -> Prescription {
    let counted = entries.iter().filter(|entry| entry.is_new());
    Prescription::of(counted.flat_map(first))
}

/// The first remedy of each finding.
fn first<'a>(entry: &'a Entry<'_>) -> impl Iterator<Item = &'a Remedy> {
    entry.findings.iter().filter_map(|finding| finding.remedies.first())
}

pub(super) fn write(
    prescription: &Prescription,
    report: &Report,
    view: View,
    out: &mut dyn Write,
) -> io::Result<()> {
    let around = &report.environment.surroundings;
    for remedy in [&prescription.container, &prescription.daemon].into_iter().flatten() {
        let Some(rendered) = remedy.render(around).into_iter().next() else { continue };
        writeln!(out)?;
        let text = format!("{}:", rendered.text);
        grid::paragraph(&text, HEADING, 0, view.width, out)?;
        remedies::paste(&rendered, view, out)?;
    }
    Ok(())
}
