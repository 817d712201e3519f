//! What to change, taken together, for people.

use std::io::{self, Write};

use dind_doctor_checks::target::Target;

use super::{
    escape, snippet,
    table::{self, CODE, HEADING, LABEL, PLAIN, View},
};
use crate::{
    fix::{Artefact, ByHand, Fix, Lost},
    report::Report,
};

/// Where text begins under a heading.
const INDENT: usize = 2;
/// Where what can be pasted begins.
const PASTED: usize = 6;

/// Says what is to be changed, by whom and why.
pub fn render(fix: &Fix, report: &Report, view: View, out: &mut dyn Write) -> io::Result<()> {
    table::readiness(report, view, out)?;
    if fix.artefacts.is_empty() && fix.by_hand.is_empty() {
        writeln!(out)?;
        let names: Vec<_> = report.selected().into_iter().map(Target::name).collect();
        let text = format!("Nothing found to change for {}.", names.join(", "));
        return table::paragraph(&text, PLAIN, 0, view.width, out);
    }
    for artefact in fix.artefacts.iter().filter(|artefact| !artefact.beside) {
        one(artefact, view, out)?;
    }
    for left in &fix.by_hand {
        by_hand(left, view, out)?;
    }
    if !fix.lost.is_empty() {
        writeln!(out)?;
        writeln!(out, "{}", HEADING.style("left out"))?;
        for lost in &fix.lost {
            not_done(lost, view, out)?;
        }
    }
    Ok(())
}

fn one(artefact: &Artefact, view: View, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    let risk = format!("({})", artefact.risk.name());
    writeln!(out, "{} {}", HEADING.style(artefact.name), LABEL.style(risk))?;
    say(&artefact.what, view, out)?;
    paste(artefact.shown.iter().map(String::as_str), out)?;
    for note in &artefact.notes {
        say(note, view, out)?;
    }
    why(&artefact.why, view, out)
}

fn by_hand(left: &ByHand, view: View, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    writeln!(out, "{} {}", HEADING.style("by hand"), LABEL.style(table::place(left.place)))?;
    say(&left.text, view, out)?;
    paste(left.commands.iter().map(String::as_str), out)?;
    if let Some(piece) = &left.snippet {
        paste(snippet::text(piece).lines(), out)?;
    }
    why(&left.why, view, out)
}

fn not_done(lost: &Lost, view: View, out: &mut dyn Write) -> io::Result<()> {
    say(&format!("{} (for {}): {}", lost.what, lost.why.join(", "), lost.because), view, out)
}

fn say(text: &str, view: View, out: &mut dyn Write) -> io::Result<()> {
    table::paragraph(&escape(text), PLAIN, INDENT, view.width, out)
}

fn why(ids: &[&str], view: View, out: &mut dyn Write) -> io::Result<()> {
    table::paragraph(&format!("for {}", ids.join(", ")), LABEL, INDENT, view.width, out)
}

/// Never wrapped.
fn paste<'a>(lines: impl Iterator<Item = &'a str>, out: &mut dyn Write) -> io::Result<()> {
    for line in lines {
        writeln!(out, "{:PASTED$}{}", "", CODE.style(escape(line)))?;
    }
    Ok(())
}
