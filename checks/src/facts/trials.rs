//! What `--active` tried, and how far it came.

mod action;
mod learned;
mod rehearsed;

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use core::{fmt, str::FromStr};

pub use action::Action;
pub use learned::{Download, EngineLearned, EngineNetwork, Learned, PathLearned};
pub use rehearsed::{Rehearsed, SeenInside};
use serde::{Deserialize, Serialize};

use super::Text;
use crate::outcome::Source;

/// A trial that the command line can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrialName {
    /// Not asked for: what earlier runs that were killed have left is removed.
    Leftovers,
    /// An overlay in the directory of each data root.
    Overlay,
    /// Databases of data roots, which a daemon elsewhere may hold.
    Lock,
    /// A cgroup where a daemon would make its own.
    Cgroup,
    /// Rules by the daemon's own program, and a packet that meets them.
    Netfilter,
    /// A user namespace as an ordinary user makes it.
    Userns,
    /// Mounts, device nodes, devices.
    Privilege,
    /// An orphan that PID 1 is to reap.
    Pid1,
    /// inotify instances.
    Inotify,
    /// A filter of devices for a cgroup.
    Bpf,
    /// Session keyrings.
    Keyring,
    /// Limits of resources, raised.
    Rlimit,
    /// Sysctls of a network namespace.
    Sysctl,
    /// The path to a target, and downloads from it.
    Mtu,
    /// The engine that clients reach.
    Api,
    /// System calls that seccomp filters refuse.
    Seccomp,
    /// Subordinate ids, mapped by the programs for it.
    Subids,
    /// The engine itself, started for seconds; only if it is asked for by this name.
    Rehearse,
}

impl TrialName {
    /// Those that are made if none is named, in the order in which they run.
    pub const ALL: [Self; 16] = [
        Self::Overlay,
        Self::Lock,
        Self::Cgroup,
        Self::Netfilter,
        Self::Userns,
        Self::Privilege,
        Self::Pid1,
        Self::Inotify,
        Self::Bpf,
        Self::Keyring,
        Self::Rlimit,
        Self::Sysctl,
        Self::Mtu,
        Self::Api,
        Self::Seccomp,
        Self::Subids,
    ];

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leftovers => "leftovers",
            Self::Overlay => "overlay",
            Self::Lock => "lock",
            Self::Cgroup => "cgroup",
            Self::Netfilter => "netfilter",
            Self::Userns => "userns",
            Self::Privilege => "privilege",
            Self::Pid1 => "pid1",
            Self::Inotify => "inotify",
            Self::Bpf => "bpf",
            Self::Keyring => "keyring",
            Self::Rlimit => "rlimit",
            Self::Sysctl => "sysctl",
            Self::Mtu => "mtu",
            Self::Api => "api",
            Self::Seccomp => "seccomp",
            Self::Subids => "subids",
            Self::Rehearse => "rehearse",
        }
    }
}

impl FromStr for TrialName {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let mut all = Self::ALL.into_iter().chain([Self::Rehearse]);
        all.find(|trial| trial.name() == name).ok_or(())
    }
}

/// The object of a step that is done as a rootless engine would do it.
pub const IN_USER_NAMESPACE: &str = "in a user namespace";
/// The object of the step that makes a cgroup namespace.
pub const CGROUP_NAMESPACE: &str = "cgroup namespace";
/// The object of the step that makes a network namespace.
pub const NETWORK_NAMESPACE: &str = "network namespace";

/// The subject of the netfilter trial that asks the kernel itself, without a program.
pub const NF_TABLES: &str = "nf_tables";
/// The object of the steps that write the sysctl that engines set for each container.
pub const PORT_START: &str = "net/ipv4/ip_unprivileged_port_start";

/// How a step failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The error number, if a system call failed.
    pub errno: Option<i32>,
    /// Its name (`EINVAL`), or what was seen instead of what should be there.
    pub what: Text,
}

