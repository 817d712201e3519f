use alloc::{format, string::String, vec::Vec};

use ipnet::Ipv4Net;

use super::subnets::{self, Used, overlap};
use crate::{
    facts::{EngineProcess, Facts, Missing},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{DaemonOption, Place, Remedy},
    target::{Severities, Severity, Target},
    version::{Component, Version},
};

check! {
    /// ## What it looks at
    /// Ranges that this environment needs (routes of all tables, its own addresses, name servers,
    /// `KUBERNETES_SERVICE_HOST`, `DOCKER_HOST`, proxies) against those that will be made here: dockerd's
    /// `bip` and `default-address-pools`, or its defaults, and kind's 10.244.0.0/16 for pods and 10.96.0.0/16
    /// for services.
    ///
    /// ## Why it matters
    /// As soon as a bridge has a range, everything in it is looked for on that bridge. The name server, the
    /// registry or the metadata service of the outside is then unreachable, for this environment too; in a
    /// kind cluster, addresses of the outer cluster mean something else.
    ///
    /// ## When it is fine
    /// dockerd leaves out defaults that overlap with a route that it sees, so that only ranges known in
    /// other ways count there: a pod often has no route to its cluster's services. Bridges that an engine has
    /// made here are its own, and a kubelet that runs here has its own ranges.
    ///
    /// ## How to fix
    /// `--bip` and `--default-address-pool` of dockerd, `podSubnet` and `serviceSubnet` of kind, with ranges
    /// that are free here.
    ///
    /// ## References
    /// moby#32842; kubernetes/test-infra#7445, #7872; docker-library/docker#47;
    /// <https://kind.sigs.k8s.io/docs/user/known-issues/>.
    "subnet-overlap",
    "Subnets made here overlap with those that are in use",
    Docker,
    { dockerd: Error, kind: Error, rootless: Info, buildkit: Info },
    [
        "could not find an available, non-overlapping IPv4 address pool",
        "all predefined address pools have been fully subnetted",
        "Pool overlaps with other one on this address space",
        "no route to host",
    ]
}

/// A range that an engine will use, or may use.
struct Candidate {
    net: Ipv4Net,
    what: String,
    severity: Severities,
    /// Whether dockerd looks at the routes before it takes the range.
    avoids: Avoids,
    /// Whether it is taken at once, and not only when there are many networks.
    comes_first: bool,
    kind: bool,
}

/// What keeps an engine from taking a range.
#[derive(Clone, Copy)]
enum Avoids {
    Nothing,
    /// Any route into it.
    Routes,
    /// A route without a next hop: dockerd from 20.10.15 on (moby pull request 43360).
    RoutesOnLink,
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    // Whose a range is, and whether a node runs here, is known only from these.
    facts.network.links.told()?;
    facts.engines.running.told()?;
    let used = subnets::used(facts);
    let told = facts.engines.told();
    let exhausted = exhausted(facts, plan, &used).filter(|_| told.is_ok());
    let mut found: Vec<Finding> = candidates(facts, told.is_ok())
        .iter()
        .filter_map(|candidate| {
            let clashes = |used: &&Used| {
                let avoided = match candidate.avoids {
                    Avoids::Nothing => false,
                    Avoids::Routes => used.routed,
                    Avoids::RoutesOnLink => used.routed && (used.on_link || !candidate.comes_first),
                };
                overlap(used.net, candidate.net) && !avoided
            };
            Some(finding(candidate, used.iter().find(clashes)?, &used))
        })
        .collect();
    found.extend(exhausted);
    let network = &facts.network;
    let mut missing: Vec<Missing> = network.routes.lack().into_iter().collect();
    missing.extend(facts.resolver.resolv_conf.told().err().into_iter().flat_map(|u| u.missing));
    missing.extend(facts.runtime.variables.told().err().into_iter().flat_map(|u| u.missing));
    missing.extend(told.err().into_iter().flat_map(|unknown| unknown.missing));
    // The fall-back for netlink has no addresses; its routes have the same ranges.
    if network.source == "rtnetlink" {
        missing.extend(network.addresses.lack());
    }
    if found.is_empty() {
        facts.engines.daemon_json.get()?;
    }
    Outcome::settled(found, missing, Outcome::pass)
}

/// Those of dockerd only where it is known what it is told.
fn candidates(facts: &Facts, told: bool) -> Vec<Candidate> {
    let mut candidates = if told { docker(facts) } else { Vec::new() };
    let candidate = |net: &str, what: &str, severity, kind| {
        let net = net.parse().ok()?;
        Some(Candidate {
            net,
            what: what.into(),
            severity,
            avoids: Avoids::Nothing,
            comes_first: true,
            kind,
        })
    };
    let node = ["kubelet", "k3s", "k3s-server", "rke2"];
    if !node.iter().any(|name| facts.engines.named(name).next().is_some()) {
        candidates.extend(candidate(
            "10.244.0.0/16",
            "kind's pod subnet",
            severities!(kind: Warning),
            true,
        ));
        candidates.extend(candidate(
            "10.96.0.0/16",
            "kind's service subnet",
            severities!(kind: Warning),
            true,
        ));
    }
    candidates.extend(candidate("10.0.2.0/24", "slirp4netns", severities!(rootless: Info), false));
    candidates
}

/// The pools that dockerd takes its networks from.
fn pools(facts: &Facts) -> Vec<Ipv4Net> {
    let pools = facts.engines.configured(&["default-address-pools"]);
    let base = |pool: &serde_json::Value| pool.get("base")?.as_str()?.parse().ok();
    pools.and_then(|pools| pools.as_array()).into_iter().flatten().filter_map(base).collect()
}

