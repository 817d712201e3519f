//! One report, as its file has it.

use std::{collections::BTreeMap, fs, path::Path};

use dind_doctor_checks::{registry::Area, target::Severity, version::Version};
use serde::Deserialize;

/// Targets that somebody may want to start, and those that the doctor does not know yet.
const TARGETS: [&str; 8] =
    ["docker", "dockerd", "kind", "podman", "rootless", "systemd", "buildkit", "sandbox"];

/// What somebody reported, and what the doctor ought to say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Report {
    /// `owner/repository#number`.
    pub(crate) source: String,
    year: u32,
    /// The area of the cause.
    pub(crate) area: String,
    /// The report in one line.
    pub(crate) what: String,
    /// Its true cause.
    pub(crate) cause: String,
    fix: String,
    confirmed: Confirmed,
    /// Whether everything works, so that nothing should be an error.
    #[serde(default)]
    pub(crate) works: bool,
    /// What was to be started, the first one above all.
    #[serde(rename = "for")]
    pub(crate) targets: Vec<String>,
    /// Versions by component.
    #[serde(default)]
    pub(crate) assume: BTreeMap<String, String>,
    /// A recorded environment.
    pub(crate) base: String,
    /// The findings that ought to be there, the cause first.
    #[serde(default)]
    pub(crate) expect: Vec<Expected>,
    #[serde(default)]
    pub(crate) prescription: Prescription,
    /// How the environment differs from the base.
    #[serde(default, rename = "edit")]
    pub(crate) edits: Vec<Edit>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Confirmed {
    Reporter,
    Maintainer,
    Others,
    Nobody,
}

/// A finding that ought to be there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// A check, which need not exist yet.
    pub(crate) id: String,
    /// For the first target.
    pub(crate) severity: String,
}

/// What the remedies of that finding hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prescription {
    /// Each is in one of them.
    #[serde(default)]
    pub(crate) says: Vec<String>,
    /// None of these is in any of them.
    #[serde(default)]
    pub(crate) never: Vec<String>,
}

/// Another answer than the base gives.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    /// What is asked, as a manifest says it.
    pub(crate) ask: String,
    /// Of which path.
    pub(crate) path: Option<String>,
    /// Of which variable.
    pub(crate) name: Option<String>,
    /// Which system call.
    pub(crate) call: Option<String>,
    /// The whole content of a file.
    pub(crate) text: Option<String>,
    /// An error number in place of an answer.
    pub(crate) errno: Option<i32>,
    /// The JSON of the answer, as a manifest has it under `value`.
    pub(crate) value: Option<String>,
    /// A part of the base's content or answer, and what replaces it.
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
}

impl Report {
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        let report: Self = toml::from_str(&text).map_err(|error| error.to_string())?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let name = report.source.replace(['/', '#'], "-");
        if name.eq_ignore_ascii_case(&stem) {
            Ok(report)
        } else {
            Err(format!("the file of {} is {name}.toml", report.source))
        }
    }

    /// What is wrong with it, beyond what makes it unreadable.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut wrong = |what: &str, is: bool| {
            if is {
                faults.push(what.to_owned());
            }
        };
        let number = self
            .source
            .rsplit_once('#')
            .map(|(repository, number)| (repository.split('/').count(), number));
        let numbered =
            number.is_some_and(|(parts, number)| parts == 2 && number.parse::<u32>().is_ok());
        wrong("the source is owner/repository#number", !numbered);
        wrong("the year is one in which there was Docker", !(2013..2100).contains(&self.year));
        wrong("the area is one of the checks", self.area.parse::<Area>().is_err());
        let unconfirmed = matches!(self.confirmed, Confirmed::Nobody) && self.fix.is_empty();
        wrong("cause and fix are told", self.cause.len() < 10 || unconfirmed);
        wrong("`what` is one line", self.what.contains('\n') || self.what.len() > 160);
        wrong(
            "a target is one that can be started",
            !self.targets.iter().all(|target| TARGETS.contains(&&**target)),
        );
        wrong("something is to be started", self.targets.is_empty());
        wrong(
            "what works has no expectation, and what fails has one",
            self.works != self.expect.is_empty(),
        );
        let severe = |expected: &Expected| expected.severity.parse::<Severity>().is_ok();
        wrong("a severity is error, warning or info", !self.expect.iter().all(severe));
        wrong(
            "a version is one",
            self.assume.values().any(|version| version.parse::<Version>().is_err()),
        );
        faults
    }
}
