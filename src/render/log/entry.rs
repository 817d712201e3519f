//! What is known of a failure that only logs show: for people, and as JSON.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;

use crate::{
    log::Entry,
    render::{
        json,
        table::{HEADING, LABEL, PLAIN, paragraph},
    },
};

/// As of a check, which has its documentation in Markdown.
#[derive(Serialize)]
struct Explanation {
    schema: &'static str,
    id: &'static str,
    area: &'static str,
    title: &'static str,
    /// No target is judged by it.
    severity: BTreeMap<&'static str, &'static str>,
    logs: Vec<&'static str>,
    doc: String,
    only_in_logs: bool,
    symptom: bool,
}

/// For people, wrapped to the width.
pub fn entry_text(entry: &Entry, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let symptom = if entry.symptom { ", a symptom" } else { "" };
    let about = LABEL.style(format!("(seen only in logs{symptom})"));
    writeln!(out, "{}  {about}", HEADING.style(entry.id))?;
    paragraph(entry.title, PLAIN, 0, width, out)?;
    writeln!(out, "\n{}", HEADING.style("Why it happens"))?;
    paragraph(entry.cause, PLAIN, 0, width, out)?;
    writeln!(out, "\n{}", HEADING.style("How to fix"))?;
    entry.fix.iter().try_for_each(|fix| paragraph(fix, PLAIN, 0, width, out))
}

/// As one JSON document, with the fields that a check has.
pub fn entry_json(entry: &'static Entry, out: &mut dyn Write) -> io::Result<()> {
    let fix = entry.fix.join("\n- ");
    let explanation = Explanation {
        schema: "dind-doctor/explain/1",
        id: entry.id,
        area: "log",
        title: entry.title,
        severity: BTreeMap::new(),
        logs: entry.texts().collect(),
        doc: format!("## Why it happens\n{}\n## How to fix\n- {fix}\n", entry.cause),
        only_in_logs: true,
        symptom: entry.symptom,
    };
    json::document(&explanation, out)
}
