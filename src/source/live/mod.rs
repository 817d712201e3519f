//! The live machine.

pub(super) mod call;
pub(super) mod clocks;
pub(crate) mod engine;
pub(super) mod file;
mod guard;
mod helper;
pub(super) mod inotify;
pub(super) mod paragraphs;
pub(super) mod process;
pub(super) mod rpm;
mod slow;

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell},
    time::{Duration, Instant},
};

use self::{
    guard::{Class, Guard, PATIENCE, Who},
    slow::{SlowMounts, Wait, waits_for_process},
};
use super::{Answer, Limits, Question, Refusal, Source};

/// Asks the machine that the doctor runs on. Opens nothing for writing, executes nothing, and lets
/// what could hang, or be killed for, be asked by a forked process that is abandoned at the deadline.
pub struct LiveSource {
    /// When the whole run ends.
    end: Instant,
    /// When the current probe ends.
    probe_end: Cell<Instant>,
    limits: Limits,
    slow: OnceCell<SlowMounts>,
    guard: Guard,
}

impl LiveSource {
    /// A source whose whole run takes at most `timeout`.
    pub fn new(timeout: Duration) -> Self {
        Self::with_limits(timeout, Limits::default())
    }

    /// One that gives as much as these limits say.
    pub fn with_limits(timeout: Duration, limits: Limits) -> Self {
        let end = Instant::now() + timeout;
        Self {
            end,
            probe_end: Cell::new(end),
            limits,
            slow: OnceCell::new(),
            guard: Guard::new(limits),
        }
    }

    fn deadline(&self) -> Instant {
        self.end.min(self.probe_end.get())
    }

    fn slow(&self) -> &SlowMounts {
        self.slow.get_or_init(|| match slow::table() {
            Ok(Answer::Bytes(table)) => SlowMounts::parse(table),
            _ => SlowMounts::unknown(),
        })
    }

    /// The mount table, if the question is for it and it is not too large.
    fn known_mounts(&self, question: &Question) -> Option<Answer> {
        let Question::Read { path } = question else { return None };
        if path != slow::TABLE {
            return None;
        }
        let answer = slow::table().as_ref().ok()?;
        let fits = matches!(answer, Answer::Bytes(table) if table.len() <= self.limits.bytes(path) as usize);
        fits.then(|| answer.clone())
    }

    /// Asks, by the helper where that is safer.
    fn ask_safely(&self, question: &Question, deadline: Instant) -> Result<Answer, Refusal> {
        let patient = deadline.min(Instant::now() + PATIENCE);
        if let Some(path) = looks_at(question) {
            let follows = !matches!(question, Question::ReadLink { .. });
            let (wait, place) = match waits_for_process(&path, follows) {
                Some(process) => (Wait::ForServer, process),
                None => (self.slow().wait(&path), self.slow().lost_with(&path)),
            };
            let who = match wait {
                Wait::ForServer => Some(Who::Helper),
                Wait::Perhaps => Some(Who::RatherHelper),
                Wait::Never => None,
            };
            if let Some(who) = who {
                let asked = self.guard.ask(question, who, Some((&path, place)), patient);
                return asked
                    .unwrap_or_else(|| question.live(Within { deadline, limits: self.limits }));
            }
        }
        let asked = match question.risk() {
            Risk::Each => self.guard.ask(question, Who::Helper, None, patient),
            Risk::OfClass(class) => self.guard.try_first(question, class, deadline),
            Risk::None => None,
        };
        asked.unwrap_or_else(|| question.live(Within { deadline, limits: self.limits }))
    }
}

/// The file that a question is about.
fn looks_at(question: &Question) -> Option<Cow<'_, str>> {
    match question {
        Question::Variable { pid: Some(pid), .. } => Some(format!("/proc/{pid}/environ").into()),
        _ => question.path().map(Cow::from),
    }
}

/// What the live machine has for an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Within {
    /// When nobody waits for it any more.
    pub(super) deadline: Instant,
    /// How much is read.
    pub(super) limits: Limits,
}

/// What asking may cost: a seccomp filter may kill who makes a system call, all but those by which files are opened,
/// read, listed and looked at, which nothing could do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Risk {
    /// Nothing.
    None,
    /// It may be killed; as the first question of the class fares, so do the others.
    OfClass(Class),
    /// It may be killed, whatever became of others.
    Each,
}

impl Source for LiveSource {
    fn begin(&self, budget: Duration) {
        self.probe_end.set(Instant::now() + budget);
        self.guard.prepare();
    }

    fn ask(&self, question: &Question) -> Result<Answer, Refusal> {
        let deadline = self.deadline();
        if Instant::now() >= deadline {
            return Err(Refusal::TimedOut);
        }
        match self.known_mounts(question) {
            Some(answer) => Ok(answer),
            None => self.ask_safely(question, deadline),
        }
    }
}
