//! Links and routes from files, where AF_NETLINK is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dind_doctor_checks::facts::{Link, Route, Text};
use ipnet::IpNet;

use crate::{probe::Reader, source::EntryKind};

/// Links of one machine.
const LINKS: usize = 1024;

/// Kinds of devices that the driver names in `DEVTYPE` as rtnetlink does in `IFLA_INFO_KIND`. Others
/// (`wlan`, `wwan`, `gadget`, …) are hardware, which has no kind.
const KINDS: [&str; 7] = ["bond", "bridge", "geneve", "macvlan", "vlan", "vxlan", "wireguard"];

/// `RTF_*` (linux/route.h, linux/ipv6_route.h).
const RTF_UP: u32 = 0x1;
const RTF_REJECT: u32 = 0x200;
const RTF_ANYCAST: u32 = 0x0010_0000;
const RTF_CACHE: u32 = 0x0100_0000;
const RTF_LOCAL: u32 = 0x8000_0000;

/// `RT_TABLE_MAIN` and `RT_TABLE_LOCAL`.
const MAIN: u32 = 254;
const LOCAL: u32 = 255;

/// Links of `/sys/class/net`, by index; `None` if it cannot be listed or has too many.
///
/// It shows the network namespace in which sysfs was mounted; container engines mount it in their own.
pub(super) fn links(reader: &Reader<'_>) -> Option<Vec<Link>> {
    let listing = reader.list("/sys/class/net", LINKS).ok().filter(|found| !found.truncated)?;
    // A file there is `bonding_masters`.
    let devices = listing.entries.iter().filter(|entry| entry.kind != EntryKind::File);
    let rows = devices.filter_map(|entry| link(reader, &format!("/sys/class/net/{}", entry.name)));
    let (mut links, controllers): (Vec<Link>, Vec<Option<Text>>) = rows.unzip();
    for (position, name) in controllers.iter().enumerate() {
        let index = name.as_ref().and_then(|name| index_of(&links, name));
        links[position].controller = index;
    }
    links.sort_by_key(|link| link.index);
    Some(links)
}

/// A link, and the name of what it is a port of. A link that has gone meanwhile is none.
fn link(reader: &Reader<'_>, directory: &str) -> Option<(Link, Option<Text>)> {
    let uevent = reader.bytes(&format!("{directory}/uevent")).ok()?;
    let variable = |name: &str| {
        let values = uevent.split(|byte| *byte == b'\n').filter_map(|line| {
            line.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="))
        });
        values.map(Text::from_bytes).next()
    };
    let name = variable("INTERFACE")?;
    let index = variable("IFINDEX")?.parse().ok()?;
    let mtu = *reader.number(&format!("{directory}/mtu")).known()?;
    let flags = reader.text(&format!("{directory}/flags")).ok()?;
    let flags = i32::from_str_radix(flags.strip_prefix("0x")?, 16).ok()?;
    let kind = variable("DEVTYPE").filter(|kind| KINDS.contains(&kind.as_str()));
    let controller = reader
        .link(&format!("{directory}/master"))
        .ok()
        .and_then(|target| target.rsplit('/').next().map(Text::from));
    let (up, loopback) = (flags & libc::IFF_UP != 0, flags & libc::IFF_LOOPBACK != 0);
    Some((Link { index, name, kind, mtu, up, loopback, controller: None }, controller))
}

fn index_of(links: &[Link], name: &str) -> Option<u32> {
    links.iter().find(|link| link.name == *name).map(|link| link.index)
}

/// Routes of `/proc/net/route` and `/proc/net/ipv6_route`; `None` if the former cannot be read. The
/// latter is not there without IPv6.
pub(super) fn routes(reader: &Reader<'_>, links: &[Link]) -> Option<Vec<Route>> {
    let v4 = reader.bytes("/proc/net/route").ok()?;
    let v6 = reader.bytes("/proc/net/ipv6_route").unwrap_or_default();
    let (v4, v6) = (Text::from_bytes(&v4), Text::from_bytes(&v6));
    let v4 = v4.lines().skip(1).filter_map(|line| route_v4(line, links));
    let mut routes: Vec<_> =
        v4.chain(v6.lines().filter_map(|line| route_v6(line, links))).collect();
    routes.sort_by_key(|r| (r.table, r.destination, r.metric, r.interface, r.gateway));
    Some(routes)
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT`, of the main table. Its
/// column MTU is not the route's MTU but 40 more than the MSS to advertise (`fib_route_seq_show`). Of
/// what is not unicast, blackholes have no flag, but none of it has an interface.
fn route_v4(line: &str, links: &[Link]) -> Option<Route> {
    let fields: Vec<_> = line.split_ascii_whitespace().collect();
    let [name, destination, gateway, flags, _, _, metric, mask, ..] = fields[..] else {
        return None;
    };
    // Addresses are printed as numbers of this machine's byte order.
    let address = |text| Some(Ipv4Addr::from(hexadecimal(text)?.to_ne_bytes()));
    let flags = hexadecimal(flags)?;
    let gateway = address(gateway)?;
    let network = IpNet::with_netmask(address(destination)?.into(), address(mask)?.into()).ok()?;
    Some(Route {
        table: MAIN,
        destination: network,
        gateway: (!gateway.is_unspecified()).then_some(gateway.into()),
        interface: index_of(links, name),
        mtu: None,
        metric: metric.parse().ok()?,
        unicast: flags & RTF_UP != 0 && flags & RTF_REJECT == 0 && name != "*",
    })
}

/// `destination length source length gateway metric references use flags interface`, of all tables.
fn route_v6(line: &str, links: &[Link]) -> Option<Route> {
    let fields: Vec<_> = line.split_ascii_whitespace().collect();
    let [destination, length, _, _, gateway, metric, _, _, flags, name] = fields[..] else {
        return None;
    };
    let address = |text: &str| {
        let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32)?;
        Some(Ipv6Addr::from(number))
    };
    let flags = hexadecimal(flags)?;
    if flags & RTF_CACHE != 0 {
        return None;
    }
    let gateway = address(gateway)?;
    let destination = address(destination)?;
    let length = u8::from_str_radix(length, 16).ok()?;
    let local = flags & (RTF_LOCAL | RTF_ANYCAST) != 0 || destination.is_multicast();
    let usable = flags & RTF_UP != 0 && flags & RTF_REJECT == 0;
    Some(Route {
        table: if local { LOCAL } else { MAIN },
        destination: IpNet::new(destination.into(), length).ok()?,
        gateway: (!gateway.is_unspecified()).then_some(IpAddr::from(gateway)),
        interface: index_of(links, name),
        mtu: None,
        metric: hexadecimal(metric)?,
        unicast: usable && !local,
    })
}

fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests;
