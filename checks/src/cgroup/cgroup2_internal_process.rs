use alloc::{format, string::String, vec::Vec};

use super::nesting;
use crate::{
    facts::{
        Action, CgroupDirectory, CgroupType, CgroupVersion, Fact, Facts, PREPARING_ENTRYPOINTS,
        Procs, Text, TrialName,
    },
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{Place, Remedy, Task},
    target::{Severities, Severity, Target},
};

check! {
    /// ## What it looks at
    /// On cgroup v2, the cgroup below which a daemon makes those of its containers (the root of the mount
    /// at `/sys/fs/cgroup`): the processes in it (`cgroup.procs`), the controllers that are enabled for its
    /// children (`cgroup.subtree_control`), its `cgroup.type` and that of its children. Then, whether an
    /// entrypoint on this filesystem is known to prepare it.
    ///
    /// ## Why it matters
    /// A cgroup that contains processes cannot enable memory or io for its children (EBUSY). The entrypoint,
    /// the shell or dockerd itself sits in the very cgroup that has to become an inner node. runc then makes
    /// the children *threaded*, in which memory and io are not to be had: `docker run` works and a smoke
    /// test sees nothing, `docker run --memory` fails, and a kind node, which is such a child, does not
    /// come up, because kubelet needs memory.
    ///
    /// ## When it is fine
    /// In the real root of the hierarchy, which is exempt (it has no `cgroup.type`). When the controllers are
    /// enabled already: `docker exec` and probes put processes into the container's cgroup again later, and
    /// that is harmless. When no process is there, engines enable what they need. docker:dind, moby's
    /// `hack/dind`, k3d's and kind's own entrypoints prepare it before they start anything, unless `command:`
    /// bypasses them; systemd does, too. `0::/init` in `/proc/self/cgroup` is how it looks afterwards.
    ///
    /// ## How to fix
    /// Before the daemon starts, make a leaf `init`, move every process there, enable the controllers, and
    /// repeat until the kernel accepts it. Or use the entrypoint of docker:dind. If this cgroup is itself
    /// threaded, prepare the one above: the container in which the outer daemon runs.
    ///
    /// ## References
    /// Kernel `admin-guide/cgroup-v2.rst`, "No Internal Process Constraint" and "Threads"; `cgroups(7)`; kind issue
    /// 2506, pull request 2410; k3s issue 4085; containerd issue 6659; kubernetes/test-infra pull request
    /// 37440.
    "cgroup2-internal-process",
    "Processes sit where children need controllers (cgroup v2)",
    { dockerd: Warning, kind: Error, rootless: Warning, buildkit: Warning },
    [
        "with domain controllers -- it is in an invalid state",
        "with domain controllers -- it is in threaded mode",
        "cgroup.subtree_control: device or resource busy",
        "this script needs /sys/fs/cgroup/cgroup.procs to be empty",
        "Failed to create /init.scope control group: Operation not supported",
        "cgfsng - Device or resource busy - Could not enable",
        "Structure needs cleaning",
        "cgroup.type for writing: Permission denied",
        "could not find a log line that matches",
    ],
    trials: [Cgroup]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    match facts.cgroup.version.get()? {
        CgroupVersion::V2 => {}
        CgroupVersion::None => {
            return Ok(Outcome::not_applicable("no cgroup filesystem is mounted"));
        }
        CgroupVersion::V1 | CgroupVersion::Hybrid => {
            return Ok(Outcome::not_applicable("cgroup v1 has no such rule"));
        }
    }
    let base = facts.cgroup.base.get()?;
    let kind = *base.kind.get()?;
    if kind == CgroupType::Root {
        return Ok(Outcome::not_applicable("the root of the hierarchy is exempt from the rule"));
    }
    if base.writable == Fact::Known(false) {
        return Ok(Outcome::not_applicable("nothing can be made here: see cgroup2-not-delegated"));
    }
    let tried = facts.trials.complete(TrialName::Cgroup);
    if tried.is_some_and(|t| t.worked(Action::ChildController) && t.worked(Action::EnterCgroup)) {
        return Ok(Outcome::proved());
    }
    if matches!(kind, CgroupType::Threaded | CgroupType::DomainInvalid) {
        return Ok(threaded(base, kind).into());
    }
    let lacking = not_enabled(base)?;
    if lacking.is_empty() {
        return Ok(Outcome::pass());
    }
    // Emptied again after a child went threaded, the controllers stay refused.
    let procs = base.procs.get()?;
    if procs.pids.is_empty() && kind == CgroupType::Domain {
        return Ok(Outcome::pass());
    }
    let severity = severity(facts, &lacking, kind)?;
    if severity == Severities::NONE {
        return Ok(Outcome::pass());
    }
    let found = unprepared(base, kind, procs, &lacking, severity);
    // A process that may not enter, or a controller that a new cgroup lacks.
    Ok(match tried.and_then(|trial| Some((trial, trial.failure()?))) {
        Some((trial, step)) => found.tried(trial, step),
        None => found,
    }
    .into())
}

