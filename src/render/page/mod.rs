//! What a page about one environment shows: to be pasted into a ticket, or opened in a browser.
//!
//! It is read from the JSON report, so that a saved one gives the same page as the machine did. Texts are raw:
//! whoever shows them escapes them.

mod document;
mod order;

use std::io;

use serde_json::Value;

use super::{environment, json};
use crate::report::Report;

/// A page about one environment.
#[derive(Debug, Default)]
pub struct Page {
    /// Version of the doctor that judged, with its commit if that is known.
    pub(super) doctor: String,
    /// `live` or `bundle`.
    pub(super) source: String,
    /// How this page was asked for, and what was taken out of it; nothing where nobody said.
    pub(super) provenance: Vec<String>,
    /// What this environment is: what it is called, and what it is.
    pub(super) environment: Vec<(String, String)>,
    /// In report order.
    pub(super) targets: Vec<Target>,
    /// What to do, taken together.
    pub(super) prescription: Vec<Remedy>,
    /// What was found for the targets that were asked for: new ones first, then worst first.
    pub(super) found: Vec<Check>,
    /// What could not be judged for them.
    pub(super) open: Vec<Check>,
    /// What was tried: name and object, and how it ended.
    pub(super) trials: Vec<(String, String)>,
    /// What else is to be said, a sentence each.
    pub(super) notes: Vec<String>,
    /// Ids and reasons of what is ignored.
    pub(super) ignored: Vec<(String, String)>,
    /// Ids and titles of what was found for other targets only.
    pub(super) elsewhere: Vec<(String, String)>,
    /// Ids and titles of what passed.
    pub(super) passed: Vec<(String, String)>,
    /// Ids of what does not apply, and why.
    pub(super) not_applicable: Vec<(String, String)>,
}

/// Whether a target can be started.
#[derive(Debug, Default)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) selected: bool,
    /// `blocked`, `unknown`, `degraded`, `ready`.
    pub(super) readiness: String,
    /// `static`, `trial` or `rehearsal`.
    pub(super) proof: String,
    /// Ids of the checks because of which it is not ready.
    pub(super) because: Vec<String>,
}

/// A check with what it found, or with why it could not judge.
#[derive(Debug, Default)]
pub(super) struct Check {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) status: String,
    /// The worst for the targets that were asked for.
    pub(super) severity: String,
    /// Each target that was asked for and is hurt, and how badly.
    pub(super) hurt: Vec<(String, String)>,
    pub(super) reason: String,
    pub(super) findings: Vec<Finding>,
    /// Each once, the best first; of all its findings, or what to grant so that the next run knows.
    pub(super) remedies: Vec<Remedy>,
    /// Ids of checks that explain it, and are on the page too.
    pub(super) caused_by: Vec<String>,
    /// `kubernetes 1.37.0`.
    pub(super) assumed: Vec<String>,
    /// Whether all of it is in the baseline.
    pub(super) known: bool,
    /// Ids of others that miss the same and need the same; of those that could not be judged.
    pub(super) alike: Vec<String>,
}

/// One finding.
#[derive(Debug, Default)]
pub(super) struct Finding {
    pub(super) summary: String,
    /// Source and value.
    pub(super) evidence: Vec<(String, String)>,
}

/// One way to change it, in steps that are all needed.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Remedy {
    /// The launcher that it is written for, if it is for one.
    pub(super) launcher: Option<String>,
    pub(super) steps: Vec<Step>,
}

/// One step of a remedy.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Step {
    /// Where it is done: `here`, `image`, `container`, `runtime`, `host`.
    pub(super) place: String,
    pub(super) text: String,
    /// What can be pasted, by language; commands are `sh`.
    pub(super) paste: Vec<(String, String)>,
}

impl Page {
    /// Of a run.
    pub fn of(report: &Report) -> io::Result<Self> {
        let mut text = Vec::new();
        json::render(report, &mut text)?;
        let mut page = Self::read(&serde_json::from_slice(&text)?);
        let lines = environment::lines(&report.environment, true).into_iter();
        page.environment = lines.map(|(label, line)| (label.to_owned(), line)).collect();
        Ok(page)
    }

    /// Of a JSON report. What is not there is not shown: it may come from another release.
    pub fn read(report: &Value) -> Self {
        document::page(report)
    }

    /// The same, with how it came about.
    #[must_use]
    pub fn with_provenance(self, provenance: Vec<String>) -> Self {
        Self { provenance, ..self }
    }

