//! Logs under `fixtures/logs` are recognised, each as what it is; and the texts by which that is done are
//! distinctive.
//!
//! `DOCTOR_BLESS=1 cargo test --test logs` writes what is found now into `expected.toml` and `shared.toml`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and prints its table"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use dind_doctor::{
    log::{Texts, explain, read},
    probe::Collected,
    report::{Options, Origin, Report, diagnose},
};
use dind_doctor_checks::{facts::Facts, registry};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A shorter text is in too many lines.
const SHORTEST: usize = 12;

/// What a log shows where the machine says nothing.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Expected {
    /// The likeliest first.
    suspects: Vec<String>,
    /// Lines that look like errors and are not known.
    unrecognised: u64,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs")
}

fn parse<T: DeserializeOwned>(name: &str) -> T {
    let text = fs::read_to_string(directory().join(name)).expect(name);
    toml::from_str(&text).expect(name)
}

/// Compares with what the file says, or writes it.
fn compare<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(name: &str, found: &T) {
    if std::env::var_os("DOCTOR_BLESS").is_some() {
        fs::write(directory().join(name), toml::to_string(found).expect("TOML")).expect(name);
    } else {
        assert_eq!(*found, parse::<T>(name), "{name} is stale: DOCTOR_BLESS=1, and read the diff");
    }
}

/// A report in which nothing is known.
fn nothing() -> Report {
    let collected =
        Collected { facts: Facts::default(), timed_out: vec![], crashed: vec![], took: vec![] };
    diagnose(collected, Origin::Bundle, &Options::default())
}

fn expectation(content: &[u8], texts: &Texts, report: &Report) -> Expected {
    let log = read(content, texts).expect("a log");
    let suspects = explain(&log, Some(report)).suspects;
    Expected {
        suspects: suspects.iter().map(|suspect| suspect.id().to_owned()).collect(),
        unrecognised: log.unrecognised,
    }
}

#[test]
fn every_log_is_recognised_as_what_it_is() {
    let (texts, report) = (Texts::of(registry::all()), nothing());
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory()).expect("fixtures/logs") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "log" || extension == "journal") {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let content = fs::read(&path).expect("a log");
            found.insert(name, expectation(&content, &texts, &report));
        }
    }
    for healthy in ["dockerd-healthy.log", "nodes-healthy.log"] {
        assert!(found[healthy].suspects.is_empty(), "{healthy}: {:?}", found[healthy]);
    }
    compare("expected.toml", &found);
}

#[test]
fn every_line_that_is_quoted_of_a_failure_points_to_it() {
    let (texts, report) = (Texts::of(registry::all()), nothing());
    for (id, lines) in parse::<BTreeMap<String, Vec<String>>>("quoted.toml") {
        for line in lines {
            // As it stands, and as it arrives from a daemon whose log a pod's runtime wraps once more.
            let wrapped = serde_json::json!({"level": "error", "msg": format!("run: {line:?}")});
            for content in [line.clone(), wrapped.to_string(), line.to_uppercase()] {
                let suspects = expectation(content.as_bytes(), &texts, &report).suspects;
                assert!(suspects.contains(&id), "{id} is not among {suspects:?} for {content}");
            }
        }
    }
}

/// How the lines of one file are answered, by area: right, wrong, without an answer.
fn score(name: &str) -> BTreeMap<String, [u32; 3]> {
    let (texts, report) = (Texts::of(registry::all()), nothing());
    let lines = fs::read_to_string(directory().join(name)).expect(name);
    let mut areas: BTreeMap<String, [u32; 3]> = BTreeMap::new();
    for line in lines.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<_> = line.splitn(4, '\t').collect();
        let [area, source, right, content] = fields[..] else { panic!("{name}: {line}") };
        let known = |id: &str| texts.subjects().any(|subject| subject.id() == id);
        assert!(right.split(',').all(known), "{name}: an id of {right} is unknown");
        let suspects = expectation(content.as_bytes(), &texts, &report).suspects;
        let how = match suspects.first() {
            Some(first) if right.split(',').any(|id| id == first) => 0,
            Some(_) => 1,
            None => 2,
        };
        if how > 0 {
            eprintln!("{area} {source}: {suspects:?}, not {right}: {content}");
        }
        areas.entry(area.to_owned()).or_default()[how] += 1;
    }
    areas
}

/// Lines as engines print them: what comes first must be right for nine of ten, and wrong for three of a hundred at most.
///
/// `cargo test --test logs lines -- --nocapture` shows the table.
#[test]
fn of_lines_of_engines_the_cause_comes_first() {
    for (name, least_right, most_wrong) in [("lines.tsv", 97, 1), ("lines-second.tsv", 90, 3)] {
        let areas = score(name);
        let mut all = [0; 3];
        eprintln!("{name:20}  right  wrong   none");
        for (area, counts) in &areas {
            eprintln!("  {area:18} {:6} {:6} {:6}", counts[0], counts[1], counts[2]);
            all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
        }
        let lines: u32 = all.iter().sum();
        eprintln!("  {:18} {:6} {:6} {:6}   of {lines}", "all", all[0], all[1], all[2]);
        assert!(all[0] * 100 >= lines * least_right, "{name}: {} of {lines} are right", all[0]);
        assert!(all[1] * 100 <= lines * most_wrong, "{name}: {} of {lines} are wrong", all[1]);
    }
}

#[test]
fn texts_are_distinctive_and_shared_only_on_purpose() {
    let plain = |text: &str| text.to_lowercase().replace(['"', '\'', '`'], "");
    let mut shared: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (_, check) in registry::all() {
        let mut own = BTreeSet::new();
        for text in check.logs {
            assert!(text.len() >= SHORTEST, "{}: {text:?} is too short", check.id);
            assert!(text.contains(|c: char| c.is_ascii_alphabetic()), "{}: {text:?}", check.id);
            assert!(own.insert(plain(text)), "{} has {text:?} twice", check.id);
            let carries = |other: &&dind_doctor_checks::Check| {
                other.logs.iter().any(|longer| plain(longer).contains(&plain(text)))
            };
            let others = registry::all().map(|(_, other)| other).filter(carries);
            let ids: BTreeSet<_> = others.map(|other| other.id).collect();
            if ids.len() > 1 {
                shared.entry(text).or_default().extend(ids);
            }
        }
    }
    let owned = |(text, ids): (&str, BTreeSet<&str>)| {
        (text.to_owned(), ids.into_iter().map(str::to_owned).collect())
    };
    let shared: BTreeMap<String, BTreeSet<String>> = shared.into_iter().map(owned).collect();
    compare("shared.toml", &shared);
}
