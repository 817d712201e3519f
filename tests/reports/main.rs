//! Reports from strangers: what the doctor says of environments that people described in public, held against an answer that was
//! written down before it was asked.
//!
//! `DOCTOR_BLESS=1 cargo test --test reports` writes the page that shows how it did; `DOCTOR_SCORE_SEALED=1` scores what is sealed,
//! which nobody who writes rules does, and `DOCTOR_REPORTS_JSON=FOLDER` keeps what the doctor says of each.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod edited;
mod page;
mod report;
mod score;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use edited::Edited;
use report::Report;

/// Rules are mended by the first; the others were sealed until they were scored once; the last is sealed.
const SETS: [&str; 5] = ["open", "second", "third", "fourth", "sealed"];

fn folder(half: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports").join(half)
}

/// The names of the reports of one half, sorted.
fn names(half: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder(half)) else { return Vec::new() };
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names
        .map(|name| name.into_string().expect("a plain name"))
        .filter(|name| name.strip_suffix(".toml").is_some())
        .collect();
    names.sort();
    names
}

fn reports(half: &str) -> Vec<Report> {
    let read = |name: String| {
        Report::read(&folder(half).join(&name))
            .unwrap_or_else(|error| panic!("{half}/{name}: {error}"))
    };
    names(half).into_iter().map(read).collect()
}

#[test]
fn every_report_is_well_formed_and_its_edits_take_effect() {
    let mut wrong = Vec::new();
    let mut sources = BTreeSet::new();
    for half in SETS {
        for report in reports(half) {
            if !sources.insert(report.source.clone()) {
                wrong.push(format!("{}: the report is there twice", report.source));
            }
            wrong.extend(
                report.faults().into_iter().map(|fault| format!("{}: {fault}", report.source)),
            );
            if let Err(fault) = Edited::of(&report) {
                wrong.push(format!("{}: {fault}", report.source));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "fixtures/reports/FORMAT.md says how a report is written:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn the_page_shows_how_the_doctor_does() {
    let scored = |half| reports(half).iter().map(score::score).collect::<Vec<_>>();
    let written =
        page::page(&["open", "second", "third", "fourth"].map(scored), names("sealed").len());
    let path = folder("README.md");
    if std::env::var_os("DOCTOR_BLESS").is_some() {
        fs::write(&path, &written).expect("the page is written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == written,
        "{} is stale: DOCTOR_BLESS=1 cargo test --test reports, and read the difference",
        path.display()
    );
}

#[test]
fn what_was_sealed_is_as_it_was() {
    for half in ["second", "third", "fourth", "sealed"] {
        let kept = fs::read_to_string(folder(half).join("SHA256SUMS")).unwrap_or_default();
        let digests: Vec<String> = names(half)
            .iter()
            .map(|name| {
                let content = fs::read(folder(half).join(name)).expect("a report");
                format!("{}  {name}", sha256(&content))
            })
            .collect();
        assert_eq!(kept.lines().collect::<Vec<_>>(), digests, "a sealed report is not changed");
    }
}

fn sha256(content: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, content);
    digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[test]
fn what_is_sealed_is_scored_on_demand() {
    if std::env::var_os("DOCTOR_SCORE_SEALED").is_none() {
        return;
    }
    let scores: Vec<_> = reports("sealed").iter().map(score::score).collect();
    panic!("{}", page::table(&scores));
}
