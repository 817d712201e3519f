use alloc::vec;

use serde_json::json;

use super::*;
use crate::{
    facts::{Address, EngineProcess, Fact, Fact::Known, Launcher, Route, Why},
    testing::{healthy_container, healthy_vm},
};

fn with_route(mut facts: Facts, net: &str) -> Facts {
    if let Known(routes) = &mut facts.network.routes {
        let destination = net.parse().unwrap();
        routes.push(Route { destination, ..routes[0].clone() });
    }
    facts
}

fn with_variable(mut facts: Facts, name: &str, value: &str) -> Facts {
    facts.runtime.variables = Known(vec![(name.into(), value.into())]);
    facts
}

fn with_daemon_json(mut facts: Facts, content: serde_json::Value) -> Facts {
    if let Known(config) = &mut facts.engines.daemon_json {
        config.content = content;
    }
    facts
}

fn finding(facts: &Facts) -> Finding {
    match judged(facts) {
        Ok(Outcome::Found(findings)) if findings.len() == 1 => {
            assert!(findings[0].severity.within(&CHECK.worst));
            findings[0].clone()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_configured_bridge_on_a_route_is_found_with_free_ranges() {
    let facts = with_daemon_json(healthy_container(), json!({"bip": "10.200.0.1/24"}));
    let found = finding(&with_route(facts, "10.200.0.0/16"));
    assert_eq!(found.severity, severities!(dockerd: Warning, kind: Warning, buildkit: Info));
    let rendered = found.remedies[0].render(&Launcher::None.into());
    assert_eq!(
        rendered[0].commands,
        ["dockerd --bip=10.201.0.1/24 --default-address-pool='base=10.202.0.0/16,size=24'"]
    );
}

#[test]
fn a_route_of_a_vpn_that_covers_every_pool_leaves_none() {
    let pools = json!({"default-address-pools": [{"base": "10.201.0.0/16", "size": 24}]});
    let facts = with_route(with_daemon_json(healthy_container(), pools), "10.0.0.0/8");
    let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
    let exhausted = found.iter().find(|finding| finding.subject == "address pools").unwrap();
    assert_eq!(exhausted.severity, severities!(dockerd: Error, kind: Error));
    assert!(exhausted.severity.within(&CHECK.worst));
    // One with a next hop does no harm, and the default pools are many.
    let mut routed = facts.clone();
    if let Known(routes) = &mut routed.network.routes {
        routes.last_mut().unwrap().gateway = Some("10.8.0.1".parse().unwrap());
    }
    let none = |facts: &Facts| match judged(facts) {
        Ok(Outcome::Found(found)) => found.iter().all(|finding| finding.subject != "address pools"),
        _ => true,
    };
    assert!(none(&routed));
    assert!(none(&with_route(healthy_container(), "10.0.0.0/8")));
}

#[test]
fn defaults_avoid_routes_by_themselves() {
    for net in ["172.17.0.0/16", "172.31.16.0/20", "172.18.0.0/16"] {
        assert_eq!(judged(&with_route(healthy_container(), net)), Ok(Outcome::pass()), "{net}");
    }
}

#[test]
fn services_without_a_route_are_not_avoided() {
    let name = "KUBERNETES_SERVICE_HOST";
    let first = finding(&with_variable(healthy_container(), name, "172.18.0.1"));
    assert_eq!(first.severity, severities!(dockerd: Warning, kind: Warning, buildkit: Info));
    let later = finding(&with_variable(healthy_container(), name, "172.20.0.1"));
    assert_eq!(later.severity, severities!(dockerd: Info, kind: Info, buildkit: Info));
}

#[test]
fn the_outer_clusters_services_are_kinds_too() {
    let found =
        finding(&with_variable(healthy_container(), "KUBERNETES_SERVICE_HOST", "10.96.0.1"));
    assert_eq!(found.severity, severities!(kind: Warning));
    assert!(found.remedies[0].text.contains("10.202.0.0/16"));
}

#[test]
fn a_nodes_own_ranges_are_its_own() {
    let mut facts = with_route(healthy_container(), "10.244.1.0/24");
    assert_eq!(finding(&facts).subject, "10.244.0.0/16");
    facts.engines.running = Known(vec![EngineProcess {
        name: "kubelet".into(),
        pid: 9,
        arguments: Known(vec![]),
        same_mount_namespace: Some(true),
    }]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn rootless_networking_has_a_range_of_its_own() {
    let mut facts = healthy_container();
    let address = "10.0.2.15/24".parse().unwrap();
    facts.network.addresses = Known(vec![Address { index: 2, address }]);
    assert_eq!(finding(&facts).severity, severities!(rootless: Info));
}

#[test]
fn healthy_environments_pass() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
}

#[test]
fn without_routes_only_what_is_known_is_found() {
    let mut facts = healthy_container();
    facts.network.routes = Fact::missing("netlink: routes", Why::NotPermitted);
    assert!(judged(&facts).is_err());
    let facts = with_variable(facts, "KUBERNETES_SERVICE_HOST", "10.96.0.1");
    assert_eq!(finding(&facts).subject, "10.96.0.0/16");
}

#[test]
fn a_route_with_a_next_hop_keeps_no_docker_of_today_away() {
    let behind_a_router = |net: &str, version| {
        let mut facts = healthy_vm();
        facts.versions.give(Component::Docker, version);
        if let Known(routes) = &mut facts.network.routes {
            let gateway = Some("10.0.2.2".parse().unwrap());
            routes.push(Route { destination: net.parse().unwrap(), gateway, ..routes[0].clone() });
        }
        facts
    };
    let found = finding(&behind_a_router("172.18.0.0/16", Version::new(23, 0, 0)));
    assert_eq!(found.severity, severities!(dockerd: Warning, kind: Warning, buildkit: Info));
    assert!(found.summary.contains("172.18.0.0/16"), "{}", found.summary);
    let old = behind_a_router("172.18.0.0/16", Version::new(20, 10, 14));
    assert_eq!(judged(&old), Ok(Outcome::pass()), "it took any route for taken");
    let later = behind_a_router("172.25.0.0/16", Version::new(23, 0, 0));
    assert_eq!(
        judged(&later),
        Ok(Outcome::pass()),
        "it comes to that range with the ninth network"
    );
}
