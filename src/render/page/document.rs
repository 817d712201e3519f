//! From a JSON report to a page.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Check, Finding, Page, Remedy, Step, Target, order};

pub(super) fn page(report: &Value) -> Page {
    let targets: Vec<_> = list(report, "targets").iter().map(target).collect();
    let asked: BTreeSet<_> =
        targets.iter().filter(|t| t.selected).map(|t| t.name.clone()).collect();
    let mut page = Page {
        doctor: doctor(&report["doctor"]),
        source: text(report, "source"),
        environment: environment(&report["environment"]),
        targets,
        prescription: remedies(report, "prescription"),
        trials: list(report, "trials").iter().map(trial).collect(),
        notes: notes(report),
        ..Page::default()
    };
    for check in list(report, "checks") {
        sort(check, &asked, &mut page);
    }
    order::found(&mut page.found);
    page
}

/// Puts a check where it is shown.
fn sort(check: &Value, asked: &BTreeSet<String>, page: &mut Page) {
    let (id, reason) = (text(check, "id"), text(check, "reason"));
    if let Some(ignored) = check.get("ignored").filter(|ignored| ignored.is_object()) {
        if !matches!(text(check, "status").as_str(), "pass" | "not-applicable") {
            page.ignored.push((id, until(ignored)));
        }
        return;
    }
    let aside = list(check, "ignored_findings").iter();
    page.ignored.extend(
        aside.map(|finding| {
            (format!("{id} {}", text(finding, "subject")), until(&finding["ignored"]))
        }),
    );
    match text(check, "status").as_str() {
        "pass" => page.passed.push((id, text(check, "title"))),
        "not-applicable" => page.not_applicable.push((id, reason)),
        "finding" if check["severity"].is_string() => page.found.push(found(check, asked)),
        "finding" => page.elsewhere.push((id, text(check, "title"))),
        _ if is_open(check, asked) => add_open(&mut page.open, open(check)),
        _ => {}
    }
}

fn is_open(check: &Value, asked: &BTreeSet<String>) -> bool {
    let of = list(check, "targets");
    let open = |of: &Value| matches!(of["status"].as_str(), Some("unknown" | "crashed"));
    of.is_empty() || of.iter().any(|of| open(of) && asked.contains(&text(of, "target")))
}

fn found(check: &Value, asked: &BTreeSet<String>) -> Check {
    let concerns = |finding: &&Value| {
        finding["severity"].as_object().is_some_and(|map| map.keys().any(|t| asked.contains(t)))
    };
    let findings: Vec<_> = list(check, "findings").iter().filter(concerns).collect();
    let mut shown = judged(check);
    for finding in &findings {
        for (target, severity) in finding["severity"].as_object().into_iter().flatten() {
            let severity = severity.as_str().unwrap_or_default();
            if asked.contains(target) {
                order::worse(&mut shown.hurt, target, severity);
            }
        }
        add(&mut shown.caused_by, strings(finding, "caused_by"));
        let assumed = finding["assumed"].as_object().into_iter().flatten();
        let assumed = assumed.map(|(name, v)| format!("{name} {}", v.as_str().unwrap_or_default()));
        add(&mut shown.assumed, assumed);
        add(&mut shown.remedies, remedies(finding, "remedies"));
    }
    shown.known = !findings.is_empty() && findings.iter().all(|f| f["known"] == true);
    shown.findings = findings
        .iter()
        .map(|finding| Finding {
            summary: text(finding, "summary"),
            evidence: list(finding, "evidence")
                .iter()
                .map(|seen| (text(seen, "source"), text(seen, "value")))
                .collect(),
        })
        .collect();
    shown
}

fn open(check: &Value) -> Check {
    Check { remedies: remedies(check, "remedies"), ..judged(check) }
}

/// What misses the same and needs the same is one thing to grant.
fn add_open(all: &mut Vec<Check>, check: Check) {
    let alike = |other: &&mut Check| {
        check.status == other.status
            && check.reason == other.reason
            && check.remedies == other.remedies
    };
    match all.iter_mut().find(alike) {
        Some(first) => first.alike.push(check.id),
        None => all.push(check),
    }
}

