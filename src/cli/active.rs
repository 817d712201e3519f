//! What is to be tried.

use std::time::Duration;

use dind_doctor_checks::facts::{Text, TrialName};

use super::{Trouble, arguments, selection, time::Time};
use crate::{probe::Collected, source::Tried, trial};

#[derive(Debug, clap::Args)]
pub(super) struct Active {
    /// Also try the real thing, in namespaces of its own that vanish with it: all trials, or those that
    /// are named; list --active shows them
    #[arg(long, value_name = "TRIAL", num_args = 0.., require_equals = true, value_delimiter = ',',
          value_parser = selection::trial, conflicts_with = "from", help_heading = "What to judge")]
    active: Option<Vec<TrialName>>,
    /// Where the trial mtu downloads from, by HTTP or TLS: the one thing beyond this machine that is
    /// contacted
    #[arg(long, value_name = "HOST:PORT", value_parser = arguments::host_and_port, requires = "active",
          help_heading = "What to judge")]
    mtu_target: Option<String>,
}

impl Active {
    /// The time for a run, or why this cannot be meant: a target that nothing would be tried with is a mistake.
    pub(super) fn begin(&self, timeout: Duration) -> Result<Time, Trouble> {
        let others = |names: &Vec<_>| !names.is_empty() && !names.contains(&TrialName::Mtu);
        if self.mtu_target.is_some() && self.active.as_ref().is_some_and(others) {
            let message =
                "--mtu-target is for the trial mtu: say --active=mtu, or --active for all";
            return Err(Trouble::Usage(message.to_owned()));
        }
        Ok(match self.active {
            Some(_) => Time::begin_with_trials(timeout),
            None => Time::begin(timeout),
        })
    }

    /// Tries it, and adds it to what is known; `None` if nothing is to be tried.
    pub(super) fn run(&self, collected: &mut Collected, time: &Time) -> Option<Tried> {
        let names = self.active.as_ref()?;
        collected.facts.trials.mtu_target = self.mtu_target.as_deref().map(Text::from);
        Some(trial::run(collected, names, time.end))
    }
}
