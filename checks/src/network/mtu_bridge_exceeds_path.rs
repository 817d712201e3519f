use alloc::{format, string::String, vec, vec::Vec};

use super::{
    path::{self, Configured, PathMtu},
    tried,
};
use crate::{
    facts::{DIND_ENTRYPOINT, Facts, Link},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, DaemonOption, Place, Remedy, RuleTool, Task},
    target::Severities,
    version::Component,
};

check! {
    /// ## What it looks at
    /// The MTU of the way out (`getsockopt(IP_MTU)` on a connected socket, which honours routes and sends
    /// nothing; else the uplink and its default route), and the MTU that containers get: of the veth ports
    /// of bridges that are up, else what dockerd is told (`--mtu`, daemon.json), else 1500. With
    /// `--active=mtu --mtu-target HOST:PORT`, whether a download stalls that announces the segments which a
    /// container would announce.
    ///
    /// ## Why it matters
    /// dockerd does not look at the uplink: docker0 gets 1500. Behind an overlay network the way out carries
    /// less (Calico 1480 or 1450, Flannel 1450, GCE 1460, WireGuard 1420). Containers announce segments for
    /// 1500; full-size answers are dropped somewhere outside, and the ICMP that would say so is filtered.
    /// Small requests work; downloads and TLS handshakes hang until they time out.
    ///
    /// ## When it is fine
    /// A bridge without ports shows an MTU that nobody uses. Less inside than outside (a jumbo uplink) is
    /// fine. lo with 65536 and a rootless tap device with 65520 carry nothing further: slirp4netns ends TCP
    /// itself; only docker:dind-rootless forces 1500 there. A rule that clamps the TCP MSS makes it harmless;
    /// rules are not read, so look at the mangle table if it has any.
    ///
    /// ## How to fix
    /// `dockerd --mtu` with the MTU of the way out, for user-defined networks too. Nothing is to be
    /// subtracted: docker0 and the uplink do not encapsulate. If dockerd is not yours to start, clamp the MSS.
    ///
    /// ## References
    /// gitlab-runner MR !6737; actions-runner-controller#393, #1046; coder/envbox#167;
    /// docker-library/docker#103; actions/runner#775; minikube#9528; cilium#32244.
    "mtu-bridge-exceeds-path",
    "Containers get a larger MTU than the way out carries",
    Docker,
    { dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning },
    ["TLS handshake timeout", "ESOCKETTIMEDOUT"],
    trials: [Mtu]
}

/// dockerd-rootless.sh's default: more than any device, since the packets end in user space.
const ROOTLESS_DEFAULT: u32 = 65520;

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let Some(path) = path::path_mtu(facts)? else {
        return Ok(Outcome::not_applicable("there is no default route: nothing to compare with"));
    };
    let mut findings: Vec<Finding> = Vec::new();
    let docker = docker_bridge(facts, &path);
    if let Ok(Some(finding)) = &docker {
        findings.push(finding.clone());
    }
    let others = path::container_bridges(facts)
        .filter(|(bridge, _)| bridge.name != "docker0" && !path::is_user_network(bridge))
        .filter(|(_, port)| port.mtu > path.mtu)
        .filter_map(|(bridge, port)| {
            tried::weighed(facts, port.mtu, other_bridge(facts, &path, bridge, port))
        });
    findings.extend(others);
    findings.extend(rootless(facts, &path));
    findings.extend(ipv6(facts, &path));
    if findings.is_empty() {
        docker?;
        facts.network.links.get()?;
    }
    Ok(Outcome::of_or(findings, || tried::pass(facts)))
}

/// docker0 as it is, or as it will be.
fn docker_bridge(facts: &Facts, path: &PathMtu) -> Result<Option<Finding>, Unknown> {
    let live = path::container_bridges(facts).find(|(bridge, _)| bridge.name == "docker0");
    if let Some((bridge, port)) = live.filter(|(_, port)| port.mtu > path.mtu) {
        let finding = finding(
            "docker0",
            severities!(dockerd: Warning, kind: Warning, buildkit: Warning),
            "docker0 has containers with",
            port.mtu,
            path,
        );
        let finding = path::port_evidence(facts, finding, bridge, port);
        return Ok(tried::weighed(facts, port.mtu, daemon_remedies(facts, finding, path)));
    }
    // Where the default fits, only a setting above it could hurt: one that cannot be read is no reason
    // to know nothing.
    let fits = path.mtu >= path::DEFAULT && facts.engines.daemon_json.known().is_none();
    if fits || has_no_default_bridge(facts) {
        return Ok(None);
    }
    let configured = path::daemon_mtu(facts)?
        .unwrap_or(Configured { mtu: path::DEFAULT, source: "dockerd's default".into() });
    if configured.mtu <= path.mtu {
        return Ok(None);
    }
    let finding = finding(
        "docker0",
        severities!(dockerd: Warning, kind: Warning, buildkit: Warning),
        "dockerd gives its containers",
        configured.mtu,
        path,
    )
    .evidence(configured.source, format!("mtu {}", configured.mtu));
    Ok(tried::weighed(facts, configured.mtu, daemon_remedies(facts, finding, path)))
}

fn has_no_default_bridge(facts: &Facts) -> bool {
    let none = |value: &str| value == "none";
    facts.engines.named("dockerd").any(|daemon| daemon.flag("bridge").as_deref().is_some_and(none))
        || facts.engines.configured(&["bridge"]).and_then(|v| v.as_str()).is_some_and(none)
}

