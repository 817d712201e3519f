//! `doctor diff` from outside: recorded environments, reports, and this machine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use assert_cmd::Command;
use dind_doctor::{
    bundle::{self, Replay},
    probe,
};
use dind_doctor_checks::{facts::Facts, plan::Plans, registry};
use serde_json::Value;

fn host(name: &str) -> String {
    format!("{}/fixtures/hosts/{name}/bundle", env!("CARGO_MANIFEST_DIR"))
}

/// Exit code, standard output and standard error.
fn doctor(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("doctor").unwrap();
    let output = command.env_clear().args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn table(left: &str, right: &str) -> String {
    let (code, out, err) = doctor(&["diff", &host(left), &host(right)]);
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    out
}

fn json(left: &str, right: &str, code: i32) -> Value {
    let (ended, out, err) = doctor(&["diff", left, right, "--format=json"]);
    assert_eq!((ended, err.as_str()), (code, ""), "{out}");
    let diff: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(diff["schema"], "dind-doctor/diff/1");
    assert_eq!(diff["exit_code"], code);
    diff
}

/// The change of one check.
fn change<'a>(diff: &'a Value, id: &str) -> &'a Value {
    diff["changes"].as_array().unwrap().iter().find(|change| change["id"] == id).unwrap()
}

fn paths(change: &Value) -> Vec<&str> {
    let paths = change["explanation"]["paths"].as_array().unwrap();
    paths.iter().map(|path| path.as_str().unwrap()).collect()
}

#[test]
fn what_decides_comes_first() {
    let out = table("bookworm-dind-prepared", "bookworm-dind-unprepared");
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[0], "dockerd  degraded in both");
    assert!(lines[1].starts_with("kind     degraded in bookworm-dind-prepared, blocked in "));
    assert_eq!(lines[3], "error  cgroup2-internal-process");
    assert!(lines[5].starts_with("  because   controllers enabled in /sys/fs/cgroup: cpuset"));
    let out = table("mtu-1500", "mtu-1400");
    assert!(out.contains("because   path MTU (IPv4): 1500 in mtu-1500, 1400 in mtu-1400"), "{out}");
    assert!(out.contains("2 facts differ"), "{out}");
}

#[test]
fn the_cgroup_namespace_decides_where_inner_containers_end() {
    let (left, right) = ("bookworm-privileged", "bookworm-privileged-cgroupns-host");
    let diff = json(&host(left), &host(right), 1);
    let change = change(&diff, "host-cgroupns-on-v2");
    assert_eq!(change["worse"], "right");
    assert!(paths(change).contains(&"identity.namespaces.cgroup.initial"), "{change}");
    assert!(table(left, right).contains("cgroup namespace: private in bookworm-privileged"));
}

#[test]
fn what_always_differs_is_told_where_it_decides() {
    let diff = json(&host("bookworm-container"), &host("bookworm-dind-btrfs"), 1);
    let change = change(&diff, "disk-inode-pressure");
    assert_eq!(paths(change), ["storage.data_roots[docker].space.available"]);
    let differences = diff["differences"].as_array().unwrap();
    let space = differences.iter().find(|d| d["path"] == paths(change)[0]).unwrap();
    assert_eq!(space["left_out"], "free memory and free space");
    assert!(
        differences
            .iter()
            .all(|d| d["left_out"].is_null() || d["explains"] != Value::Array(vec![]))
    );
}

#[test]
fn the_two_sides_may_be_swapped() {
    let (left, right) = (host("mtu-1500"), host("mtu-1400"));
    let (one, other) = (json(&left, &right, 1), json(&right, &left, 1));
    assert_eq!(one["counts"], other["counts"]);
    assert_eq!(one["changes"][0]["explanation"], other["changes"][0]["explanation"]);
    assert_eq!(
        (&one["changes"][0]["worse"], &other["changes"][0]["worse"]),
        (&"right".into(), &"left".into())
    );
}

#[test]
fn two_recordings_of_one_kind_are_nearly_the_same() {
    for (left, right, at_most) in [
        ("mtu-1450", "mtu-1480", 2),
        ("bookworm-dind-overlay", "bookworm-dind-prepared", 7),
        ("netfilter-legacy-only", "netfilter-mixed", 1),
        ("bookworm-pid1-tini", "bookworm-pid1-sleep", 6),
    ] {
        let diff = json(&host(left), &host(right), 1);
        let different = diff["counts"]["different"].as_u64().unwrap();
        assert!(different <= at_most, "{left} {right}: {}", diff["differences"]);
    }
}

