use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::{Facts, Rlimit, Role, Text},
    outcome::{Finding, Outcome, Verdict},
    remedy::{DaemonOption, Language, Place, Remedy, Snippet},
    target::{Severities, Severity, Target},
};

check! {
    /// ## What it looks at
    /// Soft and hard `RLIMIT_NOFILE` of the doctor's own process, which an engine started beside it
    /// inherits, and `default-ulimits` of the inner daemon.
    ///
    /// ## Why it matters
    /// Both ends hurt. With a soft limit of 1024, which containerd.io 2.1.5 and Docker 29 give to containers,
    /// builds and databases in the nested containers fail with `Too many open files`. With a thousand
    /// million, programs that walk all descriptors (rpm, postfix, old Python) take minutes, and haproxy in a
    /// kind cluster of several control planes takes all memory.
    ///
    /// ## When it is fine
    /// Soft limits of 4096 to 1048576. On a host, and in a container whose PID 1 is systemd, services have
    /// limits of their own: only a session's hard limit is judged there, for rootless engines. An inner daemon with `default-ulimits` for nofile gives
    /// its containers those.
    ///
    /// ## How to fix
    /// `docker run --ulimit nofile=65536:524288`, or the same as `default-ulimits` of the inner daemon. A pod
    /// has no such setting: give containerd on the node a `LimitNOFILE=`.
    ///
    /// ## References
    /// `getrlimit(2)`, `systemd.exec(5)`; moby issues 38814, 45534 and 51485; kind issue 2954.
    "nofile-limit",
    "The limit of open files is too low or far too high",
    "D/D/D/W/D",
    ["too many open files"]
}

/// Below this, builds run out of descriptors.
const LOW: u64 = 4096;

/// What kind wants as a hard limit in a user namespace.
const HARD: u64 = 64_000;

/// The kernel's own default of `fs.nr_open`, which Docker gave to containers for years.
const HIGH: u64 = 1 << 20;

/// What to set.
const WANTED: (u64, u64) = (65_536, 524_288);

fn run(facts: &Facts) -> Verdict {
    let limit = *facts.resources.open_files.get()?;
    let mut findings = Vec::new();
    let (soft, hard) = (limit.soft.unwrap_or(u64::MAX), limit.hard.unwrap_or(u64::MAX));
    if facts.runtime.container.is_no() || facts.pid1.role == Role::Systemd {
        let low = hard < LOW;
        let severity = Severities::NONE.with(Target::Rootless, Some(Severity::Warning));
        return Ok(Outcome::of(if low {
            [found(facts, limit, severity)].into()
        } else {
            findings
        }));
    }
    if configured(facts) {
        return Ok(Outcome::pass());
    }
    if soft > HIGH {
        findings.push(found(facts, limit, CHECK.worst));
    } else if soft < LOW {
        // systemd in a node gives its services limits of their own, up to the hard one.
        let node = if hard < HARD { Severity::Warning } else { Severity::Info };
        let severity = Severities::of("D/-/D/-/D")
            .with(Target::Kind, Some(node))
            .with(Target::Systemd, (hard < HARD).then_some(Severity::Info));
        findings.push(found(facts, limit, severity));
    }
    Ok(Outcome::of(findings))
}

