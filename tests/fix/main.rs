//! What is prescribed, composed for every recorded environment and every launcher: each artefact can be read by what
//! it is for, and holds nothing that it must not.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use dind_doctor::{
    bundle::{self, Replay},
    fix::{self, Artefact, Fix, Given},
    probe,
    report::{self, Options, Origin, Report},
};
use dind_doctor_checks::{
    facts::{DaemonConfig, Fact, Facts, Launcher},
    target::Target,
};
use serde_json::Value;

const LAUNCHERS: [Option<Launcher>; 8] = [
    None,
    Some(Launcher::Docker),
    Some(Launcher::Podman),
    Some(Launcher::Kubernetes),
    Some(Launcher::Gitlab),
    Some(Launcher::Github),
    Some(Launcher::Lxc),
    Some(Launcher::Devcontainer),
];

fn hosts() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts");
    let entries =
        fs::read_dir(folder).expect("fixtures").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<_> = entries
        .filter(|path| path.join("bundle").is_dir())
        .map(|path| {
            (path.file_name().expect("a name").to_string_lossy().into_owned(), path.join("bundle"))
        })
        .collect();
    all.sort();
    all
}

/// The facts of a bundle, and whether it has pseudonyms.
fn facts(bundle: &Path) -> (Facts, bool) {
    let recording = bundle::read(bundle).expect("a bundle");
    let redacted = recording.header.redacted;
    (probe::collect(&Replay::new(recording)).facts, redacted)
}

fn report(facts: &Facts, targets: &[Target]) -> Report {
    let collected = probe::Collected {
        facts: facts.clone(),
        timed_out: Vec::new(),
        crashed: Vec::new(),
        took: Vec::new(),
    };
    let options = Options { targets: targets.to_vec(), ..Options::default() };
    report::diagnose(collected, Origin::Bundle, &options)
}

fn fix(facts: &Facts, targets: &[Target]) -> Fix {
    let report = report(facts, targets);
    fix::fix(&Given { report: &report, facts, launcher: None, redacted: false, image: None })
}

#[test]
fn every_artefact_can_be_read_by_what_it_is_for() {
    let mut count = 0;
    for (name, bundle) in hosts() {
        let (facts, redacted) = facts(&bundle);
        let report = report(&facts, &Target::ALL);
        for launcher in LAUNCHERS {
            let given = Given { report: &report, facts: &facts, launcher, redacted, image: None };
            for artefact in fix::fix(&given).artefacts {
                let context = format!("{name} {launcher:?} {}", artefact.name);
                readable(&artefact, &context);
                honest(&artefact, redacted, &context);
                count += 1;
            }
        }
    }
    assert!(count > 500, "{count}");
}

/// Parsed by a parser of its language.
fn readable(artefact: &Artefact, context: &str) {
    let text = &artefact.content;
    let extension = Path::new(artefact.name).extension().and_then(|extension| extension.to_str());
    match extension {
        Some("json") => drop(serde_json::from_str::<Value>(text).expect(context)),
        Some("yaml") => {
            let tree: Value = yaml_serde::from_str(text).expect(context);
            assert!(tree.is_object(), "{context}");
        }
        Some("toml" | "conf") if artefact.name != "lxc.conf" => {
            text.parse::<toml::Table>().expect(context);
        }
        _ if artefact.executable => shell(text, context),
        _ => assert!(text.ends_with('\n'), "{context}"),
    }
}

