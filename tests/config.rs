//! `doctor.toml` and baselines, with the real program over recorded machines.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// An error for kind in stray-kubepods-cgroup and two others.
const POD: &str = "bookworm-v1-pod";

/// Has 128 inotify instances.
const UPLINK: &str = "mtu-1500";

fn bundle(host: &str) -> String {
    format!("{}/fixtures/hosts/{host}/bundle", env!("CARGO_MANIFEST_DIR"))
}

/// A directory in which the doctor finds this configuration.
fn project(config: impl AsRef<[u8]>) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("doctor.toml"), config).unwrap();
    dir
}

fn doctor(dir: &Path, host: &str, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("doctor").unwrap();
    command.env_clear().current_dir(dir).args(["--from", &bundle(host)]).args(arguments);
    command
}

/// Standard output and standard error of a run that ends with `code`.
fn run(dir: &Path, host: &str, arguments: &[&str], code: i32) -> (String, String) {
    let output = doctor(dir, host, arguments).assert().code(code).get_output().clone();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

fn report(dir: &Path, host: &str, arguments: &[&str], code: i32) -> Value {
    let (out, err) = run(dir, host, &[arguments, &["--format=json"]].concat(), code);
    assert_eq!(err, "");
    serde_json::from_str(&out).unwrap()
}

fn check<'a>(report: &'a Value, id: &str) -> &'a Value {
    report["checks"].as_array().unwrap().iter().find(|check| check["id"] == id).unwrap()
}

fn target<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["targets"].as_array().unwrap().iter().find(|t| t["target"] == name).unwrap()
}

/// The example of the documentation, which is what people copy, with a day that does not come.
fn example() -> String {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md"));
    let readme = readme.unwrap();
    let (_, rest) = readme.split_once("```toml\n# doctor.toml\n").unwrap();
    let example = rest.split_once("```").unwrap().0;
    assert!(example.contains("until = 2027-03-01"));
    example.replace("2027", "2999")
}

#[test]
fn the_example_of_the_readme_does_what_it_says() {
    let dir = project(example());
    let report = report(dir.path(), POD, &[], 0);
    assert_eq!(report["configuration"], "./doctor.toml");
    assert_eq!(report["environment"]["versions"]["docker"], "29.1.0");
    assert_eq!(report["environment"]["versions"]["kind"], "0.30.0");
    let ignored = &check(&report, "disk-inode-pressure")["ignored"];
    assert_eq!(ignored["until"], "2999-03-01");
    assert!(ignored["reason"].as_str().unwrap().contains("emptied"));
    let unused = report["unused_ignores"].as_array().unwrap();
    assert!(unused.iter().any(|ignore| ignore["subject"] == "10.96.0.0/16"));
    let report = self::report(dir.path(), UPLINK, &["--exit-zero"], 0);
    assert_eq!(check(&report, "inotify-exhausted")["severity"], "info");
    assert_eq!(check(&report, "inotify-exhausted")["severity_was"]["kind"], "warning");
}

#[test]
fn the_command_line_replaces_and_adds() {
    let dir = project(
        "for = ['systemd']\nselect = ['time']\nstrict = true\nassume.docker = '20'\n\
         ignore = [{ id = 'swap-on', reason = 'never' }]\n",
    );
    let plain = report(dir.path(), POD, &["--exit-zero"], 0);
    assert_eq!(target(&plain, "systemd")["selected"], true);
    assert_eq!(plain["checks"].as_array().unwrap().len(), 1);
    let arguments =
        ["--exit-zero", "--for=kind", "--select=kubernetes", "--ignore=time", "--assume=runc=1.1"];
    let given = report(dir.path(), POD, &arguments, 0);
    assert_eq!(target(&given, "systemd")["selected"], false);
    assert_eq!(target(&given, "kind")["selected"], true);
    assert_eq!(check(&given, "swap-on")["ignored"]["reason"], "never");
    assert_eq!(given["environment"]["versions"]["docker"], "20.0.0");
    assert_eq!(given["environment"]["versions"]["runc"], "1.1.0");
    let bare = report(dir.path(), POD, &["--no-config"], 1);
    assert_eq!(bare["configuration"], Value::Null);
    assert_eq!(target(&bare, "dockerd")["selected"], true);
}

