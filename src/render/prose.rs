//! One check in plain text: all that is needed to fix it without opening anything else.
//!
//! Every line is escaped; the only control character is the newline between lines.

use std::collections::BTreeMap;

use dind_doctor_checks::{
    outcome::Finding,
    remedy::{Remedy, Rendered, Surroundings},
    target::Target,
};

use super::{case, escape, list::in_words, snippet, table::place};
use crate::report::CheckReport;

/// Longer texts are cut: whoever can name a directory can make them thousands of characters long, and
/// readers of these formats have limits. Commands are never cut.
const LONG: usize = 1000;

/// So many findings of one check are told in full.
pub(super) const MANY: usize = 20;

/// So many observations are told per finding: a cgroup v1 machine has one per controller.
const FEW: usize = 5;

/// `text` escaped, and cut if it is long.
pub(super) fn line(text: &str) -> String {
    line_of(text, LONG)
}

/// `text` escaped, and cut to about so many characters.
pub(super) fn line_of(text: &str, most: usize) -> String {
    let text = escape(text);
    match text.char_indices().nth(most) {
        Some((end, _)) => {
            let more = text[end..].chars().count();
            format!("{}… ({more} more characters)", &text[..end])
        }
        None => text.into_owned(),
    }
}

/// What is to be pasted, escaped line by line.
pub(super) fn block(text: &str) -> String {
    text.lines().map(escape).collect::<Vec<_>>().join("\n")
}

/// The check in one line: its first finding and how many more there are, or why there is none.
pub(super) fn headline(check: &CheckReport, targets: &[Target]) -> String {
    let findings = findings(check, targets);
    let Some(first) = findings.first() else { return line(&case::reason(check)) };
    match findings.len() - 1 {
        0 => line(&first.summary),
        more => format!("{} (and {more} more)", line(&first.summary)),
    }
}

/// The findings that concern these targets, worst first; all of them if none does.
pub(super) fn findings<'a>(check: &'a CheckReport, targets: &[Target]) -> Vec<&'a Finding> {
    let mut findings: Vec<_> =
        check.findings.iter().filter(|f| f.severity.worst(targets).is_some()).collect();
    if findings.is_empty() {
        findings = check.findings.iter().collect();
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity.worst(targets)));
    findings
}

/// The first observations of a finding, as source and value, and how many more there are.
pub(super) fn evidence(finding: &Finding) -> (Vec<(String, String)>, usize) {
    let shown = finding.evidence.iter().take(FEW);
    let shown = shown.map(|seen| (line(&seen.source), line(&seen.value))).collect();
    (shown, finding.evidence.len().saturating_sub(FEW))
}

/// Each different remedy once, the best first, as the launcher in use writes it.
pub(super) fn remedies(
    check: &CheckReport,
    found: &[&Finding],
    around: &Surroundings,
) -> Vec<Rendered> {
    let mut told: Vec<&Remedy> = Vec::new();
    for remedy in found.iter().flat_map(|f| &f.remedies).chain(&check.remedies) {
        if !told.contains(&remedy) {
            told.push(remedy);
        }
    }
    told.into_iter().filter_map(|remedy| remedy.render(around).into_iter().next()).collect()
}

/// How the steps of a remedy begin: alternatives with "or", steps with "and".
fn labels(at: usize) -> impl Iterator<Item = &'static str> {
    let first = if at == 0 { "\nfix" } else { "or" };
    std::iter::once(first).chain(std::iter::repeat("and"))
}

/// What to paste, if anything, and its language.
pub(super) fn paste(remedy: &Rendered) -> Vec<(&'static str, String)> {
    let commands = remedy.commands.iter().map(|command| escape(command)).collect::<Vec<_>>();
    let commands = (!commands.is_empty()).then(|| ("sh", commands.join("\n")));
    let snippet = remedy.snippet.as_ref();
    commands
        .into_iter()
        .chain(snippet.map(|s| (snippet::language(s), block(&snippet::text(s)))))
        .collect()
}

/// Versions that these findings assume: `kubernetes 1.37.0`.
pub(super) fn assumed(found: &[&Finding]) -> Vec<String> {
    let assumed: BTreeMap<_, _> = found.iter().flat_map(|finding| &finding.assumed).collect();
    assumed
        .into_iter()
        .map(|(component, version)| {
            format!("{component} {}; --assume {component}=V if it is another", line(version))
        })
        .collect()
}

/// Other findings that explain these.
pub(super) fn causes<'a>(found: &[&'a Finding]) -> Vec<&'a str> {
    let mut causes = Vec::new();
    for cause in found.iter().flat_map(|finding| &finding.caused_by) {
        if !causes.contains(cause) {
            causes.push(*cause);
        }
    }
    causes
}

/// The whole check, several lines without one at the end.
pub(super) fn details(check: &CheckReport, targets: &[Target], around: &Surroundings) -> String {
    let found = findings(check, targets);
    let mut lines = vec![check.title.to_owned()];
    if check.status.is_open() || found.is_empty() {
        lines.push(line(&case::reason(check)));
    }
    for finding in found.iter().take(MANY) {
        lines.push(String::new());
        lines.push(format!("{} ({})", line(&finding.summary), in_words(finding.severity)));
        let (shown, more) = evidence(finding);
        lines.extend(shown.iter().map(|(source, value)| format!("seen: {source}: {value}")));
        if more > 0 {
            lines.push(format!("and {more} more observations"));
        }
    }
    if let Some(more) = found.len().checked_sub(MANY).filter(|more| *more > 0) {
        lines.push(format!("\nand {more} more"));
    }
    let notes = lines.len();
    lines.extend(assumed(&found).into_iter().map(|version| format!("assumed: {version}")));
    let causes = causes(&found);
    if !causes.is_empty() {
        lines.push(format!("because of: {}", causes.join(", ")));
    }
    if lines.len() > notes && found.len() > 1 {
        lines.insert(notes, String::new());
    }
    for (at, remedy) in remedies(check, &found, around).iter().enumerate() {
        for (step, label) in remedy.steps().zip(labels(at)) {
            lines.push(format!("{label}, {}: {}", place(step.place), line(&step.text)));
            for (_, text) in paste(step) {
                lines.extend(text.lines().map(|line| format!("    {line}")));
            }
        }
    }
    lines.push(format!("\nmore: doctor explain {}", check.id));
    lines.join("\n")
}
