//! Messages of rtnetlink(7), as facts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dind_doctor_checks::facts::{Address, Link, Route};
use ipnet::IpNet;
use netlink_packet_core::parse_ip;
use netlink_packet_route::{
    AddressFamily,
    address::AddressHeader,
    link::{LinkFlags, LinkHeader},
    route::{RouteFlags, RouteHeader, RouteType},
};

use crate::source::netlink::{attributes, number, text};

/// `sizeof(struct ifinfomsg)`.
const LINK_HEADER: usize = 16;
/// `sizeof(struct ifaddrmsg)`.
const ADDRESS_HEADER: usize = 8;
/// `sizeof(struct rtmsg)`.
const ROUTE_HEADER: usize = 12;
/// `sizeof(struct rtnexthop)`.
const NEXT_HOP_HEADER: usize = 8;

/// `RTNH_F_DEAD`: the kernel does not use this next hop.
const DEAD: u8 = 1;

const IFLA_INFO_KIND: u16 = 1;
const RTAX_MTU: u16 = 2;
const RTA_VIA: u16 = 18;

/// A link; nothing if it has no name or MTU.
pub(super) fn link(message: &[u8], links: &mut Vec<Link>) {
    let Ok(header) = LinkHeader::parse(message) else { return };
    let (mut name, mut mtu, mut kind, mut controller) = (None, None, None, None);
    for (attribute, value) in attributes(message.get(LINK_HEADER..).unwrap_or_default()) {
        match attribute {
            libc::IFLA_IFNAME => name = Some(text(value)),
            libc::IFLA_MTU => mtu = number(value),
            libc::IFLA_MASTER => controller = number(value),
            libc::IFLA_LINKINFO => {
                let found = attributes(value).find(|(nested, _)| *nested == IFLA_INFO_KIND);
                kind = found.map(|(_, kind)| text(kind));
            }
            _ => {}
        }
    }
    let (Some(name), Some(mtu)) = (name, mtu) else { return };
    let up = header.flags.contains(LinkFlags::Up);
    let loopback = header.flags.contains(LinkFlags::Loopback);
    links.push(Link { index: header.index, name, kind, mtu, up, loopback, controller });
}

/// An address: of a point-to-point link, the near end.
pub(super) fn address(message: &[u8], addresses: &mut Vec<Address>) {
    let Ok(header) = AddressHeader::parse(message) else { return };
    let (mut near, mut any) = (None, None);
    for (attribute, value) in attributes(message.get(ADDRESS_HEADER..).unwrap_or_default()) {
        match attribute {
            libc::IFA_LOCAL => near = parse_ip(value).ok(),
            libc::IFA_ADDRESS => any = parse_ip(value).ok(),
            _ => {}
        }
    }
    let address = near.or(any).and_then(|ip| IpNet::new(ip, header.prefix_len).ok());
    addresses.extend(address.map(|address| Address { index: header.index, address }));
}

/// A route: one row for each next hop.
pub(super) fn route(message: &[u8], routes: &mut Vec<Route>) {
    let Ok(header) = RouteHeader::parse(message) else { return };
    let unspecified: IpAddr = match header.address_family {
        AddressFamily::Inet => Ipv4Addr::UNSPECIFIED.into(),
        AddressFamily::Inet6 => Ipv6Addr::UNSPECIFIED.into(),
        _ => return,
    };
    // What the kernel has learnt about single hosts, not what is configured.
    if header.flags.contains(RouteFlags::Cloned) {
        return;
    }
    let (mut destination, mut table, mut metric, mut mtu) =
        (unspecified, u32::from(header.table), 0, None);
    let (mut only, mut hops) = (NextHop::default(), None);
    for (attribute, value) in attributes(message.get(ROUTE_HEADER..).unwrap_or_default()) {
        match attribute {
            libc::RTA_DST => match parse_ip(value) {
                Ok(ip) => destination = ip,
                Err(_) => return,
            },
            libc::RTA_TABLE => table = number(value).unwrap_or(table),
            libc::RTA_PRIORITY => metric = number(value).unwrap_or(metric),
            libc::RTA_OIF => only.interface = number(value),
            libc::RTA_METRICS => {
                let found = attributes(value).find(|(metric, _)| *metric == RTAX_MTU);
                mtu = found.and_then(|(_, mtu)| number(mtu));
            }
            libc::RTA_MULTIPATH => hops = Some(next_hops(value)),
            _ => only.attribute(attribute, value),
        }
    }
    let Ok(destination) = IpNet::new(destination, header.destination_prefix_length) else {
        return;
    };
    let unicast = header.kind == RouteType::Unicast;
    routes.extend(hops.unwrap_or_else(|| vec![only]).into_iter().map(|hop| Route {
        table,
        destination,
        gateway: hop.gateway,
        interface: hop.interface,
        mtu,
        metric,
        unicast,
    }));
}

#[derive(Debug, Default)]
struct NextHop {
    gateway: Option<IpAddr>,
    interface: Option<u32>,
}

impl NextHop {
    fn attribute(&mut self, attribute: u16, value: &[u8]) {
        match attribute {
            libc::RTA_GATEWAY => self.gateway = parse_ip(value).ok(),
            // struct rtvia: a gateway of the other family, behind its family.
            RTA_VIA => self.gateway = value.get(2..).and_then(|ip| parse_ip(ip).ok()),
            _ => {}
        }
    }
}

/// The array of `struct rtnexthop`, each with attributes, that `RTA_MULTIPATH` is.
fn next_hops(mut bytes: &[u8]) -> Vec<NextHop> {
    let mut hops = Vec::new();
    while let Some((header, _)) = bytes.split_first_chunk::<NEXT_HOP_HEADER>() {
        let [length_0, length_1, flags, _, interface @ ..] = *header;
        let length = usize::from(u16::from_ne_bytes([length_0, length_1]));
        let Some(own) = bytes.get(NEXT_HOP_HEADER..length) else { break };
        if flags & DEAD == 0 {
            let interface = Some(u32::from_ne_bytes(interface)).filter(|index| *index != 0);
            let mut hop = NextHop { gateway: None, interface };
            attributes(own).for_each(|(attribute, value)| hop.attribute(attribute, value));
            hops.push(hop);
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    hops
}

#[cfg(test)]
mod tests;
