//! What a release says is what the changelog says.

use std::{path::Path, process::Command};

use crate::root;

fn notes(script: &Path, version: &str) -> (bool, String) {
    let output = Command::new(script).arg(version).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn notes_are_the_section_of_the_version() {
    let folder = tempfile::tempdir().unwrap();
    let deploy = folder.path().join("deploy");
    std::fs::create_dir(&deploy).unwrap();
    let script = deploy.join("notes");
    std::fs::copy(root().join("deploy/notes"), &script).unwrap();
    let changelog = "# Changelog\n\n## [Unreleased]\n\n## [1.10.0] - 2026-12-01\n\n### Added\n\n- ten\n\n\
                     ## [1.1.0] - 2026-11-30\n\n- one\n\n[1.1.0]: of/old\n";
    std::fs::write(folder.path().join("CHANGELOG.md"), changelog).unwrap();
    assert_eq!(notes(&script, "1.10.0"), (true, "### Added\n\n- ten\n\n".to_owned()));
    assert_eq!(notes(&script, "1.1.0"), (true, "- one\n\n".to_owned()));
    for version in ["1.1", "2.0.0", "Unreleased", ".*"] {
        assert_eq!(notes(&script, version), (false, String::new()), "{version}");
    }
}
