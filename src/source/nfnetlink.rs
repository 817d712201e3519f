//! Tables of nf_tables, by nfnetlink. No program is executed, and nothing is changed.
//!
//! Even opening the socket can load a module (`net-pf-16-proto-12` is nfnetlink), so this is called
//! only where that cannot happen: see [`super::Question::NftTables`].

use std::{
    collections::{BTreeMap, BTreeSet},
    os::fd::{AsRawFd, OwnedFd},
    time::Instant,
};

use dind_doctor_checks::facts::{NftTable, Text};
use nix::{
    errno::Errno,
    sys::{
        socket::{
            AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recvfrom,
            sendto, setsockopt, socket, sockopt::ReceiveTimeout,
        },
        time::{TimeVal, TimeValLike},
    },
};

use super::{
    Refusal,
    netlink::{ATTEMPTS, DATAGRAM, Dump, Progress, TakeRow, attributes, request, string},
};

/// Names of chains to keep for each table: the first ones.
const CHAINS: usize = 256;
/// Tables of one answer.
const TABLES: usize = 4096;

/// `NFNL_SUBSYS_NFTABLES`, in the upper half of a message type.
const NFTABLES: u16 = 10 << 8;
const NFT_MSG_NEWTABLE: u16 = NFTABLES;
const NFT_MSG_GETTABLE: u16 = NFTABLES | 1;
const NFT_MSG_NEWCHAIN: u16 = NFTABLES | 3;
const NFT_MSG_GETCHAIN: u16 = NFTABLES | 4;
const NFT_MSG_NEWRULE: u16 = NFTABLES | 6;
const NFT_MSG_GETRULE: u16 = NFTABLES | 7;

/// `NFTA_TABLE_NAME`, `NFTA_CHAIN_TABLE`, `NFTA_RULE_TABLE`: the table, in each kind of message.
const NFTA_TABLE: u16 = 1;
const NFTA_CHAIN_NAME: u16 = 3;

/// `sizeof(struct nfgenmsg)`: family, version, resource id.
const GENERIC_HEADER: usize = 4;

/// Tables of all families with the names of their chains and how many rules they have, by family and
/// name.
///
/// A kernel without nf_tables refuses with EINVAL, EOPNOTSUPP or EPROTONOSUPPORT; without
/// CAP_NET_ADMIN it is EPERM, which says nothing about the kernel.
pub(super) fn nft_tables(deadline: Instant) -> Result<Vec<NftTable>, Refusal> {
    for _ in 0..ATTEMPTS {
        let mut tables = Tables::default();
        let mut consistent = true;
        for (get, new) in [
            (NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE),
            (NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN),
            (NFT_MSG_GETRULE, NFT_MSG_NEWRULE),
        ] {
            let progress = dump(deadline, get, &mut |kind, message| {
                if kind == new { tables.add(kind, message) } else { Ok(()) }
            })?;
            consistent &= progress == Progress::Complete;
        }
        if consistent {
            return Ok(tables.into_facts());
        }
    }
    Err(Refusal::Errno(libc::EINTR))
}

/// What the three dumps have said so far.
#[derive(Debug, Default)]
struct Tables(BTreeMap<(u8, Vec<u8>), Content>);

#[derive(Debug, Default)]
struct Content {
    rules: u32,
    chains: BTreeSet<Vec<u8>>,
}

impl Tables {
    /// A row of type `kind`. What belongs to a table that was not listed has appeared meanwhile.
    fn add(&mut self, kind: u16, message: &[u8]) -> Result<(), Refusal> {
        let (Some(family), Some(attributes_of)) = (message.first(), message.get(GENERIC_HEADER..))
        else {
            return Ok(());
        };
        let attribute = |wanted| {
            let found = attributes(attributes_of).find(|(kind, _)| *kind == wanted);
            found.map(|(_, value)| string(value).to_vec())
        };
        let Some(table) = attribute(NFTA_TABLE) else { return Ok(()) };
        let key = (*family, table);
        if kind == NFT_MSG_NEWTABLE {
            if self.0.len() >= TABLES {
                return Err(Refusal::TooLarge);
            }
            self.0.entry(key).or_default();
        } else if let Some(content) = self.0.get_mut(&key) {
            if kind == NFT_MSG_NEWRULE {
                content.rules = content.rules.saturating_add(1);
            } else if let Some(chain) = attribute(NFTA_CHAIN_NAME) {
                content.chains.insert(chain);
                if content.chains.len() > CHAINS {
                    content.chains.pop_last();
                }
            }
        }
        Ok(())
    }

    fn into_facts(self) -> Vec<NftTable> {
        let fact = |((family, name), content): ((u8, Vec<u8>), Content)| NftTable {
            family: family_name(family),
            name: Text::from_bytes(&name),
            rules: content.rules,
            chains: content.chains.iter().map(|chain| Text::from_bytes(chain)).collect(),
        };
        let mut tables: Vec<_> = self.0.into_iter().map(fact).collect();
        tables.sort();
        tables
    }
}

/// The name that nft(8) gives a family (`NFPROTO_*`).
fn family_name(family: u8) -> Text {
    match family {
        1 => "inet".into(),
        2 => "ip".into(),
        3 => "arp".into(),
        5 => "netdev".into(),
        7 => "bridge".into(),
        10 => "ip6".into(),
        other => other.to_string().into(),
    }
}

