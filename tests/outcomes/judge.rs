//! Holds what was said against what happened.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::outcome::{Outcome, Prediction, Run, Said};

/// `referees.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Referees {
    /// Per target, what has to work for it.
    pub(crate) targets: BTreeMap<String, Vec<String>>,
    /// Per target, checks whose errors nothing that is tried here can confirm.
    beyond: BTreeMap<String, Vec<String>>,
    pub(crate) observations: BTreeMap<String, Referee>,
    /// Checks that nothing here can decide, and why.
    pub(crate) unrefereed: BTreeMap<String, String>,
}

/// What an observation decides.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Referee {
    /// The observation, if it is not called as the table is.
    of: Option<String>,
    /// What is tried, as a sentence that holds where it works.
    pub(crate) what: String,
    /// For which target a finding has to be severe; `any` of them.
    target: String,
    /// From which severity on a finding says that it will fail.
    severity: Severity,
    /// Only findings whose summary contains this speak of it.
    #[serde(default)]
    about: String,
    /// And not those whose summary contains this.
    #[serde(default)]
    not_about: Option<String>,
    /// Checks whose findings explain a failure, and say nothing of what works.
    #[serde(default)]
    explained_by: Vec<String>,
    /// Whether nothing that is only read can tell: then a pass without a trial has not said anything.
    #[serde(default)]
    only_active: bool,
    /// What was seen where it worked after all, but not as it should.
    #[serde(default)]
    fails_with: Vec<String>,
    /// Whether it may fail for reasons that are none of these checks' business; then a failure that none of them announced is
    /// held against nobody here, but against the readiness of the target.
    #[serde(default)]
    other_causes: bool,
    /// The checks that speak of it.
    pub(crate) checks: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Info,
    Warning,
    Error,
}

/// One thing that was said, and whether it was so.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    pub(crate) environment: String,
    pub(crate) run: Run,
    /// The id of a check, or a target whose readiness was said.
    pub(crate) subject: String,
    /// The observation; for targets, the one that decided.
    pub(crate) observation: String,
    pub(crate) verdict: Verdict,
    pub(crate) said: String,
    pub(crate) saw: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// It was said to fail, and failed.
    TrueFinding,
    /// Nothing was said, and it worked.
    TruePass,
    /// It was said to fail, and worked.
    FalseAlarm,
    /// It failed, and nobody had said so.
    Miss,
    /// The doctor did not know.
    Undecided,
}

impl Referees {
    pub(crate) fn read() -> Self {
        toml::from_str(include_str!("referees.toml")).expect("referees.toml")
    }

    /// Everything that can be held against what happened in an environment.
    pub(crate) fn judge(&self, outcome: &Outcome) -> Vec<Comparison> {
        let runs = outcome.predicted.iter();
        runs.flat_map(|(run, prediction)| self.judge_run(outcome, *run, prediction)).collect()
    }

    pub(crate) fn judge_run(
        &self,
        outcome: &Outcome,
        run: Run,
        prediction: &Prediction,
    ) -> Vec<Comparison> {
        let mut comparisons = self.targets(outcome, run, prediction);
        for (name, referee) in &self.observations {
            comparisons.extend(referee.judge(name, outcome, run, prediction));
        }
        comparisons
    }

    fn targets(&self, outcome: &Outcome, run: Run, prediction: &Prediction) -> Vec<Comparison> {
        let decided = self.targets.iter().filter_map(|(target, needs)| {
            let said = prediction.readiness.get(target)?;
            let (decisive, worked) = happened(outcome, needs)?;
            let verdict = match (said.as_str(), worked) {
                ("unknown", _) => Verdict::Undecided,
                ("blocked", false) => Verdict::TrueFinding,
                ("blocked", true) if self.is_beyond(target, prediction) => Verdict::Undecided,
                ("blocked", true) => Verdict::FalseAlarm,
                (_, true) => Verdict::TruePass,
                (_, false) => Verdict::Miss,
            };
            Some(Comparison {
                environment: outcome.name.clone(),
                run,
                subject: target.clone(),
                observation: decisive.to_owned(),
                verdict,
                said: said.clone(),
                saw: outcome.observed[decisive].saw.clone(),
            })
        });
        decided.collect()
    }

