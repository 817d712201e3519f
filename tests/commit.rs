//! The build script reads which commit is built, in every way in which git keeps it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, clippy::print_stdout, reason = "a build script has a main, and speaks so")]
#[path = "../build.rs"]
mod build;

use std::{fs, path::Path};

use dind_doctor::report::version;

const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, content) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

fn commit_of(files: &[(&str, &str)], git: &str) -> Option<String> {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), files);
    build::commit(&root.path().join(git))
}

#[test]
fn a_branch_a_detached_head_and_packed_references() {
    let branch = ("r/.git/HEAD", "ref: refs/heads/a/b\n");
    let loose = ("r/.git/refs/heads/a/b", &*format!("{HASH}\n"));
    let other = "f".repeat(40);
    let packed = format!(
        "# pack-refs with: peeled\n{other} refs/heads/not/refs/heads/a/b\n{HASH} refs/heads/a/b\n^{other}\n"
    );
    let packed = ("r/.git/packed-refs", &*packed);
    let want = Some(HASH.to_owned());
    assert_eq!(commit_of(&[branch, loose], "r/.git"), want);
    assert_eq!(commit_of(&[branch, packed], "r/.git"), want);
    assert_eq!(commit_of(&[("r/.git/HEAD", HASH)], "r/.git"), want);
}

#[test]
fn a_worktree_has_its_own_head_and_the_branches_of_all() {
    let files = [
        ("w/.git", "gitdir: ../r/.git/worktrees/w\n"),
        ("r/.git/worktrees/w/HEAD", "ref: refs/heads/main\n"),
        ("r/.git/worktrees/w/commondir", "../..\n"),
        ("r/.git/refs/heads/main", HASH),
    ];
    assert_eq!(commit_of(&files, "w/.git"), Some(HASH.to_owned()));
}

#[test]
fn this_build_knows_its_own() {
    let git = Path::new(env!("CARGO_MANIFEST_DIR")).join(".git");
    assert_eq!(version::COMMIT.map(str::to_owned), build::commit(&git));
}

#[test]
fn no_clone_no_commit() {
    assert_eq!(commit_of(&[("r/Cargo.toml", "")], "r/.git"), None);
    assert_eq!(commit_of(&[("r/.git/HEAD", "ref: refs/heads/unborn\n")], "r/.git"), None);
    assert!(!build::is_hash("ref: refs/heads/main") && build::is_hash(HASH));
}
