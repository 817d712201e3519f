//! One of the two environments that are compared.

use dind_doctor_checks::facts::Facts;

use super::report::{Json, Report};
use crate::{
    probe::Collected,
    report::{self, Options},
};

/// What a side was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// This machine, now.
    Live,
    /// A recorded bundle.
    Bundle {
        /// Whether names and addresses were taken out of it.
        redacted: bool,
    },
    /// A JSON report: no facts.
    Report,
}

impl Origin {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Bundle { .. } => "bundle",
            Self::Report => "report",
        }
    }
}

/// One of the two environments that are compared.
#[derive(Debug)]
pub struct Side {
    /// A short name: of the file, or `live`.
    pub name: String,
    /// What it was read from.
    pub origin: Origin,
    /// The facts, with the versions that were given.
    pub facts: Option<Facts>,
    /// What was found.
    pub report: Report,
}

impl Side {
    /// What was collected from this machine or from a bundle; `json` writes a report.
    pub fn of(
        name: String,
        origin: Origin,
        collected: Collected,
        options: &Options,
        json: Json,
    ) -> Result<Self, String> {
        let mut facts = collected.facts.clone();
        for (component, version) in &options.assume {
            facts.versions.give(*component, *version);
        }
        let from = match origin {
            Origin::Live => report::Origin::Live,
            Origin::Bundle { .. } | Origin::Report => report::Origin::Bundle,
        };
        let report = Report::of(&report::diagnose(collected, from, options), json)?;
        Ok(Self { name, origin, facts: Some(facts), report })
    }

    /// A JSON report.
    pub fn of_report(name: String, document: &[u8]) -> Result<Self, String> {
        let report = Report::read(document)?;
        Ok(Self { name, origin: Origin::Report, facts: None, report })
    }
}
