//! The checks cannot do I/O, read a clock or the environment: their crate and all that it depends on
//! work without the standard library.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

fn sources(directory: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_checks_do_not_link_the_standard_library() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("checks/src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 30, "only {} files found", files.len());
    let main = fs::read_to_string(root.join("lib.rs")).expect("lib.rs");
    assert!(main.contains("\n#![no_std]\n"), "the crate is no_std");
    assert!(main.contains("\n#![forbid(unsafe_code)]\n"), "the crate forbids unsafe code");
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file");
        assert!(
            !text.contains("extern crate std"),
            "{} lets the standard library in",
            file.display()
        );
    }
}

#[test]
fn no_dependency_of_the_checks_asks_for_the_standard_library() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("checks/Cargo.toml");
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--edges", "normal,features", "--prefix", "none"])
        .arg("--manifest-path")
        .arg(manifest)
        .args(["--package", "dind-doctor-checks"])
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8_lossy(&output.stdout);
    for line in tree.lines().filter(|line| line.contains(" feature \"std\"")) {
        // Procedural macros run in the compiler.
        let name = line.split(' ').next().unwrap_or_default();
        let of_a_macro = ["proc-macro2", "quote", "syn", "unicode-ident"].contains(&name);
        assert!(of_a_macro, "{line}");
    }
    assert!(tree.contains("serde_json"), "the tree was read");
}
