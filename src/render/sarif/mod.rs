//! SARIF 2.1.0, for GitHub code scanning and editors.
//!
//! Results are what was found for the targets that were asked for; every check is a rule. What could not be
//! judged is a notification of the run, and so is what is ignored: GitHub shows suppressed results as open.

mod anchor;
mod fingerprint;
mod wire;

use std::io::{self, Write};

pub use anchor::Anchor;
use dind_doctor_checks::{outcome::Finding, target::Severity};
use fingerprint::Fingerprints;

use super::{case, explain, json, prose, table::place};
use crate::report::{CheckReport, Report, Status};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The report as one SARIF log, with all results at `anchor`.
pub fn render(report: &Report, anchor: &Anchor, out: &mut dyn Write) -> io::Result<()> {
    let mut fingerprints = Fingerprints::default();
    let mut results = Vec::new();
    for (index, check) in report.checks.iter().enumerate().filter(|(_, check)| check.counts()) {
        for finding in &check.findings {
            let Some(severity) = finding.severity.worst(&report.selected()) else { continue };
            let print = fingerprints.of(check.id, &finding.subject);
            results.push(result(report, check, finding, severity, index, anchor, print));
        }
    }
    let driver = wire::Driver {
        name: "dind-doctor",
        semantic_version: report.version,
        rules: report.checks.iter().map(|check| rule(report, check)).collect(),
    };
    let run = wire::Run {
        tool: wire::Tool { driver },
        invocations: [invocation(report)],
        results,
        column_kind: "unicodeCodePoints",
    };
    json::document(&wire::Log { schema: SCHEMA, version: "2.1.0", runs: [run] }, out)
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn rule(report: &Report, check: &CheckReport) -> wire::Rule {
    let markdown = explain::markdown(check.doc);
    let worst = check.worst.worst(&report.selected());
    wire::Rule {
        id: check.id,
        short_description: message(check.title),
        full_description: message(&why(&markdown).unwrap_or_else(|| check.title.to_owned())),
        help: wire::Help { text: markdown.clone(), markdown },
        default_configuration: wire::Configuration { level: worst.map_or("none", level) },
        properties: wire::RuleProperties {
            tags: [check.area.name()],
            severity: match worst {
                Some(Severity::Error) => "error",
                Some(Severity::Warning) => "warning",
                Some(Severity::Info) | None => "recommendation",
            },
        },
    }
}

/// The paragraph that says why the problem matters.
fn why(markdown: &str) -> Option<String> {
    let (_, rest) = markdown.split_once("## Why it matters\n")?;
    let paragraph = rest.split("\n\n").next()?;
    Some(paragraph.lines().collect::<Vec<_>>().join(" "))
}

fn result<'a>(
    report: &Report,
    check: &CheckReport,
    finding: &Finding,
    severity: Severity,
    rule_index: usize,
    anchor: &'a Anchor,
    print: String,
) -> wire::Result<'a> {
    wire::Result {
        rule_id: check.id,
        rule_index,
        level: level(severity),
        message: message(&text(report, check, finding)),
        locations: [wire::Location {
            physical_location: wire::PhysicalLocation {
                artifact_location: wire::ArtifactLocation { uri: anchor.uri() },
                region: wire::Region { start_line: 1 },
            },
            logical_locations: [wire::LogicalLocation {
                fully_qualified_name: prose::line(&finding.subject),
                kind: "resource",
            }],
        }],
        partial_fingerprints: wire::Fingerprints {
            primary_location_line_hash: print.clone(),
            id_and_subject: print,
        },
        properties: wire::ResultProperties {
            severity: finding.severity.iter().map(|(t, s)| (t.name(), s.name())).collect(),
            caused_by: finding.caused_by.clone(),
        },
    }
}

/// What is wrong, what was seen, and what to do: where results are listed, only the first line is shown.
fn text(report: &Report, check: &CheckReport, finding: &Finding) -> String {
    let mut lines = vec![prose::line(&finding.summary)];
    let (shown, more) = prose::evidence(finding);
    lines.extend(shown.iter().map(|(source, value)| format!("Seen: {source}: {value}")));
    if more > 0 {
        lines.push(format!("And {more} more observations"));
    }
    lines.extend(
        prose::assumed(&[finding]).into_iter().map(|version| format!("Assumed: {version}")),
    );
    let around = &report.environment.surroundings;
    for (at, remedy) in prose::remedies(check, &[finding], around).iter().enumerate() {
        let first = if at == 0 { "Fix" } else { "Or" };
        let labels = std::iter::once(first).chain(std::iter::repeat("And"));
        for (step, label) in remedy.steps().zip(labels) {
            lines.push(format!("{label}, {}: {}", place(step.place), prose::line(&step.text)));
            for (_, pasted) in prose::paste(step) {
                lines.extend(pasted.lines().map(|line| format!("    {line}")));
            }
        }
    }
    lines.join("\n")
}

fn invocation(report: &Report) -> wire::Invocation {
    let targets = report.selected();
    let mut execution = Vec::new();
    let mut configuration = Vec::new();
    for (index, check) in report.checks.iter().enumerate() {
        let note = |level| wire::Notification {
            associated_rule: Some(wire::RuleReference { id: check.id, index }),
            level,
            message: message(&prose::line(&case::reason(check))),
        };
        match check.status {
            _ if !check.counts() => configuration.push(note("note")),
            Status::Unknown | Status::Crashed if check.fails => execution.push(note("error")),
            Status::Unknown if check.worst.worst(&targets).is_none() => {
                execution.push(note("note"));
            }
            Status::Unknown | Status::Crashed => execution.push(note("warning")),
            Status::Finding | Status::Pass | Status::NotApplicable => {}
        }
    }
    configuration.extend(report.found_configuration().map(|found| wire::Notification {
        associated_rule: None,
        level: "note",
        message: message(&prose::line(&found)),
    }));
    execution.extend(report.timed_out.iter().map(|probe| wire::Notification {
        associated_rule: None,
        level: "warning",
        message: message(&format!("no answer in time: {}", prose::line(probe))),
    }));
    execution.extend(report.crashed_probes.iter().map(|crash| wire::Notification {
        associated_rule: None,
        level: "error",
        message: message(&prose::line(&format!("{} crashed: {}", crash.probe, crash.message))),
    }));
    wire::Invocation {
        execution_successful: true,
        exit_code: report.exit_code,
        tool_execution_notifications: execution,
        tool_configuration_notifications: configuration,
    }
}

/// In the plain text of SARIF `[text](target)` is a link: it is told apart from what only looks like one.
fn message(text: &str) -> wire::Message {
    wire::Message { text: text.replace("](", "\\](") }
}
