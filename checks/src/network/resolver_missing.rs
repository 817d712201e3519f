use alloc::format;

use super::dns_loopback_resolver;
use crate::{
    facts::{Facts, NameServer, Why},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{DaemonOption, Place, Remedy},
};

check! {
    /// ## What it looks at
    /// Whether `/etc/resolv.conf` can be read at all: it is missing, or a link to what is not there. Also the list that
    /// systemd-resolved keeps beside it, and dockerd's `dns`.
    ///
    /// ## Why it matters
    /// dockerd makes the `resolv.conf` of containers from this file. Without it Docker before 28 wrote 8.8.8.8 and 8.8.4.4
    /// into it; since 28 it writes no server, and containers find no names (`Temporary failure in name resolution`). The
    /// link is left behind where resolvconf or systemd-resolved was removed or does not run, and in chroots.
    ///
    /// ## When it is fine
    /// With `dns` configured the file does not matter. Rootless Docker has a server of its own in its network, and
    /// podman and buildkitd still fall back to public ones. Where nothing leads out of here, nobody is missed. A file that
    /// is there and names only servers on loopback is another matter: see dns-loopback-resolver.
    ///
    /// ## How to fix
    /// Set the link to what is there: `ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf`, or write the
    /// file; or `"dns"` in daemon.json. Then start dockerd again.
    ///
    /// ## References
    /// `resolv.conf(5)`, `systemd-resolved.service(8)`; moby#49665; moby `daemon/libnetwork/internal/resolvconf`.
    "resolver-missing",
    "There is no /etc/resolv.conf: containers get no name server",
    Docker,
    { dockerd: Warning, kind: Warning },
    [
        "open /etc/resolv.conf: no such file or directory",
        "stat /etc/resolv.conf: no such file or directory",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if let Some(told) = dns_loopback_resolver::name_servers_told(facts) {
        return Ok(told);
    }
    let resolv_conf = &facts.resolver.resolv_conf;
    if resolv_conf.why() != Some(Why::NotFound) {
        resolv_conf.get()?;
        return Ok(Outcome::pass());
    }
    facts.network.routes.get()?;
    if facts.network.uplink().is_none() {
        return Ok(Outcome::not_applicable("there is no way out, and no name server"));
    }
    facts.engines.daemon_json.get()?;
    let summary = "/etc/resolv.conf is missing, or a link to nothing: containers get no name server (before Docker 28: 8.8.8.8)";
    let finding = Finding::new("/etc/resolv.conf", CHECK.worst, summary)
        .evidence("/etc/resolv.conf", "not there");
    let resolved = facts.resolver.systemd.known();
    let server = resolved.and_then(|conf| {
        conf.servers.iter().find(|server| NameServer::is_usable_elsewhere(server))
    });
    let Some(server) = server else {
        return Ok(finding
            .remedy(Remedy::advice(
                Place::Here,
                "write /etc/resolv.conf with a server that containers reach, or tell dockerd one (--dns=ADDRESS), and start \
                 dockerd again",
            ))
            .into());
    };
    let address = format!("{}", server.address);
    Ok(finding
        .remedy(Remedy::commands(
            Place::Here,
            "set the link to what systemd-resolved keeps, and start dockerd again",
            ["ln -sf /run/systemd/resolve/resolv.conf /etc/resolv.conf"],
        ))
        .remedy(Remedy::daemon(
            format!("let containers ask {address}, which systemd-resolved knows"),
            [DaemonOption::dns(&address)],
        ))
        .into())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, ResolvConf},
        testing::{healthy_container, healthy_vm},
    };

    fn without() -> Facts {
        let mut facts = healthy_vm();
        facts.resolver.resolv_conf = Fact::missing("/etc/resolv.conf", Why::NotFound);
        facts
    }

    fn finding(facts: &Facts) -> Finding {
        match judged(facts) {
            Ok(Outcome::Found(mut found)) if found.len() == 1 => found.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_found() {
        let found = finding(&without());
        assert_eq!((found.severity, found.remedies.len()), (CHECK.worst, 1));
    }

    #[test]
    fn what_resolved_knows_is_the_remedy() {
        let mut facts = without();
        let server = |address: &str| NameServer { address: address.parse().unwrap(), zone: None };
        let servers = vec![server("127.0.0.53"), server("10.0.0.2")];
        facts.resolver.systemd = Known(ResolvConf { servers, ..ResolvConf::default() });
        let found = finding(&facts);
        assert_eq!(found.remedies.len(), 2);
        assert!(found.remedies[1].text.contains("10.0.0.2"), "{:?}", found.remedies[1]);
    }

    #[test]
    fn with_the_file_it_passes() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    }

    #[test]
    fn what_dockerd_is_told_wins() {
        let mut facts = without();
        if let Known(config) = &mut facts.engines.daemon_json {
            config.content = serde_json::json!({"dns": ["10.0.0.2"]});
        }
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn where_nothing_leads_out_nobody_is_missed() {
        let mut facts = without();
        facts.network.routes = Known(vec![]);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        let mut facts = healthy_vm();
        facts.resolver.resolv_conf = Fact::missing("/etc/resolv.conf", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        let mut facts = without();
        facts.network.routes = Fact::missing("rtnetlink", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
