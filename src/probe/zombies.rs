//! Zombies that PID 1 leaves.

use dind_doctor_checks::facts::{
    Fact, Facts, InitProcess, Missing, ProcessRow, Processes, Text, Why, Zombie,
};

use super::{Reader, process::row};
use crate::source::ask;

/// Waits between two samples, in milliseconds. The kernel tells PID 1 of each orphan that ends, so one that waits
/// for them at all has done so once it got the processor: at the first look as a rule, and within a quarter of a
/// second on a busy machine too. (Where a quota stops the container, it stops the doctor as well.)
const WAITS: [u32; 4] = [10, 30, 60, 150];

/// Under Python an interrupted poll is resumed (PEP 475), so that supervisord reaps only when its own timeout is
/// over, each second.
const WAIT_FOR_PYTHON: u32 = 1000;

/// The one wait of a bundle that was recorded before there were several.
const WAIT_OF_OLD_BUNDLES: u32 = 1000;

/// Zombies whose parent is PID 1. A few are normal for an instant: only those that are in every sample are told.
/// No further sample is taken where the first one has none, where one has none of them any more, or where none
/// of it changes a verdict.
pub(super) fn probe(reader: &Reader, facts: &Facts, processes: &Processes) -> Fact<Vec<Zombie>> {
    let rows = match &processes.rows {
        Fact::Known(rows) => rows,
        Fact::Missing(missing) => return Fact::Missing(missing.clone()),
    };
    let mut left: Vec<&ProcessRow> = rows.iter().filter(|row| is_zombie(row)).collect();
    if !left.is_empty() && !facts.judges_reaping() {
        return Fact::missing("second sample of zombies", Why::NotProbed);
    }
    let python = is_python(&facts.pid1).then_some(WAIT_FOR_PYTHON);
    for milliseconds in WAITS.into_iter().chain(python) {
        if left.is_empty() {
            break;
        }
        let old = match wait(reader, milliseconds) {
            Ok(()) => false,
            Err(Why::NotRecorded) => match wait(reader, WAIT_OF_OLD_BUNDLES) {
                Ok(()) => true,
                Err(why) => return Fact::missing("second sample of zombies", why),
            },
            Err(why) => return Fact::missing("second sample of zombies", why),
        };
        let mut still = Vec::new();
        for first in left {
            match row(reader, first.pid) {
                Ok(again) if again.comm == first.comm && is_zombie(&again) => still.push(first),
                Ok(_) | Err(Missing { why: Why::NotFound, .. }) => {}
                Err(missing) => return Fact::Missing(missing),
            }
        }
        left = still;
        if old {
            break;
        }
    }
    let zombie = |row: &ProcessRow| Zombie { pid: row.pid, comm: row.comm.clone() };
    Fact::Known(left.into_iter().map(zombie).collect())
}

fn wait(reader: &Reader, milliseconds: u32) -> Result<(), Why> {
    reader.ask(ask::Pause { milliseconds }).map_err(|missing| missing.why)
}

fn is_zombie(row: &ProcessRow) -> bool {
    row.state == 'Z' && row.ppid == 1
}

/// By the executable, and by the name where a script has set that.
fn is_python(pid1: &InitProcess) -> bool {
    let comm = pid1.comm.known().map(Text::as_str);
    let mut names = [Some(pid1.name()), comm].into_iter().flatten();
    names.any(|name| name.starts_with("python") || name == "supervisord")
}

#[cfg(test)]
mod tests;
