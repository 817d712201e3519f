use alloc::{format, string::String};

use super::{
    backend::{self, Firewall},
    kernel, nftables,
    parts::{self, Lacking},
};
use crate::{
    facts::{Action, Facts, IptablesTool, Sandbox, Step, ToolFlavour, Tri, Trial, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{DaemonOption, Place, Remedy, Task},
    target::{Severities, Severity, Target},
};

check! {
    /// ## What it looks at
    /// The flavour of the first `iptables` on the PATH (legacy talks to ip_tables, nft to nf_tables), what
    /// docker:dind's entrypoint would choose instead, and which of the two the kernel serves, with NAT and
    /// what translates rules (nft_compat): by `/proc/modules`, the kernel's configuration
    /// (`/proc/config.gz`, `/boot/config-…`, `/lib/modules/…/config`), its release. Nothing is
    /// run: `iptables-legacy` registers tables even when it only lists them, and asking for nf_tables can
    /// load the module. With `--active` the program makes dockerd's rules in a network namespace of its own,
    /// and a packet has to meet them; so does one in another namespace, where the rules of dockerd's
    /// nftables backend are made in nf_tables without a program.
    ///
    /// ## Why it matters
    /// The flavour comes with the image, the kernel with the host, and a container cannot load modules.
    /// dockerd creates the NAT chain DOCKER before anything else, and exits if it cannot; kube-proxy in a
    /// kind node meets the same kernel. Both directions are seen: legacy tools where ip_tables is gone
    /// (RHEL 10, kernels from 6.17 on) or not loaded (in a container modprobe finds no modules), nft tools
    /// where nf_tables, nft_compat or NAT is not there (Container-Optimized OS, WSL 2 before 5.10).
    ///
    /// ## When it is fine
    /// An empty `/proc/net/ip_tables_names` does not say that legacy is unavailable: tables register on
    /// first use. Where modules can be loaded, one that is not loaded may come: the kernel fetches all but
    /// ip_tables itself, from the host. What only probably is not there is a warning. docker:dind falls back to legacy by itself. With
    /// `--iptables=false` no rules are made. `--firewall-backend=nftables` (Docker 29) wants `nft` and
    /// nf_tables only. Without a dockerd on the PATH, the daemon brings an iptables in its own image.
    ///
    /// ## How to fix
    /// Select the flavour that the kernel serves: `update-alternatives --set iptables …`, or with docker:dind
    /// `DOCKER_IPTABLES_LEGACY=1`, or the same set but empty for nft. Or load the modules on the host.
    ///
    /// ## References
    /// docker-library/docker#463, #466, #467, PR#468; moby#49020 (RHEL 10), #49557; rancher#54862;
    /// podman#25153.
    "iptables-backend-unusable",
    "iptables talks to a backend that this kernel does not have",
    { dockerd: Error, kind: Error, rootless: Error, buildkit: Warning },
    [
        "failed to create NAT chain DOCKER",
        "Table does not exist (do you need to insmod?)",
        "Could not fetch rule set generation id: Invalid argument",
        "RULE_APPEND failed (No such file or directory)",
        "CHAIN_ADD failed (No such file or directory)",
        "TABLE_ADD failed (Not supported)",
        "can't initialize iptables table `nat'",
        "can't initialize iptables table `filter'",
        "Failed to initialize nft: Protocol not supported",
        "Iptables not found",
        "exec: \"iptables\": executable file not found",
        "modprobe: ERROR: could not insert",
    ],
    trials: [Netfilter]
}

/// Only BuildKit with bridge or CNI networking makes rules, and that one stops.
const TOOL: Severities = CHECK.worst;

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if plan.target == Target::Podman {
        return podman(facts, plan);
    }
    let firewall = backend::firewall(facts);
    facts.engines.told()?;
    if firewall == Firewall::Off {
        return Ok(Outcome::not_applicable("dockerd is told to leave iptables alone"));
    }
    if facts.sandbox()? == Sandbox::Gvisor {
        return Err(Unknown::new("netfilter in gVisor", Why::Unsupported).with_remedy(
            Remedy::daemon(
                "gVisor has its own network stack: let dockerd do without rules",
                [DaemonOption::iptables(false), DaemonOption::ip6tables(false)],
            ),
        ));
    }
    // A daemon that runs has made its chains, or it would have exited.
    if facts.engines.named("dockerd").any(|d| d.same_mount_namespace == Some(true)) {
        return Ok(Outcome::pass());
    }
    let (nft, legacy) =
        (kernel::serves(facts, ToolFlavour::Nft), kernel::serves(facts, ToolFlavour::Legacy));
    if nft.is_no() && legacy.is_no() {
        return Ok(neither(facts).into());
    }
    if firewall == Firewall::Nftables {
        return by_nftables(facts);
    }
    let Some(tool) = facts.netfilter.iptables.get()? else {
        return no_program(facts, "iptables");
    };
    if let Some(outcome) = tried(facts, tool) {
        return Ok(outcome);
    }
    let flavour = match backend::selected(facts, tool) {
        Some(flavour) => flavour,
        None => *tool.flavour.get()?,
    };
    match (flavour, nft, legacy) {
        (ToolFlavour::Nft, Tri::No, _) => Ok(no_nft(facts, tool).into()),
        (ToolFlavour::Legacy, _, Tri::No) => Ok(no_legacy(facts, tool).into()),
        (ToolFlavour::Nft, Tri::Unknown, _) => Err(unknown("nf_tables in the kernel")),
        (ToolFlavour::Nft, Tri::Yes, _) | (ToolFlavour::Legacy, _, Tri::Yes) => {
            Ok(whole(facts, tool, flavour, true))
        }
        (ToolFlavour::Legacy, _, Tri::Unknown) => match whole(facts, tool, flavour, false) {
            Outcome::Pass(_) if !parts::legacy_comes(facts) => {
                Err(unknown("legacy iptables in the kernel"))
            }
            outcome => Ok(outcome),
        },
    }
}

