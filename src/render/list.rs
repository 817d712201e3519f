//! The registry: for people, and as JSON.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use dind_doctor_checks::{
    Check,
    registry::Area,
    target::{Severities, Severity},
};
use owo_colors::Style;
use serde::Serialize;

use super::{
    json,
    table::{self, HEADING, LABEL},
};

#[derive(Serialize)]
struct List {
    schema: &'static str,
    checks: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: &'static str,
    area: &'static str,
    title: &'static str,
    /// The worst that it can find, per target.
    severity: BTreeMap<&'static str, &'static str>,
    /// Fragments of log lines by which it is recognised.
    logs: &'static [&'static str],
}

/// The checks below their areas: what each is about, and how bad it can be for whom.
pub fn table(
    checks: impl Iterator<Item = (Area, &'static Check)>,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut areas: Vec<(Area, Vec<&Check>)> = Vec::new();
    for (area, check) in checks {
        match areas.last_mut() {
            Some((last, checks)) if *last == area => checks.push(check),
            _ => areas.push((area, vec![check])),
        }
    }
    for (at, (area, checks)) in areas.into_iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", HEADING.style(area.name()))?;
        for check in checks {
            table::paragraph(check.id, Style::new(), 2, width, out)?;
            table::paragraph(check.title, Style::new(), 6, width, out)?;
            table::paragraph(&in_words(check.reach_anywhere()), LABEL, 6, width, out)?;
        }
    }
    Ok(())
}

/// `error for dockerd, kind; warning for rootless`: the worst first.
pub(super) fn in_words(severities: Severities) -> String {
    let of = |severity: Severity| {
        let names: Vec<_> =
            severities.iter().filter(|(_, s)| *s == severity).map(|(t, _)| t.name()).collect();
        (!names.is_empty()).then(|| format!("{severity} for {}", names.join(", ")))
    };
    let each = [Severity::Error, Severity::Warning, Severity::Info].into_iter().filter_map(of);
    each.collect::<Vec<_>>().join("; ")
}

/// The registry as one JSON document.
pub fn json(
    checks: impl Iterator<Item = (Area, &'static Check)>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let checks = checks
        .map(|(area, check)| Row {
            id: check.id,
            area: area.name(),
            title: check.title,
            severity: check.reach_anywhere().iter().map(|(t, s)| (t.name(), s.name())).collect(),
            logs: check.logs,
        })
        .collect();
    json::document(&List { schema: "dind-doctor/list/1", checks }, out)
}