    /// Whether what blocks this target is only what cannot be tried here.
    fn is_beyond(&self, target: &str, prediction: &Prediction) -> bool {
        let blocks = |said: &Said| {
            said.findings.iter().any(|one| one.severity.get(target).is_some_and(|s| s == "error"))
        };
        let beyond = self.beyond.get(target);
        let mut blockers = prediction.checks.iter().filter(|(_, said)| blocks(said));
        blockers.all(|(id, _)| beyond.is_some_and(|beyond| beyond.contains(id)))
    }
}

/// Whether all of `needs` worked, and the one that decided; `None` if that was not seen.
pub(crate) fn happened<'a>(outcome: &Outcome, needs: &'a [String]) -> Option<(&'a str, bool)> {
    let seen = |name: &String| outcome.observed.get(name).map(|seen| seen.worked);
    if let Some(failed) = needs.iter().find(|name| seen(name) == Some(false)) {
        return Some((failed, false));
    }
    let all = needs.iter().all(|name| seen(name) == Some(true));
    all.then(|| needs.last().map(|last| (last.as_str(), true))).flatten()
}

impl Referee {
    fn judge(
        &self,
        name: &str,
        outcome: &Outcome,
        run: Run,
        prediction: &Prediction,
    ) -> Vec<Comparison> {
        let observed = outcome.observed.get(self.of.as_deref().unwrap_or(name));
        let Some(observed) = observed else { return Vec::new() };
        let compared = |subject: &str, verdict, said: String| Comparison {
            environment: outcome.name.clone(),
            run,
            subject: subject.to_owned(),
            observation: name.to_owned(),
            verdict,
            said,
            saw: observed.saw.clone(),
        };
        let spoke = |id: &&String| self.says_it_fails(&prediction.checks[*id]);
        let warned: Vec<_> = self.checks.iter().filter(spoke).collect();
        let silent = self.only_active && run == Run::Passive;
        let unknown = |id: &str| silent || prediction.checks[id].status == "unknown";
        if observed.worked && !self.fails_with.contains(&observed.saw) {
            let verdict = |id: &String| {
                if warned.contains(&id) {
                    Verdict::FalseAlarm
                } else if unknown(id) {
                    Verdict::Undecided
                } else {
                    Verdict::TruePass
                }
            };
            let of = |id: &String| compared(id, verdict(id), prediction.checks[id].to_string());
            // Whose question does not arise has said nothing.
            let spoken = |id: &&String| prediction.checks[*id].status != "not-applicable";
            return self.checks.iter().filter(spoken).map(of).collect();
        }
        let others = self.explained_by.iter().filter(spoke);
        let warned: Vec<_> = warned.into_iter().chain(others).collect();
        if !warned.is_empty() {
            let of = |id: &&String| {
                compared(id, Verdict::TrueFinding, prediction.checks[*id].to_string())
            };
            return warned.iter().map(of).collect();
        }
        if self.other_causes {
            return Vec::new();
        }
        // A cause was not seen, or it could not be: then the doctor says that it does not know.
        let unknown = self.checks.iter().find(|id| unknown(id));
        let (subject, verdict) = match unknown {
            Some(id) => (id, Verdict::Undecided),
            None => (&self.checks[0], Verdict::Miss),
        };
        vec![compared(subject, verdict, prediction.checks[subject].to_string())]
    }

    fn says_it_fails(&self, said: &Said) -> bool {
        let severe = |severity: &str| match severity {
            "error" => Severity::Error >= self.severity,
            "warning" => Severity::Warning >= self.severity,
            _ => Severity::Info >= self.severity,
        };
        let for_target = |target: &str| self.target == "any" || target == self.target;
        let excluded =
            |says: &str| self.not_about.as_deref().is_some_and(|other| says.contains(other));
        let mut findings = said
            .findings
            .iter()
            .filter(|one| one.says.contains(&self.about) && !excluded(&one.says));
        findings.any(|one| {
            one.severity.iter().any(|(target, severity)| for_target(target) && severe(severity))
        })
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.findings.first() {
            Some(first) => f.write_str(&first.says),
            None => f.write_str(&self.status),
        }
    }
}