#[test]
fn a_bundle_is_the_same_as_itself_and_as_its_archive() {
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("laptop.tar.gz");
    let archive = archive.to_str().unwrap();
    let from = host("bookworm-v1-node");
    assert_eq!(doctor(&["capture", "--no-redact", "--from", &from, "-o", archive]).0, 0);
    for (left, right) in [(&*from, &*from), (&*from, archive)] {
        let diff = json(left, right, 0);
        assert_eq!(
            (&diff["changes"], &diff["differences"]),
            (&Value::Array(vec![]), &Value::Array(vec![]))
        );
    }
    let (code, out, err) = doctor(&["diff", &from, archive]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("no difference: "), "{out}");
    assert!(!out.contains("because") && !out.contains("differs too"), "{out}");
}

#[test]
fn a_redacted_bundle_is_told_from_its_original() {
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("redacted.tgz");
    let archive = archive.to_str().unwrap();
    let from = host("bookworm-v1-node");
    assert_eq!(doctor(&["capture", "--from", &from, "-o", archive]).0, 0);
    let (_, out, _) = doctor(&["diff", &from, archive]);
    assert!(out.contains("one side is redacted"), "{out}");
    assert!(!out.contains("because"), "{out}");
}

#[test]
fn this_machine_does_not_differ_from_itself() {
    // Somebody else may start or stop something in between: not five times in a row.
    let runs: Vec<_> = (0..5).map(|_| doctor(&["diff", "live", "live"])).take(5).collect();
    assert!(runs.iter().any(|(code, ..)| *code == 0), "{}", runs[0].1);
    assert!(runs.iter().all(|(code, _, err)| *code < 2 && err.is_empty()));
}

#[test]
fn reports_are_compared_by_what_they_hold() {
    let dir = tempfile::tempdir().unwrap();
    let report = |name: &str| {
        let path = dir.path().join(format!("{name}.json")).to_str().unwrap().to_owned();
        let output = format!("--output=json={path}");
        assert_eq!(doctor(&["--from", &host(name), "--exit-zero", "-q", &output]).0, 0);
        path
    };
    let (left, right) = (report("mtu-1500"), report("mtu-1400"));
    let diff = json(&left, &left, 0);
    assert_eq!(diff["compared"], "environment");
    let diff = json(&left, &right, 1);
    assert_eq!(diff["differences"][0]["path"], "mtu.device");
    assert_eq!(change(&diff, "mtu-bridge-exceeds-path")["explanation"], Value::Null);
    let (code, out, _) = doctor(&["diff", &left, &host("mtu-1400")]);
    assert_eq!(code, 1);
    assert!(out.contains("only in mtu-1400"), "{out}");
    assert!(out.contains("a JSON report holds no facts"), "{out}");
}

#[test]
fn targets_and_versions_hold_for_both_sides() {
    let (left, right) = (host("bookworm-host"), host("bookworm-v1-host"));
    let told = |more: &[&str]| {
        let arguments = [&["diff", &left, &right, "--format=json"], more].concat();
        let diff: Value = serde_json::from_str(&doctor(&arguments).1).unwrap();
        change(&diff, "cgroup-v1-end-of-life")["severity"].clone()
    };
    assert_eq!(told(&[]), "error");
    assert_eq!(told(&["--for", "dockerd"]), "info");
    assert_eq!(told(&["--assume", "kubernetes=1.30"]), "info");
}

#[test]
fn what_cannot_be_read_is_trouble() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let empty = dir.path().to_str().unwrap().to_owned();
    let good = host("mtu-1500");
    for (path, says) in [
        ("/nonexistent/bundle".to_owned(), "No such file"),
        (empty, "no manifest.jsonl"),
        (file("a.txt", b"hello"), "neither a bundle nor a JSON report"),
        (file("b.json", b"{}"), "JSON, but not a report"),
        (
            file("c.json", b"{\"schema\":\"dind-doctor/list/1\"}"),
            "not a report, but \"dind-doctor/list/1\"",
        ),
        (file("d.json", b"{\"schema\":\"dind-doctor/report/2\"}"), "a later doctor"),
        (file("e.json", b"{\"schema\":\"dind-doctor/report/1\"}"), "damaged report"),
        (file("f.tar.gz", &[0x1f, 0x8b, 8, 0]), "f.tar.gz"),
        (file("g", b""), "neither a bundle nor a JSON report"),
    ] {
        for arguments in [["diff", &good, &path], ["diff", &path, &good]] {
            let (code, out, err) = doctor(&arguments);
            assert_eq!((code, out.as_str()), (2, ""), "{path}");
            assert!(err.contains(says) && err.contains(&*path), "{err}");
        }
    }
    assert_eq!(doctor(&["diff", &good]).0, 2);
    assert_eq!(doctor(&["diff", &good, &good, "--from", &good]).0, 2);
}

