//! Parts of a backend that rules of engines need beside the interface itself: what translates rules of iptables, and NAT.

use alloc::{format, string::String};

use crate::facts::{Capability, Facts, ModuleState, Sandbox, ToolFlavour, Tri};

/// A part that is not there and cannot come, or probably not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lacking {
    /// Whether nothing else is possible.
    pub certain: bool,
    /// Why the program fails: `this kernel has no nft_compat`.
    pub why: String,
    /// What says so.
    pub source: &'static str,
    /// Its words.
    pub value: String,
    /// What to load on the host, if loading helps.
    pub modules: Option<&'static str>,
}

const NFT_MODULES: &str = "nf_tables nft_compat nft_chain_nat";
const LEGACY_MODULES: &str = "ip_tables iptable_nat iptable_filter";

/// What keeps a flavour of iptables from making dockerd's rules, where its interface is there or may come.
pub(super) fn lacking(facts: &Facts, flavour: ToolFlavour, loaded: bool) -> Option<Lacking> {
    match flavour {
        ToolFlavour::Nft => left_out(facts, &["nft_compat", "nft_chain_nat"])
            .or_else(|| not_installed(facts, &["nft_compat", "nft_chain_nat"]))
            .or_else(|| gone(facts, &["nft_compat", "nft_chain_nat"], NFT_MODULES))
            .or_else(|| old_wsl(facts))
            .or_else(|| unused_nft(facts)),
        ToolFlavour::Legacy if loaded => left_out(facts, &["iptable_nat"])
            .or_else(|| not_installed(facts, &["iptable_nat"]))
            .or_else(|| known_without(facts))
            .or_else(|| gone(facts, &["iptable_nat"], LEGACY_MODULES))
            .or_else(|| not_requested(facts)),
        ToolFlavour::Legacy => not_installed(facts, &["ip_tables", "iptable_nat"])
            .or_else(|| known_without(facts))
            .or_else(|| out_of_reach(facts))
            .or_else(|| gone(facts, &["ip_tables"], LEGACY_MODULES))
            .or_else(|| newer(facts)),
    }
}

/// Whether ip_tables, which is not there, comes when the program calls modprobe.
pub(super) fn legacy_comes(facts: &Facts) -> bool {
    may_load(facts) && facts.kernel.module("ip_tables") == ModuleState::OnDisk
}

/// The configuration says so.
fn left_out(facts: &Facts, modules: &[&str]) -> Option<Lacking> {
    let module = modules.iter().find(|m| facts.kernel.module(m) == ModuleState::LeftOut)?;
    Some(Lacking {
        certain: true,
        why: format!("this kernel was built without {module}"),
        source: "the kernel's configuration",
        value: format!("no {module}"),
        modules: None,
    })
}

/// Other modules of this kernel are on the disk, and this one is not: distributions leave the legacy tables off since
/// Linux 6.17, or leave modules to a package of their own.
fn not_installed(facts: &Facts, modules: &[&str]) -> Option<Lacking> {
    let absent = |m: &&&str| facts.kernel.module(m) == ModuleState::NotInstalled;
    let module = modules.iter().find(absent)?;
    let release = facts.kernel.release.known().map_or("", |release| release.as_str());
    Some(Lacking {
        certain: true,
        why: format!("{module} is neither loaded nor among this kernel's modules"),
        source: "/lib/modules",
        value: format!("no {module} for {release}"),
        modules: None,
    })
}

/// On a machine whose modules are not there for the running kernel, none comes.
pub(super) fn nothing_comes(facts: &Facts) -> bool {
    facts.runtime.container.is_no() && facts.kernel.modules_directory.is_known_and(|exists| !exists)
}

/// One that is not loaded there.
fn gone(facts: &Facts, modules: &[&str], all: &'static str) -> Option<Lacking> {
    let nothing = nothing_comes(facts);
    let is_module = |m: &&&str| facts.kernel.module(m) == ModuleState::NotLoaded;
    let module = modules.iter().filter(|_| nothing).find(is_module)?;
    Some(Lacking {
        certain: true,
        why: format!("{module} is not loaded, and /lib/modules has none for this kernel"),
        source: "/proc/modules",
        value: format!("no {module}"),
        modules: Some(all),
    })
}

/// WSL's kernels have nf_tables built in, and nft_compat only from 5.10 on.
fn old_wsl(facts: &Facts) -> Option<Lacking> {
    let release = facts.kernel.release.known()?;
    let old = facts.kernel.version.is_known_and(|version| !version.at_least(5, 10));
    let wsl = facts.runtime.sandbox == Sandbox::Wsl2;
    let unseen = facts.kernel.module("nft_compat") == ModuleState::NotSeen;
    (wsl && old && unseen).then(|| Lacking {
        certain: true,
        why: "WSL's kernels before 5.10 have no nft_compat".into(),
        source: "uname",
        value: release.as_str().into(),
        modules: None,
    })
}

/// In a container that does not see the node's modules: nothing there has needed this part so far, and everything that
/// the node itself does for containers would have.
fn unused_nft(facts: &Facts) -> Option<Lacking> {
    let kernel = &facts.kernel;
    if !is_blind(facts) || facts.engines.is_dind() {
        return None;
    }
    let not_seen = |module| kernel.module(module) == ModuleState::NotSeen;
    let lacking = |why: &str, value: &str| Lacking {
        certain: false,
        why: why.into(),
        source: "/proc/modules",
        value: value.into(),
        modules: Some(NFT_MODULES),
    };
    if not_seen("nft_compat") && kernel.module("iptable_nat") == ModuleState::Present {
        return Some(lacking(
            "the machine uses the legacy tables itself and has no nft_compat loaded: its kernel may have none",
            "iptable_nat, no nft_compat",
        ));
    }
    let nat = ["nft_chain_nat", "iptable_nat", "nf_nat"];
    (kernel.module("nft_compat") == ModuleState::Present && nat.into_iter().all(not_seen)).then(
        || {
            lacking(
                "no module for NAT is loaded on the machine: its kernel may have none",
                "nft_compat, no nft_chain_nat",
            )
        },
    )
}

