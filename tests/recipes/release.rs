//! What a release says is what the changelog says.

use std::{fs, path::Path, process::Command};

use crate::root;

fn notes(script: &Path, version: &str) -> (bool, String) {
    let output = Command::new(script).arg(version).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn notes_are_the_section_of_the_version() {
    let folder = tempfile::tempdir().unwrap();
    let deploy = folder.path().join("deploy");
    fs::create_dir(&deploy).unwrap();
    let script = deploy.join("notes");
    fs::copy(root().join("deploy/notes"), &script).unwrap();
    let changelog = "# Changelog\n\n## [Unreleased]\n\n## [1.10.0] - 2026-12-01\n\n### Added\n\n- ten\n\n\
                     ## [1.1.0] - 2026-11-30\n\n- one\n\n[1.1.0]: of/old\n";
    fs::write(folder.path().join("CHANGELOG.md"), changelog).unwrap();
    assert_eq!(notes(&script, "1.10.0"), (true, "### Added\n\n- ten\n\n".to_owned()));
    assert_eq!(notes(&script, "1.1.0"), (true, "- one\n\n".to_owned()));
    for version in ["1.1", "2.0.0", "Unreleased", ".*"] {
        assert_eq!(notes(&script, version), (false, String::new()), "{version}");
    }
}

/// Everything that is made of a release has its version, and names the repository as `Cargo.toml` does.
#[test]
fn what_is_packed_elsewhere_is_this_version_of_this_repository() {
    let about = |what: &str| {
        let output = Command::new(root().join("deploy/about")).arg(what).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(about("version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(about("repository"), env!("CARGO_PKG_REPOSITORY"));
    let (version, repository) = (about("version"), about("repository"));
    for (file, versions, repositories) in [
        ("install.sh", vec![format!("DOCTOR_VERSION:-{version}")], 1),
        ("action/action.yml", vec![format!("default: \"{version}\"")], 1),
        ("packages/APKBUILD", vec![format!("pkgver={version}\n")], 1),
        ("packages/dind-doctor.rb", vec![format!("tags/v{version}.tar.gz")], 2),
        ("packages/flake.nix", vec![format!("version = \"{version}\"")], 0),
        ("devcontainer/src/dind-doctor/install.sh", vec![format!("VERSION:-{version}")], 0),
        (
            "devcontainer/src/dind-doctor/devcontainer-feature.json",
            vec![format!("\"version\": \"{version}\""), format!("\"default\": \"{version}\"")],
            1,
        ),
    ] {
        let text = fs::read_to_string(root().join("deploy").join(file)).unwrap();
        for version in versions {
            assert!(text.contains(&version), "{file} has no {version:?}");
        }
        assert_eq!(text.matches(&repository).count(), repositories, "{file}");
    }
    let licences = ["LICENSE-MIT", "LICENSE-APACHE"];
    let pairs = licences.map(|name| (name.to_owned(), format!("checks/{name}")));
    let installer = "deploy/devcontainer/src/dind-doctor/install-release.sh";
    for (original, copy) in
        pairs.into_iter().chain([("deploy/install.sh".into(), installer.into())])
    {
        let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
        assert!(read(&original) == read(&copy), "{copy} is no longer {original}");
    }
}

/// Who publishes it says so once.
#[test]
fn one_command_fills_in_who_publishes_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder.path()).env("HOME", folder.path());
        assert!(command.output().unwrap().status.success(), "{program} {arguments:?}");
    };
    fs::create_dir_all(folder.path().join("deploy/action")).unwrap();
    for name in [
        "Cargo.toml",
        "deploy/about",
        "deploy/publish-as",
        "deploy/install.sh",
        "deploy/action/action.yml",
    ] {
        fs::copy(root().join(name), folder.path().join(name)).unwrap();
    }
    run("git", &["init", "-q"]);
    run("git", &["add", "."]);
    let (url, name) = ("https://git.example/a&b/dind-doctor", "Somebody <some\\body@example.org>");
    run("deploy/publish-as", &[url, name]);
    for file in ["Cargo.toml", "deploy/install.sh", "deploy/action/action.yml"] {
        let text = fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(text.contains(url), "{file}");
        assert!(!text.contains("repository.invalid"), "{file}");
    }
    assert!(fs::read_to_string(folder.path().join("Cargo.toml")).unwrap().contains(name));
}
