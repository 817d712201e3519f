//! Checks made by hand, for unit tests of the report.

use dind_doctor_checks::{Check, facts::Facts, registry::Area};

use super::{Options, Origin, Report, diagnose_with};
use crate::probe::Collected;

/// A check with this id and worst severity that passes, or that runs the given code.
macro_rules! check {
    ($id:literal, {$($worst:tt)*}) => {
        check!($id, {$($worst)*}, Ok(dind_doctor_checks::outcome::Outcome::pass()))
    };
    ($id:literal, {$($worst:tt)*}, $verdict:expr $(, [$($trial:ident),*])?) => {{
        static CHECK: dind_doctor_checks::Check = dind_doctor_checks::Check {
            id: $id,
            title: $id,
            worst: dind_doctor_checks::severities!($($worst)*),
            layer: dind_doctor_checks::Layer::Engine,
            trials: &[$($(dind_doctor_checks::facts::TrialName::$trial),*)?],
            logs: &[],
            doc: "",
            run: |_, _| $verdict,
        };
        &CHECK
    }};
}

/// A check that finds its problem, at its worst, with these causes.
macro_rules! found {
    ($id:literal, {$($worst:tt)*} $(, $cause:literal)*) => {
        $crate::report::testing::check!($id, {$($worst)*}, {
            let severity = dind_doctor_checks::severities!($($worst)*);
            let finding = dind_doctor_checks::outcome::Finding::new("subject", severity, "summary");
            Ok(finding$(.caused_by($cause))*.into())
        })
    };
}

/// A check that cannot be judged.
macro_rules! unknown {
    ($id:literal, {$($worst:tt)*} $(, [$($trial:ident),*])?) => {
        $crate::report::testing::check!(
            $id,
            {$($worst)*},
            Err(dind_doctor_checks::outcome::Unknown::new(
                "/proc/1/status",
                dind_doctor_checks::facts::Why::NotPermitted
            ))
            $(, [$($trial),*])?
        )
    };
}

/// A check that panics.
macro_rules! crashed {
    ($id:literal, {$($worst:tt)*}) => {
        $crate::report::testing::check!($id, {$($worst)*}, panic!("out of cheese"))
    };
}

/// A check that hints at something for kind and cannot be judged for any other target.
macro_rules! mixed {
    ($id:literal) => {{
        fn run(
            _: &dind_doctor_checks::facts::Facts,
            plan: &dind_doctor_checks::plan::Plan,
        ) -> dind_doctor_checks::outcome::Verdict {
            use dind_doctor_checks::{facts::Why, outcome, severities, target::Target};
            match plan.target {
                Target::Kind => {
                    Ok(outcome::Finding::new("subject", severities!(kind: Info), "summary").into())
                }
                _ => Err(outcome::Unknown::new("/proc/1/status", Why::NotPermitted)),
            }
        }
        static CHECK: dind_doctor_checks::Check = dind_doctor_checks::Check {
            id: $id,
            title: $id,
            worst: dind_doctor_checks::severities!(dockerd: Error, kind: Error),
            layer: dind_doctor_checks::Layer::Engine,
            trials: &[],
            logs: &[],
            doc: "",
            run,
        };
        &CHECK
    }};
}

pub(crate) use {check, crashed, found, mixed, unknown};

/// The report over these checks, of the area cgroup, with default options.
pub(crate) fn report_of(checks: &[&'static Check]) -> Report {
    report_with(checks, &Options::default())
}

/// The report over these checks, of the area cgroup.
pub(crate) fn report_with(checks: &[&'static Check], options: &Options) -> Report {
    let collected = Collected {
        facts: Facts::default(),
        timed_out: Vec::new(),
        crashed: Vec::new(),
        took: Vec::new(),
    };
    let checks = checks.iter().map(|check| (Area::Cgroup, *check));
    diagnose_with(checks, collected, Origin::Live, options)
}
