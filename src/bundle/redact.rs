//! stub
use super::Recording;
/// A recording without what must not leave the machine.
pub struct Redacted {
    /// It.
    pub recording: Recording,
    /// What was removed.
    pub removed: Vec<String>,
}
/// Takes out what must not leave the machine.
pub fn redact(recording: &Recording) -> Redacted {
    Redacted { recording: recording.clone(), removed: Vec::new() }
}
