mod init_script;

use alloc::{format, string::String, vec::Vec};

use super::rlimit_raise_denied::may_raise;
use crate::{
    facts::{Facts, Rlimit, Role, Text},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, DaemonOption, Language, Place, Remedy, Snippet, Task},
    target::{Severities, Severity, Target},
    version::{Component, Version},
};

check! {
    /// ## What it looks at
    /// Soft and hard `RLIMIT_NOFILE` of the doctor's own process, which an engine started beside it
    /// inherits; the hard limit of a containerd that runs here (its soft one is not what containers inherit: Go raises
    /// it, and lowers it again for what it starts); `default-ulimits` of dockerd; whether limits may be raised
    /// (`CAP_SYS_RESOURCE`). In a container without systemd, what `/etc/init.d/docker` sets.
    ///
    /// ## Why it matters
    /// Both ends hurt. With a soft limit of 1024, which containerd.io 2.1.5 and Docker 29 give to containers,
    /// builds and databases in the nested containers fail with `Too many open files`. With a thousand
    /// million, programs that walk all descriptors (rpm, postfix, old Python) take minutes, and haproxy in a
    /// kind cluster of several control planes takes all memory. The init script of Docker's packages (`service docker
    /// start`) sets a limit itself, and ends where it may not: a hard limit below the soft one is an invalid argument. Where nobody may raise it, `docker run --ulimit` with more
    /// than the hard limit starts nothing: `error setting rlimit type 7: operation not permitted`.
    ///
    /// ## When it is fine
    /// Soft limits of 4096 to 1048576. The usual soft limit of 1024 below a hard one of 64000 or more is information: most
    /// programs raise theirs. Docker before 23.0.6 may raise the limit for its containers by itself: information
    /// then. On a host, and in a container whose PID 1 is systemd, services have limits of their own: only a session's
    /// hard limit is judged there, for rootless engines, and that of a containerd which runs. Containers there may
    /// inherit 1024 all the same (seen with Docker 28.5): units are not read. A daemon with `default-ulimits` for nofile
    /// gives its containers those. Whoever starts dockerd itself does not need
    /// the script. A hard limit of 65536 is as much as images ask for.
    ///
    /// ## How to fix
    /// `docker run --ulimit nofile=65536:524288`, or the same as `default-ulimits` of the inner daemon. A pod
    /// has no such setting: give containerd on the node a `LimitNOFILE=`.
    ///
    /// ## References
    /// `getrlimit(2)`, `systemd.exec(5)`; moby issues 38814, 45534 and 51485; kind issue 2954;
    /// kubernetes/test-infra#31889.
    "nofile-limit",
    "The limit of open files is too low or far too high",
    { dockerd: Warning, kind: Warning, rootless: Warning, systemd: Info, buildkit: Warning },
    ["too many open files", "ulimit: error setting limit"]
}

/// Below this, builds run out of descriptors.
const LOW: u64 = 4096;

/// What kind wants as a hard limit in a user namespace.
const HARD: u64 = 64_000;

/// The kernel's own default of `fs.nr_open`, which Docker gave to containers for years.
const HIGH: u64 = 1 << 20;

/// Docker of before may be built with a Go that raises its own soft limit and lets its children have that: 1.19 to
/// 1.19.8. What Debian 12 has is (tried: containers of its 20.10.24 got 524288 where the limit was 1024).
const RESTORES: Version = Version::new(23, 0, 6);

/// What to set.
const WANTED: (u64, u64) = (65_536, 524_288);

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let limit = *facts.resources.open_files.get()?;
    let serviced = !facts.in_container()? || facts.pid1.role == Role::Systemd;
    let mut findings: Vec<Finding> = Vec::new();
    if !serviced && plan.target == Target::Dockerd {
        findings.extend(init_script::stops(facts, limit));
    }
    if serviced {
        findings.extend(of_session(facts, limit));
    } else {
        let found = of_container(facts, limit)?;
        if found.is_some() {
            facts.engines.told()?;
        }
        findings.extend(found.filter(|_| !configured(facts)));
    }
    if !findings.is_empty() {
        return Ok(Outcome::of(findings));
    }
    let inherited = match &facts.resources.containerd_open_files {
        Some(limit) => facts.told_of_roots(limit)?.copied(),
        // Services of a systemd have limits, and capabilities, of their own.
        None if serviced => None,
        None => Some(limit),
    };
    let found = match inherited {
        Some(limit) => not_raised(facts, limit)?,
        None => None,
    };
    Ok(Outcome::of(found.into_iter().collect()))
}

fn of_session(facts: &Facts, limit: Rlimit) -> Option<Finding> {
    let severity = Severities::NONE.with(Target::Rootless, Some(Severity::Warning));
    limit.hard.is_some_and(|hard| hard < LOW).then(|| found(facts, limit, severity))
}

