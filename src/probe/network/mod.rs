//! Links, addresses, routes and MTUs of this network namespace.

mod files;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dind_doctor_checks::facts::{Fact, Network, PathMtu, Why};

use super::Reader;
use crate::source::ask;

/// Addresses that are outside of every private network, so that the route to them is the one that
/// images come by. Nothing is sent to them.
const OUTSIDE_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1));
const OUTSIDE_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1111));

/// What the kernel says by rtnetlink; where AF_NETLINK is refused, what is in `/sys/class/net` and
/// `/proc/net`, which have no addresses with their prefixes and no MTUs of routes.
pub(super) fn probe(reader: &Reader<'_>) -> Network {
    let (mut links, mut routes) =
        (Fact::from(reader.ask(ask::Links)), Fact::from(reader.ask(ask::Routes)));
    let mut sources = Vec::new();
    if falls_back(&links)
        && let Some(found) = files::links(reader)
    {
        links = Fact::Known(found);
        sources.push("/sys/class/net");
    }
    if falls_back(&routes) {
        let known = links.known().map(Vec::as_slice).unwrap_or_default();
        if let Some(found) = files::routes(reader, known) {
            routes = Fact::Known(found);
            sources.push("/proc/net/route");
        }
    }
    let source = if sources.is_empty() { "rtnetlink".to_owned() } else { sources.join(" and ") };
    Network {
        links,
        addresses: reader.ask(ask::Addresses).into(),
        routes,
        source: source.into(),
        path_mtu_v4: path_mtu(reader, OUTSIDE_V4),
        path_mtu_v6: path_mtu(reader, OUTSIDE_V6),
        tcp_mtu_probing: reader.number("/proc/sys/net/ipv4/tcp_mtu_probing"),
    }
}

/// Whether files are to be asked instead: not if a bundle leaves the answer out, since then it has no
/// such files either.
fn falls_back<T>(fact: &Fact<T>) -> bool {
    !matches!(fact.why(), None | Some(Why::NotRecorded | Why::Redacted))
}

fn path_mtu(reader: &Reader<'_>, destination: IpAddr) -> Fact<PathMtu> {
    let answer = reader.ask(ask::PathMtu { destination }).map_err(|mut missing| {
        // No route, no route that is usable, no address to send from.
        if let Why::Io(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::EADDRNOTAVAIL) = missing.why {
            missing.why = Why::NotFound;
        }
        missing
    });
    Fact::from(answer).map(|mtu| PathMtu { destination, mtu })
}

#[cfg(test)]
mod tests;
