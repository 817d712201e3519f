//! What dockerd makes with `--firewall-backend=nftables` (Docker 29), without the program `nft`.

use dind_doctor_checks::facts::Action;
use netlink_packet_core::DefaultNla;
use nix::sched::{CloneFlags, unshare};

use super::{
    INSIDE,
    expression::{address, dnat, established, expression, not_loopback, to_local, verdict},
    kernel, packet,
};
use crate::trial::{
    namespace,
    nfnetlink::{New, create, nested, number, text},
    steps::Steps,
};

const TABLE: &str = "doctor";

/// Base chains: name, type, hook and priority.
const CHAINS: [(&str, &str, i32, i32); 4] = [
    ("nat prerouting", "nat", libc::NF_INET_PRE_ROUTING, libc::NF_IP_PRI_NAT_DST),
    ("nat postrouting", "nat", libc::NF_INET_POST_ROUTING, libc::NF_IP_PRI_NAT_SRC),
    ("filter forward", "filter", libc::NF_INET_FORWARD, libc::NF_IP_PRI_FILTER),
    ("raw prerouting", "filter", libc::NF_INET_PRE_ROUTING, libc::NF_IP_PRI_RAW),
];

/// The chain of published ports, which others jump to.
const PORTS: &str = "ports";

/// Where the addresses are in a header of IPv4.
const SADDR: i32 = 12;
const DADDR: i32 = 16;

pub(super) fn attempt(steps: &mut Steps, root: bool) -> Option<()> {
    if !root {
        namespace::user(steps)?;
    }
    steps.step(Action::Unshare, || unshare(CloneFlags::CLONE_NEWNET))?;
    kernel(steps);
    steps.about("", true);
    steps.step(Action::MakeTable, || create(New::Table, vec![text(1, TABLE)]))?;
    for (name, kind, hook, priority) in CHAINS {
        let hook = nested(4, &[number(1, hook), number(2, priority)]);
        chain(steps, name, vec![hook, text(7, kind)]);
    }
    chain(steps, PORTS, Vec::new());
    for (name, chain, expressions) in rules() {
        steps.about(name, true);
        let attributes = vec![text(1, TABLE), text(2, chain), nested(4, &expressions)];
        steps.step(Action::MakeRule, || create(New::Rule, attributes));
    }
    steps.about("", true);
    packet(steps)
}

fn chain(steps: &mut Steps, name: &str, attributes: Vec<DefaultNla>) {
    steps.about(name, true);
    let attributes = [vec![text(1, TABLE), text(3, name)], attributes].concat();
    steps.step(Action::MakeChain, || create(New::Chain, attributes));
}

/// What each is about in the words of nft(8), its chain, and its expressions; the addresses are of
/// TEST-NET-1, which nobody has.
fn rules() -> [(&'static str, &'static str, Vec<DefaultNla>); 5] {
    let counter = || vec![expression("counter", &[])];
    let accept = vec![verdict(libc::NF_ACCEPT, None)];
    let ports = vec![verdict(libc::NFT_JUMP, Some(PORTS))];
    let network = address(SADDR, &INSIDE.octets()[..3]).to_vec();
    let unpublished = address(DADDR, &[192, 0, 2, 9]).to_vec();
    let leaves = not_loopback(libc::NFT_META_OIFNAME).to_vec();
    let comes = not_loopback(libc::NFT_META_IIFNAME).to_vec();
    let masquerade = vec![expression("masq", &[])];
    let drop = vec![verdict(libc::NF_DROP, None)];
    [
        (
            "ct state established,related",
            "filter forward",
            [established().to_vec(), counter(), accept].concat(),
        ),
        (
            "fib daddr type local",
            "nat prerouting",
            [to_local().to_vec(), counter(), ports].concat(),
        ),
        ("dnat", PORTS, [counter(), dnat(INSIDE.octets()).to_vec()].concat()),
        ("masquerade", "nat postrouting", [network, leaves, counter(), masquerade].concat()),
        ("drop", "raw prerouting", [unpublished, comes, counter(), drop].concat()),
    ]
}
