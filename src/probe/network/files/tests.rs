//! Files as kernels write them, and as none would.

use super::*;
use crate::source::fixed::Fixed;

const NET: &str = "/sys/class/net";

fn device(source: Fixed, name: &str, uevent: &str, mtu: &str, flags: &str) -> Fixed {
    source
        .file(&format!("{NET}/{name}/uevent"), uevent)
        .file(&format!("{NET}/{name}/mtu"), mtu)
        .file(&format!("{NET}/{name}/flags"), flags)
}

fn loopback_and_uplink() -> Vec<Link> {
    let link = |index, name: &str, loopback| Link {
        index,
        name: name.into(),
        kind: None,
        mtu: 1500,
        up: true,
        loopback,
        controller: None,
    };
    vec![link(1, "lo", true), link(2, "eth0", false)]
}

#[test]
fn links_of_a_machine_with_a_bridge() {
    let names = [
        ("bonding_masters", EntryKind::File),
        ("docker0", EntryKind::Link),
        ("gone", EntryKind::Link),
        ("lo", EntryKind::Link),
        ("veth1", EntryKind::Link),
        ("wlan0", EntryKind::Link),
    ];
    let mut source = Fixed::new().directory(NET, &names);
    let bridge = "DEVTYPE=bridge\nINTERFACE=docker0\nIFINDEX=3\n";
    source = device(source, "docker0", bridge, "1500\n", "0x1003\n");
    source = device(source, "lo", "INTERFACE=lo\nIFINDEX=1\n", "65536\n", "0x9\n");
    source = device(source, "veth1", "INTERFACE=veth1\nIFINDEX=7\n", "1450\n", "0x1002\n");
    let wireless = "DEVTYPE=wlan\nINTERFACE=wlan0\nIFINDEX=2\n";
    source = device(source, "wlan0", wireless, "1500\n", "0x1003\n");
    source = source.link(&format!("{NET}/veth1/master"), "../docker0");
    let links = links(&Reader::new(&source)).unwrap();
    let rows: Vec<_> = links
        .iter()
        .map(|l| {
            (l.index, l.name.as_str(), l.kind.as_deref(), l.mtu, l.up, l.loopback, l.controller)
        })
        .collect();
    let expected = [
        (1, "lo", None, 65536, true, true, None),
        (2, "wlan0", None, 1500, true, false, None),
        (3, "docker0", Some("bridge"), 1500, true, false, None),
        (7, "veth1", None, 1450, false, false, Some(3)),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn more_links_than_the_limit_are_not_known() {
    use crate::source::{Listing, ask};
    let question = ask::List { path: NET.into() };
    let answer = Listing { entries: vec![], truncated: true };
    assert_eq!(links(&Reader::new(&Fixed::new().answer(question, answer))), None);
    assert_eq!(links(&Reader::new(&Fixed::new())), None);
}

#[cfg(target_endian = "little")]
#[test]
fn routes_of_both_families() {
    let v4 = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
              eth0\t00000000\t010011AC\t0003\t0\t0\t100\t00000000\t1500\t0\t0\n\
              eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
              *\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
              garbage\n";
    let v6 = "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 \
              00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n\
              00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
              fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n\
              00000000000000000000000000000001 80 00000000000000000000000000000000 00 \
              00000000000000000000000000000000 00000000 00000003 00000000 80200001       lo\n\
              ff000000000000000000000000000000 08 00000000000000000000000000000000 00 \
              00000000000000000000000000000000 00000100 00000003 00000000 00000001     eth0\n\
              20010db8000000000000000000000001 80 00000000000000000000000000000000 00 \
              fe800000000000000000000000000001 00000000 00000003 00000000 01000003     eth0\n\
              00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
              00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";
    let source = Fixed::new().file("/proc/net/route", v4).file("/proc/net/ipv6_route", v6);
    let routes = routes(&Reader::new(&source), &loopback_and_uplink()).unwrap();
    let rows: Vec<_> = routes
        .iter()
        .map(|r| {
            let gateway = r.gateway.map(|gateway| gateway.to_string()).unwrap_or_default();
            (r.table, r.destination.to_string(), gateway, r.interface, r.metric, r.unicast)
        })
        .collect();
    let row = |table, destination: &str, gateway: &str, interface, metric, unicast| {
        (table, destination.to_owned(), gateway.to_owned(), interface, metric, unicast)
    };
    let expected = [
        row(254, "0.0.0.0/0", "172.17.0.1", Some(2), 100, true),
        row(254, "172.17.0.0/16", "", Some(2), 0, true),
        row(254, "192.168.0.0/16", "", None, 0, false),
        row(254, "::/0", "fe80::1", Some(2), 1024, true),
        row(254, "::/0", "", Some(1), u32::MAX, false),
        row(254, "fe80::/64", "", Some(2), 256, true),
        row(255, "::1/128", "", Some(1), 0, false),
        row(255, "ff00::/8", "", Some(2), 256, false),
    ];
    assert_eq!(rows, expected);
    assert!(routes.iter().all(|route| route.mtu.is_none()));
    assert!(routes[0].is_default() && routes[3].is_default() && !routes[4].is_default());
}

#[test]
fn no_file_of_routes_is_not_no_routes() {
    assert_eq!(routes(&Reader::new(&Fixed::new()), &[]), None);
    let source = Fixed::new().file("/proc/net/route", "");
    assert_eq!(routes(&Reader::new(&source), &[]), Some(vec![]));
}

#[test]
fn arbitrary_bytes_never_panic() {
    arbtest::arbtest(|u| {
        let (v4, v6): (Vec<u8>, Vec<u8>) = (u.arbitrary()?, u.arbitrary()?);
        let source = Fixed::new()
            .file("/proc/net/route", [b"\n".to_vec(), v4].concat())
            .file("/proc/net/ipv6_route", &v6)
            .directory(NET, &[("x", EntryKind::Link)]);
        let text = String::from_utf8_lossy(&v6).into_owned();
        let source = device(source, "x", &text, &text, &text);
        let reader = Reader::new(&source);
        drop((links(&reader), routes(&reader, &[])));
        Ok(())
    });
}
