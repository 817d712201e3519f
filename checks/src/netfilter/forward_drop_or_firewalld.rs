use alloc::{format, string::String, string::ToString, vec::Vec};

use super::backend::{self, Firewall};
use crate::{
    facts::{Facts, NftTable, ToolFlavour},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{Place, Remedy, RuleTool, Task},
    version::{Component, Version},
};

check! {
    /// ## What it looks at
    /// Tables of nf_tables in this network namespace: firewalld's own, and chains at the hook forward whose
    /// policy is drop. Policies of legacy tables are not read: that takes a dump of the whole table.
    /// `--active` does not try it: a packet that meets these chains needs links in the network namespace that
    /// is in use.
    ///
    /// ## Why it matters
    /// Every chain at a hook sees every packet, and one drop is final: what dockerd accepts in its table does
    /// not help where another table drops. Published ports and traffic between containers are dead, with no
    /// word in any log.
    ///
    /// ## When it is fine
    /// A policy of drop in `ip filter` or `ip6 filter` is dockerd's own doing, or ufw's, and dockerd puts its
    /// accepts there; only Docker 28.0.0 put them behind ufw's, where one that rejects comes first. Rules of a table that drops may accept what containers send: they are counted and
    /// not read, so with rules this is only worth knowing. A firewalld that runs beside dockerd is told of
    /// its bridges.
    ///
    /// ## How to fix
    /// Accept the bridges in the table that drops, or with firewalld put them into the zone `trusted`.
    ///
    /// ## References
    /// `nft(8)`, base chains; <https://docs.docker.com/engine/network/packet-filtering-firewalls/>;
    /// moby#49528;
    /// <https://kind.sigs.k8s.io/docs/user/known-issues/>, Fedora and firewalld.
    "forward-drop-or-firewalld",
    "Another firewall drops what containers send through here",
    { dockerd: Warning, kind: Warning, buildkit: Warning },
    ["No chain/target/match by that name", "no route to host"]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if facts.netfilter.nft_kernel.is_no() {
        return Ok(Outcome::not_applicable("no nf_tables here: there is one filter for all"));
    }
    let tables = facts.netfilter.nft_tables.get()?;
    let mut found: Vec<Finding> =
        tables.iter().filter(|table| !is_engines(facts, table)).filter_map(drops).collect();
    found.extend(
        tables.iter().find(|table| table.name == "firewalld").and_then(|t| firewalld(facts, t)),
    );
    for table in tables {
        found.extend(ufw_first(facts, plan, table)?);
    }
    if found.is_empty()
        && let Some(table) = tables.iter().find(|table| table.forward_drop.is_none())
    {
        return Err(Unknown::new(
            format!("policies of {} {}", table.family, table.name),
            crate::facts::Why::NotRecorded,
        ));
    }
    Ok(Outcome::of(found))
}

/// Tables into which dockerd and kube-proxy put their own rules.
fn is_engines(facts: &Facts, table: &NftTable) -> bool {
    // iptables-nft keeps its tables under these names; a legacy tool puts its accepts elsewhere.
    let iptables = matches!(&*table.family, "ip" | "ip6") && table.name == "filter";
    let tool = facts.netfilter.iptables.known().and_then(Option::as_ref);
    let legacy = tool.and_then(|tool| backend::selected(facts, tool)) == Some(ToolFlavour::Legacy);
    let nftables = backend::firewall(facts) == Firewall::Nftables;
    iptables && !legacy && !nftables
        || ["docker-bridges", "kube-proxy", "kindnet", "netavark", "firewalld"]
            .iter()
            .any(|name| table.name.starts_with(name))
}

fn drops(table: &NftTable) -> Option<Finding> {
    let chain = table.forward_drop.as_ref()?.first()?;
    let place = format!("{} {} {}", table.family, table.name, chain.name);
    // Another Docker's, of the other flavour of iptables: what it accepts are its own bridges.
    let of_docker = table.chains.iter().any(|chain| chain.starts_with("DOCKER"));
    let (severity, rules) = match chain.rules {
        rules if rules > 0 && of_docker => (
            severities!(dockerd: Warning, kind: Warning, buildkit: Warning),
            format!("{rules} rules, of another Docker for its own bridges"),
        ),
        0 => (severities!(dockerd: Warning, kind: Warning, buildkit: Warning), "no rule".into()),
        rules => (
            severities!(dockerd: Info, kind: Info, buildkit: Info),
            format!("{rules} rules, which may accept it"),
        ),
    };
    let rule = |direction: &str| Task::Rule {
        tool: RuleTool::Nft,
        table: [table.family.to_string(), table.name.to_string()].into(),
        chain: chain.name.to_string(),
        rule: [direction, "{ \"docker0\", \"br-*\" }", "accept"].map(String::from).into(),
    };
    let text = "accept docker0 and the bridges br-… of Compose and kind there, and in the firewall's configuration, \
                or the rules are gone when it starts again";
    // nft reads its arguments as a program, quoted for the shell or not.
    let plain = [&table.family, &table.name, &chain.name].into_iter().all(|name| is_plain(name));
    let remedy = if plain {
        Remedy::tasks(Place::Here, text, [rule("iifname"), rule("oifname")])
    } else {
        Remedy::advice(Place::Here, text)
    };
    Some(
        Finding::new(
            place.as_str(),
            severity,
            format!("the chain {place} drops what is forwarded: it has {rules}"),
        )
        .evidence("nfnetlink: chains", format!("{place}: hook forward, policy drop, {rules}"))
        .remedy(remedy),
    )
}

