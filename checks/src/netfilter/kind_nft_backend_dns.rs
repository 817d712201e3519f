use super::backend::{self, Firewall};
use crate::{
    facts::Facts,
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{DaemonOption, Remedy},
};

check! {
    /// ## What it looks at
    /// Whether dockerd is told to use its nftables backend (`firewall-backend`, Docker 29), or its table
    /// `docker-bridges` is there.
    ///
    /// ## Why it matters
    /// Nodes of kind and k3d move Docker's name server from 127.0.0.11 to an address that pods reach, by
    /// rewriting Docker's rules with iptables-save and iptables-restore. With the nftables backend those
    /// rules are in the table `docker-dns`, where there is nothing for iptables to rewrite: a node finds no
    /// name but its own. One node comes up, and pulls nothing by name; a second one does not join (tried with
    /// kind 0.33 and Docker 30-dev: five minutes, then it fails).
    ///
    /// ## When it is fine
    /// With the iptables backend, which is the default: of a dockerd that runs, or is told so. Whether a release of kind copes can only be tried.
    ///
    /// ## How to fix
    /// `firewall-backend: iptables` until kind says that it supports the other.
    ///
    /// ## References
    /// kind `images/base/files/usr/local/bin/entrypoint`; moby `daemon/libnetwork`, table docker-dns.
    "kind-nft-backend-dns",
    "kind's nodes find no names with dockerd's nftables backend",
    { kind: Warning },
    [
        "nslookup: write to '127.0.0.11': Connection refused",
        "Temporary failure in name resolution",
        "-control-plane on 172.18.0.1:53: read udp",
        "couldn't validate the identity of the API Server: failed to request the cluster-info ConfigMap",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let tables = facts.netfilter.nft_tables.known();
    let live = tables.into_iter().flatten().find(|table| table.name.starts_with("docker-bridges"));
    let told = backend::firewall(facts) == Firewall::Nftables;
    let (source, value) = match live {
        _ if told => ("dockerd: firewall-backend", "nftables"),
        Some(table) => ("nfnetlink: tables", table.name.as_str()),
        None => {
            facts.engines.daemon_json.get()?;
            facts.engines.told()?;
            let runs = facts.engines.here("dockerd").next().is_some();
            if runs {
                facts.told_of_roots(&facts.netfilter.nft_tables)?;
            }
            let chosen = facts.engines.configured(&["firewall-backend"]).is_some();
            return Ok(if runs || chosen {
                Outcome::pass()
            } else {
                Outcome::not_applicable("dockerd is not told to use nftables")
            });
        }
    };
    Ok(Finding::new(
        "firewall-backend",
        CHECK.worst,
        "dockerd makes its rules by nftables, and kind's nodes find no names so: images are not pulled, and a second \
         node does not join",
    )
    .evidence(source, value)
    .remedy(Remedy::daemon(
        "let dockerd use iptables",
        [DaemonOption::firewall_backend("iptables")],
    ))
    .into())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{EngineProcess, Fact, Fact::Known, NftTable, Why},
        testing::{healthy_container, healthy_vm},
    };

    #[test]
    fn the_backend_by_configuration_or_by_its_tables() {
        let mut facts = healthy_vm();
        if let Known(config) = &mut facts.engines.daemon_json {
            config.content = serde_json::json!({"firewall-backend": "nftables"});
        }
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert_eq!(found[0].severity, severities!(kind: Warning));
        let mut facts = healthy_vm();
        facts.netfilter.nft_tables = Known(vec![NftTable {
            family: "ip".into(),
            name: "docker-bridges".into(),
            rules: 9,
            chains: vec![],
            forward_drop: None,
        }]);
        assert!(matches!(judged(&facts), Ok(Outcome::Found(_))));
    }

    #[test]
    fn with_iptables_there_is_no_question() {
        assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
        assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_daemon_that_runs_or_is_told_to_use_iptables_passes() {
        let mut facts = healthy_vm();
        if let Known(config) = &mut facts.engines.daemon_json {
            config.content = serde_json::json!({"firewall-backend": "iptables"});
        }
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        let mut facts = healthy_vm();
        facts.engines.running = Known(vec![EngineProcess {
            name: "dockerd".into(),
            pid: 7,
            arguments: Known(vec![]),
            same_mount_namespace: Some(true),
        }]);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn without_daemon_json_it_is_unknown() {
        let mut facts = healthy_container();
        facts.engines.daemon_json = Fact::missing("/etc/docker/daemon.json", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
