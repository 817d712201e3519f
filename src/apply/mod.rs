//! Carries out what is safe and here, and takes it back.
//!
//! Each change is in the journal, on the disk, before it is made, with what was there: whatever ends the doctor, it
//! can be taken back. What has changed since is left alone.

mod action;
mod files;
mod journal;
mod mounts;
mod plan;

use std::io;

pub(crate) use action::{Action, Now};
pub(crate) use journal::Journal;
pub(crate) use plan::{Planned, of};

#[cfg(test)]
mod tests;

/// Carries the actions out, in their order; ends at the first that fails. What has changed while somebody was asked is
/// left alone.
pub(crate) fn carry_out(
    planned: &[Planned],
    journal: &mut Journal,
    told: &mut dyn FnMut(&Action),
) -> io::Result<()> {
    for Planned { action, .. } in planned {
        match action.now()? {
            Now::Before => {}
            Now::After => continue,
            Now::Other(what) => {
                return Err(io::Error::other(format!("{what}: nothing is done to it")));
            }
        }
        let number = journal.begin(action)?;
        action.carry_out()?;
        journal.done(number)?;
        told(action);
    }
    Ok(())
}

/// How an action fared when it was to be taken back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Undone {
    /// It was taken back.
    Back,
    /// It had not been made, or somebody took it back.
    Already,
    /// Something else is there now, which stays.
    Changed(String),
}

/// Takes back what the journal holds, the last first. What has changed since stays in the journal.
pub(crate) fn take_back(
    journal: &mut Journal,
    told: &mut dyn FnMut(&Action, &Undone),
) -> io::Result<bool> {
    let mut all = true;
    for (number, action) in journal.pending().into_iter().rev() {
        let undone = match action.now()? {
            Now::Before => Undone::Already,
            Now::After => {
                action.take_back()?;
                Undone::Back
            }
            Now::Other(what) => Undone::Changed(what),
        };
        if matches!(undone, Undone::Changed(_)) {
            all = false;
        } else {
            journal.undone(number)?;
        }
        told(&action, &undone);
    }
    if all {
        journal.end()?;
    }
    Ok(all)
}