/// Whether nft takes it for a name and for nothing else. Whoever may make a table names it, and the kernel takes any bytes.
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '.'))
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "/_.-".contains(c))
}

/// Docker 28.0.0, and no other, appends its jumps to the chain FORWARD: what ufw rejects at the end of its own chains never
/// gets there. With ufw's usual policy, drop, that is the chain's, which comes last.
fn ufw_first(facts: &Facts, plan: &Plan, table: &NftTable) -> Result<Option<Finding>, Unknown> {
    let is_ufw = table.family == "ip"
        && table.name == "filter"
        && table.chains.iter().any(|chain| *chain == "ufw-reject-forward");
    if !is_ufw || plan.engine() != "dockerd" {
        return Ok(None);
    }
    let docker = facts.versions.sure(Component::Docker)?;
    if docker.version != Version::new(28, 0, 0) {
        return Ok(None);
    }
    Ok(Some(
        Finding::new(
            "ufw",
            severities!(dockerd: Warning, kind: Warning),
            "ufw comes before Docker 28.0.0 in the chain FORWARD: where it rejects what is forwarded, containers reach nothing",
        )
        .evidence("nfnetlink: chains", "ip filter: ufw-reject-forward")
        .rests_on(Component::Docker, &docker)
        .remedy(Remedy::advice(Place::Image, "use Docker 28.0.1 or later, which puts its jumps in front again"))
        .remedy(Remedy::commands(
            Place::Host,
            "have ufw drop what is forwarded in place of rejecting it",
            [
                "sed -i s/^DEFAULT_FORWARD_POLICY=.*/DEFAULT_FORWARD_POLICY=DROP/ /etc/default/ufw",
                "ufw reload",
            ],
        )),
    ))
}

/// firewalld rejects what is forwarded between links that it was not told of. dockerd tells it over D-Bus,
/// if both see the same bus.
fn firewalld(facts: &Facts, table: &NftTable) -> Option<Finding> {
    if let Some(chain) = table.forward_drop.iter().flatten().next() {
        return Some(firewalld_drops(table, &chain.name));
    }
    if facts.runtime.container.is_no() {
        return None;
    }
    Some(
        Finding::new(
            "firewalld",
            severities!(dockerd: Warning, kind: Warning, buildkit: Warning),
            "firewalld of the host filters here, and a dockerd in this container cannot tell it of its \
             bridges",
        )
        .evidence("nfnetlink: tables", format!("{} {}", table.family, table.name))
        .remedy(trust(Place::Host))
        .remedy(Remedy::advice(
            Place::Container,
            "give the container a network namespace of its own (no --network=host)",
        )),
    )
}

/// Its table comes beside that of iptables, and what is dropped in one is dropped.
fn firewalld_drops(table: &NftTable, chain: &str) -> Finding {
    let place = format!("{} {} {chain}", table.family, table.name);
    Finding::new(
        "firewalld",
        severities!(dockerd: Warning, kind: Warning, buildkit: Warning),
        format!("firewalld drops what is forwarded ({place}), unless it trusts the bridge"),
    )
    .evidence("nfnetlink: chains", format!("{place}: hook forward, policy drop"))
    .remedy(trust(Place::Here))
}

