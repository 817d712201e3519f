//! TAP, for prove, bats and whatever counts `ok`: one test point per check, with a YAML block for whatever
//! is worth a word.
//!
//! The stream is TAP 14 but for its first line, which says 13: the two differ in nothing that is used here,
//! and prove of Perl 5.36 (Debian 12) fails every stream that says 14.

mod yaml;

use std::io::{self, Write};

use dind_doctor_checks::{outcome::Finding, remedy::Rendered};
use yaml::{Map, Node};

use super::{case::Case, list::in_words, prose, table};
use crate::report::{CheckReport, Report, Status};

/// The report as one TAP stream.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "TAP version 13\n1..{}", report.checks.len())?;
    for (at, check) in report.checks.iter().enumerate() {
        let (number, id) = (at + 1, check.id);
        match Case::of(check) {
            Case::Passed => writeln!(out, "ok {number} - {id}")?,
            Case::Failed | Case::NotJudged => writeln!(out, "not ok {number} - {id}")?,
            Case::Skipped(reason) => {
                // A second # could be taken for another directive.
                let reason = prose::line(&reason).replace('#', "\\#");
                writeln!(out, "ok {number} - {id} # SKIP {reason}")?;
            }
        }
        if check.status == Status::Finding || check.status.is_open() {
            writeln!(out, "  ---")?;
            yaml::write(&diagnostic(report, check), 2, out)?;
            writeln!(out, "  ...")?;
        }
    }
    for target in report.targets.iter().filter(|target| target.selected) {
        writeln!(out, "# {} is {}", target.target, target.readiness.name())?;
    }
    for crash in report.crashes() {
        writeln!(out, "# {}", prose::line(&crash))?;
    }
    if let Some(found) = report.found_configuration() {
        writeln!(out, "# {}", prose::line(&found))?;
    }
    writeln!(out, "# {}", table::counts(report))
}

fn diagnostic(report: &Report, check: &CheckReport) -> Map {
    let targets = report.selected();
    let found = prose::findings(check, &targets);
    let severity = check.severity.map(|severity| severity.name().to_owned());
    let remedies = prose::remedies(check, &found, &report.environment.surroundings);
    let shown = found.iter().take(prose::MANY);
    vec![
        ("message", Node::Line(prose::headline(check, &targets))),
        ("severity", Node::Line(severity.unwrap_or_default())),
        ("findings", Node::List(shown.map(|found| finding(found)).collect())),
        ("because_of", Node::Line(prose::causes(&found).join(", "))),
        ("assumed", Node::Line(prose::assumed(&found).join(", "))),
        ("fixes", Node::List(remedies.iter().map(fix).collect())),
        ("more", Node::Line(format!("doctor explain {}", check.id))),
    ]
}

fn finding(finding: &Finding) -> Map {
    let seen = |(source, value): (String, String)| {
        vec![("source", Node::Line(source)), ("value", Node::Line(value))]
    };
    let (shown, _) = prose::evidence(finding);
    vec![
        ("subject", Node::Line(prose::line(&finding.subject))),
        ("summary", Node::Line(prose::line(&finding.summary))),
        ("severity", Node::Line(in_words(finding.severity))),
        ("seen", Node::List(shown.into_iter().map(seen).collect())),
    ]
}

fn fix(remedy: &Rendered) -> Map {
    let mut fix = step(remedy);
    if !remedy.then.is_empty() {
        fix.push(("and", Node::List(remedy.then.iter().map(step).collect())));
    }
    fix
}

fn step(remedy: &Rendered) -> Map {
    let mut fix = vec![
        ("where", Node::Line(remedy.place.name().to_owned())),
        ("text", Node::Line(prose::line(&remedy.text))),
    ];
    for (language, pasted) in prose::paste(remedy) {
        let key = if language == "sh" { "commands" } else { "snippet" };
        fix.push((key, Node::Lines(pasted)));
    }
    fix
}
