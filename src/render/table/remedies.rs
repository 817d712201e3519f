//! What to do, for the launcher in use.

use std::io::{self, Write};

use dind_doctor_checks::remedy::{Place, Remedy, Rendered, Surroundings};

use super::{
    View, grid,
    style::{CODE, PLAIN},
};
use crate::render::{escape, snippet};

/// Where commands and snippets begin.
const INDENT: usize = 12;

/// Writes each different remedy once: the best one whole, of the others only what they do, unless
/// everything is asked for. What can be pasted is never wrapped.
pub(in crate::render) fn write<'a>(
    remedies: impl Iterator<Item = &'a Remedy>,
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
    for (at, remedy) in told.into_iter().enumerate() {
        let Some(rendered) = remedy.render(around).into_iter().next() else { continue };
        let first = if at == 0 { "fix" } else { "or" };
        let labels = std::iter::once(first).chain(std::iter::repeat("and"));
        for (step, label) in rendered.steps().zip(labels) {
            let text = format!("{}: {}", place(step.place), escape(&step.text));
            grid::rows(&[grid::labelled(label, text, PLAIN)], 2, view.width, out)?;
            if at == 0 || view.is_verbose() {
                paste(step, out)?;
            }
        }
    }
    Ok(())
}

fn paste(step: &Rendered, out: &mut dyn Write) -> io::Result<()> {
    for command in &step.commands {
        writeln!(out, "{:INDENT$}{}", "", CODE.style(escape(command)))?;
    }
    if let Some(snippet) = &step.snippet {
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
