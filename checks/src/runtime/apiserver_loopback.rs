use alloc::format;

use serde_json::json;

use crate::derived::endpoint::{self, Address, Endpoint};
use crate::{
    facts::{Facts, Kubeconfig},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
    target::Severity,
};

check! {
    /// ## What it looks at
    /// Whether the Docker daemon that clients use is in another network namespace: `DOCKER_HOST` names another
    /// host, or the socket is mounted into this container and nothing here listens on it. Then, whether the
    /// current cluster of the kubeconfig is at a loopback address.
    /// `--active` does not try it: a connection would be in the log of whatever listens there.
    ///
    /// ## Why it matters
    /// kind publishes the API server on 127.0.0.1 of the machine or container in which the *daemon* runs, and
    /// writes that address into the kubeconfig. From here, 127.0.0.1 is this container: connection refused.
    ///
    /// ## When it is fine
    /// The daemon shares this network namespace: on a host, in one pod, with host networking. kind is
    /// configured with `apiServerAddress`, or its network is joined and the internal kubeconfig used; neither
    /// can be seen before the cluster is there. A loopback address of another kind of cluster can be a
    /// forwarded port.
    ///
    /// ## How to fix
    /// `networking.apiServerAddress: "0.0.0.0"` with the daemon's host name in the certificate, and that name in
    /// the kubeconfig. With a mounted socket: join kind's network, and `kind export kubeconfig --internal`.
    ///
    /// ## References
    /// kind issues 52, 379, 523 and 1745; tehcyx/terraform-provider-kind issue 75.
    "apiserver-loopback",
    "kind's API server is on another machine's loopback",
    Client,
    { kind: Error },
    ["dial tcp 127.0.0.1:", "The connection to the server 127.0.0.1:"]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let endpoint = endpoint::effective(facts)?;
    let socket = endpoint::socket(facts, &endpoint);
    let from_elsewhere = socket.is_some_and(|socket| {
        endpoint::is_from_elsewhere(facts, socket)
            && socket.listening.is_known_and(|listening| !listening)
    });
    if !endpoint.is_remote() && !from_elsewhere {
        return Ok(Outcome::not_applicable("no daemon in another network namespace is in use"));
    }
    let kubeconfig = facts.clients.kubeconfig.known().and_then(Option::as_ref);
    let at_loopback = kubeconfig.filter(|config| is_loopback(&config.server));
    if kubeconfig.is_some() && at_loopback.is_none() {
        return Ok(Outcome::pass());
    }
    Ok(finding(&endpoint, at_loopback).into())
}

fn is_loopback(server: &str) -> bool {
    matches!(endpoint::parse(server), Address::Tcp { host, .. } if endpoint::is_loopback(&host))
}

/// Names that kind, k3d and minikube give their contexts.
fn is_nested(context: &str) -> bool {
    context.starts_with("kind-") || context.starts_with("k3d-") || context == "minikube"
}

fn finding(endpoint: &Endpoint, kubeconfig: Option<&Kubeconfig>) -> Finding {
    let url = endpoint.url();
    let finding = match kubeconfig {
        Some(config) => {
            let certain = is_nested(&config.context);
            let severity =
                CHECK.worst.at_most(if certain { Severity::Error } else { Severity::Warning });
            let summary = format!(
                "the cluster of context {} is at {}, which is the loopback of the daemon's side, not of this",
                config.context, config.server
            );
            Finding::new(config.path.as_str(), severity, summary).evidence(
                config.path.as_str(),
                format!("{}: server {}", config.context, config.server),
            )
        }
        None => Finding::new(
            url.as_str(),
            CHECK.worst.at_most(Severity::Warning),
            format!("the daemon at {url} is elsewhere: a kind cluster will be on its loopback"),
        ),
    };
    let finding = finding.evidence(endpoint.configured_by.as_str(), url.as_str());
    let Address::Tcp { host, .. } = &endpoint.address else {
        return finding.caused_by("dood-semantics").remedy(Remedy::commands(
            Place::Here,
            "join kind's network, and use the address that the node has there",
            [
                "docker network connect kind \"$(cat /etc/hostname)\"",
                "kind export kubeconfig --internal",
            ],
        ));
    };
    let names = json!({"apiServer": {"certSANs": [host, "localhost", "127.0.0.1"]},
        "kind": "ClusterConfiguration"});
    finding.remedy(Remedy::kind_config(
        format!(
            "let the API server listen on all addresses of the daemon's side under the name {host}, and put \
             that name in place of 0.0.0.0 into the kubeconfig"
        ),
        json!({
            "networking": {"apiServerAddress": "0.0.0.0"},
            // A patch is text; JSON is YAML.
            "kubeadmConfigPatches": [format!("{names}")],
        }),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{EngineSocket, Fact, Fact::Known, SocketKind, Why},
        target::Target,
        testing::{healthy_container, healthy_vm, socket},
    };

    fn with_host(host: &str) -> Facts {
        let mut facts = healthy_container();
        facts.runtime.variables = Known([("DOCKER_HOST".into(), host.into())].into());
        facts
    }

    fn at(mut facts: Facts, context: &str, server: &str) -> Facts {
        facts.clients.kubeconfig = Known(Some(Kubeconfig {
            path: "/root/.kube/config".into(),
            context: context.into(),
            server: server.into(),
        }));
        facts
    }

    fn severity(facts: &Facts) -> Option<Severity> {
        match judged(facts) {
            Ok(Outcome::Found(findings)) => findings[0].severity.get(Target::Kind),
            Ok(_) => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_cluster_on_the_loopback_of_a_remote_daemon_is_an_error() {
        let remote = with_host("tcp://docker:2376");
        assert_eq!(
            severity(&at(remote.clone(), "kind-a", "https://127.0.0.1:6443")),
            Some(Severity::Error)
        );
        assert_eq!(
            severity(&at(remote, "other", "https://localhost:6443")),
            Some(Severity::Warning)
        );
    }

    #[test]
    fn before_there_is_a_cluster_it_is_foretold() {
        assert_eq!(severity(&with_host("tcp://docker:2376")), Some(Severity::Warning));
        let mut facts = healthy_container();
        facts.clients.sockets[0] = EngineSocket {
            kind: Known(SocketKind::Socket),
            is_mount_point: true,
            ..socket("/var/run/docker.sock")
        };
        assert_eq!(severity(&facts), Some(Severity::Warning));
        facts.clients.sockets[0].listening = Known(true);
        assert_eq!(severity(&facts), None);
    }

    #[test]
    fn a_daemon_here_and_an_address_that_can_be_reached_are_fine() {
        assert_eq!(severity(&healthy_vm()), None);
        assert_eq!(severity(&with_host("tcp://localhost:2375")), None);
        let remote = with_host("tcp://docker:2376");
        assert_eq!(severity(&at(remote, "kind-a", "https://docker:6443")), None);
    }

    #[test]
    fn without_the_environment_it_is_unknown() {
        let mut facts = healthy_container();
        facts.runtime.variables = Fact::missing("environment", Why::NotRecorded);
        assert!(judged(&facts).is_err());
    }
}
