//! `unsafe` is in one module, each use with the argument why it is sound.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, into);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            into.push(entry);
        }
    }
}

#[test]
fn only_sys_lifts_the_lint() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(top.join("Cargo.toml")).unwrap();
    assert!(manifest.contains("\nunsafe_code = \"deny\"\n"), "the lint is denied in every crate");
    let mut files = vec![top.join("build.rs")];
    for folder in ["src", "checks/src", "tests"] {
        sources(&top.join(folder), &mut files);
    }
    let this = Path::new(file!()).file_name();
    let lifts = |file: &&PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        let lifted = text.contains("(unsafe_code") && !text.contains("forbid(unsafe_code)");
        lifted && file.file_name() != this
    };
    let (sys, others): (Vec<_>, Vec<_>) =
        files.iter().filter(lifts).partition(|file| file.starts_with(top.join("src/sys")));
    assert!(!sys.is_empty() && others.is_empty(), "{others:?}");
}

#[test]
fn every_block_has_its_argument() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sys"), &mut files);
    let mut blocks = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<_> = text.lines().collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("unsafe {")) {
            blocks += 1;
            let before = &lines[at.saturating_sub(6)..at];
            let argued = before.iter().any(|line| line.contains("// SAFETY: "));
            assert!(argued, "{}:{}: {line}", file.display(), at + 1);
        }
    }
    assert!(blocks > 10, "the blocks are found");
}