fn trust(place: Place) -> Remedy {
    Remedy::commands(
        place,
        "let firewalld trust the bridge",
        [
            "firewall-cmd --permanent --zone=trusted --add-interface=docker0",
            "firewall-cmd --reload",
        ],
    )
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, ForwardChain, Tri, Why},
        testing::{healthy_container, healthy_vm},
    };

    fn table(family: &str, name: &str, drop: Option<u32>) -> NftTable {
        let chain = |rules| ForwardChain { name: "forward".into(), rules };
        NftTable {
            family: family.into(),
            name: name.into(),
            rules: 1,
            chains: vec!["forward".into()],
            forward_drop: Some(drop.map(chain).into_iter().collect()),
        }
    }

    fn with(mut facts: Facts, tables: Vec<NftTable>) -> Facts {
        facts.netfilter.nft_tables = Known(tables);
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
    fn a_table_of_someone_else_that_drops_is_found() {
        let facts = with(healthy_vm(), vec![table("inet", "filter", Some(0))]);
        assert_eq!(
            finding(&facts).severity,
            severities!(dockerd: Warning, kind: Warning, buildkit: Warning)
        );
        let facts = with(healthy_vm(), vec![table("inet", "filter", Some(3))]);
        assert_eq!(
            finding(&facts).severity,
            severities!(dockerd: Info, kind: Info, buildkit: Info)
        );
    }

    #[test]
    fn the_table_of_iptables_is_dockers_own() {
        let mut facts = with(healthy_vm(), vec![table("ip", "filter", Some(2))]);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        if let Known(Some(tool)) = &mut facts.netfilter.iptables {
            tool.flavour = Known(ToolFlavour::Legacy);
        }
        finding(&facts);
    }

    #[test]
    fn what_another_docker_accepts_are_its_own_bridges() {
        let docker =
            NftTable { chains: vec!["DOCKER-USER".into()], ..table("ip", "filter", Some(9)) };
        let mut facts = with(healthy_vm(), vec![docker]);
        if let Known(Some(tool)) = &mut facts.netfilter.iptables {
            tool.flavour = Known(ToolFlavour::Legacy);
        }
        assert_eq!(
            finding(&facts).severity,
            severities!(dockerd: Warning, kind: Warning, buildkit: Warning)
        );
    }

    /// Names come from whoever may make a table, and nft reads what it is given as a program.
    #[test]
    fn a_name_that_is_no_word_gets_into_no_command() {
        let commands = |name: &str, chain: &str| {
            let mut table = NftTable { name: name.into(), ..table("inet", "x", Some(0)) };
            table.forward_drop.as_mut().unwrap()[0].name = chain.into();
            let found = finding(&with(healthy_vm(), vec![table]));
            let rendered = found.remedies[0].render(&crate::facts::Launcher::None.into());
            assert!(rendered[0].text.starts_with("accept docker0"));
            rendered[0].commands.len()
        };
        for plain in ["filter", "_x", ".a/b-c", "F9"] {
            assert_eq!(commands(plain, "forward"), 2, "{plain}");
        }
        for odd in ["x; flush ruleset", "x\"", "x'", "x y", "x\ny", "{", "", "9", "-f", "ä", "x#"]
        {
            assert_eq!(commands(odd, "forward"), 0, "{odd}");
            assert_eq!(commands("filter", odd), 0, "{odd}");
        }
    }

    #[test]
    fn ufw_comes_first_with_one_release_of_docker() {
        let ufw = || NftTable {
            chains: vec!["FORWARD".into(), "ufw-reject-forward".into()],
            ..table("ip", "filter", Some(9))
        };
        let of = |patch: u32, tables| {
            let mut facts = with(healthy_vm(), tables);
            facts.versions.give(Component::Docker, Version::new(28, 0, patch));
            facts
        };
        let found = finding(&of(0, vec![ufw()]));
        assert_eq!(found.severity, severities!(dockerd: Warning, kind: Warning));
        assert!(found.remedies[1].text.contains("ufw"));
        assert_eq!(judged(&of(1, vec![ufw()])), Ok(Outcome::pass()));
        assert_eq!(judged(&of(0, vec![table("ip", "filter", Some(9))])), Ok(Outcome::pass()));
        let mut unread = of(0, vec![ufw()]);
        unread.versions = crate::version::Versions::default();
        let lost = crate::facts::Missing::new("/var/lib/dpkg/status", Why::NotPermitted);
        unread.versions.unreadable.push(lost);
        assert!(judged(&unread).is_err());
    }

    #[test]
    fn a_firewalld_that_dockerd_cannot_talk_to_is_found() {
        let tables = || vec![table("inet", "firewalld", None)];
        assert_eq!(finding(&with(healthy_container(), tables())).subject, "firewalld");
        assert_eq!(judged(&with(healthy_vm(), tables())), Ok(Outcome::pass()));
    }

    #[test]
    fn nothing_that_drops_passes() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(
            judged(&with(healthy_vm(), vec![table("inet", "x", None)])),
            Ok(Outcome::pass())
        );
        let mut facts = healthy_vm();
        facts.netfilter.nft_kernel = Tri::No;
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn what_was_not_asked_or_recorded_is_unknown() {
        let mut facts =
            with(healthy_vm(), vec![NftTable { forward_drop: None, ..table("inet", "x", None) }]);
        assert!(judged(&facts).is_err());
        facts.netfilter.nft_tables = Fact::missing("nfnetlink: tables", Why::NotProbed);
        assert!(judged(&facts).is_err());
    }
}
