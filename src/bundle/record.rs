//! Recording: a source in front of another one that remembers what it was asked.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use super::Recording;
use crate::source::{Answer, Answered, Ask, Question, Refusal, Source};

/// Passes questions on and keeps the answers. A question that was asked before in the same sample gets
/// the same answer, so that report and bundle come from the same reads.
pub struct Recorder<'a> {
    inner: &'a dyn Source,
    sample: Cell<u32>,
    answers: RefCell<BTreeMap<(u32, Question), Result<Answer, Refusal>>>,
}

impl<'a> Recorder<'a> {
    /// Records what `inner` answers.
    pub fn new(inner: &'a dyn Source) -> Self {
        Self { inner, sample: Cell::new(0), answers: RefCell::default() }
    }

    /// Takes an answer that no source gives.
    pub fn note<Q: Ask>(&self, question: Q, answer: Q::Answer) {
        let key = (self.sample.get(), question.into());
        self.answers.borrow_mut().insert(key, Ok(answer.erased()));
    }

    /// What was asked and answered. What an older bundle could not answer is left out, so that
    /// recording its replay gives it back.
    pub fn into_recording(self, redacted: bool) -> Recording {
        let mut recording = Recording::new(redacted);
        recording.answers = self.answers.into_inner();
        recording.answers.retain(|_, result| *result != Err(Refusal::NotRecorded));
        recording
    }
}

impl Source for Recorder<'_> {
    fn begin(&self, budget: Duration) {
        self.inner.begin(budget);
    }

    fn ask(&self, question: &Question) -> Result<Answer, Refusal> {
        let key = (self.sample.get(), question.clone());
        if let Some(answer) = self.answers.borrow().get(&key) {
            return answer.clone();
        }
        let answer = self.inner.ask(question);
        self.answers.borrow_mut().insert(key, answer.clone());
        if matches!(question, Question::Pause { .. }) && answer.is_ok() {
            self.sample.set(self.sample.get() + 1);
        }
        answer
    }
}
