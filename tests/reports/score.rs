//! What the doctor says of a report, held against what it ought to say: by the JSON report, which is what pipelines read.

use std::path::Path;

use dind_doctor::{
    probe,
    render::json,
    report::{self, Options, Origin},
};
use dind_doctor_checks::target::{Severity, Target};
use serde_json::Value;

use crate::{edited::Edited, report::Report};

/// How well the doctor did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// It names the cause with its severity; or of what works it says nothing worse than a warning.
    Right,
    /// It names the cause with another severity, or cannot judge it, or names only what follows from it.
    Partly,
    /// It says that the target will not do, for another reason.
    Misled,
    /// It does not know what to say.
    Silent,
    /// It says that what fails works.
    Works,
    /// It says that what works fails.
    FalseAlarm,
}

impl Verdict {
    pub(crate) const ALL: [Self; 6] =
        [Self::Right, Self::Partly, Self::Misled, Self::Silent, Self::Works, Self::FalseAlarm];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Partly => "partly",
            Self::Misled => "misled",
            Self::Silent => "silent",
            Self::Works => "said it works",
            Self::FalseAlarm => "false alarm",
        }
    }
}

/// How the doctor did in one report.
#[derive(Debug)]
pub(crate) struct Score {
    pub(crate) source: String,
    pub(crate) area: String,
    pub(crate) what: String,
    pub(crate) expected: String,
    pub(crate) verdict: Verdict,
    /// Whether the remedies of the cause hold what they must and nothing that they must not; `None` if the cause was not named.
    pub(crate) prescribed: Option<bool>,
    /// What it said instead, or why it is not right.
    pub(crate) said: String,
}

pub(crate) fn score(report: &Report) -> Score {
    let source = Edited::of(report).unwrap_or_else(|error| panic!("{}: {error}", report.source));
    let known: Vec<Target> =
        report.targets.iter().filter_map(|target| target.parse().ok()).collect();
    let mut score = Score {
        source: report.source.clone(),
        area: report.area.clone(),
        what: report.what.clone(),
        expected: report
            .expect
            .first()
            .map_or_else(|| "nothing worse than a warning".to_owned(), |first| first.id.clone()),
        verdict: Verdict::Silent,
        prescribed: None,
        said: String::new(),
    };
    let Some(target) = report.targets.first().and_then(|target| target.parse::<Target>().ok())
    else {
        score.said = format!("{} is no target yet", report.targets.join(", "));
        return score;
    };
    let assume = report
        .assume
        .iter()
        .filter_map(|(name, version)| Some((name.parse().ok()?, version.parse().ok()?)))
        .collect();
    let options = Options { targets: known, assume, ..Options::default() };
    let mut text = Vec::new();
    json::render(&report::diagnose(probe::collect(&source), Origin::Bundle, &options), &mut text)
        .expect("a report");
    if let Some(folder) = std::env::var_os("DOCTOR_REPORTS_JSON") {
        let name = format!("{}.json", report.source.replace(['/', '#'], "-"));
        std::fs::write(Path::new(&folder).join(name), &text).expect("the folder is there");
    }
    let said: Value = serde_json::from_slice(&text).expect("JSON");
    judge(report, target, &said, &mut score);
    score
}

fn judge(report: &Report, target: Target, said: &Value, score: &mut Score) {
    let summary =
        said["targets"].as_array().into_iter().flatten().find(|one| one["target"] == target.name());
    let readiness = summary.and_then(|one| one["readiness"].as_str()).unwrap_or_default();
    let blockers = summary.map(|one| words(&one["blockers"])).unwrap_or_default();
    score.said =
        if blockers.is_empty() { readiness.to_owned() } else { format!("{readiness}: {blockers}") };
    if report.works {
        score.verdict = if readiness == "blocked" { Verdict::FalseAlarm } else { Verdict::Right };
        return;
    }
    let Some(first) = report.expect.first() else { return };
    let wanted: Severity = first.severity.parse().expect("checked before");
    let found = ids(&first.id).iter().filter_map(|id| severity_of(said, id, target)).max();
    if found.is_some() {
        let prescribed = ids(&first.id).iter().any(|id| prescribes(report, said, id));
        score.prescribed = Some(prescribed);
    }
    let named = |id: &str| {
        severity_of(said, id, target).is_some_and(|severity| severity >= Severity::Warning)
    };
    let open = ids(&first.id).iter().any(|id| status_of(said, id) == Some("unknown"));
    score.verdict = match found {
        Some(severity) if severity == wanted => Verdict::Right,
        Some(_) => Verdict::Partly,
        None if open || report.expect.iter().skip(1).any(|expected| named(&expected.id)) => {
            Verdict::Partly
        }
        None if readiness == "blocked" => Verdict::Misled,
        None if readiness == "unknown" => Verdict::Silent,
        None => Verdict::Works,
    };
    if let Some(severity) = found.filter(|severity| *severity != wanted) {
        score.said = format!("{severity} in place of {wanted}");
    }
}

/// What other writers call a problem that the doctor has under a name of its own. Written down after the second half was
/// scored, and only where the problem is the same one.
const CALLED: [(&str, &str); 4] = [
    ("docker-socket-is-directory", "docker-endpoint-mismatch"),
    ("kubelet-too-old-for-cgroup2", "engine-too-old-for-cgroup2"),
    ("locked-mount-flags", "dataroot-locked-mount-flags"),
    ("locked-mount-flags", "storage-fs-unsupported"),
];

fn ids(expected: &str) -> Vec<&str> {
    let called = CALLED.iter().filter(|(other, _)| *other == expected).map(|(_, ours)| *ours);
    std::iter::once(expected).chain(called).collect()
}

fn words(list: &Value) -> String {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn check<'a>(said: &'a Value, id: &str) -> Option<&'a Value> {
    said["checks"].as_array()?.iter().find(|check| check["id"] == id)
}

fn status_of<'a>(said: &'a Value, id: &str) -> Option<&'a str> {
    check(said, id)?["status"].as_str()
}

/// The worst severity of the check's findings for the target.
fn severity_of(said: &Value, id: &str, target: Target) -> Option<Severity> {
    let findings = check(said, id)?["findings"].as_array()?;
    findings
        .iter()
        .filter_map(|finding| finding["severity"][target.name()].as_str()?.parse().ok())
        .max()
}

fn prescribes(report: &Report, said: &Value, id: &str) -> bool {
    let findings =
        check(said, id).and_then(|check| check["findings"].as_array()).into_iter().flatten();
    let remedies: Vec<String> = findings
        .flat_map(|finding| finding["remedies"].as_array().into_iter().flatten())
        .map(|remedy| {
            format!("{} {} {}", remedy["text"], remedy["commands"], remedy["snippet"]["text"])
                .to_lowercase()
        })
        .collect();
    let says = |what: &String| remedies.iter().any(|remedy| remedy.contains(&what.to_lowercase()));
    report.prescription.says.iter().all(says) && !report.prescription.never.iter().any(says)
}
