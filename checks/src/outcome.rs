//! What a check says: pass, findings, not applicable, or, through `Err`, unknown.

mod evidence;

use alloc::{collections::BTreeMap, string::String, vec, vec::Vec};

pub use evidence::{Evidence, Origin, Source};
use serde::Serialize;

use crate::{
    facts::{Missing, Step, Trial, Why},
    remedy::Remedy,
    target::Severities,
    version::{Component, KnownVersion},
};

/// What a check returns. `Err` is *unknown*: a fact without which no verdict is possible is missing.
pub type Verdict = Result<Outcome, Unknown>;

/// On what a verdict rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// What was read; an inference.
    Static,
    /// The real thing was tried.
    Trial,
    /// The engine itself was started, and a container in it.
    Rehearsal,
}

/// A verdict that could be reached.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// No contrary evidence was found.
    Pass(Proof),
    /// The problem is here, once or several times; never empty.
    Found(Vec<Finding>),
    /// The question does not arise here, for this reason.
    NotApplicable(String),
}

impl Outcome {
    /// A pass that rests on what was read.
    pub const fn pass() -> Self {
        Self::Pass(Proof::Static)
    }

    /// The question does not arise, because of `reason`.
    pub fn not_applicable(reason: impl Into<String>) -> Self {
        Self::NotApplicable(reason.into())
    }

    /// A pass that rests on what was tried.
    pub const fn proved() -> Self {
        Self::Pass(Proof::Trial)
    }

    /// The findings, or a pass where there are none.
    pub fn of(findings: Vec<Finding>) -> Self {
        if findings.is_empty() { Self::pass() } else { Self::Found(findings) }
    }

    /// The findings, or `pass` where there are none.
    pub fn of_or(findings: Vec<Finding>, pass: impl FnOnce() -> Self) -> Self {
        if findings.is_empty() { pass() } else { Self::Found(findings) }
    }

    /// The findings, which carry what could not be looked at beside them. Without any, unknown if something is
    /// missing, and `pass` only if nothing is.
    pub fn settled(
        mut findings: Vec<Finding>,
        missing: Vec<Missing>,
        pass: impl FnOnce() -> Self,
    ) -> Verdict {
        match findings.first_mut() {
            Some(first) => {
                first.missing = missing;
                Ok(Self::Found(findings))
            }
            None if missing.is_empty() => Ok(pass()),
            None => Err(Unknown { missing, remedy: None }),
        }
    }

    /// On what the verdict rests.
    pub fn proof(&self) -> Proof {
        match self {
            Self::Pass(proof) => *proof,
            Self::NotApplicable(_) => Proof::Static,
            Self::Found(findings) => {
                findings.iter().map(Finding::proof).min().unwrap_or(Proof::Static)
            }
        }
    }
}

impl From<Finding> for Outcome {
    fn from(finding: Finding) -> Self {
        Self::Found(vec![finding])
    }
}

/// Why no verdict is possible.
#[derive(Debug, Clone, PartialEq)]
pub struct Unknown {
    /// The facts that are missing; never empty.
    pub missing: Vec<Missing>,
    /// What to mount, grant or pass so that the next run knows, if the check knows better than the
    /// general advice for the reason.
    pub remedy: Option<Remedy>,
}

impl Unknown {
    /// No verdict, because `source` could not be asked for the reason `why`.
    pub fn new(source: impl Into<String>, why: Why) -> Self {
        Missing::new(source, why).into()
    }

    /// With what to do so that the next run knows.
    #[must_use]
    pub fn with_remedy(mut self, remedy: Remedy) -> Self {
        self.remedy = Some(remedy);
        self
    }
}

impl From<Missing> for Unknown {
    fn from(missing: Missing) -> Self {
        Self { missing: vec![missing], remedy: None }
    }
}

/// One instance of the problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What is affected: a link, a path, a process, a controller.
    pub subject: String,
    /// One line with the values.
    pub summary: String,
    /// How badly each target is hurt.
    pub severity: Severities,
    /// What was seen.
    pub evidence: Vec<Evidence>,
    /// Ids of other checks whose findings explain this one.
    pub caused_by: Vec<&'static str>,
    /// Versions that were not known, and were taken to be these.
    pub assumed: BTreeMap<Component, String>,
    /// What to change; the best first.
    pub remedies: Vec<Remedy>,
    /// What could not be looked at beside this, and might have shown more of it.
    pub missing: Vec<Missing>,
}

impl Finding {
    /// A finding about `subject`, told in one line.
    pub fn new(
        subject: impl Into<String>,
        severity: Severities,
        summary: impl Into<String>,
    ) -> Self {
        Self {
            subject: subject.into(),
            summary: summary.into(),
            severity,
            evidence: Vec::new(),
            caused_by: Vec::new(),
            assumed: BTreeMap::new(),
            remedies: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// With one more observation.
    #[must_use]
    pub fn evidence(mut self, source: impl Into<Source>, value: impl Into<String>) -> Self {
        self.evidence.push(Evidence::new(source, value));
        self
    }

    /// With a step of a trial as one more observation.
    #[must_use]
    pub fn tried(self, trial: &Trial, step: &Step) -> Self {
        self.evidence(trial.source(step), alloc::format!("{step}"))
    }

    /// Explained by the finding of another check, if that one is found too.
    #[must_use]
    pub fn caused_by(mut self, id: &'static str) -> Self {
        self.caused_by.push(id);
        self
    }

    /// Rests on a version; noted if that version was only assumed.
    #[must_use]
    pub fn rests_on(mut self, component: Component, version: &KnownVersion) -> Self {
        if version.is_assumed() {
            self.assumed.insert(component, alloc::format!("{}", version.version));
        }
        self
    }

    /// With one more remedy.
    #[must_use]
    pub fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedies.push(remedy);
        self
    }

    /// On what the finding rests: a trial, if any of its evidence is one.
    pub fn proof(&self) -> Proof {
        let from = |origin| self.evidence.iter().any(|e| e.origin == origin);
        if from(Origin::Rehearsal) {
            Proof::Rehearsal
        } else if from(Origin::Trial) {
            Proof::Trial
        } else {
            Proof::Static
        }
    }
}
