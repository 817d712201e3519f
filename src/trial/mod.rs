//! Trials: with `--active`, the real thing is tried, and what happens is a fact like any other.
//!
//! ```text
//! doctor ──fork──▶ guardian (a session of its own) ──fork──▶ trial (a process group, new namespaces)
//!    ▲               │ makes the places, waits, ends,            │
//!    └───────────────┴── removes the places ◀──── steps ─────────┘     one JSON line each
//! ```
//!
//! * A trial is an entry of [`TRIALS`]: its name, what it does, which modules the kernel may load by itself
//!   because of it, and `plan`, which looks at the facts and says what would be tried where. Nothing is
//!   done before a plan is handed to its guardian.
//! * The **trial** runs alone, in namespaces of its own, so that its mounts, links and rules end with
//!   it. It records a step for everything it does, with the error number.
//! * What namespaces cannot hold, directories and cgroups, are [`place::Place`]s. Only the **guardian**
//!   makes and removes them, after the trial ended, at its deadline, or when the doctor is gone: the stream
//!   between them hangs up then. It has a session of its own and blocks signals, so that what ends the
//!   doctor does not end it.
//! * Where the guardian is killed too (with the whole cgroup), the names remain: a place is called after
//!   its guardian, which holds a lock on it. The next `--active` run looks for names whose guardian is
//!   gone, removes them, and says so ([`leftover`]).
//!
//! A trial that may not or need not run here is *skipped* with the reason, and the checks judge by what
//! was read, as without `--active`.

mod api;
mod bpf;
mod cgroup;
mod guardian;
mod inotify;
mod keyring;
mod leftover;
pub(crate) mod link;
mod lock;
mod mtu;
pub(crate) mod namespace;
mod netfilter;
mod nfnetlink;
mod overlay;
mod pid1;
mod place;
mod privilege;
pub(crate) mod program;
mod rlimit;
pub(crate) mod steps;
mod subids;
mod syscalls;
mod sysctl;
mod tls;
pub(crate) mod trust;
mod userns;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::{Ending, Facts, Text, Trial, TrialName, Trials};

use self::steps::Steps;
use crate::{isolated::isolated, source::Tried};

pub(crate) use self::place::state_home;

/// Whether a place is called so by a guardian that is alive.
pub(crate) fn is_of_a_guardian(name: &str) -> bool {
    place::Owner::in_name(name).is_some_and(place::Owner::is_alive)
}

/// What one trial of one subject may take; the whole run has a deadline of its own. To unmount an overlay
/// writes out the whole disk below it, which takes seconds on slow machines.
const BUDGET: Duration = Duration::from_secs(10);

/// A kind of trial, as `doctor list --active` shows it.
#[derive(Debug)]
pub struct Description {
    /// Its name.
    pub name: TrialName,
    /// What it does.
    pub does: &'static str,
    /// Modules that the kernel may load by itself because of it, and keep.
    pub loads: &'static [&'static str],
    plan: fn(&Facts) -> Vec<Plan>,
}

/// All trials, in the order in which they run.
pub const TRIALS: &[Description] = &[
    overlay::TRIAL,
    lock::TRIAL,
    cgroup::TRIAL,
    netfilter::TRIAL,
    userns::TRIAL,
    privilege::TRIAL,
    pid1::TRIAL,
    inotify::TRIAL,
    bpf::TRIAL,
    keyring::TRIAL,
    rlimit::TRIAL,
    sysctl::TRIAL,
    mtu::TRIAL,
    api::TRIAL,
    syscalls::TRIAL,
    subids::TRIAL,
];

/// What is going to be tried, or why not.
pub(crate) struct Plan {
    name: TrialName,
    subject: Text,
    what: Result<Work, Text>,
}

/// What a guardian needs to know.
struct Work {
    /// Directories in which the trial gets one of its own.
    places: Vec<PathBuf>,
    /// The trial; it gets the places that could be made, in their order.
    run: Box<Run>,
    /// Whether the guardian takes in what outlives its parent, and ends it: of programs that make daemons. What is
    /// about PID 1 must not be taken from it.
    adopts: bool,
    /// What the guardian does when nothing of the trial runs any more, before it removes the places.
    after: Option<Box<dyn FnOnce()>>,
}

