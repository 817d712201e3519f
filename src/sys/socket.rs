//! Options of sockets that have no type in any crate.
#![expect(unsafe_code, reason = "options are pointers")]

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

/// An option that may be asked for: its level and number. Nobody else makes one, since some take addresses, to
/// which the kernel would write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Readable(libc::c_int, libc::c_int);

impl Readable {
    /// The path MTU of a connected socket, IPv4 and IPv6: an int.
    pub(crate) const IP_MTU: Self = Self(libc::IPPROTO_IP, libc::IP_MTU);
    pub(crate) const IPV6_MTU: Self = Self(libc::IPPROTO_IPV6, libc::IPV6_MTU);
    /// `struct tcp_info`.
    pub(crate) const TCP_INFO: Self = Self(libc::IPPROTO_TCP, libc::TCP_INFO);
    /// `IPT_SO_GET_INFO` and `IP6T_SO_GET_INFO`: `struct ipt_getinfo` with the name of a table.
    pub(crate) const IPT_INFO: Self = Self(libc::IPPROTO_IP, 64);
    pub(crate) const IP6T_INFO: Self = Self(libc::IPPROTO_IPV6, 64);
}

/// An option that may be set to a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settable(libc::c_int, libc::c_int);

impl Settable {
    /// `IP_PMTUDISC_*`.
    pub(crate) const IP_MTU_DISCOVER: Self = Self(libc::IPPROTO_IP, libc::IP_MTU_DISCOVER);
    pub(crate) const IPV6_MTU_DISCOVER: Self = Self(libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER);
    /// Each packet comes with a `struct virtio_net_hdr`. Missing from libc.
    pub(crate) const PACKET_VNET_HDR: Self = Self(libc::SOL_PACKET, 15);
}

/// `getsockopt(2)` with a value that is bytes: the kernel reads `value` where the option takes an
/// argument, and writes the answer over it. Returns how many bytes the answer has.
pub(crate) fn get_option(
    socket: BorrowedFd<'_>,
    Readable(level, option): Readable,
    value: &mut [u8],
) -> Result<usize, Errno> {
    let mut length = libc::socklen_t::try_from(value.len()).map_err(|_| Errno::EINVAL)?;
    // SAFETY: `value` is borrowed mutably and initialised, and the kernel writes at most `length`
    // bytes, which is its size; every pattern of bits is a valid u8; none of the options has an address in its
    // argument; the descriptor is borrowed, so it is open.
    let status = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            option,
            value.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    Errno::result(status)?;
    usize::try_from(length).map_err(|_| Errno::EOVERFLOW)
}

/// `setsockopt(2)` with a value that is a number.
pub(crate) fn set_option(
    socket: BorrowedFd<'_>,
    Settable(level, option): Settable,
    value: libc::c_int,
) -> Result<(), Errno> {
    let size = libc::socklen_t::try_from(size_of_val(&value)).map_err(|_| Errno::EINVAL)?;
    // SAFETY: each of the options is an int, which the kernel reads at `value`; it lives as long as the call.
    let status = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const value).cast(), size)
    };
    Errno::result(status).map(drop)
}

/// `SO_ATTACH_FILTER`.
pub(crate) fn attach_filter(
    socket: BorrowedFd<'_>,
    filter: &[libc::sock_filter],
) -> Result<(), Errno> {
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
