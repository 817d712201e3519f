//! Places, what they leave, and what others could pass off as such.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use super::*;

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn parent(mode: u32) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    set(&path, mode);
    (dir, path)
}

const fn dead(number: u64) -> Owner {
    Owner { pid: i32::MAX, started: number }
}

fn count(path: &Path) -> usize {
    fs::read_dir(path).unwrap().count()
}

#[test]
fn a_name_tells_its_owner() {
    let me = Owner::me().unwrap();
    assert_eq!(Owner::in_name(&me.name()), Some(me));
    assert!(me.is_alive());
    assert!(!Owner { started: me.started + 1, ..me }.is_alive());
    for name in ["x", ".dind-doctor-trial-1", ".dind-doctor-trial-01-2", ".dind-doctor-trial-1-2/"]
    {
        assert_eq!(Owner::in_name(name), None, "{name}");
    }
}

#[test]
fn a_place_goes_with_all_that_is_in_it() {
    for mode in [0o755, 0o777, 0o2777] {
        let (_dir, path) = parent(mode);
        let place = Place::make(&path, &Owner::me().unwrap()).unwrap();
        let closed = place.inside().join("work/work");
        fs::create_dir_all(&closed).unwrap();
        fs::write(closed.join("file"), "x").unwrap();
        symlink("/", place.inside().join("link")).unwrap();
        set(&closed, 0o000);
        assert!(Left::find(&place.path).is_none(), "its owner is alive");
        place.remove().unwrap();
        assert_eq!(count(&path), 0, "{mode:o}");
    }
}

#[test]
fn what_a_dead_owner_has_left_is_found_unless_somebody_holds_it() {
    let (_dir, path) = parent(0o755);
    let place = Place::make(&path, &dead(1)).unwrap();
    assert!(Left::find(&place.path).is_none(), "locked: an owner in another PID namespace");
    let left = place.path.clone();
    drop(place);
    let link = path.join(dead(2).name());
    symlink(&left, &link).unwrap();
    assert!(Left::find(&link).is_none());
    fs::remove_file(link).unwrap();
    Left::find(&left).unwrap().remove().unwrap();
    assert_eq!(count(&path), 0);
}

#[test]
fn where_others_write_the_name_is_not_enough() {
    let (_dir, path) = parent(0o777);
    let planted = path.join(dead(31).name());
    fs::create_dir_all(planted.join("precious")).unwrap();
    set(&planted, 0o700);
    let why = || Left::find(&planted).unwrap().remove().unwrap_err();
    assert!(why().contains("others may write to"), "{}", why());
    for token in ["", "0123456789abcdef0123456789abcdef"] {
        fs::write(planted.join(".token"), token).unwrap();
        assert!(why().contains("others may write to"), "{token}");
    }
    assert!(planted.join("precious").exists());
    set(&path, 0o755);
    set(&planted, 0o755);
    assert!(why().contains("not as a trial makes"), "{}", why());
}

#[test]
fn the_token_that_was_kept_tells_what_is_left() {
    let (_dir, path) = parent(0o777);
    let place = Place::make(&path, &dead(32)).unwrap();
    // Where nothing can be kept, as for a user without a home.
    if place.token.is_none() {
        return place.remove().unwrap();
    }
    let left = place.path.clone();
    fs::write(place.inside().join("file"), "x").unwrap();
    drop(place);
    // Another directory by its name.
    let away = path.join("away");
    fs::rename(&left, &away).unwrap();
    fs::create_dir(&left).unwrap();
    set(&left, 0o700);
    assert!(Left::find(&left).unwrap().remove().is_err());
    fs::remove_dir(&left).unwrap();
    fs::rename(&away, &left).unwrap();
    Left::find(&left).unwrap().remove().unwrap();
    assert_eq!(count(&path), 0);
    assert!(!token::matches(&dead(32).name(), &File::open(&path).unwrap()));
}

#[test]
fn what_is_swapped_for_a_place_is_left_alone() {
    let (_dir, path) = parent(0o777);
    let place = Place::make(&path, &dead(33)).unwrap();
    let inside = place.inside().join("file");
    fs::rename(&place.path, path.join("away")).unwrap();
    fs::create_dir(&place.path).unwrap();
    fs::write(place.path.join("precious"), "x").unwrap();
    fs::write(inside, "x").unwrap();
    let precious = place.path.join("precious");
    let why = place.remove().unwrap_err();
    assert!(why.contains("another directory in its place"), "{why}");
    assert!(precious.exists());
    assert_eq!(count(&path.join("away")), 0, "what was in it is gone");
    token::forget(&dead(33).name());
}

#[test]
fn what_belongs_to_another_user_is_named_and_left_alone() {
    if !geteuid().is_root() {
        return;
    }
    let (_dir, path) = parent(0o755);
    let theirs = path.join("theirs");
    let tree = theirs.join(dead(34).name());
    fs::create_dir_all(tree.join("precious")).unwrap();
    set(&tree, 0o700);
    std::os::unix::fs::chown(&theirs, Some(54_321), None).unwrap();
    assert!(Place::make(&theirs, &dead(35)).is_err());
    let why = Left::find(&tree).unwrap().remove().unwrap_err();
    assert!(why.contains("in the hands of other users"), "{why}");
    assert!(tree.join("precious").exists());
}
