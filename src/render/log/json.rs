//! What a log says as one JSON document, version 1.

use std::io::{self, Write};

use dind_doctor_checks::target::Severity;
use serde::Serialize;

use super::fix;
use crate::{
    log::{Explanation, Place, Sighting, Subject, Suspect, Unrecognised as Alike},
    render::json,
};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    log: Source<'a>,
    /// With what it is compared: `live` (this machine), `bundle` or `none`.
    source: &'static str,
    /// Whether it is compared with this machine because it names it.
    names_this_host: bool,
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
    /// Files that were read, if it is a directory.
    files: Option<u64>,
    /// How many names in it were not read.
    left_out: u64,
    /// The first of them, and why.
    left_out_names: Vec<LeftOut<'a>>,
}

#[derive(Serialize)]
struct LeftOut<'a> {
    name: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct Failure<'a> {
    id: &'static str,
    /// `log` for what only logs show.
    area: &'static str,
    title: &'static str,
    /// Whether no check looks for it.
    only_in_logs: bool,
    /// Whether the log only shows that something failed, and not of what.
    symptom: bool,
    /// Why it happens; of what only logs show.
    cause: Option<&'static str>,
    /// What to do in general, wherever it was found.
    fix: Vec<String>,
    seen: Vec<Seen<'a>>,
    /// How the check ended on the machine, as in a report; `unknown` with a reason where none was asked.
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
    /// How many failures it may point to.
    checks: usize,
    first: Spot<'a>,
}

#[derive(Serialize)]
struct Spot<'a> {
    /// In a directory.
    file: Option<&'a str>,
    line: u64,
    excerpt: &'a str,
}

/// Lines that look like errors and have no known text.
#[derive(Serialize)]
struct Unrecognised<'a> {
    lines: u64,
    /// Alike ones once.
    last: Vec<Unknown<'a>>,
}

#[derive(Serialize)]
struct Unknown<'a> {
    #[serde(flatten)]
    line: Spot<'a>,
    /// How many say the same but for numbers.
    lines: u64,
}

/// What the log `name` says as one JSON document.
pub fn json(name: &str, explanation: &Explanation<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Explanation { log, report, suspects, names_this_host } = explanation;
    let document = Document {
        schema: "dind-doctor/log/1",
        log: Source {
            name,
            lines: log.lines,
            cut: log.is_cut(),
            skipped: log.skipped,
            relative: log.skipped > 0 && log.lines_before.is_none(),
            files: log.files,
            left_out: log.left_out_count,
            left_out_names: log
                .left_out
                .iter()
                .map(|(name, reason)| LeftOut { name, reason })
                .collect(),
        },
        source: report.map_or("none", |report| report.origin.name()),
        names_this_host: *names_this_host,
        suspects: suspects.iter().map(|s| failure(s, explanation)).collect(),
        unrecognised: Unrecognised {
            lines: log.unrecognised,
            last: log.last_unrecognised.iter().map(unknown).collect(),
        },
    };
    json::document(&document, out)
}

fn failure<'a>(suspect: &'a Suspect<'_>, explanation: &Explanation<'_>) -> Failure<'a> {
    let check = suspect.check;
    let findings = check.map_or(&[][..], |check| &check.findings);
    let remedy = findings.first().and_then(|finding| finding.remedies.first());
    let around = explanation.report.map(|report| &report.environment.surroundings);
    let (area, cause) = match suspect.subject {
        Subject::Check(area, _) => (area.name(), None),
        Subject::Entry(entry) => ("log", Some(entry.cause)),
    };
    let nobody =
        if cause.is_some() { "no check looks for it" } else { "not compared with a machine" };
    Failure {
        id: suspect.id(),
        area,
        title: suspect.subject.title(),
        only_in_logs: cause.is_some(),
        symptom: suspect.is_symptom(),
        cause,
        fix: fix::of(suspect.subject).into_iter().map(|fix| fix.text).collect(),
        seen: suspect.seen.iter().map(seen).collect(),
        status: check.map_or("unknown", |check| check.status.name()),
        severity: check.and_then(|check| check.severity).map(Severity::name),
        reason: check.map_or(Some(nobody), |check| check.reason.as_deref()),
        summaries: findings.iter().map(|finding| finding.summary.as_str()).collect(),
        caused_by: suspect.causes(),
        remedy: remedy
            .zip(around)
            .and_then(|(remedy, around)| json::remedies(remedy, around).next()),
    }
}

fn seen<'a>(sighting: &'a Sighting<'_>) -> Seen<'a> {
    let Sighting { text, lines, carriers, first, .. } = sighting;
    Seen { text, lines: *lines, checks: *carriers, first: line(first) }
}

fn line(place: &Place) -> Spot<'_> {
    Spot { file: place.file.as_deref(), line: place.line, excerpt: &place.excerpt }
}

fn unknown(unknown: &Alike) -> Unknown<'_> {
    Unknown { line: line(&unknown.last), lines: unknown.lines }
}
