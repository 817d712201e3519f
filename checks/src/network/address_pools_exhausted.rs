use alloc::{collections::BTreeSet, format, string::String, vec::Vec};

use ipnet::{IpNet, Ipv4Net};

use super::{
    subnet_overlap,
    subnets::{self, overlap},
};
use crate::{
    facts::Facts,
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{DaemonOption, Place, Remedy},
    target::{Severity, Target},
};

check! {
    /// ## What it looks at
    /// The pools from which dockerd takes the subnet of each new network (`default-address-pools`, else its defaults: 15
    /// of /16 below 172.16.0.0/12, 16 of /20 in 192.168.0.0/16), and which of their subnets have an address or a route
    /// here: bridges of networks that exist, the machine's own networks.
    ///
    /// ## Why it matters
    /// Each network of Compose, each project of a platform such as Coolify, Dokploy or a CI runner takes a whole subnet.
    /// When none is left, the next one ends with "all predefined address pools have been fully subnetted", and nothing
    /// that brings a network of its own starts: after 31 networks with the defaults.
    ///
    /// ## When it is fine
    /// As long as subnets are left; two or fewer of many are a warning. What is up already keeps its network. kind makes
    /// its network once: it is only warned. A network that names its subnet needs no pool, and podman has 256 and more.
    ///
    /// ## How to fix
    /// `docker network prune` gives back what no container uses. For good: `default-address-pools` with smaller subnets in
    /// daemon.json, and a restart; networks that exist keep theirs.
    ///
    /// ## References
    /// moby `daemon/libnetwork/ipamutils`; coollabsio/coolify#3529; docker/compose#4336;
    /// <https://docs.docker.com/reference/cli/dockerd/#default-address-pools>.
    "address-pools-exhausted",
    "dockerd has no subnet left for another network",
    Docker,
    { dockerd: Error, docker: Error, kind: Warning },
    [
        "all predefined address pools have been fully subnetted",
        "could not find an available, non-overlapping IPv4 address pool",
    ]
}

/// Pools of dockerd, each with the length of the prefix of its subnets (moby `ipamutils`).
const DEFAULT: [(&str, u8); 7] = [
    ("172.17.0.0/16", 16),
    ("172.18.0.0/16", 16),
    ("172.19.0.0/16", 16),
    ("172.20.0.0/14", 16),
    ("172.24.0.0/14", 16),
    ("172.28.0.0/14", 16),
    ("192.168.0.0/16", 20),
];

/// More subnets than anybody uses; nothing is counted there.
const MANY: usize = 1024;

/// Fewer than this are a pool that somebody made so small, and knows.
const SEVERAL: usize = 8;

/// As many as a project of some networks takes.
const FEW: usize = 2;

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if plan.engine() != "dockerd" {
        return Ok(Outcome::not_applicable(format!("{} has pools of its own", plan.engine())));
    }
    facts.engines.told()?;
    let mut daemons = facts.engines.here("dockerd");
    if daemons.any(|daemon| daemon.flag("default-address-pool").is_some()) {
        return Ok(Outcome::not_applicable("dockerd is told its pools by arguments"));
    }
    let Some(subnets) = subnets_of(&pools(facts)) else { return Ok(Outcome::pass()) };
    let taken = taken(facts)?;
    let used: Vec<&Ipv4Net> =
        subnets.iter().filter(|net| taken.iter().any(|taken| overlap(**net, *taken))).collect();
    let left = subnets.len() - used.len();
    let routed_away = subnet_overlap::exhausted(facts, plan, &subnets::used(facts)).is_some();
    if routed_away || left > FEW || left > 0 && subnets.len() < SEVERAL {
        return Ok(Outcome::pass());
    }
    Ok(finding(facts, &subnets, left).into())
}