/// Kernels of distributions that are known to have left the legacy tables off: Amazon Linux 2023 with 6.18 (which has
/// ip_tables, and neither iptable_nat nor iptable_filter), Raspberry Pi OS with 6.18, Asahi with 6.17.
const WITHOUT_LEGACY: [&str; 3] = [".amzn", "+rpt-rpi", "asahi"];

fn known_without(facts: &Facts) -> Option<Lacking> {
    let release = facts.kernel.release.known()?;
    if !WITHOUT_LEGACY.iter().any(|mark| release.contains(mark)) {
        return None;
    }
    let newer = facts.kernel.version.is_known_and(|version| version.at_least(6, 17));
    let unseen =
        matches!(facts.kernel.module("iptable_nat"), ModuleState::NotSeen | ModuleState::Unknown);
    let registered = facts.netfilter.legacy_tables.known()?.iter().any(|table| table.name == "nat");
    (newer && unseen && !registered).then(|| Lacking {
        certain: true,
        why: format!("kernels such as {release} come without iptable_nat"),
        source: "uname",
        value: release.as_str().into(),
        modules: None,
    })
}

/// Under SELinux the kernel loads no module for a process of a container.
fn not_requested(facts: &Facts) -> Option<Lacking> {
    let label = facts.security.label.known()?;
    let selinux = label.split(':').count() >= 4;
    let registered = facts.netfilter.legacy_tables.known()?.iter().any(|table| table.name == "nat");
    let unseen =
        matches!(facts.kernel.module("iptable_nat"), ModuleState::NotSeen | ModuleState::NotLoaded);
    (selinux && is_blind(facts) && unseen && !registered).then(|| Lacking {
        certain: false,
        why:
            "iptable_nat is not loaded, and with SELinux the kernel may not load it for a container"
                .into(),
        source: "/proc/modules",
        value: "ip_tables, no iptable_nat".into(),
        modules: Some(LEGACY_MODULES),
    })
}

/// The kernel does not load ip_tables by itself: the program calls modprobe, which finds no modules in this container.
/// docker:dind has one of its own, which asks the kernel.
fn out_of_reach(facts: &Facts) -> Option<Lacking> {
    if !finds_no_modules(facts) {
        return None;
    }
    Some(Lacking {
        certain: true,
        why: "ip_tables is not loaded, and modprobe finds no modules of the running kernel here"
            .into(),
        source: "/proc/net/ip_tables_names, /lib/modules",
        value: "neither is there".into(),
        modules: (!comes_without(facts)).then_some(LEGACY_MODULES),
    })
}

/// The same for IPv6, of which dockerd makes rules only where a network has it.
pub(super) fn lacking6(facts: &Facts) -> Option<Lacking> {
    // A list that could not be read says nothing about the kernel.
    facts.netfilter.legacy_tables.known()?;
    let never = facts.netfilter.legacy_kernel6.is_no();
    let absent = facts.netfilter.legacy_kernel6 == Tri::Unknown;
    (never || absent && finds_no_modules(facts)).then(|| Lacking {
        certain: true,
        why: "ip6_tables is not loaded, and cannot be loaded from here".into(),
        source: "/proc/net/ip6_tables_names",
        value: "not there".into(),
        modules: (!never).then_some("ip6_tables ip6table_nat ip6table_filter"),
    })
}

/// Nothing says that the kernel has it, and its release says that it probably does not.
fn newer(facts: &Facts) -> Option<Lacking> {
    let release = facts.kernel.release.known()?;
    let unseen = facts.kernel.module("ip_tables") == ModuleState::NotSeen;
    (unseen && comes_without(facts)).then(|| Lacking {
        certain: false,
        why: format!("ip_tables is not loaded, and kernels such as {release} come without it"),
        source: "uname",
        value: release.as_str().into(),
        modules: None,
    })
}

/// From Linux 6.17 on the legacy tables are off unless they are asked for; RHEL 10 has none.
fn comes_without(facts: &Facts) -> bool {
    let newer = facts.kernel.version.is_known_and(|version| version.at_least(6, 17));
    let rhel = facts.kernel.release.is_known_and(|release| release.contains(".el10"));
    let configured = facts.kernel.module("ip_tables") == ModuleState::NotLoaded;
    (newer || rhel) && !configured
}

/// Whether programs may have the kernel load what they find.
fn may_load(facts: &Facts) -> bool {
    facts.capabilities.bounding.is_known_and(|set| set.has(Capability::SYS_MODULE))
}

/// Whether modprobe finds nothing in this container. docker:dind has one of its own, which asks the kernel.
fn finds_no_modules(facts: &Facts) -> bool {
    is_blind(facts) && !(may_load(facts) && facts.engines.is_dind())
}

/// A container that sees which modules are loaded, and none that could be.
fn is_blind(facts: &Facts) -> bool {
    facts.runtime.container.is_yes()
        && facts.kernel.modular == crate::facts::Fact::Known(true)
        && facts.kernel.modules_directory.is_known_and(|exists| !exists)
}

#[cfg(test)]
mod tests;
