//! Rehearsals: with `--active=rehearse`, the plan's own engine is started for seconds in a throw-away place, runs a
//! container, and is taken down without a trace. Whatever the cause of a failure, known or not, it shows.
//!
//! ```text
//! doctor ──▶ guardian (of trials) ──▶ rehearsal ──▶ PID 1 of a room ──▶ engine ──▶ container: the doctor itself
//!              │ makes and removes       │  mounts, links, processes end with it        │
//!              │ directory, cgroups      └────────────── steps ◀─────────── JSON ───────┘
//! ```
//!
//! * The image is one file, this program ([`image`]); in the container it says what it sees ([`inside`]).
//! * Whom the guardian starts, it ends: a rehearsal as root has a PID namespace ([`room`]), which ends as a whole;
//!   what any other leaves comes to the guardian, and is ended.
//! * What an engine writes outside of its directory, it writes into a room: mounts that only it sees.
//! * Programs obey the rule of trust, as for trials, and so do the helpers that they will execute.

mod bubblewrap;
mod cgroups;
mod daemon_json;
mod dockerd;
mod http;
mod image;
pub mod inside;
mod known;
mod limits;
mod outside;
mod podman;
mod process;
mod room;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use dind_doctor_checks::{
    facts::{Action, DataRoot, Facts, Learned, SeenInside, Text, TrialName},
    plan::{self, Place, Plans},
    target::Target,
};

use crate::{
    isolated::isolated,
    source::Tried,
    trial::{
        Plan,
        program::Program,
        steps::{Failure, Steps},
        trust,
    },
};

/// How long one rehearsal may take, unless `--timeout` is longer.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// An engine that can be rehearsed, as `doctor list --active` shows it.
#[derive(Debug)]
pub struct Description {
    /// The engine, as plans call it.
    pub engine: &'static str,
    /// What is done.
    pub does: &'static str,
    /// What it costs.
    pub costs: &'static str,
    /// What may stay.
    pub leaves: &'static str,
    /// Modules that the kernel may load by itself because of it, and keep.
    pub loads: &'static [&'static str],
    plan: fn(&Facts, Duration) -> Plan,
}

/// All that can be rehearsed.
pub const ENGINES: &[Description] = &[dockerd::ENGINE, podman::ENGINE, bubblewrap::ENGINE];

/// Rehearses the engine of each of these targets, once, and adds what happened to what was tried; `tell` is told what is
/// begun.
pub fn run(
    facts: &Facts,
    targets: &[Target],
    deadline: Duration,
    tried: &mut Tried,
    tell: &mut dyn FnMut(&str),
) {
    let plans = Plans::of(facts);
    let likely;
    let targets = if targets.is_empty() {
        likely = plans.most_likely(facts);
        &likely
    } else {
        targets
    };
    let mut done = Vec::new();
    let wanted = plans.iter().filter(|plan| targets.contains(&plan.target));
    for engine in wanted.filter(|plan| is_here(plan)).map(plan::Plan::engine) {
        let Some(description) = ENGINES.iter().find(|each| each.engine == engine) else { continue };
        if done.contains(&engine) {
            continue;
        }
        done.push(engine);
        let about = format!("rehearsing {engine}, {} s at most", deadline.as_secs());
        let plan = isolated(|| (description.plan)(facts, deadline)).unwrap_or_else(|message| {
            let why = format!("planning it crashed: {message}");
            tried.crashed.push((TrialName::Rehearse, message));
            Plan::skipped(TrialName::Rehearse, engine, why)
        });
        let mut trial = plan.execute_within(Instant::now() + deadline, &mut |step| {
            tell(&format!("{about}: {step}"));
        });
        if let Some(Learned::Rehearsal(rehearsed)) = &mut trial.learned {
            rehearsed.known_as = known::ids(&rehearsed.log);
        }
        tried.trials.runs.push(trial);
    }
}

/// An engine elsewhere is not started here.
const fn is_here(plan: &plan::Plan) -> bool {
    matches!(plan.place, Place::Here { .. })
}

