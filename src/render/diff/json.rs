//! The comparison on the wire, version 1. A field may be added, none renamed or removed.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use dind_doctor_checks::target::{Severity, Target};
use serde::Serialize;
use serde_json::Value;

use crate::{
    diff::{Change, Comparison, Judged, Kind, Position, Verdict},
    render::json::document,
};

/// The value of `schema`.
const SCHEMA: &str = "dind-doctor/diff/1";

#[derive(Serialize)]
struct Diff<'a> {
    schema: &'static str,
    doctor: Doctor,
    exit_code: u8,
    left: Side<'a>,
    right: Side<'a>,
    targets: Vec<Readiness<'a>>,
    /// Checks that ended differently; worst first.
    changes: Vec<Changed<'a>>,
    /// What differs of the facts, or of the environments if a side is a report.
    compared: &'static str,
    differences: Vec<Differing<'a>>,
    counts: Counts,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Doctor {
    version: &'static str,
}

#[derive(Serialize)]
struct Side<'a> {
    name: &'a str,
    source: &'static str,
}

#[derive(Serialize)]
struct Readiness<'a> {
    target: &'static str,
    selected: bool,
    left: Option<&'a str>,
    right: Option<&'a str>,
}

#[derive(Serialize)]
struct Changed<'a> {
    id: &'a str,
    area: &'a str,
    title: &'a str,
    severity: Option<&'static str>,
    worse: &'static str,
    left: Ended<'a>,
    right: Ended<'a>,
    /// Null where no set of differences explains it, or a side has no facts.
    explanation: Option<Explained>,
}

#[derive(Serialize)]
struct Ended<'a> {
    status: &'a str,
    severity: BTreeMap<&'static str, &'static str>,
    summaries: Vec<&'a str>,
    caused_by: Vec<&'a str>,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Explained {
    /// `decides`: these alone, both ways; `turns-on`: the worse side would end like the better one with
    /// them; `sections`: somewhere in these sections.
    how: &'static str,
    paths: Vec<String>,
}

#[derive(Serialize)]
struct Differing<'a> {
    path: String,
    /// Absent where the side does not have the element.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    right: Option<&'a Value>,
    /// Why it is left out of the table: it always differs, or cannot be compared; null if it counts.
    left_out: Option<&'static str>,
    /// Ids of the checks that it helps to explain.
    explains: Vec<&'a str>,
}

#[derive(Serialize)]
struct Counts {
    same: usize,
    different: usize,
    incomparable: usize,
    left_out: BTreeMap<&'static str, usize>,
    checks_alike: usize,
}

/// The comparison as one JSON document. What is left out of the table is counted, and named only where a
/// finding follows from it.
pub fn render(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let side = |position: Position| {
        let side = comparison.side(position);
        Side { name: &side.name, source: side.origin.name() }
    };
    let targets = Target::ALL.into_iter().map(|target| Readiness {
        target: target.name(),
        selected: comparison.targets.contains(&target),
        left: comparison.left.report.readiness(target),
        right: comparison.right.report.readiness(target),
    });
    let diff = Diff {
        schema: SCHEMA,
        doctor: Doctor { version: env!("CARGO_PKG_VERSION") },
        exit_code: u8::from(comparison.differs()),
        left: side(Position::Left),
        right: side(Position::Right),
        targets: targets.collect(),
        changes: comparison.changes.iter().map(|change| changed(change, comparison)).collect(),
        compared: if comparison.has_facts { "facts" } else { "environment" },
        differences: differences(comparison),
        counts: Counts {
            same: comparison.same,
            different: comparison.count(Kind::Real),
            incomparable: comparison.count(Kind::Incomparable),
            left_out: comparison.left_out(),
            checks_alike: comparison.alike,
        },
        notes: super::notes(comparison),
    };
    document(&diff, out)
}

fn changed<'a>(change: &'a Change, comparison: &Comparison) -> Changed<'a> {
    let path = |at: &usize| comparison.differences[*at].path.to_string();
    Changed {
        id: &change.left.id,
        area: &change.left.area,
        title: &change.left.title,
        severity: change.severity.map(Severity::name),
        worse: if change.worse() == Position::Left { "left" } else { "right" },
        left: ended(&change.left, &change.verdicts.0),
        right: ended(&change.right, &change.verdicts.1),
        explanation: change.explanation.as_ref().map(|explanation| Explained {
            how: explanation.how.name(),
            paths: explanation.differences.iter().map(path).collect(),
        }),
    }
}

fn ended<'a>(judged: &'a Judged, verdict: &Verdict) -> Ended<'a> {
    let severity = |target: Target| Some((target.name(), verdict.severity_for(target)?.name()));
    let mut causes: Vec<&str> =
        judged.findings.iter().flat_map(|f| &f.caused_by).map(String::as_str).collect();
    causes.dedup();
    Ended {
        status: &judged.status,
        severity: Target::ALL.into_iter().filter_map(severity).collect(),
        summaries: judged.findings.iter().map(|found| found.summary.as_str()).collect(),
        caused_by: causes,
        reason: judged.reason.as_deref(),
    }
}

fn differences(comparison: &Comparison) -> Vec<Differing<'_>> {
    let explains = |at: usize| -> Vec<&str> {
        comparison
            .changes
            .iter()
            .filter(|c| c.explanation.as_ref().is_some_and(|e| e.differences.contains(&at)))
            .map(|c| c.left.id.as_str())
            .collect()
    };
    comparison
        .differences
        .iter()
        .enumerate()
        .map(|(at, difference)| {
            let left_out = match difference.kind {
                Kind::Real => None,
                Kind::Volatile(reason) => Some(reason),
                Kind::Incomparable => Some("not comparable"),
            };
            (difference, left_out, explains(at))
        })
        .filter(|(_, left_out, explains)| left_out.is_none() || !explains.is_empty())
        .map(|(difference, left_out, explains)| Differing {
            path: difference.path.to_string(),
            left: difference.left.as_ref(),
            right: difference.right.as_ref(),
            left_out,
            explains,
        })
        .collect()
}