#[test]
fn a_configuration_is_found_in_order_and_has_to_be_there_if_it_is_named() {
    let dir = project("for = ['kind']\n");
    fs::write(dir.path().join("a.toml"), "for = ['rootless']\n").unwrap();
    fs::write(dir.path().join("b.toml"), "for = ['systemd']\n").unwrap();
    let selected = |command: &mut Command| {
        let output = command.args(["--format=json", "--exit-zero"]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let targets = report["targets"].as_array().unwrap().clone();
        let mut selected = targets.into_iter().filter(|t| t["selected"] == true);
        selected.next().unwrap()["target"].as_str().unwrap().to_owned()
    };
    let from = |arguments: &[&str]| doctor(dir.path(), POD, arguments);
    assert_eq!(selected(&mut from(&[])), "kind");
    assert_eq!(selected(from(&[]).env("DOCTOR_CONFIG", "")), "kind");
    assert_eq!(selected(from(&[]).env("DOCTOR_CONFIG", "a.toml")), "rootless");
    assert_eq!(selected(from(&["--config=b.toml"]).env("DOCTOR_CONFIG", "a.toml")), "systemd");
    let (_, err) = run(dir.path(), POD, &["--config=nope"], 2);
    assert_eq!(err, "doctor: cannot read nope: there is no such file\n");
    let output = from(&[]).env("DOCTOR_CONFIG", "nope").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stderr.starts_with(b"doctor: $DOCTOR_CONFIG: cannot read nope"));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, place, says) in [
        ("ignroe = []", "1:1", "did you mean ignore?"),
        ("\n[[ignore]]\nid = 'swapon'\nreason = 'x'", "3:6", "did you mean swap-on?"),
        ("[[ignore]]\nid = 'swap-on'\nreason = ' '", "3:10", "say why"),
        ("[[ignore]]\nid = 'swap-on'", "1:1", "reason is missing"),
        ("[[ignore]]\nid = 'swap-on'\nreason = 'x'\nunitl = 1", "4:1", "did you mean until?"),
        ("[[ignore]]\nid = 'time'\nreason = 'x'\nuntil = '2027-01-01'", "4:9", "without quotes"),
        ("[[ignore]]\nid = 'time'\nreason = 'x'\nuntil = 2027-02-30", "4:9", "day between"),
        ("[ignore]\nid = 'time'", "1:1", "[[…]]"),
        ("severity.swap-on = 'warn'", "1:20", "error, warning or info"),
        ("severity.time = 'info'", "1:10", "no check has this id"),
        ("severity.swap-on = { kid = 'info' }", "1:22", "did you mean kind?"),
        ("for = ['kid']", "1:8", "did you mean kind?"),
        ("for = []", "1:7", "leave `for` out"),
        ("assume.docker = 29.1", "1:17", "text in quotes"),
        ("strict = 'yes'", "1:10", "expected a boolean"),
    ] {
        let dir = project(text);
        let (out, err) = run(dir.path(), POD, &[], 2);
        assert_eq!(out, "", "{text}");
        assert!(err.starts_with(&format!("doctor: ./doctor.toml:{place}: ")), "{text}: {err}");
        assert!(err.contains(says), "{text}: {err}");
        assert!(err.trim_end().ends_with('^'), "{text}: {err}");
    }
}

#[test]
fn a_hostile_configuration_is_2_and_nothing_of_it_reaches_the_terminal() {
    let deep = format!("for = {}", "[".repeat(100_000));
    let keys = format!("{}b = 1", "a.".repeat(100_000));
    for content in [
        deep.as_bytes(),
        keys.as_bytes(),
        b"for = ['\xff']",
        b"\0\0\0",
        b"'\x1b[31m\x9b' = 1",
        b"\"\\u001b]0;x\\u0007\" = 1",
        &vec![b'#'; 2 << 20],
    ] {
        let dir = project(content);
        let (out, err) = run(dir.path(), POD, &[], 2);
        assert_eq!(out, "");
        assert!(
            err.len() < 1000 && !err.contains(|c: char| c.is_control() && c != '\n'),
            "{err:?}"
        );
    }
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("doctor.toml")).unwrap();
    assert!(run(dir.path(), POD, &[], 2).1.contains("Is a directory"));
    let (_, err) = run(dir.path(), POD, &["--config=/dev/zero"], 2);
    assert_eq!(err, "doctor: cannot read /dev/zero: not a regular file\n");
    nix::unistd::mkfifo(&dir.path().join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    run(dir.path(), POD, &["--config=fifo"], 2);
}

