//! Replaying: a recorded run as a source.

use std::cell::Cell;

use super::Recording;
use crate::source::{Answer, Question, Refusal, Source};

/// So many times as long as the file is what redaction leaves of it at most: a pseudonym may be longer than a name. A
/// bundle that has more was not recorded.
const REDACTED: usize = 4;

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
        if let (Question::Read { limit, .. }, Ok(Answer::Bytes(bytes))) = (question, &answer)
            && bytes.len() > (*limit as usize).saturating_mul(REDACTED)
        {
            return Err(Refusal::TooLarge);
        }
        if matches!(question, Question::Pause { .. }) && answer.is_ok() {
            self.sample.set(self.sample.get() + 1);
        }
        answer
    }
}
