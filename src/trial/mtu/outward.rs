//! The way to the target, probed by the kernel.

use std::{
    io::{ErrorKind, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::Action;
use nix::errno::Errno;

use super::{
    super::steps::{Failure, Steps},
    PATIENCE, options, request,
};
use crate::sys::socket::{Readable, get_option};

/// How long a router may take to say that a datagram is too large.
const ICMP: Duration = Duration::from_millis(300);

/// Datagrams at most: each may meet another, narrower router.
const DATAGRAMS: usize = 6;

/// Headers of a datagram: UDP, and IP.
const UDP_V4: u32 = 8 + 20;
const UDP_V6: u32 = 8 + 40;

/// Bytes of the largest packet that the kernel sends to the target after it was probed, by datagrams and on
/// the connection `stream`.
pub(super) fn probe(steps: &mut Steps, mut stream: TcpStream, name: &str) -> Option<u32> {
    let by_datagrams = stream.peer_addr().map_err(Failure::from).and_then(datagrams);
    let object = by_datagrams.as_ref().map(|(mtu, how)| format!("packets of {mtu} bytes: {how}"));
    steps.about(&object.unwrap_or_default(), false);
    let by_datagrams = steps.step(Action::ProbePath, || by_datagrams).map(|(mtu, _)| mtu);
    let by_segments = segments(&mut stream, name);
    let object = by_segments.as_ref().map(|mtu| format!("packets of {mtu} bytes"));
    steps.about(&object.unwrap_or_default(), false);
    let by_segments = steps.step(Action::SendSegments, || by_segments);
    [by_datagrams, by_segments].into_iter().flatten().min()
}

/// Datagrams as large as the kernel takes the path to be, until no router objects; what answered.
fn datagrams(target: SocketAddr) -> Result<(u32, &'static str), Failure> {
    let any = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any)?;
    options::never_fragment(socket.as_fd(), target.is_ipv4())?;
    socket.connect(target)?;
    socket.set_read_timeout(Some(ICMP))?;
    let headers = if target.is_ipv4() { UDP_V4 } else { UDP_V6 };
    for _ in 0..DATAGRAMS {
        let mtu = options::path_mtu(socket.as_fd(), target.is_ipv4())?;
        let size = mtu.saturating_sub(headers).min(65_507);
        let sent = socket.send(&vec![0; usize::try_from(size).unwrap_or_default()]);
        let answer = sent.and_then(|_| socket.recv(&mut [0; 16]));
        match answer {
            Ok(_) => return Ok((mtu, "answered")),
            Err(error) => match error.raw_os_error().map(Errno::from_raw) {
                // The next one is as small as the router said.
                Some(Errno::EMSGSIZE) => {}
                Some(Errno::ECONNREFUSED) => return Ok((mtu, "answered")),
                _ if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Ok((mtu, "no router objects"));
                }
                _ => return Err(error.into()),
            },
        }
    }
    Err(Failure::seen("routers object to every size"))
}

/// A request of several full-size segments, until the target has acknowledged all; the path MTU then.
fn segments(stream: &mut TcpStream, name: &str) -> Result<u32, Failure> {
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&request::padded(name))?;
    let end = Instant::now() + PATIENCE;
    loop {
        let state = TcpState::of(stream)?;
        if state.closed {
            return Err(Failure::seen("the target closed the connection: this tells nothing"));
        }
        if state.unacknowledged == 0 {
            return Ok(state.path_mtu);
        }
        if Instant::now() >= end {
            let mtu = state.path_mtu;
            return Err(Failure::seen(format!(
                "not acknowledged: packets of {mtu} bytes are lost, and no ICMP says so"
            )));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What is looked at of `struct tcp_info` (`linux/tcp.h`).
struct TcpState {
    closed: bool,
    unacknowledged: u32,
    path_mtu: u32,
}

impl TcpState {
    fn of(stream: &TcpStream) -> Result<Self, Failure> {
        const STATE_CLOSE: u8 = 7;
        const UNACKED: usize = 24;
        const PMTU: usize = 60;
        const NOTSENT_BYTES: usize = 144;
        let mut info = [0; 256];
        let length = get_option(stream.as_fd(), Readable::TCP_INFO, &mut info)?;
        let number = |at: usize| {
            // Older kernels tell less.
            let bytes = info.get(at..at + 4).filter(|_| at + 4 <= length);
            bytes.and_then(|b| b.try_into().ok()).map_or(0, u32::from_ne_bytes)
        };
        Ok(Self {
            closed: info[0] == STATE_CLOSE,
            unacknowledged: number(UNACKED).saturating_add(number(NOTSENT_BYTES)),
            path_mtu: number(PMTU),
        })
    }
}
