//! Alternatives are joined by "or" and steps by "and" where they are shown; no text of a remedy says it itself.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

#[test]
fn no_text_of_a_check_begins_with_or() {
    let mut wrong = Vec::new();
    look(Path::new(env!("CARGO_MANIFEST_DIR")).join("checks/src").as_path(), &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn look(directory: &Path, wrong: &mut Vec<String>) {
    for entry in fs::read_dir(directory).expect("the sources are here") {
        let path = entry.expect("the sources are here").path();
        if path.is_dir() {
            look(&path, wrong);
            continue;
        }
        let text = fs::read_to_string(&path).expect("sources are text");
        let lines = text.lines().filter(|line| {
            ["\"or ", "\"Or ", "\"and then "].iter().any(|word| line.contains(word))
        });
        wrong.extend(lines.map(|line| format!("{}: {}", path.display(), line.trim())));
    }
}