/// One dump over a socket of its own; the end of it is never [`Progress::More`].
fn dump(deadline: Instant, kind: u16, row: &mut TakeRow<'_>) -> Result<Progress, Refusal> {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkNetFilter,
    )
    .map_err(refused)?;
    let kernel = NetlinkAddr::new(0, 0);
    // AF_UNSPEC: tables of all families.
    let request = request(kind, &[0; GENERIC_HEADER]);
    sendto(socket.as_raw_fd(), &request, &kernel, MsgFlags::empty()).map_err(refused)?;
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

/// The next datagram that the kernel sent.
fn receive<'a>(
    socket: &OwnedFd,
    buffer: &'a mut [u8],
    deadline: Instant,
) -> Result<&'a [u8], Refusal> {
    loop {
        // A timeout of nothing would mean none at all.
        let left = deadline.saturating_duration_since(Instant::now()).as_micros();
        if left == 0 {
            return Err(Refusal::TimedOut);
        }
        let left = TimeVal::microseconds(i64::try_from(left).unwrap_or(i64::MAX));
        setsockopt(socket, ReceiveTimeout, &left).map_err(refused)?;
        match recvfrom::<NetlinkAddr>(socket.as_raw_fd(), buffer) {
            Ok((0, _)) => return Err(Refusal::Malformed),
            Ok((length, Some(sender))) if sender.pid() == 0 => {
                return Ok(buffer.get(..length).unwrap_or_default());
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Err(Refusal::TimedOut),
            Err(errno) => return Err(refused(errno)),
        }
    }
}

fn refused(errno: Errno) -> Refusal {
    Refusal::Errno(errno as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(family: u8, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![family, 0, 0, 0];
        for (kind, value) in attributes {
            let length = u16::try_from(value.len() + 4).unwrap();
            bytes.extend_from_slice(&length.to_ne_bytes());
            bytes.extend_from_slice(&kind.to_ne_bytes());
            bytes.extend_from_slice(value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn rules_are_counted_and_chains_sorted() {
        let mut tables = Tables::default();
        let nat = (NFTA_TABLE, &b"nat\0"[..]);
        for family in [10, 2] {
            tables.add(NFT_MSG_NEWTABLE, &message(family, &[nat])).unwrap();
        }
        for chain in [&b"POSTROUTING\0"[..], b"DOCKER\0", b"\xff\x1b[m"] {
            tables.add(NFT_MSG_NEWCHAIN, &message(2, &[nat, (NFTA_CHAIN_NAME, chain)])).unwrap();
        }
        for _ in 0..3 {
            tables.add(NFT_MSG_NEWRULE, &message(2, &[nat])).unwrap();
        }
        tables.add(NFT_MSG_NEWRULE, &message(2, &[(NFTA_TABLE, b"other\0")])).unwrap();
        tables.add(NFT_MSG_NEWTABLE, &[2]).unwrap();
        let facts = tables.into_facts();
        assert_eq!(facts.len(), 2);
        assert_eq!((&*facts[0].family, &*facts[0].name, facts[0].rules), ("ip", "nat", 3));
        assert_eq!(facts[0].chains[..2], ["DOCKER", "POSTROUTING"].map(Text::from));
        assert!(facts[0].chains[2].is_lossy());
        assert_eq!((&*facts[1].family, facts[1].rules), ("ip6", 0));
    }

    #[test]
    fn the_first_chains_are_kept() {
        let mut tables = Tables::default();
        let table = (NFTA_TABLE, &b"t"[..]);
        tables.add(NFT_MSG_NEWTABLE, &message(1, &[table])).unwrap();
        for number in (0..1000).rev() {
            let name = format!("{number:04}");
            let chain = (NFTA_CHAIN_NAME, name.as_bytes());
            tables.add(NFT_MSG_NEWCHAIN, &message(1, &[table, chain])).unwrap();
        }
        let chains = &tables.into_facts()[0].chains;
        assert_eq!((chains.len(), &*chains[0], &*chains[255]), (256, "0000", "0255"));
    }

    #[test]
    fn too_many_tables_are_refused() {
        let mut tables = Tables::default();
        let mut add = |number: usize| {
            let name = number.to_string();
            tables.add(NFT_MSG_NEWTABLE, &message(1, &[(NFTA_TABLE, name.as_bytes())]))
        };
        assert!((0..TABLES).all(|number| add(number).is_ok()));
        assert_eq!(add(TABLES), Err(Refusal::TooLarge));
    }

    #[test]
    fn families_have_the_names_that_nft_gives_them() {
        let names = [1, 2, 3, 5, 7, 10, 99].map(|family| family_name(family).to_string());
        assert_eq!(names, ["inet", "ip", "arp", "netdev", "bridge", "ip6", "99"]);
    }

    #[test]
    fn arbitrary_bytes_never_panic() {
        arbtest::arbtest(|u| {
            let mut tables = Tables::default();
            for _ in 0..4 {
                let kind = *u.choose(&[NFT_MSG_NEWTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE])?;
                let bytes: Vec<u8> = u.arbitrary()?;
                let _ = tables.add(kind, &bytes);
            }
            drop(tables.into_facts());
            Ok(())
        });
    }
}
