//! Carrying out what is safe and here, and taking it back.

use std::io::{self, BufRead, IsTerminal, Write};

use dind_doctor_checks::facts::Facts;

use crate::{
    apply::{self, Journal, Undone},
    cli::{Console, ExitCode, Trouble},
    fix::Fix,
    text::escape,
};

/// Says what would be done, asks, and does it.
pub(super) fn run(
    fix: &Fix,
    facts: &Facts,
    (risky, yes): (bool, bool),
    console: &Console,
    err: &mut dyn Write,
) -> Result<ExitCode, Trouble> {
    let (planned, skipped) = apply::of(fix, facts, risky);
    for skipped in &skipped {
        say(err, &format!("not done: {} ({})", skipped.what, skipped.because));
    }
    let others = fix.artefacts.iter().filter(|a| a.here.is_none()).count() + fix.by_hand.len();
    if others > 0 {
        say(err, "the rest is yours: doctor fix shows it");
    }
    if planned.is_empty() {
        say(err, "nothing to do here");
        return Ok(ExitCode::Success);
    }
    for one in &planned {
        let now = one.action.instead_of().map_or_else(String::new, |now| format!(", now {now}"));
        say(err, &format!("to do: {}{now}, for {}", one.action.words(), one.why.join(", ")));
    }
    if !yes && !agreed(err)? {
        say(err, "nothing was changed");
        return Ok(ExitCode::Findings);
    }
    let mut journal = open(console)?;
    let done = apply::carry_out(&planned, &mut journal, &mut |action| {
        say(err, &format!("done: {}", action.words()));
    });
    done.map_err(|error| {
        Trouble::Source(format!("{error}; doctor fix --undo takes back what was done"))
    })?;
    say(err, "doctor fix --undo takes it back");
    Ok(ExitCode::Success)
}

/// Takes back what was done.
pub(super) fn undo(yes: bool, console: &Console, err: &mut dyn Write) -> Result<ExitCode, Trouble> {
    let nothing = |err: &mut dyn Write| {
        say(err, "nothing to take back");
        Ok(ExitCode::Success)
    };
    if matches!(Journal::exists(console.variable), Ok(false)) {
        return nothing(err);
    }
    let mut journal = open(console)?;
    let pending = journal.pending();
    if pending.is_empty() {
        return nothing(err);
    }
    for (_, action) in pending.iter().rev() {
        say(err, &format!("to take back: {}", action.words()));
    }
    if !yes && !agreed(err)? {
        say(err, "nothing was changed");
        return Ok(ExitCode::Findings);
    }
    let all = apply::take_back(&mut journal, &mut |action, undone| match undone {
        Undone::Back => say(err, &format!("taken back: {}", action.words())),
        Undone::Already => say(err, &format!("as it was: {}", action.words())),
        Undone::Changed(what) => say(err, &format!("left alone: {what}")),
    });
    let all = all.map_err(|error| Trouble::Source(error.to_string()))?;
    Ok(if all { ExitCode::Success } else { ExitCode::Findings })
}

fn open(console: &Console) -> Result<Journal, Trouble> {
    Journal::open(console.variable)
        .map_err(|error| Trouble::Source(format!("cannot keep a journal: {error}")))
}

fn agreed(err: &mut dyn Write) -> Result<bool, Trouble> {
    if !io::stdin().is_terminal() {
        return Err(Trouble::Usage("nobody can be asked here: say --yes".to_owned()));
    }
    let _ = write!(err, "doctor: go on? [y/N] ");
    let _ = err.flush();
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|e| Trouble::Source(e.to_string()))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Who cannot be told has it done anyway.
fn say(err: &mut dyn Write, text: &str) {
    let _ = writeln!(err, "doctor: {}", escape(text));
}
