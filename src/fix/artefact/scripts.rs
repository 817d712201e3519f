//! Scripts for a machine: the host, or a system that runs in a container.

use dind_doctor_checks::{
    facts::Facts,
    remedy::{Phase, Task},
};

use super::{Artefact, commands, commented};
use crate::fix::{Risk, Traced, risk, whys};

const ROOT: &str = "[ \"$(id -u)\" -eq 0 ] || { echo 'only root may do this' >&2; exit 1; }\n";

/// What is done at each start of the system that runs here.
pub(super) fn here(tasks: &[Traced<Task>]) -> Option<Artefact> {
    let what = "as root in the container, at each start of it and before the engine";
    script("here", what, tasks, false)
}

/// What is done on the host; `own` where that is this machine.
pub(super) fn host(tasks: &[Traced<Task>], own: bool, facts: &Facts) -> Option<Artefact> {
    let what = if own { "as root on this machine" } else { "as root on the host" };
    let mut artefact = script("host", what, tasks, true)?;
    if own {
        let worst = tasks.iter().map(|task| risk::of(&task.value, facts)).max();
        artefact.risk = worst.unwrap_or(Risk::Yours);
    }
    Some(artefact)
}

fn script(name: &'static str, what: &str, tasks: &[Traced<Task>], boots: bool) -> Option<Artefact> {
    if tasks.is_empty() {
        return None;
    }
    let mut content = format!("#!/bin/sh\n# {what}\nset -eu\n{ROOT}\n");
    content.push_str(&commented(tasks, "", ""));
    let mut notes = Vec::new();
    if boots && tasks.iter().any(|task| task.value.phase() == Phase::Boot) {
        content.push_str("\necho 'reboot for it to take effect'\n");
        notes.push("it takes effect with the next boot".to_owned());
    }
    let shown = tasks.iter().flat_map(|task| commands(&task.value)).collect();
    let artefact = Artefact::shown(name, what, content);
    Some(Artefact { shown, executable: true, why: whys(tasks), notes, ..artefact })
}
