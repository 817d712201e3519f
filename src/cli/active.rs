//! What is to be tried.

use std::time::Duration;

use dind_doctor_checks::{
    facts::{Text, TrialName},
    target::Target,
};

use super::{Trouble, arguments, selection, time::Time};
use crate::{probe::Collected, rehearsal, source::Tried, trial};

#[derive(Debug, clap::Args)]
pub(super) struct Active {
    /// Also try the real thing, in namespaces of its own that vanish with it: all trials, or those that
    /// are named; list --active shows them
    #[arg(long = "active", value_name = "TRIAL", num_args = 0.., require_equals = true, value_delimiter = ',',
          value_parser = selection::trial, conflicts_with = "from", help_heading = "What to judge")]
    names: Option<Vec<TrialName>>,
    /// Where the trial mtu downloads from, by HTTP or TLS: the one thing beyond this machine that is
    /// contacted
    #[arg(long, value_name = "HOST:PORT", value_parser = arguments::host_and_port, requires = "names",
          help_heading = "What to judge")]
    mtu_target: Option<String>,
    /// By the name of the command.
    #[arg(skip)]
    rehearses: bool,
}

impl Active {
    /// The time for a run, or why this cannot be meant: a target that nothing would be tried with is a mistake.
    pub(super) fn begin(&self, timeout: Duration) -> Result<Time, Trouble> {
        let others = |names: &Vec<_>| !names.is_empty() && !names.contains(&TrialName::Mtu);
        if self.mtu_target.is_some() && self.names.as_ref().is_some_and(others) {
            let message =
                "--mtu-target is for the trial mtu: say --active=mtu, or --active for all";
            return Err(Trouble::Usage(message.to_owned()));
        }
        Ok(match self.names {
            _ if self.rehearses() => Time::begin_with_rehearsals(timeout),
            Some(_) => Time::begin_with_trials(timeout),
            None => Time::begin(timeout),
        })
    }

    /// Engines are started, whatever else is tried.
    pub(super) const fn add_rehearsals(&mut self) {
        self.rehearses = true;
    }

    fn rehearses(&self) -> bool {
        let names = self.names.iter().flatten();
        self.rehearses || names.into_iter().any(|name| *name == TrialName::Rehearse)
    }

    /// Tries it, and adds it to what is known; `None` if nothing is to be tried. Of the engines, those of `targets` are
    /// started; `tell` is told what begins.
    pub(super) fn run(
        &self,
        collected: &mut Collected,
        targets: &[Target],
        time: &Time,
        tell: &mut dyn FnMut(&str),
    ) -> Option<Tried> {
        let only = [TrialName::Rehearse];
        let names = self.names.as_deref().or(self.rehearses.then_some(&only))?;
        collected.facts.trials.mtu_target = self.mtu_target.as_deref().map(Text::from);
        let mut tried = trial::run(&collected.facts, names, time.end, tell);
        if self.rehearses() {
            collected.facts.trials = tried.trials.clone();
            rehearsal::run(&collected.facts, targets, time.each, &mut tried, tell);
        }
        collected.add(tried.clone());
        Some(tried)
    }
}