fn finding(subject: &str, severity: Severities, who: &str, inner: u32, path: &PathMtu) -> Finding {
    let summary = format!("{who} an MTU of {inner}, and the way out carries {}", path.mtu);
    path.evidence(Finding::new(subject, severity, summary))
}

fn daemon_remedies(facts: &Facts, finding: Finding, path: &PathMtu) -> Finding {
    let mtu = path.mtu;
    let text = format!(
        "give dockerd the MTU of the way out: {mtu}, with nothing to subtract, since docker0 does not \
         encapsulate"
    );
    let docker = facts.versions.of(Component::Docker);
    let finding = softened(facts, finding);
    let finding = if docker.version.at_least(24, 0) {
        let options = [DaemonOption::mtu(mtu), DaemonOption::user_network_mtu(mtu)];
        finding
            .rests_on(Component::Docker, &docker)
            .remedy(Remedy::daemon(format!("{text}; for user-defined networks too"), options))
    } else {
        finding.remedy(Remedy::daemon(text, [DaemonOption::mtu(mtu)]).then(clamp(
            "before Docker 24 user-defined networks keep 1500: clamp the MSS of what they forward",
        )))
    };
    finding.remedy(clamp(NOT_YOURS))
}

const NOT_YOURS: &str = "where dockerd is not yours to start, clamp the MSS of what is forwarded";

/// TCP is told of the smaller path, whatever network it comes from.
pub(super) fn clamp(text: &str) -> Remedy {
    Remedy::tasks(
        Place::Here,
        text,
        [Task::Rule {
            tool: RuleTool::Iptables,
            table: ["mangle".into()].into(),
            chain: "POSTROUTING".into(),
            rule: "-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"
                .split(' ')
                .map(String::from)
                .collect(),
        }],
    )
}

/// What may make it harmless, and cannot be told from here.
fn softened(facts: &Facts, mut finding: Finding) -> Finding {
    let netfilter = &facts.netfilter;
    let legacy = netfilter.legacy_tables.known().into_iter().flatten();
    let nft = netfilter.nft_tables.known().into_iter().flatten();
    let mangle = legacy.filter(|t| t.name == "mangle").any(|t| t.has_rules() == Some(true))
        || nft.filter(|t| t.name == "mangle").any(|t| t.rules > 0);
    if mangle {
        finding = finding
            .evidence("netfilter", "mangle has rules: one that clamps the MSS makes this harmless");
    }
    if let Some(mode) = facts.network.tcp_mtu_probing.known().filter(|mode| **mode > 0) {
        finding = finding.evidence(
            "/proc/sys/net/ipv4/tcp_mtu_probing",
            format!("{mode}: rescues what is sent from here, not what is received"),
        );
    }
    finding
}

/// A bridge of CNI, podman, LXD, ….
fn other_bridge(facts: &Facts, path: &PathMtu, bridge: &Link, port: &Link) -> Finding {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|p| bridge.name.starts_with(p));
    let severity = if begins(&["cni", "nerdctl", "buildkit"]) {
        severities!(buildkit: Warning)
    } else if begins(&["podman", "kind"]) {
        severities!(kind: Warning)
    } else {
        severities!(dockerd: Info)
    };
    let who = format!("{} has containers with", bridge.name);
    let finding = finding(&bridge.name, severity, &who, port.mtu, path);
    softened(facts, path::port_evidence(facts, finding, bridge, port))
        .remedy(Remedy::advice(
            Place::Runtime,
            format!(
                "set \"mtu\": {0} in the network's configuration (CNI bridge plugin), or create it with \
                 podman network create --opt mtu={0}",
                path.mtu
            ),
        ))
        .remedy(clamp(NOT_YOURS))
}

/// Only what forces an MTU on RootlessKit: its own default ends in user space.
fn rootless(facts: &Facts, path: &PathMtu) -> Option<Finding> {
    let variable = "DOCKERD_ROOTLESS_ROOTLESSKIT_MTU";
    let set = facts.runtime.variable(variable).and_then(|value| value.parse::<u32>().ok());
    let dind = facts.identity.euid.is_known_and(|uid| *uid != 0) && facts.engines.is_dind();
    let (mtu, source) = match set {
        Some(mtu) => (mtu, format!("environment: {variable}")),
        None if dind => (path::DEFAULT, format!("{DIND_ENTRYPOINT}, not root")),
        None => return None,
    };
    if mtu <= path.mtu || mtu >= ROOTLESS_DEFAULT {
        return None;
    }
    let settings = vec![ContainerSetting::Variable(variable.into(), format!("{}", path.mtu))];
    Some(
        finding("tap0", severities!(rootless: Warning), "RootlessKit is given", mtu, path)
            .evidence(source, format!("mtu {mtu}"))
            .remedy(Remedy::container("give RootlessKit the MTU of the way out", settings)),
    )
}

/// IPv6 needs 1280 (RFC 8200): a bridge with less has none.
fn ipv6(facts: &Facts, path: &PathMtu) -> Option<Finding> {
    let wanted = facts.engines.configured(&["ipv6"]).and_then(serde_json::Value::as_bool);
    if path.mtu >= 1280 || wanted != Some(true) {
        return None;
    }
    let summary: String =
        format!("IPv6 is on for docker0, and the way out carries {}: it needs 1280", path.mtu);
    let finding = Finding::new(
        "ipv6",
        severities!(dockerd: Warning, kind: Warning, buildkit: Warning),
        summary,
    );
    Some(path.evidence(finding).remedy(Remedy::advice(
        Place::Runtime,
        "take \"ipv6\": true out of daemon.json, or raise the MTU of the uplink to 1280",
    )))
}

#[cfg(test)]
mod tests;
