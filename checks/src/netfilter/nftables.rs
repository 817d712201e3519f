//! dockerd with its nftables backend (Docker 29), by the trial that makes what it makes.

use alloc::{format, string::String, vec::Vec};

use super::{backend, kernel};
use crate::{
    facts::{Action, Facts, Step, ToolFlavour, Trial},
    outcome::{Finding, Outcome},
    remedy::{DaemonOption, Place, Remedy, Task},
    version::Component,
};

/// How many rules the trial makes.
const RULES: usize = 5;

/// Destination NAT is for published ports; all else is made for each network.
const PORTS: &str = "dnat";

/// Whether its table and chains can be made, and packets meet its rules; `None` if that was not tried.
pub(super) fn backend(facts: &Facts) -> Option<Outcome> {
    let (trial, table) = kernel::tried(facts, ToolFlavour::Nft)?;
    let mut made = [table].into_iter().chain(trial.steps(Action::MakeChain));
    if let Some(step) = made.find(|step| step.refused.is_some()) {
        return Some(unusable(facts, trial, step).into());
    }
    let ignored = trial.steps(Action::SendPacket).find(|step| step.refused.is_some());
    let masquerades = trial.step(Action::MakeRule, "masquerade").is_some_and(worked);
    match ignored.filter(|_| masquerades) {
        Some(step) => Some(
            Finding::new(
                "nf_tables",
                severities!(dockerd: Warning, kind: Warning),
                format!("rules in nf_tables are accepted, and packets do not meet them: {step}"),
            )
            .tried(trial, step)
            .remedy(Remedy::advice(
                Place::Host,
                "use a kernel whose netfilter sees the packets of this network namespace",
            ))
            .into(),
        ),
        None => Some(Outcome::proved()),
    }
}

fn unusable(facts: &Facts, trial: &Trial, step: &Step) -> Finding {
    let what = match step.object.as_str() {
        "" => "table of nf_tables".into(),
        chain => format!("chain {chain}"),
    };
    let finding = Finding::new(
        "nf_tables",
        severities!(dockerd: Error, kind: Error),
        format!("dockerd is told to use nftables, and this kernel makes no {what}: {step}"),
    )
    .tried(trial, step)
    .remedy(Remedy::tasks(
        Place::Host,
        "load the modules on the host",
        [Task::modules(["nf_tables", "nft_chain_nat"])],
    ));
    or_iptables(facts, finding)
}

/// What its rules need and the kernel does not have; `None` if no rule was tried.
pub(super) fn rules(facts: &Facts) -> Option<Outcome> {
    let trial = kernel::trial(facts).filter(|trial| trial.worked(Action::MakeTable))?;
    let chains = trial.steps(Action::MakeChain).all(worked);
    let missing: Vec<&Step> = trial.steps(Action::MakeRule).filter(|step| !worked(step)).collect();
    if missing.is_empty() {
        return (trial.steps(Action::MakeRule).count() == RULES).then(Outcome::proved);
    }
    let names: Vec<&str> = missing.iter().map(|step| step.object.as_str()).collect();
    let severity = if names == [PORTS] {
        severities!(dockerd: Warning, kind: Error)
    } else {
        severities!(dockerd: Error, kind: Error)
    };
    let mut finding = Finding::new(
        "nf_tables",
        severity,
        format!("nf_tables makes no rule with {}, which dockerd's rules need", names.join(", ")),
    );
    for step in &missing {
        finding = finding.tried(trial, step);
    }
    if !chains {
        finding = finding.caused_by("iptables-backend-unusable");
    }
    let options = format!("use a kernel with {}", options(&missing));
    Some(or_iptables(facts, finding.remedy(Remedy::advice(Place::Host, options))).into())
}

fn options(missing: &[&Step]) -> String {
    let option = |step: &&Step| match step.object.as_str() {
        "fib daddr type local" => "CONFIG_NFT_FIB_IPV4",
        "masquerade" => "CONFIG_NFT_MASQ",
        PORTS => "CONFIG_NFT_NAT",
        "ct state established,related" => "CONFIG_NFT_CT",
        _ => "CONFIG_NF_TABLES_IPV4",
    };
    missing.iter().map(option).collect::<Vec<&str>>().join(", ")
}

fn worked(step: &Step) -> bool {
    step.refused.is_none()
}

/// The other backend, unless its trial failed too.
fn or_iptables(facts: &Facts, finding: Finding) -> Finding {
    let there = facts.netfilter.iptables.is_known_and(Option::is_some);
    if !there || backend::tried(facts).is_some_and(|trial| trial.failure().is_some()) {
        return finding;
    }
    finding
        .remedy(Remedy::daemon("let it use iptables", [DaemonOption::firewall_backend("iptables")]))
}

