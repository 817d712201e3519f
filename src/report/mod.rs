//! The report: every check run over the facts, and what follows for each target.
//!
//! Nothing is formatted here; renderers take the [`Report`] as it is.

mod causes;
mod check;
mod environment;
mod exit;
mod options;
mod readiness;
mod run;
mod summary;
mod unknown;

#[cfg(test)]
pub(crate) mod testing;

pub use check::{CheckReport, Ignored, Status};
use dind_doctor_checks::{
    Check,
    facts::Trials,
    registry::{self, Area},
    target::Severity,
};
pub use environment::{CgroupPlace, Environment, Mtu, Pid1, Tool, Vector};
pub use options::{Options, Selector};
pub use readiness::{Readiness, TargetReport};
pub use summary::Summary;

use crate::probe::Collected;

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
    /// How many checks ended how.
    pub summary: Summary,
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
    let Collected { mut facts, timed_out } = collected;
    for (component, version) in &options.assume {
        facts.versions.give(*component, *version);
    }
    let (selected, left_out): (Vec<_>, Vec<_>) =
        checks.into_iter().partition(|(area, check)| options.selects(*area, check.id));
    let mut checks: Vec<_> = selected
        .into_iter()
        .map(|(area, check)| run::judge(area, check, &facts, options))
        .collect();
    causes::prune(&mut checks);
    let left_out: Vec<_> = left_out
        .into_iter()
        .filter(|(area, check)| !options.ignores(*area, check.id))
        .map(|(_, check)| check)
        .collect();
    Report {
        version: env!("CARGO_PKG_VERSION"),
        origin,
        exit_code: exit::code(&checks, options),
        fail_on: options.fail_on,
        environment: Environment::of(&facts),
        targets: readiness::of_targets(&checks, &left_out, &options.targets),
        summary: Summary::of(&checks),
        checks,
        trials: facts.trials,
        timed_out,
    }
}

impl Report {
    /// The check with this id, if it was selected.
    pub fn check(&self, id: &str) -> Option<&CheckReport> {
        self.checks.iter().find(|check| check.id == id)
    }

    /// The targets that were asked for, in report order.
    pub fn selected(&self) -> Vec<dind_doctor_checks::target::Target> {
        self.targets.iter().filter(|t| t.selected).map(|t| t.target).collect()
    }
}