fn shell(text: &str, context: &str) {
    let mut child = Command::new("sh")
        .args(["-n"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("a write");
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "{context}: {}", String::from_utf8_lossy(&output.stderr));
}

/// No placeholder but IMAGE (and NAME, which a script is told), no marker, no pseudonym.
fn honest(artefact: &Artefact, redacted: bool, context: &str) {
    let text = &artefact.content;
    for marker in ["@FOR@", "@MTU@", "@FLAVOUR@", "@PRESCRIBED@", "@DAEMON_JSON@", "@ENTRYPOINT@"] {
        assert!(!text.contains(marker), "{context}: {marker}");
    }
    for placeholder in [" CONTAINER", "PROXY:PORT", "ADDRESS", "$CONTAINER_ID", "USER:"] {
        assert!(!text.contains(placeholder), "{context}: {placeholder} in\n{text}");
    }
    if redacted {
        let pseudonyms = ["host1", "user1", "process1", "000000000001"];
        for pseudonym in pseudonyms {
            assert!(!text.contains(pseudonym), "{context}: {pseudonym} in\n{text}");
        }
    }
}

#[test]
fn a_daemon_that_reads_the_file_wants_no_other_one() {
    for (name, bundle) in hosts() {
        let (mut facts, _) = facts(&bundle);
        for target in [Target::Dockerd, Target::Kind] {
            let Some(first) = daemon_json(&fix(&facts, &[target])) else { continue };
            let content: Value = serde_json::from_str(&first).expect("JSON");
            facts.engines.daemon_json =
                Fact::Known(DaemonConfig { path: "/etc/docker/daemon.json".into(), content });
            let second = daemon_json(&fix(&facts, &[target]));
            assert!(
                second.as_ref().is_none_or(|second| *second == first),
                "{name} {target:?}: {second:?}"
            );
        }
    }
}

/// An image for podman may have no dockerd: an entrypoint that waits for one would end the container.
#[test]
fn a_daemon_is_started_only_where_one_is_asked_for() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts");
    let (facts, _) = facts(&folder.join("bookworm-privileged/bundle"));
    for (target, wanted) in
        [(Target::Dockerd, "yes"), (Target::Kind, "yes"), (Target::Podman, "no")]
    {
        let fix = fix(&facts, &[target]);
        let entrypoint = fix.artefacts.iter().find(|artefact| artefact.name == "entrypoint");
        let script = &entrypoint.unwrap_or_else(|| panic!("{target:?}")).content;
        assert!(script.contains(&format!("\ndaemon_wanted={wanted}\n")), "{target:?}");
    }
}

/// An image of podman is not in Docker's store.
#[test]
fn the_image_is_built_with_what_launches_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts");
    let (facts, redacted) = facts(&folder.join("bookworm-privileged/bundle"));
    let report = report(&facts, &[Target::Dockerd]);
    for (launcher, tool) in [(Launcher::Podman, "podman"), (Launcher::Docker, "docker")] {
        let given = Given {
            report: &report,
            facts: &facts,
            launcher: Some(launcher),
            redacted,
            image: None,
        };
        let fix = fix::fix(&given);
        let build = fix.artefacts.iter().find(|artefact| artefact.name == "build");
        let build = &build.expect("a script that builds").content;
        assert!(build.contains(&format!("\n{tool} build -t")), "{build}");
    }
}

fn daemon_json(fix: &Fix) -> Option<String> {
    fix.artefacts.iter().find(|a| a.name == "daemon.json").map(|a| a.content.clone())
}

#[test]
fn no_key_stands_in_the_file_and_on_the_command_line() {
    for (name, bundle) in hosts() {
        let (facts, redacted) = facts(&bundle);
        let report = report(&facts, &Target::ALL);
        for launcher in LAUNCHERS {
            let given = Given { report: &report, facts: &facts, launcher, redacted, image: None };
            let fix = fix::fix(&given);
            let file = fix.artefacts.iter().find(|a| a.name.starts_with("daemon."));
            let Some(file) = file else { continue };
            let keys: Value = serde_json::from_str(&file.content).expect("JSON");
            for other in
                fix.artefacts.iter().filter(|a| a.name != file.name && a.name != "entrypoint")
            {
                for key in keys.as_object().expect("an object").keys() {
                    let flag = format!("--{key}=");
                    assert!(
                        !other.content.contains(&flag),
                        "{name} {launcher:?}: {key} in {}",
                        other.name
                    );
                }
            }
        }
    }
}