/// Every pool of dockerd lies in a range that a route without a next hop takes, as clients of a VPN set it: dockerd
/// passes over all that such a route covers, and has nothing left.
pub(super) fn exhausted(facts: &Facts, plan: &Plan, used: &[Used]) -> Option<Finding> {
    const DEFAULT: [&str; 2] = ["172.16.0.0/12", "192.168.0.0/16"];
    let configured = pools(facts);
    let mut daemons = facts.engines.here("dockerd");
    let flagged = |daemon: &EngineProcess| daemon.flag("default-address-pool").is_some();
    if plan.engine() != "dockerd" || daemons.any(flagged) {
        return None;
    }
    let pools = if configured.is_empty() {
        DEFAULT.iter().filter_map(|net| net.parse().ok()).collect()
    } else {
        configured
    };
    let on_link = |pool: &Ipv4Net| used.iter().find(|used| used.on_link && used.net.contains(pool));
    let first = on_link(pools.first()?)?;
    if !pools.iter().all(|pool| on_link(pool).is_some()) {
        return None;
    }
    // The default bridge is there already, or has its own range.
    let has_bridge = facts.engines.here("dockerd").next().is_some() || bip(facts).is_some();
    let dockerd = if has_bridge { Severity::Warning } else { Severity::Error };
    let names: Vec<String> = pools.iter().map(|pool| format!("{pool}")).collect();
    let names = names.join(", ");
    let finding = Finding::new(
        "address pools",
        severities!(kind: Error).with(Target::Dockerd, Some(dockerd)),
        format!("{} without a next hop covers all of dockerd's address pools ({names}): no network can be made", first.what),
    )
    .evidence(first.source.as_str(), first.what.as_str())
    .evidence("dockerd: default-address-pools", names);
    let finding = match subnets::free(used, 1).as_slice() {
        [pool] => finding.remedy(Remedy::daemon(
            format!("give dockerd {pool}, which is free here"),
            [DaemonOption::default_address_pool(&format!("{pool}"), 24)],
        )),
        _ => finding,
    };
    Some(finding.remedy(Remedy::advice(
        Place::Host,
        "have the VPN set default-address-pools free: a narrower route, or one with a next hop, which dockerd ignores",
    )))
}

/// The range of the default bridge, if it is told.
fn bip(facts: &Facts) -> Option<Ipv4Net> {
    let flag = facts.engines.named("dockerd").next().and_then(|daemon| daemon.flag("bip"));
    let configured = || facts.engines.configured(&["bip"]).and_then(|value| value.as_str());
    flag.or_else(|| configured().map(String::from))?.parse().ok()
}

/// What is configured, else the defaults: the first ranges that it takes matter at once, the later ones
/// when there are many networks.
fn docker(facts: &Facts) -> Vec<Candidate> {
    const FIRST: Severities = severities!(dockerd: Warning, kind: Warning, buildkit: Info);
    const LATER: Severities = severities!(dockerd: Info, kind: Info, buildkit: Info);
    let mut found = Vec::new();
    let version = facts.versions.of(Component::Docker).version;
    let pool_avoids =
        if version >= Version::new(20, 10, 15) { Avoids::RoutesOnLink } else { Avoids::Routes };
    let mut add = |net: Ipv4Net, what: String, severity: Severities, avoids| {
        let comes_first = FIRST.within(&severity);
        found.push(Candidate {
            net: net.trunc(),
            what,
            severity,
            avoids,
            comes_first,
            kind: false,
        });
    };
    let daemon = facts.engines.named("dockerd").next();
    let bip = bip(facts);
    if let Some(bip) = bip {
        add(bip, format!("dockerd's bip {bip}"), FIRST, Avoids::Nothing);
    }
    let pools = pools(facts);
    for pool in &pools {
        add(*pool, format!("dockerd's address pool {pool}"), FIRST, pool_avoids);
    }
    let flagged = daemon.is_some_and(|daemon| daemon.flag("default-address-pool").is_some());
    if pools.is_empty() && !flagged {
        for second in 17..=31 {
            let net = Ipv4Net::new([172, second, 0, 0].into(), 16);
            // The default bridge, then the first user-defined network, which is kind's.
            let severity = if second <= 18 { FIRST } else { LATER };
            if let (Ok(net), false) = (net, second == 17 && bip.is_some()) {
                add(net, format!("dockerd's default range {net}"), severity, pool_avoids);
            }
        }
    }
    found
}

fn finding(candidate: &Candidate, used: &Used, all: &[Used]) -> Finding {
    let finding = Finding::new(
        format!("{}", candidate.net),
        candidate.severity,
        format!("{} overlaps with {}", candidate.what, used.what),
    )
    .evidence(used.source.as_str(), used.what.as_str());
    let free = subnets::free(all, 4);
    let [bridge, pool, pods, services] = free.as_slice() else {
        return finding;
    };
    if candidate.kind {
        return finding.remedy(Remedy::kind_config(
            format!("give pods {pods} and services {services}, which are free here"),
            serde_json::json!({"networking": {
                "podSubnet": format!("{pods}"), "serviceSubnet": format!("{services}"),
            }}),
        ));
    }
    let [a, b, ..] = bridge.addr().octets();
    let bip = format!("{a}.{b}.0.1/24");
    if severities!(rootless: Info).within(&candidate.severity) {
        return finding.remedy(Remedy::advice(
            Place::Runtime,
            format!("give rootless networking another range: slirp4netns --cidr={a}.{b}.2.0/24"),
        ));
    }
    finding.remedy(Remedy::daemon(
        format!("let dockerd use {bip} and {pool}, which are free here"),
        [DaemonOption::bip(&bip), DaemonOption::default_address_pool(&format!("{pool}"), 24)],
    ))
}

#[cfg(test)]
mod tests;
