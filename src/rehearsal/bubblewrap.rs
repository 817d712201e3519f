//! bubblewrap: one sandbox, as agents make it, with the doctor in it.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::{Action, Facts, Learned, Rehearsed, TrialName};

use super::{
    Description, inside, on_path,
    process::{self, Ended},
};
use crate::trial::{
    Plan,
    program::Program,
    steps::{Failure, Steps},
};

const NAME: &str = "bubblewrap";

pub(super) const ENGINE: Description = Description {
    engine: NAME,
    does: "executes the first bwrap on the PATH as this user, with --unshare-all, --ro-bind / /, --proc /proc and --dev \
           /dev, and in that sandbox the doctor, which looks around and ends",
    costs: "a tenth of a second; nothing is written",
    leaves: "nothing: no directory, cgroup or link is made outside of the sandbox",
    loads: &[],
    plan,
};

/// The sandbox; the doctor's own path and arguments follow.
const SANDBOX: [&str; 9] = [
    "--unshare-all",
    "--die-with-parent",
    "--ro-bind",
    "/",
    "/",
    "--proc",
    "/proc",
    "--dev",
    "/dev",
];

/// What a sandbox has of its own.
const OWN: [&str; 4] = ["mnt:", "net:", "pid:", "ipc:"];

/// In these the sandbox has something else.
const COVERED: [&str; 2] = ["/proc", "/dev"];

fn plan(_: &Facts, time: Duration) -> Plan {
    let skipped = |why: String| Plan::skipped(TrialName::Rehearse, NAME, why);
    let (path, doctor) = match on_path("bwrap").and_then(|(path, _)| Ok((path, own_path()?))) {
        Ok(both) => both,
        Err(why) => return skipped(why),
    };
    let deadline = Instant::now() + time;
    let run = move |steps: &mut Steps, _: &[Option<PathBuf>]| {
        // Here, since a guardian has no other descriptors.
        if let Ok(program) = super::open(&path, "bwrap") {
            rehearse(steps, &path, &program, &doctor, deadline);
        }
    };
    Plan::new(TrialName::Rehearse, NAME, Vec::new(), run).adopting()
}

/// Where the doctor is, in the sandbox too.
fn own_path() -> Result<PathBuf, String> {
    let doctor = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    let hidden = COVERED.iter().any(|covered| doctor.starts_with(covered));
    if hidden || !doctor.is_file() {
        return Err(format!("this program is not in the sandbox: {}", doctor.display()));
    }
    Ok(doctor)
}

fn rehearse(
    steps: &mut Steps,
    path: &Path,
    program: &Program,
    doctor: &Path,
    deadline: Instant,
) -> Option<()> {
    let environment = process::environment(&[]);
    let execute = |arguments: &[&OsStr]| -> Result<Ended, Failure> {
        let arguments = process::arguments("bwrap", arguments.iter().copied())?;
        process::run(program, &arguments, &environment, deadline)
    };
    let mut rehearsed =
        Rehearsed { program: path.to_string_lossy().as_ref().into(), ..Rehearsed::default() };
    let version = execute(&["--version".as_ref()]).map(|ended| ended.out).unwrap_or_default();
    let version = String::from_utf8_lossy(&version);
    rehearsed.version = version.split_whitespace().nth(1).unwrap_or_default().into();
    let begun = Instant::now();
    let mut arguments: Vec<&OsStr> = SANDBOX.iter().map(OsStr::new).collect();
    arguments.extend([doctor.as_os_str(), inside::ARGUMENT.as_ref()]);
    steps.learned(Learned::Rehearsal(Box::new(rehearsed.clone())));
    let mut out = Vec::new();
    let ran = steps.step(Action::RunContainer, || {
        let ended = execute(&arguments)?;
        rehearsed.log = process::last_lines(&ended.err);
        ended.well()?;
        out = ended.out;
        Ok::<_, Failure>(())
    });
    rehearsed.milliseconds = super::milliseconds(begun.elapsed());
    if ran.is_none() {
        steps.learned(Learned::Rehearsal(Box::new(rehearsed)));
        return None;
    }
    rehearsed.inside = inside::read(&out);
    let seen = rehearsed.inside.clone();
    if seen.is_some() {
        rehearsed.log.clear();
    }
    steps.learned(Learned::Rehearsal(Box::new(rehearsed)));
    steps.step(Action::LookAround, || super::contained(seen.as_ref(), &OWN))
}
