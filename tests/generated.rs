//! Generated text is fresh: the blocks of README.md and of pages in docs/ between `<!-- begin NAME -->` and `<!-- end NAME -->`.
//!
//! `DOCTOR_BLESS=1 cargo test --test generated` writes them anew.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::{fmt::Write, fs, path::Path, process::Command};

use dind_doctor_checks::{
    registry,
    target::{Severity, Target},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// How a run begins for the recorded environment that the README shows: an ordinary container, with cgroup v2.
fn screen() -> String {
    let bundle = root().join("fixtures/hosts/bookworm-container/bundle");
    let output = Command::new(env!("CARGO_BIN_EXE_doctor"))
        .args(["--for", "dockerd", "--from"])
        .arg(bundle)
        .env_clear()
        .env("COLUMNS", "96")
        .output()
        .expect("doctor");
    let screen = String::from_utf8(output.stdout).expect("UTF-8");
    let (worst, _) = screen.split_once("\nwarning  ").expect("an error, then a warning");
    format!("```console\n$ doctor --for dockerd\n{worst}…\n```\n")
}

/// Every check with its title and worst severity per target; docker commands mostly fare as the daemon.
fn checks() -> String {
    let targets = || Target::ALL.into_iter().filter(|target| *target != Target::Docker);
    let names: Vec<_> = targets().map(Target::name).collect();
    let rule = " --- |".repeat(names.len());
    let mut table = format!("| check | area | {} |\n| --- | --- |{rule}\n", names.join(" | "));
    for (area, check) in registry::all() {
        let cell = |target| match check.reach_anywhere().get(target) {
            Some(Severity::Error) => "error",
            Some(Severity::Warning) => "warning",
            Some(Severity::Info) => "info",
            None => "",
        };
        let cells = targets().map(cell).collect::<Vec<_>>().join(" | ");
        writeln!(table, "| `{}`: {} | {area} | {cells} |", check.id, check.title).expect("a row");
    }
    table
}

/// A recipe of `deploy/`, as it is.
fn recipe(file: &str, language: &str) -> String {
    let text = fs::read_to_string(root().join("deploy").join(file)).expect("a recipe");
    format!("```{language}\n{text}```\n")
}

fn fresh(text: &str, name: &str, content: &str) -> String {
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let (before, rest) = text.split_once(&begin).expect("the block begins");
    let (_, after) = rest.split_once(&end).expect("the block ends");
    format!("{before}{begin}{content}{end}{after}")
}

fn hold(page: &str, blocks: &[(&str, String)]) {
    let path = root().join(page);
    let text = fs::read_to_string(&path).expect("a page");
    let wanted =
        blocks.iter().fold(text.clone(), |text, (name, content)| fresh(&text, name, content));
    if std::env::var_os("DOCTOR_BLESS").is_some() {
        fs::write(&path, wanted).expect("a page");
    } else {
        assert!(text == wanted, "{page} is stale: DOCTOR_BLESS=1 cargo test --test generated");
    }
}

#[test]
fn the_readme_shows_what_the_doctor_prints() {
    hold("README.md", &[("screen", screen())]);
}

#[test]
fn the_page_of_checks_has_all_of_them() {
    hold("docs/checks.md", &[("checks", checks())]);
}

#[test]
fn the_page_of_pipelines_has_the_recipes_as_they_are() {
    let recipes = [
        ("gitlab-ci.yml", "yaml"),
        ("github-actions.yml", "yaml"),
        ("Jenkinsfile", "groovy"),
        ("tekton-task.yaml", "yaml"),
        ("kubernetes-job.yaml", "yaml"),
        ("kubernetes-init-container.yaml", "yaml"),
    ];
    hold("docs/pipelines.md", &recipes.map(|(file, language)| (file, recipe(file, language))));
}
