//! Links, addresses and routes of this network namespace, by rtnetlink(7).
//!
//! Rows are not parsed as whole messages, which would drop a message for one attribute without a word, so that
//! a link whose name is not UTF-8 would not exist: an attribute that cannot be understood costs that attribute.

pub(super) mod fuzzing;
mod row;

use std::time::Instant;

use dind_doctor_checks::facts::{Address, Link, Route};
use netlink_packet_core::Emitable;
use netlink_packet_route::{
    address::AddressMessage,
    link::{LinkAttribute, LinkExtentMask, LinkMessage},
    route::RouteMessage,
};
use nix::sys::socket::SockProtocol;

use super::{
    Refusal,
    netlink::{self, ATTEMPTS, Progress, request},
};

/// Rows of one answer; a router of the internet has more routes.
const ROWS: usize = 16 * 1024;

/// What is asked for, and how its rows are read: the type of the request, the type of a row, and its
/// parser, which adds to the rows as many as there are in the message.
struct Table<T> {
    get: u16,
    new: u16,
    read: fn(&[u8], &mut Vec<T>),
}

impl<T> Table<T> {
    /// Takes a row, if it is one of this table's.
    fn take(&self, kind: u16, payload: &[u8], rows: &mut Vec<T>) -> Result<(), Refusal> {
        if kind == self.new {
            (self.read)(payload, rows);
        }
        if rows.len() > ROWS { Err(Refusal::TooLarge) } else { Ok(()) }
    }
}

const LINKS: Table<Link> =
    Table { get: libc::RTM_GETLINK, new: libc::RTM_NEWLINK, read: row::link };
const ADDRESSES: Table<Address> =
    Table { get: libc::RTM_GETADDR, new: libc::RTM_NEWADDR, read: row::address };
const ROUTES: Table<Route> =
    Table { get: libc::RTM_GETROUTE, new: libc::RTM_NEWROUTE, read: row::route };

/// Links, by index.
pub(super) fn links(deadline: Instant) -> Result<Vec<Link>, Refusal> {
    let mut request = LinkMessage::default();
    // Statistics are nine tenths of the answer, and some drivers ask the hardware for them.
    request.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    let mut links = dump(deadline, &LINKS, &request)?;
    links.sort_by_key(|link| link.index);
    Ok(links)
}

/// IPv4 and IPv6 addresses, by index and address.
pub(super) fn addresses(deadline: Instant) -> Result<Vec<Address>, Refusal> {
    let mut addresses = dump(deadline, &ADDRESSES, &AddressMessage::default())?;
    addresses.sort_by_key(|address| (address.index, address.address));
    Ok(addresses)
}

/// IPv4 and IPv6 routes of all tables, by table, destination, metric and where they lead; a route with
/// several next hops is as many rows.
pub(super) fn routes(deadline: Instant) -> Result<Vec<Route>, Refusal> {
    let mut routes = dump(deadline, &ROUTES, &RouteMessage::default())?;
    routes.sort_by_key(|r| {
        (r.table, r.destination, r.metric, r.interface, r.gateway, r.mtu, r.unicast)
    });
    Ok(routes)
}

fn dump<T>(deadline: Instant, table: &Table<T>, message: &dyn Emitable) -> Result<Vec<T>, Refusal> {
    let mut payload = vec![0; message.buffer_len()];
    message.emit(&mut payload);
    let request = request(table.get, &payload);
    for _ in 0..ATTEMPTS {
        let mut rows = Vec::new();
        let progress =
            netlink::dump(SockProtocol::NetlinkRoute, &request, deadline, &mut |kind, payload| {
                table.take(kind, payload, &mut rows)
            })?;
        if progress == Progress::Complete {
            return Ok(rows);
        }
    }
    // What it lists changes all the time.
    Err(Refusal::Errno(libc::EINTR))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[test]
    fn every_namespace_has_a_loopback_device() {
        for _ in 0..3 {
            let links = links(soon()).unwrap();
            let loopback = links.iter().find(|link| link.loopback).unwrap();
            assert_eq!(loopback.name, "lo");
            assert_eq!(loopback.kind, None);
            assert!(loopback.mtu > 0 && loopback.index > 0);
            assert!(links.is_sorted_by_key(|link| link.index));
        }
    }

    #[test]
    fn addresses_and_routes_are_those_of_known_links() {
        let links = links(soon()).unwrap();
        let known = |index| links.iter().any(|link| link.index == index);
        assert!(addresses(soon()).unwrap().iter().all(|address| known(address.index)));
        assert!(routes(soon()).unwrap().iter().filter_map(|r| r.interface).all(known));
    }

    #[test]
    fn a_deadline_in_the_past_does_not_hang() {
        let past = Instant::now();
        assert_eq!(links(past), Err(Refusal::TimedOut));
    }
}
