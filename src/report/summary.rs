//! How many checks ended how.

use dind_doctor_checks::target::Severity;

use super::{CheckReport, Status};

/// How many checks ended how; each check is counted once, and those that are ignored only as such.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// All checks that were selected.
    pub checks: usize,
    /// An error for a target that was asked for.
    pub error: usize,
    /// A warning for a target that was asked for.
    pub warning: usize,
    /// Worth knowing for a target that was asked for.
    pub info: usize,
    /// A finding that only concerns targets that were not asked for.
    pub other_targets: usize,
    /// Passed.
    pub passed: usize,
    /// Unknown.
    pub unknown: usize,
    /// Not applicable.
    pub not_applicable: usize,
    /// Crashed.
    pub crashed: usize,
    /// Ignored, whatever the outcome.
    pub ignored: usize,
}

impl Summary {
    /// Counts `checks`.
    pub(super) fn of(checks: &[CheckReport]) -> Self {
        let mut counts = Self { checks: checks.len(), ..Self::default() };
        for check in checks {
            let count = match (check.status, check.severity) {
                _ if !check.counts() => &mut counts.ignored,
                (Status::Finding, Some(Severity::Error)) => &mut counts.error,
                (Status::Finding, Some(Severity::Warning)) => &mut counts.warning,
                (Status::Finding, Some(Severity::Info)) => &mut counts.info,
                (Status::Finding, None) => &mut counts.other_targets,
                (Status::Pass, _) => &mut counts.passed,
                (Status::Unknown, _) => &mut counts.unknown,
                (Status::NotApplicable, _) => &mut counts.not_applicable,
                (Status::Crashed, _) => &mut counts.crashed,
            };
            *count += 1;
        }
        counts
    }
}
