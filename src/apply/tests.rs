use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use super::*;

fn file(path: &Path, before: Option<&str>, after: Option<&str>) -> Action {
    Action::File {
        path: path.to_str().unwrap().to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
        mode: 0o640,
        owner: (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw()),
    }
}

fn planned(action: Action) -> Planned {
    Planned { action, why: vec!["a"] }
}

fn undone(journal: &mut Journal) -> Vec<Undone> {
    let mut all = Vec::new();
    let same = |undone: &Undone| match undone {
        Undone::Back => Undone::Back,
        Undone::Already => Undone::Already,
        Undone::Changed(what) => Undone::Changed(what.clone()),
    };
    take_back(journal, &mut |_, undone| all.push(same(undone))).unwrap();
    all
}

#[test]
fn what_was_done_is_taken_back_by_another_run() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (directory.path().join("old"), directory.path().join("new"));
    fs::write(&old, "a").unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o640)).unwrap();
    let home = directory.path().join("state");
    {
        let mut journal = Journal::at(&home).unwrap();
        let all = [planned(file(&old, Some("a"), Some("b"))), planned(file(&new, None, Some("c")))];
        carry_out(&all, &mut journal, &mut |_| {}).unwrap();
        assert!(Journal::at(&home).is_err(), "one at a time");
    }
    assert_eq!((fs::read_to_string(&old).unwrap(), new.exists()), ("b".to_owned(), true));
    let mut journal = Journal::at(&home).unwrap();
    assert_eq!(undone(&mut journal), [Undone::Back, Undone::Back]);
    assert_eq!((fs::read_to_string(&old).unwrap(), new.exists()), ("a".to_owned(), false));
    assert_eq!(fs::metadata(&old).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(!home.join("fix.journal").exists());
}

#[test]
fn what_was_begun_and_not_done_is_as_it_was_and_what_changed_since_stays() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    fs::write(&one, "a").unwrap();
    fs::write(&two, "a").unwrap();
    let home = directory.path().join("state");
    let mut journal = Journal::at(&home).unwrap();
    journal.begin(&file(&one, Some("a"), Some("b"))).unwrap();
    carry_out(&[planned(file(&two, Some("a"), Some("b")))], &mut journal, &mut |_| {}).unwrap();
    drop(journal);
    // A line that a doctor could not finish.
    let path = home.join("fix.journal");
    let text = fs::read_to_string(&path).unwrap() + "{\"begin\":{\"num";
    fs::write(&path, text).unwrap();
    fs::write(&two, "mine").unwrap();
    let mut journal = Journal::at(&home).unwrap();
    let changed = format!("{} has been changed since", two.display());
    assert_eq!(undone(&mut journal), [Undone::Changed(changed), Undone::Already]);
    assert_eq!(fs::read_to_string(&two).unwrap(), "mine");
    assert_eq!(journal.pending().len(), 1);
}

#[test]
fn what_somebody_changes_before_it_is_done_stays() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    fs::write(&one, "b").unwrap();
    fs::write(&two, "mine").unwrap();
    let home = directory.path().join("state");
    let mut journal = Journal::at(&home).unwrap();
    let all =
        [planned(file(&one, Some("a"), Some("b"))), planned(file(&two, Some("a"), Some("b")))];
    assert!(carry_out(&all, &mut journal, &mut |_| {}).is_err());
    assert_eq!(fs::read_to_string(&two).unwrap(), "mine");
    assert!(journal.pending().is_empty(), "what was made already is not taken back");
}

#[test]
fn links_second_names_and_shared_directories_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let real = directory.path().join("real");
    fs::write(&real, "a").unwrap();
    let link = directory.path().join("link");
    symlink(&real, &link).unwrap();
    assert!(file(&link, Some("a"), Some("b")).carry_out().is_err());
    let shared = directory.path().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(file(&shared.join("new"), None, Some("b")).carry_out().is_err());
    fs::hard_link(&real, directory.path().join("second")).unwrap();
    assert!(file(&real, Some("a"), Some("b")).carry_out().is_err());
    assert_eq!(fs::read_to_string(&real).unwrap(), "a");
}
