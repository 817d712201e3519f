//! Baselines as files.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
};

use dind_doctor_checks::target::{Severities, Target};
use serde::{Deserialize, Serialize};

use super::{
    Trouble,
    input::{self, Input},
};
use crate::{
    file,
    render::{escape, json},
    report::{Baseline, Comparison},
};

const SCHEMA: &str = "dind-doctor/baseline/1";

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Arguments {
    /// What is known: only what is not in this file makes the exit code 1
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    baseline: Option<PathBuf>,
    /// Write all that is found to this file, as known; with --baseline what that could not judge stays
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    write_baseline: Option<PathBuf>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    schema: String,
    doctor: Doctor,
    /// The targets that its writer knew; the first writers did not say.
    #[serde(default = "first_targets")]
    targets: Vec<String>,
    findings: Vec<Finding>,
}

fn first_targets() -> Vec<String> {
    ["dockerd", "kind", "rootless", "systemd", "buildkit"].map(str::to_owned).to_vec()
}

#[derive(Serialize, Deserialize)]
struct Doctor {
    version: String,
}

/// Sorted by id and subject, so that two versions differ where findings do.
#[derive(Serialize, Deserialize)]
struct Finding {
    id: String,
    subject: String,
    severity: BTreeMap<String, String>,
    summary: String,
}

impl Arguments {
    /// Whether to write one.
    pub(super) const fn adopts(&self) -> bool {
        self.write_baseline.is_some()
    }

    /// What is known.
    pub(super) fn read(&self) -> Result<Option<Baseline>, Trouble> {
        let Some(path) = &self.baseline else { return Ok(None) };
        let source = input::source();
        let Some(input) = input::read_if_there(path, &source)? else {
            let name = input::name(path);
            let text = format!(
                "cannot read {name}: there is no such file; doctor --write-baseline={name} makes it"
            );
            return Err(Trouble::Usage(text));
        };
        parse(&input).map(Some)
    }

    /// Writes what the run has adopted, and says what is different now.
    pub(super) fn write(
        &self,
        comparison: Option<&Comparison>,
        err: &mut dyn Write,
    ) -> Result<(), Trouble> {
        let Some((path, comparison)) = self.write_baseline.as_ref().zip(comparison) else {
            return Ok(());
        };
        let Some(adopted) = &comparison.adopted else { return Ok(()) };
        let trouble = |error: io::Error| Trouble::File(path.clone(), error);
        let content = document(adopted).map_err(trouble)?;
        file::write(path, &content).map_err(trouble)?;
        let name = input::name(path);
        let (known, added, gone) = (adopted.len(), comparison.added.len(), comparison.gone.len());
        // The file is where it belongs; who cannot be told about it is not in trouble.
        let _ = match self.baseline {
            Some(_) => writeln!(
                err,
                "doctor: {name}: {known} known findings, {added} added, {gone} taken out"
            ),
            None => writeln!(
                err,
                "doctor: {name}: {known} known findings; doctor --baseline={name} fails on others only"
            ),
        };
        Ok(())
    }
}

/// The file that holds it.
pub(super) fn document(baseline: &Baseline) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    json::document(&wire(baseline), &mut content)?;
    Ok(content)
}

fn wire(baseline: &Baseline) -> Wire {
    let findings = baseline.iter().map(|(id, subject, known)| Finding {
        id: id.to_owned(),
        subject: subject.to_owned(),
        severity: known
            .severity
            .iter()
            .map(|(target, severity)| (target.name().to_owned(), severity.name().to_owned()))
            .collect(),
        summary: known.summary.clone(),
    });
    Wire {
        schema: SCHEMA.to_owned(),
        doctor: Doctor { version: env!("CARGO_PKG_VERSION").to_owned() },
        targets: Target::ALL.map(|target| target.name().to_owned()).to_vec(),
        findings: findings.collect(),
    }
}

/// What the file says.
pub(super) fn parse(input: &Input) -> Result<Baseline, Trouble> {
    let path = input::name(&input.path);
    let malformed = |what: &str| Trouble::Usage(format!("{path}: no baseline: {}", escape(what)));
    let wire: Wire =
        serde_json::from_slice(input.text.as_bytes()).map_err(|e| malformed(&e.to_string()))?;
    if wire.schema != SCHEMA {
        return Err(malformed(&format!("its schema is {}, not {SCHEMA}", wire.schema)));
    }
    let knew = |target: &Target| wire.targets.iter().any(|name| name == target.name());
    let later: Vec<Target> = Target::ALL.into_iter().filter(|target| !knew(target)).collect();
    let mut baseline = Baseline::default();
    for finding in wire.findings {
        let mut severities = Severities::NONE;
        for (target, severity) in &finding.severity {
            let pair = (target.parse().ok(), severity.parse().ok());
            let (Some(target), Some(severity)) = pair else {
                return Err(malformed(&format!("{}: {target}: {severity}", finding.id)));
            };
            severities = severities.with(target, Some(severity));
        }
        // What is known of others is known of a target that came later, too: a new doctor is no new finding.
        let worst = severities.worst(&Target::ALL);
        severities = later.iter().fold(severities, |all, target| all.with(*target, worst));
        baseline.add(&finding.id, &finding.subject, severities, &finding.summary);
    }
    Ok(baseline)
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::target::Severity;

    use super::*;

    fn known(targets: &str) -> Severities {
        let text = format!(
            "{{\"schema\": \"{SCHEMA}\", \"doctor\": {{\"version\": \"0.1.0\"}}, {targets} \"findings\": \
             [{{\"id\": \"swap-on\", \"subject\": \"x\", \"severity\": {{\"kind\": \"warning\"}}, \
             \"summary\": \"\"}}]}}"
        );
        let Ok(baseline) = parse(&Input { path: "known.json".into(), text }) else { panic!() };
        baseline.iter().next().unwrap().2.severity
    }

    #[test]
    fn a_target_that_its_writer_did_not_know_is_covered_up_to_the_worst() {
        let old = known("");
        assert_eq!(old.get(Target::Docker), Some(Severity::Warning));
        assert_eq!(old.get(Target::Dockerd), None, "it was known, and not hurt or not asked for");
        let new = known("\"targets\": [\"dockerd\", \"kind\", \"docker\"],");
        assert_eq!(
            (new.get(Target::Docker), new.get(Target::Systemd)),
            (None, Some(Severity::Warning))
        );
    }
}
