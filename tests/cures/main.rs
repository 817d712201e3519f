//! What the doctor prescribed in the environments of `fixtures/cures` made nothing worse there, and the page that shows it is
//! fresh.
//!
//! `DOCTOR_BLESS=1 cargo test --test cures` writes the page; `DOCTOR_CURES` names another folder than the repository's.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod page;
mod trial;

use std::{
    fs,
    path::{Path, PathBuf},
};

use trial::{Trial, Verdict};

fn folder() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cures");
    std::env::var_os("DOCTOR_CURES").map_or_else(own, PathBuf::from)
}

fn trials() -> Vec<Trial> {
    let entries = fs::read_dir(folder()).expect("the cures");
    let mut trials: Vec<Trial> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| Trial::read(&path))
        .collect();
    trials.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!trials.is_empty(), "nothing was tried");
    trials
}

#[test]
fn the_page_is_fresh() {
    let page = page::page(&trials());
    let path = folder().join("README.md");
    if std::env::var_os("DOCTOR_BLESS").is_some() {
        fs::write(path, page).expect("the page");
    } else {
        let kept = fs::read_to_string(path).unwrap_or_default();
        assert!(kept == page, "run DOCTOR_BLESS=1 cargo test --test cures");
    }
}

#[test]
fn what_was_to_fail_failed_before_anything_was_changed() {
    for trial in trials() {
        assert!(trial.fails(), "{}: all of {:?} worked before", trial.name, trial.deciding);
    }
}

#[test]
fn nothing_that_worked_fails_afterwards() {
    for trial in trials() {
        for (which, attempt) in [("first", &trial.first), ("fix", &trial.fix)] {
            let worse = trial.broken(attempt);
            assert!(worse.is_empty(), "{}: {which} breaks {worse:?}", trial.name);
        }
    }
}

/// Counted where the target is found to be hurt, and where somebody in it, or whoever launches it, can do something.
#[test]
fn nine_of_ten_are_cured() {
    let all = trials();
    let counted: Vec<_> = all.iter().filter(|trial| trial.counts()).collect();
    for which in [|t: &Trial| t.verdict(&t.first), |t: &Trial| t.verdict(&t.fix)] {
        let cured = counted.iter().filter(|trial| which(trial) == Verdict::Cures).count();
        assert!(cured * 10 >= counted.len() * 9, "{cured} of {}", counted.len());
    }
}
