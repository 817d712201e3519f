//! Dumps by netlink(7): the request, the socket, and the messages of the answer.

use std::{
    os::fd::{AsFd, AsRawFd, OwnedFd},
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::Text;
use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP, NLMSG_OVERRUN, NetlinkBuffer,
    NlasIterator, parse_i32, parse_u32,
};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recvfrom, sendto,
        socket,
    },
};

use super::Refusal;

/// How often a dump is tried, if what it lists changes meanwhile.
pub(super) const ATTEMPTS: u32 = 4;

/// Bytes to receive at once. The kernel puts at most 32 KiB of a dump into a datagram
/// (`netlink_dump` in net/netlink/af_netlink.c).
const DATAGRAM: usize = 64 * 1024;

/// The only request of its socket.
const SEQUENCE: u32 = 1;

const HEADER: usize = 16;

/// Missing from netlink-packet-core: what is listed changed during the dump.
const NLM_F_DUMP_INTR: u16 = 0x10;

/// A request to dump: `kind` with the fixed header and attributes that it takes.
pub(super) fn request(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    let length = u32::try_from(HEADER + payload.len()).unwrap_or(u32::MAX);
    let mut header = NetlinkBuffer::new(&mut bytes);
    header.set_length(length);
    header.set_message_type(kind);
    header.set_flags(NLM_F_REQUEST | NLM_F_DUMP);
    header.set_sequence_number(SEQUENCE);
    bytes.extend_from_slice(payload);
    bytes
}

/// One dump over a socket of its own, each of whose rows `row` takes; the end of it is never
/// [`Progress::More`].
pub(super) fn dump(
    protocol: SockProtocol,
    request: &[u8],
    deadline: Instant,
    row: &mut TakeRow<'_>,
) -> Result<Progress, Refusal> {
    // Never blocking: what waits is poll, until the deadline.
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol).map_err(refused)?;
    let kernel = NetlinkAddr::new(0, 0);
    sendto(socket.as_raw_fd(), request, &kernel, MsgFlags::empty()).map_err(refused)?;
    let mut dump = Dump::default();
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let datagram = receive(&socket, &mut buffer, deadline)?;
        match dump.feed(datagram, row)? {
            Progress::More => {}
            end => return Ok(end),
        }
    }
}

/// The same of datagrams that nobody sent, for fuzz targets; it may end before it is complete.
pub(super) fn dump_of(datagrams: &[&[u8]], row: &mut TakeRow<'_>) -> Result<Progress, Refusal> {
    let mut dump = Dump::default();
    for datagram in datagrams {
        match dump.feed(datagram, row)? {
            Progress::More => {}
            end => return Ok(end),
        }
    }
    Ok(Progress::More)
}

/// The next datagram that the kernel sent. It has the first one ready when the request is sent, and each other
/// when the one before was received.
fn receive<'a>(
    socket: &OwnedFd,
    buffer: &'a mut [u8],
    deadline: Instant,
) -> Result<&'a [u8], Refusal> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Refusal::TimedOut);
        }
        match recvfrom::<NetlinkAddr>(socket.as_raw_fd(), buffer) {
            // An empty datagram is how a socket that was shut down reads.
            Ok((0, _)) => return Err(Refusal::Malformed),
            Ok((length, Some(sender))) if sender.pid() == 0 => {
                return Ok(buffer.get(..length).unwrap_or_default());
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => wait(socket, left)?,
            Err(errno) => return Err(refused(errno)),
        }
    }
}

/// Until there is something to receive, or no time is left.
fn wait(socket: &OwnedFd, left: Duration) -> Result<(), Refusal> {
    let mut ready = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    // Rounded up: a poll of 0 ms would be repeated many times.
    let timeout = PollTimeout::try_from(left + Duration::from_millis(1));
    match poll(&mut ready, timeout.unwrap_or(PollTimeout::MAX)) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(refused(errno)),
    }
}

/// Where a dump stands after a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// More is to come.
    More,
    /// That was all.
    Complete,
    /// That was all, and it may not fit together: what is listed changed meanwhile.
    Inconsistent,
}

/// What takes a row of a dump: its type, and what follows the header of the message.
pub(super) type TakeRow<'a> = dyn FnMut(u16, &[u8]) -> Result<(), Refusal> + 'a;

/// The answer to one request.
#[derive(Debug, Default)]
pub(super) struct Dump {
    interrupted: bool,
}

impl Dump {
    /// Takes the messages of one datagram apart, and gives each row to `row` with its type.
    pub(super) fn feed(
        &mut self,
        mut datagram: &[u8],
        row: &mut TakeRow<'_>,
    ) -> Result<Progress, Refusal> {
        while !datagram.is_empty() {
            let message = NetlinkBuffer::new_checked(datagram).map_err(|_| Refusal::Malformed)?;
            let length = message.length() as usize;
            datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
            if message.sequence_number() != SEQUENCE {
                continue;
            }
            self.interrupted |= message.flags() & NLM_F_DUMP_INTR != 0;
            match message.message_type() {
                NLMSG_NOOP => {}
                NLMSG_OVERRUN => return Err(Refusal::Malformed),
                NLMSG_ERROR | NLMSG_DONE => {
                    refusal_of(message.payload())?;
                    return Ok(if self.interrupted {
                        Progress::Inconsistent
                    } else {
                        Progress::Complete
                    });
                }
                kind => row(kind, message.payload())?,
            }
        }
        Ok(Progress::More)
    }
}

