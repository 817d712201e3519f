use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::{
        Action, Ending, Facts, Learned, Missing, Rehearsed, Step, Text, Trial, TrialName, Why,
    },
    outcome::{Finding, Outcome, Proof, Source, Unknown, Verdict},
    plan::{Place, Plan},
    remedy::{self, Remedy},
};

check! {
    /// ## What it looks at
    /// What happened when the engine itself was started in a throw-away place and was to run a container:
    /// `doctor rehearse`.
    ///
    /// ## Why it matters
    /// No list of causes is complete. A wrapper in place of runc, a helper that is missing, a filter, a rule of the
    /// kernel that is new: whatever it is, the engine meets it, and says so in its own words, which are the evidence
    /// here. Where a check knows these words, it is named.
    ///
    /// ## When it is fine
    /// The rehearsal has a directory beside the data root, a network namespace and cgroups of its own. What is only
    /// wrong there (a port that is taken, a full quota of a test machine) does not stop the engine itself; what was
    /// replaced is listed with the rehearsal.
    ///
    /// ## How to fix
    /// Read the last lines from the end: the last error is most often the cause. `doctor explain --log FILE` finds
    /// what the checks know in a longer log.
    ///
    /// ## References
    /// `doctor list --active` says what a rehearsal does.
    "engine-fails-here",
    "The engine fails here when it is really started",
    { dockerd: Error, kind: Error, docker: Error, podman: Error, sandbox: Error },
    [],
    trials: [Rehearse]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let engine = plan.engine();
    let runs = matches!(plan.place, Place::Here { running: Some(_) });
    if runs || facts.engines.here(engine).next().is_some() {
        return Ok(Outcome::not_applicable(format!("{engine} runs here already")));
    }
    let Some(trial) = facts.trials.of(TrialName::Rehearse, engine) else {
        return Ok(Outcome::not_applicable("it was not rehearsed: doctor rehearse"));
    };
    let rehearsed = match &trial.learned {
        Some(Learned::Rehearsal(rehearsed)) => Some(&**rehearsed),
        _ => None,
    };
    if let Some(step) = trial.engine_failed() {
        return Ok(found(engine, trial, step, rehearsed).into());
    }
    let not = |why: String, kind: Why| -> Unknown {
        let unknown: Unknown = Missing::new(format!("rehearsal of {engine} ({why})"), kind).into();
        unknown.with_remedy(Remedy::advice(
            remedy::Place::Here,
            "run the doctor that is one static file where the engine is installed, in nobody else's hands; or leave the \
             rehearsal out, and trust what was read",
        ))
    };
    match (&trial.ending, trial.failure()) {
        (Ending::Skipped(why), _) => Err(not(why.as_str().into(), Why::NotProbed)),
        (Ending::Complete, None) if facts.trials.rehearsed(engine).is_some() => {
            if let Some(finding) = lacking(engine, trial) {
                return Ok(finding.into());
            }
            // A node of kind is more than a container of its engine.
            let proof = if plan.provider.is_some() { Proof::Trial } else { Proof::Rehearsal };
            Ok(Outcome::Pass(proof))
        }
        (Ending::TimedOut, None) => Err(not("it was ended at its deadline".into(), Why::TimedOut)),
        (_, Some(step)) => Err(not(format!("{}: {step}", step.action.words()), Why::NotProbed)),
        (Ending::Died | Ending::Complete, None) => Err(not("it died".into(), Why::NotProbed)),
    }
}

/// What containers lack that run.
fn lacking(engine: &str, trial: &Trial) -> Option<Finding> {
    let counts = |step: &&Step| {
        step.refused.is_some() && matches!(step.action, Action::HoldLimit | Action::StopContainer)
    };
    let all: Vec<&Step> = trial.steps.iter().filter(counts).collect();
    let told: Vec<String> = all.iter().map(|step| format!("{}: {step}", described(step))).collect();
    let summary = format!("{engine} runs a container here, but does not {}", told.join(", nor "));
    let severity = severities!(
        dockerd: Warning, kind: Warning, docker: Warning, podman: Warning, sandbox: Warning
    );
    let finding = all.iter().fold(Finding::new(engine, severity, summary), |finding, step| {
        finding.evidence(Source::rehearsal(&trial.did(step)), format!("{step}"))
    });
    (!all.is_empty()).then_some(finding)
}

/// `hold the container to its limit (memory)`
fn described(step: &Step) -> String {
    let words = step.action.words();
    if step.object.is_empty() { words.into() } else { format!("{words} ({})", step.object) }
}

