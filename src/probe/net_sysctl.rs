//! Sysctls of the network namespace.

use std::str::FromStr;

use dind_doctor_checks::facts::{Fact, Missing, NetSysctls, Text, Why};

use super::{Reader, sysctl_files};

pub(super) fn probe(reader: &Reader<'_>) -> NetSysctls {
    NetSysctls {
        ip_forward: switch(reader, "/proc/sys/net/ipv4/ip_forward"),
        ip_forward_at_boot: sysctl_files::last(
            reader,
            &["net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"],
        ),
        ipv6: visible(reader, "/proc/net/if_inet6").map(|bytes| bytes.is_some()),
        ipv6_disabled: switch(reader, "/proc/sys/net/ipv6/conf/all/disable_ipv6"),
        bridge_nf_call_iptables: of_module(reader, "/proc/sys/net/bridge/bridge-nf-call-iptables")
            .map(|value: Option<u32>| value.map(|value| value != 0)),
        conntrack_max: of_module(reader, "/proc/sys/net/netfilter/nf_conntrack_max"),
    }
}

fn number<T: FromStr>(reader: &Reader<'_>, path: &str) -> Fact<T> {
    let parse = |bytes: Vec<u8>| {
        let text = Text::from_bytes(bytes.trim_ascii());
        text.parse().map_err(|_| Missing::new(path, Why::Malformed))
    };
    reader.bytes(path).and_then(parse).into()
}

fn switch(reader: &Reader<'_>, path: &str) -> Fact<bool> {
    number(reader, path).map(|value: u32| value != 0)
}

/// A sysctl that comes and goes with a module. Where `/proc/sys/net` itself is hidden, its absence says
/// nothing.
fn of_module<T: FromStr>(reader: &Reader<'_>, path: &str) -> Fact<Option<T>> {
    match number(reader, path) {
        Fact::Known(value) => Fact::Known(Some(value)),
        Fact::Missing(Missing { why: Why::NotFound, .. })
            if reader.bytes("/proc/sys/net/ipv4/ip_forward").is_ok() =>
        {
            Fact::Known(None)
        }
        Fact::Missing(missing) => Fact::Missing(missing),
    }
}

/// The content of a file below `/proc/net`; `None` if it is not there and the directory can be seen.
fn visible(reader: &Reader<'_>, path: &str) -> Fact<Option<Vec<u8>>> {
    match reader.bytes(path) {
        Ok(bytes) => Fact::Known(Some(bytes)),
        Err(Missing { why: Why::NotFound, .. }) if reader.stat("/proc/net/dev").is_ok() => {
            Fact::Known(None)
        }
        Err(missing) => Fact::Missing(missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixed::Fixed;

    fn probed(source: &Fixed) -> NetSysctls {
        probe(&Reader::new(source))
    }

    #[test]
    fn values_are_read() {
        let found = probed(
            &Fixed::new()
                .file("/proc/sys/net/ipv4/ip_forward", "0\n")
                .file("/proc/net/if_inet6", "")
                .file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1\n")
                .file("/proc/sys/net/bridge/bridge-nf-call-iptables", "1\n")
                .file("/proc/sys/net/netfilter/nf_conntrack_max", "65536\n"),
        );
        assert_eq!(found.ip_forward, Fact::Known(false));
        assert_eq!(found.ipv6, Fact::Known(true));
        assert_eq!(found.ipv6_disabled, Fact::Known(true));
        assert_eq!(found.bridge_nf_call_iptables, Fact::Known(Some(true)));
        assert_eq!(found.conntrack_max, Fact::Known(Some(65_536)));
    }

    #[test]
    fn what_belongs_to_a_module_is_absent_only_where_the_rest_is_seen() {
        let source =
            Fixed::new().file("/proc/sys/net/ipv4/ip_forward", "1\n").file("/proc/net/dev", "");
        let found = probed(&source);
        assert_eq!(found.bridge_nf_call_iptables, Fact::Known(None));
        assert_eq!(found.ipv6, Fact::Known(false));
        let hidden = probed(&Fixed::new());
        assert_eq!(hidden.bridge_nf_call_iptables.why(), Some(Why::NotFound));
        assert_eq!(hidden.ipv6.why(), Some(Why::NotFound));
    }

    #[test]
    fn nonsense_is_malformed_and_a_refusal_is_kept() {
        let source = Fixed::new()
            .file("/proc/sys/net/ipv4/ip_forward", b"\xff\n")
            .unreadable("/proc/sys/net/netfilter/nf_conntrack_max", libc::EACCES);
        let found = probed(&source);
        assert_eq!(found.ip_forward.why(), Some(Why::Malformed));
        assert_eq!(found.conntrack_max.why(), Some(Why::NotPermitted));
    }
}
