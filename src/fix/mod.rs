//! What to change, taken together: the first remedies of all findings as one artefact for each place.
//!
//! Nothing is read or written here: whoever calls has the report and the facts, and writes the artefacts.

mod artefact;
mod compose;
mod options;
mod pseudonym;
mod relations;
mod risk;
mod settings;

use dind_doctor_checks::{
    facts::{Facts, Launcher},
    remedy::Place,
};

pub use artefact::{Artefact, Image};
pub use risk::Risk;

use crate::report::Report;

/// What the composition is made from.
#[derive(Debug)]
pub struct Given<'a> {
    /// What was found.
    pub report: &'a Report,
    /// What is known.
    pub facts: &'a Facts,
    /// With what the container is launched, if that was said.
    pub launcher: Option<Launcher>,
    /// Whether names and addresses are pseudonyms.
    pub redacted: bool,
    /// The image's own words, if they were given.
    pub image: Option<Image>,
}

impl Given<'_> {
    /// With what the container is launched: what was said, else the outermost that is seen.
    fn launcher(&self) -> Launcher {
        self.launcher.unwrap_or_else(|| self.report.environment.surroundings.launcher())
    }
}

/// Something, and the checks that ask for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Traced<T> {
    /// What is asked for.
    pub value: T,
    /// The ids of the checks, in report order.
    pub why: Vec<&'static str>,
}

/// A change that another one excludes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// What is not done, in words or as an option.
    pub what: String,
    /// What asked for it.
    pub why: Vec<&'static str>,
    /// For what reason.
    pub because: String,
}

/// A step that no artefact holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ByHand {
    /// Where.
    pub place: Place,
    /// What it is.
    pub text: String,
    /// Commands to paste.
    pub commands: Vec<String>,
    /// What goes into a file.
    pub snippet: Option<dind_doctor_checks::remedy::Snippet>,
    /// What asks for it.
    pub why: Vec<&'static str>,
}

/// All that is to be changed.
#[derive(Debug, Default)]
pub struct Fix {
    /// One for each place.
    pub artefacts: Vec<Artefact>,
    /// What is left to people.
    pub by_hand: Vec<ByHand>,
    /// What is not done, and why.
    pub lost: Vec<Lost>,
    /// The steps that can be carried out here.
    pub here: Vec<Traced<dind_doctor_checks::remedy::Task>>,
}

/// Composes what is asked for.
pub fn fix(given: &Given<'_>) -> Fix {
    let mut composed = compose::of(given);
    relations::settle(&mut composed, given);
    pseudonym::take_out(&mut composed, given);
    artefact::all(composed, given)
}

impl<T> Traced<T> {
    fn new(value: T, id: &'static str) -> Self {
        Self { value, why: vec![id] }
    }

    /// Notes that these ask for it, too.
    fn also(&mut self, why: &[&'static str]) {
        for id in why {
            if !self.why.contains(id) {
                self.why.push(id);
            }
        }
    }
}

/// All checks that ask for one of these.
fn whys<'a, T: 'a>(all: impl IntoIterator<Item = &'a Traced<T>>) -> Vec<&'static str> {
    let mut ids = Vec::new();
    for traced in all {
        for id in &traced.why {
            if !ids.contains(id) {
                ids.push(*id);
            }
        }
    }
    ids
}