/// One step of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was done.
    pub action: Action,
    /// To or in what: `in a user namespace`, `memory`, a path; empty where the trial's subject says it.
    pub object: Text,
    /// Whether an engine needs it; the others are only worth knowing.
    pub needed: bool,
    /// How it failed; `None` if it worked.
    pub refused: Option<Refused>,
}

/// How a trial ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// It came to its end; its steps may have failed.
    Complete,
    /// It was not begun, for this reason.
    Skipped(Text),
    /// It was ended at its deadline.
    TimedOut,
    /// It was killed or crashed.
    Died,
}

/// One trial of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Which.
    pub name: TrialName,
    /// What was tried: a directory, a program; empty if the name says it.
    pub subject: Text,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// How it ended.
    pub ending: Ending,
    /// What could not be removed afterwards, with the error.
    pub left_behind: Vec<Text>,
    /// What it has measured, if it measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<Learned>,
}

/// Everything that was tried; nothing without `--active`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trials {
    /// In the order in which they ran.
    pub runs: Vec<Trial>,
    /// What `--mtu-target` names, as `HOST:PORT`: nothing beyond this machine is contacted without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu_target: Option<Text>,
}

impl Trials {
    /// The trial of this subject.
    pub fn of(&self, name: TrialName, subject: &str) -> Option<&Trial> {
        self.runs.iter().find(|trial| trial.name == name && trial.subject == subject)
    }

    /// The first one of this name that came to its end.
    pub fn complete(&self, name: TrialName) -> Option<&Trial> {
        self.runs.iter().find(|trial| trial.name == name && trial.ending == Ending::Complete)
    }

    /// The rehearsal of this engine that came to its end, if a container ran in it.
    pub fn rehearsed(&self, engine: &str) -> Option<&Rehearsed> {
        let trial = self.of(TrialName::Rehearse, engine)?;
        match &trial.learned {
            Some(Learned::Rehearsal(rehearsed)) if trial.ending == Ending::Complete => {
                (trial.failure().is_none() && rehearsed.inside.is_some()).then_some(&**rehearsed)
            }
            _ => None,
        }
    }

    /// The trial of a path, and what it measured; also if there was no time for all of it.
    pub fn path(&self) -> Option<(&Trial, &PathLearned)> {
        self.runs.iter().find_map(|trial| match &trial.learned {
            Some(Learned::Path(path)) => Some((trial, path)),
            _ => None,
        })
    }
}

impl Trial {
    /// Whether the engine itself was started, and it was that which failed, not what a rehearsal prepares for it.
    pub fn engine_failed(&self) -> Option<&Step> {
        let failed = self.steps.iter().find(|step| step.refused.is_some() && step.needed)?;
        failed.action.is_of_engine().then_some(failed)
    }

    /// The steps that did this, on whatever object.
    pub fn steps(&self, action: Action) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.action == action)
    }

    /// The step that did this to `object`.
    pub fn step(&self, action: Action, object: &str) -> Option<&Step> {
        self.steps(action).find(|step| step.object == object)
    }

    /// Whether it did this at least once, and each time it worked.
    pub fn worked(&self, action: Action) -> bool {
        let mut steps = self.steps(action).peekable();
        steps.peek().is_some() && steps.all(|step| step.refused.is_none())
    }

    /// The first step that an engine needs and that failed.
    pub fn failure(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.needed && step.refused.is_some())
    }

    /// The source of a step as evidence: `trial: mount overlay in /var/lib`.
    pub fn source(&self, step: &Step) -> Source {
        Source::trial(&self.did(step))
    }

    /// What a step did: `mount overlay in /var/lib`.
    pub fn did(&self, step: &Step) -> String {
        let did = step.action.words();
        match (step.object.as_str(), self.subject.as_str()) {
            ("", "") => did.to_owned(),
            ("", one) | (one, "") => format!("{did} ({one})"),
            (object, subject) => format!("{did} ({object}; {subject})"),
        }
    }
}

impl Step {
    /// The error number, if a system call failed.
    pub fn errno(&self) -> Option<i32> {
        self.refused.as_ref()?.errno
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.refused {
            None => f.write_str("worked"),
            Some(refused) => f.write_str(&refused.what),
        }
    }
}
