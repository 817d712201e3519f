//! iptables and nftables: what the kernel serves, the tables that are there, the tools on the PATH.

mod extensions;
mod tool;

use super::{
    Reader,
    modules::{Lists, Modules},
};
use crate::source::{Refusal, ask};
use dind_doctor_checks::facts::{
    Fact, Kernel, LegacyTable, Missing, Netfilter, NftTable, TableCount, Text, Tri, Why,
};

/// What `source` of a missing fact says about nfnetlink.
const NFNETLINK: &str = "nfnetlink: tables";

/// Nothing that could load a module or register a table is asked. `path` is the PATH of the daemon.
pub(super) fn probe(reader: &Reader<'_>, kernel: &Kernel, lists: &Lists, path: &str) -> Netfilter {
    let modules = Modules::new(reader, kernel, lists);
    let (nft_kernel, nft_tables) = nft(reader, &modules);
    let [ipv4, ipv6] = [4, 6].map(|family| Names::of(reader, family));
    Netfilter {
        legacy_kernel: legacy_kernel(reader, &ipv4, &modules),
        legacy_kernel6: legacy_kernel(reader, &ipv6, &modules),
        nft_kernel,
        legacy_tables: legacy_tables(reader, &modules, [ipv4, ipv6]),
        nft_tables,
        extensions: extensions::extensions(reader, &modules),
        iptables: tool::iptables(reader, path).into(),
        nft: tool::nft(reader, path).into(),
    }
}

/// Asking nfnetlink, and even opening its socket, loads nf_tables where that is a module: only where
/// it is in the kernel already, or where nothing can be loaded.
fn nft(reader: &Reader<'_>, modules: &Modules<'_, '_>) -> (Tri, Fact<Vec<NftTable>>) {
    let present = modules.has_nf_tables();
    if !present && !modules.none_loadable() {
        match modules.nf_tables_configured() {
            Tri::Yes => {}
            Tri::No => return (Tri::No, Fact::Known(Vec::new())),
            // A module that is not loaded has no tables yet, and comes with the first rule.
            Tri::Unknown if modules.nf_tables_is_to_come() => {
                return (Tri::Yes, Fact::Known(Vec::new()));
            }
            Tri::Unknown if modules.lacks_file("net/netfilter/nf_tables").is_some() => {
                return (Tri::No, Fact::Known(Vec::new()));
            }
            Tri::Unknown => return (Tri::Unknown, Fact::missing(NFNETLINK, Why::NotProbed)),
        }
    }
    match reader.ask_plainly(ask::NftTables) {
        Ok(tables) => (Tri::Yes, Fact::Known(tables)),
        // nfnetlink without nf_tables; no nfnetlink.
        Err(Refusal::Errno(libc::EINVAL | libc::EOPNOTSUPP | libc::EPROTONOSUPPORT)) => {
            (Tri::No, Fact::Known(Vec::new()))
        }
        // EPERM comes before the kernel looks whether it has nf_tables; a sandbox that refuses netlink
        // as a whole says EAFNOSUPPORT.
        Err(refusal) => {
            let kernel = if present { Tri::Yes } else { modules.nf_tables_configured() };
            (kernel, Fact::missing(NFNETLINK, refusal.why()))
        }
    }
}

/// The names of registered legacy tables of one family.
struct Names {
    family: u8,
    path: &'static str,
    read: Result<Vec<u8>, Missing>,
}

impl Names {
    fn of(reader: &Reader<'_>, family: u8) -> Self {
        let path =
            if family == 4 { "/proc/net/ip_tables_names" } else { "/proc/net/ip6_tables_names" };
        Self { family, path, read: reader.bytes(path) }
    }
}

/// ip_tables makes its file in every network namespace when it is loaded, for root to read. Without the file it may
/// still be a module that was not needed so far.
fn legacy_kernel(reader: &Reader<'_>, names: &Names, modules: &Modules<'_, '_>) -> Tri {
    match &names.read {
        Ok(_) => Tri::Yes,
        // Who may not read it sees whether it is there, unless that is what is refused.
        Err(Missing { why: Why::NotPermitted, .. }) if reader.stat(names.path).is_ok() => Tri::Yes,
        Err(Missing { why: Why::NotFound, .. }) if modules.sees_proc_net() => {
            let left_out = names.family == 4 && modules.legacy_is_left_out();
            if modules.none_loadable() || left_out { Tri::No } else { Tri::Unknown }
        }
        Err(_) => Tri::Unknown,
    }
}

/// Legacy tables of both families, IPv4 first, in the kernel's order.
fn legacy_tables(
    reader: &Reader<'_>,
    modules: &Modules<'_, '_>,
    families: [Names; 2],
) -> Fact<Vec<LegacyTable>> {
    let mut tables = Vec::new();
    for Names { family, read, .. } in families {
        match read {
            Ok(names) => {
                let names = names.split(|byte| *byte == b'\n').filter(|name| !name.is_empty());
                tables.extend(names.map(|name| legacy_table(reader, family, name)));
            }
            // Not in the kernel, so there is no table.
            Err(Missing { why: Why::NotFound, .. }) if modules.sees_proc_net() => {}
            Err(missing) => return Fact::Missing(missing),
        }
    }
    Fact::Known(tables)
}

fn legacy_table(reader: &Reader<'_>, family: u8, name: &[u8]) -> LegacyTable {
    let name = Text::from_bytes(name);
    let count = match pristine(&name) {
        Some(pristine) => {
            let entries =
                Fact::from(reader.ask(ask::LegacyEntries { family, table: name.to_string() }));
            entries.map(|entries| TableCount { entries, pristine })
        }
        None => Fact::missing(format!("table {name}"), Why::Malformed),
    };
    LegacyTable { family, name, count }
}

/// How many entries the kernel makes a table with: one for the policy of each of its hooks, and one
/// that ends it (`xt_alloc_initial_table`).
fn pristine(table: &str) -> Option<u32> {
    match table {
        "raw" => Some(3),
        "filter" | "security" => Some(4),
        "nat" => Some(5),
        "mangle" => Some(6),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
