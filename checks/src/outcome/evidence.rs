//! What was seen, where, and how one knows.

use alloc::{borrow::Cow, format, string::String};
use core::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::facts::Text;

/// How one knows.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// It was read: a file, a system call, a variable.
    #[default]
    Read,
    /// A running engine says so of itself.
    Engine,
    /// It was tried.
    Trial,
    /// The engine itself was started.
    Rehearsal,
}

/// Where something was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    origin: Origin,
    place: String,
}

impl Source {
    /// A trial, and what it did.
    pub fn trial(did: &str) -> Self {
        Self { origin: Origin::Trial, place: format!("trial: {did}") }
    }

    /// A rehearsal, and what happened in it.
    pub fn rehearsal(what: &str) -> Self {
        Self { origin: Origin::Rehearsal, place: format!("trial: rehearsal: {what}") }
    }

    /// What an engine was asked.
    pub const fn engine(asked: String) -> Self {
        Self { origin: Origin::Engine, place: asked }
    }

    /// Whether it was tried.
    pub fn is_trial(&self) -> bool {
        self.origin == Origin::Trial
    }
}

impl Deref for Source {
    type Target = str;

    fn deref(&self) -> &str {
        &self.place
    }
}

impl From<String> for Source {
    fn from(place: String) -> Self {
        Self { origin: Origin::Read, place }
    }
}

impl From<&str> for Source {
    fn from(place: &str) -> Self {
        String::from(place).into()
    }
}

impl From<&String> for Source {
    fn from(place: &String) -> Self {
        place.as_str().into()
    }
}

impl From<&Text> for Source {
    fn from(place: &Text) -> Self {
        place.as_str().into()
    }
}

impl From<Text> for Source {
    fn from(place: Text) -> Self {
        String::from(place).into()
    }
}

impl From<Cow<'_, str>> for Source {
    fn from(place: Cow<'_, str>) -> Self {
        place.into_owned().into()
    }
}

/// One observation on which a finding rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// How one knows.
    #[serde(default, skip_serializing_if = "is_read")]
    pub origin: Origin,
    /// Where it was seen: a path, `netlink: link eth0`, `trial: …`.
    pub source: String,
    /// What was seen there.
    pub value: String,
}

impl Evidence {
    /// What was seen at `source`.
    pub fn new(source: impl Into<Source>, value: impl Into<String>) -> Self {
        let Source { origin, place } = source.into();
        Self { origin, source: place, value: value.into() }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_read(origin: &Origin) -> bool {
    *origin == Origin::Read
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Finding, Proof};

    fn proof(source: impl Into<Source>) -> Proof {
        Finding::new("x", severities!(kind: Error), "x").evidence(source, "x").proof()
    }

    /// A name that somebody chose is a name.
    #[test]
    fn what_is_called_a_trial_is_none() {
        assert_eq!(proof("trial: mount overlay"), Proof::Static);
        assert_eq!(proof(Source::engine("GET /version".into())), Proof::Static);
        assert_eq!(proof(Source::trial("mount overlay")), Proof::Trial);
        assert_eq!(proof("trial: rehearsal: runc"), Proof::Static);
        assert_eq!(proof(Source::rehearsal("start the engine")), Proof::Rehearsal);
    }

    /// Version 1 of the report says it by how the source begins.
    #[test]
    fn a_trials_source_says_so() {
        let evidence = Evidence::new(Source::trial("mount overlay"), "EINVAL");
        assert_eq!(evidence.source, "trial: mount overlay");
        assert_eq!(evidence.origin, Origin::Trial);
        let evidence = Evidence::new(Source::rehearsal("start the engine"), "exit status 1");
        assert_eq!(evidence.source, "trial: rehearsal: start the engine");
    }
}
