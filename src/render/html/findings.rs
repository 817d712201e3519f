//! What is wrong, and what could not be judged.

use super::{
    markup::Markup,
    sections::{class, link, remedies, section, word},
};
use crate::render::page::{Check, Finding, Page};

/// So many findings are open when the page is; of more only the errors, and of more errors the first few.
const FEW: usize = 6;

/// So many observations of a finding are in full view: a cgroup v1 machine has one per controller.
const OBSERVATIONS: usize = 5;

pub(super) fn found(page: &Page) -> Markup {
    let errors = page.found.iter().filter(|check| check.severity == "error").count();
    let all: Vec<_> = page
        .found
        .iter()
        .enumerate()
        .map(|(at, check)| {
            let is_open =
                at < FEW && (check.severity == "error" || errors < FEW && check.severity != "info");
            entry(check, is_open)
        })
        .collect();
    if all.is_empty() {
        let nothing = Markup::text("Nothing was found for these targets.");
        return section("Findings", vec![Markup::tag("p", &[], [nothing])]);
    }
    section("Findings", all)
}

pub(super) fn open(page: &Page) -> Markup {
    section("Could not be judged", page.open.iter().map(|check| entry(check, false)).collect())
}

fn entry(check: &Check, is_open: bool) -> Markup {
    let judged = !check.findings.is_empty();
    let name = if judged { check.severity.as_str() } else { "unknown" };
    let label = if judged { name } else { check.status.as_str() };
    let others = match check.alike.len() {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let headline = match check.findings.as_slice() {
        [] => check.reason.clone(),
        [one] => one.summary.clone(),
        [first, more @ ..] => format!("{} (and {} more)", first.summary, more.len()),
    };
    let summary = Markup::tag(
        "summary",
        &[],
        [
            word(label),
            Markup::text(" "),
            Markup::tag("code", &[], [Markup::text(&check.id)]),
            Markup::text(&others),
            Markup::tag("span", &[("class", "dim")], [Markup::text(&headline)]),
        ],
    );
    let mut content = vec![summary, about(check)];
    let several = check.findings.len() > 1;
    content.extend(check.findings.iter().map(|finding| seen(finding, several)));
    content.push(notes(check));
    content.extend(remedies(&check.remedies, "Fix"));
    let class = format!("finding {}", class(name));
    let mut attributes = vec![("class", class.as_str()), ("id", check.id.as_str())];
    if is_open {
        attributes.push(("open", "open"));
    }
    Markup::tag("details", &attributes, content)
}

fn about(check: &Check) -> Markup {
    let hurt: Vec<_> = check.hurt.iter().map(|(t, severity)| format!("{t}: {severity}")).collect();
    let hurt = if hurt.is_empty() { String::new() } else { format!(" ({})", hurt.join(", ")) };
    let known = if check.known { ", known (baseline)" } else { "" };
    Markup::tag("p", &[], [Markup::text(&format!("{}{hurt}{known}", check.title))])
}

fn seen(finding: &Finding, several: bool) -> Markup {
    let mut content = Vec::new();
    if several {
        content.push(Markup::tag("h3", &[], [Markup::text(&finding.summary)]));
    }
    let few = finding.evidence.len().min(OBSERVATIONS);
    // One more is no reason to fold.
    let few = if finding.evidence.len() == few + 1 { few + 1 } else { few };
    let (shown, folded) = finding.evidence.split_at(few);
    content.extend(observations(shown));
    if !folded.is_empty() {
        let more = format!("{} more observations", folded.len());
        let summary = Markup::tag("summary", &[], [Markup::text(&more)]);
        let folded = std::iter::once(summary).chain(observations(folded));
        content.push(Markup::tag("details", &[], folded));
    }
    Markup::tag("div", &[], content)
}

fn observations(evidence: &[(String, String)]) -> Option<Markup> {
    let rows = evidence.iter().flat_map(|(source, value)| {
        let value = Markup::tag("code", &[], [Markup::text(value)]);
        [Markup::tag("dt", &[], [Markup::text(source)]), Markup::tag("dd", &[], [value])]
    });
    (!evidence.is_empty()).then(|| Markup::tag("dl", &[], rows))
}

/// Because of what it is, and on what it rests.
fn notes(check: &Check) -> Markup {
    let mut items = Vec::new();
    if !check.alike.is_empty() {
        let mut content = vec![Markup::text("the same is missing for ")];
        for (at, id) in check.alike.iter().enumerate() {
            if at > 0 {
                content.push(Markup::text(", "));
            }
            content.push(Markup::tag("code", &[("id", id)], [Markup::text(id)]));
        }
        items.push(Markup::tag("li", &[], content));
    }
    if !check.caused_by.is_empty() {
        let mut content = vec![Markup::text("because of ")];
        for (at, id) in check.caused_by.iter().enumerate() {
            if at > 0 {
                content.push(Markup::text(", "));
            }
            content.push(link(id));
        }
        items.push(Markup::tag("li", &[], content));
    }
    items.extend(check.assumed.iter().map(|version| {
        let name = version.split(' ').next().unwrap_or_default();
        let text = format!("assumed: {version}; --assume {name}=V if it is another");
        Markup::tag("li", &[], [Markup::text(&text)])
    }));
    if items.is_empty() { Markup::default() } else { Markup::tag("ul", &[], items) }
}
