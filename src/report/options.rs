//! What a run is asked to judge, and what makes it fail.

use dind_doctor_checks::{
    registry::Area,
    target::{Severity, Target},
    version::{Component, Version},
};

use super::{Baseline, Day, Ignore, Override};

/// One check, or all checks of an area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// All checks of the area.
    Area(Area),
    /// The check with this id.
    Check(String),
}

impl Selector {
    /// Whether it covers the check `id` in `area`.
    pub fn covers(&self, area: Area, id: &str) -> bool {
        match self {
            Self::Area(selected) => *selected == area,
            Self::Check(selected) => selected == id,
        }
    }

    /// The area or the id.
    pub fn name(&self) -> &str {
        match self {
            Self::Area(area) => area.name(),
            Self::Check(id) => id,
        }
    }
}

/// What a run is asked to judge, and what makes it fail.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is going to be started here; what people most likely want to, if it is empty.
    pub targets: Vec<Target>,
    /// Versions that the user gives; of several for one component the last one holds.
    pub assume: Vec<(Component, Version)>,
    /// Checks to run; all if empty.
    pub select: Vec<Selector>,
    /// What does not count.
    pub ignore: Vec<Ignore>,
    /// The day by which what is ignored expires.
    pub today: Day,
    /// Severities in place of those that the checks give; of several for one check the last one holds.
    pub overrides: Vec<Override>,
    /// What was found before, and does not make the exit code 1 again.
    pub baseline: Option<Baseline>,
    /// Whether to take all that is found now into the baseline.
    pub adopt: bool,
    /// The file that some of this comes from.
    pub configuration: Option<String>,
    /// What it decides, if it was found in the working directory and not named: whoever wrote that directory
    /// decided it.
    pub decided_by_found: Vec<String>,
    /// From which severity on a finding makes the exit code 1.
    pub fail_on: Severity,
    /// Whether a check that could not be judged makes the exit code 1 if its finding could.
    pub strict: bool,
    /// Whether the exit code is 0 whatever was found.
    pub exit_zero: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            targets: vec![Target::Dockerd, Target::Kind],
            assume: Vec::new(),
            select: Vec::new(),
            ignore: Vec::new(),
            today: Day::default(),
            overrides: Vec::new(),
            baseline: None,
            adopt: false,
            configuration: None,
            decided_by_found: Vec::new(),
            fail_on: Severity::Error,
            strict: false,
            exit_zero: false,
        }
    }
}

impl Options {
    /// Whether the check is to run.
    pub fn selects(&self, area: Area, id: &str) -> bool {
        self.select.is_empty() || self.select.iter().any(|s| s.covers(area, id))
    }

    /// What makes that the whole outcome of the check does not count.
    pub fn ignores(&self, area: Area, id: &str) -> Option<&Ignore> {
        let whole = |ignore: &&Ignore| ignore.subject.is_none() && ignore.covers(area, id);
        self.ignore.iter().filter(|ignore| ignore.holds(self.today)).find(whole)
    }

    /// What replaces the severities of the check.
    pub fn overrides(&self, id: &str) -> Option<&Override> {
        self.overrides.iter().rfind(|each| each.check == id)
    }
}
