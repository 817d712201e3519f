//! Rows of the three dumps, made by hand.

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
fn chains_that_drop_what_is_forwarded_are_told() {
    let hook = [&[8, 0, 1, 0][..], &FORWARD].concat();
    let output = [&[8, 0, 1, 0][..], &3_u32.to_be_bytes()].concat();
    let mut tables = Tables::default();
    let table = (NFTA_TABLE, &b"filter\0"[..]);
    tables.add(NFT_MSG_NEWTABLE, &message(2, &[table])).unwrap();
    for (name, hook, policy) in [
        (&b"FORWARD\0"[..], &hook, DROP),
        (b"OPEN\0", &hook, 1_u32.to_be_bytes()),
        (b"OUTPUT\0", &output, DROP),
    ] {
        let attributes =
            [table, (NFTA_CHAIN_NAME, name), (NFTA_CHAIN_HOOK, hook), (NFTA_CHAIN_POLICY, &policy)];
        tables.add(NFT_MSG_NEWCHAIN, &message(2, &attributes)).unwrap();
    }
    let rule = [table, (NFTA_RULE_CHAIN, &b"FORWARD\0"[..])];
    tables.add(NFT_MSG_NEWRULE, &message(2, &rule)).unwrap();
    let chains = tables.into_facts()[0].forward_drop.clone();
    assert_eq!(chains, Some(vec![ForwardChain { name: "FORWARD".into(), rules: 1 }]));
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
