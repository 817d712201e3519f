//! What a check is to those who count tests.

use crate::report::{CheckReport, Status};

/// How the test case of a check ends. It fails, by one of two names, exactly if the check makes the exit
/// code 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// Nothing was found, or nothing that fails.
    Passed,
    /// What was found fails.
    Failed,
    /// It could not be judged, and that fails.
    NotJudged,
    /// It says nothing, for this reason, which is not escaped.
    Skipped(String),
}

impl Case {
    pub(super) fn of(check: &CheckReport) -> Self {
        match check.status {
            _ if check.ignored.is_some() => Self::Skipped(reason(check)),
            Status::Finding if check.fails => Self::Failed,
            Status::Pass | Status::Finding => Self::Passed,
            Status::Unknown | Status::Crashed if check.fails => Self::NotJudged,
            Status::Unknown | Status::Crashed | Status::NotApplicable => {
                Self::Skipped(reason(check))
            }
        }
    }
}

/// Why there is no verdict, or why it does not count: `unknown: /proc/1/status: not-permitted`. Not
/// escaped.
pub(super) fn reason(check: &CheckReport) -> String {
    let reason = check.reason.as_deref().unwrap_or_default();
    match (&check.ignored, check.status) {
        (Some(ignored), _) => {
            let until = ignored.until.as_ref().map(|day| format!(" until {day}"));
            format!("ignored{}: {}", until.unwrap_or_default(), ignored.reason)
        }
        (None, Status::NotApplicable) => format!("not applicable: {reason}"),
        (None, Status::Crashed) => {
            format!("crashed: {reason}; a defect of the doctor: please report it")
        }
        (None, status) => format!("{}: {reason}", status.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        Options, Selector,
        testing::{check, crashed, found, report_with, unknown},
    };

    fn cases(options: &Options) -> Vec<Case> {
        let checks = [
            check!("a", {dockerd: Error}),
            found!("b", {dockerd: Warning}),
            unknown!("c", {dockerd: Error}),
        ];
        let report = report_with(&checks, options);
        assert_eq!(u8::from(report.checks.iter().any(|check| check.fails)), report.exit_code);
        report.checks.iter().map(Case::of).collect()
    }

    fn unknown() -> Case {
        Case::Skipped("unknown: /proc/1/status: not-permitted".to_owned())
    }

    #[test]
    fn a_case_fails_if_the_check_makes_the_run_fail() {
        let lax = Options::default();
        assert_eq!(cases(&lax), [Case::Passed, Case::Passed, unknown()]);
        let fail_on = dind_doctor_checks::target::Severity::Warning;
        let strict = Options { strict: true, fail_on, ..Options::default() };
        assert_eq!(cases(&strict), [Case::Passed, Case::Failed, Case::NotJudged]);
        let zero = Options { exit_zero: true, ..strict };
        assert_eq!(cases(&zero), [Case::Passed, Case::Passed, unknown()]);
    }

    #[test]
    fn what_is_ignored_is_skipped_and_a_crash_is_not_hidden() {
        let ignore = vec![Selector::Check("a".to_owned()).into()];
        let options = Options { ignore, strict: true, ..Options::default() };
        let report = report_with(
            &[found!("a", {dockerd: Error}), crashed!("b", {dockerd: Error})],
            &options,
        );
        let ignored = Case::Skipped("ignored: --ignore".to_owned());
        assert_eq!(Case::of(&report.checks[0]), ignored);
        assert_eq!(Case::of(&report.checks[1]), Case::NotJudged);
        assert!(reason(&report.checks[1]).starts_with("crashed: out of cheese"));
    }
}
