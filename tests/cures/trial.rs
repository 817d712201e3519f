//! One environment: what worked in it as it was, after the first remedy, and after all that doctor fix writes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde::Deserialize;

/// What was tried in one environment.
#[derive(Debug, Deserialize)]
pub(crate) struct Trial {
    #[serde(skip)]
    pub name: String,
    pub what: String,
    pub target: String,
    pub deciding: Vec<String>,
    pub said: Said,
    pub before: Seen,
    pub first: Attempt,
    pub fix: Attempt,
}

/// What was changed, and what came of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Attempt {
    pub check: Option<String>,
    pub done: Vec<String>,
    pub words: Vec<String>,
    pub guesses: Vec<String>,
    pub said: Said,
    pub seen: Seen,
}

/// What the doctor says of the target.
#[derive(Debug, Deserialize)]
pub(crate) struct Said {
    pub readiness: String,
    pub errors: BTreeSet<String>,
    pub warnings: BTreeSet<String>,
}

/// What was seen to work and to fail; what needs something that failed has no entry.
#[derive(Debug, Deserialize)]
pub(crate) struct Seen {
    pub worked: BTreeSet<String>,
    pub failed: BTreeMap<String, String>,
}

/// What an attempt comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// All that failed works.
    Cures,
    /// A part of it does.
    Half,
    /// Nothing of it does.
    No,
    /// Something that worked fails.
    Worse,
    /// The reader has to find out a word.
    Guess,
    /// There are words only: for the host, or for whoever launches it.
    Yours,
    /// Nothing was prescribed.
    Nothing,
}

impl Verdict {
    pub(crate) const ALL: [Self; 7] =
        [Self::Cures, Self::Half, Self::No, Self::Worse, Self::Guess, Self::Yours, Self::Nothing];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cures => "cures",
            Self::Half => "half",
            Self::No => "no",
            Self::Worse => "worse",
            Self::Guess => "guess",
            Self::Yours => "yours",
            Self::Nothing => "nothing said",
        }
    }
}

impl Trial {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a trial");
        let trial: Self = serde_json::from_str(&text).expect("a trial as JSON");
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        Self { name: name.to_owned(), ..trial }
    }

    /// What of the deciding things does not work before.
    fn failing(&self) -> Vec<&String> {
        self.deciding.iter().filter(|name| !self.before.worked.contains(*name)).collect()
    }

    pub(crate) fn fails(&self) -> bool {
        self.deciding.iter().any(|name| self.before.failed.contains_key(name))
    }

    /// Whether it is said that the target is hurt, by more than words.
    pub(crate) fn is_found(&self) -> bool {
        !self.said.errors.is_empty() || !self.said.warnings.is_empty()
    }

    pub(crate) fn counts(&self) -> bool {
        self.is_found() && self.verdict(&self.fix) != Verdict::Yours
    }

    /// What worked before and fails after it.
    pub(crate) fn broken<'a>(&self, attempt: &'a Attempt) -> Vec<&'a String> {
        attempt.seen.failed.keys().filter(|name| self.before.worked.contains(*name)).collect()
    }

    pub(crate) fn verdict(&self, attempt: &Attempt) -> Verdict {
        let failing = self.failing();
        let now = failing.iter().filter(|name| attempt.seen.worked.contains(**name)).count();
        let nothing = attempt.done.is_empty() && attempt.guesses.is_empty();
        if !self.broken(attempt).is_empty() {
            Verdict::Worse
        } else if nothing {
            if attempt.words.is_empty() { Verdict::Nothing } else { Verdict::Yours }
        } else if now == failing.len() {
            Verdict::Cures
        } else if now > 0 {
            Verdict::Half
        } else if attempt.guesses.is_empty() {
            Verdict::No
        } else {
            Verdict::Guess
        }
    }

    /// What is still said after a cure.
    pub(crate) fn still<'a>(&'a self, attempt: &'a Attempt) -> Vec<&'a str> {
        if self.verdict(attempt) != Verdict::Cures {
            return Vec::new();
        }
        let said = attempt.said.errors.iter().chain(&attempt.said.warnings);
        let before =
            |id: &&String| self.said.errors.contains(*id) || self.said.warnings.contains(*id);
        said.filter(before).map(String::as_str).collect()
    }
}
