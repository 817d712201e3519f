//! Whether what was found makes the run fail.

use super::{CheckReport, Options};

/// Whether the check makes the exit code 1: what it found counts, the baseline does not know it, and it is at or
/// above the level for a target that was asked for (or, if strict, could have been).
pub(super) fn fails(check: &CheckReport, options: &Options) -> bool {
    let news = check.findings.iter().filter_map(|f| check.news(f).worst(&options.targets));
    let found = news.max() >= Some(options.fail_on);
    let open =
        options.strict && check.is_open() && check.could_reach(options.fail_on, &options.targets);
    !options.exit_zero && check.counts() && (found || open)
}

/// 1 if a check fails, else 0.
pub(super) fn code(checks: &[CheckReport]) -> u8 {
    u8::from(checks.iter().any(|check| check.fails))
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::{
        Check,
        target::{Severity, Target},
    };

    use crate::report::{
        Options, Selector,
        testing::{check, crashed, found, report_with, unknown},
    };

    fn code(check: &'static Check, options: &Options) -> u8 {
        report_with(&[check], options).exit_code
    }

    #[test]
    fn a_finding_at_the_level_fails() {
        let errors = Options::default();
        let warnings = Options { fail_on: Severity::Warning, ..Options::default() };
        assert_eq!(code(found!("a", "B/-/-/-/-"), &errors), 1);
        assert_eq!(code(found!("a", "D/-/-/-/-"), &errors), 0);
        assert_eq!(code(found!("a", "D/-/-/-/-"), &warnings), 1);
        assert_eq!(code(found!("a", "W/-/-/-/-"), &warnings), 0);
        assert_eq!(code(check!("a", "B/-/-/-/-"), &warnings), 0);
    }

    #[test]
    fn only_targets_that_were_asked_for_count() {
        let rootless = Options { targets: vec![Target::Rootless], ..Options::default() };
        assert_eq!(code(found!("a", "B/B/D/B/B"), &rootless), 0);
        assert_eq!(code(found!("a", "-/-/B/-/-"), &rootless), 1);
    }

    #[test]
    fn strict_counts_what_could_have_failed() {
        let strict = Options { strict: true, ..Options::default() };
        assert_eq!(code(unknown!("a", "B/-/-/-/-"), &Options::default()), 0);
        assert_eq!(code(crashed!("a", "B/-/-/-/-"), &Options::default()), 0);
        assert_eq!(code(unknown!("a", "B/-/-/-/-"), &strict), 1);
        assert_eq!(code(crashed!("a", "B/-/-/-/-"), &strict), 1);
        assert_eq!(code(unknown!("a", "D/-/B/-/-"), &strict), 0);
    }

    #[test]
    fn ignored_and_exit_zero_never_fail() {
        let ignore = vec![Selector::Check("a".to_owned()).into()];
        let ignored = Options { ignore, strict: true, ..Options::default() };
        assert_eq!(code(found!("a", "B/-/-/-/-"), &ignored), 0);
        assert_eq!(code(unknown!("a", "B/-/-/-/-"), &ignored), 0);
        let zero = Options { exit_zero: true, ..Options::default() };
        assert_eq!(code(found!("a", "B/-/-/-/-"), &zero), 0);
    }
}