#[test]
fn what_is_set_aside_is_shown_with_the_reason_and_what_it_hides() {
    let dir = project(
        "for = ['kind']\n\
         [severity]\ncgroup-v1-end-of-life = 'warning'\n\
         [[ignore]]\nid = 'cgroup-v1-no-namespace'\nreason = \"pods\\u001b[31m\"\nuntil = 2999-01-01\n\
         [[ignore]]\nid = 'stray-kubepods-cgroup'\nsubject = '/kubepods/burstable/pod*/*'\n\
         reason = 'the entrypoint moves'\n\
         [[ignore]]\nid = 'ipv6-gaps'\nreason = 'raised on Monday'\nuntil = 2020-01-01\n\
         [[ignore]]\nid = 'time-skew'\nreason = 'NTP is late'\n",
    );
    let (table, _) = run(dir.path(), POD, &[], 0);
    let text = table.split_whitespace().collect::<Vec<_>>().join(" ");
    for says in [
        "./doctor.toml, found in the working directory, decides: 4 ignores, 1 severity, for",
        "kind degraded by cgroup-v1-end-of-life; blocked without ignores and overrides \
         (cgroup-v1-end-of-life, cgroup-v1-no-namespace, stray-kubepods-cgroup)",
        "without the override it is: error for kind",
        "ignored: cgroup-v1-no-namespace (error): pods\\x1b[31m (until 2999-01-01)",
        "ignored: stray-kubepods-cgroup (error): the entrypoint moves",
        "no longer ignored, 2020-01-01 is over: ipv6-gaps (raised on Monday)",
        "nothing to ignore here: time-skew (NTP is late)",
    ] {
        assert!(text.contains(says), "{says}: {table}");
    }
    let report = report(dir.path(), POD, &[], 0);
    let kind = target(&report, "kind");
    assert_eq!((&kind["readiness"], &kind["as_found"]), (&"degraded".into(), &"blocked".into()));
    assert_eq!(report["expired_ignores"][0]["id"], "ipv6-gaps");
    assert_eq!(report["unused_ignores"][0]["id"], "time-skew");
}

#[test]
fn a_baseline_is_adopted_compared_and_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    run(path, POD, &[], 1);
    let (_, err) = run(path, POD, &["--write-baseline=known.json"], 0);
    assert_eq!(
        err,
        "doctor: known.json: 3 known findings; doctor --baseline=known.json fails on others only\n"
    );
    let first = fs::read_to_string(path.join("known.json")).unwrap();
    for volatile in ["0a1b2c3d", "d394d23412bc", "/kubepods/burstable/pod0"] {
        assert!(!first.contains(volatile), "{volatile}");
    }
    let same = report(path, POD, &["--baseline=known.json"], 0);
    assert_eq!((&same["baseline"]["known"], &same["baseline"]["new"]), (&3.into(), &0.into()));
    assert_eq!(target(&same, "kind")["readiness"], "blocked");
    assert_eq!(check(&same, "cgroup-v1-no-namespace")["findings"][0]["known"], true);
    run(path, POD, &["--baseline=known.json", "--write-baseline=known.json"], 0);
    assert_eq!(fs::read_to_string(path.join("known.json")).unwrap(), first);

    let other = ["--for=dockerd", "--baseline=known.json"];
    let elsewhere = "docker20-unprivileged";
    let report = report(path, elsewhere, &other, 1);
    assert!(report["baseline"]["new"].as_u64().unwrap() > 0);
    let (table, _) = run(path, elsewhere, &other, 1);
    assert!(table.contains("fixed: stray-kubepods-cgroup: /kubepods/burstable/pod*/*"), "{table}");
    assert!(table.contains("--write-baseline takes it out"), "{table}");
    let update = [&other[..], &["--write-baseline=known.json"]].concat();
    let (_, err) = run(path, elsewhere, &update, 0);
    assert!(err.contains("added") && err.contains("taken out"), "{err}");
    run(path, elsewhere, &other, 0);
    assert_eq!(fs::read_dir(path).unwrap().count(), 1);
}