/// Whether what the flavour needs beside its interface is there, too.
fn whole(facts: &Facts, tool: &IptablesTool, flavour: ToolFlavour, loaded: bool) -> Outcome {
    let asked = kernel::trial(facts).is_some();
    match parts::lacking(facts, flavour, loaded).filter(|_| !asked) {
        Some(lacking) => lacks(facts, tool, flavour, lacking).into(),
        None => Outcome::pass(),
    }
}

fn lacks(facts: &Facts, tool: &IptablesTool, flavour: ToolFlavour, lacking: Lacking) -> Finding {
    let severity = if lacking.certain { TOOL } else { TOOL.at_most(Severity::Warning) };
    let path = &tool.path;
    let summary =
        format!("dockerd would use the {} flavour of {path}: {}", flavour.name(), lacking.why);
    let mut finding = Finding::new(path.as_str(), severity, summary)
        .evidence(path.as_str(), format!("is {}", tool.resolved))
        .evidence(lacking.source, lacking.value);
    let other = match flavour {
        ToolFlavour::Nft => ToolFlavour::Legacy,
        ToolFlavour::Legacy => ToolFlavour::Nft,
    };
    if !kernel::serves(facts, other).is_no() {
        finding = backend::pin(facts, Some(tool), other).into_iter().fold(finding, Finding::remedy);
    }
    if let Some(modules) = lacking.modules {
        finding = finding.remedy(Remedy::tasks(
            Place::Host,
            "load the modules on the host, now and at every boot",
            [Task::Modules {
                names: modules.split(' ').map(Into::into).collect(),
                file: Some("netfilter.conf".into()),
            }],
        ));
    }
    nftables::instead(facts).into_iter().fold(finding, Finding::remedy)
}