/// The controllers that nested engines need and could have, but that are not enabled for children.
fn not_enabled(base: &CgroupDirectory) -> Result<Vec<&'static str>, Unknown> {
    let enabled = base.subtree_control.get()?;
    let has = |list: &[Text], name: &str| list.iter().any(|c| c == name);
    let available = |name| base.controllers.known().is_none_or(|list| has(list, name));
    Ok(nesting::DOCKER_CONTROLLERS
        .into_iter()
        .chain(["cpuset", "io"])
        .filter(|name| available(name) && !has(enabled, name))
        .collect())
}

/// Who is hurt: nobody whom an entrypoint prepares for.
fn severity(facts: &Facts, lacking: &[&str], kind: CgroupType) -> Result<Severities, Unknown> {
    let full = if lacking.iter().any(|name| nesting::DOCKER_CONTROLLERS.contains(name)) {
        CHECK.worst
    } else {
        // kubelet insists on cpuset, and lives without io.
        let node = if lacking.contains(&"cpuset") { Severity::Error } else { Severity::Warning };
        Severities::NONE.with(Target::Kind, Some(node))
    };
    let dockerd_runs =
        facts.engines.named("dockerd").any(|e| e.same_mount_namespace != Some(false));
    if dockerd_runs || kind != CgroupType::Domain {
        return Ok(full);
    }
    let entrypoints = facts.engines.preparing_entrypoints.get()?;
    // The first two start dockerd, the others are those of a node, in which there is none.
    let starts_dockerd = |path: &Text| PREPARING_ENTRYPOINTS[..2].contains(&path.as_str());
    Ok(if entrypoints.iter().any(starts_dockerd) {
        Severities::NONE
    } else if entrypoints.is_empty() {
        full
    } else {
        full.with(Target::Kind, None)
    })
}

fn unprepared(
    base: &CgroupDirectory,
    kind: CgroupType,
    procs: &Procs,
    lacking: &[&str],
    severity: Severities,
) -> Finding {
    let path = base.path.as_str();
    let lacking = lacking.join(" ");
    let summary = if procs.pids.is_empty() {
        format!("{path} is \"{}\": {lacking} can no longer be enabled for containers", kind.name())
    } else {
        format!(
            "{path} contains {} processes, so {lacking} cannot be enabled for containers in it",
            procs.pids.len()
        )
    };
    let finding = Finding::new(path, severity, summary)
        .evidence(format!("{path}/cgroup.procs"), pids(procs))
        .evidence(format!("{path}/cgroup.subtree_control"), words(&base.subtree_control));
    types(finding, base, kind)
        .remedy(Remedy::tasks(
            Place::Image,
            "in the entrypoint, before the daemon: move all processes to a leaf, then enable controllers",
            [Task::CgroupLeaf { directory: path.into() }],
        ))
        .remedy(Remedy::advice(
            Place::Image,
            "start the daemon through the entrypoint of docker:dind (dockerd-entrypoint.sh), which does \
             the same",
        ))
}

/// The base is inside a threaded subtree: what is wrong was done one level up.
fn threaded(base: &CgroupDirectory, kind: CgroupType) -> Finding {
    let path = base.path.as_str();
    let summary = format!(
        "{path} is \"{}\": containers in it cannot have memory or io, because the container around this \
         one was not prepared for nesting",
        kind.name()
    );
    types(Finding::new(path, CHECK.worst, summary), base, kind).remedy(Remedy::advice(
        Place::Host,
        "prepare the container in which the outer daemon runs (move its processes to a leaf and enable the \
         controllers before dockerd starts, as docker:dind's entrypoint does), then make this one anew",
    ))
}

/// With the types of the cgroup and of those children that are threaded or invalid.
fn types(finding: Finding, base: &CgroupDirectory, kind: CgroupType) -> Finding {
    let path = base.path.as_str();
    let finding = finding.evidence(format!("{path}/cgroup.type"), kind.name());
    base.children.known().into_iter().flatten().fold(finding, |finding, child| {
        match child.kind.known() {
            Some(kind @ (CgroupType::Threaded | CgroupType::DomainInvalid)) => {
                finding.evidence(format!("{path}/{}/cgroup.type", child.name), kind.name())
            }
            _ => finding,
        }
    })
}

fn pids(procs: &Procs) -> String {
    let shown: Vec<String> = procs.pids.iter().take(10).map(|pid| format!("{pid}")).collect();
    let rest = procs.pids.len().saturating_sub(shown.len());
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{more}", shown.join(" "))
}

fn words(list: &Fact<Vec<Text>>) -> String {
    let names: Vec<&str> = list.known().into_iter().flatten().map(Text::as_str).collect();
    if names.is_empty() { "empty".into() } else { names.join(" ") }
}

#[cfg(test)]
mod tests;