#[test]
fn what_is_no_baseline_is_2() {
    let dir = tempfile::tempdir().unwrap();
    let (_, err) = run(dir.path(), POD, &["--baseline=a.json"], 2);
    assert!(err.contains("doctor --write-baseline=a.json makes it"), "{err}");
    for (content, says) in [
        ("", "no baseline"),
        ("{\"schema\": \"x\", \"doctor\": {\"version\": \"9\"}, \"findings\": []}", "schema is x"),
        (&"[".repeat(100_000), "no baseline"),
        (
            "{\"schema\": \"dind-doctor/baseline/1\", \"doctor\": {\"version\": \"9\"}, \"findings\": \
          [{\"id\": \"a\", \"subject\": \"b\", \"severity\": {\"kind\": \"awful\"}, \"summary\": \"\"}]}",
            "a: kind: awful",
        ),
    ] {
        fs::write(dir.path().join("a.json"), content).unwrap();
        let (out, err) = run(dir.path(), POD, &["--baseline=a.json"], 2);
        assert!(out.is_empty() && err.contains(says), "{err}");
    }
    let (out, err) = run(dir.path(), POD, &["--write-baseline=absent/a.json"], 2);
    assert!(!out.is_empty() && err.starts_with("doctor: cannot write absent/a.json"), "{err}");
}

#[test]
fn the_report_of_a_capture_hides_nothing() {
    let dir = project("[[ignore]]\nid = 'cgroup'\nreason = 'x'\n");
    let arguments = ["capture", "-o", "b", "--report=r.json", "--from", &bundle(POD)];
    let mut command = Command::cargo_bin("doctor").unwrap();
    command.env_clear().current_dir(dir.path()).args(arguments).assert().code(0);
    let report = fs::read(dir.path().join("r.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["summary"]["ignored"], 0);
    assert_eq!(report["configuration"], Value::Null);
}

/// Every way to read a report.
const FORMATS: [&[&str]; 8] = [
    &[],
    &["-q"],
    &["--format=json"],
    &["--format=junit"],
    &["--format=sarif"],
    &["--format=github"],
    &["--format=markdown"],
    &["--format=tap"],
];

#[test]
fn every_format_says_that_a_found_file_decides() {
    let decides = "[[ignore]]\nid = \"cgroup\"\nreason = \"none\"\n[[ignore]]\nid = \"netfilter\"\n\
                   reason = \"none\"\n[severity]\ndisk-inode-pressure = \"info\"\n";
    let dir = project(decides);
    // In a checkout that belongs to another user, as in CI.
    // Only root can give it away.
    let _ = std::os::unix::fs::chown(dir.path().join("doctor.toml"), Some(54_321), None);
    let named = dir.path().join("doctor.toml");
    for format in FORMATS {
        let said = |dir: &Path, arguments: &[&str]| {
            let output = doctor(dir, POD, &[format, arguments].concat()).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let found = said(dir.path(), &[]);
        if format == ["--format=json"] {
            let report: Value = serde_json::from_str(&found).unwrap();
            assert_eq!(report["configuration"], "./doctor.toml");
            assert_eq!(report["decided_by_found"], serde_json::json!(["2 ignores", "1 severity"]));
        } else {
            let plain = found.replace(['\\', '`'], "");
            let sentence =
                "doctor.toml, found in the working directory, decides: 2 ignores, 1 severity";
            assert!(plain.contains(sentence), "{format:?}");
        }
        let empty = tempfile::tempdir().unwrap();
        for (place, arguments) in [
            (empty.path(), vec![]),
            (dir.path(), vec!["--no-config"]),
            (dir.path(), vec!["--config", named.to_str().unwrap()]),
        ] {
            let text = said(place, &arguments);
            let sentence = "found in the working directory";
            assert!(!text.contains(sentence), "{format:?} {arguments:?}");
        }
    }
}

#[test]
fn a_found_file_that_decides_nothing_is_no_word_worth() {
    let dir = project("for = [\"kind\"]\n");
    let (out, _) = run(dir.path(), POD, &["--for=kind", "-q"], 1);
    assert!(!out.contains("decides"), "{out}");
}