/// netavark makes rules by iptables, newer ones by nftables; which of them comes with podman here is not known, so only
/// a kernel that serves neither is certain.
fn podman(facts: &Facts, plan: &Plan) -> Verdict {
    if plan.is_rootless_podman() {
        return Ok(Outcome::not_applicable("for a user podman makes no firewall rules"));
    }
    if facts.sandbox()? == Sandbox::Gvisor {
        return Err(Unknown::new("netfilter in gVisor", Why::Unsupported));
    }
    let serves = |flavour| kernel::serves(facts, flavour);
    match (serves(ToolFlavour::Nft), serves(ToolFlavour::Legacy)) {
        (Tri::Yes, _) | (_, Tri::Yes) => Ok(Outcome::pass()),
        (Tri::No, Tri::No) => {
            let summary =
                "this kernel has neither nf_tables nor legacy iptables, and cannot load them";
            let remedy = Remedy::advice(
                Place::Host,
                "use a kernel with CONFIG_NF_TABLES, CONFIG_NFT_COMPAT, CONFIG_NFT_NAT and \
                 CONFIG_NFT_MASQ; without, podman run --network=host works, or none",
            );
            Ok(served(facts, Finding::new("netfilter", CHECK.worst, summary)).remedy(remedy).into())
        }
        _ => Err(unknown("nf_tables in the kernel")),
    }
}

/// What the trial of the program says; nothing where it was not permitted to do anything.
fn tried(facts: &Facts, tool: &IptablesTool) -> Option<Outcome> {
    let trial = backend::tried(facts)?;
    let chain = trial.steps(Action::NatChain).next()?;
    if let Some(refused) = &chain.refused {
        let permission = ["Permission denied", "Operation not permitted", "EPERM", "EACCES"];
        if permission.iter().any(|text| refused.what.contains(text)) {
            return None;
        }
        return Some(fails(facts, tool, trial, chain).into());
    }
    let ignored = trial.steps(Action::SendPacket).find(|step| step.refused.is_some());
    match ignored.filter(|_| trial.worked(Action::Masquerade)) {
        Some(step) => Some(ineffective(tool, trial, step).into()),
        None => Some(Outcome::proved()),
    }
}

fn fails(facts: &Facts, tool: &IptablesTool, trial: &Trial, step: &Step) -> Finding {
    let flavour = tool.flavour.known().copied();
    let mut finding = Finding::new(
        tool.path.as_str(),
        TOOL,
        format!("{} cannot make dockerd's chain in the table nat: {step}", tool.path),
    )
    .tried(trial, step);
    let (other, served) = match flavour {
        Some(ToolFlavour::Legacy) => (ToolFlavour::Nft, trial.worked(Action::Nftables)),
        _ => (ToolFlavour::Legacy, trial.worked(Action::LegacyTable)),
    };
    if served {
        for remedy in backend::pin(facts, Some(tool), other) {
            finding = finding.remedy(remedy);
        }
    }
    let modules = match flavour {
        Some(ToolFlavour::Legacy) => ["ip_tables", "iptable_nat", "iptable_filter"],
        _ => ["nf_tables", "nft_compat", "nft_chain_nat"],
    };
    let modules =
        Remedy::tasks(Place::Host, "load the modules on the host", [Task::modules(modules)]);
    nftables::instead(facts).into_iter().fold(finding.remedy(modules), Finding::remedy)
}

fn ineffective(tool: &IptablesTool, trial: &Trial, step: &Step) -> Finding {
    Finding::new(
        tool.path.as_str(),
        severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Info),
        format!("rules of {} are accepted, and packets do not meet them: {step}", tool.path),
    )
    .tried(trial, step)
    .remedy(Remedy::advice(
        Place::Host,
        "use a kernel whose netfilter sees the packets of this network namespace",
    ))
}

fn unknown(source: &str) -> Unknown {
    Unknown::new(source, Why::NotProbed).with_remedy(Remedy::advice(
        Place::Here,
        "asking could load a module: run with --active, which asks in a network namespace of its own",
    ))
}

