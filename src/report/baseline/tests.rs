use dind_doctor_checks::{
    outcome::{Finding, Outcome},
    severities,
    target::{Severities, Severity, Target},
};

use super::*;
use crate::report::{
    Ignore, Options, Readiness, Report, Selector,
    testing::{check, found, report_with, unknown},
};

fn knowing(entries: &[(&str, &str, Severities)]) -> Baseline {
    let mut baseline = Baseline::default();
    for (id, subject, severity) in entries {
        baseline.add(id, subject, *severity, "before");
    }
    baseline
}

fn with(entries: &[(&str, &str, Severities)]) -> Options {
    Options { baseline: Some(knowing(entries)), ..Options::default() }
}

fn comparison(report: &Report) -> &Comparison {
    report.baseline.as_ref().unwrap()
}

fn names(baseline: &Baseline) -> Vec<(&str, &str)> {
    baseline.iter().map(|(id, subject, _)| (id, subject)).collect()
}

#[test]
fn what_is_known_blocks_and_does_not_fail() {
    let report = report_with(
        &[found!("a", {dockerd: Error})],
        &with(&[("a", "subject", severities!(dockerd: Error))]),
    );
    assert_eq!(report.exit_code, 0);
    assert_eq!(report.targets[0].readiness, Readiness::Blocked);
    assert_eq!((comparison(&report).known, comparison(&report).new), (1, 0));
    assert!(report.checks[0].is_known(&report.checks[0].findings[0], &[Target::Dockerd]));
}

#[test]
fn another_check_subject_or_target_is_new_and_so_is_what_became_worse() {
    let code = |known: (&str, &str, Severities)| {
        let report = report_with(&[found!("a", {dockerd: Error, kind: Error})], &with(&[known]));
        (report.exit_code, comparison(&report).new)
    };
    assert_eq!(code(("a", "subject", severities!(dockerd: Error, kind: Error))), (0, 0));
    assert_eq!(code(("b", "subject", severities!(dockerd: Error, kind: Error))), (1, 1));
    assert_eq!(code(("a", "other", severities!(dockerd: Error, kind: Error))), (1, 1));
    assert_eq!(code(("a", "subject", severities!(kind: Error))), (1, 1));
    assert_eq!(code(("a", "subject", severities!(dockerd: Warning, kind: Error))), (1, 1));
}

#[test]
fn a_second_subject_of_a_known_check_is_new() {
    let check = check!("a", {dockerd: Error}, {
        let about = |subject: &str| Finding::new(subject, severities!(dockerd: Error), "found");
        Ok(Outcome::of(vec![about("/docker/old"), about("/docker/new")]))
    });
    let report = report_with(&[check], &with(&[("a", "/docker/old", severities!(dockerd: Error))]));
    assert_eq!(report.exit_code, 1);
    assert_eq!((comparison(&report).known, comparison(&report).new), (1, 1));
}

#[test]
fn what_was_an_info_is_new_as_a_warning_and_an_info_is_neither() {
    let known = [("a", "subject", severities!(dockerd: Info))];
    let options = Options { fail_on: Severity::Warning, ..with(&known) };
    let report = report_with(&[found!("a", {dockerd: Warning})], &options);
    assert_eq!((report.exit_code, comparison(&report).new), (1, 1));
    let report = report_with(&[found!("a", {dockerd: Info})], &options);
    assert_eq!((comparison(&report).known, comparison(&report).new), (0, 0));
}

#[test]
fn gone_is_what_a_verdict_says_is_gone() {
    let known = [
        ("passes", "subject", severities!(dockerd: Error)),
        ("elsewhere", "before", severities!(dockerd: Error)),
        ("blind", "subject", severities!(dockerd: Error)),
        ("ignored", "before", severities!(dockerd: Error)),
        ("unselected", "subject", severities!(dockerd: Error)),
        ("abolished", "subject", severities!(dockerd: Error)),
    ];
    let select = ["passes", "elsewhere", "blind", "ignored"];
    let options = Options {
        select: select.iter().map(|id| Selector::Check((*id).to_owned())).collect(),
        ignore: vec![Ignore::from(Selector::Check("ignored".to_owned()))],
        ..with(&known)
    };
    let checks = [
        check!("passes", {dockerd: Error}),
        found!("elsewhere", {dockerd: Error}),
        unknown!("blind", {dockerd: Error}),
        found!("ignored", {dockerd: Error}),
        check!("unselected", {dockerd: Error}),
    ];
    let report = report_with(&checks, &options);
    let gone = [("abolished", "subject"), ("elsewhere", "before"), ("passes", "subject")];
    assert_eq!(names(&comparison(&report).gone), gone);

    let report = report_with(&checks, &Options { adopt: true, ..options });
    let comparison = comparison(&report);
    assert_eq!(
        names(comparison.adopted.as_ref().unwrap()),
        [
            ("blind", "subject"),
            ("elsewhere", "subject"),
            ("ignored", "before"),
            ("unselected", "subject")
        ]
    );
    assert_eq!(names(&comparison.added), [("elsewhere", "subject")]);
    assert_eq!(names(&comparison.gone), gone);
    assert_eq!(report.exit_code, 0);
}

#[test]
fn what_is_adopted_is_known_at_once_for_the_targets_that_were_asked_for() {
    let options = Options { adopt: true, targets: vec![Target::Kind], ..Options::default() };
    let checks = [
        found!("b", {dockerd: Error, kind: Error}),
        found!("a", {kind: Warning}),
        found!("hint", {dockerd: Error, kind: Info}),
    ];
    let report = report_with(&checks, &options);
    assert_eq!(report.exit_code, 0);
    let adopted = comparison(&report).adopted.clone().unwrap();
    assert_eq!(names(&adopted), [("a", "subject"), ("b", "subject")]);
    let severities: Vec<_> = adopted.iter().map(|(.., known)| known.severity).collect();
    assert_eq!(severities, [severities!(kind: Warning), severities!(kind: Error)]);

    let options = Options { baseline: Some(adopted), ..Options::default() };
    assert_eq!(report_with(&checks, &options).exit_code, 1);
}

#[test]
fn a_new_version_keeps_the_words_and_the_targets_of_the_old_one() {
    let options = Options {
        adopt: true,
        targets: vec![Target::Kind],
        ..with(&[("a", "subject", severities!(dockerd: Warning, kind: Warning))])
    };
    let report = report_with(&[found!("a", {dockerd: Error, kind: Error})], &options);
    let adopted = comparison(&report).adopted.clone().unwrap();
    let known = adopted.iter().next().unwrap().2;
    assert_eq!(known.summary, "before");
    assert_eq!(known.severity, severities!(dockerd: Warning, kind: Error));
    assert!(comparison(&report).added.is_empty());
}
