//! Which backends the kernel serves: as was tried in a network namespace of the trial's own, else as was read.

use crate::{
    facts::{Action, Ending, Facts, NF_TABLES, Step, ToolFlavour, Tri, Trial, TrialName},
    outcome::Finding,
};

/// How a kernel says that it has no such table, no legacy iptables, no nf_tables or no nfnetlink, after it has
/// looked for the module. All else, as EPERM, says nothing about the kernel.
const ABSENT: [&str; 5] = ["ENOENT", "ENOPROTOOPT", "EOPNOTSUPP", "EINVAL", "EPROTONOSUPPORT"];

/// The trial of nf_tables without a program, if it came to its end.
pub(super) fn trial(facts: &Facts) -> Option<&Trial> {
    let trial = facts.trials.of(TrialName::Netfilter, NF_TABLES)?;
    (trial.ending == Ending::Complete).then_some(trial)
}

/// The step that tells whether the kernel serves this backend.
pub(super) fn tried(facts: &Facts, backend: ToolFlavour) -> Option<(&Trial, &Step)> {
    let trial = trial(facts)?;
    let action = match backend {
        ToolFlavour::Legacy => Action::LegacyTable,
        ToolFlavour::Nft => Action::MakeTable,
    };
    let refused = trial.steps(action).find(|step| step.refused.is_some());
    let step = refused.or_else(|| trial.steps(action).next())?;
    let known = step.refused.as_ref().is_none_or(|refused| ABSENT.contains(&refused.what.as_str()));
    known.then_some((trial, step))
}

/// Whether the kernel serves this backend, or loads it for the first rule.
pub(super) fn serves(facts: &Facts, backend: ToolFlavour) -> Tri {
    match (tried(facts, backend), backend) {
        (Some((_, step)), _) if step.refused.is_none() => Tri::Yes,
        (Some(_), _) => Tri::No,
        (None, ToolFlavour::Nft) => facts.netfilter.nft_kernel,
        (None, ToolFlavour::Legacy) => facts.netfilter.legacy_kernel,
    }
}

/// With the steps by which the kernel refused a backend.
pub(super) fn evidence(facts: &Facts, mut finding: Finding) -> Finding {
    for backend in [ToolFlavour::Nft, ToolFlavour::Legacy] {
        if let Some((trial, step)) = tried(facts, backend).filter(|(_, s)| s.refused.is_some()) {
            finding = finding.tried(trial, step);
        }
    }
    finding
}