fn by_nftables(facts: &Facts) -> Verdict {
    if facts.netfilter.nft.get()?.is_none() {
        return no_program(facts, "nft");
    }
    if let Some(outcome) = nftables::backend(facts) {
        return Ok(outcome);
    }
    match facts.netfilter.nft_kernel {
        Tri::Yes => Ok(Outcome::pass()),
        Tri::Unknown => Err(unknown("nf_tables in the kernel")),
        Tri::No => Ok(served(
            facts,
            Finding::new(
                "nf_tables",
                severities!(dockerd: Error, kind: Error),
                "dockerd is told to use nftables, and this kernel has no nf_tables",
            ),
        )
        .remedy(Remedy::daemon("let it use iptables", [DaemonOption::firewall_backend("iptables")]))
        .into()),
    }
}

/// A program is missing that a dockerd on this PATH would run.
fn no_program(facts: &Facts, program: &str) -> Verdict {
    let Some(dockerd) = facts.engines.dockerd.get()? else {
        return Ok(Outcome::not_applicable(format!(
            "no {program} and no dockerd here: a daemon brings its own image"
        )));
    };
    let finding = Finding::new(
        program,
        severities!(dockerd: Error, kind: Error),
        format!("{dockerd} is here, and there is no {program} on the PATH"),
    )
    .evidence("PATH", format!("{dockerd}, no {program}"))
    .remedy(Remedy::tasks(
        Place::Here,
        format!("install it (Debian and Ubuntu; Alpine: apk add {})", package(program)),
        [Task::package(package(program))],
    ));
    let instead = (program == "iptables").then(|| nftables::instead(facts)).flatten();
    Ok(instead.into_iter().fold(finding, Finding::remedy).into())
}

fn package(program: &str) -> &str {
    if program == "nft" { "nftables" } else { program }
}

fn neither(facts: &Facts) -> Finding {
    let finding = Finding::new(
        "netfilter",
        CHECK.worst,
        "this kernel has neither nf_tables nor legacy iptables, and cannot load them",
    );
    served(facts, finding).remedy(Remedy::advice(
        Place::Host,
        "use a kernel with CONFIG_NF_TABLES, CONFIG_NFT_COMPAT, CONFIG_NFT_NAT and CONFIG_NFT_MASQ; \
         without, only dockerd --iptables=false starts, and containers have no NAT",
    ))
}

fn no_nft(facts: &Facts, tool: &IptablesTool) -> Finding {
    let mut finding = served(facts, program(tool, "nft", "nf_tables"));
    if !kernel::serves(facts, ToolFlavour::Legacy).is_no() {
        for remedy in backend::pin(facts, Some(tool), ToolFlavour::Legacy) {
            finding = finding.remedy(remedy);
        }
    }
    if facts.kernel.modules_loadable.is_known_and(|loadable| !loadable) {
        return finding;
    }
    finding.remedy(Remedy::tasks(
        Place::Host,
        "load the modules on the host",
        [Task::modules(["nf_tables", "nft_compat", "nft_chain_nat"])],
    ))
}

fn no_legacy(facts: &Facts, tool: &IptablesTool) -> Finding {
    let mut finding = served(facts, program(tool, "legacy", "ip_tables"));
    for remedy in backend::pin(facts, Some(tool), ToolFlavour::Nft) {
        finding = finding.remedy(remedy);
    }
    nftables::instead(facts).into_iter().fold(finding, Finding::remedy)
}

fn program(tool: &IptablesTool, flavour: &str, interface: &str) -> Finding {
    let path = &tool.path;
    Finding::new(
        path.as_str(),
        TOOL,
        format!(
            "dockerd would use the {flavour} flavour of {path}, and this kernel has no {interface}"
        ),
    )
    .evidence(path.as_str(), format!("is {}", tool.resolved))
}

fn served(facts: &Facts, finding: Finding) -> Finding {
    let (nft, legacy) = (facts.netfilter.nft_kernel, facts.netfilter.legacy_kernel);
    let modules = facts.kernel.modules_loadable.known();
    let modules: String = modules.map_or("unknown".into(), |loadable| format!("{loadable}"));
    let read = finding.evidence(
        "netfilter",
        format!("nf_tables {}, legacy {}, modules loadable: {modules}", nft.name(), legacy.name()),
    );
    kernel::evidence(facts, read)
}

#[cfg(test)]
mod tests;
