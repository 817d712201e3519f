//! The MTU of the way out, and what engines give to containers.

use alloc::{format, string::String};

use super::tried;
use crate::{
    facts::{Facts, Link, Route},
    outcome::{Finding, Source, Unknown},
};

/// What dockerd gives to bridges for which it is told nothing.
pub(super) const DEFAULT: u32 = 1500;

/// The MTU of the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathMtu {
    /// Bytes.
    pub mtu: u32,
    /// What says so.
    pub source: Source,
    /// What was seen there.
    pub value: String,
}

impl PathMtu {
    /// `finding` with this observation.
    pub(super) fn evidence(&self, finding: Finding) -> Finding {
        finding.evidence(self.source.clone(), self.value.as_str())
    }
}

/// The MTU of the way out: what was read, or what a trial found to be less. `None` if there is no way out.
pub(super) fn path_mtu(facts: &Facts) -> Result<Option<PathMtu>, Unknown> {
    Ok(read(facts)?.map(|path| tried::narrower(facts, path.mtu).unwrap_or(path)))
}

/// What the kernel would put into one packet to the outside; without that, the smallest of the uplink and
/// its route.
pub(super) fn read(facts: &Facts) -> Result<Option<PathMtu>, Unknown> {
    let network = &facts.network;
    let uplink = network.uplink();
    let device = uplink.map_or_else(String::new, |l| format!(", uplink {} {}", l.name, l.mtu));
    if let Some(path) = network.path_mtu_v4.known().or(network.path_mtu_v6.known()) {
        return Ok(Some(PathMtu {
            mtu: path.mtu,
            source: format!("IP_MTU towards {}", path.destination).into(),
            value: format!("{}{device}", path.mtu),
        }));
    }
    let Some(link) = uplink else {
        // A default route whose link cannot be seen is no answer; the lack of one is.
        if network.routes.get()?.iter().any(Route::is_default) {
            network.path_mtu_v4.get()?;
        }
        return Ok(None);
    };
    let route = network.routes.known().into_iter().flatten();
    let metric = route
        .filter(|route| route.is_default() && route.interface == Some(link.index))
        .filter_map(|route| route.mtu)
        .min();
    Ok(Some(PathMtu {
        mtu: metric.map_or(link.mtu, |mtu| mtu.min(link.mtu)),
        source: format!("{}: {}", network.source, link.name).into(),
        value: metric.map_or_else(
            || format!("mtu {}", link.mtu),
            |mtu| format!("mtu {}, default route mtu {mtu}", link.mtu),
        ),
    }))
}

/// A setting of dockerd and what says so; from the arguments of a running daemon, else daemon.json.
pub(super) struct Configured {
    /// Bytes.
    pub mtu: u32,
    /// What says so.
    pub source: String,
}

/// The MTU of the default bridge, if it is configured.
pub(super) fn daemon_mtu(facts: &Facts) -> Result<Option<Configured>, Unknown> {
    let flag = facts.engines.named("dockerd").find_map(|daemon| daemon.flag("mtu")?.parse().ok());
    if let Some(mtu) = flag.filter(|mtu| *mtu != 0) {
        return Ok(Some(Configured { mtu, source: "dockerd --mtu".into() }));
    }
    from_daemon_json(facts, &["mtu"])
}

/// The MTU of user-defined networks, if it is configured.
pub(super) fn user_network_mtu(facts: &Facts) -> Result<Option<Configured>, Unknown> {
    let prefix = "bridge=com.docker.network.driver.mtu=";
    let flag = facts
        .engines
        .named("dockerd")
        .filter_map(|daemon| daemon.arguments.known())
        .flatten()
        .find_map(|argument| argument.split_once(prefix)?.1.parse().ok());
    if let Some(mtu) = flag {
        return Ok(Some(Configured { mtu, source: "dockerd --default-network-opt".into() }));
    }
    from_daemon_json(facts, &["default-network-opts", "bridge", "com.docker.network.driver.mtu"])
}

