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
        (
            &["--output", "xml=x"],
            "formats are table, json, junit, sarif, github, markdown, html, tap",
        ),
        (&["--sarif-anchor", "/etc/passwd"], "relative to its root"),
        (&["list", "--format=tap"], "possible values: table, json"),
        (&["--fail-on", "info"], "possible values"),
        (&["--timeout", "0"], "seconds"),
        (&["-q", "-v"], "cannot be used with"),
        (&["explain", "pid1-swallow-sigterm"], "did you mean pid1-swallows-sigterm?"),
        (&["explain"], "doctor explain --log FILE"),
        (&["explain", "swap-on", "--log", "x"], "cannot be used with"),
        (&["explain", "swap-on", "--from", "x"], "cannot be used with"),
        (&["explain", "--from", "x"], "--log"),
        (&["explain", "--log", "/nonexistent/log"], "/nonexistent/log"),
        (&["explain", "--here"], "--log"),
        (&["explain", "--log", "x", "--here", "--from", "x"], "cannot be used with"),
        (
            &["explain", "--log", "/dev/null", "--from", "/nonexistent/bundle"],
            "/nonexistent/bundle",
        ),
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
        assert_eq!(check["area"] == "pid1", *reason == "--ignore", "{check}");
    }
}

#[test]
fn every_command_speaks_json() {
    assert_eq!(json(&["list", "--format=json"])["schema"], "dind-doctor/list/1");
    let check = json(&["explain", "pid1-swallows-sigterm", "--format=json"]);
    assert_eq!(check["severity"]["dockerd"], "warning");
    assert!(check["doc"].as_str().unwrap().starts_with("## What it looks at\nThe signal masks"));
    let (facts, said) = run(&["facts"], 0);
    assert!(serde_json::from_str::<Value>(&facts).unwrap()["cgroup"].is_object());
    assert!(said.contains("can hold passwords") && said.lines().count() == 1, "{said}");
}

#[test]
fn list_and_explain_speak_to_people() {
    assert!(run(&["list"], 0).0.contains("pid1-swallows-sigterm"));
    let (text, _) = run(&["explain", "pid1-swallows-sigterm", "--color=always"], 0);
    assert!(text.contains("\u{1b}[1mWhy it matters\u{1b}[0m"), "{text}");
    assert!(text.contains("warning for dockerd, kind, rootless, docker, podman; info for systemd"));
    assert!(text.lines().all(|line| line.chars().count() <= 80 + 16));
}

/// How long things take differs from run to run: only people who ask are told.
#[test]
fn a_log_is_explained_by_this_machine_or_by_a_bundle() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let log = format!("{root}/logs/dockerd-read-only-proc-sys.log");
    let bundle = format!("{root}/hosts/docker20-unprivileged/bundle");
    let explained = json(&["explain", "--log", &log, "--here", "--format=json"]);
    assert_eq!(explained["schema"], "dind-doctor/log/1");
    assert_eq!(explained["source"], "live");
    let explained = json(&["explain", "--log", &log, "--format=json"]);
    assert_eq!(explained["source"], "none");
    assert_eq!(explained["suspects"][0]["status"], "unknown");
    assert!(!explained["suspects"][0]["fix"].as_array().unwrap().is_empty());
    let explained = json(&["explain", "--log", &log, "--from", &bundle, "--format=json"]);
    let first = &explained["suspects"][0];
    assert_eq!(first["id"], "sys-or-procsys-readonly");
    assert_eq!(first["status"], "finding");
    assert!(first["remedy"]["text"].is_string(), "{first}");
    let (text, err) = run(&["explain", "--log", &log, "--from", &bundle], 0);
    assert_eq!(err, "");
    assert!(text.contains("sys-or-procsys-readonly  also found in the bundle: error"), "{text}");
}

#[test]
fn what_only_logs_show_is_explained_too() {
    let explained = json(&["explain", "port-in-use", "--format=json"]);
    assert_eq!(explained["only_in_logs"], true);
    assert!(explained["doc"].as_str().unwrap().contains("## How to fix\n- "));
    assert!(run(&["explain", "port-in-use"], 0).0.contains("How to fix"));
}

#[test]
fn a_log_that_names_this_host_is_compared_with_it() {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let source = |host: &str| {
        let mut command = doctor();
        command.args(["explain", "--log", "-", "--format=json"]);
        command.write_stdin(format!("Nov 22 19:01:02 {host} dockerd[7]: Mounts denied\n"));
        let output = command.assert().code(0).get_output().stdout.clone();
        let explained: Value = serde_json::from_slice(&output).unwrap();
        (explained["source"].clone(), explained["names_this_host"].clone())
    };
    assert_eq!(source("another-host-than-this"), ("none".into(), false.into()));
    // Names that many machines have do not count.
    if host.trim().len() > 8 {
        assert_eq!(source(host.trim()), ("live".into(), true.into()));
    }
    assert_eq!(source("localhost"), ("none".into(), false.into()));
}

