//! Pseudonyms, the same for the same thing throughout a bundle.

use std::{cell::RefCell, collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;

use super::{Kind, Removal, addresses::Addresses, ids::Ids, interfaces, names, numbers::Numbers};

/// Longest name that the kernel keeps of a process.
const COMM: usize = 15;

/// What replaces what. A recording is gone through twice: the first time collects, so that pseudonyms
/// can keep the order of names and the prefixes of addresses, the second time replaces.
#[derive(Debug, Default)]
pub(super) struct Pseudonyms {
    names: RefCell<BTreeMap<Kind, Numbers>>,
    ids: RefCell<Ids>,
    addresses: RefCell<Addresses>,
    dropped: RefCell<BTreeMap<Kind, usize>>,
    /// Names of this machine, which are replaced wherever they stand as words; the longest first.
    known: Vec<String>,
}

impl Pseudonyms {
    /// For a machine that goes by these names.
    pub(super) fn new(mut known: Vec<String>) -> Self {
        known.sort_by_key(|name| std::cmp::Reverse(name.len()));
        Self { known, ..Self::default() }
    }

    /// Ends collecting.
    pub(super) fn settle(&mut self) {
        self.names.get_mut().values_mut().for_each(Numbers::settle);
        self.ids.get_mut().settle();
        self.addresses.get_mut().settle();
        self.dropped.get_mut().clear();
    }

    /// What was replaced and left out, by kind.
    pub(super) fn into_removals(self) -> Vec<Removal> {
        let mut counts = self.dropped.into_inner();
        for (kind, names) in self.names.into_inner() {
            *counts.entry(kind).or_default() += names.count();
        }
        *counts.entry(Kind::Id).or_default() += self.ids.into_inner().count();
        *counts.entry(Kind::Address).or_default() += self.addresses.into_inner().count();
        let removals = counts.into_iter().filter(|(_, count)| *count > 0);
        removals.map(|(kind, count)| Removal { kind, count }).collect()
    }

    /// Notes that something was left out without a pseudonym.
    pub(super) fn dropped(&self, kind: Kind) {
        *self.dropped.borrow_mut().entry(kind).or_default() += 1;
    }

    /// How much was left out so far.
    pub(super) fn all_dropped(&self) -> BTreeMap<Kind, usize> {
        self.dropped.borrow().clone()
    }

    /// What was left out since it was so much.
    pub(super) fn dropped_since(&self, before: &BTreeMap<Kind, usize>) -> Vec<(Kind, usize)> {
        let dropped = self.dropped.borrow();
        let since =
            |(kind, count): (&Kind, &usize)| (*kind, count - before.get(kind).unwrap_or(&0));
        dropped.iter().map(since).filter(|(_, count)| *count > 0).collect()
    }

    /// Notes once more what was left out before.
    pub(super) fn dropped_again(&self, counts: &[(Kind, usize)]) {
        for (kind, count) in counts {
            *self.dropped.borrow_mut().entry(*kind).or_default() += count;
        }
    }

    fn number(&self, kind: Kind, stem: &str, name: &str) -> String {
        self.names.borrow_mut().entry(kind).or_default().pseudonym(stem, name)
    }

    /// Names of this machine.
    pub(super) fn known(&self) -> &[String] {
        &self.known
    }

    /// A host: everybody's stay, addresses are left to [`Self::text`].
    pub(super) fn host(&self, host: &str) -> String {
        let name = host.trim_end_matches('.');
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if name.is_empty() || names::is_host(name) || bare.parse::<IpAddr>().is_ok() {
            return host.to_owned();
        }
        self.number(Kind::HostName, "host", name)
    }

    /// An account; those of images stay.
    pub(super) fn user(&self, name: &str) -> String {
        let numeric = name.bytes().all(|b| b.is_ascii_digit());
        if numeric || names::is_account(name) || matches!(name, "." | "..") {
            return name.to_owned();
        }
        self.number(Kind::UserName, "user", name)
    }

    /// The name of a process; well-known ones stay.
    pub(super) fn process(&self, name: &str) -> String {
        if name.is_empty() || names::is_program(name) {
            return name.to_owned();
        }
        let end = (0..=COMM.min(name.len())).rev().find(|at| name.is_char_boundary(*at));
        self.number(Kind::ProcessName, "process", &name[..end.unwrap_or_default()])
    }

    /// A path to a program: what is not well known leaves its directory, too.
    pub(super) fn program(&self, path: &str) -> String {
        let (plain, deleted) = match path.strip_suffix(" (deleted)") {
            Some(plain) => (plain, " (deleted)"),
            None => (path, ""),
        };
        match plain.rsplit_once('/') {
            None => self.process(plain) + deleted,
            Some((_, name)) if names::is_program(name) => self.text(plain) + deleted,
            Some((_, name)) => format!("/redacted/{}{deleted}", self.process(name)),
        }
    }

    /// The name of a network interface: itself if nobody chose it, else the beginning by which checks may know it and a
    /// number.
    pub(super) fn interface(&self, name: &str) -> String {
        match interfaces::name(name) {
            interfaces::Name::Given => name.to_owned(),
            interfaces::Name::WithId(prefix, digits) => format!("{prefix}{}", self.id(digits)),
            interfaces::Name::Chosen("") => self.number(Kind::InterfaceName, "if", name),
            interfaces::Name::Chosen(prefix) => {
                self.number(Kind::InterfaceName, &format!("{prefix}n"), name)
            }
        }
    }

    /// Hexadecimal digits, at least twelve.
    pub(super) fn id(&self, digits: &str) -> String {
        self.ids.borrow_mut().pseudonym(digits)
    }

    /// All identifiers in a text.
    pub(super) fn ids(&self, text: &str) -> String {
        self.ids.borrow_mut().replace(text)
    }

    /// An address.
    pub(super) fn address(&self, address: IpAddr) -> IpAddr {
        self.addresses.borrow_mut().pseudonym(address)
    }

    /// An address or network with the length of its prefix.
    pub(super) fn network(&self, network: IpNet) -> IpNet {
        let address = self.address(network.addr());
        IpNet::new(address, network.prefix_len()).unwrap_or_default()
    }

    /// The valid parts of some bytes as text, the others as they are.
    pub(super) fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            out.extend_from_slice(self.text(chunk.valid()).as_bytes());
            out.extend_from_slice(chunk.invalid());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_that_somebody_named_keep_what_is_judged() {
        let mut names = Pseudonyms::default();
        let chosen = ["acme0", "br-payroll", "kind-acme", "enx001122334455", "br-0123456789ab"];
        for name in chosen {
            names.interface(name);
        }
        names.settle();
        // Pseudonyms are names that are given, too.
        for given in ["docker0", "if7", "br-n3"] {
            assert_eq!(names.interface(given), given);
        }
        let images = chosen.map(|name| names.interface(name));
        assert_eq!(images, ["if1", "br-n2", "kindn3", "enx000000000001", "br-000000000002"]);
    }
}
