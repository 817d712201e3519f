//! Replaying: a recorded run as a source.

use std::cell::Cell;

use super::Recording;
use crate::source::{Answer, Question, Refusal, Source};

/// Answers from a recording; what was not recorded is refused as such.
pub struct Replay {
    recording: Recording,
    sample: Cell<u32>,
}

impl Replay {
    /// Replays `recording` from its first sample.
    pub fn new(recording: Recording) -> Self {
        Self { recording, sample: Cell::new(0) }
    }
}

impl Source for Replay {
    fn ask(&self, question: &Question) -> Result<Answer, Refusal> {
        let key = (self.sample.get(), question.clone());
        let answer = self.recording.answers.get(&key).cloned().unwrap_or(Err(Refusal::NotRecorded));
        if matches!(question, Question::Pause { .. }) && answer.is_ok() {
            self.sample.set(self.sample.get() + 1);
        }
        answer
    }
}
