use alloc::{format, string::String, vec::Vec};
use core::net::{IpAddr, Ipv4Addr};

use crate::{
    facts::{Facts, ResolvConf, Tri},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{DaemonOption, Language, Place, Remedy, Snippet},
    target::{Severity, Target},
};

check! {
    /// ## What it looks at
    /// The `nameserver` lines of `/etc/resolv.conf`, the list that systemd-resolved keeps beside it, and
    /// dockerd's `dns`.
    /// `--active` does not try it: to ask these servers as a container would needs links in the network
    /// namespace that is in use.
    ///
    /// ## Why it matters
    /// A container on the default bridge cannot reach a server on our loopback. dockerd leaves such lines out,
    /// and where none is left it writes 8.8.8.8 and 8.8.4.4: internal names are gone, and where a firewall
    /// lets only its own server through, all names. A kubelet that runs here passes the file on to CoreDNS,
    /// which then asks itself and ends with `Loop detected`.
    ///
    /// ## When it is fine
    /// One server that is not on loopback is enough. Where 127.0.0.53 is the only one and
    /// `/run/systemd/resolve/resolv.conf` is there, dockerd takes that. Networks that are made by hand, and
    /// kind's, have Docker's embedded server 127.0.0.11, which asks loopback servers from our side. With
    /// `dns` configured the file does not matter.
    ///
    /// ## How to fix
    /// `--dns` or `"dns"` in daemon.json; in a pod `dnsPolicy: None` with a `dnsConfig`; for a kubelet
    /// `resolvConf: /run/systemd/resolve/resolv.conf`.
    ///
    /// ## References
    /// kind#1975, #1638; coredns#6321 and the README of its plugin loop; moby `libnetwork/internal/resolvconf`;
    /// docker-library/docker#467.
    "dns-loopback-resolver",
    "The only name servers are on loopback: containers lose them",
    Docker,
    { dockerd: Warning, kind: Warning, buildkit: Warning },
    [
        "[FATAL] plugin/loop: Loop",
        "No non-localhost DNS nameservers are left in resolv.conf",
        "nslookup: write to '127.0.0.11': Connection refused",
        "Temporary failure in name resolution",
        "lookup registry-1.",
    ]
}

const STUB: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53));
const EMBEDDED: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11));

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if let Some(told) = name_servers_told(facts) {
        return Ok(told);
    }
    if facts.resolver.resolv_conf.why() == Some(crate::facts::Why::NotFound) {
        return Ok(Outcome::not_applicable("there is no /etc/resolv.conf"));
    }
    let conf = facts.resolver.resolv_conf.get()?;
    if has_usable(conf) {
        return Ok(leaks(facts, conf).map_or(Outcome::pass(), Outcome::from));
    }
    if conf.servers.is_empty() && facts.network.uplink().is_none() {
        return Ok(Outcome::not_applicable("there is no way out, and no name server"));
    }
    let stub = conf.servers.len() == 1 && conf.servers[0].address == STUB;
    if stub {
        let systemd = &facts.resolver.systemd;
        if systemd.is_known_and(has_usable) {
            return Ok(Outcome::pass());
        }
        if systemd.why() != Some(crate::facts::Why::NotFound) {
            systemd.get()?;
        }
    }
    facts.engines.daemon_json.get()?;
    Ok(loopback(facts, conf).into())
}

/// What dockerd is told itself it does not look up: not applicable then.
pub(super) fn name_servers_told(facts: &Facts) -> Option<Outcome> {
    if facts.engines.named("dockerd").any(|daemon| daemon.flag("dns").is_some()) {
        return Some(Outcome::not_applicable("dockerd is told its name servers (--dns)"));
    }
    let configured = facts.engines.configured(&["dns"]).and_then(|dns| dns.as_array());
    configured
        .is_some_and(|servers| !servers.is_empty())
        .then(|| Outcome::not_applicable("dockerd is told its name servers (daemon.json)"))
}

fn has_usable(conf: &ResolvConf) -> bool {
    conf.servers.iter().any(crate::facts::NameServer::is_usable_elsewhere)
}

fn loopback(facts: &Facts, conf: &ResolvConf) -> Finding {
    let servers: Vec<String> =
        conf.servers.iter().map(|server| format!("{}", server.address)).collect();
    let list = if servers.is_empty() { "no server".into() } else { servers.join(", ") };
    let mut severity = severities!(dockerd: Warning, kind: Info, buildkit: Warning);
    let kubelet = ["kubelet", "k3s", "k3s-server"];
    if kubelet.iter().any(|name| facts.engines.named(name).next().is_some()) {
        severity = severity.with(Target::Kind, Some(Severity::Warning));
    }
    let finding = Finding::new(
        "/etc/resolv.conf",
        severity,
        format!("/etc/resolv.conf names {list}: containers get 8.8.8.8 and 8.8.4.4 instead"),
    )
    .evidence("/etc/resolv.conf", format!("nameserver {list}"));
    let behind = if conf.servers.iter().any(|server| server.address == EMBEDDED) {
        conf.behind_embedded.first().copied()
    } else {
        None
    };
    let usable = |conf: &ResolvConf| {
        conf.servers.iter().find(|server| server.is_usable_elsewhere()).map(|s| s.address)
    };
    match behind.or_else(|| facts.resolver.systemd.known().and_then(usable)) {
        Some(server) => finding.remedy(Remedy::daemon(
            format!("let containers ask {server}, which is behind the server on loopback"),
            [DaemonOption::dns(&format!("{server}"))],
        )),
        None => finding.remedy(Remedy::advice(
            Place::Runtime,
            "tell dockerd a server that containers reach: --dns=ADDRESS, or \"dns\": [\"ADDRESS\"] in \
             daemon.json",
        )),
    }
}

