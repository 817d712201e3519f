//! What was found before, so that only what is new makes a run fail.
//!
//! Readiness stays what it is: a target that is blocked by something known is blocked. Only the exit code
//! looks at the baseline, target by target: a finding that is worse for one than it was is new.

mod fingerprint;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use dind_doctor_checks::{
    outcome::Finding,
    target::{Severities, Severity, Target},
};

pub(super) use self::fingerprint::fingerprint;
use super::{CheckReport, Options, Status};

/// What was found before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Baseline {
    entries: BTreeMap<Key, Known>,
}

/// The id of a check and the fingerprint of a subject.
type Key = (String, String);

/// A finding that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// How bad it was, for the targets that were asked for.
    pub severity: Severities,
    /// What was found, for people.
    pub summary: String,
}

impl Baseline {
    /// Adds a finding of the check `id`; of several about the same subject the worst severities and the
    /// first summary remain.
    pub fn add(&mut self, id: &str, subject: &str, severity: Severities, summary: &str) {
        let key = (id.to_owned(), fingerprint(subject));
        let known = self.entries.entry(key).or_insert_with(|| Known {
            severity: Severities::NONE,
            summary: fingerprint::stable(summary),
        });
        known.severity = worst(known.severity, severity);
    }

    /// Id, subject and what is known, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &Known)> {
        self.entries.iter().map(|((id, subject), known)| (id.as_str(), subject.as_str(), known))
    }

    /// How many findings are known.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What of this is not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let entries = self.entries.iter().filter(|(key, _)| !other.entries.contains_key(*key));
        Self { entries: entries.map(|(key, known)| (key.clone(), known.clone())).collect() }
    }

    /// Fingerprints and severities of what is known of one check.
    fn of(&self, id: &str) -> BTreeMap<String, Severities> {
        let known = self.iter().filter(|(known, ..)| *known == id);
        known.map(|(_, subject, known)| (subject.to_owned(), known.severity)).collect()
    }
}

/// How the findings of a run stand to the baseline.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Findings, of warnings and errors for the targets that were asked for, that are known.
    pub known: usize,
    /// Such findings that are not.
    pub new: usize,
    /// What is in the baseline and no longer found.
    pub gone: Baseline,
    /// The baseline to write, if it was to be brought up to date; `gone` is not in it.
    pub adopted: Option<Baseline>,
    /// What of that was not in the one that was given.
    pub added: Baseline,
}

/// Tells each check what is known of it, and compares.
pub(super) fn compare(
    checks: &mut [CheckReport],
    left_out: &[&str],
    options: &Options,
) -> Option<Comparison> {
    if options.baseline.is_none() && !options.adopt {
        return None;
    }
    let none = Baseline::default();
    let given = options.baseline.as_ref().unwrap_or(&none);
    let (kept, gone) = sorted(given, checks, left_out);
    let adopted = options.adopt.then(|| adopt(&kept, checks, &options.targets));
    for check in &mut *checks {
        check.accepted = adopted.as_ref().unwrap_or(given).of(check.id);
    }
    let counted = || checks.iter().filter(|check| check.counts());
    let relevant = counted()
        .flat_map(|check| check.findings.iter().map(move |finding| (check, finding)))
        .filter(|(_, finding)| is_adoptable(finding, &options.targets));
    let (known, new): (Vec<_>, Vec<_>) =
        relevant.partition(|(check, finding)| check.is_known(finding, &options.targets));
    Some(Comparison {
        known: known.len(),
        new: new.len(),
        gone,
        added: adopted.as_ref().map(|adopted| adopted.without(given)).unwrap_or_default(),
        adopted,
    })
}

/// The parts of a baseline that are still to be expected, and that are no longer found. What was not
/// judged this time, or is ignored, is still to be expected.
fn sorted(given: &Baseline, checks: &[CheckReport], left_out: &[&str]) -> (Baseline, Baseline) {
    let (mut kept, mut gone) = (Baseline::default(), Baseline::default());
    for ((id, subject), known) in &given.entries {
        let occurs = match checks.iter().find(|check| check.id == id) {
            Some(check) if check.status.is_open() || !check.counts() => true,
            Some(check) => {
                let aside = check.set_aside.iter().map(|aside| &aside.finding);
                check.findings.iter().chain(aside).any(|f| fingerprint(&f.subject) == *subject)
            }
            // Without a check of this name it cannot be found again.
            None => left_out.contains(&id.as_str()),
        };
        let part = if occurs { &mut kept } else { &mut gone };
        part.entries.insert((id.clone(), subject.clone()), known.clone());
    }
    (kept, gone)
}

/// What is found now. Of what was given remains what says nothing about now: targets that were not
/// asked for, checks that could not be judged, and the summaries, so that a new version differs from the
/// old one only where findings do.
fn adopt(kept: &Baseline, checks: &[CheckReport], targets: &[Target]) -> Baseline {
    let mut now = Baseline::default();
    for check in checks.iter().filter(|check| check.counts()) {
        for finding in check.findings.iter().filter(|f| is_adoptable(f, targets)) {
            let severity = restricted(finding.severity, |target| targets.contains(&target));
            now.add(check.id, &finding.subject, severity, &finding.summary);
        }
    }
    for (key, known) in &kept.entries {
        let judged =
            checks.iter().any(|c| c.id == key.0 && c.status == Status::Finding && c.counts());
        let of_others = restricted(known.severity, |target| !judged || !targets.contains(&target));
        match now.entries.get_mut(key) {
            Some(found) => {
                found.severity = worst(found.severity, of_others);
                found.summary.clone_from(&known.summary);
            }
            None if of_others != Severities::NONE => {
                let known = Known { severity: of_others, summary: known.summary.clone() };
                now.entries.insert(key.clone(), known);
            }
            None => {}
        }
    }
    now
}

/// An info never makes a run fail: there is nothing to adopt.
fn is_adoptable(finding: &Finding, targets: &[Target]) -> bool {
    finding.severity.worst(targets) >= Some(Severity::Warning)
}

fn restricted(severity: Severities, to: impl Fn(Target) -> bool) -> Severities {
    let each = severity.iter().filter(|(target, _)| to(*target));
    each.fold(Severities::NONE, |all, (target, severity)| all.with(target, Some(severity)))
}

/// The worse of both, target by target.
pub(super) fn worst(one: Severities, other: Severities) -> Severities {
    other
        .iter()
        .fold(one, |all, (target, severity)| all.with(target, all.get(target).max(Some(severity))))
}
