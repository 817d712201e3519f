use alloc::{format, string::String, vec::Vec};

use super::limits::{held_by, size};
use crate::{
    facts::{Facts, Why},
    outcome::{Evidence, Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy},
    target::{Severities, Severity, Target},
};

check! {
    /// ## What it looks at
    /// The least of `memory.max` and `memory.high` over the doctor's cgroup and every visible ancestor (on
    /// version 1 `memory.limit_in_bytes` and `hierarchical_memory_limit`), and of `MemTotal`;
    /// `MemAvailable`; the CPUs on which it may run and the least quota (`cpu.max`); how often the limits
    /// were met (`oom_kill`, `nr_throttled`).
    ///
    /// ## Why it matters
    /// kubelet, kubeadm and the JVMs and Go programs of a node read the machine, not the cgroup. With too
    /// little, the control plane of kind flaps: etcd is slow, the API server is killed, or the whole pod
    /// ends with 137. BuildKit loses its builds to the OOM killer.
    ///
    /// ## When it is fine
    /// The control plane of one kind node takes some 600 MiB (575 at most were seen, without a network plugin),
    /// a worker 100: a node runs from 1.5 GiB and 2 CPUs on; plan 4 CPUs and 8 GiB for several. Limits above the root of a cgroup namespace do not show: a
    /// pod can have less than the doctor sees.
    ///
    /// ## How to fix
    /// Raise the limits of the container or pod, use fewer nodes, or a larger machine.
    ///
    /// ## References
    /// Kernel `Documentation/admin-guide/cgroup-v2.rst`;
    /// <https://kind.sigs.k8s.io/docs/user/known-issues/>; kubeadm's preflight checks (2 CPUs, 1700 MB).
    "memory-cpu-too-small",
    "Too little memory or CPU for what is nested",
    { dockerd: Info, kind: Error, rootless: Info, systemd: Info, buildkit: Warning },
    [
        "Reason: OOMKilled",
        "reason:OOMKilled",
        "apply request took too long",
        "the number of available CPUs 1 is less than the required 2",
        "[ERROR NumCPU]",
        "Memory cgroup out of memory",
        "cannot allocate memory",
        "kubelet isn't running or healthy",
        "kubelet is not healthy after",
    ]
}

/// What one kind node needs with room for some pods; machines show some per cent less than they are sold with.
const NODE: u64 = 1400 << 20;

/// With less, the API server is killed again and again: the control plane was complete in this, and not in 512 MiB.
const BARE_MINIMUM: u64 = 640 << 20;

/// With less, larger builds are killed.
const BUILD: u64 = 1 << 30;

/// With less, an engine is not comfortable.
const ENGINE: u64 = 512 << 20;

/// Thousandths of a CPU.
const NODE_CPU: u64 = 2000;

/// Periods of CPU time after which a share says something.
const PERIODS: u64 = 100;

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let mut findings = Vec::new();
    let mut missing = Vec::new();
    match memory(facts) {
        Ok(found) => findings.extend(found),
        Err(unknown) => missing.extend(unknown.missing),
    }
    match cpu(facts) {
        Ok(found) => findings.extend(found),
        Err(unknown) => missing.extend(unknown.missing),
    }
    if findings.is_empty() {
        findings.extend(met(facts));
    }
    if findings.is_empty() && !missing.is_empty() {
        return Err(Unknown { missing, remedy: None });
    }
    Ok(Outcome::of(findings))
}

/// A limit, where it is, and whom it holds.
struct Limit {
    value: u64,
    source: String,
    holds: Severities,
}

fn least(limits: Vec<Limit>) -> Option<Limit> {
    limits.into_iter().min_by_key(|limit| limit.value)
}

fn everyone() -> Severities {
    CHECK.worst
}

fn memory(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    let resources = &facts.resources;
    let mut limits = Vec::new();
    let machine = resources.memory.known();
    if let Some(memory) = machine {
        limits.push(Limit {
            value: memory.total,
            source: "/proc/meminfo: MemTotal".into(),
            holds: everyone(),
        });
    }
    for row in resources.cgroup.memory.known().into_iter().flatten() {
        for (name, fact) in
            [("max", &row.max), ("high", &row.high), ("hierarchical limit", &row.inherited)]
        {
            let holds = held_by(facts, &row.path, everyone());
            // A host's session holds rootless engines, which are never hurt worse than by a word.
            if let Some(value) = fact.known().copied().flatten() {
                let source = format!("{}: memory {name}", row.path);
                limits.push(Limit { value, source, holds });
            }
        }
    }
    let holds_kind = |l: &Limit| l.holds.get(Target::Kind).is_some();
    let Some(limit) = least(limits.into_iter().filter(holds_kind).collect()) else {
        resources.memory.get()?;
        return Ok(None);
    };
    let available = machine.and_then(|memory| memory.available).unwrap_or(u64::MAX);
    let kind = match limit.value {
        value if value < BARE_MINIMUM => Some(Severity::Error),
        value if value < NODE || available < BARE_MINIMUM => Some(Severity::Warning),
        _ => None,
    };
    let Some(kind) = kind else {
        // What is certain passes; a limit that could not be read would have been less.
        return unread(facts).map_or(Ok(None), Err);
    };
    let scarce = limit.value.min(available);
    let info = |below: u64| (scarce < below).then_some(Severity::Info);
    let severity = Severities::NONE
        .with(Target::Kind, Some(kind))
        .with(Target::Dockerd, info(ENGINE))
        .with(Target::Rootless, info(ENGINE))
        .with(Target::Systemd, info(ENGINE / 2))
        .with(Target::Buildkit, (scarce < BUILD).then_some(Severity::Warning));
    let free = machine.and_then(|m| m.available).map_or_else(String::new, |available| {
        format!(", and the machine has {} available", size(available))
    });
    let mut finding = Finding::new(
        "memory",
        severity,
        format!(
            "{} of memory at most{free}; the control plane of a kind node takes 600 MiB",
            size(limit.value)
        ),
    )
    .evidence(limit.source, size(limit.value));
    if let Some(available) = machine.and_then(|m| m.available) {
        finding = finding.evidence("/proc/meminfo: MemAvailable", size(available));
    }
    Ok(Some(finding.remedy(Remedy::container(
        "give the container at least 4 GiB for one node",
        [ContainerSetting::Memory(4)],
    ))))
}

