use alloc::vec;

use super::*;
use crate::{
    facts::{
        EngineProxy,
        Fact::{self, Known},
    },
    testing::{healthy_container, healthy_vm},
};

/// A container without any route to the outside.
fn isolated() -> Facts {
    let mut facts = healthy_container();
    facts.network.routes = Known(vec![]);
    facts.network.path_mtu_v4 = Fact::missing("path MTU to 1.1.1.1", Why::NotFound);
    facts
}

fn with_variable(name: &str, value: &str) -> Facts {
    let mut facts = isolated();
    facts.runtime.variables = Known(vec![(name.into(), value.into())]);
    facts
}

fn with_daemon_json(content: serde_json::Value) -> Facts {
    let mut facts = isolated();
    if let Known(config) = &mut facts.engines.daemon_json {
        config.content = content;
    }
    facts
}

fn finding(facts: &Facts) -> Finding {
    match judged(facts) {
        Ok(Outcome::Found(findings)) if findings.len() == 1 => findings[0].clone(),
        other => panic!("{other:?}"),
    }
}

fn does_not_apply(facts: &Facts, because: &str) {
    match judged(facts) {
        Ok(Outcome::NotApplicable(reason)) => assert!(reason.contains(because), "{reason}"),
        other => panic!("{because}: {other:?}"),
    }
}

#[test]
fn without_any_way_out_it_fires() {
    let found = finding(&isolated());
    assert_eq!(
        found.severity,
        severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning)
    );
    assert!(found.severity.within(&CHECK.worst));
    assert!(found.summary.starts_with("no route leads out"), "{}", found.summary);
    let mut alone = isolated();
    if let Known(links) = &mut alone.network.links {
        links.truncate(1);
    }
    assert!(finding(&alone).summary.starts_with("there is no network but loopback"));
}

#[test]
fn where_there_is_a_way_out_it_passes() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
}

#[test]
fn the_halves_of_a_vpn_and_the_kernels_answer_are_ways_out() {
    let mut halves = isolated();
    halves.network.routes = healthy_container().network.routes;
    if let Known(routes) = &mut halves.network.routes {
        routes[0].destination = "128.0.0.0/1".parse().unwrap();
    }
    assert_eq!(judged(&halves), Ok(Outcome::pass()));
    let mut by_rule = isolated();
    by_rule.network.path_mtu_v4 = healthy_container().network.path_mtu_v4;
    assert_eq!(judged(&by_rule), Ok(Outcome::pass()));
}

#[test]
fn a_route_that_refuses_is_no_way_out() {
    let mut facts = isolated();
    facts.network.routes = healthy_container().network.routes;
    if let Known(routes) = &mut facts.network.routes {
        routes[0].unicast = false;
    }
    finding(&facts);
}

#[test]
fn with_a_proxy_a_mirror_or_a_daemon_elsewhere_it_is_fine() {
    does_not_apply(&with_variable("HTTPS_PROXY", "http://proxy:3128"), "the proxy serves");
    does_not_apply(&with_variable("http_proxy", "http://proxy:3128"), "the proxy serves");
    does_not_apply(&with_variable("DOCKER_HOST", "tcp://docker:2376"), "DOCKER_HOST");
    finding(&with_variable("DOCKER_HOST", "unix:///var/run/docker.sock"));
    finding(&with_variable("HTTPS_PROXY", ""));
    let mirror = serde_json::json!({"registry-mirrors": ["http://10.0.0.9:5000"]});
    does_not_apply(&with_daemon_json(mirror), "the mirror");
    finding(&with_daemon_json(serde_json::json!({"registry-mirrors": []})));
    let proxy = serde_json::json!({"proxies": {"https-proxy": "http://proxy"}});
    does_not_apply(&with_daemon_json(proxy), "the proxy of daemon.json");
    let mut daemon = isolated();
    let variables = Known([("HTTPS_PROXY".into(), "http://proxy".into())].into());
    daemon.proxies.daemons = Known(vec![EngineProxy { name: "dockerd".into(), pid: 7, variables }]);
    does_not_apply(&daemon, "the proxy of dockerd");
}

#[test]
fn what_cannot_be_read_is_unknown_only_where_it_matters() {
    let mut facts = isolated();
    facts.runtime.variables = Fact::missing("environment", Why::Redacted);
    assert!(judged(&facts).is_err());
    let mut facts = isolated();
    facts.engines.daemon_json = Fact::missing("/etc/docker/daemon.json", Why::NotPermitted);
    assert!(judged(&facts).is_err());
    facts.network.routes = healthy_container().network.routes;
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.network.routes = Fact::missing("netlink: routes", Why::NotPermitted);
    assert!(judged(&facts).is_err());
    let mut facts = isolated();
    facts.network.path_mtu_v6 = Fact::missing("path MTU", Why::NotRecorded);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}
