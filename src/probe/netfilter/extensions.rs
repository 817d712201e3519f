//! Extensions of iptables, and tables, that rules of engines need.

use dind_doctor_checks::facts::{Extension, Tri};

use crate::probe::{
    Reader,
    modules::{Modules, Setting},
};

/// What the kernel has registered, built in or loaded, of one kind.
const MATCHES: &str = "/proc/net/ip_tables_matches";
const TARGETS: &str = "/proc/net/ip_tables_targets";
const CONFIG: &str = "/proc/config.gz";

/// What rules need.
struct Needed {
    name: &'static str,
    /// Where it would be listed.
    list: Option<&'static str>,
    /// The options of which one brings it.
    options: &'static [&'static str],
    /// The module, below the kernel's modules.
    module: &'static str,
}

const fn needed(
    name: &'static str,
    list: Option<&'static str>,
    options: &'static [&'static str],
    module: &'static str,
) -> Needed {
    Needed { name, list, options, module }
}

const NEEDED: [Needed; 11] = [
    needed(
        "match addrtype",
        Some(MATCHES),
        &["CONFIG_NETFILTER_XT_MATCH_ADDRTYPE"],
        "net/netfilter/xt_addrtype",
    ),
    needed(
        "match comment",
        Some(MATCHES),
        &["CONFIG_NETFILTER_XT_MATCH_COMMENT"],
        "net/netfilter/xt_comment",
    ),
    needed(
        "match conntrack",
        Some(MATCHES),
        &["CONFIG_NETFILTER_XT_MATCH_CONNTRACK"],
        "net/netfilter/xt_conntrack",
    ),
    needed("match mark", Some(MATCHES), &["CONFIG_NETFILTER_XT_MARK"], "net/netfilter/xt_mark"),
    needed(
        "match recent",
        Some(MATCHES),
        &["CONFIG_NETFILTER_XT_MATCH_RECENT"],
        "net/netfilter/xt_recent",
    ),
    needed(
        "match statistic",
        Some(MATCHES),
        &["CONFIG_NETFILTER_XT_MATCH_STATISTIC"],
        "net/netfilter/xt_statistic",
    ),
    needed("target DNAT", Some(TARGETS), &["CONFIG_NETFILTER_XT_NAT"], "net/netfilter/xt_nat"),
    needed("target MARK", Some(TARGETS), &["CONFIG_NETFILTER_XT_MARK"], "net/netfilter/xt_mark"),
    needed(
        "target MASQUERADE",
        Some(TARGETS),
        // Before 5.2 it was of IPv4 alone.
        &["CONFIG_NETFILTER_XT_TARGET_MASQUERADE", "CONFIG_IP_NF_TARGET_MASQUERADE"],
        "net/netfilter/xt_MASQUERADE",
    ),
    needed(
        "target REJECT",
        Some(TARGETS),
        &["CONFIG_IP_NF_TARGET_REJECT"],
        "net/ipv4/netfilter/ipt_REJECT",
    ),
    // Tables are listed only when someone has used them.
    needed("table raw", None, &["CONFIG_IP_NF_RAW"], "net/ipv4/netfilter/iptable_raw"),
];

pub(super) fn extensions(reader: &Reader<'_>, modules: &Modules<'_, '_>) -> Vec<Extension> {
    let lists = [MATCHES, TARGETS].map(|path| (path, reader.bytes(path).ok()));
    let listed = |path: Option<&str>| {
        lists.iter().find(|(p, _)| Some(*p) == path).and_then(|(_, bytes)| bytes.as_deref())
    };
    NEEDED.iter().map(|needed| extension(needed, listed(needed.list), modules)).collect()
}

fn extension(needed: &Needed, list: Option<&[u8]>, modules: &Modules<'_, '_>) -> Extension {
    let found = |present, source: &str| Extension {
        name: needed.name.into(),
        present,
        source: source.into(),
    };
    let word = needed.name.rsplit(' ').next().unwrap_or_default();
    if let (Some(path), Some(list)) = (needed.list, list) {
        if list.split(|byte| *byte == b'\n').any(|line| line == word.as_bytes()) {
            return found(Tri::Yes, path);
        }
        // Without modules, what is not registered is not in the kernel.
        if modules.none_loadable() {
            return found(Tri::No, path);
        }
    }
    let settings: Vec<_> =
        needed.options.iter().filter_map(|option| modules.setting(option)).collect();
    if settings.contains(&Setting::BuiltIn) {
        return found(Tri::Yes, CONFIG);
    }
    if !settings.is_empty() && !settings.contains(&Setting::Module) {
        return found(Tri::No, CONFIG);
    }
    if let Some(file) = modules.lacks_file(needed.module) {
        return found(Tri::No, &file);
    }
    match (needed.list, list) {
        // It is registered when the kernel has loaded it.
        (Some(path), Some(_)) => found(Tri::Unknown, path),
        _ => found(Tri::Unknown, CONFIG),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use dind_doctor_checks::facts::{Fact, Kernel};
    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::source::fixed::Fixed;

    fn config(lines: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(format!("#\nCONFIG_NET=y\n{lines}\n").as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn present(source: &Fixed, loadable: bool, name: &str) -> Tri {
        let reader = Reader::new(source);
        let kernel = Kernel { modules_loadable: Fact::Known(loadable), ..Kernel::default() };
        let found = extensions(
            &reader,
            &Modules::new(&reader, &kernel, &crate::probe::modules::Lists::default()),
        );
        found.iter().find(|extension| extension.name == *name).unwrap().present
    }

    #[test]
    fn without_modules_the_list_is_all_there_is() {
        let source = Fixed::new()
            .file("/proc/net/dev", "")
            .file(MATCHES, "conntrack\nconntrack\nicmp\n")
            .file(TARGETS, "ERROR\n");
        assert_eq!(present(&source, false, "match conntrack"), Tri::Yes);
        assert_eq!(present(&source, false, "match addrtype"), Tri::No);
        assert_eq!(present(&source, false, "table raw"), Tri::Unknown);
        assert_eq!(present(&source, true, "match addrtype"), Tri::Unknown);
    }

    #[test]
    fn the_configuration_tells_what_was_left_out() {
        let lines = "CONFIG_NETFILTER_XT_MATCH_CONNTRACK=m\nCONFIG_IP_NF_RAW=y\n\
                     CONFIG_IP_NF_TARGET_MASQUERADE=y";
        let source = Fixed::new().file("/proc/net/dev", "").file(CONFIG, config(lines));
        assert_eq!(present(&source, true, "match conntrack"), Tri::Unknown);
        assert_eq!(present(&source, true, "match addrtype"), Tri::No);
        assert_eq!(present(&source, true, "table raw"), Tri::Yes);
        assert_eq!(present(&source, true, "target MASQUERADE"), Tri::Yes);
    }

    #[test]
    fn lists_that_cannot_be_read_say_nothing() {
        let source = Fixed::new().file("/proc/net/dev", "").unreadable(MATCHES, libc::EACCES);
        assert_eq!(present(&source, false, "match addrtype"), Tri::Unknown);
    }
}
