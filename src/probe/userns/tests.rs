use dind_doctor_checks::facts::Mount;

use super::*;
use crate::source::{Access, EntryKind, Ids, Refusal, Stat, ask, fixed::Fixed};

const PATH: &str = "/usr/bin";

fn ids(uid: u32) -> Fixed {
    let ids = Ids { pid: 7, euid: uid, egid: uid, groups: vec![] };
    Fixed::new().answer(ask::Ids, ids)
}

fn tool(source: Fixed, name: &str, mode: u32) -> Fixed {
    let path = format!("/usr/bin/{name}");
    let stat = Stat { mode, uid: 0, gid: 0, dev: (0, 1), rdev: (0, 0), ino: 1 };
    source
        .answer(ask::Stat { path: path.clone() }, stat)
        .answer(ask::Access { path, access: Access::Execute }, ())
}

fn attribute(name: &str) -> ask::Attribute {
    ask::Attribute { path: format!("/usr/bin/{name}"), name: "security.capability".to_owned() }
}

#[test]
fn ranges_count_by_name_and_by_number_and_a_bad_line_costs_one_line() {
    let source = ids(1000)
        .file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbuild:x:1000:1000::/home/build:/bin/sh\n")
        .file("/etc/subuid", b"build:100000:65536\nother:1:2\n1000:5:6\nbuild:x:y\n\xff\x1b:::\n")
        .file("/etc/subgid", "");
    let found = subordinate_ids(&Reader::new(&source), &Fact::Known(MountTable::default()), PATH);
    assert_eq!(found.user, Fact::Known(Some("build".into())));
    assert_eq!(found.primary_group, Fact::Known(Some(1000)));
    assert_eq!(found.accounts, Fact::Known(vec![]));
    assert_eq!(
        found.uids,
        Fact::Known(vec![
            SubordinateRange { start: 100_000, count: 65_536 },
            SubordinateRange { start: 5, count: 6 }
        ])
    );
    assert_eq!(found.gids, Fact::Known(vec![]));
    assert_eq!(found.newuidmap, Fact::Known(None));
}

#[test]
fn nothing_is_there_and_nothing_may_be_read() {
    let none = Fact::Known(MountTable::default());
    let source = ids(1000);
    let found = subordinate_ids(&Reader::new(&source), &none, PATH);
    assert_eq!(found.user, Fact::Known(None));
    assert_eq!(found.uids, Fact::Known(vec![]));
    let source = ids(0).unreadable("/etc/subuid", libc::EACCES);
    let found = subordinate_ids(&Reader::new(&source), &none, PATH);
    assert_eq!(found.user, Fact::Known(Some("root".into())));
    assert_eq!(found.uids.why(), Some(Why::NotPermitted));
}

#[test]
fn privileges_of_the_programs_are_seen() {
    let source = tool(tool(ids(1000), "newuidmap", 0o104_755), "newgidmap", 0o100_755)
        .refuse(attribute("newuidmap"), Refusal::Errno(libc::ENODATA))
        .answer(attribute("newgidmap"), ());
    let mount = Mount {
        mount_point: "/usr".into(),
        options: ["nosuid".to_owned()].into(),
        ..Mount::default()
    };
    let table = Fact::Known(MountTable { rows: vec![mount], malformed: 0 });
    let found = subordinate_ids(&Reader::new(&source), &table, PATH);
    let Fact::Known(Some(uid)) = found.newuidmap else { panic!() };
    assert!(uid.set_user_id && uid.file_capabilities == Fact::Known(false));
    assert_eq!(uid.nosuid, Some(true));
    let Fact::Known(Some(gid)) = found.newgidmap else { panic!() };
    assert!(!gid.set_user_id && gid.file_capabilities == Fact::Known(true));
}

#[test]
fn a_service_for_subordinate_ids_is_named() {
    let conf = |text: &str| {
        let source = Fixed::new().file("/etc/nsswitch.conf", text);
        service(&Reader::new(&source))
    };
    assert_eq!(conf("passwd: files\nsubid: sss\n"), Some("sss".into()));
    assert_eq!(conf("subid: files sss\n"), None);
    assert_eq!(conf("passwd: files\n"), None);
}

