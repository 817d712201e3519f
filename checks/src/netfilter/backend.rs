//! Which firewall backend a daemon that is started here would use.

use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::{Ending, Facts, IptablesTool, ToolFlavour, Tri, Trial, TrialName},
    remedy::{ContainerSetting, Place, Remedy, Task},
};

/// What dockerd is told about the firewall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Firewall {
    /// `--iptables=false`: it leaves rules alone, and there is no NAT.
    Off,
    /// `--firewall-backend=nftables`: it talks to nf_tables through `nft`.
    Nftables,
    /// The default: it runs `iptables`.
    Iptables,
}

/// The variable by which docker:dind's entrypoint is told the backend.
pub(super) const DIND_VARIABLE: &str = "DOCKER_IPTABLES_LEGACY";

/// An option of a running daemon, else of daemon.json.
pub(super) fn option(facts: &Facts, name: &'static str) -> Option<String> {
    let flag = facts.engines.named("dockerd").find_map(|daemon| daemon.flag(name));
    flag.or_else(|| {
        let value = facts.engines.configured(&[name])?;
        Some(value.as_str().map_or_else(|| format!("{value}"), String::from))
    })
}

/// What dockerd is told.
pub(super) fn firewall(facts: &Facts) -> Firewall {
    if option(facts, "iptables").is_some_and(|value| value == "false") {
        Firewall::Off
    } else if option(facts, "firewall-backend").is_some_and(|value| value == "nftables") {
        Firewall::Nftables
    } else {
        Firewall::Iptables
    }
}

/// The backend that docker:dind's entrypoint chooses in this network namespace.
pub(super) fn dind_choice(facts: &Facts) -> Option<ToolFlavour> {
    let netfilter = &facts.netfilter;
    match facts.runtime.variable(DIND_VARIABLE) {
        Some("") => return Some(ToolFlavour::Nft),
        Some(_) => return Some(ToolFlavour::Legacy),
        None => {}
    }
    // Any registered table counts, with or without rules.
    let registered = match netfilter.legacy_tables.known() {
        Some(tables) => !tables.is_empty(),
        None if netfilter.legacy_kernel.is_no() => false,
        None => return None,
    };
    match (registered, netfilter.nft_kernel, netfilter.legacy_kernel) {
        (true, ..) | (false, Tri::No, Tri::Yes) => Some(ToolFlavour::Legacy),
        (false, Tri::Yes, _) => Some(ToolFlavour::Nft),
        _ => None,
    }
}

/// The backend of the `iptables` that a daemon would run: docker:dind's entrypoint chooses where its
/// image has both, else it is that of the first one on the PATH.
pub(super) fn selected(facts: &Facts, tool: &IptablesTool) -> Option<ToolFlavour> {
    let flavour = tool.flavour.known().copied();
    if facts.engines.is_dind() && flavour == Some(ToolFlavour::Nft) {
        return dind_choice(facts).or(flavour);
    }
    flavour
}

/// The trial of the `iptables` that a daemon would run, if it came to its end.
pub(super) fn tried(facts: &Facts) -> Option<&Trial> {
    let tool = facts.netfilter.iptables.known()?.as_ref()?;
    // docker:dind's entrypoint may choose another one than the first on the PATH.
    if selected(facts, tool) != tool.flavour.known().copied() {
        return None;
    }
    let trial = facts.trials.of(TrialName::Netfilter, &tool.path)?;
    (trial.ending == Ending::Complete).then_some(trial)
}

/// How to make the daemon use `flavour`.
pub(super) fn pin(facts: &Facts, tool: Option<&IptablesTool>, flavour: ToolFlavour) -> Vec<Remedy> {
    let (name, value) = match flavour {
        ToolFlavour::Legacy => ("legacy", "1"),
        ToolFlavour::Nft => ("nft", ""),
    };
    let mut remedies = Vec::new();
    let installed = tool.is_some_and(|tool| tool.alternatives.contains(&flavour));
    let debian = tool.is_some_and(|tool| tool.path == "/usr/sbin/iptables");
    if installed && debian {
        remedies.push(Remedy::tasks(
            Place::Here,
            format!("let iptables be the {name} flavour (Debian, Ubuntu), before dockerd starts"),
            ["iptables", "ip6tables"].map(|program| Task::Alternative {
                program: program.into(),
                path: format!("/usr/sbin/{program}-{name}"),
            }),
        ));
    }
    if facts.runtime.container.is_no() {
        return remedies;
    }
    let how = if value.is_empty() { "set but empty" } else { "set" };
    remedies.push(Remedy::container(
        format!(
            "with the docker:dind image, the {name} flavour is what {DIND_VARIABLE} {how} chooses"
        ),
        [ContainerSetting::Variable(DIND_VARIABLE.into(), value.into())],
    ));
    remedies
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, LegacyTable, Why},
        testing::healthy_container,
    };

    #[test]
    fn dind_takes_legacy_where_any_table_is_registered() {
        let mut facts = healthy_container();
        assert_eq!(dind_choice(&facts), Some(ToolFlavour::Nft));
        facts.netfilter.legacy_tables = Known(vec![LegacyTable {
            family: 4,
            name: "filter".into(),
            count: Fact::missing("IPT_SO_GET_INFO", Why::NotPermitted),
        }]);
        assert_eq!(dind_choice(&facts), Some(ToolFlavour::Legacy));
        facts.runtime.variables = Known(vec![(DIND_VARIABLE.into(), "".into())]);
        assert_eq!(dind_choice(&facts), Some(ToolFlavour::Nft));
        facts.runtime.variables = Known(vec![(DIND_VARIABLE.into(), "1".into())]);
        assert_eq!(dind_choice(&facts), Some(ToolFlavour::Legacy));
    }

    #[test]
    fn dind_falls_back_to_legacy_and_without_the_tables_nobody_knows() {
        let mut facts = healthy_container();
        facts.netfilter.nft_kernel = Tri::No;
        assert_eq!(dind_choice(&facts), Some(ToolFlavour::Legacy));
        facts.netfilter.legacy_tables =
            Fact::missing("/proc/net/ip_tables_names", Why::NotPermitted);
        assert_eq!(dind_choice(&facts), None);
    }

    #[test]
    fn the_firewall_is_read_from_flags_and_daemon_json() {
        let mut facts = healthy_container();
        assert_eq!(firewall(&facts), Firewall::Iptables);
        if let Known(config) = &mut facts.engines.daemon_json {
            config.content = serde_json::json!({"firewall-backend": "nftables"});
        }
        assert_eq!(firewall(&facts), Firewall::Nftables);
        if let Known(config) = &mut facts.engines.daemon_json {
            config.content = serde_json::json!({"iptables": false});
        }
        assert_eq!(firewall(&facts), Firewall::Off);
    }
}