fn finding(facts: &Facts, subnets: &[Ipv4Net], left: usize) -> Finding {
    let total = subnets.len();
    let (severity, summary) = if left == 0 {
        let has_bridge =
            facts.network.links.known().into_iter().flatten().any(|l| l.name == "docker0");
        // Its default bridge has a subnet already: the daemon starts, and makes no other network.
        let dockerd = if has_bridge { Severity::Warning } else { Severity::Error };
        (
            severities!(docker: Error, kind: Warning).with(Target::Dockerd, Some(dockerd)),
            format!(
                "all {total} subnets of dockerd's address pools are in use: no network can be made"
            ),
        )
    } else {
        (
            severities!(dockerd: Warning, kind: Warning),
            format!(
                "{left} of {total} subnets of dockerd's address pools are left for new networks"
            ),
        )
    };
    let range = |net: Option<&Ipv4Net>| net.map_or_else(String::new, |net| format!("{net}"));
    let finding = Finding::new("address pools", severity, summary)
        .evidence(
            "dockerd: default-address-pools",
            format!("{} … {}", range(subnets.first()), range(subnets.last())),
        )
        .evidence("netlink: addresses and routes", format!("{} of {total} in use", total - left))
        .remedy(Remedy::commands(
            Place::Here,
            "give back the subnets of networks that no container uses",
            ["docker network prune"],
        ));
    match subnets::free(&subnets::used(facts), 1).as_slice() {
        [pool] => finding.remedy(Remedy::daemon(
            format!("give dockerd smaller subnets, 256 of them in {pool}, which is free here; networks that exist keep theirs"),
            [DaemonOption::default_address_pool(&format!("{pool}"), 24)],
        )),
        _ => finding,
    }
}

/// What daemon.json says, else the defaults.
fn pools(facts: &Facts) -> Vec<(Ipv4Net, u8)> {
    let configured = facts.engines.configured(&["default-address-pools"]);
    let rows = configured.and_then(|pools| pools.as_array()).into_iter().flatten();
    let told: Vec<(Ipv4Net, u8)> = rows
        .filter_map(|pool| {
            let base = pool.get("base")?.as_str()?.parse().ok()?;
            Some((base, u8::try_from(pool.get("size")?.as_u64()?).ok()?))
        })
        .collect();
    if !told.is_empty() {
        return told;
    }
    DEFAULT.iter().filter_map(|(base, size)| Some((base.parse().ok()?, *size))).collect()
}

/// Their subnets; nothing where there are more than anybody uses.
fn subnets_of(pools: &[(Ipv4Net, u8)]) -> Option<Vec<Ipv4Net>> {
    let mut all = Vec::new();
    for (base, size) in pools {
        all.extend(base.trunc().subnets(*size).ok()?.take(MANY + 1));
        if all.len() > MANY {
            return None;
        }
    }
    (!all.is_empty()).then_some(all)
}