#[test]
fn switches_that_the_kernel_does_not_have_restrict_nothing() {
    let source = Fixed::new().file("/proc/sys/user/max_user_namespaces", "63000\n");
    let found = switches(&Reader::new(&source));
    assert_eq!(found.max, Fact::Known(63_000));
    assert_eq!(found.unprivileged, Fact::Known(true));
    assert_eq!(found.apparmor_restricted, Fact::Known(false));
}

#[test]
fn profiles_are_those_that_are_loaded_else_those_that_are_installed() {
    let restricted =
        || Fixed::new().file("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
    let source = restricted().file(
        "/sys/kernel/security/apparmor/profiles",
        "rootlesskit (unconfined)\nfirefox (unconfined)\npodman (unconfined)\n",
    );
    let want = Fact::Known(vec!["podman".into(), "rootlesskit".into()]);
    assert_eq!(switches(&Reader::new(&source)).profiles, want);
    let names = [("podman", EntryKind::File), ("sbuild", EntryKind::File)];
    let source = restricted().directory("/etc/apparmor.d", &names);
    assert_eq!(switches(&Reader::new(&source)).profiles, Fact::Known(vec!["podman".into()]));
}

#[test]
fn login_defs_is_asked_only_where_the_group_is_another() {
    let of = |group: u32, defs: &str| {
        let line = format!("build:x:1000:{group}::/home/build:/bin/sh\n");
        let source = ids(1000).file("/etc/passwd", line).file("/etc/login.defs", defs);
        subordinate_ids(&Reader::new(&source), &Fact::Known(MountTable::default()), PATH)
            .other_groups
    };
    assert_eq!(of(1000, "").why(), Some(Why::NotProbed));
    assert_eq!(of(7, "# GRANT_AUX_GROUP_SUBIDS yes\n"), Fact::Known(false));
    assert_eq!(of(7, "UMASK 022\nGRANT_AUX_GROUP_SUBIDS\tyes\n"), Fact::Known(true));
    let closed = ids(1000)
        .file("/etc/passwd", "build:x:1000:7::/:/bin/sh\n")
        .unreadable("/etc/login.defs", libc::EACCES);
    let found = subordinate_ids(&Reader::new(&closed), &Fact::Known(MountTable::default()), PATH);
    assert_eq!(found.other_groups.why(), Some(Why::NotPermitted));
}

#[test]
fn other_services_for_accounts_are_named() {
    let conf = |text: &str| accounts(&Reader::new(&Fixed::new().file("/etc/nsswitch.conf", text)));
    assert_eq!(
        conf("passwd: files [NOTFOUND=return] sss systemd\n"),
        Fact::Known(vec!["sss".into(), "systemd".into()])
    );
    assert_eq!(conf("group: ldap\npasswd: compat\n"), Fact::Known(vec![]));
    assert_eq!(accounts(&Reader::new(&Fixed::new())), Fact::Known(vec![]));
}

#[test]
fn a_bwrap_that_is_set_user_id_belongs_to_root() {
    let of = |path: &str, mode, uid| {
        let stat = Stat { mode, uid, gid: 0, dev: (0, 1), rdev: (0, 0), ino: 1 };
        let source = Fixed::new().answer(ask::Stat { path: path.to_owned() }, stat);
        set_user_id_bwrap(&Reader::new(&source))
    };
    assert_eq!(of("/usr/bin/bwrap", 0o104_755, 0), Fact::Known(true));
    assert_eq!(of("/usr/local/bin/bwrap", 0o100_755, 0), Fact::Known(false));
    assert_eq!(of("/usr/bin/bwrap", 0o104_755, 1000), Fact::Known(false));
    assert_eq!(of("/bin/sh", 0o104_755, 0), Fact::Known(false));
    let closed = Fixed::new().refuse(
        ask::Stat { path: "/usr/local/bin/bwrap".to_owned() },
        Refusal::Errno(libc::EACCES),
    );
    assert_eq!(set_user_id_bwrap(&Reader::new(&closed)).why(), Some(Why::NotPermitted));
}
