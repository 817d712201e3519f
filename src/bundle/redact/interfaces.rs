//! Names of network interfaces.

use super::names::listed;

/// Names in whole that kernel and engines give, and what stands beside interfaces in `/sys` and `/proc`.
const NAMES: &str = "\
    all bonding_masters bridge cilium_host cilium_net cilium_vxlan default docker_gwbridge \
    flannel-v6.1 kube-bridge kube-dummy-if kube-ipvs0 lo lxc_health nodelocaldns vxlan.calico \
    vxlan-v6.calico ip_vti0 ip6_vti0 lxdbr incusbr lxcbr podman kind wg tun tap";

/// Beginnings that kernel, udev and engines give; checks know bridges by some of them.
const PREFIXES: &str = "\
    azv bond br br- cali cbr cilium_ cni cni-podman docker dummy eni enP eno enp ens enx erspan \
    eth flannel genev gre gretap ib if ifb incusbr ip6gre ip6tnl ipvlan kind kube- lxc lxcbr lxd \
    lxdbr macvlan macvtap nlmon ovs podman sit tailscale tap team tun tunl usb veth vethwe virbr \
    vlan vmnet vnet vti vxlan weave wg wlan wlp wlx wwan zt";

/// Beginnings of udev's predictable names, after which a place follows: `enp0s31f6np0`.
const PREDICTABLE: &[&str] = &["enP", "eno", "enp", "ens", "wlp"];

/// What is in a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    /// Kernel, udev or an engine can have given it.
    Given,
    /// A beginning that one of them gives, and an address or the id of a network.
    WithId(&'a str, &'a str),
    /// Somebody chose it; checks may know it by this beginning, if it has one.
    Chosen(&'a str),
}

/// What is in this name.
pub(super) fn name(name: &str) -> Name<'_> {
    if name.is_empty() || listed(NAMES, name) {
        return Name::Given;
    }
    let prefix = PREFIXES
        .split_ascii_whitespace()
        .filter(|prefix| name.starts_with(prefix))
        .max_by_key(|p| p.len());
    let (prefix, rest) = name.split_at(prefix.unwrap_or_default().len());
    // `enx` and `wlx` are followed by the hardware address, `br-` by the id of a Docker network.
    if rest.len() == 12 && rest.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Name::WithId(prefix, rest);
    }
    let numbered = rest.bytes().all(|b| b.is_ascii_digit() || b".:-_@".contains(&b));
    let random = rest.len() >= 4
        && rest.len() < 12
        && rest.bytes().all(|b| b.is_ascii_hexdigit())
        && rest.bytes().any(|b| b.is_ascii_digit());
    let place = PREDICTABLE.contains(&prefix)
        && rest.starts_with(|c: char| c.is_ascii_digit())
        && rest.bytes().all(|b| b.is_ascii_digit() || b"psfndiu.".contains(&b));
    if !prefix.is_empty() && (numbered || random || place) {
        return Name::Given;
    }
    Name::Chosen(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for given in [
            "lo",
            "eth0",
            "eth0.100",
            "enp0s31f6",
            "ens5",
            "docker0",
            "veth1a2b3c4",
            "cali0123456789a",
            "cni0",
            "wg0",
            "docker_gwbridge",
            "kind",
            "flannel.1",
            "if7",
        ] {
            assert_eq!(name(given), Name::Given, "{given}");
        }
        assert_eq!(name("acme0"), Name::Chosen(""));
        assert_eq!(name("br-payroll"), Name::Chosen("br-"));
        assert_eq!(name("enx001122334455"), Name::WithId("enx", "001122334455"));
    }
}
