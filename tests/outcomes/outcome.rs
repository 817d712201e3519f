//! What was recorded of one environment: what it is, what the doctor said, what happened.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use dind_doctor::{
    bundle::{self, Replay},
    probe,
    report::{self, Options, Origin, Report},
};
use dind_doctor_checks::target::Target;
use serde::Deserialize;

/// One environment of the lab.
pub(crate) struct Outcome {
    directory: PathBuf,
    pub(crate) name: String,
    pub(crate) recorded: Recorded,
    pub(crate) predicted: BTreeMap<Run, Prediction>,
    pub(crate) observed: BTreeMap<String, Observation>,
}

/// The two ways in which the doctor was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Run {
    Passive,
    Active,
}

/// `outcome.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    recorded: Recorded,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recorded {
    /// The day, UTC.
    pub(crate) date: String,
    pub(crate) machine: String,
    pub(crate) what: String,
    /// Shell conditions that held.
    #[serde(rename = "verified")]
    _verified: Vec<String>,
    /// The options by which the doctor was told versions that it cannot see.
    #[serde(default)]
    assume: String,
    /// Versions of the kernel and the engines.
    pub(crate) versions: BTreeMap<String, String>,
}

/// What the doctor said in one run.
#[derive(Debug, Deserialize)]
pub(crate) struct Prediction {
    pub(crate) readiness: BTreeMap<String, String>,
    pub(crate) checks: BTreeMap<String, Said>,
}

/// What a check said.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Said {
    pub(crate) status: String,
    #[serde(rename = "proof")]
    _proof: Option<String>,
    pub(crate) findings: Vec<Finding>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Finding {
    /// Its summary.
    pub(crate) says: String,
    /// Its severity per target.
    pub(crate) severity: BTreeMap<String, String>,
}

/// What was seen when the thing was tried.
#[derive(Debug)]
pub(crate) struct Observation {
    pub(crate) worked: bool,
    pub(crate) saw: String,
}

impl Outcome {
    pub(crate) fn read(directory: &Path) -> Self {
        let text = |name| fs::read_to_string(directory.join(name)).expect(name);
        let file: File = toml::from_str(&text("outcome.toml")).expect("outcome.toml");
        Self {
            directory: directory.to_owned(),
            name: directory.file_name().expect("a name").to_string_lossy().into_owned(),
            recorded: file.recorded,
            predicted: serde_json::from_str(&text("predicted.json")).expect("predicted.json"),
            observed: text("observed.tsv").lines().map(observation).collect(),
        }
    }

    /// What the doctor of today says of the bundle that was recorded before anything was tried.
    pub(crate) fn predicted_today(&self) -> Prediction {
        let recording = bundle::read(&self.directory.join("bundle")).expect("a bundle");
        let facts = probe::collect(&Replay::new(recording));
        let told = self.recorded.assume.split_whitespace().filter_map(|word| word.split_once('='));
        let parse = |(name, version): (&str, &str)| {
            (name.parse().expect("a component"), version.parse().expect("a version"))
        };
        let options = Options { assume: told.map(parse).collect(), ..Options::default() };
        Prediction::of(&report::diagnose(facts, Origin::Bundle, &options))
    }
}

impl Prediction {
    fn of(report: &Report) -> Self {
        let readiness = report.targets.iter();
        let checks = report.checks.iter().map(|check| {
            let findings = check.findings.iter().map(|finding| {
                let severity = |target: Target| {
                    Some((
                        target.name().to_owned(),
                        finding.severity.get(target)?.name().to_owned(),
                    ))
                };
                Finding {
                    says: finding.summary.clone(),
                    severity: Target::ALL.into_iter().filter_map(severity).collect(),
                }
            });
            let status = check.status.name().to_owned();
            (check.id.to_owned(), Said { status, _proof: None, findings: findings.collect() })
        });
        Self {
            readiness: readiness
                .map(|t| (t.target.name().to_owned(), t.readiness.name().to_owned()))
                .collect(),
            checks: checks.collect(),
        }
    }
}

/// `name`, `worked` or `failed`, what was seen, with tabs between.
fn observation(line: &str) -> (String, Observation) {
    let mut fields = line.splitn(3, '\t');
    let mut next = || fields.next().expect("three fields").to_owned();
    let (name, how, saw) = (next(), next(), next());
    assert!(matches!(how.as_str(), "worked" | "failed"), "{line}");
    (name, Observation { worked: how == "worked", saw })
}
