//! IP addresses.
//!
//! Reserved ranges stay as they are, because checks compare them with the defaults of engines. A public
//! address keeps only the bits that tell it apart from the reserved ranges and from the other addresses
//! of the same recording; the rest becomes zero. Any two addresses share as many leading bits as before,
//! so networks overlap and contain each other as before, and nothing is left that a key or a salt would
//! have to protect. It is a pseudonym all the same: how many bits two addresses share is still told, and
//! an address that lies beside a reserved range keeps what it shares with that, and one bit.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Ranges of IPv4 that stay.
const V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, class E, broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 3),
    // The destination towards which the path MTU is asked.
    (Ipv4Addr::new(1, 1, 1, 1), 32),
];

/// Ranges of IPv6 that stay.
const V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::UNSPECIFIED, 127),
    (MAPPED, 96),
    (NAT64, 96),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
    // The destination towards which the path MTU is asked.
    (Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1111), 128),
];

/// Ranges that hold IPv4 addresses.
const MAPPED: Ipv6Addr = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0);
const NAT64: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);

/// Addresses of one recording: collected, then mapped.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    v4: Family,
    v6: Family,
}

#[derive(Debug, Default)]
struct Family {
    found: BTreeSet<u128>,
    /// Which bits tell an address from the others.
    telling: BTreeMap<u128, u128>,
}

impl Addresses {
    /// The pseudonym of an address; itself if it is in a reserved range.
    pub(super) fn pseudonym(&mut self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(address) => self.v4(address).into(),
            IpAddr::V6(address) => self.v6(address).into(),
        }
    }

    fn v4(&mut self, address: Ipv4Addr) -> Ipv4Addr {
        let left = |address: Ipv4Addr| u128::from(address.to_bits()) << 96;
        let pins = V4.iter().map(|(pin, length)| (left(*pin), *length));
        match own_bits(left(address), pins) {
            None => address,
            Some(own) => Ipv4Addr::from(first_four(self.v4.map(left(address), own))),
        }
    }

    fn v6(&mut self, address: Ipv6Addr) -> Ipv6Addr {
        let bits = address.to_bits();
        for range in [MAPPED, NAT64] {
            if shared(bits, range.to_bits()) >= 96 {
                let [.., a, b, c, d] = address.octets();
                let inner = self.v4(Ipv4Addr::new(a, b, c, d)).to_bits();
                return Ipv6Addr::from_bits(range.to_bits() | u128::from(inner));
            }
        }
        let own = if address.is_unicast_link_local() || address.is_unique_local() {
            // The network stays, but the second half can hold the hardware address.
            let network = bits & !u128::from(u64::MAX);
            own_bits(bits, [(network, 112)].into_iter())
        } else {
            own_bits(bits, V6.iter().map(|(pin, length)| (pin.to_bits(), *length)))
        };
        match own {
            None => address,
            Some(own) => Ipv6Addr::from_bits(self.v6.map(bits, own)),
        }
    }

    /// Finds out which bits tell what was collected apart.
    pub(super) fn settle(&mut self) {
        for family in [&mut self.v4, &mut self.v6] {
            let sorted: Vec<u128> = family.found.iter().copied().collect();
            branch(&sorted, 0, &mut family.telling);
        }
    }

    /// How many addresses have a pseudonym.
    pub(super) fn count(&self) -> usize {
        self.v4.telling.len() + self.v6.telling.len()
    }
}

impl Family {
    fn map(&mut self, bits: u128, own: u32) -> u128 {
        self.found.insert(bits);
        let telling = self.telling.get(&bits).copied().unwrap_or_default();
        bits & (u128::MAX << (128 - own) | telling)
    }
}

/// How many leading bits tell an address from every range: one more than it shares with the nearest.
/// `None` if it is in one.
fn own_bits(bits: u128, pins: impl Iterator<Item = (u128, u32)>) -> Option<u32> {
    let mut own = 1;
    for (pin, length) in pins {
        let shared = shared(bits, pin);
        if shared >= length {
            return None;
        }
        own = own.max(shared + 1);
    }
    Some(own)
}

fn shared(a: u128, b: u128) -> u32 {
    (a ^ b).leading_zeros()
}

fn first_four(bits: u128) -> [u8; 4] {
    let [a, b, c, d, ..] = bits.to_be_bytes();
    [a, b, c, d]
}

/// Notes for each of `sorted` the bits at which it parts from another, `telling` being those further up.
fn branch(sorted: &[u128], telling: u128, out: &mut BTreeMap<u128, u128>) {
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else { return };
    if first == last {
        out.insert(*first, telling);
        return;
    }
    let bit = 1 << (127 - shared(*first, *last));
    let (left, right) = sorted.split_at(sorted.partition_point(|bits| bits & bit == 0));
    branch(left, telling | bit, out);
    branch(right, telling | bit, out);
}

#[cfg(test)]
mod tests;
