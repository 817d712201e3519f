//! What runs in other people's places: an action, a hook of a runner, a plug-in of node-problem-detector, an installer. Each is run by the
//! shell that runs it there, over a recorded environment that is fit and one that is not.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use crate::{gate::prepared, root};

const BLOCKED: &str = "bookworm-v1-pod";
const FIT: &str = "bookworm-dind-prepared";

/// A script of `deploy/`, in a folder, with nothing in its environment but these.
fn run(script: &str, folder: &Path, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new("/bin/sh");
    command.arg(root().join("deploy").join(script)).current_dir(folder).env_clear();
    command.env("PATH", "/usr/bin:/bin").env("RUNNER_TEMP", folder).envs(variables.iter().copied());
    for file in ["GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_PATH"] {
        command.env(file, folder.join(file));
        fs::write(folder.join(file), "").unwrap();
    }
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_action_stops_the_job_and_leaves_its_reports() {
    for (fixture, more, code) in [
        (BLOCKED, &[][..], 1),
        (BLOCKED, &[("DOCTOR_FAIL_ON", "never")], 0),
        (BLOCKED, &[("DOCTOR_FOR", "dockerd")], 0),
        (FIT, &[("DOCTOR_FAIL_ON", "error")], 0),
        // What an input holds is a word, never a command or a pattern.
        (FIT, &[("DOCTOR_ARGS", "$(touch made) `touch made` *")], 2),
        (FIT, &[("DOCTOR_FOR", "kind;touch made")], 2),
    ] {
        let folder = prepared(fixture);
        let program = folder.path().join("doctor");
        let all: Vec<_> =
            [("DOCTOR_PROGRAM", program.to_str().unwrap())].iter().chain(more).copied().collect();
        let output = run("action/look.sh", folder.path(), &all);
        assert_eq!(output.status.code(), Some(code), "{fixture} {more:?}: {output:?}");
        assert!(!folder.path().join("made").exists());
        let outputs = fs::read_to_string(folder.path().join("GITHUB_OUTPUT")).unwrap();
        assert!(outputs.starts_with(&format!("exit-code={code}\n")), "{outputs}");
        if code == 2 {
            continue;
        }
        for (name, path) in outputs.lines().skip(1).map(|line| line.split_once('=').unwrap()) {
            assert!(fs::metadata(path).unwrap().len() > 100, "{name}");
        }
        let summary = fs::read_to_string(folder.path().join("GITHUB_STEP_SUMMARY")).unwrap();
        assert!(summary.starts_with("## dind-doctor: "), "{summary}");
        let is_about_kind = fixture == BLOCKED && more != [("DOCTOR_FOR", "dockerd")];
        assert_eq!(text(&output.stdout).contains("::error "), is_about_kind, "{more:?}");
    }
}

#[test]
fn the_hook_of_a_runner_fails_jobs_for_findings_only() {
    for (fixture, targets, code, said) in [
        (BLOCKED, "kind", 1, "::error "),
        (FIT, "kind", 0, "dind-doctor: "),
        (FIT, "no-such-target", 0, "::warning title=dind-doctor::the doctor could not"),
    ] {
        let folder = prepared(fixture);
        let doctor = folder.path().join("doctor");
        let variables = [("DOCTOR", doctor.to_str().unwrap()), ("DOCTOR_FOR", targets)];
        let output = run("runner-hook/job-started.sh", folder.path(), &variables);
        assert_eq!(output.status.code(), Some(code), "{targets}: {output:?}");
        assert!(text(&output.stdout).contains(said), "{output:?}");
    }
    let nothing =
        run("runner-hook/job-started.sh", Path::new("/tmp"), &[("DOCTOR", "/nonexistent")]);
    assert_eq!(nothing.status.code(), Some(0));
    assert!(text(&nothing.stdout).starts_with("::warning "));
}

#[test]
fn the_plug_in_of_node_problem_detector_says_one_line() {
    for (fixture, targets, code) in [(BLOCKED, "kind", 1), (FIT, "kind", 0), (FIT, "kid", 2)] {
        let folder = prepared(fixture);
        let doctor = folder.path().join("doctor");
        let variables = [("DOCTOR", doctor.to_str().unwrap()), ("DOCTOR_FOR", targets)];
        let output = run("node-problem-detector/dind-doctor.sh", folder.path(), &variables);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert_eq!(text(&output.stdout).lines().count(), 1, "{output:?}");
        assert_eq!(text(&output.stdout).starts_with("error cgroup-v1"), code == 1, "{output:?}");
    }
    let monitor = root().join("deploy/node-problem-detector/dind-doctor-monitor.json");
    let monitor: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(monitor).unwrap()).unwrap();
    let conditions = monitor["conditions"].as_array().unwrap();
    for rule in monitor["rules"].as_array().unwrap() {
        assert!(conditions.iter().any(|condition| condition["type"] == rule["condition"]));
        assert!(rule["path"].as_str().unwrap().ends_with("/dind-doctor.sh"));
    }
}

/// An archive as `deploy/package` names it, with its sum beside it.
fn release(folder: &Path, version: &str) {
    let machine = text(&Command::new("uname").arg("-m").output().unwrap().stdout);
    let name = format!("dind-doctor-{version}-{}-unknown-linux-gnu", machine.trim());
    let place = folder.join(format!("v{version}"));
    let script = format!(
        "set -e; mkdir -p {name} '{0}'; printf '#!/bin/sh\necho works\n' >{name}/doctor; tar -czf '{0}/{name}.tar.gz' {name}; \
         cd '{0}'; sha256sum *.tar.gz >SHA256SUMS",
        place.display()
    );
    assert!(
        Command::new("sh").args(["-c", &script]).current_dir(folder).status().unwrap().success()
    );
}

#[test]
fn the_installer_takes_what_its_sum_says_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    release(folder.path(), "9.9.9");
    let base = format!("file://{}", folder.path().display());
    let install = |more: &[(&str, &str)]| {
        let all = [&[("DOCTOR_VERSION", "9.9.9"), ("DOCTOR_BASE_URL", &base)], more].concat();
        let mut command = Command::new("/bin/sh");
        command.arg(root().join("deploy/install.sh")).arg(folder.path().join("bin")).env_clear();
        command.env("PATH", "/usr/bin:/bin").envs(all).output().unwrap()
    };
    if Command::new("curl").arg("--version").output().is_err() {
        return;
    }
    let zeros = "0".repeat(64);
    for refused in [install(&[("DOCTOR_SHA256", &zeros)]), install(&[("DOCTOR_VERSION", "9.9.8")])]
    {
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert!(!folder.path().join("bin").exists());
    }
    let output = install(&[]);
    assert!(output.status.success(), "{output:?}");
    for name in ["doctor", "dind-doctor"] {
        let program = folder.path().join("bin").join(name);
        assert_eq!(fs::metadata(&program).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(text(&Command::new(program).output().unwrap().stdout), "works\n");
    }
}