#[test]
fn a_log_comes_by_standard_input_too_whatever_is_in_it() {
    let explained = |log: &[u8]| {
        let mut command = doctor();
        command.args(["explain", "--log", "-", "--format=json"]).write_stdin(log);
        serde_json::from_slice::<Value>(&command.assert().code(0).get_output().stdout).unwrap()
    };
    assert_eq!(explained(b"")["log"]["lines"], 0);
    let log = explained(b"\x00\xff\x1b[31mmounts denied\x1b[0m: \x1b]0;owned\r\nerror: odd");
    assert_eq!(log["suspects"][0]["id"], "dood-semantics");
    assert_eq!(log["unrecognised"]["last"][0]["excerpt"], "error: odd");
}

#[test]
fn verbose_tells_how_long_the_probes_took_and_nothing_else_does() {
    let times = |arguments: &[&str]| {
        let (out, _) = run(&[&["--exit-zero"], arguments].concat(), 0);
        out.lines().any(|line| line.starts_with("probes took "))
    };
    assert!(times(&["-v"]));
    let bundle = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hosts/bookworm-v1-pod/bundle");
    assert!(!times(&["-v", "--from", bundle]));
    for arguments in [&[][..], &["-q"], &["--format=json"]] {
        assert!(!times(arguments), "{arguments:?}");
    }
    assert!(json(&["--exit-zero", "--format=json"]).get("took").is_none());
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

/// A recorded environment in which something fails.
const BLOCKED: [&str; 2] =
    ["--from", concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hosts/bookworm-v1-pod/bundle")];

#[test]
fn every_format_comes_from_the_same_run_and_none_changes_the_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    for format in ["table", "json", "junit", "sarif", "github", "markdown", "tap"] {
        let path = dir.path().join(format);
        let output = format!("--output={format}={}", path.display());
        let (printed, err) = run(&[&BLOCKED[..], &["--format", format, &output]].concat(), 1);
        assert_eq!(err, "");
        assert_eq!(fs::read_to_string(path).unwrap(), printed, "{format}");
        run(&[&BLOCKED[..], &["--format", format, "--exit-zero"]].concat(), 0);
    }
}

#[test]
fn the_job_summary_is_added_to_and_other_files_are_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let summary = dir.path().join("summary.md");
    fs::write(&summary, "# of another step").unwrap();
    let file = dir.path().join("other.md");
    fs::write(&file, "old").unwrap();
    let output = |path: &std::path::Path| format!("--output=markdown={}", path.display());
    let mut command = doctor();
    command.args(BLOCKED).args(["-q", &output(&summary), &output(&file)]);
    command.env("GITHUB_STEP_SUMMARY", &summary).assert().code(1);
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.starts_with("## dind-doctor: "));
    let both = fs::read_to_string(&summary).unwrap();
    assert_eq!(both, format!("# of another step\n{written}"));
}

#[test]
fn sarif_stands_at_a_file_of_the_repository() {
    let anchor = |arguments: &[&str], reference: &str| {
        let mut command = doctor();
        command.args(BLOCKED).args(["--format=sarif"]).args(arguments);
        command.env("GITHUB_REPOSITORY", "o/n").env("GITHUB_WORKFLOW_REF", reference);
        let log: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        let location = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
        location["artifactLocation"]["uri"].as_str().unwrap().to_owned()
    };
    assert_eq!(anchor(&[], ""), "README.md");
    let workflow = "o/n/.github/workflows/ci.yml@refs/heads/main";
    assert_eq!(anchor(&[], workflow), ".github/workflows/ci.yml");
    assert_eq!(anchor(&["--sarif-anchor", "ci/Dockerfile"], workflow), "ci/Dockerfile");
}

#[test]
fn schema_is_one_document() {
    let schema = json(&["schema"]);
    assert_eq!(schema["properties"]["schema"]["const"], "dind-doctor/report/1");
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
        &["schema"],
        &["--exit-zero", "--format=json"],
        &["--exit-zero", "--format=junit"],
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
        // That its facts can hold passwords is said whoever reads them.
        let expected = usize::from(arguments == ["facts"]);
        assert_eq!(output.stderr.split(|b| *b == b'\n').count() - 1, expected, "{arguments:?}");

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
    // A filter may refuse the keyring, and a machine without cgroup v2 has no device filters to try.
    let report = json(&["--active=bpf,keyring", "--exit-zero", "--format=json"]);
    let trials = report["trials"].as_array().unwrap();
    assert!(trials.iter().any(|t| t["name"] == "bpf"));
    let keyring = trials.iter().find(|t| t["name"] == "keyring").unwrap();
    assert_eq!(keyring["steps"][0]["step"], "join a session keyring");
}

