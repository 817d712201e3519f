//! Options and filters of the sockets of this trial.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;

use crate::sys::socket::{Readable, Settable, get_option, set_option};

/// Accepts nothing: what comes for the socket is dropped in silence.
pub(super) const NOTHING: [libc::sock_filter; 1] = [instruction(0x06, 0, 0, 0)];

/// `SKF_NET_OFF`: offsets count from the network header.
const NETWORK: u32 = 0xfff0_0000;

/// TCP by IPv4 that comes from this address: `ip proto 6 and src host SOURCE`.
pub(super) const fn tcp_from(source: u32) -> [libc::sock_filter; 6] {
    [
        instruction(0x20, 0, 0, NETWORK + 12),
        instruction(0x15, 0, 3, source),
        instruction(0x30, 0, 0, NETWORK + 9),
        instruction(0x15, 0, 1, 6),
        instruction(0x06, 0, 0, u32::MAX),
        instruction(0x06, 0, 0, 0),
    ]
}

const fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// `IP_PMTUDISC_DO`: never fragmented, not even here.
pub(super) fn never_fragment(socket: BorrowedFd<'_>, v4: bool) -> Result<(), Errno> {
    if v4 {
        set_option(socket, Settable::IP_MTU_DISCOVER, libc::IP_PMTUDISC_DO)
    } else {
        set_option(socket, Settable::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_DO)
    }
}

/// `IP_MTU` of a connected socket.
pub(super) fn path_mtu(socket: BorrowedFd<'_>, v4: bool) -> Result<u32, Errno> {
    let option = if v4 { Readable::IP_MTU } else { Readable::IPV6_MTU };
    let mut mtu = [0; 4];
    get_option(socket, option, &mut mtu)?;
    Ok(u32::from_ne_bytes(mtu))
}

/// Each packet comes with the size of the segments that it was merged from.
pub(super) fn tell_segments(socket: BorrowedFd<'_>) -> Result<(), Errno> {
    set_option(socket, Settable::PACKET_VNET_HDR, 1)
}
