//! Every recorded environment under `fixtures/hosts` gives the findings that its `scenario.toml` lists,
//! and no others; its bundle re-records to itself; redacting it changes no verdict.
//!
//! After a change of the rules, `DOCTOR_BLESS=1 cargo test --test scenarios` writes what is found now
//! into the scenarios, to be read in the diff.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod contract;
mod coverage;
mod expectation;
mod noise;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use dind_doctor::{
    bundle::{self, Recorder, Recording, Replay},
    probe,
    report::{self, Options, Origin, Report},
    source::Limits,
};
use expectation::{Expectation, Scenario};

/// A fixture larger than this is no fixture.
const SIZE_LIMIT: u64 = 1024 * 1024;

struct Host {
    name: String,
    directory: PathBuf,
    scenario: Scenario,
    recording: Recording,
}

impl Host {
    fn report(&self) -> Report {
        diagnose(&self.recording, &self.scenario)
    }
}

fn hosts() -> Vec<Host> {
    recorded("fixtures/hosts")
}

fn recorded(root: &str) -> Vec<Host> {
    let mut hosts: Vec<Host> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(root))
        .expect(root)
        .map(|entry| entry.expect("an entry").path())
        .filter(|directory| directory.join("scenario.toml").exists())
        .map(|directory| Host {
            name: directory.file_name().expect("a name").to_string_lossy().into_owned(),
            scenario: Scenario::read(&directory),
            recording: bundle::read(&directory.join("bundle")).expect("a bundle"),
            directory,
        })
        .collect();
    hosts.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!hosts.is_empty(), "no scenario was found");
    hosts
}

fn diagnose(recording: &Recording, scenario: &Scenario) -> Report {
    let replay = Replay::new(recording.clone());
    let options = Options { assume: scenario.assumptions(), ..Options::default() };
    report::diagnose(probe::collect(&replay), Origin::Bundle, &options)
}

#[test]
fn every_scenario_gives_the_listed_findings_and_no_others() {
    let bless = std::env::var_os("DOCTOR_BLESS").is_some();
    let mut wrong = BTreeMap::new();
    for host in hosts() {
        let known = host.scenario.expectation.targets();
        let found = Expectation::of(&host.report(), &known);
        if found == host.scenario.expectation {
            continue;
        }
        if bless {
            host.scenario.bless(&host.directory, found);
        } else {
            wrong.insert(host.name, (host.scenario.expectation, found));
        }
    }
    assert!(wrong.is_empty(), "expected and found differ: {wrong:#?}");
}

#[test]
fn the_page_of_what_they_cover_is_fresh() {
    let hosts = hosts();
    let said =
        |host: &Host| (host.name.clone(), host.report(), host.scenario.expectation.targets());
    let wanted = coverage::page(&hosts.iter().map(said).collect::<Vec<_>>());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/COVERAGE.md");
    if std::env::var_os("DOCTOR_BLESS").is_some() {
        fs::write(&path, wanted).expect("fixtures/COVERAGE.md");
        return;
    }
    let text = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == wanted, "fixtures/COVERAGE.md: DOCTOR_BLESS=1 cargo test --test scenarios");
}

#[test]
fn recording_a_replay_gives_the_same_bundle() {
    for host in hosts() {
        let replay = Replay::new(host.recording.clone());
        let recorder = Recorder::new(&replay);
        let facts = probe::collect(&recorder).facts;
        bundle::ask_superset(&recorder, &facts);
        let again = recorder.into_recording(host.recording.header.redacted);
        let lost: Vec<_> =
            host.recording.answers.keys().filter(|k| !again.answers.contains_key(k)).collect();
        assert!(lost.is_empty(), "{}: nobody asks any more: {lost:#?}", host.name);
        assert_eq!(again.answers, host.recording.answers, "{}", host.name);
    }
}

#[test]
fn redacting_changes_no_verdict() {
    for host in hosts() {
        let redacted = bundle::redact(&host.recording).recording;
        let (before, after) = (host.report(), diagnose(&redacted, &host.scenario));
        assert_eq!(statuses(&after), statuses(&before), "{}", host.name);
        assert_eq!(Expectation::of(&after, &[]), Expectation::of(&before, &[]), "{}", host.name);
    }
}

#[test]
fn a_report_from_a_bundle_is_the_report_of_the_recorded_run() {
    for host in hosts() {
        let json = |report: &Report| {
            let mut out = Vec::new();
            dind_doctor::render::json::render(report, &mut out).expect("JSON");
            String::from_utf8(out).expect("UTF-8")
        };
        let directory = tempfile::tempdir().expect("a directory");
        let archive = directory.path().join("bundle.tar.gz");
        bundle::write(&host.recording, &archive).expect("an archive");
        let unpacked = bundle::read(&archive).expect("the archive");
        assert_eq!(unpacked, host.recording, "{}", host.name);
        assert_eq!(
            json(&diagnose(&unpacked, &host.scenario)),
            json(&host.report()),
            "{}",
            host.name
        );
    }
}

#[test]
fn fixtures_are_small_and_say_where_they_come_from() {
    for host in hosts() {
        let size = size(&host.directory);
        assert!(size < SIZE_LIMIT, "{} has {size} bytes", host.name);
        host.scenario.check_origin(&host.name);
    }
}

/// These stay as they were recorded.
#[test]
fn bundles_of_format_1_give_the_verdicts_that_they_gave() {
    for host in recorded("fixtures/format-1") {
        let manifest = fs::read_to_string(host.directory.join("bundle/manifest.jsonl"));
        let manifest = manifest.expect("a manifest");
        assert!(manifest.starts_with(r#"{"bundle":1,"#) && manifest.contains(r#","limit":"#));
        let known = host.scenario.expectation.targets();
        let found = Expectation::of(&host.report(), &known);
        assert_eq!(found, host.scenario.expectation, "{}", host.name);
    }
}

#[test]
fn other_limits_make_nothing_of_a_recording_unknown() {
    for host in hosts() {
        for limits in [Limits::new(128 * 1024, 256), Limits::new(1024 * 1024, 65_536)] {
            let replay = Replay::with_limits(host.recording.clone(), limits);
            let options = Options { assume: host.scenario.assumptions(), ..Options::default() };
            let report = report::diagnose(probe::collect(&replay), Origin::Bundle, &options);
            assert_eq!(statuses(&report), statuses(&host.report()), "{}: {limits:?}", host.name);
        }
    }
}

fn statuses(report: &Report) -> Vec<(&'static str, &'static str)> {
    report.checks.iter().map(|check| (check.id, check.status.name())).collect()
}

fn size(path: &Path) -> u64 {
    if path.is_file() {
        return fs::metadata(path).expect("a file").len();
    }
    fs::read_dir(path).expect("a directory").map(|e| size(&e.expect("an entry").path())).sum()
}
