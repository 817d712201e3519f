//! Severities that the user puts in place of those that the checks give.

use dind_doctor_checks::target::{Severities, Severity, Target};

use super::{CheckReport, Options};

/// Severities in place of those that a check gives. A target that a finding does not hurt stays unhurt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The id of the check.
    pub check: String,
    /// The severity for each target; `None` leaves what the check gives.
    pub severity: Severities,
}

impl Override {
    /// The same severity for every target.
    pub fn everywhere(check: impl Into<String>, severity: Severity) -> Self {
        let all = Target::ALL.into_iter();
        let severity = all.fold(Severities::NONE, |all, target| all.with(target, Some(severity)));
        Self { check: check.into(), severity }
    }

    /// What becomes of severities that the check gives.
    pub fn apply(&self, given: Severities) -> Severities {
        given.iter().fold(Severities::NONE, |all, (target, severity)| {
            all.with(target, self.severity.get(target).or(Some(severity)))
        })
    }
}

/// Replaces the severities of the findings, and of what the check could have found, and keeps what they
/// were if that makes a difference.
pub(super) fn replace(check: &mut CheckReport, options: &Options) {
    let Some(by) = options.overrides(check.id) else { return };
    let given = if check.status.is_open() { check.worst } else { check.found() };
    check.worst = by.apply(check.worst);
    for finding in &mut check.findings {
        finding.severity = by.apply(finding.severity);
    }
    let became = if check.status.is_open() { check.worst } else { check.found() };
    check.overridden = (became != given).then_some(given);
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::severities;

    use super::*;
    use crate::report::{
        Readiness,
        testing::{check, found, report_with, unknown},
    };

    fn info(id: &str) -> Options {
        let overrides = vec![Override::everywhere(id, Severity::Info)];
        Options { overrides, ..Options::default() }
    }

    #[test]
    fn an_error_that_is_made_an_info_blocks_nothing_and_shows_what_it_was() {
        let report = report_with(
            &[found!("a", {dockerd: Error, kind: Warning}), found!("b", {dockerd: Warning})],
            &info("a"),
        );
        assert_eq!(report.exit_code, 0);
        assert_eq!(report.checks[0].severity, Some(Severity::Info));
        assert_eq!(
            report.checks[0].overridden,
            Some(severities!(dockerd: Error, kind: Warning, docker: Error, podman: Error))
        );
        assert_eq!(report.checks[1].overridden, None);
        let dockerd = &report.targets[0];
        assert_eq!(dockerd.readiness, Readiness::Degraded);
        assert_eq!(dockerd.as_found, Readiness::Blocked);
        assert_eq!(dockerd.adjusted_by, ["a"]);
        assert_eq!((report.summary.error, report.summary.info), (0, 1));
    }

    #[test]
    fn a_warning_that_is_made_an_error_for_one_target_blocks_that_one() {
        let severity = Severities::NONE.with(Target::Kind, Some(Severity::Error));
        let overrides = vec![Override { check: "a".to_owned(), severity }];
        let options = Options { overrides, ..Options::default() };
        let report = report_with(&[found!("a", {dockerd: Warning, kind: Warning})], &options);
        assert_eq!(report.exit_code, 1);
        assert_eq!(report.targets[0].readiness, Readiness::Degraded);
        assert_eq!(report.targets[1].readiness, Readiness::Blocked);
        assert_eq!(report.targets[1].as_found, Readiness::Degraded);
        assert!(report.targets[0].adjusted_by.is_empty());
    }

    #[test]
    fn what_could_not_be_judged_counts_as_the_override_says() {
        let strict = Options { strict: true, ..info("a") };
        let report = report_with(&[unknown!("a", {dockerd: Error, kind: Error})], &strict);
        assert_eq!(report.exit_code, 0);
        assert_eq!(report.targets[0].readiness, Readiness::Ready);
        assert_eq!(report.targets[0].as_found, Readiness::Unknown);
        assert_eq!(
            report.checks[0].overridden,
            Some(severities!(dockerd: Error, kind: Error, docker: Error, podman: Error))
        );
    }

    #[test]
    fn a_target_that_is_not_hurt_and_a_check_that_passes_stay_as_they_are() {
        let overrides = vec![Override::everywhere("a", Severity::Error)];
        let options = Options { overrides, ..Options::default() };
        let report = report_with(&[found!("a", {dockerd: Info})], &options);
        assert_eq!(report.checks[0].severity_for(Target::Kind), None);
        let report = report_with(&[check!("a", {dockerd: Info})], &options);
        assert_eq!((report.exit_code, report.checks[0].overridden), (0, None));
    }
}
