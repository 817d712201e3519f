//! The report: every check run over the facts, and what follows for each target.
//!
//! Nothing is formatted here; renderers take the [`Report`] as it is.

mod baseline;
mod causes;
mod check;
mod day;
mod environment;
mod exit;
mod facts;
mod ignore;
mod options;
mod prescription;
mod readiness;
mod rehearsal;
mod run;
mod severity;
mod summary;
mod unknown;
pub mod version;

#[cfg(test)]
pub(crate) mod testing;

use std::time::Duration;

pub use crate::probe::Crash;
pub use baseline::{Baseline, Comparison, Known};
pub use check::{CheckReport, OfTarget, Status};
pub use day::Day;
use dind_doctor_checks::{
    Check,
    facts::{Facts, Trials},
    plan::Plans,
    registry::{self, Area},
    target::Severity,
};
pub use environment::{CgroupPlace, Environment, Mtu, Pid1, Tool, Vector};
pub(crate) use facts::FactsDocument;
pub use ignore::{Ignore, Ignored, SetAside};
pub use options::{Options, Selector};
pub use prescription::Prescription;
use readiness::LeftOut;
pub use readiness::{Readiness, TargetReport};
pub(crate) use run::judge;
pub use severity::Override;
pub use summary::Summary;

use crate::{isolated::isolated, probe::Collected};

/// Whether facts were read from the machine or from a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From this machine, now.
    Live,
    /// From a recorded bundle.
    Bundle,
}

impl Origin {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Bundle => "bundle",
        }
    }
}

/// All that a run found out.
#[derive(Debug)]
pub struct Report {
    /// Version of the doctor that made it.
    pub version: &'static str,
    /// The commit that this doctor was built from, if that is known.
    pub commit: Option<&'static str>,
    /// Where the facts come from.
    pub origin: Origin,
    /// 0 or 1; 2 never comes with a report.
    pub exit_code: u8,
    /// From which severity on a finding makes the exit code 1.
    pub fail_on: Severity,
    /// What this environment is.
    pub environment: Environment,
    /// All five targets, in report order.
    pub targets: Vec<TargetReport>,
    /// The checks that were selected, in the order of the registry.
    pub checks: Vec<CheckReport>,
    /// What was tried; nothing without `--active`.
    pub trials: Trials,
    /// Probes and trials that met a deadline, sorted.
    pub timed_out: Vec<String>,
    /// Probes and trials that panicked; what they would have found is missing.
    pub crashed_probes: Vec<Crash>,
    /// Probes of this machine in the order in which they ran, and how long each took. No format that a
    /// machine reads has it: two reports of the same facts are the same.
    pub took: Vec<(&'static str, Duration)>,
    /// How many checks ended how.
    pub summary: Summary,
    /// The file that some of what was asked for comes from.
    pub configuration: Option<String>,
    /// What it decides, if it was found in the working directory and not named.
    pub decided_by_found: Vec<String>,
    /// What no longer makes anything not count.
    pub expired_ignores: Vec<Ignore>,
    /// What is about nothing that was found.
    pub unused_ignores: Vec<Ignore>,
    /// How the findings stand to the baseline.
    pub baseline: Option<Comparison>,
}

/// Runs the selected checks of the registry over what was collected.
pub fn diagnose(collected: Collected, origin: Origin, options: &Options) -> Report {
    diagnose_with(registry::all(), collected, origin, options)
}

/// The same with other checks than those of the registry.
pub fn diagnose_with(
    checks: impl IntoIterator<Item = (Area, &'static Check)>,
    collected: Collected,
    origin: Origin,
    options: &Options,
) -> Report {
    let Collected { mut facts, timed_out, crashed, took } = collected;
    for (component, version) in &options.assume {
        facts.versions.give(*component, *version);
    }
    let plans = Plans::of(&facts);
    let asked;
    let options = if options.targets.is_empty() {
        asked = Options { targets: plans.most_likely(&facts), ..options.clone() };
        &asked
    } else {
        options
    };
    let (selected, left_out): (Vec<_>, Vec<_>) =
        checks.into_iter().partition(|(area, check)| options.selects(*area, check.id));
    let mut checks: Vec<_> = selected
        .into_iter()
        .map(|(area, check)| judge(area, check, &facts, &plans, options))
        .collect();
    causes::prune(&mut checks);
    let left_out: Vec<_> = left_out
        .into_iter()
        .map(|(area, check)| LeftOut {
            id: check.id,
            given: check.reach(&plans),
            worst: options
                .overrides(check.id)
                .map_or(check.reach(&plans), |by| by.apply(check.reach(&plans))),
            ignored: options.ignores(area, check.id).is_some(),
        })
        .collect();
    let names: Vec<_> = left_out.iter().map(|check| check.id).collect();
    let baseline = baseline::compare(&mut checks, &names, options);
    for check in &mut checks {
        check.fails = exit::fails(check, options);
    }
    let (expired_ignores, unused_ignores) = ignore::of_no_effect(&checks, options);
    let mut crashed = crashed;
    let environment = isolated(|| Environment::of(&facts)).unwrap_or_else(|message| {
        crashed.push(Crash { probe: "environment".to_owned(), message });
        Environment::of(&Facts::default())
    });
    let mut targets = readiness::of_targets(&checks, &left_out, &options.targets);
    for target in &mut targets {
        target.rehearsed = rehearsal::told(&facts, &plans, target.target);
    }
    Report {
        version: version::VERSION,
        commit: version::COMMIT,
        origin,
        exit_code: exit::code(&checks),
        fail_on: options.fail_on,
        environment,
        targets,
        summary: Summary::of(&checks),
        checks,
        trials: facts.trials,
        timed_out,
        crashed_probes: crashed,
        configuration: options.configuration.clone(),
        decided_by_found: options.decided_by_found.clone(),
        expired_ignores,
        unused_ignores,
        baseline,
        took: if origin == Origin::Live { took } else { Vec::new() },
    }
}

impl Report {
    /// Ids of the checks whose findings a rehearsal of this engine refutes.
    pub fn refuted_by(&self, engine: &str) -> Vec<&'static str> {
        rehearsal::refuted_by(&self.checks, engine)
    }

    /// That a file which nobody named has decided something, for every format to say.
    pub fn found_configuration(&self) -> Option<String> {
        let path = self.configuration.as_ref().filter(|_| !self.decided_by_found.is_empty())?;
        let what = self.decided_by_found.join(", ");
        Some(format!(
            "{path}, found in the working directory, decides: {what} (not with --no-config)"
        ))
    }

    /// Which probes crashed, a line each, for every format to say.
    pub fn crashes(&self) -> impl Iterator<Item = String> + '_ {
        let line =
            |crash: &Crash| format!("{} crashed, please report it: {}", crash.probe, crash.message);
        self.crashed_probes.iter().map(line)
    }

    /// The check with this id, if it was selected.
    pub fn check(&self, id: &str) -> Option<&CheckReport> {
        self.checks.iter().find(|check| check.id == id)
    }

    /// The targets that were asked for, in report order.
    pub fn selected(&self) -> Vec<dind_doctor_checks::target::Target> {
        self.targets.iter().filter(|t| t.selected).map(|t| t.target).collect()
    }
}
