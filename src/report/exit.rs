//! Whether what was found makes the run fail.

use dind_doctor_checks::target::Target;

use super::{CheckReport, Options};

/// Whether the check makes the exit code 1: what it found counts, the baseline does not know it, and it is at or
/// above the level for a target that was asked for (or, if strict, could have been).
pub(super) fn fails(check: &CheckReport, options: &Options) -> bool {
    let news = check.findings.iter().filter_map(|f| check.news(f).worst(&options.targets));
    let found = news.max() >= Some(options.fail_on);
    let hides = |target: &Target| check.hides(options.fail_on, *target);
    let open = options.strict && options.targets.iter().any(hides);
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
        assert_eq!(code(found!("a", {dockerd: Error}), &errors), 1);
        assert_eq!(code(found!("a", {dockerd: Warning}), &errors), 0);
        assert_eq!(code(found!("a", {dockerd: Warning}), &warnings), 1);
        assert_eq!(code(found!("a", {dockerd: Info}), &warnings), 0);
        assert_eq!(code(check!("a", {dockerd: Error}), &warnings), 0);
    }

    #[test]
    fn only_targets_that_were_asked_for_count() {
        let rootless = Options { targets: vec![Target::Rootless], ..Options::default() };
        assert_eq!(
            code(
                found!("a", {dockerd: Error, kind: Error, rootless: Warning, systemd: Error, buildkit: Error}),
                &rootless
            ),
            0
        );
        assert_eq!(code(found!("a", {rootless: Error}), &rootless), 1);
    }

    #[test]
    fn strict_counts_what_could_have_failed() {
        let strict = Options { strict: true, ..Options::default() };
        assert_eq!(code(unknown!("a", {dockerd: Error}), &Options::default()), 0);
        assert_eq!(code(crashed!("a", {dockerd: Error}), &Options::default()), 0);
        assert_eq!(code(unknown!("a", {dockerd: Error}), &strict), 1);
        assert_eq!(code(crashed!("a", {dockerd: Error}), &strict), 1);
        assert_eq!(code(unknown!("a", {dockerd: Warning, rootless: Error}), &strict), 0);
    }

    #[test]
    fn ignored_and_exit_zero_never_fail() {
        let ignore = vec![Selector::Check("a".to_owned()).into()];
        let ignored = Options { ignore, strict: true, ..Options::default() };
        assert_eq!(code(found!("a", {dockerd: Error}), &ignored), 0);
        assert_eq!(code(unknown!("a", {dockerd: Error}), &ignored), 0);
        let zero = Options { exit_zero: true, ..Options::default() };
        assert_eq!(code(found!("a", {dockerd: Error}), &zero), 0);
    }
}
