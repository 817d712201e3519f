//! A JSON report, as far as it can be compared. Read tolerantly: it may come from another release.

use std::{collections::BTreeMap, io};

use dind_doctor_checks::target::{Severity, Target};
use serde::Deserialize;
use serde_json::Value;

use crate::report;

/// How a report is written as JSON.
pub type Json = fn(&report::Report, &mut dyn io::Write) -> io::Result<()>;

/// The schema that is understood.
const SCHEMA: &str = "dind-doctor/report/1";

/// What is compared of a report.
#[derive(Debug, Clone, Deserialize)]
pub struct Report {
    /// What the environment is, in a few words.
    #[serde(default)]
    pub environment: Value,
    /// Readiness of all targets.
    pub targets: Vec<Readiness>,
    /// The checks that were selected.
    pub checks: Vec<Judged>,
}

/// Whether a target can be started.
#[derive(Debug, Clone, Deserialize)]
pub struct Readiness {
    /// The target.
    pub target: String,
    /// `blocked`, `unknown`, `degraded`, `ready`.
    pub readiness: String,
}

/// How a check ended.
#[derive(Debug, Clone, Deserialize)]
pub struct Judged {
    /// Its id.
    pub id: String,
    /// Its area.
    #[serde(default)]
    pub area: String,
    /// The problem in a few words.
    #[serde(default)]
    pub title: String,
    /// `finding`, `pass`, `not-applicable`, `unknown`, `crashed`.
    pub status: String,
    /// Why the question does not arise, or what is missing.
    #[serde(default)]
    pub reason: Option<String>,
    /// What is missing, where it was not judged.
    #[serde(default)]
    pub missing: Vec<Lack>,
    /// Its findings.
    #[serde(default)]
    pub findings: Vec<Found>,
}

/// What is missing for a verdict.
#[derive(Debug, Clone, Deserialize)]
pub struct Lack {
    /// The reason: `not-permitted`, `not-recorded`, …
    pub why: String,
}

/// One finding.
#[derive(Debug, Clone, Deserialize)]
pub struct Found {
    /// One line.
    pub summary: String,
    /// Ids of checks whose findings explain it.
    #[serde(default)]
    pub caused_by: Vec<String>,
    /// Severity by target.
    #[serde(default)]
    pub severity: BTreeMap<String, String>,
}

impl Report {
    /// What a run found here and now, as `json` writes it: what is compared is what a saved report would hold.
    pub fn of(report: &report::Report, json: Json) -> Result<Self, String> {
        let mut document = Vec::new();
        json(report, &mut document).map_err(|error| error.to_string())?;
        Self::read(&document)
    }

    /// A JSON report.
    pub fn read(document: &[u8]) -> Result<Self, String> {
        let value = Self::document(document)?;
        Self::deserialize(&value).map_err(|error| format!("a damaged report: {error}"))
    }

    /// A JSON document that says it is a report.
    pub fn document(document: &[u8]) -> Result<Value, String> {
        let value: Value = serde_json::from_slice(document)
            .map_err(|error| format!("neither a bundle nor a JSON report ({error})"))?;
        match value.get("schema").and_then(Value::as_str) {
            Some(SCHEMA) => {}
            Some(schema) if schema.starts_with("dind-doctor/report/") => {
                return Err(format!(
                    "a report of a later doctor ({schema}); this one reads {SCHEMA}"
                ));
            }
            Some(schema) => return Err(format!("not a report, but {schema:?}")),
            None => return Err(format!("JSON, but not a report ({SCHEMA})")),
        }
        Ok(value)
    }

    /// Readiness of a target.
    pub fn readiness(&self, target: Target) -> Option<&str> {
        let found = self.targets.iter().find(|t| t.target == target.name());
        found.map(|found| found.readiness.as_str())
    }
}

impl Judged {
    /// Whether it was not judged for want of what was taken out of the bundle, or is not in it because the
    /// doctor that recorded it did not ask.
    pub fn is_for_want_of_records(&self) -> bool {
        let wanting = |lack: &Lack| matches!(lack.why.as_str(), "not-recorded" | "redacted");
        !self.missing.is_empty() && self.missing.iter().all(wanting)
    }
}

impl Found {
    /// Its severity for a target.
    pub fn severity_for(&self, target: Target) -> Option<Severity> {
        let name = self.severity.get(target.name())?;
        [Severity::Info, Severity::Warning, Severity::Error].into_iter().find(|s| s.name() == name)
    }
}
