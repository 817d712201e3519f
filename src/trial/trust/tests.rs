//! Directories that others may write to, links, and whose they are.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A directory of this user, in /tmp, which is sticky.
fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    (dir, path)
}

#[test]
fn what_others_may_write_to_is_not_trusted() {
    let (_dir, path) = place();
    let file = path.join("below/file");
    fs::create_dir(path.join("below")).unwrap();
    fs::write(&file, "x").unwrap();
    assert_eq!(program(&file).unwrap().path, file);
    for mode in [0o777, 0o775, 0o757, 0o2775] {
        set(&path, mode);
        let error = program(&file).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("{} is in the hands of other users: they may write to it", path.display()),
            "{mode:o}"
        );
    }
    for mode in [0o1777, 0o1775, 0o755, 0o700] {
        set(&path, mode);
        program(&file).unwrap();
    }
    set(&file, 0o664);
    assert!(program(&file).is_err(), "the file itself");
    assert!(program(&path.join("absent")).is_err());
    assert!(program(Path::new("relative")).is_err());
}

#[test]
fn the_way_to_a_link_counts_and_the_way_to_what_it_leads_to() {
    let (_dir, path) = place();
    for name in ["links", "programs"] {
        fs::create_dir(path.join(name)).unwrap();
    }
    let file = path.join("programs/tool");
    fs::write(&file, "x").unwrap();
    let relative = path.join("links/relative");
    symlink("../programs/./tool", &relative).unwrap();
    let link = path.join("links/tool");
    symlink(&relative, &link).unwrap();
    assert_eq!(program(&link).unwrap().path, file);
    for shared in ["links", "programs"] {
        set(&path.join(shared), 0o775);
        assert!(program(&link).is_err(), "{shared}");
        set(&path.join(shared), 0o1775);
        assert!(program(&link).is_ok(), "as /nix/store: {shared}");
        set(&path.join(shared), 0o755);
    }
    symlink("loop", path.join("loop")).unwrap();
    assert!(program(&path.join("loop")).is_err());
    assert!(directory(&path.join("links/..")).is_ok());
    symlink("programs", path.join("link")).unwrap();
    assert!(directory(&path.join("link")).is_err(), "a place is reached without links");
}

#[test]
fn a_place_may_be_shared_and_says_so() {
    let (_dir, path) = place();
    assert_eq!(directory(&path).unwrap().shared, None);
    set(&path, 0o777);
    assert_eq!(directory(&path).unwrap().shared, Some(path.clone()), "as an emptyDir");
    set(&path, 0o1777);
    assert_eq!(directory(&path).unwrap().shared, None);
    assert!(directory(&path.join("file")).is_err());
}

#[test]
fn what_belongs_to_another_is_not_trusted() {
    if !geteuid().is_root() {
        return;
    }
    let (_dir, path) = place();
    let file = path.join("theirs/file");
    fs::create_dir(path.join("theirs")).unwrap();
    fs::write(&file, "x").unwrap();
    let give = |path: &Path| std::os::unix::fs::chown(path, Some(54_321), None).unwrap();
    give(&path.join("theirs"));
    for error in [program(&file).unwrap_err(), directory(&path.join("theirs")).unwrap_err()] {
        assert!(error.to_string().ends_with("other users: it belongs to one"), "{error}");
    }
    // A link of theirs in a sticky directory, to what is root's.
    set(&path, 0o1777);
    let link = path.join("link");
    symlink("/", &link).unwrap();
    std::os::unix::fs::lchown(&link, Some(54_321), None).unwrap();
    assert!(program(&link).is_err());
}