fn from_daemon_json(facts: &Facts, keys: &[&str]) -> Result<Option<Configured>, Unknown> {
    // A daemon whose arguments cannot be read may have been told anything, and so may one that cannot be seen.
    facts.engines.running.told()?;
    for daemon in facts.engines.named("dockerd") {
        daemon.arguments.get()?;
    }
    let file = facts.engines.daemon_json.get()?;
    let value = facts.engines.configured(keys);
    let mtu = value.and_then(|value| match value.as_str() {
        Some(text) => text.parse().ok(),
        None => u32::try_from(value.as_u64()?).ok(),
    });
    Ok(mtu
        .filter(|mtu| *mtu != 0)
        .map(|mtu| Configured { mtu, source: format!("{}: {}", file.path, keys.join(".")) }))
}

/// The largest MTU among the veth ports of a bridge: what its containers have. A bridge's own MTU follows
/// its ports, and is cosmetic without any.
pub(super) fn port_mtu<'a>(facts: &'a Facts, bridge: &Link) -> Option<&'a Link> {
    facts.network.ports(bridge.index).filter(|port| is_veth(port)).max_by_key(|port| port.mtu)
}

fn is_veth(link: &Link) -> bool {
    link.kind.as_ref().map_or_else(|| link.name.starts_with("veth"), |kind| *kind == "veth")
}

/// The bridges that have containers on them. A bridge that the way out leads over, or that has hardware in
/// it, joins this machine to its network and is not an engine's.
pub(super) fn container_bridges(facts: &Facts) -> impl Iterator<Item = (&Link, &Link)> {
    let uplink = facts.network.uplink().map(|link| link.index);
    facts
        .network
        .links
        .known()
        .into_iter()
        .flatten()
        .filter(move |link| is_bridge(link) && Some(link.index) != uplink)
        .filter(|link| facts.network.ports(link.index).all(is_veth))
        .filter_map(|link| Some((link, port_mtu(facts, link)?)))
}

fn is_bridge(link: &Link) -> bool {
    // /sys/class/net, the fall-back for netlink, gives no kind.
    link.kind.as_ref().map_or_else(
        || ["docker0", "br-", "cni", "kind", "podman"].iter().any(|p| link.name.starts_with(p)),
        |kind| *kind == "bridge",
    )
}

/// Whether Docker made this bridge for a user-defined network.
pub(super) fn is_user_network(bridge: &Link) -> bool {
    bridge.name.starts_with("br-")
}

/// `finding` with an observation of a bridge's port.
pub(super) fn port_evidence(
    facts: &Facts,
    finding: Finding,
    bridge: &Link,
    port: &Link,
) -> Finding {
    finding.evidence(
        format!("{}: {}", facts.network.source, bridge.name),
        format!("port {} mtu {}", port.name, port.mtu),
    )
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Why},
        testing::healthy_container,
    };

    #[test]
    fn the_kernels_answer_wins_over_device_and_route() {
        let mut facts = healthy_container();
        if let Known(path) = &mut facts.network.path_mtu_v4 {
            path.mtu = 1450;
        }
        let path = path_mtu(&facts).unwrap().unwrap();
        assert_eq!((path.mtu, path.value.as_str()), (1450, "1450, uplink eth0 1500"));
    }

    #[test]
    fn without_it_the_route_counts_before_the_device() {
        let mut facts = healthy_container();
        facts.network.path_mtu_v4 = Fact::missing("IP_MTU", Why::NotPermitted);
        assert_eq!(path_mtu(&facts).unwrap().unwrap().mtu, 1500);
        if let Known(routes) = &mut facts.network.routes {
            routes[0].mtu = Some(1450);
        }
        assert_eq!(path_mtu(&facts).unwrap().unwrap().mtu, 1450);
    }

    #[test]
    fn no_route_is_an_answer_and_no_routes_are_none() {
        let mut facts = healthy_container();
        facts.network.path_mtu_v4 = Fact::missing("IP_MTU", Why::NotFound);
        facts.network.routes = Known(vec![]);
        assert_eq!(path_mtu(&facts), Ok(None));
        facts.network.routes = Fact::missing("netlink: routes", Why::NotPermitted);
        assert!(path_mtu(&facts).is_err());
    }
}
