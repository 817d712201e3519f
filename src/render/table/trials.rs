//! What was tried, and how far it came.

use std::io::{self, Write};

use dind_doctor_checks::facts::{Ending, Step, Trial, TrialName};

use super::{
    View, grid,
    style::{LABEL, PLAIN},
};
use crate::{render::escape, report::Report};

pub(super) fn write(report: &Report, view: View, out: &mut dyn Write) -> io::Result<()> {
    if report.trials.runs.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut rows = Vec::new();
    for (at, trial) in report.trials.runs.iter().enumerate() {
        let label = if at == 0 { "tried" } else { "" };
        let refuted = match trial.name {
            TrialName::Rehearse => report.refuted_by(&trial.subject),
            _ => Vec::new(),
        };
        let mut text = line(trial);
        if !refuted.is_empty() {
            text = format!("{text}; refutes {}", refuted.join(", "));
        }
        rows.push(row(label, trial.name.name(), &text));
        if view.is_verbose() {
            rows.extend(trial.steps.iter().map(|step| row("", "", &detail(step))));
        }
        let left = trial.left_behind.iter();
        rows.extend(left.map(|what| row("", "", &format!("left behind: {what}"))));
    }
    grid::rows(&rows, 0, view.width, out)
}

fn row(label: &str, name: &str, text: &str) -> Vec<(String, owo_colors::Style)> {
    vec![(label.to_owned(), LABEL), (name.to_owned(), LABEL), (escape(text).into_owned(), PLAIN)]
}

/// `/var/lib: worked`.
fn line(trial: &Trial) -> String {
    let how = match (&trial.ending, trial.failure()) {
        (Ending::Skipped(why), _) => format!("not tried: {why}"),
        (Ending::TimedOut, None) => "ended at its deadline".to_owned(),
        (Ending::Died, None) => "was killed".to_owned(),
        (Ending::Complete, _) if trial.name == TrialName::Leftovers => removed(trial),
        (Ending::Complete, None) => "worked".to_owned(),
        (_, Some(step)) => format!("failed: {}", detail(step)),
    };
    if trial.subject.is_empty() { how } else { format!("{}: {how}", trial.subject) }
}

/// `mount overlay (in a user namespace): EPERM`.
fn detail(step: &Step) -> String {
    let action = step.action.words();
    if step.object.is_empty() {
        format!("{action}: {step}")
    } else {
        format!("{action} ({}): {step}", step.object)
    }
}

fn removed(trial: &Trial) -> String {
    let each: Vec<_> = trial
        .steps
        .iter()
        .map(|step| match &step.refused {
            None => step.object.to_string(),
            Some(refused) => format!("{} (not removed: {})", step.object, refused.what),
        })
        .collect();
    format!("removed what an earlier run that was killed has left: {}", each.join(", "))
}
