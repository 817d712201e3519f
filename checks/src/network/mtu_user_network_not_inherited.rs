use alloc::{format, vec::Vec};

use super::{
    mtu_bridge_exceeds_path::clamp,
    path::{self, PathMtu},
    tried,
};
use crate::{
    facts::{Facts, Link},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{DaemonOption, Place, Remedy},
    target::{Severities, Severity, Target},
    version::Component,
};

check! {
    /// ## What it looks at
    /// Whether dockerd's `mtu` is set while `default-network-opts` is not (or names more than the way out
    /// carries), and the veth ports of the bridges `br-…` that exist. The trial `mtu` tells what becomes of it.
    ///
    /// ## Why it matters
    /// `mtu` is for the default bridge only. Networks that Compose, GitHub's runner for each job, or
    /// `docker network create` make get 1500 again, so that `docker run` works and the same image in
    /// Compose hangs in downloads.
    ///
    /// ## When it is fine
    /// A way out of 1500 or more. kind copies the MTU of the default bridge into its network, if it was set
    /// by `mtu` and not by `ip link`. A Compose file can set it for its own networks (`driver_opts`); the
    /// bridges that exist show what they have. Without any MTU set, `mtu-bridge-exceeds-path` says it all.
    ///
    /// ## How to fix
    /// `--default-network-opt=bridge=com.docker.network.driver.mtu=N` (Docker 24 and later). Networks that
    /// exist keep theirs: make them anew.
    ///
    /// ## References
    /// actions-runner-controller#1046, PR#4252; actions/runner#775, #1650, #2966; coder/envbox#167;
    /// kind `network.go`.
    "mtu-user-network-not-inherited",
    "User-defined networks do not get dockerd's MTU",
    Docker,
    { dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning },
    ["TLS handshake timeout", "ESOCKETTIMEDOUT"],
    trials: [Mtu]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let Some(path) = path::path_mtu(facts)? else {
        return Ok(Outcome::not_applicable("there is no default route: nothing to compare with"));
    };
    let configured = configured(facts, &path);
    let mut findings: Vec<Finding> = path::container_bridges(facts)
        .filter(|(bridge, port)| path::is_user_network(bridge) && port.mtu > path.mtu)
        .filter_map(|(bridge, port)| {
            tried::weighed(facts, port.mtu, live(facts, &path, bridge, port))
        })
        .collect();
    match configured {
        Ok(Some(finding)) => findings.push(finding),
        // On a way out that carries the default, only a setting above it could hurt.
        Err(unknown) if findings.is_empty() && path.mtu < path::DEFAULT => return Err(unknown),
        _ => {}
    }
    if findings.is_empty() {
        facts.network.links.get()?;
    }
    Ok(Outcome::of_or(findings, || tried::pass(facts)))
}

/// A network that exists.
fn live(facts: &Facts, path: &PathMtu, bridge: &Link, port: &Link) -> Finding {
    let finding = Finding::new(
        bridge.name.as_str(),
        severity(facts, severities!(dockerd: Warning, kind: Warning, buildkit: Warning)),
        format!(
            "{} has containers with an MTU of {}, and the way out carries {}",
            bridge.name, port.mtu, path.mtu
        ),
    );
    let finding = path::port_evidence(facts, path.evidence(finding), bridge, port);
    remedies(facts, path, explained(facts, path, finding)).remedy(Remedy::advice(
        Place::Here,
        "networks that exist keep their MTU: remove them and let them be made anew",
    ))
}

/// What networks will get that are made by this daemon.
fn configured(facts: &Facts, path: &PathMtu) -> Result<Option<Finding>, Unknown> {
    let opts = path::user_network_mtu(facts)?;
    let daemon = path::daemon_mtu(facts)?;
    let (mtu, reason) = match (&opts, &daemon) {
        (Some(opts), _) => (opts.mtu, format!("{} is {}", opts.source, opts.mtu)),
        (None, Some(daemon)) => (
            path::DEFAULT,
            format!("{} is {}, for the default bridge only", daemon.source, daemon.mtu),
        ),
        (None, None) => return Ok(None),
    };
    if mtu <= path.mtu {
        return Ok(None);
    }
    // Networks that got an MTU of their own when they were made are cured; the next one needs it again.
    let mut made = path::container_bridges(facts)
        .filter(|(bridge, _)| path::is_user_network(bridge))
        .peekable();
    let cured = made.peek().is_some() && made.all(|(_, port)| port.mtu <= path.mtu);
    let finding = Finding::new(
        "user-defined networks",
        // kind copies the MTU of the default bridge.
        severity(facts, severities!(dockerd: Warning, buildkit: Warning)).at_most(if cured {
            Severity::Info
        } else {
            Severity::Warning
        }),
        format!("user-defined networks get an MTU of {mtu}, and the way out carries {}", path.mtu),
    )
    .evidence("dockerd", reason);
    let finding = remedies(facts, path, explained(facts, path, path.evidence(finding)));
    Ok(tried::weighed(facts, mtu, finding))
}

/// Inside a user namespace the daemon that is seen here is the rootless one.
fn severity(facts: &Facts, columns: Severities) -> Severities {
    let severity = columns;
    if facts.identity.namespaces.user_is_private().is_yes() {
        severity.with(Target::Rootless, Some(Severity::Warning))
    } else {
        severity
    }
}

/// Where the default bridge has too much as well, nothing was set right in the first place.
fn explained(facts: &Facts, path: &PathMtu, finding: Finding) -> Finding {
    let default = path::daemon_mtu(facts).ok().map(|c| c.map_or(path::DEFAULT, |c| c.mtu));
    if default.is_some_and(|mtu| mtu > path.mtu) {
        finding.caused_by("mtu-bridge-exceeds-path")
    } else {
        finding
    }
}

