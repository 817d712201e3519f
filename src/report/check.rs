//! How one check ended.

use dind_doctor_checks::{
    facts::Missing,
    outcome::{Finding, Proof},
    registry::Area,
    remedy::Remedy,
    target::{Severities, Severity, Target},
};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The problem is here.
    Finding,
    /// No contrary evidence was found.
    Pass,
    /// The question does not arise here.
    NotApplicable,
    /// A fact without which no verdict is possible is missing.
    Unknown,
    /// The check itself failed.
    Crashed,
}

impl Status {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Pass => "pass",
            Self::NotApplicable => "not-applicable",
            Self::Unknown => "unknown",
            Self::Crashed => "crashed",
        }
    }

    /// Whether no verdict was reached.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Unknown | Self::Crashed)
    }
}

/// Why the outcome of a check does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The reason that was given.
    pub reason: String,
    /// The day (`YYYY-MM-DD`) until which it holds.
    pub until: Option<String>,
}

/// How one check ended.
#[derive(Debug, Clone)]
pub struct CheckReport {
    /// Its id.
    pub id: &'static str,
    /// Its area.
    pub area: Area,
    /// The problem in at most 60 columns.
    pub title: &'static str,
    /// Its documentation, as declared.
    pub doc: &'static str,
    /// The worst that it could find, per target.
    pub worst: Severities,
    /// How it ended.
    pub status: Status,
    /// The worst severity of its findings over the targets that were asked for.
    pub severity: Option<Severity>,
    /// On what the verdict rests.
    pub proof: Proof,
    /// Why the question does not arise, what is missing, or how the check crashed.
    pub reason: Option<String>,
    /// The facts that are missing, where the verdict is unknown.
    pub missing: Vec<Missing>,
    /// What to grant, mount or pass so that the next run knows.
    pub remedies: Vec<Remedy>,
    /// Set if the outcome does not count.
    pub ignored: Option<Ignored>,
    /// The findings.
    pub findings: Vec<Finding>,
    /// Whether it makes the exit code 1.
    pub fails: bool,
}

impl CheckReport {
    /// Whether the outcome counts.
    pub const fn counts(&self) -> bool {
        self.ignored.is_none()
    }

    /// The worst severity found for one target.
    pub fn severity_for(&self, target: Target) -> Option<Severity> {
        self.findings.iter().filter_map(|f| f.severity.get(target)).max()
    }

    /// Whether it could find something at least as bad as `severity` for one of `targets`.
    pub fn could_reach(&self, severity: Severity, targets: &[Target]) -> bool {
        self.worst.worst(targets) >= Some(severity)
    }
}
