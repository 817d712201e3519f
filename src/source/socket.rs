//! What sockets tell without sending: the path MTU, and the size of a legacy table.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket},
    os::fd::AsFd,
};

use nix::errno::Errno;

use super::{Refusal, live::Risk};
use crate::sys::socket::{Readable, get_option};

const ANY_V4: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const ANY_V6: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// Any port: connecting a UDP socket sends nothing, it only looks up the route.
const PORT: u16 = 53;

/// `struct ipt_getinfo` and `ip6t_getinfo`: the name of the table, `valid_hooks`, `hook_entry[5]`,
/// `underflow[5]`, `num_entries`, `size`.
const INFO: usize = 84;
/// `XT_TABLE_MAXNAMELEN`.
const NAME: usize = 32;
/// Where `num_entries` is.
const ENTRIES: usize = 76;

/// The MTU of the path towards `destination`: the smallest of the device's, the route's, and what the
/// kernel has learnt. Nothing is sent.
pub(super) fn path_mtu(destination: IpAddr) -> Result<u32, Refusal> {
    let (any, option) = match destination {
        IpAddr::V4(_) => (ANY_V4, Readable::IP_MTU),
        IpAddr::V6(_) => (ANY_V6, Readable::IPV6_MTU),
    };
    let socket = UdpSocket::bind((any, 0)).map_err(|error| refusal(&error))?;
    socket.connect((destination, PORT)).map_err(|error| refusal(&error))?;
    let mut mtu = [0; 4];
    let length = get_option(socket.as_fd(), option, &mut mtu).map_err(refused)?;
    if length == mtu.len() { Ok(u32::from_ne_bytes(mtu)) } else { Err(Refusal::Malformed) }
}

/// Each family has sockets of its own.
pub(super) const fn risk_of_path(destination: IpAddr) -> Risk {
    match destination {
        IpAddr::V4(_) => Risk::OfClass("path by IPv4"),
        IpAddr::V6(_) => Risk::OfClass("path by IPv6"),
    }
}

/// The same of tables.
pub(super) const fn risk_of_table(family: u8) -> Risk {
    match family {
        4 => Risk::OfClass("table of IPv4"),
        _ => Risk::OfClass("table of IPv6"),
    }
}

/// How many entries the legacy table `table` of IPv4 (`family` 4) or IPv6 (6) has, those of the empty
/// table too. The kernel would load or register a table that is not there: only for tables that are
/// in `/proc/net/ip_tables_names`. Needs CAP_NET_ADMIN.
pub(crate) fn legacy_entries(family: u8, table: &str) -> Result<u32, Refusal> {
    let (any, option) = match family {
        4 => (ANY_V4, Readable::IPT_INFO),
        6 => (ANY_V6, Readable::IP6T_INFO),
        _ => return Err(Refusal::Errno(libc::EAFNOSUPPORT)),
    };
    let mut info = [0; INFO];
    let name = table.as_bytes();
    if name.len() >= NAME || name.contains(&0) {
        return Err(Refusal::Errno(libc::EINVAL));
    }
    info[..name.len()].copy_from_slice(name);
    // iptables takes a raw socket, which needs CAP_NET_RAW; any socket of the family answers.
    let socket = UdpSocket::bind((any, 0)).map_err(|error| refusal(&error))?;
    let length = get_option(socket.as_fd(), option, &mut info).map_err(refused)?;
    match info[ENTRIES..].first_chunk() {
        Some(entries) if length == INFO => Ok(u32::from_ne_bytes(*entries)),
        _ => Err(Refusal::Malformed),
    }
}

fn refusal(error: &io::Error) -> Refusal {
    error.raw_os_error().map_or(Refusal::Malformed, Refusal::Errno)
}

fn refused(errno: Errno) -> Refusal {
    Refusal::Errno(errno as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_to_oneself_has_an_mtu() {
        assert!(path_mtu(Ipv4Addr::LOCALHOST.into()).unwrap() >= 576);
    }

    #[test]
    fn no_broadcast_without_asking_for_it() {
        assert!(matches!(path_mtu(Ipv4Addr::BROADCAST.into()), Err(Refusal::Errno(_))));
    }

    #[test]
    fn names_that_no_table_can_have_are_not_asked_for() {
        let long = "x".repeat(NAME);
        for name in [long.as_str(), "na\0t"] {
            assert_eq!(legacy_entries(4, name), Err(Refusal::Errno(libc::EINVAL)));
        }
        assert_eq!(legacy_entries(5, "nat"), Err(Refusal::Errno(libc::EAFNOSUPPORT)));
    }
}
