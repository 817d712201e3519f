//! Logs, reports, baselines and configuration of any size and shape.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{doctor, limited, pipe, refused};

const BUNDLE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hosts/bookworm-container/bundle");

/// Kilobytes of address space: 16 MiB of a log, and what the doctor itself needs.
const MEMORY: &str = "ulimit -v 131072;";

fn explained(directory: &Path, log: &str) -> Value {
    let arguments = ["explain", "--log", log, "--from", BUNDLE, "--format", "json"];
    let output = limited(directory, MEMORY, &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn of_a_long_log_the_last_part_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = "inotify_init: too many open files\n".repeat(3).into_bytes();
    log.resize(20 * 1024 * 1024, b'.');
    log.extend(b"\nerror: nobody knows this one\nMounts denied: \n");
    fs::write(dir.path().join("log"), &log).unwrap();
    let found = explained(dir.path(), "log");
    assert_eq!(found["log"]["cut"], true);
    assert_eq!(found["log"]["relative"], true);
    assert_eq!(found["log"]["lines"], 2);
    assert_eq!(found["log"]["skipped"], 20 * 1024 * 1024 + 1, "up to the first whole line");
    assert_eq!(found["unrecognised"]["last"][0]["line"], 1);
    assert!(
        found["suspects"].as_array().unwrap().iter().any(|s| s["seen"][0]["first"]["line"] == 2)
    );
    // Through a pipe lines are counted.
    let script =
        format!("cat log | {} explain --log - --from {BUNDLE}", env!("CARGO_BIN_EXE_doctor"));
    let output = Command::new("sh").args(["-c", &script]).current_dir(dir.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("only the last 16 MiB were read, and not the 20 MiB before"), "{text}");
    assert!(text.contains("line 6: Mounts denied"), "{text}");
    let output = doctor(dir.path(), &["explain", "--log", "log", "--from", BUNDLE]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("lines are counted"), "{text}");
}

#[test]
fn one_line_of_16_mebibytes_costs_no_more_than_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = vec![b'e'; 16 * 1024 * 1024 - 20];
    log.extend(b"Mounts denied: x");
    fs::write(dir.path().join("log"), &log).unwrap();
    let found = explained(dir.path(), "log");
    assert_eq!(found["log"]["lines"], 1);
    assert!(!found["suspects"].as_array().unwrap().is_empty(), "its end was seen");
}

#[test]
fn a_log_that_does_not_come_is_waited_for_no_longer_than_the_time() {
    let dir = tempfile::tempdir().unwrap();
    pipe(&dir.path().join("pipe"));
    let begin = Instant::now();
    let error = refused(dir.path(), &["explain", "--log", "pipe", "--timeout", "0.5"]);
    assert!(error.contains("--timeout"), "{error}");
    let mut child = Command::new(env!("CARGO_BIN_EXE_doctor"))
        .args(["explain", "--log", "-", "--timeout", "0.5"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"a line, and then nothing\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    for (path, why) in [("/dev/zero", "a device"), ("absent", "No such file")] {
        assert!(refused(dir.path(), &["explain", "--log", path]).contains(why), "{path}");
    }
}

#[test]
fn a_stream_without_an_end_is_not_read_to_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let doctor = env!("CARGO_BIN_EXE_doctor");
    let script = format!(
        "yes {} | {doctor} explain --log - --from {BUNDLE} --timeout 50 --format json",
        "e".repeat(4000)
    );
    let output = Command::new("sh").args(["-c", &script]).current_dir(dir.path()).output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["log"]["cut"], true);
}

#[test]
fn reports_baselines_and_configuration_are_bounded_regular_files() {
    let dir = tempfile::tempdir().unwrap();
    pipe(&dir.path().join("pipe"));
    fs::File::create(dir.path().join("huge")).unwrap().set_len(1 << 40).unwrap();
    let deep = "[".repeat(100_000);
    fs::write(dir.path().join("deep"), &deep).unwrap();
    fs::write(dir.path().join("deep.toml"), format!("a = {deep}")).unwrap();
    fs::write(dir.path().join("dotted.toml"), "a.".repeat(100_000) + "a = 1").unwrap();
    fs::write(dir.path().join("wide"), "[],".repeat(5_000_000)).unwrap();
    for (path, why) in [
        ("pipe", "regular file"),
        ("/dev/zero", "regular file"),
        ("huge", "more than"),
        ("deep", "recursion limit"),
    ] {
        let begin = Instant::now();
        assert!(refused(dir.path(), &["diff", path, BUNDLE]).contains(why), "diff {path}");
        let error = refused(dir.path(), &["--from", BUNDLE, "--baseline", path]);
        // It says of an array that it is no object before it has seen how deep it is.
        assert!(error.contains(why) || path == "deep", "--baseline {path}: {error}");
        assert!(begin.elapsed() < Duration::from_secs(10), "{path}: {:?}", begin.elapsed());
    }
    refused(dir.path(), &["diff", "wide", BUNDLE]);
    for path in ["pipe", "/dev/zero", "huge", "deep.toml", "dotted.toml"] {
        let begin = Instant::now();
        refused(dir.path(), &["--from", BUNDLE, "--config", path]);
        assert!(begin.elapsed() < Duration::from_secs(10), "{path}: {:?}", begin.elapsed());
    }
}

#[test]
fn client_configuration_of_any_depth_costs_no_time() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join(".docker")).unwrap();
    let deep = "{\"a\":".repeat(100_000) + "1" + &"}".repeat(100_000);
    fs::write(dir.path().join(".docker/config.json"), deep).unwrap();
    let home = format!("export HOME='{}';", dir.path().display());
    let output = limited(dir.path(), &home, &["facts", "--timeout", "20"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let facts: Value = serde_json::from_slice(&output.stdout).unwrap();
    let why = facts.pointer("/runtime/docker_context/missing/why");
    let shown = || facts["runtime"].to_string();
    assert!(why.is_none_or(|why| why == "too-large"), "{}", shown());
    assert!(facts.to_string().contains("too-large"), "{}", shown());
}