/// For who cannot use iptables: this backend, unless it is known not to work either.
pub(super) fn instead(facts: &Facts) -> Option<Remedy> {
    let docker = facts.versions.of(Component::Docker);
    let there = facts.netfilter.nft.is_known_and(Option::is_some);
    let fails = kernel::trial(facts).is_some_and(|trial| trial.failure().is_some())
        || kernel::serves(facts, ToolFlavour::Nft).is_no();
    (docker.version.at_least(29, 0) && there && !fails).then(|| {
        Remedy::daemon(
            "let Docker 29 and later talk to nf_tables itself",
            [DaemonOption::firewall_backend("nftables")],
        )
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Fact::Known, NF_TABLES, Tri, TrialName},
        testing::{healthy_container, tried},
        version::Version,
    };

    const RULE_NAMES: [&str; RULES] =
        ["ct state established,related", "fib daddr type local", PORTS, "masquerade", "drop"];

    /// The trial, in which the steps with this object fail.
    fn with(fails: Option<(&str, &str)>) -> Facts {
        let mut facts = healthy_container();
        let mut steps = vec![(Action::LegacyTable, "nat"), (Action::MakeTable, "table")];
        steps.extend(["nat postrouting", "raw prerouting"].map(|name| (Action::MakeChain, name)));
        steps.extend(RULE_NAMES.map(|name| (Action::MakeRule, name)));
        steps.push((Action::SendPacket, "packet"));
        let refused = |object| fails.filter(|(name, _)| *name == object).map(|(_, what)| what);
        let steps: Vec<_> =
            steps.into_iter().map(|(a, object)| (a, object, refused(object))).collect();
        tried(&mut facts, TrialName::Netfilter, NF_TABLES, &steps);
        facts
    }

    fn found(outcome: Option<Outcome>) -> Finding {
        match outcome {
            Some(Outcome::Found(findings)) if findings.len() == 1 => findings[0].clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_of_it_proves_both() {
        let facts = with(None);
        assert_eq!(backend(&facts), Some(Outcome::proved()));
        assert_eq!(rules(&facts), Some(Outcome::proved()));
        let untried = healthy_container();
        assert_eq!((backend(&untried), rules(&untried)), (None, None));
    }

    #[test]
    fn a_chain_that_cannot_be_made_stops_it() {
        let finding = found(backend(&with(Some(("nat postrouting", "ENOENT")))));
        assert_eq!(finding.severity, severities!(dockerd: Error, kind: Error));
        assert!(finding.summary.ends_with("this kernel makes no chain nat postrouting: ENOENT"));
        assert_eq!(finding.evidence[0].source, "trial: make a chain (nat postrouting; nf_tables)");
    }

    #[test]
    fn a_rule_that_cannot_be_made_names_its_option() {
        let facts = with(Some(("fib daddr type local", "ENOENT")));
        assert_eq!(backend(&facts), Some(Outcome::proved()));
        let finding = found(rules(&facts));
        assert_eq!(finding.severity, severities!(dockerd: Error, kind: Error));
        assert_eq!(finding.remedies[0].text, "use a kernel with CONFIG_NFT_FIB_IPV4");
        assert_eq!(
            finding.remedies.len(),
            2,
            "iptables is the other, of which nothing bad is known"
        );
        assert_eq!(
            found(rules(&with(Some((PORTS, "ENOENT"))))).severity,
            severities!(dockerd: Warning, kind: Error)
        );
    }

    #[test]
    fn packets_that_meet_no_rule_are_a_warning() {
        let finding = found(backend(&with(Some(("packet", "it arrived from 192.0.2.1")))));
        assert_eq!(finding.severity, severities!(dockerd: Warning, kind: Warning));
    }

    #[test]
    fn who_may_not_ask_has_learnt_nothing() {
        let mut facts = with(Some(("table", "EPERM")));
        assert_eq!((backend(&facts), rules(&facts)), (None, None));
        facts.netfilter.nft_kernel = Tri::Unknown;
        assert_eq!(kernel::serves(&facts, ToolFlavour::Nft), Tri::Unknown);
    }

    #[test]
    fn it_is_a_way_out_for_docker_29_unless_it_was_seen_to_fail() {
        assert!(instead(&with(None)).is_some());
        assert!(instead(&with(Some(("masquerade", "ENOENT")))).is_none());
        let mut facts = with(None);
        facts.versions.give(Component::Docker, Version::new(28, 0, 0));
        assert!(instead(&facts).is_none());
        facts = with(None);
        facts.netfilter.nft = Known(None);
        assert!(instead(&facts).is_none());
    }
}
