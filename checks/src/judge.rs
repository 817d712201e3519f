//! Runs one check for every plan that it concerns, and folds what it says.

use alloc::{format, string::String, vec, vec::Vec};

use crate::{
    Check, Layer,
    facts::{Facts, Missing, Why},
    outcome::{Finding, Outcome, Proof, Unknown, Verdict},
    plan::{Place, Plan, Plans, Provider, User},
    remedy::Remedy,
    target::{Severities, Target},
};

/// What a check says of one plan, its findings aside.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// The problem is here, and hurts this target.
    Finding,
    /// No contrary evidence was found.
    Pass,
    /// The question does not arise, for this reason.
    NotApplicable(String),
    /// A fact without which no verdict is possible is missing; with what would help, if the check knows.
    Unknown(Option<Remedy>),
    /// The check itself failed, like this.
    Crashed(String),
}

/// What a check says of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct OfTarget {
    /// The target.
    pub target: Target,
    /// What it says.
    pub said: Said,
    /// On what that rests.
    pub proof: Proof,
    /// The facts that are missing: those without which it is unknown, or that might have shown more.
    pub missing: Vec<Missing>,
}

/// What a check says of all targets that it concerns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judgement {
    /// For each target, in report order.
    pub targets: Vec<OfTarget>,
    /// What was found: a finding of several targets once, with its severity for each.
    pub findings: Vec<Finding>,
}

impl Check {
    /// The plans that it concerns.
    pub fn concerned<'a>(&'a self, plans: &'a Plans) -> impl Iterator<Item = &'a Plan> {
        plans.iter().filter(|plan| self.hurts(plan).is_some())
    }

    /// What it says of one plan. Of a daemon elsewhere only clients are judged here; of podman nothing where it is not
    /// known as whom it runs.
    pub fn says(&self, facts: &Facts, plan: &Plan) -> Verdict {
        if plan.target == Target::Podman && plan.user == User::Unknown {
            // Whether it is root's or a user's; what an older recording does not have stops nobody.
            let lacks = [facts.identity.euid.lack(), facts.capabilities.effective.lack()];
            let recorded = lacks.into_iter().flatten().filter(|m| m.why != Why::NotRecorded);
            let missing: Vec<Missing> = recorded.collect();
            if !missing.is_empty() {
                return Err(Unknown { missing, remedy: None });
            }
        }
        let other = plan.provider.filter(|provider| *provider != Provider::Docker);
        match (&plan.place, self.layer, other) {
            (Place::Elsewhere(elsewhere), Layer::Engine | Layer::Docker, _) => {
                Ok(Outcome::not_applicable(format!(
                    "the daemon at {} is elsewhere: judged there",
                    elsewhere.url
                )))
            }
            (Place::Unknown { missing }, _, _) => {
                Err(Unknown { missing: missing.clone(), remedy: None })
            }
            (_, Layer::Client, Some(provider)) => Ok(Outcome::not_applicable(format!(
                "kind's provider is {}: it does not use Docker's endpoint",
                provider.name()
            ))),
            _ => (self.run)(facts, plan),
        }
    }

    /// What it says of every plan that it concerns.
    pub fn judge(&self, facts: &Facts, plans: &Plans) -> Judgement {
        let mut judgement = Judgement::default();
        for plan in self.concerned(plans) {
            judgement.add(plan, self.says(facts, plan));
        }
        judgement
    }
}

impl Judgement {
    /// Adds what the check failed with for one target.
    pub fn crash(&mut self, target: Target, message: String) {
        let said = Said::Crashed(message);
        self.targets.push(OfTarget { target, said, proof: Proof::Static, missing: Vec::new() });
    }

    /// Adds what the check says of one plan.
    pub fn add(&mut self, plan: &Plan, verdict: Verdict) {
        let target = plan.target;
        let (said, proof, missing) = match verdict {
            Ok(Outcome::Pass(proof)) => (Said::Pass, proof, Vec::new()),
            Ok(Outcome::NotApplicable(reason)) => {
                (Said::NotApplicable(reason), Proof::Static, Vec::new())
            }
            Err(unknown) => (Said::Unknown(unknown.remedy), Proof::Static, unknown.missing),
            Ok(Outcome::Found(findings)) => {
                let missing = union(findings.iter().flat_map(|finding| &finding.missing));
                let hurt = findings.into_iter().filter(|f| plan.severity(&f.severity).is_some());
                let hurt: Vec<Finding> = hurt.collect();
                match hurt.iter().map(Finding::proof).min() {
                    Some(proof) => {
                        for finding in hurt {
                            self.fold(plan, finding);
                        }
                        (Said::Finding, proof, missing)
                    }
                    None if missing.is_empty() => (Said::Pass, Proof::Static, missing),
                    None => (Said::Unknown(None), Proof::Static, missing),
                }
            }
        };
        self.targets.push(OfTarget { target, said, proof, missing });
    }

    /// A finding that differs from an earlier one in the target only is that one.
    fn fold(&mut self, plan: &Plan, mut finding: Finding) {
        let target = plan.target;
        let severity = Severities::NONE.with(target, plan.severity(&finding.severity));
        finding.severity = severity;
        let same = |known: &&mut Finding| {
            known.subject == finding.subject
                && known.summary == finding.summary
                && known.severity.get(target).is_none()
                && known.remedies == finding.remedies
        };
        match self.findings.iter_mut().find(same) {
            Some(known) => known.severity = known.severity.with(target, severity.get(target)),
            None => self.findings.push(finding),
        }
    }

