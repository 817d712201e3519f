//! What a fault may do to a report: leave a verdict as it is, or make it unknown.

use std::collections::BTreeMap;

use dind_doctor::report::{Readiness, Report, Status};
use dind_doctor_checks::target::{Severities, Severity, Target};

/// What is compared of a report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdicts {
    checks: BTreeMap<&'static str, Check>,
    targets: Vec<(Target, Readiness, Vec<&'static str>)>,
}

#[derive(Debug, Clone, PartialEq)]
struct Check {
    status: Status,
    /// Subjects of the findings, with how badly they hurt; what is said of one in several findings together.
    findings: BTreeMap<String, Severities>,
    /// Whether it says that something is missing.
    lacks: bool,
}

/// One verdict that no failing read may give.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lie {
    /// The check, or the target whose readiness it is.
    pub(crate) about: &'static str,
    pub(crate) before: String,
    pub(crate) after: String,
}

impl Verdicts {
    pub(crate) fn of(report: &Report) -> Self {
        let checks = report.checks.iter().map(|check| {
            let mut findings = BTreeMap::new();
            for found in &check.findings {
                let known: &mut Severities = findings.entry(found.subject.clone()).or_default();
                for (target, severity) in found.severity.iter() {
                    *known = known.with(target, known.get(target).max(Some(severity)));
                }
            }
            let lacks = !check.missing.is_empty();
            (check.id, Check { status: check.status, findings, lacks })
        });
        let targets = report.targets.iter().map(|target| {
            let worse = target.blockers.iter().chain(&target.degraded_by).copied().collect();
            (target.target, target.readiness, worse)
        });
        Self { checks: checks.collect(), targets: targets.collect() }
    }

    /// What `after` says that `self`, which was told everything, does not.
    pub(crate) fn lies(&self, after: &Self) -> Vec<Lie> {
        let mut lies = Vec::new();
        for (id, then) in &after.checks {
            let before = &self.checks[id];
            if !before.may_become(then) {
                lies.push(Lie { about: id, before: before.to_string(), after: then.to_string() });
            }
        }
        for ((target, before, worse), (_, then, _)) in self.targets.iter().zip(&after.targets) {
            // A target is as ready as its checks say; one that is open does not hold it up where it could
            // not have been an error.
            let explained =
                |id: &&'static str| after.checks[*id].status.is_open() || after.checks[*id].lacks;
            if then > before && !worse.iter().any(explained) {
                let (before, after) = (before.name().to_owned(), then.name().to_owned());
                lies.push(Lie { about: target.name(), before, after });
            }
        }
        lies
    }
}

impl Check {
    fn may_become(&self, then: &Self) -> bool {
        match then.status {
            Status::Unknown => true,
            Status::Crashed => false,
            Status::Pass | Status::NotApplicable => then.status == self.status,
            // What is left out, or told less badly, is owed a reason.
            Status::Finding => {
                let least = |(subject, severities): (&String, &Severities)| {
                    self.findings.get(subject).is_some_and(|before| severities.within(before))
                };
                self.status == Status::Finding
                    && then.findings.iter().all(least)
                    && (then.findings == self.findings || then.lacks)
            }
        }
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.status.name())?;
        for (subject, severities) in &self.findings {
            write!(f, " [{subject} {}]", columns(*severities))?;
        }
        Ok(())
    }
}

fn columns(severities: Severities) -> String {
    let letter = |target| match severities.get(target) {
        Some(Severity::Error) => 'E',
        Some(Severity::Warning) => 'W',
        Some(Severity::Info) => 'I',
        None => '-',
    };
    Target::ALL.map(letter).iter().collect()
}