fn remedies(facts: &Facts, path: &PathMtu, finding: Finding) -> Finding {
    let mtu = path.mtu;
    let docker = facts.versions.of(Component::Docker);
    let create = Remedy::commands(
        Place::Here,
        format!("give each network the MTU of the way out, {mtu}, when it is made"),
        [format!("docker network create -o com.docker.network.driver.mtu={mtu} net-{mtu}")],
    );
    if docker.version.at_least(24, 0) {
        finding
            .rests_on(Component::Docker, &docker)
            .remedy(Remedy::daemon(
                format!("let dockerd give user-defined networks the MTU of the way out, {mtu}"),
                [DaemonOption::user_network_mtu(mtu)],
            ))
            .remedy(create)
    } else {
        // Those that are there already, and those that others make, are cured as well.
        let text = "clamp the MSS of what user-defined networks forward: before Docker 24 dockerd has no MTU for them";
        finding.remedy(clamp(text)).remedy(create)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use serde_json::json;

    use super::*;
    use crate::{
        facts::{EngineProcess, Fact, Fact::Known, Why},
        remedy::Change,
        testing::{healthy_container, healthy_network, healthy_vm, private},
        version::Version,
    };

    fn environment(path: u32, daemon_json: serde_json::Value) -> Facts {
        let mut facts = healthy_container();
        facts.network = healthy_network(path);
        if let Known(config) = &mut facts.engines.daemon_json {
            config.content = daemon_json;
        }
        facts
    }

    fn with_user_network(mut facts: Facts, mtu: u32) -> Facts {
        let link = |index, name: &str, kind: &str, controller| Link {
            index,
            name: name.into(),
            kind: Some(kind.into()),
            mtu,
            up: true,
            loopback: false,
            controller,
        };
        if let Known(links) = &mut facts.network.links {
            links.push(link(7, "br-0123456789ab", "bridge", None));
            links.push(link(8, "veth8", "veth", Some(7)));
        }
        facts
    }

    fn opts(mtu: &str) -> serde_json::Value {
        json!({"mtu": 1400, "default-network-opts": {"bridge": {"com.docker.network.driver.mtu": mtu}}})
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
    fn an_mtu_for_the_default_bridge_only() {
        let found = finding(&environment(1400, json!({"mtu": 1400})));
        assert_eq!(found.severity, severities!(dockerd: Warning, buildkit: Warning));
        assert!(found.caused_by.is_empty());
        assert_eq!(
            found.summary,
            "user-defined networks get an MTU of 1500, and the way out carries 1400"
        );
        let too_much = finding(&environment(1400, json!({"mtu": 1450})));
        assert_eq!(too_much.caused_by, ["mtu-bridge-exceeds-path"]);
    }

    #[test]
    fn options_for_user_networks_pass_unless_they_name_too_much() {
        assert_eq!(judged(&environment(1400, opts("1400"))), Ok(Outcome::pass()));
        assert!(finding(&environment(1400, opts("1450"))).summary.contains("1450"));
        let mut facts = environment(1400, json!({"mtu": 1400}));
        facts.engines.running = Known(vec![EngineProcess {
            name: "dockerd".into(),
            pid: 7,
            arguments: Known(vec![
                "dockerd".into(),
                "--default-network-opt".into(),
                "bridge=com.docker.network.driver.mtu=1400".into(),
            ]),
            same_mount_namespace: Some(true),
        }]);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn a_way_out_of_1500_and_no_mtu_at_all_pass() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
        assert_eq!(judged(&environment(9000, json!({"mtu": 1400}))), Ok(Outcome::pass()));
        assert_eq!(judged(&environment(1400, json!(null))), Ok(Outcome::pass()));
    }

    #[test]
    fn a_network_that_exists_shows_what_it_has() {
        let found = finding(&with_user_network(environment(1400, json!(null)), 1500));
        assert_eq!(found.subject, "br-0123456789ab");
        assert_eq!(found.severity, severities!(dockerd: Warning, kind: Warning, buildkit: Warning));
        assert_eq!(found.caused_by, ["mtu-bridge-exceeds-path"]);
        let fine = with_user_network(environment(1400, opts("1400")), 1400);
        assert_eq!(judged(&fine), Ok(Outcome::pass()));
    }

    #[test]
    fn a_rootless_daemon_is_hurt_where_it_is_the_one_that_is_seen() {
        let mut facts = environment(1400, json!({"mtu": 1400}));
        facts.identity.namespaces.user = private(4_026_532_600);
        assert_eq!(
            finding(&facts).severity,
            severities!(dockerd: Warning, rootless: Warning, buildkit: Warning)
        );
    }

    #[test]
    fn before_docker_24_all_of_them_are_clamped_or_each_one_is_told() {
        let mut facts = environment(1400, json!({"mtu": 1400}));
        facts.versions.give(Component::Docker, Version::new(23, 0, 0));
        let changes: Vec<_> = finding(&facts).remedies.into_iter().map(|r| r.change).collect();
        assert!(matches!(changes[..], [Change::Tasks(_), Change::Commands(_)]), "{changes:?}");
    }

    #[test]
    fn without_daemon_json_it_is_unknown_unless_a_network_shows_it() {
        let mut facts = environment(1400, json!(null));
        facts.engines.daemon_json = Fact::missing("/etc/docker/daemon.json", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        assert_eq!(finding(&with_user_network(facts, 1500)).subject, "br-0123456789ab");
    }

    #[test]
    fn whether_a_daemon_was_told_otherwise_is_unknown_where_none_can_be_seen() {
        let mut facts = environment(1400, json!(null));
        facts.engines.running = Fact::missing("/proc/7/stat", Why::Io(5));
        assert!(judged(&facts).is_err());
    }
}
