//! The probe against answers given by hand.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::source::{ask, fixed::Fixed};

fn kernel(modules_loadable: Fact<bool>) -> Kernel {
    Kernel { release: Fact::Known("6.1.0".into()), modules_loadable, ..Kernel::default() }
}

/// A kernel with modules, none of which is of interest.
fn modular() -> Fixed {
    Fixed::new().file("/proc/net/dev", "").file("/proc/modules", "nf_tables_x 1 0\nveth 1 0\n")
}

fn config(lines: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(format!("#\nCONFIG_NET=y\n{lines}\n").as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn table() -> NftTable {
    NftTable {
        family: "ip".into(),
        name: "nat".into(),
        rules: 7,
        chains: vec!["DOCKER".into()],
        forward_drop: None,
    }
}

fn with_tables(source: Fixed) -> Fixed {
    source.answer(ask::NftTables, vec![table()])
}

fn probed(source: &Fixed, loadable: bool) -> Netfilter {
    probe(&Reader::new(source), &kernel(Fact::Known(loadable)), &Lists::default(), "/usr/sbin")
}

#[test]
fn nothing_is_asked_that_could_load_nf_tables() {
    let packed = config("CONFIG_NF_TABLES=m");
    for source in [modular(), modular().file("/proc/config.gz", packed), Fixed::new()] {
        let source = with_tables(source);
        for loadable in [Fact::Known(true), Fact::default()] {
            let found = probe(&Reader::new(&source), &kernel(loadable), &Lists::default(), "");
            assert_eq!(found.nft_kernel, Tri::Unknown);
            assert_eq!(found.nft_tables, Fact::missing(NFNETLINK, Why::NotProbed));
        }
        assert!(!source.was_asked(ask::NftTables));
    }
}

#[test]
fn a_module_on_the_disk_comes_when_a_rule_is_made_and_has_none_yet() {
    for suffix in ["", ".xz", ".zst", ".gz"] {
        let path = format!("/lib/modules/6.1.0/kernel/net/netfilter/nf_tables.ko{suffix}");
        let source = with_tables(modular().file("/proc/modules", "").file(&path, ""));
        let found = probed(&source, true);
        assert_eq!((found.nft_kernel, found.nft_tables), (Tri::Yes, Fact::Known(vec![])));
        assert!(!source.was_asked(ask::NftTables));
        let hidden =
            with_tables(modular().unreadable("/proc/modules", libc::EACCES).file(&path, ""));
        assert_eq!(probed(&hidden, true).nft_kernel, Tri::Unknown);
    }
}

#[test]
fn a_procfs_that_hides_modules_does_not_say_that_there_are_none() {
    let source = with_tables(Fixed::new());
    assert_eq!(probed(&source, false).nft_tables.why(), Some(Why::NotProbed));
    assert!(!source.was_asked(ask::NftTables));
}

#[test]
fn nf_tables_that_is_there_is_asked() {
    let built_in = "kernel/net/netfilter/nf_tables.ko\n";
    let there = [
        modular().file("/proc/modules", "nf_tables 335872 12 - Live 0x0\n"),
        modular().directory("/sys/module/nf_tables", &[]),
        modular().file("/lib/modules/6.1.0/modules.builtin", built_in),
        modular().file("/proc/config.gz", config("CONFIG_NF_TABLES=y")),
    ];
    for source in there.map(with_tables) {
        let found = probed(&source, true);
        assert_eq!(found.nft_kernel, Tri::Yes);
        assert_eq!(found.nft_tables, Fact::Known(vec![table()]));
    }
}

#[test]
fn where_nothing_can_be_loaded_asking_is_harmless() {
    let source = with_tables(Fixed::new().file("/proc/net/dev", ""));
    assert_eq!(probed(&source, false).nft_kernel, Tri::Yes);
    for errno in [libc::EINVAL, libc::EOPNOTSUPP, libc::EPROTONOSUPPORT] {
        let source =
            Fixed::new().file("/proc/net/dev", "").refuse(ask::NftTables, Refusal::Errno(errno));
        let found = probed(&source, false);
        assert_eq!((found.nft_kernel, found.nft_tables), (Tri::No, Fact::Known(vec![])));
    }
}

#[test]
fn a_refusal_to_the_caller_says_nothing_about_the_kernel() {
    let refusal = Refusal::Errno(libc::EPERM);
    let anywhere = Fixed::new().file("/proc/net/dev", "").refuse(ask::NftTables, refusal);
    let found = probed(&anywhere, false);
    assert_eq!((found.nft_kernel, found.nft_tables.why()), (Tri::Unknown, Some(Why::NotPermitted)));
    let loaded = modular().file("/proc/modules", "nf_tables 335872 12 - Live 0x0\n");
    let built_in = Fixed::new()
        .file("/proc/net/dev", "")
        .file("/proc/config.gz", config("CONFIG_NF_TABLES=y"));
    for (source, loadable) in [(loaded, true), (built_in, false)] {
        let found = probed(&source.refuse(ask::NftTables, refusal), loadable);
        assert_eq!((found.nft_kernel, found.nft_tables.why()), (Tri::Yes, Some(Why::NotPermitted)));
    }
}

#[test]
fn a_kernel_that_has_other_modules_and_not_this_one() {
    let listed = |content| modular().file("/lib/modules/6.1.0/modules.builtin", content);
    let nat = "/lib/modules/6.1.0/kernel/net/ipv4/netfilter/iptable_nat.ko";
    let source = with_tables(listed("kernel/fs/ext4/ext4.ko\n").file(nat, ""));
    let found = probed(&source, true);
    assert_eq!((found.nft_kernel, found.nft_tables), (Tri::No, Fact::Known(vec![])));
    assert!(!source.was_asked(ask::NftTables));
    let source = with_tables(listed("kernel/fs/ext4/ext4.ko\n"));
    assert_eq!(probed(&source, true).nft_kernel, Tri::Unknown);
}

#[test]
fn a_kernel_that_was_configured_without() {
    for lines in ["# CONFIG_NF_TABLES is not set", ""] {
        let source = with_tables(modular().file("/proc/config.gz", config(lines)));
        let found = probed(&source, true);
        assert_eq!((found.nft_kernel, found.nft_tables), (Tri::No, Fact::Known(vec![])));
        assert!(!source.was_asked(ask::NftTables));
    }
}

#[test]
fn what_is_no_configuration_says_nothing() {
    let whole = config("# CONFIG_NF_TABLES is not set");
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    bomb.write_all(b"\nCONFIG_NET=y\n").unwrap();
    bomb.write_all(&vec![0; 9 * 1024 * 1024]).unwrap();
    let mut text = GzEncoder::new(Vec::new(), Compression::fast());
    text.write_all(b"hello").unwrap();
    let odd = [
        whole[..whole.len() / 2].to_vec(),
        b"# CONFIG_NF_TABLES is not set".to_vec(),
        bomb.finish().unwrap(),
        text.finish().unwrap(),
    ];
    for bytes in odd {
        let source = modular().file("/proc/config.gz", bytes);
        assert_eq!(probed(&source, true).nft_kernel, Tri::Unknown);
    }
}

#[test]
fn a_release_that_is_a_path_is_not_followed() {
    let source = modular().file("/lib/modules/../../etc/x/modules.builtin", "/nf_tables.ko");
    let release = Fact::Known("../../etc/x".into());
    let kernel = Kernel { release, ..kernel(Fact::Known(true)) };
    assert_eq!(
        probe(&Reader::new(&source), &kernel, &Lists::default(), "").nft_kernel,
        Tri::Unknown
    );
}

#[test]
fn legacy_is_there_though_its_tables_cannot_be_read() {
    let source = modular().unreadable("/proc/net/ip_tables_names", libc::EACCES);
    let found = probed(&source, true);
    assert_eq!(found.legacy_kernel, Tri::Yes);
    let expected = Fact::missing("/proc/net/ip_tables_names", Why::NotPermitted);
    assert_eq!(found.legacy_tables, expected);
}

#[test]
fn legacy_that_is_not_loaded_may_be_a_module() {
    let found = probed(&modular(), true);
    assert_eq!((found.legacy_kernel, found.legacy_tables), (Tri::Unknown, Fact::Known(vec![])));
    assert_eq!(probed(&modular(), false).legacy_kernel, Tri::No);
    let module = "CONFIG_IP_NF_IPTABLES=m\nCONFIG_IP_NF_IPTABLES_LEGACY=m";
    let source = modular().file("/proc/config.gz", config(module));
    assert_eq!(probed(&source, true).legacy_kernel, Tri::Unknown);
}

#[test]
fn legacy_that_was_left_out() {
    for lines in [
        "# CONFIG_IP_NF_IPTABLES is not set",
        "CONFIG_IP_NF_IPTABLES=m\n# CONFIG_IP_NF_IPTABLES_LEGACY is not set",
        "CONFIG_IP_NF_IPTABLES=m\n# CONFIG_NETFILTER_XTABLES_LEGACY is not set",
    ] {
        let source = modular().file("/proc/config.gz", config(lines));
        assert_eq!(probed(&source, true).legacy_kernel, Tri::No, "{lines}");
    }
}

#[test]
fn a_procfs_without_net_says_nothing_about_legacy() {
    let found = probed(&Fixed::new(), false);
    assert_eq!(found.legacy_kernel, Tri::Unknown);
    assert_eq!(found.legacy_tables.why(), Some(Why::NotFound));
}

#[test]
fn only_registered_tables_are_counted() {
    let question = |family, table: &str| ask::LegacyEntries { family, table: table.into() };
    let source = modular()
        .file("/proc/net/ip_tables_names", "nat\nfilter\nodd\n")
        .file("/proc/net/ip6_tables_names", "mangle\n")
        .answer(question(4, "nat"), 9)
        .answer(question(4, "filter"), 4)
        .refuse(question(6, "mangle"), Refusal::Errno(libc::EPERM));
    let found = probed(&source, true);
    let tables = found.legacy_tables.known().unwrap();
    let rows: Vec<_> =
        tables.iter().map(|t| (t.family, t.name.as_str(), t.has_rules(), t.count.why())).collect();
    let expected = [
        (4, "nat", Some(true), None),
        (4, "filter", Some(false), None),
        (4, "odd", None, Some(Why::Malformed)),
        (6, "mangle", None, Some(Why::NotPermitted)),
    ];
    assert_eq!(rows, expected);
    for table in ["raw", "mangle", "security", "odd"] {
        assert!(!source.was_asked(question(4, table)));
    }
}

#[test]
fn arbitrary_names_and_lists_never_panic() {
    arbtest::arbtest(|u| {
        let source = modular()
            .file("/proc/net/ip_tables_names", u.arbitrary::<Vec<u8>>()?)
            .file("/proc/modules", u.arbitrary::<Vec<u8>>()?)
            .file("/proc/config.gz", u.arbitrary::<Vec<u8>>()?);
        drop(probed(&source, u.arbitrary()?));
        Ok(())
    });
}
