//! Questions that could block for ever, or for which a seccomp filter could kill, are asked by a forked
//! process: it is abandoned at the deadline, and costs nothing but its answer if it dies. A thread would not
//! do: one that is stuck in a dead mount keeps its whole process unkillable, and a filter kills the process.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::{
    helper::{Helper, Lost},
    slow::is_below,
};
use crate::source::{Answer, Limits, Question, Refusal};

/// How long one question about a path may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// After so many abandoned questions nothing further that could block is asked: each takes its time, and may
/// leave a process that nobody can kill.
const ABANDONED_AT_MOST: u32 = 4;

/// Who asks a question that is not plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// The helper or nobody: it can block.
    Helper,
    /// The helper, or this process if none can be had.
    RatherHelper,
}

/// The forked process, and what was learnt by losing one.
pub(super) struct Guard {
    limits: Limits,
    prepared: Cell<bool>,
    helper: RefCell<Option<Helper>>,
    abandoned: Cell<u32>,
    /// Places below which nothing answers any more.
    dead: RefCell<BTreeSet<String>>,
    /// How the helper fared with each class of questions.
    fared: RefCell<Vec<(Class, Result<(), Refusal>)>>,
}

/// System calls that filters know by their number and not by what they are about: if one is survived, so are
/// the others.
pub(super) type Class = &'static str;

impl Guard {
    /// Whose helper reads as much as this.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            prepared: Cell::default(),
            helper: RefCell::default(),
            abandoned: Cell::default(),
            dead: RefCell::default(),
            fared: RefCell::default(),
        }
    }

    /// Starts the helper while this process is still small: every page that either of the two writes to after a fork is
    /// copied. Some question needs it in every run.
    pub(super) fn prepare(&self) {
        if !self.prepared.replace(true) && self.helper.borrow().is_none() {
            // Where there can be none, the first question that needs it says so.
            *self.helper.borrow_mut() = Helper::start(self.limits).ok();
        }
    }

    /// Asks by the helper; `None` if there can be none, and this process is to ask. `at` is the path that is
    /// looked at, and what is given up if nothing answers.
    pub(super) fn ask(
        &self,
        question: &Question,
        who: Who,
        at: Option<(&str, &str)>,
        deadline: Instant,
    ) -> Option<Result<Answer, Refusal>> {
        let is_dead = |path: &str| self.dead.borrow().iter().any(|at| is_below(path, at));
        let exhausted = self.abandoned.get() >= ABANDONED_AT_MOST;
        if exhausted || at.is_some_and(|(path, _)| is_dead(path)) {
            return Some(Err(Refusal::TimedOut));
        }
        let mut slot = self.helper.borrow_mut();
        if slot.is_none() {
            match Helper::start(self.limits) {
                Ok(helper) => *slot = Some(helper),
                Err(_) if who == Who::RatherHelper => return None,
                Err(error) => {
                    return Some(Err(Refusal::Errno(error.raw_os_error().unwrap_or(libc::EIO))));
                }
            }
        }
        let result = match slot.as_mut()?.ask(question, deadline) {
            Ok(result) => return Some(result),
            Err(Lost::Late) => {
                self.abandoned.set(self.abandoned.get() + 1);
                self.dead.borrow_mut().extend(at.map(|(_, place)| place.to_owned()));
                Refusal::TimedOut
            }
            Err(Lost::Died(refusal)) => refusal,
        };
        // Dropping it kills it, as soon as the kernel lets it die; nobody waits for that.
        *slot = None;
        Some(Err(result))
    }

    /// The same of a question for which a filter could kill: only the first of its class is asked by the
    /// helper, and how that ends holds for the others; `None` if this process is to ask.
    pub(super) fn try_first(
        &self,
        question: &Question,
        class: Class,
        deadline: Instant,
    ) -> Option<Result<Answer, Refusal>> {
        let known = self.fared.borrow().iter().find(|(of, _)| *of == class).map(|(_, how)| *how);
        match known {
            Some(Ok(())) => return None,
            Some(Err(refusal)) => return Some(Err(refusal)),
            None => {}
        }
        let result = self.ask(question, Who::RatherHelper, None, deadline)?;
        let fared = match result {
            Err(refusal @ (Refusal::Killed | Refusal::TimedOut)) => Err(refusal),
            _ => Ok(()),
        };
        self.fared.borrow_mut().push((class, fared));
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::fork;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[test]
    fn the_helper_answers_as_the_process_itself_would() {
        fork::alone(|| {
            let guard = Guard::new(Limits::default());
            let ask = |question| guard.ask(&question, Who::Helper, None, soon()).unwrap();
            let read = Question::Read { path: "/proc/self/comm".to_owned() };
            assert!(matches!(ask(read), Ok(Answer::Bytes(_))));
            let absent = Question::Stat { path: "/nowhere".to_owned() };
            assert_eq!(ask(absent), Err(Refusal::Errno(libc::ENOENT)));
        });
    }

    #[test]
    fn one_question_of_a_class_shows_how_the_others_fare() {
        fork::alone(|| {
            let guard = Guard::new(Limits::default());
            assert!(matches!(guard.try_first(&Question::Clocks, "clock", soon()), Some(Ok(_))));
            assert_eq!(guard.try_first(&Question::Clocks, "clock", soon()), None);
        });
    }

    #[test]
    fn what_never_answers_is_given_up_and_nothing_else() {
        fork::alone(|| {
            let dir = tempfile::tempdir().unwrap();
            let guard = Guard::new(Limits::default());
            let past = Instant::now();
            let stat = |path: &str| Question::Stat { path: path.to_owned() };
            let dead = dir.path().to_str().unwrap();
            let inside = format!("{dead}/x");
            // A deadline that is over is the same to the guard as a server that is gone.
            let late = guard.ask(&stat(&inside), Who::Helper, Some((&inside, dead)), past);
            assert_eq!(late, Some(Err(Refusal::TimedOut)));
            let again = guard.ask(&stat(&inside), Who::Helper, Some((&inside, dead)), soon());
            assert_eq!(again, Some(Err(Refusal::TimedOut)), "though it would answer now");
            let other = guard.ask(&stat("/"), Who::Helper, Some(("/", "/")), soon());
            assert!(matches!(other, Some(Ok(Answer::Stat(_)))));
        });
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "what cannot be forked")]
    fn without_a_helper_only_what_cannot_block_is_asked() {
        std::thread::scope(|scope| {
            scope.spawn(|| std::thread::sleep(Duration::from_millis(200)));
            let guard = Guard::new(Limits::default());
            assert_eq!(guard.ask(&Question::Ids, Who::RatherHelper, None, soon()), None);
            let refused = guard.ask(&Question::Ids, Who::Helper, None, soon());
            assert_eq!(refused, Some(Err(Refusal::Errno(libc::EIO))));
        });
    }
}
