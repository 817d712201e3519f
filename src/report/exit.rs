//! Whether what was found makes the run fail.

use dind_doctor_checks::{facts::TrialName, target::Target};

use super::{CheckReport, Options};

/// Whether the check makes the exit code 1: what it found counts, the baseline does not know it, and it is at or
/// above the level for a target that was asked for (or, if strict, could have been).
pub(super) fn fails(check: &CheckReport, options: &Options) -> bool {
    let news = check.findings.iter().filter_map(|f| check.news(f).worst(&options.targets));
    let found = news.max() >= Some(options.fail_on);
    let hides = |target: &Target| check.hides(options.fail_on, *target);
    // It is unknown only where it was asked for, by whom it is a gate.
    let asked_for = check.trials.contains(&TrialName::Rehearse);
    let open = (options.strict || asked_for) && options.targets.iter().any(hides);
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

    use crate::render;
    use crate::report::{
        Crash, Options, Readiness, Report, Selector,
        testing::{check, crashed, found, mixed, report_with, unknown},
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
    fn a_rehearsal_that_was_asked_for_and_not_made_fails() {
        let options = Options::default();
        assert_eq!(code(unknown!("rehearsed", {dockerd: Error}, [Rehearse]), &options), 1);
        assert_eq!(code(unknown!("rehearsed", {podman: Error}, [Rehearse]), &options), 0);
        assert_eq!(code(unknown!("another", {dockerd: Error}), &options), 0);
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

    #[test]
    fn what_is_unknown_for_one_target_is_not_hidden_by_what_is_found_for_another() {
        let lax = report_with(&[mixed!("a")], &Options::default());
        let readiness =
            |report: &Report| report.targets[..2].iter().map(|t| t.readiness).collect::<Vec<_>>();
        assert_eq!(readiness(&lax), [Readiness::Unknown, Readiness::Ready]);
        assert_eq!(lax.exit_code, 0);
        let strict = report_with(&[mixed!("a")], &Options { strict: true, ..Options::default() });
        assert_eq!(strict.exit_code, 1);
        let text = |render: fn(&Report, &mut dyn std::io::Write) -> std::io::Result<()>| {
            let mut out = Vec::new();
            render(&strict, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert!(text(render::github::render).contains("::error title=a (unknown)::"));
        assert!(text(render::tap::render).contains("not ok 1 - a"));
        assert!(text(render::junit::render).contains("<failure"));
    }

    #[test]
    fn every_format_says_which_probe_crashed() {
        let mut report = report_with(&[check!("a", {dockerd: Error})], &Options::default());
        report.crashed_probes =
            vec![Crash { probe: "mounts".to_owned(), message: "out of cheese".to_owned() }];
        for render in [
            render::github::render,
            render::tap::render,
            render::junit::render,
            render::json::render,
        ] {
            let mut out = Vec::new();
            render(&report, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.contains("mounts") && text.contains("out of cheese"), "{text}");
        }
    }
}
