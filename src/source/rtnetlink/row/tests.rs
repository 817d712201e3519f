//! Messages put together by hand, as a kernel sends them and as none would.

use super::*;

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).unwrap();
    let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn link_message(index: u32, flags: i32, attributes: &[Vec<u8>]) -> Vec<u8> {
    let header = [&[0; 4][..], &index.to_ne_bytes(), &flags.to_ne_bytes(), &[0; 4]].concat();
    [header, attributes.concat()].concat()
}

fn links(message: &[u8]) -> Vec<Link> {
    let mut links = Vec::new();
    link(message, &mut links);
    links
}

fn route_message(family: i32, prefix: u8, kind: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
    let family = u8::try_from(family).unwrap();
    let header = vec![family, prefix, 0, 0, 254, 3, 0, kind, 0, 0, 0, 0];
    [header, attributes.concat()].concat()
}

fn routes(message: &[u8]) -> Vec<Route> {
    let mut routes = Vec::new();
    route(message, &mut routes);
    routes
}

#[test]
fn port_of_a_bridge() {
    let attributes = [
        attribute(libc::IFLA_IFNAME, b"veth1\0"),
        attribute(libc::IFLA_MTU, &1450_u32.to_ne_bytes()),
        attribute(libc::IFLA_MASTER, &4_u32.to_ne_bytes()),
        attribute(libc::IFLA_LINKINFO | 0x8000, &attribute(IFLA_INFO_KIND, b"veth\0")),
    ];
    let expected = Link {
        index: 7,
        name: "veth1".into(),
        kind: Some("veth".into()),
        mtu: 1450,
        up: true,
        loopback: false,
        controller: Some(4),
    };
    assert_eq!(links(&link_message(7, libc::IFF_UP, &attributes)), [expected]);
}

#[test]
fn a_name_that_is_not_utf8_is_kept_and_flagged() {
    let attributes = [
        attribute(libc::IFLA_IFNAME, b"\x1b[2J\xff\0"),
        attribute(libc::IFLA_MTU, &1500_u32.to_ne_bytes()),
    ];
    let found = links(&link_message(2, libc::IFF_LOOPBACK, &attributes));
    assert!(found[0].name.is_lossy() && found[0].loopback && !found[0].up);
}

#[test]
fn a_link_without_name_or_mtu_is_none() {
    let name = attribute(libc::IFLA_IFNAME, b"eth0\0");
    let short = attribute(libc::IFLA_MTU, &[1, 2]);
    assert_eq!(links(&link_message(2, 0, &[name, short])), []);
    let mtu = attribute(libc::IFLA_MTU, &1500_u32.to_ne_bytes());
    assert_eq!(links(&link_message(2, 0, &[mtu])), []);
    assert_eq!(links(&[0; 15]), []);
}

#[test]
fn the_near_end_of_a_point_to_point_link() {
    let header = [&[2, 24, 0, 0][..], &3_u32.to_ne_bytes()].concat();
    let far = attribute(libc::IFA_ADDRESS, &[10, 0, 0, 2]);
    let near = attribute(libc::IFA_LOCAL, &[10, 0, 0, 1]);
    let mut found = Vec::new();
    address(&[header.clone(), far.clone(), near].concat(), &mut found);
    address(&[header, far].concat(), &mut found);
    let of = |text: &str| Address { index: 3, address: text.parse().unwrap() };
    assert_eq!(found, [of("10.0.0.1/24"), of("10.0.0.2/24")]);
}

#[test]
fn a_prefix_longer_than_the_address_is_no_address() {
    let header = [&[2, 33, 0, 0][..], &3_u32.to_ne_bytes()].concat();
    let mut found = Vec::new();
    address(&[header, attribute(libc::IFA_LOCAL, &[10, 0, 0, 1])].concat(), &mut found);
    assert_eq!(found, []);
}

#[test]
fn default_route_with_a_metric_and_an_mtu() {
    let metrics =
        [attribute(1, &4_u32.to_ne_bytes()), attribute(RTAX_MTU, &1450_u32.to_ne_bytes())];
    let attributes = [
        attribute(libc::RTA_TABLE, &1000_u32.to_ne_bytes()),
        attribute(libc::RTA_PRIORITY, &100_u32.to_ne_bytes()),
        attribute(libc::RTA_GATEWAY, &[10, 0, 0, 1]),
        attribute(libc::RTA_OIF, &2_u32.to_ne_bytes()),
        attribute(libc::RTA_METRICS, &metrics.concat()),
    ];
    let expected = Route {
        table: 1000,
        destination: "0.0.0.0/0".parse().unwrap(),
        gateway: Some("10.0.0.1".parse().unwrap()),
        interface: Some(2),
        mtu: Some(1450),
        metric: 100,
        unicast: true,
    };
    assert_eq!(routes(&route_message(libc::AF_INET, 0, 1, &attributes)), [expected]);
}

#[test]
fn ipv4_by_way_of_ipv6() {
    let gateway = [&[10, 0][..], &[0xfe, 0x80], &[0; 13], &[1]].concat();
    let found = routes(&route_message(libc::AF_INET, 0, 1, &[attribute(RTA_VIA, &gateway)]));
    assert_eq!(found[0].gateway, Some("fe80::1".parse().unwrap()));
}

#[test]
fn one_row_for_each_next_hop_that_is_used() {
    let hop = |flags: u8, interface: u32, gateway: [u8; 4]| {
        let gateway = attribute(libc::RTA_GATEWAY, &gateway);
        [&16_u16.to_ne_bytes()[..], &[flags, 0], &interface.to_ne_bytes(), &gateway].concat()
    };
    let hops = [hop(0, 2, [10, 0, 0, 1]), hop(DEAD, 3, [10, 0, 1, 1]), hop(16, 4, [10, 0, 2, 1])];
    let attributes = [attribute(libc::RTA_MULTIPATH, &hops.concat())];
    let found = routes(&route_message(libc::AF_INET, 0, 1, &attributes));
    let leads: Vec<_> = found.iter().map(|r| (r.interface.unwrap(), r.gateway.unwrap())).collect();
    let expected = [(2, "10.0.0.1".parse().unwrap()), (4, "10.0.2.1".parse().unwrap())];
    assert_eq!(leads, expected);
}

#[test]
fn not_unicast_not_configured_not_ip() {
    let blackhole = routes(&route_message(libc::AF_INET6, 0, 6, &[]));
    assert!(!blackhole[0].unicast && blackhole[0].destination.addr().is_ipv6());
    let mut learnt = route_message(libc::AF_INET, 0, 1, &[]);
    learnt[8..12].copy_from_slice(&0x200_u32.to_ne_bytes());
    assert_eq!(routes(&learnt), []);
    assert_eq!(routes(&route_message(libc::AF_MPLS, 20, 1, &[])), []);
    assert_eq!(routes(&route_message(libc::AF_INET, 33, 1, &[])), []);
    let odd = attribute(libc::RTA_DST, &[10, 0]);
    assert_eq!(routes(&route_message(libc::AF_INET, 8, 1, &[odd])), []);
}

#[test]
fn arbitrary_bytes_never_panic() {
    arbtest::arbtest(|u| {
        let bytes: Vec<u8> = u.arbitrary()?;
        let family = *u.choose(&[libc::AF_INET, libc::AF_INET6])?;
        drop((links(&bytes), routes(&bytes), next_hops(&bytes)));
        address(&bytes, &mut Vec::new());
        let attributes = [bytes];
        drop(routes(&route_message(family, 0, 1, &attributes)));
        drop(links(&link_message(1, 0, &attributes)));
        Ok(())
    });
}
