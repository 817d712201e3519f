//! What `scenario.toml` says.

use std::{collections::BTreeMap, fs, path::Path};

use dind_doctor::report::{OfTarget, Report, Status};
use dind_doctor_checks::{
    facts::Why,
    target::{Severities, Target},
    version::{Component, Version},
};
use serde::{Deserialize, Serialize};

/// `scenario.toml`: what is expected of an environment, what it is, how it was recorded.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// Whether it was made up; then `recorded.how` says where its values come from.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) synthetic: bool,
    /// Versions that the run assumes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) assume: BTreeMap<String, String>,
    /// What is expected.
    #[serde(default)]
    pub(crate) expectation: Expectation,
    /// How, where and on which versions it was recorded; the last table, which the recorder replaces.
    pub(crate) recorded: Recorded,
}

/// How a bundle came to be.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recorded {
    /// The command that records it again; of a synthetic one, where its values come from.
    pub(crate) how: String,
    /// On what machine.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) machine: String,
    /// What the environment is, for people.
    pub(crate) what: String,
    /// Shell conditions that held in the environment when it was recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) verified: Vec<String>,
    /// Versions of the kernel and the engines.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) versions: BTreeMap<String, String>,
}

/// Everything that is not pass or not applicable, and what follows from it.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    /// How badly each finding hurts which target, sorted: `dockerd error, kind warning`. Of a target that the
    /// scenario does not list under `readiness` nothing is expected.
    #[serde(default)]
    pub(crate) findings: BTreeMap<String, Vec<String>>,
    /// Ids of the checks that are unknown, but for those of which the bundle only does not hold what they ask.
    #[serde(default)]
    pub(crate) unknown: Vec<String>,
    /// Readiness per target; a target that is not listed was not thought of when this was written.
    #[serde(default)]
    pub(crate) readiness: BTreeMap<String, String>,
}

impl Scenario {
    pub(crate) fn read(directory: &Path) -> Self {
        let path = directory.join("scenario.toml");
        let text = fs::read_to_string(&path).expect("scenario.toml");
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn assumptions(&self) -> Vec<(Component, Version)> {
        let parse = |(name, version): (&String, &String)| {
            (name.parse().expect("a component"), version.parse().expect("a version"))
        };
        self.assume.iter().map(parse).collect()
    }

    /// Writes what was found into the scenario.
    pub(crate) fn bless(mut self, directory: &Path, found: Expectation) {
        self.expectation = found;
        let text = toml::to_string(&self).expect("TOML");
        fs::write(directory.join("scenario.toml"), text).expect("scenario.toml");
    }

    pub(crate) fn check_origin(&self, name: &str) {
        let Recorded { how, what, machine, versions, .. } = &self.recorded;
        assert!(what.len() > 10, "{name}: what is it?");
        assert!(how.len() > 10, "{name}: how was it recorded, or where do its values come from?");
        let real = !machine.is_empty() && versions.contains_key("kernel");
        assert!(self.synthetic || real, "{name}: on which machine and kernel?");
    }
}

impl Expectation {
    /// What the report says of these targets, all if there are none.
    pub(crate) fn of(report: &Report, known: &[Target]) -> Self {
        let known = if known.is_empty() { &Target::ALL } else { known };
        let mut expectation = Self::default();
        for check in &report.checks {
            assert!(check.status != Status::Crashed, "{} crashed: {:?}", check.id, check.reason);
            let each = check.findings.iter().map(|finding| named(finding.severity, known));
            let mut each: Vec<_> = each.filter(|named| !named.is_empty()).collect();
            each.sort();
            let unknown = known.iter().filter_map(|target| check.of(*target)).any(is_unknown);
            if !each.is_empty() {
                expectation.findings.insert(check.id.to_owned(), each);
            } else if unknown {
                expectation.unknown.push(check.id.to_owned());
            }
        }
        let known = report.targets.iter().filter(|target| known.contains(&target.target));
        expectation.readiness =
            known.map(|t| (t.target.name().to_owned(), t.readiness.name().to_owned())).collect();
        expectation
    }

    /// The targets of which something is expected.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let named = |target: &Target| self.readiness.contains_key(target.name());
        Target::ALL.into_iter().filter(named).collect()
    }
}

/// Whether the check could not be judged, and not only because the recording is older than what it asks.
fn is_unknown(of: &OfTarget) -> bool {
    of.status == Status::Unknown
        && !of.missing.iter().all(|missing| missing.why == Why::NotRecorded)
}

fn named(severities: Severities, known: &[Target]) -> String {
    let known = severities.iter().filter(|(target, _)| known.contains(target));
    known.map(|(target, severity)| format!("{target} {severity}")).collect::<Vec<_>>().join(", ")
}
