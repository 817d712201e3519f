//! How a check ended, as far as two ends can differ.

use dind_doctor_checks::target::{Severities, Severity, Target};

use super::report::Judged;
use crate::report::{CheckReport, Status};

/// How a check ended: two are equal if they mean the same for every target. Texts do not count: they
/// carry values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It passed, or the question does not arise.
    Fine,
    /// It was not judged.
    Open,
    /// The severities of its findings, sorted.
    Found(Vec<[Option<Severity>; Target::ALL.len()]>),
}

impl Verdict {
    /// What a check that ran here found.
    pub fn of(report: &CheckReport) -> Self {
        let row = |severities: &Severities| Target::ALL.map(|target| severities.get(target));
        match report.status {
            Status::Pass | Status::NotApplicable => Self::Fine,
            Status::Unknown | Status::Crashed => Self::Open,
            Status::Finding => {
                Self::found(report.findings.iter().map(|finding| row(&finding.severity)))
            }
        }
    }

    /// What a report says.
    pub fn read(judged: &Judged) -> Self {
        match judged.status.as_str() {
            "finding" => Self::found(
                judged.findings.iter().map(|found| Target::ALL.map(|t| found.severity_for(t))),
            ),
            "pass" | "not-applicable" => Self::Fine,
            _ => Self::Open,
        }
    }

    fn found(rows: impl Iterator<Item = [Option<Severity>; Target::ALL.len()]>) -> Self {
        let mut rows: Vec<_> = rows.collect();
        rows.sort_unstable();
        Self::Found(rows)
    }

    /// How bad it is for a target.
    pub fn severity_for(&self, target: Target) -> Option<Severity> {
        let Self::Found(rows) = self else { return None };
        rows.iter().filter_map(|row| row[target as usize]).max()
    }

    /// How bad it is for any of the targets.
    pub fn worst(&self, targets: &[Target]) -> Option<Severity> {
        targets.iter().filter_map(|target| self.severity_for(*target)).max()
    }

    /// By which the worse of two is known.
    pub fn badness(&self) -> (u8, Option<Severity>, usize) {
        match self {
            Self::Fine => (0, None, 0),
            Self::Open => (1, None, 0),
            Self::Found(rows) => (2, self.worst(&Target::ALL), rows.len()),
        }
    }
}
