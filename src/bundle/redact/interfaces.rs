//! Names of network interfaces.

use super::{names::listed, pseudonyms::Pseudonyms};

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

/// The name itself if kernel, udev or an engine can have given it; else the beginning by which checks
/// may know it and a number.
pub(super) fn interface(names: &Pseudonyms, name: &str) -> String {
    if name.is_empty() || listed(NAMES, name) {
        return name.to_owned();
    }
    let prefix = PREFIXES
        .split_ascii_whitespace()
        .filter(|prefix| name.starts_with(prefix))
        .max_by_key(|p| p.len());
    let prefix = prefix.unwrap_or_default();
    let rest = &name[prefix.len()..];
    // `enx` and `wlx` are followed by the hardware address, `br-` by the id of a Docker network.
    if rest.len() == 12 && rest.bytes().all(|b| b.is_ascii_hexdigit()) {
        return format!("{prefix}{}", names.id(rest));
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
        return name.to_owned();
    }
    let stem = if prefix.is_empty() { "if".to_owned() } else { format!("{prefix}n") };
    names.interface_number(&stem, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_names_stay_and_chosen_ones_keep_what_is_judged() {
        let mut names = Pseudonyms::default();
        let chosen = ["acme0", "br-payroll", "kind-acme", "enx001122334455", "br-0123456789ab"];
        for name in chosen {
            interface(&names, name);
        }
        names.settle();
        for name in [
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
            "br-n3",
        ] {
            assert_eq!(interface(&names, name), name);
        }
        let images = chosen.map(|name| interface(&names, name));
        assert_eq!(images, ["if1", "br-n2", "kindn3", "enx000000000001", "br-000000000002"]);
    }
}
