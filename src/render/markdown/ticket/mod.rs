//! The page that people paste into a ticket: what whoever helps asks first, in an order in which it is read.

mod entry;

use std::io::{self, Write};

use entry::{Detail, line_of_code};

use super::syntax::{paragraph, text};
use crate::render::page::{Page, Target, few, place};

/// A ticket of GitHub takes 65,536 characters, and whoever writes it has something to say too.
const ROOM: usize = 48_000;

/// So many commands stand in the list of what was tried.
const COMMANDS: usize = 12;

/// The page as Markdown, whose headings begin at the second level. The more there is, the less is told of each.
pub fn write(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    let whole = |detail| whole(page, detail, page.found.len());
    for detail in Detail::ALL {
        let text = whole(detail)?;
        if text.chars().count() <= ROOM {
            return out.write_all(text.as_bytes());
        }
    }
    // Whoever makes a thousand findings gets the first of them.
    let mut count = page.found.len();
    loop {
        count /= 2;
        let text = self::whole(page, Detail::LEAST, count)?;
        if count == 0 || text.chars().count() <= ROOM {
            return out.write_all(text.as_bytes());
        }
    }
}

/// The page with so many findings.
fn whole(page: &Page, detail: Detail, count: usize) -> io::Result<String> {
    let mut out = Vec::new();
    writeln!(out, "## dind-doctor: {}\n", text(&page.verdict()))?;
    writeln!(out, "| target | readiness | why |\n| --- | --- | --- |")?;
    for target in page.asked() {
        let (name, readiness) = (text(&target.name), text(target.called()));
        writeln!(out, "| **{name}** | **{readiness}** | {} |", because(target))?;
    }
    for note in &page.notes {
        writeln!(out, "\n{}", paragraph(note))?;
    }
    environment(page, &mut out)?;
    if !page.prescription.is_empty() {
        writeln!(out, "\n### what to change")?;
        for remedy in &page.prescription {
            entry::remedy("", remedy, &mut out)?;
        }
    }
    writeln!(out, "\n### findings")?;
    for check in page.found.iter().take(count) {
        entry::found(check, detail, &mut out)?;
    }
    match page.found.len().saturating_sub(count) {
        0 if page.found.is_empty() => writeln!(out, "\nNothing was found for these targets.")?,
        0 => {}
        more => writeln!(out, "\nAnd {more} more: `--format html` has all.")?,
    }
    open(page, &mut out)?;
    aside(page, &mut out)?;
    tried(page, &mut out)?;
    let made = std::iter::once(&page.doctor).chain(&page.provenance).map(|line| text(line));
    writeln!(out, "\n<sub>dind-doctor {}</sub>", made.collect::<Vec<_>>().join(". "))?;
    String::from_utf8(out).map_err(io::Error::other)
}

fn because(target: &Target) -> String {
    let (first, more) = few(&target.because);
    let more = more.map(|more| format!(" {more}")).unwrap_or_default();
    format!("{} {}{more}", target.why(), entry::ids(first)).trim_end().to_owned()
}

fn environment(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n### environment\n")?;
    for (label, line) in page.environment.iter().chain(&page.trials) {
        writeln!(out, "- {}: {}", text(label), text(line))?;
    }
    Ok(())
}

/// What could not be judged, and what to grant first so that the next run knows.
fn open(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    if page.open.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n### could not be judged\n")?;
    for check in &page.open {
        let ids = entry::ids(std::iter::once(&check.id).chain(&check.alike));
        writeln!(out, "- {ids}: {}: {}", text(&check.status), text(&check.reason))?;
        if let Some(step) = check.remedies.first().and_then(|remedy| remedy.steps.first()) {
            writeln!(out, "  - {}: {}", text(place(&step.place)), text(&step.text))?;
        }
    }
    Ok(())
}

fn aside(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    if !page.elsewhere.is_empty() {
        let others = entry::ids(page.elsewhere.iter().map(|(id, _)| id));
        writeln!(out, "\nFor other targets: {others}.")?;
    }
    let ignored = page.ignored.iter().map(|(id, why)| format!("{} ({})", entry::id(id), text(why)));
    let ignored: Vec<_> = ignored.collect();
    if !ignored.is_empty() {
        writeln!(out, "\nIgnored: {}.", ignored.join(", "))?;
    }
    Ok(())
}

/// What to try, each with a box, and room for what the doctor cannot know.
fn tried(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    let advice =
        "Tick what you tried and say what happened: what you started, and the end of its log.";
    writeln!(out, "\n### what I tried\n\n<!-- {advice} -->\n")?;
    let commands = page.commands();
    for command in commands.iter().take(COMMANDS) {
        let mut lines = command.lines();
        let first = lines.next().unwrap_or_default();
        let more = if lines.next().is_some() { " …" } else { "" };
        writeln!(out, "- [ ] {}{more}", line_of_code(first))?;
    }
    if commands.is_empty() {
        writeln!(out, "- [ ]")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_ticket_holds_what_is_worst_of_a_thousand_findings() {
        let check = |n: usize| {
            json!({"id": format!("check-{n}"), "status": "finding", "title": "x".repeat(500),
                   "severity": if n == 999 { "error" } else { "warning" },
                   "findings": [{"severity": {"kind": "error"}, "summary": "y".repeat(500)}]})
        };
        let checks: Vec<_> = (0..1000).map(check).collect();
        let target = json!({"target": "kind", "selected": true, "readiness": "blocked"});
        let page = Page::read(&json!({"targets": [target], "checks": checks}));
        let mut out = Vec::new();
        write(&page, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.chars().count() <= ROOM);
        assert!(text.contains("check-999") && text.contains(" more: `--format html` has all."));
    }
}
