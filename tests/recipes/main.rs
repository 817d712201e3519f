//! What README.md, deploy/ and the help tell people to type is what the program takes, and the recipes do what
//! they are for: a job stops where the doctor found something, and its report is kept.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contributors;
mod gate;
mod manifests;
mod places;
mod release;
mod words;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use dind_doctor::cli;

static COMMAND: LazyLock<clap::Command> = LazyLock::new(cli::command);

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text with JSON in the place of formats that this build does not have.
fn known(text: &str) -> String {
    let has = |words: [&str; 2]| takes(&words.map(str::to_owned)).is_ok();
    let mut text = text.to_owned();
    for format in ["junit", "sarif", "markdown", "html", "github", "tap"] {
        if !has(["--format", format]) {
            text = text.replace(&format!("--output {format}="), "--output json=");
            text = text.replace(&format!("--format {format}"), "--format json");
        }
    }
    // What whoever includes the component would say.
    text =
        text.replace("$[[ inputs.for ]]", "dockerd,kind").replace("$[[ inputs.fail-on ]]", "error");
    if !has(["--sarif-anchor", "file"]) {
        text = text.replace("--sarif-anchor .github/workflows/kind.yml", "");
    }
    text
}

/// The files of `deploy/` and of the workflows, with their names.
fn recipes() -> Vec<(String, String)> {
    let folders = [root().join("deploy"), root().join(".github/workflows")];
    let mut files: Vec<_> = folders
        .iter()
        .flat_map(|folder| files(folder))
        .map(|path| (path.display().to_string(), known(&fs::read_to_string(path).unwrap())))
        .collect();
    files.sort();
    files
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Code of a page: of what a console shows, what was typed.
fn code(page: &str) -> String {
    let mut language: Option<&str> = None;
    let mut code = String::new();
    for line in page.lines() {
        let fence = line.trim_start().strip_prefix("```");
        let typed = match (language, fence) {
            (None, Some(name)) => {
                language = Some(name);
                false
            }
            (Some(_), Some(_)) => {
                language = None;
                false
            }
            (Some("console"), None) => line.starts_with("$ "),
            (Some(_), None) => true,
            (None, None) => false,
        };
        if typed {
            code.push_str(line);
            code.push('\n');
        }
    }
    code
}

/// Everything that is told, with where.
fn told() -> Vec<(String, Vec<String>)> {
    let mut told = Vec::new();
    let mut add = |place: &str, code: &str| {
        told.extend(words::calls(code).into_iter().map(|words| (place.to_owned(), words)));
    };
    let pages =
        ["README.md", "CONTRIBUTING.md", "tests/lab/README.md"].map(|page| root().join(page));
    let docs = files(&root().join("docs"));
    let docs = docs.into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    for page in pages.into_iter().chain(docs) {
        let name = page.display().to_string();
        add(&name, &known(&code(&fs::read_to_string(page).unwrap())));
    }
    for (name, text) in recipes() {
        let is_page = Path::new(&name).extension().is_some_and(|extension| extension == "md");
        add(&name, &if is_page { code(&text) } else { text });
    }
    let command = cli::command();
    for command in std::iter::once(&command).chain(command.get_subcommands()) {
        let help = command.get_before_help().map(ToString::to_string).unwrap_or_default();
        for line in help.lines() {
            let typed = line.trim().split("  ").next().unwrap_or_default();
            add(&format!("help of {}", command.get_name()), typed);
        }
    }
    told
}

fn takes(words: &[String]) -> Result<(), String> {
    let words = ["doctor"].into_iter().chain(words.iter().map(String::as_str));
    match COMMAND.clone().try_get_matches_from(words) {
        Err(error) if error.use_stderr() => Err(error.to_string()),
        _ => Ok(()),
    }
}

#[test]
fn every_command_line_that_is_told_is_taken() {
    let told = told();
    for place in [
        "README.md",
        "docs/asking.md",
        "SKILL.md",
        "Jenkinsfile",
        "gitlab-ci.yml",
        "github-actions.yml",
        "help of doctor",
    ] {
        assert!(told.iter().any(|(name, _)| name.ends_with(place)), "{place}");
    }
    assert!(told.len() > 30, "{}", told.len());
    for (place, words) in told.into_iter().chain(manifests::calls()) {
        if let Err(error) = takes(&words) {
            panic!("{place}: doctor {}\n{error}", words.join(" "));
        }
    }
}

#[test]
fn what_is_not_taken_is_noticed() {
    for text in ["doctor --fro x", "doctor explain no-such-check", "doctor --for kid", "doctor lst"]
    {
        let calls = words::calls(text);
        assert!(calls.iter().all(|words| takes(words).is_err()), "{text}");
        assert_eq!(calls.len(), 1);
    }
}
