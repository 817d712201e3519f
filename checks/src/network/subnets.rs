//! Address ranges that are in use here, and ranges that are free.

use alloc::{format, string::String, vec::Vec};
use core::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use crate::facts::{Facts, Link};

/// A range that something here needs to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Used {
    /// The range.
    pub net: Ipv4Net,
    /// What says so.
    pub source: String,
    /// What it is, for people.
    pub what: String,
    /// Whether it is in the routing table, where dockerd sees it too and avoids it of its own accord.
    pub routed: bool,
    /// Whether it is a route without a next hop.
    pub on_link: bool,
}

/// Whether two ranges have an address in common.
pub(super) fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

/// Ranges in use, the routed ones first. Bridges and tunnels that engines here have made are their own and
/// not counted.
pub(super) fn used(facts: &Facts) -> Vec<Used> {
    let mut used = Vec::new();
    let own = |index: Option<u32>| {
        let link = index.and_then(|index| facts.network.link(index));
        link.is_some_and(|link| link.loopback || is_engines(facts, link))
    };
    for route in facts.network.routes.known().into_iter().flatten() {
        if let (IpNet::V4(net), true) = (route.destination, route.unicast && route.table != 255)
            && counts(net)
            && !own(route.interface)
        {
            let what = format!("a route to {net}");
            let source = String::from(facts.network.source.as_str());
            let on_link = route.gateway.is_none();
            used.push(Used { net, source, what, routed: true, on_link });
        }
    }
    for address in facts.network.addresses.known().into_iter().flatten() {
        if let (IpNet::V4(net), false) = (address.address, own(Some(address.index)))
            && counts(net)
        {
            let name = facts.network.link(address.index).map_or("?", |link| link.name.as_str());
            let source = String::from("netlink: addresses");
            let what = format!("{net} on {name}");
            let routed = net.prefix_len() < 32;
            used.push(Used { net: net.trunc(), source, what, routed, on_link: routed });
        }
    }
    used.extend(named(facts));
    used
}

/// Single addresses that this environment is told to use: no route but the default one need name them.
fn named(facts: &Facts) -> Vec<Used> {
    let mut used = Vec::new();
    let mut add = |address: IpAddr, source: &str, what: &str| {
        if let IpAddr::V4(address) = address {
            let net = Ipv4Net::from(address);
            if counts(net) {
                let what = format!("{what} {address}");
                used.push(Used { net, source: source.into(), what, routed: false, on_link: false });
            }
        }
    };
    for server in facts.resolver.resolv_conf.known().into_iter().flat_map(|conf| &conf.servers) {
        add(server.address, "/etc/resolv.conf", "the name server");
    }
    for (name, what) in [
        ("KUBERNETES_SERVICE_HOST", "the API server of the outer cluster"),
        ("DOCKER_HOST", "the daemon of DOCKER_HOST"),
        ("HTTPS_PROXY", "the proxy"),
        ("HTTP_PROXY", "the proxy"),
        ("https_proxy", "the proxy"),
        ("http_proxy", "the proxy"),
    ] {
        let value = facts.runtime.variable(name);
        if let Some(Ok(address)) = value.map(|value| host_of(value).parse()) {
            add(address, name, what);
        }
    }
    used
}

/// The host of `scheme://user:password@host:port/path`, or of what of that there is.
pub(super) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    if let Some(v6) = rest.strip_prefix('[') {
        return v6.split(']').next().unwrap_or_default();
    }
    rest.split(':').next().unwrap_or_default()
}

/// Not the default route, loopback, link-local, multicast.
fn counts(net: Ipv4Net) -> bool {
    let address = net.addr();
    net.prefix_len() > 0
        && !address.is_loopback()
        && !address.is_link_local()
        && !address.is_multicast()
        && !address.is_unspecified()
}

/// Links that engines make: bridges, the ends of veths that stay on this side, overlays of a CNI. The
/// uplink is a veth in every container, and is not.
fn is_engines(facts: &Facts, link: &Link) -> bool {
    const NAMES: [&str; 11] = [
        "docker", "br-", "cni", "flannel", "cilium", "cali", "podman", "virbr", "lxcbr", "kind",
        "kube-",
    ];
    if facts.network.uplink().is_some_and(|uplink| uplink.index == link.index) {
        return false;
    }
    NAMES.iter().any(|name| link.name.starts_with(name))
        || link.kind.as_ref().is_some_and(|kind| *kind == "bridge")
        || link.kind.as_ref().is_some_and(|kind| *kind == "veth") && link.name.starts_with("veth")
}

/// Ranges of 65536 addresses that overlap with none of `used`; what is only known by single addresses
/// takes the whole range that they are in.
pub(super) fn free(used: &[Used], wanted: usize) -> Vec<Ipv4Net> {
    let blocks = |first: u8, from: u8, to: u8| {
        (from..=to)
            .filter_map(move |second| Ipv4Net::new(Ipv4Addr::new(first, second, 0, 0), 16).ok())
    };
    // What docker, kind, k3s, GKE and EKS hand out by default is left out.
    let candidates = blocks(10, 200, 239).chain(blocks(10, 140, 199)).chain(blocks(172, 21, 30));
    let is_free = |net: &Ipv4Net| !used.iter().any(|used| overlap(*net, used.net));
    candidates.filter(is_free).take(wanted).collect()
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Fact::Known, Route},
        testing::healthy_container,
    };

    #[test]
    fn hosts_are_taken_out_of_urls() {
        for (url, host) in [
            ("tcp://10.0.0.1:2375", "10.0.0.1"),
            ("http://u:p@proxy:3128/", "proxy"),
            ("[::1]:80", "::1"),
            ("10.96.0.1", "10.96.0.1"),
            ("unix:///var/run/docker.sock", ""),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }

    #[test]
    fn bridges_of_engines_are_their_own() {
        let mut facts = healthy_container();
        let docker0 = Link {
            index: 3,
            name: "docker0".into(),
            kind: Some("bridge".into()),
            mtu: 1500,
            up: true,
            loopback: false,
            controller: None,
        };
        if let (Known(links), Known(routes)) = (&mut facts.network.links, &mut facts.network.routes)
        {
            links.push(docker0);
            let net: Ipv4Net = "172.17.0.0/16".parse().unwrap();
            let route = Route { destination: net.into(), interface: Some(3), ..routes[0].clone() };
            routes.push(route.clone());
            routes.push(Route { interface: Some(2), ..route });
        }
        let nets: Vec<_> = used(&facts).into_iter().filter(|u| u.routed).map(|u| u.net).collect();
        assert_eq!(nets, vec!["172.17.0.0/16".parse::<Ipv4Net>().unwrap()]);
    }

    #[test]
    fn free_ranges_avoid_what_is_used() {
        let of = |net: &str| Used {
            net: net.parse().unwrap(),
            source: String::new(),
            what: String::new(),
            routed: true,
            on_link: false,
        };
        let names = |used: &[Used]| -> Vec<String> {
            free(used, 2).iter().map(|net| format!("{net}")).collect()
        };
        assert_eq!(names(&[]), ["10.200.0.0/16", "10.201.0.0/16"]);
        assert_eq!(names(&[of("10.200.7.0/24")]), ["10.201.0.0/16", "10.202.0.0/16"]);
        assert_eq!(names(&[of("10.0.0.0/8")]), ["172.21.0.0/16", "172.22.0.0/16"]);
        assert!(names(&[of("10.0.0.0/8"), of("172.16.0.0/12")]).is_empty());
    }
}
