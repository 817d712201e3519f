//! What will run.

use std::io::{self, Write};

use dind_doctor_checks::outcome::Proof;

use super::{
    View, grid,
    style::{HEADING, LABEL, PLAIN, of_readiness},
};
use crate::report::{Readiness, Report, TargetReport};

/// The targets that were asked for, marked, and then the others, if everything is asked for.
pub(in crate::render) fn write(report: &Report, view: View, out: &mut dyn Write) -> io::Result<()> {
    let (asked, others): (Vec<_>, Vec<_>) = report.targets.iter().partition(|t| t.selected);
    let others = others.into_iter().filter(|_| view.is_verbose());
    let rows: Vec<_> = asked
        .into_iter()
        .chain(others)
        .map(|target| {
            let (mark, name, readiness, why) = if target.selected {
                (">", HEADING, of_readiness(target.readiness), PLAIN)
            } else {
                ("-", LABEL, LABEL, LABEL)
            };
            vec![
                (mark.to_owned(), name),
                (target.target.name().to_owned(), name),
                (target.called().to_owned(), readiness),
                (because(target, view) + &adjusted(target, view), why),
            ]
        })
        .collect();
    grid::rows(&rows, 0, view.width, out)
}

fn because(target: &TargetReport, view: View) -> String {
    match target.readiness {
        Readiness::Blocked => format!("by {}", some_of(&target.blockers, view)),
        Readiness::Degraded => {
            let by = format!("by {}", some_of(&target.degraded_by, view));
            let told = target.rehearsed.as_ref().filter(|_| target.proof == Proof::Rehearsal);
            told.map_or(by.clone(), |told| format!("{by}; rehearsed: {told}"))
        }
        Readiness::Unknown => {
            format!("not judged: {}", some_of(&target.unknown_because, view))
        }
        Readiness::Ready => match (target.proof, &target.rehearsed) {
            (Proof::Rehearsal, Some(told)) => format!("rehearsed: {told}"),
            (Proof::Static, _) => "(not tried)".to_owned(),
            _ => "(proved by trial)".to_owned(),
        },
    }
}

/// What it would be without ignores and overrides.
fn adjusted(target: &TargetReport, view: View) -> String {
    if target.adjusted_by.is_empty() {
        return String::new();
    }
    let checks = some_of(&target.adjusted_by, view);
    format!("; {} without ignores and overrides ({checks})", target.as_found.name())
}

/// The first few names, and how many more there are.
pub(super) fn some_of(names: &[&str], view: View) -> String {
    const FEW: usize = 3;
    if view.is_verbose() || names.len() <= FEW + 1 {
        return names.join(", ");
    }
    format!("{} and {} more", names[..FEW].join(", "), names.len() - FEW)
}