fn found(engine: &str, trial: &Trial, step: &Step, rehearsed: Option<&Rehearsed>) -> Finding {
    let summary = format!("{engine} was started here and failed: {}: {step}", step.action.words());
    let mut finding = Finding::new(engine, CHECK.worst, summary)
        .evidence(Source::rehearsal(&trial.did(step)), format!("{step}"));
    let Some(rehearsed) = rehearsed else { return finding };
    for line in &rehearsed.log {
        finding = finding.evidence(Source::rehearsal(&format!("{engine} wrote")), line.as_str());
    }
    let known: Vec<&str> = rehearsed.known_as.iter().map(Text::as_str).collect();
    if known.is_empty() {
        return finding.remedy(Remedy::advice(
            remedy::Place::Here,
            "read its last lines from the end (-v shows all of them): no check knows them",
        ));
    }
    let commands = known.iter().map(|id| format!("doctor explain {id}"));
    finding.remedy(Remedy::commands(
        remedy::Place::Here,
        format!("read about what these lines are known for: {}", known.join(", ")),
        commands,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::SeenInside,
        plan::Plans,
        target::{Severity, Target},
        testing::{healthy_container, tried},
    };

    fn said(facts: &Facts, target: Target) -> Verdict {
        CHECK.says(facts, Plans::of(facts).get(target).unwrap())
    }

    fn rehearsal(steps: &[(Action, &str, Option<&str>)], rehearsed: Rehearsed) -> Facts {
        let mut facts = healthy_container();
        tried(&mut facts, TrialName::Rehearse, "dockerd", steps);
        facts.trials.runs[0].learned = Some(Learned::Rehearsal(rehearsed.into()));
        facts
    }

    #[test]
    fn an_engine_that_fails_is_found_with_its_own_words_and_who_knows_them() {
        let log = (0..16).map(|n| Text::from(format!("line {n}"))).collect();
        let known_as = ["storage-fs-unsupported".into()].into();
        let rehearsed = Rehearsed { log, known_as, ..Rehearsed::default() };
        let step = (Action::StartEngine, "", Some("exit status 1"));
        let facts = rehearsal(&[step], rehearsed);
        for target in [Target::Dockerd, Target::Kind, Target::Docker] {
            let Ok(Outcome::Found(found)) = said(&facts, target) else { panic!("{target}") };
            assert!(found[0].summary.ends_with("failed: start the engine: exit status 1"));
            assert_eq!(found[0].proof(), Proof::Rehearsal);
            assert_eq!(found[0].evidence.len(), 17);
            assert_eq!(found[0].evidence[16].value, "line 15");
            assert!(format!("{:?}", found[0].remedies).contains("explain storage-fs-unsupported"));
        }
        assert!(matches!(said(&facts, Target::Podman), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_container_that_ran_proves_its_engine_but_not_a_node_of_kind() {
        let rehearsed = Rehearsed { inside: Some(SeenInside::default()), ..Rehearsed::default() };
        let mut facts = rehearsal(&[(Action::RunContainer, "", None)], rehearsed);
        assert_eq!(said(&facts, Target::Dockerd), Ok(Outcome::Pass(Proof::Rehearsal)));
        assert_eq!(said(&facts, Target::Kind), Ok(Outcome::Pass(Proof::Trial)));
        facts.trials.runs[0].ending = Ending::TimedOut;
        assert!(said(&facts, Target::Dockerd).is_err());
    }

    #[test]
    fn a_container_whose_limits_do_not_hold_is_a_warning() {
        let rehearsed = Rehearsed { inside: Some(SeenInside::default()), ..Rehearsed::default() };
        let mut facts = rehearsal(
            &[
                (Action::RunContainer, "", None),
                (Action::HoldLimit, "memory", Some("it gets more")),
                (Action::StopContainer, "", Some("it had to be killed")),
            ],
            rehearsed,
        );
        for step in &mut facts.trials.runs[0].steps {
            step.needed = false;
        }
        let Ok(Outcome::Found(found)) = said(&facts, Target::Dockerd) else { panic!() };
        assert_eq!(
            found[0].summary,
            "dockerd runs a container here, but does not hold the container to its limit (memory): it gets more, nor \
             end the container by SIGTERM: it had to be killed"
        );
        assert_eq!(found[0].severity.get(Target::Dockerd), Some(Severity::Warning));
        assert_eq!(found[0].proof(), Proof::Rehearsal);
    }

    #[test]
    fn what_was_not_rehearsed_though_it_was_asked_for_is_unknown() {
        let mut facts =
            rehearsal(&[(Action::PrepareRoom, "", Some("EPERM"))], Rehearsed::default());
        assert!(said(&facts, Target::Dockerd).is_err(), "it is not the engine that failed");
        facts.trials.runs[0].steps.clear();
        facts.trials.runs[0].ending = Ending::Skipped("there is no dockerd on the PATH".into());
        let unknown = said(&facts, Target::Dockerd).unwrap_err();
        assert!(unknown.missing[0].source.contains("no dockerd on the PATH"));
        assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
    }
}
