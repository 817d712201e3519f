use std::cell::{Cell, RefCell};

use dind_doctor_checks::facts::{Namespace, Text, Tri};

use super::*;
use crate::{
    bundle::{Recorder, Replay},
    source::{Answer, Question, Refusal, Source},
};

/// A table of processes in which PID 1 reaps after a while; time is what the pauses add up to.
struct Reaper {
    /// Milliseconds; `None` if it never does.
    after: Option<u32>,
    now: Cell<u32>,
    pauses: RefCell<Vec<u32>>,
    /// The only pause that there is, as in a bundle of before.
    only: Option<u32>,
}

impl Reaper {
    fn after(after: Option<u32>) -> Self {
        Self { after, now: Cell::new(0), pauses: RefCell::default(), only: None }
    }
}

impl Source for Reaper {
    fn ask(&self, question: &Question) -> Result<Answer, Refusal> {
        match question {
            Question::Pause { milliseconds } if self.only.is_some_and(|o| o != *milliseconds) => {
                Err(Refusal::NotRecorded)
            }
            Question::Pause { milliseconds } => {
                self.now.set(self.now.get() + milliseconds);
                self.pauses.borrow_mut().push(*milliseconds);
                Ok(Answer::Done)
            }
            Question::Read { path, .. } if path == "/proc/7/stat" => {
                if self.after.is_some_and(|after| after <= self.now.get()) {
                    return Err(Refusal::Errno(libc::ENOENT));
                }
                let zeros = " 0".repeat(49);
                Ok(Answer::bytes(format!("7 (git) Z 1{zeros}").into_bytes()))
            }
            // Whether it is /proc that lies at /proc: a recording that cannot say is believed.
            Question::StatFs { .. } => Err(Refusal::NotRecorded),
            _ => Err(Refusal::Errno(libc::ENOENT)),
        }
    }
}

fn container(pid1: &str) -> Facts {
    let mut facts = Facts::default();
    facts.runtime.container = Tri::Yes;
    facts.identity.namespaces.pid =
        Fact::Known(Namespace { inode: 4_026_532_000, initial: Tri::No });
    facts.pid1.comm = Fact::Known(Text::from(pid1));
    facts
}

fn with_zombie() -> Processes {
    let row = ProcessRow { pid: 7, ppid: 1, comm: "git".into(), state: 'Z' };
    Processes { rows: Fact::Known(vec![row]), ..Processes::default() }
}

fn told(source: &dyn Source, facts: &Facts) -> Fact<usize> {
    probe(&Reader::new(source), facts, &with_zombie()).map(|zombies| zombies.len())
}

#[test]
fn one_that_is_reaped_costs_one_short_wait_and_one_that_stays_a_quarter_of_a_second() {
    let reaps = Reaper::after(Some(5));
    assert_eq!(told(&reaps, &container("tini")), Fact::Known(0));
    assert_eq!(*reaps.pauses.borrow(), [10]);
    let never = Reaper::after(None);
    assert_eq!(told(&never, &container("agent")), Fact::Known(1));
    assert_eq!(never.now.get(), 250);
}

#[test]
fn python_may_take_a_second() {
    let supervisord = Reaper::after(Some(1100));
    assert_eq!(told(&supervisord, &container("supervisord")), Fact::Known(0));
    assert_eq!(told(&Reaper::after(None), &container("python3.13")), Fact::Known(1));
}

#[test]
fn nothing_waits_where_no_verdict_depends_on_it() {
    let mut vm = container("systemd");
    vm.runtime.container = Tri::No;
    let source = Reaper::after(None);
    assert_eq!(told(&source, &vm).why(), Some(Why::NotProbed));
    let none = Processes { rows: Fact::Known(vec![]), ..Processes::default() };
    let zombies = probe(&Reader::new(&source), &container("agent"), &none);
    assert_eq!(zombies, Fact::Known(vec![]));
    assert!(source.pauses.borrow().is_empty());
}

#[test]
fn a_bundle_of_before_has_one_wait_of_a_second() {
    let old = Reaper { only: Some(WAIT_OF_OLD_BUNDLES), ..Reaper::after(None) };
    assert_eq!(told(&old, &container("agent")), Fact::Known(1));
    assert_eq!(*old.pauses.borrow(), [1000]);
    let none = Reaper { only: Some(1), ..Reaper::after(None) };
    assert_eq!(told(&none, &container("agent")).why(), Some(Why::NotRecorded));
}

#[test]
fn what_was_recorded_over_several_samples_replays() {
    let source = Reaper::after(Some(90));
    let recorder = Recorder::new(&source);
    assert_eq!(told(&recorder, &container("agent")), Fact::Known(0));
    let replay = Replay::new(recorder.into_recording(false));
    assert_eq!(told(&replay, &container("agent")), Fact::Known(0));
    assert_eq!(*source.pauses.borrow(), [10, 30, 60]);
}