fn judged(check: &Value) -> Check {
    Check {
        id: text(check, "id"),
        title: text(check, "title"),
        status: text(check, "status"),
        severity: text(check, "severity"),
        reason: text(check, "reason"),
        ..Check::default()
    }
}

fn target(target: &Value) -> Target {
    let readiness = text(target, "readiness");
    let because = match readiness.as_str() {
        "blocked" => "blockers",
        "degraded" => "degraded_by",
        _ => "unknown_because",
    };
    Target {
        name: text(target, "target"),
        selected: target["selected"] == true,
        proof: text(target, "proof"),
        because: strings(target, because).collect(),
        readiness,
    }
}

/// Each once.
fn remedies(of: &Value, key: &str) -> Vec<Remedy> {
    let mut told = Vec::new();
    add(&mut told, list(of, key).iter().map(remedy));
    told
}

fn remedy(remedy: &Value) -> Remedy {
    let launcher = remedy["launcher"].as_str().map(str::to_owned);
    let steps = list(remedy, "steps");
    // The first reports have no steps.
    let steps = if steps.is_empty() { std::slice::from_ref(remedy) } else { steps };
    Remedy { launcher, steps: steps.iter().map(step).collect() }
}

fn step(step: &Value) -> Step {
    let commands: Vec<_> = strings(step, "commands").collect();
    let mut paste = Vec::new();
    if !commands.is_empty() {
        paste.push(("sh".to_owned(), commands.join("\n")));
    }
    let snippet = &step["snippet"];
    if snippet.is_object() {
        paste.push((text(snippet, "language"), text(snippet, "text")));
    }
    Step { place: text(step, "where"), text: text(step, "text"), paste }
}

fn trial(trial: &Value) -> (String, String) {
    let why = trial["reason"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
    let failed = list(trial, "steps").iter().find(|s| s["worked"] == false && s["needed"] == true);
    let failed = failed
        .map(|s| format!(": {} {}: {}", text(s, "step"), text(s, "object"), text(s, "error")));
    let name = format!("{} {}", text(trial, "name"), text(trial, "subject"));
    (name, format!("{}{why}{}", text(trial, "status"), failed.unwrap_or_default()))
}

fn notes(report: &Value) -> Vec<String> {
    let mut notes = Vec::new();
    let decided: Vec<_> = strings(report, "decided_by_found").collect();
    let configuration = text(report, "configuration");
    if !decided.is_empty() {
        let what = decided.join(", ");
        notes.push(format!("{configuration}, found in the working directory, decides: {what}"));
    } else if !configuration.is_empty() {
        notes.push(format!("configured by {configuration}"));
    }
    let late: Vec<_> = strings(report, "timed_out").collect();
    if !late.is_empty() {
        notes.push(format!("no answer in time: {}; try --timeout=60", late.join(", ")));
    }
    notes.extend(list(report, "crashed_probes").iter().map(|crash| {
        let (probe, reason) = (text(crash, "probe"), text(crash, "reason"));
        format!("{probe} crashed, please report it: {reason}")
    }));
    notes
}

fn doctor(doctor: &Value) -> String {
    let commit = text(doctor, "commit");
    let short: String = commit.chars().take(12).collect();
    let version = text(doctor, "version");
    if short.is_empty() { version } else { format!("{version} ({short})") }
}

/// What a JSON report says of an environment, as it says it.
fn environment(environment: &Value) -> Vec<(String, String)> {
    let entries = environment.as_object().into_iter().flatten();
    let lines = entries.map(|(label, value)| (label.replace('_', " "), words(value)));
    lines.filter(|(_, line)| !line.is_empty()).collect()
}

/// `version v2, namespace private`; nothing for what is not known.
fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(map) => {
            let each = map.iter().map(|(name, value)| (name, words(value)));
            let each = each.filter(|(_, words)| !words.is_empty());
            each.map(|(name, words)| format!("{name} {words}")).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn until(ignored: &Value) -> String {
    let day = ignored["until"].as_str().map(|day| format!(" (until {day})")).unwrap_or_default();
    text(ignored, "reason") + &day
}

fn text(of: &Value, key: &str) -> String {
    of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn strings<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = String> + use<'a> {
    list(of, key).iter().filter_map(Value::as_str).map(str::to_owned)
}

fn add<T: PartialEq>(all: &mut Vec<T>, more: impl IntoIterator<Item = T>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}
