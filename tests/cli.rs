//! The program from outside: exit codes, streams, environment. What it finds on this machine does not
//! matter here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, process::Stdio};

use assert_cmd::Command;
use serde_json::Value;

fn doctor() -> Command {
    let mut command = Command::cargo_bin("doctor").unwrap();
    command.env_clear();
    command
}

/// Standard output of a run that must end with `code`, and standard error.
fn run(arguments: &[&str], code: i32) -> (String, String) {
    let output = doctor().args(arguments).assert().code(code).get_output().clone();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

fn json(arguments: &[&str]) -> Value {
    let (out, err) = run(arguments, 0);
    assert_eq!(err, "");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn check_is_the_default_command() {
    let targets = |report: &Value| {
        let targets = report["targets"].as_array().unwrap().clone();
        targets
            .into_iter()
            .filter(|t| t["selected"] == true)
            .map(|t| t["target"].clone())
            .collect::<Vec<_>>()
    };
    let common = ["--exit-zero", "--format=json"];
    assert_eq!(targets(&json(&common)), ["dockerd", "kind"]);
    let with = |more: &[&str]| targets(&json(&[more, common.as_slice()].concat()));
    assert_eq!(with(&["--for", "kind"]), ["kind"]);
    assert_eq!(with(&["check", "--for", "rootless,kind=0.11"]), ["kind", "rootless"]);
    assert_eq!(with(&["--for", "buildkit", "--for", "systemd"]), ["systemd", "buildkit"]);
}

#[test]
fn versions_are_given_by_assume_or_with_the_target() {
    let report = json(&[
        "--exit-zero",
        "--format=json",
        "--for=kind=0.11",
        "--assume",
        "docker=20.10.24+dfsg1,runc=1.1",
    ]);
    let versions = &report["environment"]["versions"];
    assert_eq!(versions["kind"], "0.11.0");
    assert_eq!(versions["docker"], "20.10.24");
    assert_eq!(versions["runc"], "1.1.0");
}

#[test]
fn the_exit_code_is_that_of_the_report() {
    let output =
        doctor().args(["--format=json", "--strict", "--fail-on=warning"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["exit_code"].as_i64(), output.status.code().map(i64::from));
    assert_eq!(json(&["--format=json", "--strict", "--exit-zero"])["exit_code"], 0);
}

#[test]
fn usage_errors_are_2_and_on_standard_error() {
    for (arguments, says) in [
        (["--for", "kid"].as_slice(), "did you mean kind?"),
        (&["--for", "rootless=1"], "--assume docker=V"),
        (&["--assume", "docker"], "COMPONENT=VERSION"),
        (&["--select", "pid1-swallow-sigterm"], "did you mean pid1-swallows-sigterm?"),
        (&["--ignore", "moutn"], "did you mean mount?"),
        (&["--output", "json"], "FORMAT=FILE"),
        (&["--output", "sarif=x"], "formats are table, json"),
        (&["--fail-on", "info"], "possible values"),
        (&["--timeout", "0"], "seconds"),
        (&["-q", "-v"], "cannot be used with"),
        (&["explain", "pid1-swallow-sigterm"], "did you mean pid1-swallows-sigterm?"),
        (&["explain"], "<ID>"),
        (&["--from", "/nonexistent/bundle"], "/nonexistent/bundle"),
        (&["facts", "--from", "/nonexistent/bundle"], "/nonexistent/bundle"),
    ] {
        let (out, err) = run(arguments, 2);
        assert_eq!(out, "", "{arguments:?}");
        assert!(err.contains(says), "{arguments:?}: {err}");
        assert!(!err.contains('\u{1b}'), "{arguments:?}");
    }
}

#[test]
fn an_area_selects_its_checks_by_either_name() {
    let report =
        json(&["--exit-zero", "--format=json", "--select", "iptables,pid1-swallows-sigterm"]);
    for check in report["checks"].as_array().unwrap() {
        assert!(check["area"] == "netfilter" || check["id"] == "pid1-swallows-sigterm", "{check}");
    }
    let report = json(&["--exit-zero", "--format=json", "--ignore", "pid1"]);
    for check in report["checks"].as_array().unwrap() {
        let reason = &check["ignored"]["reason"];
        assert_eq!(check["area"] == "pid1", *reason == "ignored on the command line", "{check}");
    }
}

#[test]
fn help_shows_examples_first_and_version_is_one_line() {
    let (help, err) = run(&["--help"], 0);
    assert_eq!(err, "");
    assert!(help.find("Examples:").unwrap() < help.find("Usage:").unwrap());
    assert_eq!(run(&["--version"], 0).0, format!("doctor {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_command_speaks_json() {
    assert_eq!(json(&["list", "--format=json"])["schema"], "dind-doctor/list/1");
    let check = json(&["explain", "pid1-swallows-sigterm", "--format=json"]);
    assert_eq!(check["severity"]["dockerd"], "warning");
    assert!(check["doc"].as_str().unwrap().starts_with("## What it looks at\nThe signal masks"));
    assert!(json(&["facts"])["cgroup"].is_object());
}

#[test]
fn list_and_explain_speak_to_people() {
    assert!(run(&["list"], 0).0.contains("pid1-swallows-sigterm"));
    let (text, _) = run(&["explain", "pid1-swallows-sigterm", "--color=always"], 0);
    assert!(text.contains("\u{1b}[1mWhy it matters\u{1b}[0m"), "{text}");
    assert!(text.contains("warning for dockerd, kind, rootless; info for buildkit"));
    assert!(text.lines().all(|line| line.chars().count() <= 80 + 16));
}

#[test]
fn colour_follows_the_flag_then_the_environment() {
    let colored = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = doctor();
        command.arg("--exit-zero").args(arguments).envs(variables.iter().copied());
        command.output().unwrap().stdout.contains(&0x1b)
    };
    assert!(!colored(&[], &[("TERM", "xterm")]));
    assert!(colored(&[], &[("FORCE_COLOR", "1")]));
    assert!(!colored(&[], &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]));
    assert!(colored(&["--color=always"], &[("NO_COLOR", "1")]));
    assert!(!colored(&["--color=always", "--format=json"], &[]));
}

#[test]
fn outputs_are_written_beside_standard_output() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let output = |format: &str, name: &str| format!("--output={format}={}", path(name));
    let (out, _) = run(&["--exit-zero", &output("json", "a.json"), &output("table", "a.txt")], 0);
    assert_eq!(fs::read_to_string(path("a.txt")).unwrap(), out);
    let report: Value = serde_json::from_slice(&fs::read(path("a.json")).unwrap()).unwrap();
    assert_eq!(report["exit_code"], 0);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    let (both, _) = run(&["--exit-zero", "-q", "--output=json=/dev/stdout"], 0);
    assert!(both.ends_with("}\n"));
    let (out, err) = run(&["--exit-zero", &output("json", "absent/a.json")], 2);
    assert!(!out.is_empty());
    assert!(err.starts_with("doctor: cannot write "), "{err}");
}

#[test]
fn a_reader_that_goes_away_is_no_error_and_a_full_disk_is() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.json");
    for arguments in [
        &["--exit-zero"][..],
        &["list"],
        &["--help"],
        &["facts"],
        &["--exit-zero", "--format=json"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("doctor"));
        command.args(arguments).env_clear().stdout(writer).stderr(Stdio::piped());
        if arguments[0] == "--exit-zero" {
            command.arg(format!("--output=json={}", file.display()));
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(output.stderr, b"", "{arguments:?}");

        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("doctor"));
        let output = command.args(arguments).env_clear().stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    assert!(file.exists());
}

#[test]
fn trials_are_of_this_machine_and_have_names() {
    let (_, err) = run(&["--active", "--from", "bundle"], 2);
    assert!(err.contains("cannot be used with"), "{err}");
    let (_, err) = run(&["--active=overly"], 2);
    assert!(err.contains("did you mean overlay?"), "{err}");
    let list = json(&["list", "--active", "--format=json"]);
    let trials = list["trials"].as_array().unwrap();
    assert!(trials.iter().any(|t| t["name"] == "overlay" && t["may_load"][0] == "overlay"));
    let (table, _) = run(&["list", "--active"], 0);
    assert!(trials.iter().all(|t| table.contains(t["name"].as_str().unwrap())));
}

#[test]
fn what_was_tried_is_in_the_report() {
    let report = json(&["--active=inotify", "--exit-zero", "--format=json"]);
    let trials = report["trials"].as_array().unwrap();
    let trial = trials.iter().find(|t| t["name"] == "inotify").unwrap();
    assert_eq!(trial["steps"][0]["step"], "make inotify instances");
    assert!(!trials.iter().any(|t| t["name"] == "overlay"), "only what was named");
    assert_eq!(json(&["--exit-zero", "--format=json"])["trials"], Value::Array(vec![]));
}
