//! Tells the compiler which commit is built, if this is a clone: `DOCTOR_COMMIT`, 40 hexadecimal digits; and the linker to
//! pack the relocations of a static program.
//!
//! `.git` is read, git is not executed. A source archive has no `.git`, and the version says it all. Whatever
//! could change the answer is watched, and nothing else, so that nothing is built twice.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let root = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    if let Some(commit) = commit(&root.join(".git")).filter(|commit| is_hash(commit)) {
        println!("cargo::rustc-env=DOCTOR_COMMIT={commit}");
    }
    if packs_relocations() {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// A static program relocates itself: 13,000 relocations of 24 bytes, or 4 KiB, if its libc can unpack them. That is
/// glibc from 2.36 on, and of which release it is can be asked only where it is the machine's own.
fn packs_relocations() -> bool {
    let is = |name: &str, value: &str| {
        env::var(name).is_ok_and(|set| set.split(',').any(|s| s == value))
    };
    let own = env::var("TARGET").is_ok() && env::var("TARGET") == env::var("HOST");
    let glibc = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    own && glibc
        && is("CARGO_CFG_TARGET_FEATURE", "crt-static")
        && glibc_of_this_machine().is_some_and(|version| version >= (2, 36))
}

/// As `getconf GNU_LIBC_VERSION` says it: `glibc 2.36`.
fn glibc_of_this_machine() -> Option<(u32, u32)> {
    let said = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let (major, minor) =
        str::from_utf8(&said.stdout).ok()?.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// What `HEAD` is, and what is watched for it.
pub(crate) fn commit(git: &Path) -> Option<String> {
    // In a worktree `.git` is a file that says where its directory is.
    let directory = match read(git) {
        Some(text) => git.parent()?.join(text.strip_prefix("gitdir: ")?),
        None => git.to_owned(),
    };
    let head = watched(&directory.join("HEAD"))?;
    let Some(reference) = head.strip_prefix("ref: ") else { return Some(head) };
    // Branches are shared by all worktrees.
    let common = read(&directory.join("commondir")).map(|common| directory.join(common));
    let common = common.unwrap_or(directory);
    if let Some(commit) = watched(&common.join(reference)) {
        return Some(commit);
    }
    // The next commit makes the file that is not there yet; cargo takes a missing one for changed, each time.
    let parents = Path::new(reference).ancestors().skip(1).map(|parent| common.join(parent));
    if let Some(parent) = parents.into_iter().find(|parent| parent.is_dir()) {
        println!("cargo::rerun-if-changed={}", parent.display());
    }
    let packed = watched(&common.join("packed-refs"))?;
    let line = packed.lines().find_map(|line| line.strip_suffix(reference)?.strip_suffix(' '));
    line.map(str::to_owned)
}

fn watched(path: &Path) -> Option<String> {
    let text = read(path)?;
    println!("cargo::rerun-if-changed={}", path.display());
    Some(text)
}

fn read(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim_end().to_owned())
}

pub(crate) fn is_hash(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
