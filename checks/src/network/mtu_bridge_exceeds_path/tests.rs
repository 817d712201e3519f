use super::*;
use crate::{
    facts::{EngineProcess, Fact, Fact::Known, Launcher, Why},
    remedy::Change,
    testing::{healthy_container, healthy_network, healthy_vm},
    version::Version,
};

fn link(index: u32, name: &str, kind: &str, mtu: u32, controller: Option<u32>) -> Link {
    Link {
        index,
        name: name.into(),
        kind: Some(kind.into()),
        mtu,
        up: true,
        loopback: false,
        controller,
    }
}

fn with_path(mtu: u32) -> Facts {
    let mut facts = healthy_container();
    facts.network = healthy_network(mtu);
    facts
}

fn with_links(mut facts: Facts, more: &[Link]) -> Facts {
    if let Known(links) = &mut facts.network.links {
        links.extend_from_slice(more);
    }
    facts
}

fn with_daemon_json(mut facts: Facts, content: serde_json::Value) -> Facts {
    if let Known(config) = &mut facts.engines.daemon_json {
        config.content = content;
    }
    facts
}

fn finding_of(facts: &Facts) -> Finding {
    match judged(facts) {
        Ok(Outcome::Found(findings)) if findings.len() == 1 => {
            assert!(findings[0].severity.within(&CHECK.worst));
            findings[0].clone()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_default_of_1500_behind_1480() {
    let found = finding_of(&with_path(1480));
    assert_eq!(
        found.summary,
        "dockerd gives its containers an MTU of 1500, and the way out carries 1480"
    );
    assert_eq!(found.severity, severities!(dockerd: Warning, kind: Warning, buildkit: Warning));
    assert_eq!(
        found.remedies[0].render(&Launcher::None.into())[0].commands,
        ["dockerd --mtu=1480 --default-network-opt='bridge=com.docker.network.driver.mtu=1480'"]
    );
}

#[test]
fn before_docker_24_what_user_networks_forward_is_clamped() {
    let mut facts = with_path(1400);
    facts.versions.give(Component::Docker, Version::new(20, 10, 0));
    let found = finding_of(&facts);
    assert_eq!(
        found.remedies[0].render(&Launcher::None.into())[0].commands,
        ["dockerd --mtu=1400"]
    );
    // Both are needed. A network that is made with an MTU would leave the others as they are.
    assert_eq!((found.remedies.len(), found.remedies[0].then.len()), (2, 1));
    assert!(
        matches!(&found.remedies[0].then[0].change, Change::Tasks(tasks) if matches!(tasks[..], [Task::Rule { .. }]))
    );
}

#[test]
fn equal_and_jumbo_pass() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    assert_eq!(judged(&with_path(9000)), Ok(Outcome::pass()));
}

#[test]
fn what_dockerd_is_told_counts() {
    let told = |mtu| with_daemon_json(with_path(1450), serde_json::json!({ "mtu": mtu }));
    assert_eq!(judged(&told(1450)), Ok(Outcome::pass()));
    assert!(finding_of(&told(1460)).summary.contains("1460"));
    let mut facts = with_path(1450);
    facts.engines.running = Known(vec![EngineProcess {
        name: "dockerd".into(),
        pid: 7,
        arguments: Known(vec!["dockerd".into(), "--mtu=1400".into()]),
        same_mount_namespace: Some(true),
    }]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn ports_count_and_a_bridge_without_any_is_cosmetic() {
    let told = with_daemon_json(with_path(1450), serde_json::json!({"mtu": 1450}));
    let bridge = link(3, "docker0", "bridge", 1500, None);
    let empty = with_links(told.clone(), core::slice::from_ref(&bridge));
    assert_eq!(judged(&empty), Ok(Outcome::pass()));
    let busy = with_links(told, &[bridge, link(4, "veth1", "veth", 1500, Some(3))]);
    let found = finding_of(&busy);
    assert!(found.evidence.iter().any(|e| e.value == "port veth1 mtu 1500"));
}

#[test]
fn the_bridge_of_the_uplink_is_no_engines() {
    let told = with_daemon_json(with_path(1450), serde_json::json!({"mtu": 1450}));
    let links = [
        link(3, "br0", "bridge", 1500, None),
        link(4, "eth1", "", 1500, Some(3)),
        link(5, "veth1", "veth", 1500, Some(3)),
    ];
    assert_eq!(judged(&with_links(told, &links)), Ok(Outcome::pass()));
}

#[test]
fn bridges_of_other_engines_hurt_other_targets() {
    let told = with_daemon_json(with_path(1450), serde_json::json!({"mtu": 1450}));
    for (name, severity) in [
        ("cni0", severities!(buildkit: Warning)),
        ("podman0", severities!(kind: Warning)),
        ("lxdbr0", severities!(dockerd: Info)),
    ] {
        let links = [link(3, name, "bridge", 1500, None), link(4, "veth1", "veth", 1500, Some(3))];
        let found = finding_of(&with_links(told.clone(), &links));
        assert_eq!(found.severity, severity, "{name}");
    }
}

#[test]
fn without_a_default_bridge_its_mtu_does_not_matter() {
    let facts = with_daemon_json(with_path(1450), serde_json::json!({"bridge": "none"}));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn rootless_is_found_only_where_an_mtu_is_forced() {
    let told = with_daemon_json(with_path(1400), serde_json::json!({"mtu": 1400}));
    let mut facts = told.clone();
    facts.runtime.variables =
        Known(vec![("DOCKERD_ROOTLESS_ROOTLESSKIT_MTU".into(), "65520".into())]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    let mut facts = told;
    facts.identity.euid = Known(1000);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.engines.preparing_entrypoints =
        Known(vec!["/usr/local/bin/dockerd-entrypoint.sh".into()]);
    assert_eq!(finding_of(&facts).severity, severities!(rootless: Warning));
}

#[test]
fn ipv6_needs_1280() {
    let facts = with_daemon_json(with_path(1200), serde_json::json!({"mtu": 1200, "ipv6": true}));
    assert_eq!(finding_of(&facts).subject, "ipv6");
}

#[test]
fn what_may_make_it_harmless_is_told() {
    let mut facts = with_path(1450);
    facts.network.tcp_mtu_probing = Known(1);
    assert!(finding_of(&facts).evidence.iter().any(|e| e.source.ends_with("tcp_mtu_probing")));
}

#[test]
fn without_daemon_json_it_is_unknown_where_the_default_would_not_do() {
    let mut facts = with_path(1450);
    facts.engines.daemon_json = Fact::missing("/etc/docker/daemon.json", Why::NotPermitted);
    assert!(judged(&facts).is_err());
    facts.network = healthy_network(1500);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn without_the_way_out_it_is_unknown_and_without_a_route_no_question() {
    let mut facts = with_path(1450);
    facts.network.path_mtu_v4 = Fact::missing("IP_MTU", Why::NotFound);
    facts.network.routes = Fact::missing("netlink: routes", Why::NotPermitted);
    assert!(judged(&facts).is_err());
    facts.network.routes = Known(vec![]);
    assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
}

#[test]
fn without_links_what_is_certain_is_found_and_the_rest_unknown() {
    let mut facts = with_path(1450);
    facts.network.links = Fact::missing("netlink: links", Why::NotPermitted);
    assert_eq!(finding_of(&facts).subject, "docker0");
    let mut facts = healthy_container();
    facts.network.links = Fact::missing("netlink: links", Why::NotPermitted);
    assert!(judged(&facts).is_err());
}
