//! What a run is asked to judge, and what makes it fail.

use dind_doctor_checks::{
    registry::Area,
    target::{Severity, Target},
    version::{Component, Version},
};

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
}

/// What a run is asked to judge, and what makes it fail.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is going to be started here.
    pub targets: Vec<Target>,
    /// Versions that the user gives; of several for one component the last one holds.
    pub assume: Vec<(Component, Version)>,
    /// Checks to run; all if empty.
    pub select: Vec<Selector>,
    /// Checks whose outcome does not count.
    pub ignore: Vec<Selector>,
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

    /// Whether the outcome of the check does not count.
    pub fn ignores(&self, area: Area, id: &str) -> bool {
        self.ignore.iter().any(|s| s.covers(area, id))
    }
}