/// The first program of this name on the PATH, or why it is not executed. The next one is not tried: it is not what
/// would be started.
fn on_path(name: &str) -> Result<(PathBuf, Program), String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = std::env::split_paths(&path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|file| file.is_file());
    let Some(file) = first else { return Err(format!("there is no {name} on the PATH")) };
    let program = open(&file, name)?;
    Ok((file, program))
}

fn open(file: &Path, name: &str) -> Result<Program, String> {
    Program::open(file, name).map_err(|error| format!("not executed: {error}"))
}

/// Whether nobody else may have put there what an engine executes: the first of each name in the directories of its
/// PATH. What is not there, it will miss.
/// Where an engine may take the driver of the file system, which makes things outside of any directory.
fn is_on_zfs(root: &DataRoot) -> bool {
    root.filesystem.is_known_and(|filesystem| filesystem.name() == "zfs")
}

/// What the places of a rehearsal are called. A directory may be renamed by whoever may write beside it, so it is the name
/// of a cgroup that counts; and in any case it is one of a guardian that is alive.
fn name_of(places: &[Option<PathBuf>]) -> Option<String> {
    let called = |place: &PathBuf| {
        let path = std::fs::read_link(place).ok()?;
        Some(path.file_name()?.to_str()?.to_owned())
    };
    let cgroups = places.iter().skip(1).flatten();
    let name = cgroups.chain(places.first()?).find_map(called)?;
    crate::trial::is_of_a_guardian(&name).then_some(name)
}

fn helpers_are_trusted(names: &[&str]) -> Result<(), String> {
    for name in names {
        let first = process::directories().into_iter().map(|dir| Path::new(dir).join(name));
        if let Some(path) = first.into_iter().find(|path| path.exists()) {
            trust::program(&path).map_err(|error| format!("not executed: {error}"))?;
        }
    }
    Ok(())
}

/// Whether the limits hold that were asked for: an engine starts containers without them, too.
fn limited(steps: &mut Steps, seen: &SeenInside) {
    for (what, limit, holds) in [
        ("memory", seen.memory_limit, seen.memory_holds),
        ("pids", seen.pids_limit, seen.pids_hold),
    ] {
        steps.about(what, false);
        let seen = match (limit, holds) {
            (None, _) => Err(Failure::seen("it has none, though one was asked for")),
            (Some(_), Some(false)) => Err(Failure::seen("it gets more")),
            // What could not be told is no failure.
            (Some(_), Some(true) | None) => Ok(()),
        };
        if holds.is_some() || seen.is_err() {
            steps.step(Action::HoldLimit, || seen);
        }
    }
    steps.about("", true);
}

fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// Whether there was a doctor in the container, and it is none of its caller's namespaces of these kinds.
fn contained(seen: Option<&SeenInside>, own: &[&str]) -> Result<(), Failure> {
    let seen = seen.ok_or_else(|| Failure::seen("the doctor in it said nothing"))?;
    let outside = inside::namespaces();
    let shared = own.iter().find(|kind| {
        let of = |all: &[Text]| all.iter().find(|namespace| namespace.starts_with(**kind)).cloned();
        of(&seen.namespaces).is_none_or(|namespace| of(&outside) == Some(namespace))
    });
    match shared {
        Some(kind) => Err(Failure::seen(format!(
            "it has no {} namespace of its own",
            kind.trim_end_matches(':')
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_shares_a_namespace_is_none() {
        let mut seen = SeenInside { namespaces: inside::namespaces(), ..SeenInside::default() };
        let why = |seen: Option<&SeenInside>| format!("{:?}", contained(seen, &["mnt:", "pid:"]));
        assert!(why(None).contains("said nothing"));
        assert!(why(Some(&seen)).contains("no mnt namespace of its own"));
        for namespace in &mut seen.namespaces {
            let kind = namespace.split(':').next().unwrap_or_default().to_owned();
            *namespace = format!("{kind}:[1]").into();
        }
        assert_eq!(why(Some(&seen)), "Ok(())");
        seen.namespaces.clear();
        assert!(
            why(Some(&seen)).contains("no mnt namespace"),
            "what it does not say is not taken for granted"
        );
    }
}
