//! A port of this network namespace for a connection that the kernel takes no part in.
//!
//! * A socket that **listens** on the port keeps it, and the kernel from answering with RST; its filter
//!   drops what comes before that is looked at.
//! * A **raw** socket sends; the kernel adds the IP header.
//! * A **packet** socket receives, with the size of the segments where several were merged on the way up.
//!
//! All need nothing but CAP_NET_RAW, and end with the process.

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, UdpSocket},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{
        AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, connect, recv, send,
        socket,
    },
};

use super::{
    super::steps::Failure,
    options,
    segment::{Incoming, Outgoing},
};
use crate::sys::socket::attach_filter;

/// `struct virtio_net_hdr`: flags, type, `hdr_len`, `gso_size`, `csum_start`, `csum_offset`.
const VNET_HEADER: usize = 10;

/// Where the IP header can begin: after no link header, that of Ethernet, with a VLAN.
const LINK_HEADERS: [usize; 3] = [14, 0, 18];

pub(super) struct Tap {
    local: SocketAddrV4,
    remote: SocketAddrV4,
    _port: TcpListener,
    raw: OwnedFd,
    packets: OwnedFd,
    buffer: Vec<u8>,
}

impl Tap {
    pub(super) fn towards(remote: SocketAddrV4) -> Result<Self, Failure> {
        let route = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        route.connect(remote)?;
        let port = TcpListener::bind((route.local_addr()?.ip(), 0))?;
        attach_filter(port.as_fd(), &options::NOTHING)?;
        let SocketAddr::V4(local) = port.local_addr()? else {
            return Err(Errno::EAFNOSUPPORT.into());
        };
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let raw = socket(AddressFamily::Inet, SockType::Raw, flags, SockProtocol::Tcp)?;
        attach_filter(raw.as_fd(), &options::NOTHING)?;
        connect(raw.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(*remote.ip(), 0)))?;
        let packets = socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthIp)?;
        attach_filter(packets.as_fd(), &options::tcp_from(u32::from(*remote.ip())))?;
        options::tell_segments(packets.as_fd())?;
        Ok(Self { local, remote, _port: port, raw, packets, buffer: vec![0; 80 * 1024] })
    }

    pub(super) fn send(&self, segment: Outgoing) -> Result<(), Failure> {
        let bytes = segment.bytes(self.local, self.remote);
        send(self.raw.as_raw_fd(), &bytes, MsgFlags::empty())?;
        Ok(())
    }

    /// The next segment of this connection that comes by `end`, and the size of the payloads that it was
    /// sent in; 0 if that is not known.
    pub(super) fn receive(&mut self, end: Instant) -> Result<Option<(Incoming, u32)>, Failure> {
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let mut ready = [PollFd::new(self.packets.as_fd(), PollFlags::POLLIN)];
            // Rounded up: a poll of 0 ms would be repeated many times.
            let timeout = PollTimeout::try_from(left + Duration::from_millis(1));
            match poll(&mut ready, timeout.unwrap_or(PollTimeout::MAX)) {
                _ if left.is_zero() => return Ok(None),
                Ok(0) | Err(Errno::EINTR) => continue,
                Ok(_) => {}
                Err(errno) => return Err(errno.into()),
            }
            let length = match recv(self.packets.as_raw_fd(), &mut self.buffer, MsgFlags::empty()) {
                Ok(length) => length,
                // What was merged in a way that the header cannot tell.
                Err(Errno::EAGAIN | Errno::EINTR | Errno::EINVAL) => continue,
                Err(errno) => return Err(errno.into()),
            };
            let Some((header, frame)) = self.buffer[..length].split_at_checked(VNET_HEADER) else {
                continue;
            };
            let merged_from = u32::from(u16::from_ne_bytes([header[4], header[5]]));
            let (from, to) = (self.remote, self.local);
            let packets = LINK_HEADERS.iter().filter_map(|at| frame.get(*at..));
            let mut segments = packets.filter_map(|packet| Incoming::parse(packet, from, to));
            if let Some(segment) = segments.next() {
                let length = u32::try_from(segment.payload.len()).unwrap_or(u32::MAX);
                let size = if merged_from > 0 { merged_from.min(length) } else { length };
                return Ok(Some((segment, size)));
            }
        }
    }
}
