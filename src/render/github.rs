//! Workflow commands of GitHub Actions: annotations of the run, one line each.
//!
//! A step shows ten errors, ten warnings and ten notices: one line per root cause, the worst first, and one
//! for all that could not be judged. Short, since an annotation is read beside others: what it is and the
//! best remedy. What does not fit belongs into the job summary, which `markdown` is for.

use std::io::{self, Write};

use dind_doctor_checks::target::{Severity, Target};

use super::{
    entries::{self, Entry},
    prose,
    table::{counts, place},
};
use crate::report::{CheckReport, Report, Status, TargetReport};

/// Characters of a text; a whole message may have 4096 bytes.
const LONG: usize = 300;

/// So many lines to paste fit into an annotation.
const FEW: usize = 8;

/// The report as workflow commands, and one line for the log.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for entry in entries::of(report) {
        let level = match entry.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        command(level, &title(&entry, report), &message(&entry, report), out)?;
    }
    let targets = report.selected();
    let open = |check: &&CheckReport| check.counts() && check.open_status(&targets).is_some();
    let by_itself =
        |check: &&CheckReport| check.fails && check.found().worst(&targets) < Some(report.fail_on);
    for check in report.checks.iter().filter(open).filter(by_itself) {
        let status = check.open_status(&targets).map_or("unknown", Status::name);
        command("error", &format!("{} ({status})", check.id), &not_judged(check, report), out)?;
    }
    let others: Vec<_> = report
        .checks
        .iter()
        .filter(open)
        .filter(|check| !check.fails && check.is_unjudged(&targets))
        .map(|check| check.id)
        .collect();
    if !others.is_empty() {
        let text = format!("{}\nwhat to grant or mount: doctor -v", others.join(", "));
        command("notice", "could not be judged", &text, out)?;
    }
    for crash in report.crashes() {
        command("warning", "a probe crashed", &prose::line_of(&crash, LONG), out)?;
    }
    if let Some(found) = report.found_configuration() {
        command("notice", "decided by a file that was found", &prose::line_of(&found, LONG), out)?;
    }
    // Of our own words only: a line that holds others' could be taken for a command of its own.
    let readiness = report.targets.iter().filter(|target| target.selected);
    let readiness: Vec<_> = readiness.map(TargetReport::told).collect();
    writeln!(out, "dind-doctor: {}; {}", readiness.join(", "), counts(report))
}

/// `stray-kubepods-cgroup (kind)`
fn title(entry: &Entry<'_>, report: &Report) -> String {
    let hurt = report.selected().into_iter().filter(|t| entry.check.severity_for(*t).is_some());
    let hurt: Vec<_> = hurt.map(Target::name).collect();
    format!("{} ({})", entry.check.id, hurt.join(", "))
}

fn message(entry: &Entry<'_>, report: &Report) -> String {
    let mut lines = Vec::new();
    if let Some(first) = entry.findings.first() {
        let more = match entry.findings.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        lines.push(format!("{}{more}", prose::line_of(&first.summary, LONG)));
    }
    fix(entry.check, report, &mut lines);
    let explained: Vec<_> = entry.explains.iter().map(|entry| entry.check.id).collect();
    if !explained.is_empty() {
        lines.push(format!("explains: {}", explained.join(", ")));
    }
    lines.push(format!("more: doctor explain {}", entry.check.id));
    lines.join("\n")
}

fn not_judged(check: &CheckReport, report: &Report) -> String {
    let mut lines = vec![prose::line_of(&super::case::reason(check), LONG)];
    fix(check, report, &mut lines);
    lines.join("\n")
}

/// The best remedy; what is too long to paste from an annotation is left to `doctor`.
fn fix(check: &CheckReport, report: &Report, lines: &mut Vec<String>) {
    let found = prose::findings(check, &report.selected());
    let remedies = prose::remedies(check, &found, &report.environment.surroundings);
    let Some(best) = remedies.first() else { return };
    let labels = std::iter::once("fix").chain(std::iter::repeat("and"));
    for (step, label) in best.steps().zip(labels) {
        lines.push(format!("{label}, {}: {}", place(step.place), prose::line_of(&step.text, LONG)));
        for (_, text) in prose::paste(step) {
            if text.lines().count() <= FEW && text.chars().count() <= 2 * LONG {
                lines.extend(text.lines().map(|line| format!("  {line}")));
            }
        }
    }
}

fn command(level: &str, title: &str, message: &str, out: &mut dyn Write) -> io::Result<()> {
    let title = data(title).replace(':', "%3A").replace(',', "%2C");
    writeln!(out, "::{level} title={title}::{}", data(message))
}

/// As the toolkit of GitHub Actions escapes it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn a_command_is_one_line_and_nothing_leaves_its_place() {
        let mut out = Vec::new();
        command("error", "a: b, 100%", "50%\n::error::x,y", &mut out).unwrap();
        let want = "::error title=a%3A b%2C 100%25::50%25%0A::error::x,y\n";
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }
}
