//! Options of sockets that nix does not know.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

use crate::source::getsockopt;

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

/// `SO_ATTACH_FILTER`.
#[expect(unsafe_code, reason = "the option takes a pointer, and nix has none for it")]
pub(super) fn attach(socket: BorrowedFd<'_>, filter: &[libc::sock_filter]) -> Result<(), Errno> {
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).map_err(|_| Errno::EINVAL)?,
        filter: filter.as_ptr().cast_mut(),
    };
    let size = libc::socklen_t::try_from(size_of_val(&program)).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the kernel reads `len` instructions at `filter`, which is borrowed, and keeps a copy; it
    // writes to neither.
    let status = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            size,
        )
    };
    Errno::result(status).map(drop)
}

#[expect(unsafe_code, reason = "nix has no form for these options")]
fn set(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    option: libc::c_int,
    value: libc::c_int,
) -> Result<(), Errno> {
    let size = libc::socklen_t::try_from(size_of_val(&value)).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the kernel reads an int at `value`, which lives as long as the call.
    let status = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const value).cast(), size)
    };
    Errno::result(status).map(drop)
}

/// `IP_PMTUDISC_DO`: never fragmented, not even here.
pub(super) fn never_fragment(socket: BorrowedFd<'_>, v4: bool) -> Result<(), Errno> {
    if v4 {
        set(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_DO)
    } else {
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_DO)
    }
}

/// `IP_MTU` of a connected socket.
pub(super) fn path_mtu(socket: BorrowedFd<'_>, v4: bool) -> Result<u32, Errno> {
    let (level, option) =
        if v4 { (libc::IPPROTO_IP, libc::IP_MTU) } else { (libc::IPPROTO_IPV6, libc::IPV6_MTU) };
    let mut mtu = [0; 4];
    getsockopt(socket, level, option, &mut mtu)?;
    Ok(u32::from_ne_bytes(mtu))
}

/// `PACKET_VNET_HDR`: each packet comes with the size of the segments that it was merged from.
pub(super) fn tell_segments(socket: BorrowedFd<'_>) -> Result<(), Errno> {
    const PACKET_VNET_HDR: libc::c_int = 15;
    set(socket, libc::SOL_PACKET, PACKET_VNET_HDR, 1)
}
