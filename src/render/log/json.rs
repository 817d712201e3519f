//! What a log says as one JSON document, version 1.

use std::io::{self, Write};

use dind_doctor_checks::target::Severity;
use serde::Serialize;

use crate::{
    log::{Explanation, Place, Sighting, Suspect},
    render::json,
};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    log: Source<'a>,
    /// Where the facts come from: `live` or `bundle`.
    source: &'static str,
    /// The likeliest first.
    suspects: Vec<Failure<'a>>,
    unrecognised: Unrecognised<'a>,
}

#[derive(Serialize)]
struct Source<'a> {
    /// The file; `-` is standard input.
    name: &'a str,
    lines: u64,
    /// Whether not all of it was read, but its last part.
    cut: bool,
    /// Bytes before what was read.
    skipped: u64,
    /// Whether lines are counted from there, and not from the beginning.
    relative: bool,
}

#[derive(Serialize)]
struct Failure<'a> {
    id: &'static str,
    area: &'static str,
    title: &'static str,
    seen: Vec<Seen<'a>>,
    /// How the check ended here, as in a report.
    status: &'static str,
    /// The worst of its findings here over all targets.
    severity: Option<&'static str>,
    /// Why it does not apply here, or is not known.
    reason: Option<&'a str>,
    /// Of its findings here.
    summaries: Vec<&'a str>,
    /// Findings here that explain it.
    caused_by: Vec<&'static str>,
    /// The best one of its first finding here.
    remedy: Option<json::Remedy>,
}

#[derive(Serialize)]
struct Seen<'a> {
    text: &'static str,
    /// How many lines have it.
    lines: u64,
    /// How many checks it may point to.
    checks: usize,
    first: Line<'a>,
}

#[derive(Serialize)]
struct Line<'a> {
    line: u64,
    excerpt: &'a str,
}

/// Lines that look like errors and have no known text.
#[derive(Serialize)]
struct Unrecognised<'a> {
    lines: u64,
    last: Vec<Line<'a>>,
}

/// What the log `name` says as one JSON document.
pub fn json(name: &str, explanation: &Explanation<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Explanation { log, report, suspects } = explanation;
    let document = Document {
        schema: "dind-doctor/log/1",
        log: Source {
            name,
            lines: log.lines,
            cut: log.is_cut(),
            skipped: log.skipped,
            relative: log.skipped > 0 && log.lines_before.is_none(),
        },
        source: report.origin.name(),
        suspects: suspects.iter().map(|s| failure(s, explanation)).collect(),
        unrecognised: Unrecognised {
            lines: log.unrecognised,
            last: log.last_unrecognised.iter().map(line).collect(),
        },
    };
    json::document(&document, out)
}

fn failure<'a>(suspect: &'a Suspect<'_>, explanation: &Explanation<'_>) -> Failure<'a> {
    let check = suspect.check;
    let remedy = check.findings.first().and_then(|finding| finding.remedies.first());
    let launcher = explanation.report.environment.launcher;
    Failure {
        id: check.id,
        area: check.area.name(),
        title: check.title,
        seen: suspect.seen.iter().map(seen).collect(),
        status: check.status.name(),
        severity: check.severity.map(Severity::name),
        reason: check.reason.as_deref(),
        summaries: check.findings.iter().map(|finding| finding.summary.as_str()).collect(),
        caused_by: suspect.causes(),
        remedy: remedy.and_then(|remedy| json::remedies(remedy, launcher).next()),
    }
}

fn seen<'a>(sighting: &'a Sighting<'_>) -> Seen<'a> {
    let Sighting { text, lines, carriers, first, .. } = sighting;
    Seen { text, lines: *lines, checks: *carriers, first: line(first) }
}

fn line(place: &Place) -> Line<'_> {
    Line { line: place.line, excerpt: &place.excerpt }
}