/// Domains of the outer cluster, which pods of an inner one inherit: names of its services then have two
/// meanings.
fn leaks(facts: &Facts, conf: &ResolvConf) -> Option<Finding> {
    let domain = conf.search.iter().find(|domain| domain.starts_with("svc."))?;
    if facts.runtime.kubernetes != Tri::Yes {
        return None;
    }
    Some(
        Finding::new(
            "search domains",
            severities!(kind: Info),
            format!("containers inherit the outer cluster's search domain {domain}"),
        )
        .evidence("/etc/resolv.conf", format!("search … {domain}"))
        .remedy(Remedy::file(
            Place::Container,
            "let the pod use the node's name servers, if it needs no names of the outer cluster",
            Snippet::Tree(
                Language::Yaml,
                serde_json::json!({"apiVersion": "v1", "kind": "Pod", "spec": {"dnsPolicy": "Default"}}),
            ),
        )),
    )
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{EngineProcess, Fact, Fact::Known, Launcher, NameServer, Why},
        testing::{healthy_container, healthy_vm},
    };

    fn conf(servers: &[&str]) -> ResolvConf {
        let server = |s: &&str| NameServer { address: s.parse().unwrap(), zone: None };
        ResolvConf { servers: servers.iter().map(server).collect(), ..ResolvConf::default() }
    }

    fn asking(servers: &[&str]) -> Facts {
        let mut facts = healthy_container();
        facts.resolver.resolv_conf = Known(conf(servers));
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
    fn loopback_alone_is_found() {
        for servers in
            [&["127.0.0.1"][..], &["127.0.0.11"], &["127.0.0.53", "::1"], &["127.0.0.53"]]
        {
            assert_eq!(
                finding(&asking(servers)).severity,
                severities!(dockerd: Warning, kind: Info, buildkit: Warning)
            );
        }
        assert!(finding(&asking(&[])).summary.contains("no server"));
    }

    #[test]
    fn the_server_behind_is_named() {
        let mut facts = asking(&["127.0.0.11"]);
        if let Known(conf) = &mut facts.resolver.resolv_conf {
            conf.behind_embedded = vec!["10.9.8.7".parse().unwrap()];
        }
        let rendered = finding(&facts).remedies[0].render(&Launcher::None.into());
        assert_eq!(rendered[0].commands, ["dockerd --dns=10.9.8.7"]);
    }

    #[test]
    fn one_other_server_or_resolveds_list_is_enough() {
        assert_eq!(judged(&asking(&["127.0.0.1", "10.0.0.2"])), Ok(Outcome::pass()));
        let mut facts = asking(&["127.0.0.53"]);
        facts.resolver.systemd = Known(conf(&["10.0.0.2"]));
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.resolver.systemd = Fact::missing("…", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    }

    #[test]
    fn a_link_local_server_is_of_no_use_to_containers() {
        let mut facts = asking(&["fe80::1"]);
        if let Known(conf) = &mut facts.resolver.resolv_conf {
            conf.servers[0].zone = Some("eth0".into());
        }
        finding(&facts);
    }

    #[test]
    fn what_dockerd_is_told_wins() {
        let mut facts = asking(&["127.0.0.1"]);
        if let Known(config) = &mut facts.engines.daemon_json {
            config.content = serde_json::json!({"dns": ["10.0.0.2"]});
        }
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_kubelet_that_runs_here_passes_the_file_on() {
        let mut facts = asking(&["127.0.0.1"]);
        facts.engines.running = Known(vec![EngineProcess {
            name: "kubelet".into(),
            pid: 9,
            arguments: Known(vec![]),
            same_mount_namespace: Some(true),
        }]);
        assert_eq!(finding(&facts).severity.get(Target::Kind), Some(Severity::Warning));
    }

    #[test]
    fn the_outer_clusters_domains_are_worth_knowing_in_a_pod() {
        let mut facts = asking(&["10.96.0.10"]);
        if let Known(conf) = &mut facts.resolver.resolv_conf {
            conf.search = vec!["ci.svc.cluster.local".into(), "svc.cluster.local".into()];
        }
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.runtime.kubernetes = Tri::Yes;
        assert_eq!(finding(&facts).severity, severities!(kind: Info));
    }

    #[test]
    fn without_the_file_it_is_unknown() {
        let mut facts = healthy_container();
        facts.resolver.resolv_conf = Fact::missing("/etc/resolv.conf", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