#[test]
fn what_was_tried_is_replayed() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let capture = |to: &str, report: &str, more: &[&str]| {
        let arguments = ["capture", "--active=inotify", "-o", to, "--report", report];
        run(&[&arguments, more].concat(), 0);
        fs::read_to_string(report).unwrap()
    };
    let (bundle, report) = (path("bundle"), path("report.json"));
    let recorded = capture(&bundle, &report, &["--no-redact"]);
    let (replayed, _) = run(&["--from", &bundle, "--exit-zero", "--format=json"], 0);
    // All but what --exit-zero changes.
    let lines = |text: &str| -> Vec<String> {
        text.lines().filter(|l| !l.contains("\"exit_code\"")).map(str::to_owned).collect()
    };
    assert!(lines(&replayed) == lines(&recorded), "{replayed}");
    let replayed: Value = serde_json::from_str(&replayed).unwrap();
    assert_eq!(replayed["trials"][0]["steps"][0]["step"], "make inotify instances");
    // What is tried quotes what others say: nothing of it leaves in a bundle for people elsewhere.
    let redacted: Value =
        serde_json::from_str(&capture(&path("redacted"), &report, &["--show-redactions"])).unwrap();
    assert_eq!(redacted["trials"], Value::Array(vec![]));
    let manifest = fs::read_to_string(directory.path().join("redacted/manifest.jsonl")).unwrap();
    assert!(manifest.contains(r#"{"ask":"trials","refused":"redacted"}"#), "{manifest}");
}

/// A gate must not open because nobody looked.
#[test]
fn a_rehearsal_that_cannot_be_made_fails_and_says_why() {
    let empty = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("doctor").unwrap();
        command.env_clear().env("PATH", empty.path()).args(arguments).output().unwrap()
    };
    let output = run(&["rehearse", "--for", "sandbox", "--format", "json", "--no-config"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let trial = report["trials"].as_array().unwrap().last().unwrap();
    assert_eq!(trial["reason"], "there is no bwrap on the PATH");
    let sandbox = report["targets"].as_array().unwrap().last().unwrap();
    assert!(sandbox["unknown_because"].to_string().contains("engine-fails-here"), "{sandbox}");
    // It is made only if it is asked for by its name.
    let output = run(&["--active=rlimit", "--for", "sandbox", "--format", "json", "--no-config"]);
    assert!(!String::from_utf8(output.stdout).unwrap().contains("bwrap on the PATH"));
    let output = run(&["rehearse", "--from", "bundle"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("leave out --from"));
}

#[test]
fn a_page_for_a_ticket_and_one_for_a_browser_of_a_bundle_and_of_a_saved_report() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let bundle = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hosts/bookworm-v1-pod/bundle");
    let (ticket, advice) = run(&["report", "--from", bundle], 0);
    assert!(
        ticket.starts_with("## dind-doctor: no obstacle found for dockerd, kind is blocked\n"),
        "{ticket}"
    );
    assert!(ticket.contains("asked for with: doctor report. redacted: "), "{ticket}");
    assert_eq!(advice.lines().count(), 1, "{advice}");
    assert!(advice.starts_with("doctor: read it before you share it"), "{advice}");

    let saved = path("report.json");
    run(&["--from", bundle, "--output", &format!("json={saved}"), "--exit-zero"], 0);
    let (again, _) = run(&["report", "--from", &saved], 0);
    let findings =
        |text: &str| text.split_once("### findings").unwrap().1.matches("<details>").count();
    assert_eq!(findings(&ticket), findings(&again));

    let page = path("page.html");
    let (out, _) = run(&["report", "--from", &saved, "--format=html", "-o", &page], 0);
    assert_eq!(out, "");
    assert!(
        fs::read_to_string(&page)
            .unwrap()
            .contains("<h1>no obstacle found for dockerd, kind is blocked</h1>")
    );
    run(&["report", "--from", &saved, "--for", "kind"], 2);
    fs::write(&saved, "{}").unwrap();
    let (_, error) = run(&["report", "--from", &saved], 2);
    assert!(error.contains("JSON, but not a report"), "{error}");
}

/// Nothing of what is taken out of a bundle comes back through the page.
#[test]
fn a_page_of_this_machine_is_judged_after_redaction() {
    let name = "secret-host-of-acme";
    let with = |more: &[&str]| {
        let mut command = doctor();
        let arguments = [&["report", "--for", "dockerd,docker"], more].concat();
        let url = format!("tcp://{name}:2375");
        let output =
            command.args(arguments).env("DOCKER_HOST", url).assert().code(0).get_output().clone();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(with(&["--no-redact"]).contains(name), "the test looks where the name is");
    for format in ["markdown", "html"] {
        let page = with(&["--format", format]);
        assert!(!page.contains(name) && !page.contains("acme"), "{page}");
    }
}