type Run = dyn FnOnce(&mut Steps, &[Option<PathBuf>]);

impl Plan {
    pub(crate) fn new(
        name: TrialName,
        subject: impl Into<Text>,
        places: Vec<PathBuf>,
        run: impl FnOnce(&mut Steps, &[Option<PathBuf>]) + 'static,
    ) -> Self {
        let work = Work { places, run: Box::new(run), adopts: false, after: None };
        Self { name, subject: subject.into(), what: Ok(work) }
    }

    /// The same, of a program that makes daemons.
    pub(crate) fn adopting(mut self) -> Self {
        if let Ok(work) = &mut self.what {
            work.adopts = true;
        }
        self
    }

    /// The same, and its guardian does this afterwards, however it ends.
    pub(crate) fn afterwards(mut self, after: impl FnOnce() + 'static) -> Self {
        if let Ok(work) = &mut self.what {
            work.after = Some(Box::new(after));
        }
        self
    }

    pub(crate) fn skipped(name: TrialName, subject: impl Into<Text>, why: impl Into<Text>) -> Self {
        Self { name, subject: subject.into(), what: Err(why.into()) }
    }

    fn execute(self, end: Instant, tell: &mut dyn FnMut(&str)) -> Trial {
        let about = format!("trying {}", self.name.name());
        self.execute_within(end.min(Instant::now() + BUDGET), &mut |step| {
            tell(&format!("{about}: {step}"));
        })
    }

    /// `tell` is told which step begins.
    pub(crate) fn execute_within(self, end: Instant, tell: &mut dyn FnMut(&str)) -> Trial {
        let mut trial = Trial {
            name: self.name,
            subject: self.subject,
            steps: Vec::new(),
            ending: Ending::Complete,
            left_behind: Vec::new(),
            learned: None,
        };
        match self.what {
            Err(why) => trial.ending = Ending::Skipped(why),
            Ok(_) if Instant::now() >= end => {
                trial.ending = Ending::Skipped("no time was left: --timeout".into());
            }
            Ok(work) => guardian::supervise(work, end, &mut trial, tell),
        }
        trial
    }
}

/// Removes what earlier runs left, and then tries what was asked for; `names` is empty for everything but rehearsals,
/// which are made elsewhere. Nothing new is begun after `end`; `tell` is told what begins.
pub fn run(facts: &Facts, names: &[TrialName], end: Instant, tell: &mut dyn FnMut(&str)) -> Tried {
    let wanted = |trial: &&Description| names.is_empty() || names.contains(&trial.name);
    let leftovers = isolated(|| leftover::plan(facts));
    let mut runs: Vec<_> = leftovers.into_iter().map(|plan| plan.execute(end, tell)).collect();
    // Nearly always there is nothing to say.
    runs.retain(|trial| !trial.steps.is_empty() || trial.ending != Ending::Complete);
    let mut crashed = Vec::new();
    for trial in TRIALS.iter().filter(wanted) {
        match isolated(|| (trial.plan)(facts)) {
            Ok(plans) => runs.extend(plans.into_iter().map(|plan| plan.execute(end, tell))),
            Err(message) => {
                let why = format!("planning it crashed: {message}");
                runs.push(Plan::skipped(trial.name, "", why).execute(end, tell));
                crashed.push((trial.name, message));
            }
        }
    }
    let mtu_target = facts.trials.mtu_target.clone();
    Tried { trials: Trials { runs, mtu_target }, crashed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_trial_in_the_same_order() {
        let names: Vec<_> = TRIALS.iter().map(|trial| trial.name).collect();
        assert_eq!(names, TrialName::ALL);
    }

    #[test]
    fn every_trial_settles_a_check() {
        for trial in TrialName::ALL {
            let settled = dind_doctor_checks::registry::settled_by(trial).next();
            assert!(settled.is_some(), "{}", trial.name());
        }
    }
}
