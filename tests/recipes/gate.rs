//! The shell of the recipes, run as its system runs it, where kind would work and where it would not.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use crate::{manifests::document, recipes, root};

/// A folder with a doctor that looks at a recorded environment, and a kind that says that it was called.
pub(crate) fn prepared(fixture: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bundle = root().join("fixtures/hosts").join(fixture).join("bundle");
    let doctor = env!("CARGO_BIN_EXE_doctor");
    let doctor = format!("#!/bin/sh\nexec '{doctor}' \"$@\" --from '{}'\n", bundle.display());
    for (name, script) in [("doctor", &*doctor), ("kind", "#!/bin/sh\n: >called\n")] {
        let path = folder.path().join(name);
        fs::write(&path, script).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // Where the workflow says that it is.
    let workflows = folder.path().join(".github/workflows");
    fs::create_dir_all(&workflows).unwrap();
    symlink(root().join("deploy/github-actions.yml"), workflows.join("kind.yml")).unwrap();
    folder
}

/// Whether `script` ended well, in a shell of these options.
fn runs(script: &str, options: &[&str], folder: &Path) -> bool {
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let summary = folder.join("summary.md");
    fs::write(&summary, "").unwrap();
    let mut shell = Command::new("/bin/sh");
    shell.args(options).arg("-c").arg(script).current_dir(folder).env_clear();
    shell.env("PATH", path).env("GITHUB_STEP_SUMMARY", summary);
    shell.output().unwrap().status.success()
}

/// With each recipe's name: its commands, and the files that they have to leave.
fn gates() -> Vec<(&'static str, String, &'static [&'static str])> {
    let gitlab = document("gitlab-ci.yml");
    let lines = gitlab["kind"]["script"].as_sequence().unwrap();
    let lines: Vec<_> = lines.iter().map(|line| line.as_str().unwrap()).collect();
    let workflow = document("github-actions.yml");
    let steps = workflow["jobs"]["kind"]["steps"].as_sequence().unwrap();
    let steps: Vec<_> = steps.iter().filter_map(|step| step["run"].as_str()).collect();
    let files = recipes();
    let jenkins = &files.iter().find(|(name, _)| name.ends_with("Jenkinsfile")).unwrap().1;
    let jenkins = jenkins.lines().filter_map(|line| line.trim().strip_prefix("sh '"));
    let jenkins: Vec<_> = jenkins.map(|line| line.strip_suffix('\'').unwrap()).collect();
    vec![
        ("GitLab", lines.join("\n"), &["doctor.xml"]),
        ("GitHub", steps.join("\n"), &["doctor.sarif", "summary.md"]),
        ("Jenkins", jenkins.join("\n"), &["doctor.xml"]),
    ]
}

#[test]
fn a_gate_stops_the_job_and_leaves_its_report() {
    for (name, script, reports) in gates() {
        assert!(script.contains("kind create cluster"), "{name}");
        for (fixture, works) in [("bookworm-v1-pod", false), ("bookworm-dind-prepared", true)] {
            let folder = prepared(fixture);
            assert_eq!(runs(&script, &["-e"], folder.path()), works, "{name}, {fixture}");
            assert_eq!(folder.path().join("called").exists(), works, "{name}, {fixture}");
            for report in reports {
                let size = fs::metadata(folder.path().join(report)).unwrap().len();
                assert!(size > 0, "{name}, {fixture}: {report}");
            }
        }
    }
}