/// What dockerd passes over: ranges of links, and routes without a next hop.
fn taken(facts: &Facts) -> Result<BTreeSet<Ipv4Net>, Unknown> {
    let network = &facts.network;
    let routes = network.routes.get()?.iter();
    let on_link = routes.filter(|route| route.unicast && route.gateway.is_none());
    let routes = on_link.map(|route| route.destination);
    let addresses = network.addresses.known().into_iter().flatten().map(|one| one.address);
    let v4 = |net: IpNet| match net {
        IpNet::V4(net) if net.prefix_len() > 0 => Some(net.trunc()),
        _ => None,
    };
    Ok(routes.chain(addresses).filter_map(v4).collect())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Address, EngineProcess, Fact, Fact::Known, Link, Why},
        testing::{healthy_container, healthy_vm, said_of, severity_for},
    };

    /// With bridges that have the first of these subnets.
    fn with_networks(count: usize, pools: &[(Ipv4Net, u8)]) -> Facts {
        let mut facts = healthy_vm();
        let (Known(links), Known(addresses)) =
            (&mut facts.network.links, &mut facts.network.addresses)
        else {
            panic!()
        };
        let subnets = pools.iter().flat_map(|(base, size)| base.subnets(*size).unwrap());
        for (index, net) in (10..).zip(subnets).take(count) {
            let name = if index == 10 { "docker0".into() } else { format!("br-{index}") };
            links.push(Link { index, name: name.as_str().into(), ..links[1].clone() });
            links.last_mut().unwrap().kind = Some("bridge".into());
            let gateway = net.hosts().next().unwrap();
            let address = Ipv4Net::new(gateway, net.prefix_len()).unwrap().into();
            addresses.push(Address { index, address });
        }
        facts
    }

    fn defaults() -> Vec<(Ipv4Net, u8)> {
        pools(&healthy_vm())
    }

    #[test]
    fn after_31_networks_there_is_no_other() {
        assert_eq!(subnets_of(&defaults()).unwrap().len(), 31);
        let facts = with_networks(31, &defaults());
        let Ok(Outcome::Found(found)) = said_of(&CHECK, &facts, Target::Docker) else { panic!() };
        assert!(found[0].severity.within(&CHECK.worst));
        assert!(found[0].summary.starts_with("all 31 subnets"));
        assert_eq!(found[0].remedies.len(), 2);
        assert_eq!(severity_for(&CHECK, &facts, Target::Docker), Some(Severity::Error));
        assert_eq!(severity_for(&CHECK, &facts, Target::Dockerd), Some(Severity::Warning));
        assert_eq!(severity_for(&CHECK, &facts, Target::Kind), Some(Severity::Warning));
    }

    #[test]
    fn without_a_default_bridge_the_daemon_does_not_start() {
        let mut facts = with_networks(31, &defaults());
        let Known(links) = &mut facts.network.links else { panic!() };
        links.retain(|link| link.name != "docker0");
        assert_eq!(severity_for(&CHECK, &facts, Target::Dockerd), Some(Severity::Error));
    }

    #[test]
    fn a_few_that_are_left_are_a_warning_and_more_are_fine() {
        for (count, wanted) in [(29, Some(Severity::Warning)), (28, None), (1, None)] {
            let facts = with_networks(count, &defaults());
            assert_eq!(severity_for(&CHECK, &facts, Target::Dockerd), wanted, "{count}");
        }
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    }

    #[test]
    fn what_daemon_json_says_counts() {
        let told = |base: &str, size: u8, count: usize| {
            let pools = vec![(base.parse().unwrap(), size)];
            let mut facts = with_networks(count, &pools);
            if let Known(config) = &mut facts.engines.daemon_json {
                config.content =
                    serde_json::json!({"default-address-pools": [{"base": base, "size": size}]});
            }
            severity_for(&CHECK, &facts, Target::Docker)
        };
        assert_eq!(told("10.5.0.0/16", 24, 31), None);
        assert_eq!(told("10.5.0.0/20", 24, 16), Some(Severity::Error));
        assert_eq!(told("10.5.0.0/23", 24, 1), None, "a pool that somebody made so small");
        assert_eq!(told("10.5.0.0/23", 24, 2), Some(Severity::Error));
        assert_eq!(told("10.0.0.0/8", 24, 31), None);
    }

    #[test]
    fn pools_of_arguments_and_other_engines_are_not_judged() {
        let mut facts = with_networks(31, &defaults());
        let arguments = ["dockerd", "--default-address-pool=base=10.0.0.0/8,size=24"];
        facts.engines.running = Known(vec![EngineProcess {
            name: "dockerd".into(),
            pid: 7,
            arguments: Known(arguments.map(Into::into).into()),
            same_mount_namespace: Some(true),
        }]);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
        let mut facts = with_networks(31, &defaults());
        facts.runtime.variables =
            Known(vec![("KIND_EXPERIMENTAL_PROVIDER".into(), "podman".into())]);
        assert!(matches!(said_of(&CHECK, &facts, Target::Kind), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn routes_that_cannot_be_read_are_unknown() {
        let mut facts = healthy_vm();
        facts.network.routes = Fact::missing("rtnetlink: routes", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
