//! The receiving half of a TCP connection that announces a maximum segment size of its own.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    net::SocketAddrV4,
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::Download;

use super::{
    super::steps::Failure,
    PATIENCE,
    request::{ENOUGH, Request},
    segment::{ACK, FIN, Incoming, Outgoing, PSH, RST, SYN},
    tap::Tap,
};

/// When what was not acknowledged is sent again.
const AGAIN: Duration = Duration::from_millis(400);

/// Headers of IP and TCP.
const HEADERS: u32 = 40;

/// A window of several segments, so that the other end fills them.
const SEGMENTS: u32 = 8;

/// The download of `request` from `remote` by a connection that announces segments for this MTU. Fails if
/// there is no connection.
pub(super) fn download(
    remote: SocketAddrV4,
    mtu: u32,
    request: &Request,
) -> Result<Download, Failure> {
    let mss = u16::try_from(mtu.saturating_sub(HEADERS)).unwrap_or(u16::MAX);
    let window = u16::try_from(u32::from(mss) * SEGMENTS).unwrap_or(u16::MAX);
    let tap = Tap::towards(remote)?;
    let isn = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or(1);
    let mut connection =
        Connection { tap, window, next: isn, expected: 0, received: Vec::new(), segment: 0 };
    connection.open(mss)?;
    let ended = connection.receive(request);
    // Nothing waits at the other end.
    connection.say(RST | ACK, &[])?;
    Ok(Download {
        mtu,
        bytes: u32::try_from(connection.received.len()).unwrap_or(u32::MAX),
        // One that was merged in a way that nobody tells.
        segment: if connection.segment > u32::from(mss) { 0 } else { connection.segment },
        stalled: !ended?,
    })
}

struct Connection {
    tap: Tap,
    window: u16,
    /// What is sent next.
    next: u32,
    /// What has to come next.
    expected: u32,
    received: Vec<u8>,
    /// The largest.
    segment: u32,
}

impl Connection {
    fn say(&self, flags: u8, payload: &[u8]) -> Result<(), Failure> {
        self.tap.send(Outgoing {
            sequence: self.next,
            acknowledged: self.expected,
            flags,
            window: self.window,
            mss: None,
            payload,
        })
    }

    fn open(&mut self, mss: u16) -> Result<(), Failure> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let (sequence, window) = (self.next, self.window);
            let syn =
                Outgoing { sequence, flags: SYN, window, mss: Some(mss), ..Outgoing::default() };
            self.tap.send(syn)?;
            let again = end.min(Instant::now() + AGAIN);
            while let Some((segment, _)) = self.tap.receive(again)? {
                if !segment.has(ACK) || segment.acknowledged != sequence.wrapping_add(1) {
                    continue;
                }
                if segment.has(RST) {
                    return Err(nix::errno::Errno::ECONNREFUSED.into());
                }
                if segment.has(SYN) {
                    self.next = segment.acknowledged;
                    self.expected = segment.sequence.wrapping_add(1);
                    return Ok(());
                }
            }
        }
        Err(Failure::seen("no connection: nothing answers"))
    }

    /// Whether enough came or the target was done, before nothing came any more.
    fn receive(&mut self, request: &Request) -> Result<bool, Failure> {
        self.say(PSH | ACK, &request.bytes)?;
        let sent = u32::try_from(request.bytes.len()).unwrap_or(u32::MAX);
        let mut acknowledged = false;
        let mut patience = Instant::now() + PATIENCE;
        loop {
            let again = if acknowledged { patience } else { patience.min(Instant::now() + AGAIN) };
            let Some((segment, size)) = self.tap.receive(again)? else {
                if Instant::now() >= patience {
                    return Ok(false);
                }
                self.say(PSH | ACK, &request.bytes)?;
                continue;
            };
            if !acknowledged && segment.acknowledged == self.next.wrapping_add(sent) {
                acknowledged = true;
                self.next = segment.acknowledged;
            }
            if segment.has(RST) {
                return Ok(true);
            }
            self.segment = self.segment.max(size);
            let progress = self.take(&segment);
            let end =
                segment.sequence.wrapping_add(u32::try_from(segment.payload.len()).unwrap_or(0));
            if segment.has(FIN) && end == self.expected {
                return Ok(true);
            }
            if !segment.payload.is_empty() {
                self.say(ACK, &[])?;
            }
            if progress {
                patience = Instant::now() + PATIENCE;
            }
            if self.received.len() >= ENOUGH || (request.is_done)(&self.received) {
                return Ok(true);
            }
        }
    }

    /// Takes what is next in order; whether there was something.
    fn take(&mut self, segment: &Incoming) -> bool {
        let known = usize::try_from(self.expected.wrapping_sub(segment.sequence));
        let Some(new) = known.ok().and_then(|known| segment.payload.get(known..)) else {
            return false;
        };
        self.received.extend_from_slice(new);
        self.expected = self.expected.wrapping_add(u32::try_from(new.len()).unwrap_or(0));
        !new.is_empty()
    }
}
