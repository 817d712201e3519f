//! Tables of nf_tables, by nfnetlink. No program is executed, and nothing is changed.
//!
//! Even opening the socket can load a module (`net-pf-16-proto-12` is nfnetlink), so this is called
//! only where that cannot happen: see [`super::Question::NftTables`].

pub(super) mod fuzzing;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use dind_doctor_checks::facts::{ForwardChain, NftTable, Text};
use nix::sys::socket::SockProtocol;

use super::{
    Refusal,
    netlink::{ATTEMPTS, Progress, attributes, dump, request, string},
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
const NFTA_CHAIN_HOOK: u16 = 4;
const NFTA_HOOK_HOOKNUM: u16 = 1;
const NFTA_CHAIN_POLICY: u16 = 5;
const NFTA_RULE_CHAIN: u16 = 2;

/// `NF_INET_FORWARD` and `NF_DROP`, in network byte order.
const FORWARD: [u8; 4] = 2_u32.to_be_bytes();
const DROP: [u8; 4] = 0_u32.to_be_bytes();
/// Families whose hooks are numbered so: `inet`, `ip`, `ip6`.
const INTERNET: [u8; 3] = [1, 2, 10];

/// `sizeof(struct nfgenmsg)`: family, version, resource id.
const GENERIC_HEADER: usize = 4;

/// Tables of all families with the names of their chains and how many rules they have, by family and
/// name.
///
/// A kernel without nf_tables refuses with EINVAL, EOPNOTSUPP or EPROTONOSUPPORT; without
/// CAP_NET_ADMIN it is EPERM, which says nothing about the kernel.
pub(crate) fn nft_tables(deadline: Instant) -> Result<Vec<NftTable>, Refusal> {
    for _ in 0..ATTEMPTS {
        let mut tables = Tables::default();
        let mut consistent = true;
        for (get, new) in [
            (NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE),
            (NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN),
            (NFT_MSG_GETRULE, NFT_MSG_NEWRULE),
        ] {
            // AF_UNSPEC: tables of all families.
            let request = request(get, &[0; GENERIC_HEADER]);
            let protocol = SockProtocol::NetlinkNetFilter;
            let progress = dump(protocol, &request, deadline, &mut |kind, message| {
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
    /// Rules by chain, of those that drop at the hook forward.
    forward_drop: BTreeMap<Vec<u8>, u32>,
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
                let chain = attribute(NFTA_RULE_CHAIN);
                if let Some(rules) = chain.and_then(|c| content.forward_drop.get_mut(&c)) {
                    *rules = rules.saturating_add(1);
                }
            } else if let Some(chain) = attribute(NFTA_CHAIN_NAME) {
                let internet = INTERNET.contains(family);
                if internet && content.forward_drop.len() < CHAINS && drops_forward(attributes_of) {
                    content.forward_drop.insert(chain.clone(), 0);
                }
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
            forward_drop: Some(
                content
                    .forward_drop
                    .iter()
                    .map(|(name, rules)| ForwardChain {
                        name: Text::from_bytes(name),
                        rules: *rules,
                    })
                    .collect(),
            ),
        };
        let mut tables: Vec<_> = self.0.into_iter().map(fact).collect();
        tables.sort();
        tables
    }
}

/// Whether a chain is at the hook forward and drops what no rule accepts.
fn drops_forward(chain: &[u8]) -> bool {
    let value = |bytes, wanted| attributes(bytes).find(|(kind, _)| *kind == wanted).map(|(_, v)| v);
    let hook = value(chain, NFTA_CHAIN_HOOK).and_then(|hook| value(hook, NFTA_HOOK_HOOKNUM));
    hook == Some(&FORWARD) && value(chain, NFTA_CHAIN_POLICY) == Some(&DROP)
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

#[cfg(test)]
mod tests;
