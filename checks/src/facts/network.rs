//! Links, addresses, routes and MTUs.

use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Fact, Text};

/// One network link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Interface index.
    pub index: u32,
    /// Name.
    pub name: Text,
    /// `IFLA_INFO_KIND`: `bridge`, `veth`, `vxlan`, …; `None` for hardware and loopback.
    pub kind: Option<Text>,
    /// Device MTU in bytes.
    pub mtu: u32,
    /// Whether it is administratively up.
    pub up: bool,
    /// Whether it is the loopback device.
    pub loopback: bool,
    /// Index of the bridge or bond that it is a port of.
    pub controller: Option<u32>,
}

/// One address of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Interface index.
    pub index: u32,
    /// Address with the length of its prefix.
    pub address: IpNet,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Routing table; 254 is `main`.
    pub table: u32,
    /// Destination; the zero prefix is the default route.
    pub destination: IpNet,
    /// Next hop.
    pub gateway: Option<IpAddr>,
    /// Index of the outgoing interface.
    pub interface: Option<u32>,
    /// `RTAX_MTU`, if the route has one.
    pub mtu: Option<u32>,
    /// Priority; lower is preferred.
    pub metric: u32,
    /// Whether it is a unicast route, and not local, broadcast, blackhole, …
    pub unicast: bool,
}

impl Route {
    /// Whether it is a default route.
    pub fn is_default(&self) -> bool {
        self.destination.prefix_len() == 0 && self.unicast
    }
}

/// The path MTU towards a destination, from `getsockopt(IP_MTU)` on a connected UDP socket; nothing is
/// sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathMtu {
    /// The destination.
    pub destination: IpAddr,
    /// The smallest of device MTU, route metric and what the kernel has learnt.
    pub mtu: u32,
}

/// The network as seen from this network namespace.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Network {
    /// Links, by index.
    pub links: Fact<Vec<Link>>,
    /// Addresses.
    pub addresses: Fact<Vec<Address>>,
    /// Routes of all tables.
    pub routes: Fact<Vec<Route>>,
    /// `rtnetlink`, or `/sys/class/net and /proc/net/route` where netlink is refused.
    pub source: Text,
    /// Path MTU towards the outside by IPv4; not-found if there is no route.
    pub path_mtu_v4: Fact<PathMtu>,
    /// Path MTU towards the outside by IPv6.
    pub path_mtu_v6: Fact<PathMtu>,
    /// `net.ipv4.tcp_mtu_probing`.
    pub tcp_mtu_probing: Fact<u32>,
}

impl Network {
    /// The link with this index.
    pub fn link(&self, index: u32) -> Option<&Link> {
        self.links.known()?.iter().find(|l| l.index == index)
    }

    /// The link that the default route goes out of: IPv4 before IPv6, the lowest metric first.
    pub fn uplink(&self) -> Option<&Link> {
        let defaults = self.routes.known()?.iter().filter(|r| r.is_default());
        let best = defaults
            .filter(|r| r.interface.is_some())
            .min_by_key(|r| (r.destination.network().is_ipv6(), r.table != 254, r.metric))?;
        self.link(best.interface?)
    }

    /// The ports of a bridge.
    pub fn ports(&self, bridge: u32) -> impl Iterator<Item = &Link> {
        let links = self.links.known().into_iter().flatten();
        links.filter(move |l| l.controller == Some(bridge))
    }
}
