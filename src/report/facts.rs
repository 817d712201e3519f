//! Facts as one document.

use dind_doctor_checks::{facts::Facts, plan::Plans};
use serde::Serialize;

/// The facts, and what they mean for each target. Whoever wants the facts alone writes the same type: it is a twentieth of
/// the program, and another would be as much again.
#[derive(Serialize)]
pub(crate) struct FactsDocument<'a> {
    #[serde(flatten)]
    pub(crate) facts: &'a Facts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plans: Option<Plans>,
}
