//! How one check ended.

use std::collections::BTreeMap;

use dind_doctor_checks::{
    facts::{Missing, TrialName},
    outcome::{Finding, Proof},
    registry::Area,
    remedy::Remedy,
    target::{Severities, Severity, Target},
};

use super::{Ignored, SetAside, baseline};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The problem is here.
    Finding,
    /// No contrary evidence was found.
    Pass,
    /// The question does not arise here.
    NotApplicable,
    /// A fact without which no verdict is possible is missing.
    Unknown,
    /// The check itself failed.
    Crashed,
}

impl Status {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Pass => "pass",
            Self::NotApplicable => "not-applicable",
            Self::Unknown => "unknown",
            Self::Crashed => "crashed",
        }
    }

    /// Whether no verdict was reached.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Unknown | Self::Crashed)
    }
}

/// How one check ended for one target.
#[derive(Debug, Clone)]
pub struct OfTarget {
    /// The target.
    pub target: Target,
    /// How it ended.
    pub status: Status,
    /// On what that rests.
    pub proof: Proof,
    /// Why the question does not arise, what is missing, or how the check crashed.
    pub reason: Option<String>,
    /// The facts that are missing.
    pub missing: Vec<Missing>,
}

impl OfTarget {
    /// Whether there may be more than the verdict says.
    pub fn is_open(&self) -> bool {
        self.status.is_open() || !self.missing.is_empty()
    }
}

/// How one check ended.
#[derive(Debug, Clone)]
pub struct CheckReport {
    /// Its id.
    pub id: &'static str,
    /// Its area.
    pub area: Area,
    /// The problem in at most 60 columns.
    pub title: &'static str,
    /// Its documentation, as declared.
    pub doc: &'static str,
    /// The worst that it could find, per target, as it counts.
    pub worst: Severities,
    /// The same before it was overridden.
    pub declared: Severities,
    /// The trials that settle it.
    pub trials: &'static [TrialName],
    /// How it ended for each target that it concerns, in report order.
    pub targets: Vec<OfTarget>,
    /// How it ended: the first of crashed, finding, unknown, pass, not applicable over all targets.
    pub status: Status,
    /// The worst severity of its findings over the targets that were asked for.
    pub severity: Option<Severity>,
    /// On what the verdict rests.
    pub proof: Proof,
    /// Why the question does not arise, what is missing, or how the check crashed.
    pub reason: Option<String>,
    /// The facts that are missing: those without which the verdict is unknown, or that might have shown more than
    /// was found.
    pub missing: Vec<Missing>,
    /// What to grant, mount or pass so that the next run knows.
    pub remedies: Vec<Remedy>,
    /// Set if the outcome does not count.
    pub ignored: Option<Ignored>,
    /// The severities, of what was found or else of what could have been, before they were overridden.
    pub overridden: Option<Severities>,
    /// The findings.
    pub findings: Vec<Finding>,
    /// Findings that do not count, beside others that do.
    pub set_aside: Vec<SetAside>,
    /// What the baseline knows: severities by the fingerprint of the subject.
    pub accepted: BTreeMap<String, Severities>,
    /// Whether it makes the exit code 1.
    pub fails: bool,
}

impl CheckReport {
    /// Whether the outcome counts.
    pub const fn counts(&self) -> bool {
        self.ignored.is_none()
    }

    /// How it ended for one target; `None` if it does not concern that one.
    pub fn of(&self, target: Target) -> Option<&OfTarget> {
        self.targets.iter().find(|of| of.target == target)
    }

    /// Whether there may be more for this target than the verdict says: no verdict was reached, or something was
    /// missing beside what was found.
    pub fn is_open_for(&self, target: Target) -> bool {
        self.of(target).is_some_and(OfTarget::is_open)
    }

    /// How it ended for the first of these targets for which no verdict was reached.
    pub fn open_status(&self, targets: &[Target]) -> Option<Status> {
        let ended = targets.iter().filter_map(|target| self.of(*target));
        ended.map(|of| of.status).find(|status| status.is_open())
    }

    /// Whether it could not be judged for one of these targets, and nothing that it found for one of them says more.
    pub fn is_unjudged(&self, targets: &[Target]) -> bool {
        self.open_status(targets).is_some() && self.found().worst(targets).is_none()
    }

    /// Whether it could have found something at least as bad as `severity` for this target, and no verdict was
    /// reached.
    pub fn hides(&self, severity: Severity, target: Target) -> bool {
        self.is_open_for(target) && self.could_reach(severity, &[target])
    }

    /// The worst severity found for one target.
    pub fn severity_for(&self, target: Target) -> Option<Severity> {
        self.findings.iter().filter_map(|f| f.severity.get(target)).max()
    }

    /// The worst severities found.
    pub fn found(&self) -> Severities {
        let each = self.findings.iter().map(|finding| finding.severity);
        each.fold(Severities::NONE, baseline::worst)
    }

    /// The worst severities found by the check itself, whatever was ignored or overridden.
    pub fn as_found(&self) -> Severities {
        let given = self.overridden.filter(|_| !self.status.is_open());
        let aside = self.set_aside.iter().map(|aside| aside.finding.severity);
        aside.fold(given.unwrap_or_else(|| self.found()), baseline::worst)
    }

    /// How badly a finding hurts the targets for which it is worse than the baseline knows.
    pub fn news(&self, finding: &Finding) -> Severities {
        let known = self.accepted.get(&baseline::fingerprint(&finding.subject));
        let known = known.copied().unwrap_or_default();
        let worse = finding.severity.iter().filter(|(target, now)| Some(*now) > known.get(*target));
        worse.fold(Severities::NONE, |all, (target, now)| all.with(target, Some(now)))
    }

    /// Whether the baseline knows a warning or an error for one of `targets`, and nothing of it is worse
    /// now.
    pub fn is_known(&self, finding: &Finding, targets: &[Target]) -> bool {
        finding.severity.worst(targets) >= Some(Severity::Warning)
            && self.news(finding).worst(targets) < Some(Severity::Warning)
    }

    /// Whether it could find something at least as bad as `severity` for one of `targets`.
    pub fn could_reach(&self, severity: Severity, targets: &[Target]) -> bool {
        self.worst.worst(targets) >= Some(severity)
    }
}
