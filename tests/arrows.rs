//! Data flows one way. Which room may use which stands in one table here, and a line of the program that runs back fails the test.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A folder of `src/`, and those that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    // Below everything: system calls, text that is safe to show, files that appear whole, panics that cost one step.
    ("sys", &[]),
    ("text", &[]),
    ("file", &["sys", "text"]),
    ("isolated", &[]),
    // The machine or a bundle, then facts, then what is tried.
    ("source", &["isolated", "sys", "text"]),
    ("bundle", &["file", "isolated", "source", "text"]),
    ("probe", &["isolated", "source", "text"]),
    ("trial", &["isolated", "probe", "source", "sys", "text"]),
    // Judged, compared, read in logs.
    ("report", &["isolated", "probe", "text"]),
    ("diff", &["isolated", "probe", "report", "text"]),
    ("log", &["file", "report", "text"]),
    // The engine itself is tried, and what it writes is read as a log.
    ("rehearsal", &["isolated", "log", "source", "sys", "trial"]),
    // Composed: what to change.
    ("fix", &["report"]),
    ("apply", &["file", "fix", "trial"]),
    // Shown. The list of trials is shown too.
    ("render", &["diff", "fix", "log", "rehearsal", "report", "text", "trial"]),
    (
        "cli",
        &[
            "apply",
            "bundle",
            "diff",
            "file",
            "fix",
            "isolated",
            "log",
            "probe",
            "rehearsal",
            "render",
            "report",
            "source",
            "sys",
            "text",
            "trial",
        ],
    ),
    ("main", &["cli"]),
];

/// What names every room by its job.
const NO_ROOMS: [&str; 3] = ["lib", "fuzzing", "testing"];

/// Rooms of `checks/src/` from the bottom up: each uses only those above it in this list, and areas besides each other.
/// Facts, what is concluded from them, and remedies are one layer: a fact that is missing is a verdict, too.
const LAYERS: [&[&str]; 5] = [
    &["facts", "outcome", "remedy", "target", "version"],
    &["derived"],
    &["plan"],
    &[
        "cgroup",
        "kernel",
        "kubernetes",
        "mount",
        "netfilter",
        "network",
        "pid1",
        "privilege",
        "resources",
        "runtime",
        "security",
        "storage",
        "time",
        "check",
    ],
    &["judge", "registry"],
];

#[test]
fn facts_know_no_plan_plans_no_check_and_checks_not_who_runs_them() {
    let rooms = rooms("checks/src");
    let layer = |room: &str| LAYERS.iter().position(|layer| layer.contains(&room));
    let mut wrong = Vec::new();
    for (room, files) in &rooms {
        let Some(own) = layer(room) else {
            wrong.push(format!("checks/src/{room} is in no layer of this test"));
            continue;
        };
        for file in files {
            let back = uses(&code(file), &rooms).into_iter().filter(|used| layer(used) > Some(own));
            wrong.extend(back.map(|used| format!("{}: {room} may not use {used}", file.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_line_runs_back() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let rooms = rooms("src");
    let mut wrong = Vec::new();
    for (room, files) in &rooms {
        let Some(may_use) = allowed.get(room.as_str()) else {
            wrong.push(format!("src/{room} has no line in the table of this test"));
            continue;
        };
        for file in files {
            for used in uses(&code(file), &rooms) {
                if used != *room && !may_use.contains(&used.as_str()) {
                    wrong.push(format!("{}: {room} may not use {used}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_names_rooms_that_exist_in_an_order_without_circles() {
    let rooms = rooms("src");
    let mut above: BTreeSet<&str> = BTreeSet::new();
    for (room, may_use) in ARROWS {
        assert!(*room == "main" || rooms.contains_key(*room), "there is no src/{room}");
        for used in *may_use {
            assert!(
                above.contains(used),
                "{room} may use {used}, which stands below it in the table"
            );
        }
        above.insert(room);
    }
}

#[test]
fn names_in_use_lists_are_found() {
    let rooms = BTreeMap::from([("source".to_owned(), vec![]), ("render".to_owned(), vec![])]);
    let found = |code| uses(code, &rooms).into_iter().collect::<Vec<_>>();
    assert_eq!(found("use crate::{\n    other::{a, render},\n    source::{x, y},\n};"), ["source"]);
    assert_eq!(found("crate::render::escape(x)"), ["render"]);
    assert_eq!(found("use crate::{render, source::Answer};"), ["render", "source"]);
    assert!(found("use super::render; mycrate::source::x").is_empty());
}

/// The files of each room by its name: a folder of `src/` or `checks/src/`, or a file in it.
fn rooms(folder: &str) -> BTreeMap<String, Vec<PathBuf>> {
    let mut rooms: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    for entry in fs::read_dir(source).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if NO_ROOMS.contains(&name.as_str()) {
            continue;
        }
        collect(&path, rooms.entry(name).or_default());
    }
    rooms
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder") {
            collect(&entry.expect("an entry").path(), files);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        files.push(path.to_owned());
    }
}

/// What a file says outside of its tests, without comments.
fn code(path: &Path) -> String {
    let tests = ["tests", "testing", "fuzzing"];
    if path.components().any(|part| {
        tests.iter().any(|name| part.as_os_str().to_string_lossy().trim_end_matches(".rs") == *name)
    }) {
        return String::new();
    }
    let text = fs::read_to_string(path).expect("a file");
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The rooms that are named after `crate::`, alone or first in a list.
fn uses(code: &str, rooms: &BTreeMap<String, Vec<PathBuf>>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + path.len()..];
        let firsts = if rest.starts_with('{') { first_names(rest) } else { vec![first_name(rest)] };
        found
            .extend(firsts.into_iter().filter(|name| rooms.contains_key(*name)).map(str::to_owned));
    }
    found
}

fn first_name(path: &str) -> &str {
    let path = path.trim_start();
    &path[..path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len())]
}

/// The first name of each path of a list in braces.
fn first_names(list: &str) -> Vec<&str> {
    let (mut names, mut depth) = (Vec::new(), 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && matches!(c, '{' | ',') {
            names.push(first_name(&list[at + 1..]));
        }
    }
    names
}
