//! The documentation of one check: for people, and as JSON.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use dind_doctor_checks::{Check, registry::Area};
use owo_colors::Style;
use serde::Serialize;

use super::{
    json,
    list::in_words,
    table::{self, HEADING, LABEL},
};

#[derive(Serialize)]
struct Explanation {
    schema: &'static str,
    id: &'static str,
    area: &'static str,
    title: &'static str,
    /// The worst that it can find, per target.
    severity: BTreeMap<&'static str, &'static str>,
    /// Fragments of log lines by which it is recognised.
    logs: &'static [&'static str],
    /// Markdown.
    doc: String,
}

/// The documentation for people, wrapped to the width.
pub fn text(area: Area, check: &Check, width: usize, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}  {}", HEADING.style(check.id), LABEL.style(format_args!("({area})")))?;
    table::paragraph(check.title, Style::new(), 0, width, out)?;
    table::paragraph(&in_words(check.reach_anywhere()), LABEL, 0, width, out)?;
    for block in blocks(&markdown(check.doc)) {
        match block {
            Block::Heading(text) => writeln!(out, "\n{}", HEADING.style(text))?,
            Block::Paragraph(text) => table::paragraph(&text, Style::new(), 0, width, out)?,
            Block::Verbatim(line) => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

/// The documentation as one JSON document.
pub fn json(area: Area, check: &Check, out: &mut dyn Write) -> io::Result<()> {
    let explanation = Explanation {
        schema: "dind-doctor/explain/1",
        id: check.id,
        area: area.name(),
        title: check.title,
        severity: check.reach_anywhere().iter().map(|(t, s)| (t.name(), s.name())).collect(),
        logs: check.logs,
        doc: markdown(check.doc),
    };
    json::document(&explanation, out)
}

/// The doc comment without the space that follows `///` on each line.
pub(super) fn markdown(doc: &str) -> String {
    let lines = doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n")
}

/// A piece of documentation.
#[derive(Debug, PartialEq, Eq)]
enum Block {
    Heading(String),
    /// Lines that flow.
    Paragraph(String),
    /// A line of code, or the empty line between two blocks.
    Verbatim(String),
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut fenced = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            blocks.push(Block::Verbatim(format!("    {line}")));
        } else if line.is_empty() {
            // The heading brings its own empty line.
            blocks.push(Block::Verbatim(String::new()));
        } else if let Some(heading) = line.strip_prefix("## ") {
            if matches!(blocks.last(), Some(Block::Verbatim(line)) if line.is_empty()) {
                blocks.pop();
            }
            blocks.push(Block::Heading(heading.to_owned()));
        } else if line.starts_with("    ") {
            blocks.push(Block::Verbatim(line.to_owned()));
        } else if let Some(Block::Paragraph(text)) = blocks.last_mut()
            && !begins_item(line)
        {
            text.push(' ');
            text.push_str(line.trim_start());
        } else {
            blocks.push(Block::Paragraph(line.trim_start().to_owned()));
        }
    }
    blocks
}

/// Whether the line begins an item of a list.
fn begins_item(line: &str) -> bool {
    let line = line.trim_start();
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("* ")
        || line.starts_with("- ")
        || (number.len() < line.len() && number.starts_with(". "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_flow_and_lists_and_code_do_not() {
        let text = "## A\none\ntwo\n\n- x\n  y\n- z\n\n## B\n```sh\nrun it\n```";
        assert_eq!(
            blocks(text),
            [
                Block::Heading("A".to_owned()),
                Block::Paragraph("one two".to_owned()),
                Block::Verbatim(String::new()),
                Block::Paragraph("- x y".to_owned()),
                Block::Paragraph("- z".to_owned()),
                Block::Heading("B".to_owned()),
                Block::Verbatim("    run it".to_owned()),
            ]
        );
    }
}
