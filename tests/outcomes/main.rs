//! What the doctor said in the environments of `fixtures/outcomes` is what happened there, and is what it would say today. The page
//! that shows it is fresh.
//!
//! `DOCTOR_BLESS=1 cargo test --test outcomes` writes the page; `DOCTOR_OUTCOMES` names another folder than the repository's,
//! of which less is asked.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod judge;
mod outcome;
mod page;

use std::{
    fs,
    path::{Path, PathBuf},
};

use dind_doctor_checks::registry;
use judge::{Comparison, Referees, Verdict};
use outcome::{Outcome, Run};

fn folder() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/outcomes");
    std::env::var_os("DOCTOR_OUTCOMES").map_or_else(own, PathBuf::from)
}

fn outcomes() -> Vec<Outcome> {
    let entries = fs::read_dir(folder()).expect("the outcomes");
    let mut outcomes: Vec<Outcome> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("outcome.toml").exists())
        .map(|path| Outcome::read(&path))
        .collect();
    outcomes.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!outcomes.is_empty(), "no environment was observed");
    outcomes
}

fn compared(referees: &Referees, outcomes: &[Outcome]) -> Vec<Comparison> {
    outcomes.iter().flat_map(|outcome| referees.judge(outcome)).collect()
}

fn is_wrong(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::FalseAlarm | Verdict::Miss)
}

#[test]
fn the_page_is_fresh() {
    let (referees, outcomes) = (Referees::read(), outcomes());
    let page = page::page(&outcomes, &referees, &compared(&referees, &outcomes));
    let path = folder().join("README.md");
    if std::env::var_os("DOCTOR_BLESS").is_some() {
        fs::write(path, page).expect("the page");
    } else {
        let kept = fs::read_to_string(path).unwrap_or_default();
        assert!(kept == page, "run DOCTOR_BLESS=1 cargo test --test outcomes");
    }
}

#[test]
fn what_was_said_is_what_happened() {
    let (referees, outcomes) = (Referees::read(), outcomes());
    let all = compared(&referees, &outcomes);
    let wrong: Vec<_> = all.iter().filter(|one| is_wrong(one.verdict)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    if std::env::var_os("DOCTOR_OUTCOMES").is_none() {
        let decided = all.iter().filter(|one| one.verdict != Verdict::Undecided).count();
        assert!(outcomes.len() >= 24 && decided >= 200, "{} of {decided}", outcomes.len());
    }
}

/// A rule that is changed later still agrees with what happened here.
#[test]
fn what_is_said_today_is_what_happened() {
    let referees = Referees::read();
    for outcome in outcomes() {
        let all = referees.judge_run(&outcome, Run::Passive, &outcome.predicted_today());
        let wrong: Vec<_> = all.iter().filter(|one| is_wrong(one.verdict)).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn every_check_has_a_referee_or_a_reason_for_having_none() {
    let referees = Referees::read();
    let ids: Vec<&str> = registry::all().map(|(_, check)| check.id).collect();
    for id in &ids {
        let decided =
            referees.observations.values().any(|one| one.checks.iter().any(|it| it == id));
        assert!(decided != referees.unrefereed.contains_key(*id), "{id}");
    }
    let named = referees.observations.values().flat_map(|one| &one.checks);
    let unknown = named.chain(referees.unrefereed.keys()).find(|id| !ids.contains(&id.as_str()));
    assert_eq!(unknown, None);
}