fn of_container(facts: &Facts, limit: Rlimit) -> Result<Option<Finding>, Unknown> {
    let (soft, hard) = (limit.soft.unwrap_or(u64::MAX), limit.hard.unwrap_or(u64::MAX));
    if soft > HIGH {
        return Ok(Some(found(facts, limit, CHECK.worst)));
    }
    // What the newest engines give to every container; a program that needs more raises its own, up to the hard limit.
    let usual = if hard < HARD { Severity::Warning } else { Severity::Info };
    let severity =
        severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning)
            .at_most(usual)
            .with(Target::Systemd, (hard < HARD).then_some(Severity::Info));
    if soft >= LOW {
        return Ok(None);
    }
    let docker = facts.versions.sure(Component::Docker)?;
    if docker.is_assumed() || docker.version >= RESTORES {
        return Ok(Some(found(facts, limit, severity)));
    }
    // Which is not worth a word where there is room.
    if hard >= HARD {
        return Ok(None);
    }
    let raised = [Target::Dockerd, Target::Kind, Target::Buildkit];
    let severity = severity.at_most_for(&raised, Severity::Info);
    Ok(Some(found(facts, limit, severity).rests_on(Component::Docker, &docker)))
}

/// More than the hard limit is refused to every container that asks for it.
fn not_raised(facts: &Facts, limit: Rlimit) -> Result<Option<Finding>, Unknown> {
    let Some(hard) = limit.hard.filter(|hard| *hard < WANTED.0) else { return Ok(None) };
    facts.capabilities.effective.told()?;
    if may_raise(facts).unwrap_or(true) {
        return Ok(None);
    }
    let summary = format!(
        "containers cannot raise their limit of open files above {hard}: CAP_SYS_RESOURCE is missing"
    );
    let (want_soft, want_hard) = WANTED;
    let remedy = if facts.runtime.container.is_no() {
        Remedy::file(
            Place::Host,
            "start the engine with a higher hard limit: in a drop-in of its unit, if it has one",
            Snippet::Lines(
                Language::Ini,
                format!("[Service]\nLimitNOFILE={want_soft}:{want_hard}"),
            ),
        )
    } else {
        higher("start this container with a higher hard limit, if the engine outside may set it")
    };
    Ok(Some(
        Finding::new("RLIMIT_NOFILE hard", severities!(dockerd: Info, buildkit: Info), summary)
            .evidence("Max open files", format!("hard {hard}"))
            .remedy(remedy),
    ))
}

/// Whether the inner daemon gives its containers a limit of its own.
fn configured(facts: &Facts) -> bool {
    let by_flag = facts.engines.here("dockerd").any(|engine| {
        let arguments = engine.arguments.known().into_iter().flatten();
        arguments.map(Text::as_str).any(|a| a.contains("nofile="))
    });
    by_flag || facts.engines.configured(&["default-ulimits", "nofile"]).is_some()
}

fn higher(text: &str) -> Remedy {
    let (soft, hard) = (65_536, 524_288);
    Remedy::container(text, [ContainerSetting::Ulimit { name: "nofile".into(), soft, hard }])
}

fn number(limit: Option<u64>) -> String {
    limit.map_or_else(|| "unlimited".into(), |limit| format!("{limit}"))
}

fn found(facts: &Facts, limit: Rlimit, severity: Severities) -> Finding {
    let (soft, hard) = (number(limit.soft), number(limit.hard));
    let effect = if limit.soft.is_none_or(|soft| soft > HIGH) {
        "programs that walk all descriptors take minutes or all memory"
    } else {
        "what is nested inherits it and runs out of descriptors"
    };
    let (want_soft, want_hard) = WANTED;
    // Without CAP_SYS_RESOURCE nobody gets more than the hard limit, and runc starts no container that asks for it.
    let most = match limit.hard {
        Some(hard) if !may_raise(facts).unwrap_or(false) => hard,
        _ => u64::MAX,
    };
    let unit = |path: &str| Task::File {
        path: path.into(),
        lines: ["[Service]".into(), format!("LimitNOFILE={want_soft}:{want_hard}")].into(),
    };
    let finding = Finding::new(
        "RLIMIT_NOFILE",
        severity,
        format!("open files are limited to {soft} (hard {hard}): {effect}"),
    )
    .evidence("/proc/self/limits: Max open files", format!("soft {soft}, hard {hard}"));
    if facts.runtime.container.is_no() {
        return finding.remedy(Remedy::tasks(
            Place::Host,
            "raise the limit of what users start, then log in anew",
            [unit("/etc/systemd/system/user@.service.d/nofile.conf")],
        ));
    }
    finding
        .remedy(Remedy::daemon(
            "let the inner daemon give its containers a limit of their own",
            [DaemonOption::default_nofile(want_soft.min(most), want_hard.min(most))],
        ))
        .remedy(higher("start this container with one, if the engine outside may set it"))
        .remedy(Remedy::tasks(
            Place::Host,
            "a pod has no such setting: raise the limit of containerd on the node, and restart it",
            [unit("/etc/systemd/system/containerd.service.d/nofile.conf")],
        ))
}

#[cfg(test)]
mod tests;