/// The error number that ends a dump; a dump that fails half-way has it in `NLMSG_DONE`, which old
/// kernels send without a number.
fn refusal_of(payload: &[u8]) -> Result<(), Refusal> {
    match payload.get(..4).and_then(|code| parse_i32(code).ok()) {
        Some(code) if code < 0 => Err(Refusal::Errno(code.saturating_neg())),
        _ => Ok(()),
    }
}

fn refused(errno: Errno) -> Refusal {
    Refusal::Errno(errno as i32)
}

/// Attributes with their types, up to the first that is malformed.
pub(super) fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    NlasIterator::new(bytes).map_while(|attribute| {
        let attribute = attribute.ok()?;
        let (kind, length) = (attribute.kind(), usize::from(attribute.length()));
        Some((kind, attribute.into_inner().get(4..length)?))
    })
}

/// An attribute that is a number.
pub(super) fn number(value: &[u8]) -> Option<u32> {
    parse_u32(value).ok()
}

/// The bytes of an attribute that is a string: up to its NUL, if it has one.
pub(super) fn string(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// An attribute that is a string.
pub(super) fn text(value: &[u8]) -> Text {
    Text::from_bytes(string(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of this type, flags and payload.
    fn message(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = request(kind, payload);
        let mut header = NetlinkBuffer::new(&mut bytes);
        header.set_flags(flags);
        header.set_sequence_number(sequence);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    type Rows = Vec<(u16, Vec<u8>)>;

    fn feed(datagram: &[u8]) -> (Result<Progress, Refusal>, Rows) {
        let mut rows = Vec::new();
        let progress = Dump::default().feed(datagram, &mut |kind, payload| {
            rows.push((kind, payload.to_vec()));
            Ok(())
        });
        (progress, rows)
    }

    #[test]
    fn rows_until_done() {
        let rows = [message(16, 2, 1, b"abcde"), message(16, 2, 1, b"fghi")].concat();
        let expected = vec![(16, b"abcde".to_vec()), (16, b"fghi".to_vec())];
        assert_eq!(feed(&rows), (Ok(Progress::More), expected.clone()));
        let done = [rows, message(NLMSG_DONE, 2, 1, &[0; 4]), message(16, 2, 1, b"late")].concat();
        assert_eq!(feed(&done), (Ok(Progress::Complete), expected));
    }

    #[test]
    fn done_of_old_kernels_has_no_number() {
        assert_eq!(feed(&message(NLMSG_DONE, 2, 1, &[])).0, Ok(Progress::Complete));
    }

    #[test]
    fn errors_carry_their_number() {
        for kind in [NLMSG_ERROR, NLMSG_DONE] {
            let refused = message(kind, 0, 1, &(-libc::EPERM).to_ne_bytes());
            assert_eq!(feed(&refused).0, Err(Refusal::Errno(libc::EPERM)));
        }
        let extreme = message(NLMSG_ERROR, 0, 1, &i32::MIN.to_ne_bytes());
        assert_eq!(feed(&extreme).0, Err(Refusal::Errno(i32::MAX)));
    }

    #[test]
    fn a_change_meanwhile_is_noticed() {
        let rows =
            [message(16, 2 | NLM_F_DUMP_INTR, 1, b"abcd"), message(NLMSG_DONE, 2, 1, &[0; 4])];
        assert_eq!(feed(&rows.concat()).0, Ok(Progress::Inconsistent));
    }

    #[test]
    fn messages_of_others_are_ignored() {
        assert_eq!(feed(&message(16, 2, 7, b"abcd")), (Ok(Progress::More), vec![]));
    }

    #[test]
    fn truncated_and_overrun_are_malformed() {
        let whole = message(16, 2, 1, b"abcdefgh");
        assert_eq!(feed(&whole[..20]).0, Err(Refusal::Malformed));
        assert_eq!(feed(&whole[..7]).0, Err(Refusal::Malformed));
        assert_eq!(feed(&message(NLMSG_OVERRUN, 2, 1, &[])).0, Err(Refusal::Malformed));
    }

    #[test]
    fn attributes_end_at_the_first_malformed() {
        let bytes = [
            &[5, 0, 3, 0x80, b'x', 0, 0, 0][..], // nested flag, one byte, padding
            &[4, 0, 9, 0],
            &[3, 0, 1, 0], // shorter than its own header
            &[8, 0, 1, 0, 1, 2, 3, 4],
        ]
        .concat();
        let found: Vec<_> = attributes(&bytes).collect();
        assert_eq!(found, [(3, &b"x"[..]), (9, &[][..])]);
    }

    #[test]
    fn strings_end_at_their_nul_or_at_the_end() {
        assert_eq!(text(b"eth0\0junk"), "eth0");
        assert_eq!(text(b"eth0"), "eth0");
        assert!(text(b"\xff\0").is_lossy());
        assert_eq!(text(b""), "");
    }

    #[test]
    fn arbitrary_bytes_never_panic() {
        arbtest::arbtest(|u| {
            let bytes: Vec<u8> = u.arbitrary()?;
            let _ = feed(&bytes);
            attributes(&bytes).for_each(|(_, value)| drop((number(value), text(value))));
            Ok(())
        });
    }
}
