//! One finding of a ticket, folded.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::super::syntax::{block, code, paragraph, text};
use crate::render::{
    page::{Check, Remedy, place},
    prose,
};

/// How much is told of each check.
#[derive(Debug, Clone, Copy)]
pub(super) struct Detail {
    findings: usize,
    observations: usize,
    remedies: usize,
}

impl Detail {
    /// What is always told.
    pub(super) const LEAST: Self = Self { findings: 1, observations: 0, remedies: 0 };

    /// From much to little.
    pub(super) const ALL: [Self; 4] = [
        Self { findings: 5, observations: 5, remedies: 3 },
        Self { findings: 3, observations: 3, remedies: 1 },
        Self { findings: 1, observations: 1, remedies: 1 },
        Self::LEAST,
    ];
}

/// Whatever is in it, the fold ends where it should.
pub(super) fn found(check: &Check, detail: Detail, out: &mut dyn Write) -> io::Result<()> {
    let first = check.findings.first().map(|first| html(&first.summary)).unwrap_or_default();
    let more = match check.findings.len() {
        0 | 1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    let (severity, id) = (html(&check.severity), html(&check.id));
    let known = if check.known { ", known" } else { "" };
    let head = format!("{severity}{known}: <code>{id}</code>: {first}{more}");
    writeln!(out, "\n<details><summary>{head}</summary>\n")?;
    let hurt: Vec<_> =
        check.hurt.iter().map(|(target, how)| format!("{}: {}", text(target), text(how))).collect();
    writeln!(out, "{} ({})", paragraph(&check.title), hurt.join(", "))?;
    for (at, finding) in check.findings.iter().take(detail.findings).enumerate() {
        if at > 0 {
            writeln!(out, "\n{}", paragraph(&finding.summary))?;
        }
        let seen = finding.evidence.iter().take(detail.observations);
        let seen = seen.map(|(source, value)| {
            format!("seen: {}: {}", line_of_code(source), line_of_code(value))
        });
        list(seen, out)?;
    }
    let assumed = check.assumed.iter().map(|version| format!("assumed: {}", text(version)));
    let because = (!check.caused_by.is_empty()).then(|| ids(&check.caused_by));
    list(assumed.chain(because.map(|ids| format!("because of {ids}"))), out)?;
    let labels = std::iter::once("Fix").chain(std::iter::repeat("Or"));
    for (one, label) in check.remedies.iter().take(detail.remedies).zip(labels) {
        remedy(label, one, out)?;
    }
    writeln!(out, "\n</details>")
}

fn list(items: impl Iterator<Item = String>, out: &mut dyn Write) -> io::Result<()> {
    for (at, item) in items.enumerate() {
        writeln!(out, "{}- {item}", if at == 0 { "\n" } else { "" })?;
    }
    Ok(())
}

/// A remedy with its steps; without a label only what they say.
pub(super) fn remedy(label: &str, remedy: &Remedy, out: &mut dyn Write) -> io::Result<()> {
    let labels = std::iter::once(label).chain(std::iter::repeat("And"));
    for (step, label) in remedy.steps.iter().zip(labels) {
        if label.is_empty() {
            writeln!(out, "\n{}:", paragraph(&step.text))?;
        } else {
            let (place, words) = (text(place(&step.place)), text(&step.text));
            writeln!(out, "\n**{label}**, {place}: {words}")?;
        }
        for (language, pasted) in &step.paste {
            let language: String = language.chars().filter(char::is_ascii_alphanumeric).collect();
            writeln!(out, "\n{}", block(&language, &prose::block(pasted)))?;
        }
    }
    Ok(())
}

/// Ids of checks, in code.
pub(super) fn ids<'a>(ids: impl IntoIterator<Item = &'a String>) -> String {
    ids.into_iter().map(|id| self::id(id)).collect::<Vec<_>>().join(", ")
}

/// What a saved report calls an id need not be one.
pub(super) fn id(id: &str) -> String {
    let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if plain && !id.is_empty() { format!("`{id}`") } else { text(id) }
}

pub(super) fn line_of_code(text: &str) -> String {
    code(&prose::line(text))
}

/// Text in a line that begins a block of HTML: Markdown leaves it alone, but names and numbers would be linked.
fn html(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len() + 16);
    for c in prose::line(line).chars() {
        // Writing to a String cannot fail.
        let _ = match c {
            c if "<>&\"'@#`$\\".contains(c) => write!(escaped, "&#{};", u32::from(c)),
            c => escaped.write_char(c),
        };
    }
    escaped
}
