//! Layouts of images that were looked at, and some that nobody has.

use super::*;
use crate::source::{Refusal, Stat, ask, fixed::Fixed};

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn iptables_in(source: &Fixed, path: &str) -> IptablesTool {
    iptables(&Reader::new(source), path).unwrap().unwrap()
}

#[test]
fn debian_with_alternatives() {
    let source = Fixed::new()
        .program("/usr/sbin/iptables", "/usr/sbin/xtables-nft-multi")
        .program("/usr/sbin/iptables-nft", "/usr/sbin/xtables-nft-multi")
        .program("/usr/sbin/iptables-legacy", "/usr/sbin/xtables-legacy-multi")
        .program("/sbin/iptables", "/usr/sbin/xtables-legacy-multi")
        .program("/usr/sbin/nft", "/usr/sbin/nft");
    let found = iptables_in(&source, PATH);
    let expected = IptablesTool {
        path: "/usr/sbin/iptables".into(),
        resolved: "/usr/sbin/xtables-nft-multi".into(),
        flavour: Fact::Known(ToolFlavour::Nft),
        alternatives: vec![ToolFlavour::Legacy, ToolFlavour::Nft],
    };
    assert_eq!(found, expected);
    assert_eq!(nft(&Reader::new(&source), PATH), Ok(Some("/usr/sbin/nft".into())));
}

#[test]
fn docker_dind_that_chose_legacy() {
    let legacy = "/usr/local/sbin/.iptables-legacy";
    let tool = format!("{legacy}/iptables");
    let source = Fixed::new()
        .program(&tool, "/usr/sbin/xtables-legacy-multi")
        .program("/usr/sbin/iptables", "/usr/sbin/xtables-nft-multi")
        .program("/usr/sbin/iptables-legacy", "/usr/sbin/xtables-legacy-multi");
    let found = iptables_in(&source, &format!("{legacy}:{PATH}"));
    assert_eq!(found.path, tool.as_str());
    assert_eq!(found.flavour, Fact::Known(ToolFlavour::Legacy));
    assert_eq!(found.alternatives, [ToolFlavour::Legacy]);
    assert_eq!(iptables_in(&source, PATH).flavour, Fact::Known(ToolFlavour::Nft));
}

#[test]
fn before_there_were_flavours() {
    let source = Fixed::new().program("/sbin/iptables", "/sbin/xtables-multi");
    let found = iptables_in(&source, PATH);
    assert_eq!(found.flavour, Fact::Known(ToolFlavour::Legacy));
    assert_eq!(found.alternatives, []);
}

#[test]
fn the_name_of_a_link_on_the_way_tells_too() {
    let source = Fixed::new()
        .program("/usr/sbin/iptables", "/opt/net/tool")
        .link("/usr/sbin/iptables", "../../etc/alternatives/iptables")
        .link("/usr/sbin/../../etc/alternatives/iptables", "/usr/sbin/iptables-nft")
        .link("/usr/sbin/iptables-nft", "/opt/net/tool");
    assert_eq!(iptables_in(&source, PATH).flavour, Fact::Known(ToolFlavour::Nft));
}

#[test]
fn a_wrapper_or_a_loop_has_no_flavour() {
    let wrapper = Fixed::new().program("/usr/sbin/iptables", "/usr/sbin/iptables-wrapper");
    let expected = Fact::missing("/usr/sbin/iptables-wrapper", Why::Malformed);
    assert_eq!(iptables_in(&wrapper, PATH).flavour, expected);
    let busy = Fixed::new()
        .program("/usr/sbin/iptables", "/bin/busybox")
        .link("/usr/sbin/iptables", "/usr/sbin/iptables");
    assert_eq!(iptables_in(&busy, PATH).flavour.why(), Some(Why::Malformed));
}

#[test]
fn what_cannot_be_resolved_is_itself() {
    let question = ask::Resolve { path: "/usr/sbin/iptables".into() };
    let source = Fixed::new()
        .program("/usr/sbin/iptables", "")
        .refuse(question, Refusal::Errno(libc::EACCES));
    assert_eq!(iptables_in(&source, PATH).resolved, "/usr/sbin/iptables");
}

#[test]
fn directories_and_what_is_not_executable_are_passed_over() {
    let access = |path: &str| ask::Access { path: path.into(), access: Access::Execute };
    let source = Fixed::new()
        .directory("/a/iptables", &[])
        .file("/b/iptables", "")
        .refuse(access("/b/iptables"), Refusal::Errno(libc::EACCES))
        .program("/c/iptables", "/c/iptables");
    assert_eq!(iptables_in(&source, "relative::/a:/b:/c/").path, "/c/iptables");
}

#[test]
fn the_mode_decides_where_access_cannot_be_asked() {
    let access = |path: &str| ask::Access { path: path.into(), access: Access::Execute };
    let source = Fixed::new()
        .program("/a/nft", "/a/nft")
        .refuse(access("/a/nft"), Refusal::Errno(libc::ENOSYS));
    assert_eq!(nft(&Reader::new(&source), "/a"), Ok(Some("/a/nft".into())));
}

#[test]
fn none_and_not_known_differ() {
    let nothing = Fixed::new();
    assert_eq!(iptables(&Reader::new(&nothing), PATH), Ok(None));
    let question = ask::Stat { path: "/usr/local/bin/iptables".into() };
    let source = Fixed::new()
        .program("/usr/sbin/iptables", "/usr/sbin/xtables-nft-multi")
        .refuse(question, Refusal::NotRecorded);
    let missing = iptables(&Reader::new(&source), PATH).unwrap_err();
    assert_eq!(missing, Missing::new("/usr/local/bin/iptables", Why::NotRecorded));
}

#[test]
fn a_device_is_no_program() {
    let stat = Stat { mode: 0o020_777, uid: 0, gid: 0, dev: (0, 1), rdev: (1, 3), ino: 1 };
    let question = ask::Stat { path: "/a/nft".into() };
    let source = Fixed::new().answer(question, stat);
    assert_eq!(nft(&Reader::new(&source), "/a"), Ok(None));
}
