//! Replaying: a recorded run as a source.

use std::cell::Cell;

use super::Recording;
use crate::source::{Answer, Limits, Question, Refusal, Source};

/// So many times as long as the largest file that is read is what a bundle may have: redaction leaves a pseudonym that
/// is longer than the name, and another doctor's limits were others. More was not recorded.
const REDACTED: usize = 4;

/// Answers from a recording; what was not recorded is refused as such.
pub struct Replay {
    recording: Recording,
    sample: Cell<u32>,
    limits: Limits,
}

impl Replay {
    /// Replays `recording` from its first sample.
    pub fn new(recording: Recording) -> Self {
        Self::with_limits(recording, Limits::default())
    }

    /// The same by a doctor that reads as much as this of a live machine.
    pub fn with_limits(recording: Recording, limits: Limits) -> Self {
        Self { recording, sample: Cell::new(0), limits }
    }
}

impl Source for Replay {
    fn ask(&self, question: &Question) -> Result<Answer, Refusal> {
        let key = (self.sample.get(), question.clone());
        let answer = self.recording.answers.get(&key).cloned().unwrap_or(Err(Refusal::NotRecorded));
        if let (Question::Read { path }, Ok(Answer::Bytes(bytes))) = (question, &answer)
            && bytes.len() > (self.limits.bytes(path) as usize).saturating_mul(REDACTED)
        {
            return Err(Refusal::TooLarge);
        }
        if matches!(question, Question::Pause { .. }) && answer.is_ok() {
            self.sample.set(self.sample.get() + 1);
        }
        answer
    }
}
