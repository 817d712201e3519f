//! Answers that several probes ask for.

use std::{cell::RefCell, collections::HashMap};

use crate::source::{Answer, Question, Refusal};

/// Bytes of a file that is kept; what is larger is asked for once.
const BYTES: usize = 16 * 1024;

/// What was answered in this sample: who asks again gets the same, without a system call, so that two facts of one
/// run do not contradict each other.
#[derive(Debug, Default)]
pub(super) struct Answers {
    kept: RefCell<HashMap<Question, Result<Answer, Refusal>>>,
}

impl Answers {
    /// The answer, if it is kept.
    pub(super) fn of(&self, question: &Question) -> Option<Result<Answer, Refusal>> {
        self.kept.borrow().get(question).cloned()
    }

    /// Keeps an answer, if it is small and can be asked for again. A question that met its probe's deadline has
    /// none. After a pause another sample begins.
    pub(super) fn keep(&self, question: &Question, answer: &Result<Answer, Refusal>) {
        if matches!(question, Question::Pause { .. }) {
            self.kept.borrow_mut().clear();
        } else if may_be_asked_again(question) && is_kept(answer) {
            self.kept.borrow_mut().insert(question.clone(), answer.clone());
        }
    }
}

/// Of other processes each file is read once, and there are thousands of them.
fn may_be_asked_again(question: &Question) -> bool {
    let process = question.path().and_then(|path| path.strip_prefix("/proc/"));
    !process.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn is_kept(answer: &Result<Answer, Refusal>) -> bool {
    match answer {
        Ok(Answer::Bytes(bytes)) => bytes.len() <= BYTES,
        Ok(
            Answer::Path(_)
            | Answer::Stat(_)
            | Answer::StatFs(_)
            | Answer::Done
            | Answer::Ids(_)
            | Answer::Uname(_)
            | Answer::Variable(_),
        ) => true,
        Ok(_) | Err(Refusal::TimedOut) => false,
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Question {
        Question::Read { path: path.to_owned() }
    }

    #[test]
    fn an_answer_holds_until_the_next_sample() {
        let answers = Answers::default();
        let answer = Ok(Answer::bytes(b"a".to_vec()));
        answers.keep(&read("/a"), &answer);
        assert_eq!(answers.of(&read("/a")), Some(answer));
        assert_eq!(answers.of(&read("/b")), None);
        answers.keep(&Question::Pause { milliseconds: 10 }, &Ok(Answer::Done));
        assert_eq!(answers.of(&read("/a")), None);
    }

    #[test]
    fn neither_deadlines_nor_much_nor_other_processes_are_kept() {
        let answers = Answers::default();
        answers.keep(&read("/a"), &Err(Refusal::TimedOut));
        answers.keep(&read("/b"), &Ok(Answer::bytes(vec![0; BYTES + 1])));
        answers.keep(&read("/proc/12/stat"), &Ok(Answer::bytes(vec![])));
        answers.keep(&read("/c"), &Err(Refusal::Errno(libc::EACCES)));
        assert_eq!(answers.kept.borrow().len(), 1);
    }
}