    /// `dockerd and kind are blocked, rootless is ready`
    pub(super) fn verdict(&self) -> String {
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for target in self.asked() {
            match groups.iter_mut().find(|(called, _)| *called == target.called()) {
                Some((_, names)) => names.push(&target.name),
                None => groups.push((target.called(), vec![&target.name])),
            }
        }
        let each = groups.into_iter().map(|(called, names)| {
            let (names, are) = match names.as_slice() {
                [several @ .., last] if !several.is_empty() => {
                    (format!("{} and {last}", several.join(", ")), "are")
                }
                names => (names.concat(), "is"),
            };
            if called == UNTRIED {
                format!("{called} for {names}")
            } else {
                format!("{names} {are} {called}")
            }
        });
        let each: Vec<_> = each.collect();
        if each.is_empty() { "nothing was judged".to_owned() } else { each.join(", ") }
    }

    /// The targets that were asked for.
    pub(super) fn asked(&self) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(|target| target.selected)
    }

    /// `3 errors, 1 warning, 2 info, 50 passed, 1 not judged`
    pub(super) fn counts(&self) -> String {
        let of = |severity| self.found.iter().filter(|check| check.severity == severity).count();
        let plural = |n: usize, name: &str| match n {
            1 => format!("1 {name}"),
            n => format!("{n} {name}s"),
        };
        format!(
            "{}, {}, {} info, {} passed, {} not judged",
            plural(of("error"), "error"),
            plural(of("warning"), "warning"),
            of("info"),
            self.passed.len(),
            self.open.iter().map(|check| 1 + check.alike.len()).sum::<usize>()
        )
    }

    /// What to paste, in the order in which it helps: together, then for each finding; each once.
    pub(super) fn commands(&self) -> Vec<&str> {
        let first = self.found.iter().filter(|check| check.severity != "info");
        let remedies = self.prescription.iter().chain(first.filter_map(|c| c.remedies.first()));
        let mut all = Vec::new();
        for (language, text) in remedies.flat_map(|r| &r.steps).flat_map(|step| &step.paste) {
            if language == "sh" && !all.contains(&text.as_str()) {
                all.push(text);
            }
        }
        all
    }
}

/// What was only read has shown no obstacle, which is less than ready.
const UNTRIED: &str = "no obstacle found";

impl Target {
    /// The readiness in words for people.
    pub(super) fn called(&self) -> &str {
        match (self.readiness.as_str(), self.proof.as_str()) {
            ("ready", "static") => UNTRIED,
            (readiness, _) => readiness,
        }
    }

    /// Why, in words; ids are raw.
    pub(super) fn why(&self) -> &'static str {
        match (self.readiness.as_str(), self.proof.as_str()) {
            ("blocked" | "degraded", _) => "by",
            ("unknown", _) => "not judged:",
            (_, "trial") => "tried",
            (_, "rehearsal") => "the real engine ran a container",
            _ => "not tried",
        }
    }
}

/// Where a change is made, for people.
pub(super) fn place(place: &str) -> &str {
    match place {
        "image" => "in the image",
        "container" => "where the container is launched",
        "runtime" => "in the configuration of the daemon or kind",
        "host" => "on the host",
        other => other,
    }
}

/// So many ids stand in a line.
const FEW: usize = 4;

/// The first few of some ids, and how many more there are.
pub(super) fn few(ids: &[String]) -> (&[String], Option<String>) {
    match ids.get(..FEW) {
        Some(first) if ids.len() > FEW + 1 => {
            (first, Some(format!("and {} more", ids.len() - FEW)))
        }
        _ => (ids, None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Page;

    #[test]
    fn the_verdict_names_targets_that_fare_alike_together() {
        let target = |name, readiness| json!({"target": name, "selected": name != "podman", "readiness": readiness});
        let verdict = |targets| Page::read(&json!({"targets": targets})).verdict();
        let three =
            [target("dockerd", "blocked"), target("kind", "blocked"), target("rootless", "ready")];
        assert_eq!(verdict(json!(three)), "dockerd and kind are blocked, rootless is ready");
        assert_eq!(verdict(json!([target("podman", "ready")])), "nothing was judged");
        let mut untried = target("rootless", "ready");
        untried["proof"] = "static".into();
        let two = json!([untried, target("kind", "blocked")]);
        assert_eq!(verdict(two), "no obstacle found for rootless, kind is blocked");
    }

    #[test]
    fn what_misses_the_same_is_told_once() {
        let check = |id, reason| json!({"id": id, "status": "unknown", "reason": reason});
        let checks = [check("a", "x"), check("b", "y"), check("c", "x")];
        let page = Page::read(&json!({"checks": checks}));
        let told: Vec<_> = page.open.iter().map(|c| (c.id.as_str(), c.alike.join(","))).collect();
        assert_eq!(told, [("a", "c".to_owned()), ("b", String::new())]);
        assert!(page.counts().ends_with("3 not judged"));
    }
}
