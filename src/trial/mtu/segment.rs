//! TCP segments as bytes (RFC 9293).

use std::net::{Ipv4Addr, SocketAddrV4};

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const PSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;

/// A segment that is sent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outgoing<'a> {
    pub(super) sequence: u32,
    pub(super) acknowledged: u32,
    pub(super) flags: u8,
    pub(super) window: u16,
    /// The maximum segment size, which a SYN announces.
    pub(super) mss: Option<u16>,
    pub(super) payload: &'a [u8],
}

impl Outgoing<'_> {
    /// With its checksum.
    pub(super) fn bytes(&self, from: SocketAddrV4, to: SocketAddrV4) -> Vec<u8> {
        let header: u8 = if self.mss.is_some() { 24 } else { 20 };
        let mut bytes = Vec::with_capacity(usize::from(header) + self.payload.len());
        bytes.extend(from.port().to_be_bytes());
        bytes.extend(to.port().to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.acknowledged.to_be_bytes());
        bytes.extend([(header / 4) << 4, self.flags]);
        bytes.extend(self.window.to_be_bytes());
        // The checksum, and the urgent pointer.
        bytes.extend([0; 4]);
        if let Some(mss) = self.mss {
            bytes.extend([2, 4]);
            bytes.extend(mss.to_be_bytes());
        }
        bytes.extend(self.payload);
        let checksum = checksum(*from.ip(), *to.ip(), &bytes);
        bytes[16..18].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }
}

/// The ones' complement of the sum over the pseudo-header and the segment.
fn checksum(from: Ipv4Addr, to: Ipv4Addr, segment: &[u8]) -> u16 {
    let length = u16::try_from(segment.len()).unwrap_or(u16::MAX);
    let mut whole = Vec::with_capacity(12 + segment.len());
    whole.extend(from.octets());
    whole.extend(to.octets());
    whole.extend([0, 6]);
    whole.extend(length.to_be_bytes());
    whole.extend(segment);
    let words = whole.chunks(2).map(|pair| {
        u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or_default()]))
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).map_or(0, |sum| !sum)
}

/// A segment that came; checksums are the kernel's business, and those of neighbours are often left to the
/// hardware that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Incoming {
    pub(super) sequence: u32,
    pub(super) acknowledged: u32,
    pub(super) flags: u8,
    pub(super) payload: Vec<u8>,
}

impl Incoming {
    /// The segment in an IPv4 packet from `from` to `to`; `None` if it is another one's.
    pub(super) fn parse(packet: &[u8], from: SocketAddrV4, to: SocketAddrV4) -> Option<Self> {
        let ip = packet.first_chunk::<20>()?;
        let is_fragment = u16::from_be_bytes([ip[6], ip[7]]) & 0x3fff != 0;
        let ours = ip[0] >> 4 == 4
            && ip[9] == 6
            && !is_fragment
            && ip[12..16] == from.ip().octets()
            && ip[16..20] == to.ip().octets();
        let total = match u16::from_be_bytes([ip[2], ip[3]]) {
            // Merged beyond 64 KiB.
            0 => packet.len(),
            total => usize::from(total),
        };
        let tcp = packet.get(usize::from(ip[0] & 0x0f) * 4..total)?;
        let header = tcp.first_chunk::<20>()?;
        let port = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let number = |at: usize| {
            u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        if !ours || port(0) != from.port() || port(2) != to.port() {
            return None;
        }
        let payload = tcp.get(usize::from(header[12] >> 4) * 4..)?.to_vec();
        Some(Self { sequence: number(4), acknowledged: number(8), flags: header[13], payload })
    }

    pub(super) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 40000);
    const B: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 2), 80);

    fn packet(segment: &[u8]) -> Vec<u8> {
        let total = u16::try_from(20 + segment.len()).unwrap().to_be_bytes();
        let mut packet = vec![0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, 6, 0, 0];
        packet.extend(A.ip().octets());
        packet.extend(B.ip().octets());
        packet.extend(segment);
        packet
    }

    #[test]
    fn what_is_sent_can_be_read_and_its_sum_is_right() {
        let sent = Outgoing {
            sequence: 7,
            acknowledged: 9,
            flags: SYN | ACK,
            window: 1,
            mss: Some(1460),
            payload: b"odd",
        };
        let bytes = sent.bytes(A, B);
        assert_eq!(bytes[20..24], [2, 4, 0x05, 0xb4]);
        // The sum over a segment with its checksum is zero.
        assert_eq!(checksum(*A.ip(), *B.ip(), &bytes), 0);
        let read = Incoming::parse(&packet(&bytes), A, B).unwrap();
        let expected =
            Incoming { sequence: 7, acknowledged: 9, flags: SYN | ACK, payload: b"odd".to_vec() };
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_cut_short_or_anothers_is_no_segment() {
        let whole = packet(&Outgoing { payload: b"x", ..Outgoing::default() }.bytes(A, B));
        assert!(Incoming::parse(&whole, A, B).is_some());
        assert!(Incoming::parse(&whole, B, A).is_none());
        for length in 0..whole.len() {
            assert!(Incoming::parse(&whole[..length], A, B).is_none(), "{length}");
        }
        for (at, value) in [(0, 0x65), (0, 0x4f), (6, 0x20), (9, 17), (32, 0xf0), (2, 0xff)] {
            let mut broken = whole.clone();
            broken[at] = value;
            assert!(Incoming::parse(&broken, A, B).is_none(), "{at}");
        }
    }
}