    /// All plans together: the first of finding, unknown, pass, not applicable.
    pub fn verdict(self) -> Verdict {
        if !self.findings.is_empty() {
            return Ok(Outcome::Found(self.findings));
        }
        let mut unknown: Option<Unknown> = None;
        let mut rest = Outcome::not_applicable("nothing that it concerns");
        for of in self.targets {
            match of.said {
                Said::Unknown(remedy) => {
                    let all = unknown.get_or_insert(Unknown { missing: vec![], remedy: None });
                    all.remedy = all.remedy.take().or(remedy);
                    all.missing = union(all.missing.iter().chain(&of.missing));
                }
                Said::Pass => {
                    let proof = if let Outcome::Pass(known) = rest {
                        known.min(of.proof)
                    } else {
                        of.proof
                    };
                    rest = Outcome::Pass(proof);
                }
                Said::NotApplicable(reason) if !matches!(rest, Outcome::Pass(_)) => {
                    rest = Outcome::NotApplicable(reason);
                }
                Said::NotApplicable(_) | Said::Finding | Said::Crashed(_) => {}
            }
        }
        unknown.map_or(Ok(rest), Err)
    }
}

/// Each once, in the order in which they come.
pub fn union<'a>(missing: impl Iterator<Item = &'a Missing>) -> Vec<Missing> {
    let mut all: Vec<Missing> = Vec::new();
    for one in missing {
        if !all.contains(one) {
            all.push(one.clone());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{facts::Fact::Known, target::Severity, testing::healthy_container};

    /// Says something else of each target.
    fn run(_: &Facts, plan: &Plan) -> Verdict {
        let found = |summary: &str| {
            Finding::new("it", severities!(dockerd: Error, kind: Warning, buildkit: Info), summary)
        };
        match plan.target {
            Target::Rootless => Err(Unknown::new("/proc/x", Why::NotPermitted)),
            Target::Buildkit => Ok(found("buildkitd has no room").into()),
            _ => Ok(found("there is no room").into()),
        }
    }

    const fn check(layer: Layer) -> Check {
        Check {
            id: "no-room",
            title: "There is no room",
            worst: severities!(dockerd: Error, kind: Error, rootless: Error, systemd: Error, buildkit: Info),
            layer,
            trials: &[],
            logs: &[],
            doc: "",
            run,
        }
    }

    fn said(judgement: &Judgement, target: Target) -> &Said {
        &judgement.targets.iter().find(|of| of.target == target).unwrap().said
    }

    #[test]
    fn a_finding_of_several_targets_is_there_once_and_another_text_is_another_finding() {
        let facts = healthy_container();
        let judgement = check(Layer::Engine).judge(&facts, &Plans::of(&facts));
        let each: Vec<_> =
            judgement.findings.iter().map(|f| (f.summary.as_str(), f.severity)).collect();
        let first = severities!(dockerd: Error, kind: Warning, docker: Error, podman: Error);
        let second = severities!(buildkit: Info);
        assert_eq!(each, [("there is no room", first), ("buildkitd has no room", second)]);
        assert!(matches!(said(&judgement, Target::Rootless), Said::Unknown(_)));
        assert_eq!(*said(&judgement, Target::Systemd), Said::Pass, "it is not hurt");
        assert!(judgement.verdict().is_ok_and(|all| matches!(all, Outcome::Found(_))));
    }

    #[test]
    fn of_a_daemon_elsewhere_only_clients_are_judged() {
        let mut facts = healthy_container();
        facts.runtime.variables = Known(vec![("DOCKER_HOST".into(), "tcp://docker:2376".into())]);
        let plans = Plans::of(&facts);
        let engine = check(Layer::Engine).judge(&facts, &plans);
        for target in [Target::Docker, Target::Kind] {
            assert!(
                matches!(said(&engine, target), Said::NotApplicable(why) if why.contains("docker:2376"))
            );
        }
        assert_eq!(*said(&engine, Target::Dockerd), Said::Finding);
        assert_eq!(engine.findings[0].severity.get(Target::Kind), None);
        let client = check(Layer::Client).judge(&facts, &plans);
        assert_eq!(client.findings[0].severity.get(Target::Kind), Some(Severity::Warning));
    }

    #[test]
    fn kind_through_podman_does_not_care_for_dockers_endpoint() {
        let mut facts = healthy_container();
        facts.runtime.variables =
            Known(vec![("KIND_EXPERIMENTAL_PROVIDER".into(), "podman".into())]);
        let plans = Plans::of(&facts);
        let client = check(Layer::Client).judge(&facts, &plans);
        assert!(
            matches!(said(&client, Target::Kind), Said::NotApplicable(why) if why.contains("podman"))
        );
        assert_eq!(*said(&client, Target::Docker), Said::Finding);
        let engine = check(Layer::Engine).judge(&facts, &plans);
        assert_eq!(*said(&engine, Target::Kind), Said::Finding);
    }

    #[test]
    fn where_it_is_not_known_as_whom_podman_runs_nothing_is_said_of_it() {
        let mut facts = healthy_container();
        facts.identity.euid = crate::facts::Fact::missing("/proc/self/status", Why::NotPermitted);
        let judgement = check(Layer::Engine).judge(&facts, &Plans::of(&facts));
        assert!(matches!(said(&judgement, Target::Podman), Said::Unknown(_)));
        assert_eq!(*said(&judgement, Target::Dockerd), Said::Finding);
    }

    #[test]
    fn where_the_daemon_is_not_known_nothing_is_said_of_it() {
        let mut facts = healthy_container();
        facts.runtime.variables = crate::facts::Fact::missing("environ", Why::NotPermitted);
        let judgement = check(Layer::Engine).judge(&facts, &Plans::of(&facts));
        assert!(matches!(said(&judgement, Target::Docker), Said::Unknown(_)));
        assert_eq!(*said(&judgement, Target::Dockerd), Said::Finding);
    }
}
