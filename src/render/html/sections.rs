//! What stands around the findings.

use super::markup::Markup;
use crate::render::page::{Page, Remedy, Step, Target, few, place};

/// A section with a heading; nothing, if there is nothing in it.
pub(super) fn section(heading: &'static str, content: Vec<Markup>) -> Markup {
    if content.iter().all(Markup::is_empty) {
        return Markup::default();
    }
    let heading = Markup::tag("h2", &[], [Markup::text(heading)]);
    Markup::tag("section", &[], std::iter::once(heading).chain(content))
}

/// A severity or a readiness, in its colour and as a word.
pub(super) fn word(word: &str) -> Markup {
    Markup::tag("span", &[("class", "word")], [Markup::text(word)])
}

/// Only names of our own are names of classes.
pub(super) fn class(name: &str) -> &'static str {
    let known = ["error", "warning", "info", "unknown", "blocked", "degraded", "ready"];
    known.into_iter().find(|known| *known == name).unwrap_or_default()
}

/// To the entry of a check.
pub(super) fn link(id: &str) -> Markup {
    let name = Markup::tag("code", &[], [Markup::text(id)]);
    Markup::tag("a", &[("href", &format!("#{id}"))], [name])
}

pub(super) fn header(page: &Page) -> Markup {
    let this = page.environment.iter().find(|(label, _)| label == "this is");
    let mut content = vec![Markup::tag("h1", &[], [Markup::text(&page.verdict())])];
    if let Some((_, line)) = this {
        content.push(dim(&format!("this is {line}")));
    }
    content.push(dim(&page.counts()));
    content.push(Markup::tag("ul", &[("class", "targets")], page.asked().map(target)));
    content.extend(page.notes.iter().map(|note| Markup::tag("p", &[], [Markup::text(note)])));
    Markup::tag("header", &[], content)
}

fn dim(text: &str) -> Markup {
    Markup::tag("p", &[("class", "dim")], [Markup::text(text)])
}

fn target(target: &Target) -> Markup {
    let mut content =
        vec![Markup::tag("b", &[], [Markup::text(&target.name)]), word(target.called())];
    let (first, more) = few(&target.because);
    let mut why = vec![Markup::tag("span", &[("class", "dim")], [Markup::text(target.why())])];
    for (at, id) in first.iter().enumerate() {
        why.push(Markup::text(if at == 0 { " " } else { ", " }));
        why.push(link(id));
    }
    why.extend(more.map(|more| Markup::text(&format!(" {more}"))));
    content.push(Markup::tag("span", &[], why));
    Markup::tag("li", &[("class", class(&target.readiness))], content)
}

pub(super) fn prescription(page: &Page) -> Markup {
    section("What to change", page.prescription.iter().flat_map(|r| steps(r, "")).collect())
}

/// The best in full view, the others folded.
pub(super) fn remedies(remedies: &[Remedy], label: &str) -> Vec<Markup> {
    let Some((best, others)) = remedies.split_first() else { return Vec::new() };
    let mut content = steps(best, label);
    if !others.is_empty() {
        let count = others.len();
        let ways =
            if count == 1 { "another way".to_owned() } else { format!("{count} other ways") };
        let summary = Markup::tag("summary", &[], [Markup::text(&ways)]);
        let others = others.iter().flat_map(|other| steps(other, "Or"));
        content.push(Markup::tag("details", &[], std::iter::once(summary).chain(others)));
    }
    content
}

fn steps(remedy: &Remedy, label: &str) -> Vec<Markup> {
    let launcher = remedy.launcher.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let labels = std::iter::once(label).chain(std::iter::repeat("And"));
    remedy.steps.iter().zip(labels).flat_map(|(step, label)| one(step, label, &launcher)).collect()
}

fn one(step: &Step, label: &str, launcher: &str) -> Vec<Markup> {
    let place = place(&step.place);
    let text = if label.is_empty() {
        format!("{}:", step.text)
    } else {
        format!("{launcher}, {place}: {}", step.text)
    };
    let label = Markup::tag("b", &[], [Markup::text(label)]);
    let mut content = vec![Markup::tag("p", &[], [label, Markup::text(&text)])];
    content.extend(step.paste.iter().map(|(_, text)| {
        let code = Markup::tag("code", &[], [Markup::pasted(text)]);
        Markup::tag("div", &[("class", "paste")], [Markup::tag("pre", &[], [code])])
    }));
    content
}

pub(super) fn trials(page: &Page) -> Markup {
    section("What was tried", table(&page.trials))
}

pub(super) fn environment(page: &Page) -> Markup {
    section("This environment", table(&page.environment))
}

fn table(rows: &[(String, String)]) -> Vec<Markup> {
    let rows: Vec<_> = rows
        .iter()
        .flat_map(|(label, text)| {
            let label = Markup::tag("dt", &[], [Markup::text(label)]);
            [label, Markup::tag("dd", &[], [Markup::text(text)])]
        })
        .collect();
    if rows.is_empty() { Vec::new() } else { vec![Markup::tag("dl", &[], rows)] }
}

/// What does not count, and what is in order.
pub(super) fn aside(page: &Page) -> Markup {
    let others: Vec<_> =
        page.targets.iter().filter(|target| !target.selected).map(target).collect();
    let others = (!others.is_empty()).then(|| Markup::tag("ul", &[("class", "targets")], others));
    let content = vec![
        folded(
            "other targets",
            others.into_iter().collect(),
            page.targets.len() - page.asked().count(),
        ),
        folded("found for other targets", table(&page.elsewhere), page.elsewhere.len()),
        folded("ignored", table(&page.ignored), page.ignored.len()),
        folded("passed", table(&page.passed), page.passed.len()),
        folded("not applicable", table(&page.not_applicable), page.not_applicable.len()),
    ];
    section("Everything else", content)
}

fn folded(what: &str, content: Vec<Markup>, count: usize) -> Markup {
    if content.is_empty() {
        return Markup::default();
    }
    let summary = Markup::tag("summary", &[], [Markup::text(&format!("{count} {what}"))]);
    Markup::tag("details", &[], std::iter::once(summary).chain(content))
}

pub(super) fn footer(page: &Page) -> Markup {
    let source = if page.source == "bundle" { "a bundle" } else { "the machine itself" };
    let made = format!("dind-doctor {}, over {source}", page.doctor);
    let more = "Why a check matters and what else helps: doctor explain ID".to_owned();
    let lines = std::iter::once(&made).chain(&page.provenance).chain([&more]);
    Markup::tag("footer", &[], lines.map(|line| Markup::tag("p", &[], [Markup::text(line)])))
}

#[cfg(test)]
mod tests {
    use super::class;

    #[test]
    fn a_word_of_a_report_is_no_class_unless_it_is_known() {
        assert_eq!((class("error"), class("dim error")), ("error", ""));
    }
}
