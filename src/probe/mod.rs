//! Probes: what a source answers, parsed into facts. No judgement here.

pub mod netfilter;
pub mod network;
mod reader;

use dind_doctor_checks::facts::Facts;
pub use reader::Reader;

use crate::source::Source;

/// What all probes found.
#[derive(Debug)]
pub struct Collected {
    /// The facts.
    pub facts: Facts,
    /// Names of probes that met a deadline, sorted.
    pub timed_out: Vec<String>,
}

/// Runs every probe against `source`.
pub fn collect(source: &dyn Source) -> Collected {
    let reader = Reader::new(source);
    let facts = Facts::default();
    Collected { facts, timed_out: reader.timed_out() }
}