/// The memory limits that are there and could not be read.
fn unread(facts: &Facts) -> Option<Unknown> {
    let rows = match facts.resources.cgroup.memory.get() {
        Ok(rows) => rows,
        Err(unknown) => {
            return unknown.missing.iter().any(|m| m.why != Why::NotFound).then_some(unknown);
        }
    };
    rows.iter().find_map(|row| {
        row.max.get().err().filter(|u| u.missing.iter().any(|m| m.why != Why::NotFound))
    })
}

fn cpu(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    let resources = &facts.resources;
    let mut limits = Vec::new();
    if let Some(cpus) = resources.cpus.known() {
        limits.push(Limit {
            value: u64::from(*cpus) * 1000,
            source: "/proc/self/status: Cpus_allowed_list".into(),
            holds: everyone(),
        });
    }
    for row in resources.cgroup.cpu.known().into_iter().flatten() {
        if let Some(quota) = row.quota.known().copied().flatten() {
            limits.push(Limit {
                value: quota.millicpus(),
                source: format!("{}: {} of {} µs", row.path, quota.quota, quota.period),
                holds: held_by(facts, &row.path, everyone()),
            });
        }
    }
    let holds_kind = |l: &Limit| l.holds.get(Target::Kind).is_some();
    let Some(limit) = least(limits.into_iter().filter(holds_kind).collect()) else {
        resources.cpus.get()?;
        return Ok(None);
    };
    if limit.value >= NODE_CPU {
        return Ok(None);
    }
    let value = cpus(limit.value);
    Ok(Some(
        Finding::new(
            "cpu",
            severities!(kind: Warning, buildkit: Info),
            format!("{value} CPUs at most: a kind node needs 2"),
        )
        .evidence(limit.source, format!("{value} CPUs"))
        .remedy(more_cpus(resources.cpus.known().copied())),
    ))
}

/// Thousandths as a number with one digit after the point.
/// Docker refuses more CPUs than the machine has.
fn more_cpus(online: Option<u32>) -> Remedy {
    match online {
        Some(1) => Remedy::advice(Place::Host, "give the machine a second CPU: it has one"),
        _ => Remedy::container("give the container 2 CPUs", [ContainerSetting::Cpus(2)]),
    }
}

fn cpus(millicpus: u64) -> String {
    format!("{}.{}", millicpus / 1000, millicpus % 1000 / 100)
}

/// Limits that look wide enough, and were met all the same.
fn met(facts: &Facts) -> Vec<Finding> {
    let resources = &facts.resources;
    let mut seen: Vec<(Evidence, String, Severities)> = Vec::new();
    for row in resources.cgroup.memory.known().into_iter().flatten() {
        let limit = row.max.known().copied().flatten();
        if let (Some(limit), Some(kills)) = (limit, row.oom_kills.known().filter(|k| **k > 0)) {
            let text = format!("{kills} processes were killed at the limit of {}", size(limit));
            let evidence = Evidence::new(format!("{}: oom_kill", row.path), format!("{kills}"));
            seen.push((evidence, text, held_by(facts, &row.path, severities!(dockerd: Info, kind: Warning, rootless: Info, systemd: Info, buildkit: Warning))));
        }
    }
    for row in resources.cgroup.cpu.known().into_iter().flatten() {
        let (Some(Some(quota)), Some(periods), Some(throttled)) =
            (row.quota.known().copied(), row.periods.known(), row.throttled.known())
        else {
            continue;
        };
        if *periods >= PERIODS && throttled.saturating_mul(10) > *periods {
            let quota = cpus(quota.millicpus());
            let text = format!(
                "the quota of {quota} CPUs was used up in {throttled} of {periods} periods"
            );
            let evidence = Evidence::new(
                format!("{}/cpu.stat", row.path),
                format!("nr_throttled {throttled}, nr_periods {periods}"),
            );
            seen.push((evidence, text, held_by(facts, &row.path, severities!(dockerd: Info, kind: Warning, rootless: Info, systemd: Info, buildkit: Info))));
        }
    }
    let findings = seen.into_iter().filter(|(_, _, severity)| severity.iter().next().is_some());
    findings
        .map(|(evidence, summary, severity)| {
            Finding::new(evidence.source.clone(), severity, summary)
                .evidence(evidence.source, evidence.value)
                .remedy(Remedy::advice(
                    Place::Container,
                    "raise the limit: --memory and --cpus of docker run, resources.limits of the pod",
                ))
        })
        .collect()
}

#[cfg(test)]
mod tests;
