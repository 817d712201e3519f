//! The probe against answers given by hand.

use dind_doctor_checks::facts::{Address, Link, Route};

use super::*;
use crate::source::{Answer, EntryKind, Question, Refusal, ask, fixed::Fixed};

fn uplink() -> Link {
    Link {
        index: 2,
        name: "eth0".into(),
        kind: None,
        mtu: 1450,
        up: true,
        loopback: false,
        controller: None,
    }
}

fn default_route() -> Route {
    Route {
        table: 254,
        destination: "0.0.0.0/0".parse().unwrap(),
        gateway: Some("10.0.0.1".parse().unwrap()),
        interface: Some(2),
        mtu: Some(1400),
        metric: 0,
        unicast: true,
    }
}

fn netlink() -> Fixed {
    let address = Address { index: 2, address: "10.0.0.2/24".parse().unwrap() };
    Fixed::new()
        .answer(ask::Links, vec![uplink()])
        .answer(ask::Addresses, vec![address])
        .answer(ask::Routes, vec![default_route()])
        .answer(ask::PathMtu { destination: OUTSIDE_V4 }, 1400)
        .file("/proc/sys/net/ipv4/tcp_mtu_probing", "1\n")
}

fn refused(refusal: Refusal) -> Fixed {
    [Question::Links, Question::Addresses, Question::Routes]
        .into_iter()
        .fold(Fixed::new(), |source, question| source.refuse(question, refusal))
        .directory("/sys/class/net", &[("eth0", EntryKind::Link)])
        .file("/sys/class/net/eth0/uevent", "INTERFACE=eth0\nIFINDEX=2\n")
        .file("/sys/class/net/eth0/mtu", "1450\n")
        .file("/sys/class/net/eth0/flags", "0x1003\n")
        .file("/proc/net/route", "head\neth0 00000000 00000000 0001 0 0 0 00000000 0 0 0\n")
}

#[test]
fn what_netlink_says() {
    let source = netlink();
    let network = probe(&Reader::new(&source));
    assert_eq!(network.source, "rtnetlink");
    assert_eq!(network.uplink(), Some(&uplink()));
    assert_eq!(network.routes.known().unwrap()[0].mtu, Some(1400));
    assert_eq!(network.addresses.known().unwrap().len(), 1);
    let expected = PathMtu { destination: OUTSIDE_V4, mtu: 1400 };
    assert_eq!(network.path_mtu_v4, Fact::Known(expected));
    assert_eq!(network.tcp_mtu_probing, Fact::Known(1));
    assert!(!source.was_asked(ask::Read { path: "/proc/net/route".into() }));
}

#[test]
fn files_where_netlink_is_refused() {
    let source = refused(Refusal::Errno(libc::EACCES));
    let network = probe(&Reader::new(&source));
    assert_eq!(network.source, "/sys/class/net and /proc/net/route");
    assert_eq!(network.uplink(), Some(&uplink()));
    assert_eq!(network.addresses.why(), Some(Why::NotPermitted));
}

#[test]
fn only_what_is_refused_comes_from_files() {
    let source = refused(Refusal::Errno(libc::EINTR)).answer(ask::Links, vec![uplink()]);
    let network = probe(&Reader::new(&source));
    assert_eq!(network.source, "/proc/net/route");
    assert_eq!(network.uplink(), Some(&uplink()));
}

#[test]
fn the_reason_stays_where_there_are_no_files_either() {
    let source = Fixed::new().refuse(ask::Links, Refusal::Errno(libc::EAFNOSUPPORT));
    let network = probe(&Reader::new(&source));
    assert_eq!(network.links, Fact::missing("netlink: links", Why::Unsupported));
    assert_eq!(network.routes, Fact::missing("netlink: routes", Why::NotFound));
    assert_eq!(network.source, "rtnetlink");
}

#[test]
fn what_a_bundle_leaves_out_is_not_looked_for_elsewhere() {
    for (refusal, why) in
        [(Refusal::NotRecorded, Why::NotRecorded), (Refusal::Redacted, Why::Redacted)]
    {
        let source = refused(refusal);
        let network = probe(&Reader::new(&source));
        assert_eq!(network.links.why(), Some(why));
        assert_eq!(network.routes.why(), Some(why));
    }
}

#[test]
fn no_route_is_not_found_and_other_errors_stay() {
    let question = |destination| ask::PathMtu { destination };
    for errno in [libc::ENETUNREACH, libc::EHOSTUNREACH, libc::EADDRNOTAVAIL] {
        let source = netlink().refuse(question(OUTSIDE_V6), Refusal::Errno(errno));
        let network = probe(&Reader::new(&source));
        assert_eq!(network.path_mtu_v6.why(), Some(Why::NotFound));
    }
    let source = netlink().refuse(question(OUTSIDE_V6), Refusal::Errno(libc::EAFNOSUPPORT));
    assert_eq!(probe(&Reader::new(&source)).path_mtu_v6.why(), Some(Why::Unsupported));
}

#[test]
fn a_deadline_is_remembered() {
    let source = netlink().refuse(ask::Addresses, Refusal::TimedOut);
    let reader = Reader::new(&source);
    let network = reader.run("network", std::time::Duration::from_secs(1), probe);
    assert_eq!(network.addresses.why(), Some(Why::TimedOut));
    assert_eq!(reader.timed_out(), ["network"]);
}

#[test]
fn answers_of_the_wrong_kind_are_malformed() {
    let source = netlink().answer_any(ask::Links, Answer::Done);
    assert_eq!(probe(&Reader::new(&source)).links.why(), Some(Why::Malformed));
}
