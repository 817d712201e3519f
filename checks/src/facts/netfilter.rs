//! iptables and nftables.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Fact, Text, Tri};

/// Which kernel interface an `iptables` program talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolFlavour {
    /// x_tables: `ip_tables`, `iptable_nat`, …
    Legacy,
    /// nf_tables, through `nft_compat` for extensions.
    Nft,
}

impl ToolFlavour {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Nft => "nft",
        }
    }
}

/// The `iptables` that a daemon would find on the PATH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IptablesTool {
    /// The first one on the PATH.
    pub path: Text,
    /// What it is in the end, links and alternatives followed: `/usr/sbin/xtables-nft-multi`.
    pub resolved: Text,
    /// Which interface it talks to; missing if its name does not tell.
    pub flavour: Fact<ToolFlavour>,
    /// Flavours of the alternatives beside it: `iptables-legacy`, `iptables-nft`.
    pub alternatives: Vec<ToolFlavour>,
}

/// How many entries a legacy table has, from `IPT_SO_GET_INFO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCount {
    /// Entries in all, those of the empty table too.
    pub entries: u32,
    /// Entries of the empty table: nat 5, filter 4, mangle 6, raw 3, security 4.
    pub pristine: u32,
}

/// A legacy table that is registered in this network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyTable {
    /// 4 or 6.
    pub family: u8,
    /// `nat`, `filter`, …
    pub name: Text,
    /// How many entries it has. Asked only of registered tables, where it cannot register or load one.
    pub count: Fact<TableCount>,
}

/// A table of nf_tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NftTable {
    /// `ip`, `ip6`, `inet`, `arp`, `bridge`, `netdev`.
    pub family: Text,
    /// Name.
    pub name: Text,
    /// How many rules its chains have.
    pub rules: u32,
    /// Names of its chains, sorted, up to a bound.
    pub chains: Vec<Text>,
    /// Its chains at the hook forward that drop what no rule accepts, sorted by name; `None` in
    /// recordings that are older than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_drop: Option<Vec<ForwardChain>>,
}

/// A chain at the hook forward whose policy is drop.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ForwardChain {
    /// Name.
    pub name: Text,
    /// How many rules it has itself, those that jump elsewhere too.
    pub rules: u32,
}

/// An extension of iptables, or a table, that an engine's rules need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// `match addrtype`, `target MASQUERADE`, `table raw`.
    pub name: Text,
    /// Whether the kernel has it; unknown if it may be a module that is not loaded.
    pub present: Tri,
    /// What says so.
    pub source: Text,
}

/// iptables and nftables as seen from this network namespace.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Netfilter {
    /// Whether the kernel serves the legacy interface *now*: tables file there. Absence does not say
    /// that it could not be loaded.
    pub legacy_kernel: Tri,
    /// The same for IPv6.
    #[serde(default)]
    pub legacy_kernel6: Tri,
    /// Whether the kernel serves nf_tables, or loads it for the first rule; unknown where asking could load the
    /// module and it is not seen on the disk.
    pub nft_kernel: Tri,
    /// Registered legacy tables; `/proc/net/ip_tables_names` is readable by root only.
    pub legacy_tables: Fact<Vec<LegacyTable>>,
    /// Tables of nf_tables, with rules.
    pub nft_tables: Fact<Vec<NftTable>>,
    /// Extensions and tables that rules of engines need.
    pub extensions: Vec<Extension>,
    /// The `iptables` on the PATH; `None` if there is none.
    pub iptables: Fact<Option<IptablesTool>>,
    /// The first `nft` on the PATH; `None` if there is none.
    pub nft: Fact<Option<Text>>,
}

impl LegacyTable {
    /// Whether someone has put rules into it.
    pub fn has_rules(&self) -> Option<bool> {
        self.count.known().map(|count| count.entries > count.pristine)
    }
}