/// Whether the inner daemon gives its containers a limit of its own.
fn configured(facts: &Facts) -> bool {
    let by_flag = facts.engines.here("dockerd").any(|engine| {
        let arguments = engine.arguments.known().into_iter().flatten();
        arguments.map(Text::as_str).any(|a| a.contains("nofile="))
    });
    by_flag || facts.engines.configured(&["default-ulimits", "nofile"]).is_some()
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
    let value = format!("nofile={want_soft}:{want_hard}");
    let unit = format!("[Service]\nLimitNOFILE={want_soft}:{want_hard}");
    let finding = Finding::new(
        "RLIMIT_NOFILE",
        severity,
        format!("open files are limited to {soft} (hard {hard}): {effect}"),
    )
    .evidence("/proc/self/limits: Max open files", format!("soft {soft}, hard {hard}"));
    if facts.runtime.container.is_no() {
        return finding.remedy(Remedy::file(
            Place::Host,
            "put this into /etc/systemd/system/user@.service.d/nofile.conf, then log in anew",
            Snippet::Lines(Language::Ini, unit),
        ));
    }
    finding
        .remedy(Remedy::daemon(
            "let the inner daemon give its containers a limit of their own",
            [DaemonOption::default_nofile(want_soft, want_hard)],
        ))
        .remedy(Remedy::commands(
            Place::Container,
            "or start this container with one",
            [format!("docker run --ulimit {value} IMAGE")],
        ))
        .remedy(Remedy::file(
            Place::Host,
            "a pod has no such setting: on the node, put this into \
             /etc/systemd/system/containerd.service.d/nofile.conf, then systemctl daemon-reload and restart \
             containerd",
            Snippet::Lines(Language::Ini, unit),
        ))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{EngineProcess, Fact, Why},
        resources::testing::only_finding,
        testing::{healthy_container, healthy_vm},
    };

    fn with(mut facts: Facts, soft: u64, hard: u64) -> Facts {
        facts.resources.open_files = Fact::Known(Rlimit { soft: Some(soft), hard: Some(hard) });
        facts
    }

    #[test]
    fn the_low_default_of_current_engines_is_found() {
        let finding = only_finding(run(&with(healthy_container(), 1024, 524_288)));
        assert_eq!(finding.severity, Severities::of("D/W/D/-/D"));
        assert!(finding.summary.contains("1024") && finding.summary.contains("524288"));
        let hard = only_finding(run(&with(healthy_container(), 1024, 4096)));
        assert_eq!(hard.severity, CHECK.worst);
    }

    #[test]
    fn a_thousand_million_is_found_and_the_kernels_default_passes() {
        let high = with(healthy_container(), 1_073_741_816, 1_073_741_816);
        assert!(only_finding(run(&high)).summary.contains("1073741816"));
        assert_eq!(run(&with(healthy_container(), 1 << 20, 1 << 20)), Ok(Outcome::pass()));
        assert_eq!(run(&with(healthy_container(), 1 << 16, 1 << 30)), Ok(Outcome::pass()));
    }

    #[test]
    fn a_session_on_a_host_is_not_what_services_get() {
        assert_eq!(run(&with(healthy_vm(), 1024, 524_288)), Ok(Outcome::pass()));
        let finding = only_finding(run(&with(healthy_vm(), 1024, 1024)));
        assert_eq!(finding.severity, Severities::of("-/-/D/-/-"));
    }

    #[test]
    fn nor_is_a_session_in_a_container_with_systemd() {
        let mut facts = with(healthy_container(), 1024, 524_288);
        facts.pid1.role = Role::Systemd;
        assert_eq!(run(&facts), Ok(Outcome::pass()));
        let finding = only_finding(run(&with(facts, 1024, 1024)));
        assert_eq!(finding.severity, Severities::of("-/-/D/-/-"));
    }

    #[test]
    fn a_limit_of_the_inner_daemon_decides() {
        let mut facts = with(healthy_container(), 1024, 524_288);
        facts.engines.running = Fact::Known(vec![EngineProcess {
            name: "dockerd".into(),
            pid: 9,
            arguments: Fact::Known(vec![
                "dockerd".into(),
                "--default-ulimit=nofile=65536:524288".into(),
            ]),
            same_mount_namespace: Some(true),
        }]);
        assert_eq!(run(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn without_the_limit_it_is_unknown() {
        let mut facts = healthy_container();
        facts.resources.open_files = Fact::missing("/proc/self/limits", Why::NotFound);
        assert!(run(&facts).is_err());
    }
}
