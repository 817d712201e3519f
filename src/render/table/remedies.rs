//! What to do, for the launcher in use.

use std::io::{self, Write};

use dind_doctor_checks::remedy::{Place, Remedy, Rendered, Surroundings};

use super::{
    View, grid,
    style::{CODE, PLAIN},
};
use crate::{
    render::{escape, snippet},
    report::Prescription,
};

/// Where commands and snippets begin.
const INDENT: usize = 12;

/// Writes each different remedy once: the best one whole, but for what the prescription has already; of the others
/// how many there are, unless everything is asked for. What can be pasted is never wrapped.
pub(in crate::render) fn write<'a>(
    remedies: impl Iterator<Item = &'a Remedy>,
    prescription: &Prescription,
    around: &Surroundings,
    view: View,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut told: Vec<&Remedy> = Vec::new();
    for remedy in remedies {
        if !told.contains(&remedy) {
            told.push(remedy);
        }
    }
    let more = told.len().saturating_sub(1);
    let shown = if view.is_verbose() { told.len() } else { 1 };
    for (at, remedy) in told.into_iter().take(shown).enumerate() {
        let Some(rendered) = remedy.render(around).into_iter().next() else { continue };
        let is_above = prescription.holds(remedy) && !view.is_verbose();
        let first = if at == 0 { "fix" } else { "or" };
        let labels = std::iter::once(first).chain(std::iter::repeat("and"));
        for (step, label) in rendered.steps().zip(labels) {
            let place = if is_above { "above" } else { place(step.place) };
            let others = if at == 0 && label == "fix" && more > 0 && shown == 1 {
                format!(" ({more} more: doctor -v)")
            } else {
                String::new()
            };
            let text = format!("{place}: {}{others}", escape(&step.text));
            grid::rows(&[grid::labelled(label, text, PLAIN)], 2, view.width, out)?;
            if !is_above {
                paste(step, view, out)?;
            }
        }
    }
    Ok(())
}

/// What can be pasted: the command, or else what goes into a file; both, if everything is asked for.
pub(super) fn paste(step: &Rendered, view: View, out: &mut dyn Write) -> io::Result<()> {
    for command in &step.commands {
        writeln!(out, "{:INDENT$}{}", "", CODE.style(escape(command)))?;
    }
    let is_enough = !step.commands.is_empty() && !view.is_verbose();
    if let Some(snippet) = step.snippet.as_ref().filter(|_| !is_enough) {
        for line in snippet::text(snippet).lines() {
            writeln!(out, "{:INDENT$}{}", "", CODE.style(escape(line)))?;
        }
    }
    Ok(())
}

/// Where a change is made, for people.
pub(in crate::render) const fn place(place: Place) -> &'static str {
    match place {
        Place::Here => "here",
        Place::Image => "in the image",
        Place::Container => "where the container is launched",
        Place::Runtime => "in the configuration of the daemon or kind",
        Place::Host => "on the host",
    }
}
