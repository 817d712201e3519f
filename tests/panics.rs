//! What makes a parser panic costs what it would have told, and no report.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path, time::Duration};

use assert_cmd::cargo::cargo_bin_cmd;
use dind_doctor::{
    bundle,
    probe::Reader,
    source::{Answer, Question, Refusal, Source},
};
use dind_doctor_checks::facts::{Fact, Text, Why};
use serde_json::Value;

/// A recorded environment in which the stat file of PID 1 has its parentheses the wrong way round: the parser
/// slices the name from behind its end.
fn with_a_stat_file_that_panics() -> tempfile::TempDir {
    let recorded =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts/bookworm-capped/bundle");
    let dir = tempfile::tempdir().unwrap();
    let manifest = fs::read_to_string(recorded.join("manifest.jsonl")).unwrap();
    fs::write(dir.path().join("manifest.jsonl"), &manifest).unwrap();
    let asked: Vec<Value> =
        manifest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let stat = asked.iter().find(|line| line["path"] == "/proc/1/stat").unwrap();
    fs::create_dir(dir.path().join("files")).unwrap();
    for file in fs::read_dir(recorded.join("files")).unwrap().map(|file| file.unwrap()) {
        let to = dir.path().join("files").join(file.file_name());
        if file.file_name() == stat["body"].as_str().unwrap() {
            fs::write(to, "1 )x( S 0 1").unwrap();
        } else {
            fs::copy(file.path(), to).unwrap();
        }
    }
    dir
}

#[test]
fn a_malformed_stat_file_costs_its_row() {
    let bundle = with_a_stat_file_that_panics();
    assert!(bundle::read(bundle.path()).is_ok());
    let run = cargo_bin_cmd!("doctor")
        .args(["--no-config", "--format", "json", "--from"])
        .arg(bundle.path())
        .env_clear()
        .assert();
    let output = run.get_output();
    assert!(output.status.code().is_some_and(|code| code <= 1), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["crashed_probes"], serde_json::json!([]));
    assert!(report["checks"].as_array().is_some_and(|checks| checks.len() > 70));
}

/// Answers everything, and the questions about one file with what no probe expects.
struct Poisoned;

impl Source for Poisoned {
    fn ask(&self, _: &Question) -> Result<Answer, Refusal> {
        Ok(Answer::bytes(b"poison\x1b[31m".to_vec()))
    }
}

#[test]
fn a_probe_that_panics_is_named_and_what_it_would_have_found_is_unknown() {
    let reader = Reader::new(&Poisoned);
    let probe = |reader: &Reader| -> (Fact<Text>, Fact<Text>) {
        let fine = reader.text("/fine").into();
        let text: Fact<Text> = reader.text("/poisoned").into();
        assert!(!text.is_known_and(|text| text.contains("poison")), "cannot parse {text:?}");
        (fine, text)
    };
    let (fine, text) = reader.run("first", Duration::from_secs(1), probe);
    // Not even what it had found: nobody knows how far it came.
    assert_eq!((fine.why(), text.why()), (Some(Why::Malformed), Some(Why::Malformed)));
    let [crash] = &reader.crashed()[..] else { unreachable!("one probe crashed") };
    assert_eq!(crash.probe, "first");
    assert!(crash.message.contains("cannot parse") && crash.message.contains("panics.rs:"));
    // The next one asks again.
    let next = reader.run("second", Duration::from_secs(1), |reader: &Reader| reader.text("/fine"));
    assert!(next.is_ok());
}