#[test]
fn bundles_of_later_doctors_are_read_or_refused_clearly() {
    let dir = tempfile::tempdir().unwrap();
    let from = host("mtu-1500");
    let manifest = fs::read_to_string(Path::new(&from).join("manifest.jsonl")).unwrap();
    let later = |name: &str, manifest: String| {
        let copy = dir.path().join(name);
        fs::create_dir_all(copy.join("files")).unwrap();
        for entry in fs::read_dir(Path::new(&from).join("files")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.join("files").join(entry.file_name())).unwrap();
        }
        fs::write(copy.join("manifest.jsonl"), manifest).unwrap();
        copy.to_str().unwrap().to_owned()
    };
    let more = manifest.replacen('{', "{\"new\":[1],", 1).replace("\n{", "\n{\"later\":{\"a\":1},")
        + "{\"ask\":\"something-new\",\"value\":{\"new\":1}}\n";
    let added = later("added", more);
    json(&from, &added, 0);
    let broken = later("broken", manifest.replacen("\"bundle\":2", "\"bundle\":3", 1));
    for arguments in [
        &["--from", &broken][..],
        &["facts", "--from", &broken],
        &["diff", &from, &broken],
        &["capture", "--from", &broken, "-o", "/nonexistent/x"],
    ] {
        let (code, out, err) = doctor(arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains("format 3") && err.contains("take a later one"), "{err}");
    }
}

#[test]
fn capture_says_what_it_took_out_and_what_it_could_not_see() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("x.tgz").to_str().unwrap().to_owned();
    let from = host("bookworm-rootless-user");
    let capture = |more: &[&str]| {
        let (code, out, err) =
            doctor(&[&["capture", "--from", &from, "-o", &bundle], more].concat());
        assert_eq!((code, out.as_str()), (0, ""), "{err}");
        err
    };
    let plain = capture(&[]);
    let size = format!("{} bytes", fs::metadata(&bundle).unwrap().len());
    assert!(plain.contains(&size), "{plain}");
    assert!(plain.contains("could not see (not-permitted): $"), "{plain}");
    assert!(!plain.contains("left out"), "{plain}");
    let told = capture(&["--show-redactions"]);
    assert!(
        told.contains("doctor: left out: /") && told.contains("doctor: rewritten: /"),
        "{told}"
    );
    assert_eq!(doctor(&["capture", "-o", &bundle, "--show-redactions", "--no-redact"]).0, 2);
}

#[test]
fn nothing_raw_reaches_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("hostile\u{1b}[31m");
    let (files, from) = (copy.join("files"), host("mtu-1500"));
    fs::create_dir_all(&files).unwrap();
    for entry in fs::read_dir(Path::new(&from).join("files")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), files.join(entry.file_name())).unwrap();
    }
    let manifest = fs::read_to_string(Path::new(&from).join("manifest.jsonl")).unwrap();
    let hostile = manifest.replace("\"eth0\"", "\"e\\u001b]0;x\\u0007\\n\\u202e\"");
    assert_ne!(hostile, manifest);
    fs::write(copy.join("manifest.jsonl"), hostile).unwrap();
    let copy = copy.to_str().unwrap();
    for more in [&["-v"][..], &["--format=json"], &[]] {
        let (code, out, err) = doctor(&[&["diff", &from, copy], more].concat());
        assert_eq!(code, 1, "{err}");
        assert!(out.contains("\\x1b]0;") || out.contains("\\u001b]0;"), "{out}");
        assert!(!out.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{out}");
    }
}

#[test]
fn facts_that_are_read_back_are_the_same_facts() {
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hosts")).unwrap() {
        let path = entry.unwrap().path().join("bundle");
        let facts = probe::collect(&Replay::new(bundle::read(&path).unwrap())).facts;
        let value = serde_json::to_value(&facts).unwrap();
        let again: Facts = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&again).unwrap(), value, "{}", path.display());
        for (_, check) in registry::all() {
            assert_eq!(
                check.judge(&again, &Plans::of(&again)),
                check.judge(&facts, &Plans::of(&facts)),
                "{} {}",
                check.id,
                path.display()
            );
        }
    }
}
