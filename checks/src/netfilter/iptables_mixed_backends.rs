use alloc::{format, string::String, vec::Vec};

use super::backend;
use crate::{
    facts::{Facts, IptablesTool, LegacyTable, NftTable, Text, ToolFlavour},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
};

check! {
    /// ## What it looks at
    /// The rules that are in this network namespace already: entries of registered legacy tables above
    /// those of an empty one, and rules in the tables of nf_tables that iptables-nft uses (`ip nat`,
    /// `ip filter`, …). Then which of the two a daemon that starts here would write to.
    /// `--active` does not try it: a packet that meets these rules needs links in the network namespace that is
    /// in use.
    ///
    /// ## Why it matters
    /// Legacy and nft are two rule sets on the same hooks, and neither tool shows the other's rules. The
    /// outer engine writes its rules for 127.0.0.11 into this namespace with the host's flavour; a daemon
    /// inside that uses the other one accepts its rules and sees packets decided elsewhere: no
    /// masquerading, no name resolution, dead published ports. Before Linux 4.18 only one of them got NAT.
    /// docker:dind, kind's node and iptables-wrappers choose by three different rules; the evidence says
    /// what each would take.
    ///
    /// ## When it is fine
    /// Rules of both flavours on the *host* say nothing about this namespace. Legacy tables that are
    /// registered and empty do nothing, though docker:dind takes legacy because of them. Native tables of
    /// nf_tables (firewalld, kube-proxy, Docker 29) are made to stand beside others. Two flavours with
    /// rules work as long as the daemon uses the one that holds the engine's rules.
    ///
    /// ## How to fix
    /// Let the daemon use the flavour of the rules that are there (`DOCKER_IPTABLES_LEGACY`,
    /// `update-alternatives`). Or run the container on the default bridge, where the engine writes no rules
    /// into it. Do not flush rules in a namespace that others use.
    ///
    /// ## References
    /// docker-library/docker#467, #443, #463; kubernetes-sigs/iptables-wrappers; kind's entrypoint
    /// (`select_iptables`); node-problem-detector `iptables_mode.sh`, PR#844.
    "iptables-mixed-backends",
    "Rules of legacy and nft iptables stand side by side",
    { dockerd: Warning, kind: Warning, buildkit: Warning },
    [
        "iptables-legacy tables present, use iptables-legacy to see them",
        "nslookup: write to '127.0.0.11': Connection refused",
        "Temporary failure in name resolution",
        "No chain/target/match by that name",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let legacy = legacy_tables(facts);
    let nft = nft_tables(facts);
    // Nothing can be mixed with nothing, whatever the other side holds.
    let compat = nft.as_ref().ok().map(|tables| compat(tables));
    if compat.as_ref().is_some_and(Vec::is_empty) && legacy.is_err() {
        return Ok(Outcome::pass());
    }
    let registered = legacy?;
    let legacy = with_rules(registered)?;
    let compat = match compat {
        Some(compat) => compat,
        None if legacy.is_empty() => Vec::new(),
        None => return nft.map(|_| Outcome::pass()),
    };
    let tool = facts.netfilter.iptables.known().and_then(Option::as_ref);
    let selected = tool.and_then(|tool| backend::selected(facts, tool));
    let rules = Rules { legacy, compat };
    Ok(match (rules.legacy.is_empty(), rules.compat.is_empty(), selected) {
        (false, false, _) => both(facts, &rules, tool, selected).into(),
        (false, true, Some(ToolFlavour::Nft)) => {
            one(facts, &rules, tool, ToolFlavour::Legacy, ToolFlavour::Nft).into()
        }
        (true, false, Some(ToolFlavour::Legacy)) => {
            one(facts, &rules, tool, ToolFlavour::Nft, ToolFlavour::Legacy).into()
        }
        (true, true, Some(ToolFlavour::Legacy))
            if is_flipped(facts, tool) && !registered.is_empty() =>
        {
            flipped(facts, registered, tool).into()
        }
        _ => Outcome::pass(),
    })
}

/// The rules of both flavours.
struct Rules<'a> {
    /// Legacy tables and how many rules each has; none of them is empty.
    legacy: Vec<(&'a LegacyTable, u32)>,
    /// Tables that iptables-nft made, with rules.
    compat: Vec<&'a NftTable>,
}

fn legacy_tables(facts: &Facts) -> Result<&[LegacyTable], Unknown> {
    match facts.netfilter.legacy_tables.get() {
        Ok(tables) => Ok(tables),
        Err(_) if facts.netfilter.legacy_kernel.is_no() => Ok(&[]),
        Err(unknown) => Err(unknown),
    }
}

fn nft_tables(facts: &Facts) -> Result<&[NftTable], Unknown> {
    match facts.netfilter.nft_tables.get() {
        Ok(tables) => Ok(tables),
        Err(_) if facts.netfilter.nft_kernel.is_no() => Ok(&[]),
        Err(unknown) => Err(unknown),
    }
}

fn with_rules(tables: &[LegacyTable]) -> Result<Vec<(&LegacyTable, u32)>, Unknown> {
    let mut rules = Vec::new();
    for table in tables {
        let count = table.count.get()?;
        if count.entries > count.pristine {
            rules.push((table, count.entries - count.pristine));
        }
    }
    Ok(rules)
}

/// The tables that iptables-nft uses, if they have rules.
fn compat(tables: &[NftTable]) -> Vec<&NftTable> {
    let is_compat = |table: &&NftTable| {
        matches!(table.family.as_str(), "ip" | "ip6")
            && matches!(table.name.as_str(), "nat" | "filter" | "mangle" | "raw" | "security")
    };
    tables.iter().filter(is_compat).filter(|table| table.rules > 0).collect()
}

/// Chains by which an outer engine or a cluster steers this namespace; dockerd's own are DOCKER, DOCKER-….
fn is_engine_chain(chain: &str) -> bool {
    ["DOCKER_OUTPUT", "DOCKER_POSTROUTING", "KUBE-", "CNI-", "FLANNEL-", "cali-"]
        .iter()
        .any(|prefix| chain.starts_with(prefix))
}

fn both(
    facts: &Facts,
    rules: &Rules<'_>,
    tool: Option<&IptablesTool>,
    selected: Option<ToolFlavour>,
) -> Finding {
    let nft_holds = rules.compat.iter().any(|t| t.chains.iter().any(|c| is_engine_chain(c)));
    let holder = if nft_holds { ToolFlavour::Nft } else { ToolFlavour::Legacy };
    let (severity, end) = match selected {
        Some(selected) if selected != holder => (
            severities!(dockerd: Warning, kind: Warning, buildkit: Warning),
            format!(
                "a daemon would use {}, the engine's rules are {}",
                selected.name(),
                holder.name()
            ),
        ),
        Some(selected) => (
            severities!(dockerd: Info, kind: Info, buildkit: Info),
            format!("a daemon would use {}", selected.name()),
        ),
        None => (
            severities!(dockerd: Info, kind: Info, buildkit: Info),
            "which of them a daemon would use is not known".into(),
        ),
    };
    let finding = Finding::new(
        "iptables",
        severity,
        format!("both legacy and nft rules are in force here; {end}"),
    );
    describe(facts, finding, rules, selected, pinned(facts, tool, holder))
}

fn one(
    facts: &Facts,
    rules: &Rules<'_>,
    tool: Option<&IptablesTool>,
    there: ToolFlavour,
    selected: ToolFlavour,
) -> Finding {
    // nf_nat takes several users of one hook since 4.18; before, the first one wins.
    let old = facts.kernel.version.is_known_and(|version| !version.at_least(4, 18));
    let (severity, end) = if old {
        (
            severities!(dockerd: Warning, kind: Warning, buildkit: Warning),
            ", and before Linux 4.18 only one of them gets NAT",
        )
    } else {
        (severities!(dockerd: Info, kind: Info, buildkit: Info), "")
    };
    let finding = Finding::new(
        "iptables",
        severity,
        format!(
            "the rules here are {}, and a daemon would add {} ones beside them{end}",
            there.name(),
            selected.name()
        ),
    );
    describe(facts, finding, rules, Some(selected), pinned(facts, tool, there))
}

/// Whether docker:dind's entrypoint takes another flavour than the `iptables` of its image has.
fn is_flipped(facts: &Facts, tool: Option<&IptablesTool>) -> bool {
    facts.engines.is_dind()
        && facts.runtime.variable(backend::DIND_VARIABLE).is_none()
        && tool.is_some_and(|tool| tool.flavour.is_known_and(|f| *f == ToolFlavour::Nft))
}

fn flipped(facts: &Facts, registered: &[LegacyTable], tool: Option<&IptablesTool>) -> Finding {
    let names: Vec<&str> = registered.iter().map(|table| table.name.as_str()).collect();
    let finding = Finding::new(
        "iptables",
        severities!(dockerd: Info, kind: Info, buildkit: Info),
        "legacy tables are registered, though empty: docker:dind takes legacy because of them",
    )
    .evidence("/proc/net/ip_tables_names", names.join(", "));
    pinned(facts, tool, ToolFlavour::Nft).into_iter().fold(finding, Finding::remedy)
}

fn pinned(facts: &Facts, tool: Option<&IptablesTool>, flavour: ToolFlavour) -> Vec<Remedy> {
    let mut remedies = backend::pin(facts, tool, flavour);
    if !facts.runtime.container.is_no() {
        remedies.push(Remedy::advice(
            Place::Container,
            "run the container on the default bridge, where the engine writes no rules into it",
        ));
    }
    remedies
}

fn describe(
    facts: &Facts,
    finding: Finding,
    rules: &Rules<'_>,
    selected: Option<ToolFlavour>,
    remedies: Vec<Remedy>,
) -> Finding {
    let list = |rows: Vec<String>| if rows.is_empty() { "none".into() } else { rows.join(", ") };
    let legacy = rules.legacy.iter().map(|(t, n)| format!("{} {n} rules", t.name)).collect();
    let nft = rules.compat.iter().map(|t| {
        let chains: Vec<&str> =
            t.chains.iter().map(Text::as_str).filter(|c| is_engine_chain(c)).collect();
        let chains =
            if chains.is_empty() { String::new() } else { format!(" ({})", chains.join(", ")) };
        format!("{} {} {} rules{chains}", t.family, t.name, t.rules)
    });
    let finding = finding
        .evidence("legacy tables", list(legacy))
        .evidence("nf_tables", list(nft.collect()))
        .evidence("docker:dind would take", name(backend::dind_choice(facts)))
        .evidence("a kind node would take", kind_node(selected))
        .evidence("iptables-wrappers 3 would take", wrappers(rules));
    remedies.into_iter().fold(finding, Finding::remedy)
}

fn name(flavour: Option<ToolFlavour>) -> &'static str {
    flavour.map_or("unknown", ToolFlavour::name)
}

/// kind's entrypoint counts rules in the node's own namespace, where this daemon's rules for the
/// embedded DNS are; legacy on a tie.
fn kind_node(selected: Option<ToolFlavour>) -> String {
    format!(
        "{}: the flavour by which this daemon writes its DNS rules into the node",
        name(selected)
    )
}

/// They look for kubelet's chains, nft first, and default to nft; legacy chains cannot be seen here.
fn wrappers(rules: &Rules<'_>) -> &'static str {
    let hints = ["KUBE-IPTABLES-HINT", "KUBE-KUBELET-CANARY"];
    let is_hint = |t: &&NftTable| t.chains.iter().any(|c| hints.contains(&c.as_str()));
    if rules.compat.iter().any(is_hint) {
        "nft: kubelet's chains are there"
    } else if rules.legacy.is_empty() {
        "nft, the default"
    } else {
        "nft, unless kubelet's chains are among the legacy rules"
    }
}

#[cfg(test)]
mod tests;
