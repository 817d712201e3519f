use alloc::{format, string::String, vec::Vec};

use super::limits::held_by;
use crate::{
    facts::{Fact, Facts, Missing, PidsCgroup, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::{Plan, Provider},
    remedy::{ContainerSetting, Place, Remedy, Task},
    target::{Severities, Severity, Target},
};

check! {
    /// ## What it looks at
    /// `pids.max`, `pids.current` and `pids.events` of the doctor's cgroup and every ancestor that is
    /// visible, `kernel.pid_max`, `kernel.threads-max`, and for an ordinary user `ulimit -u`.
    ///
    /// ## Why it matters
    /// The limit counts threads, and everything that is nested counts against it: a kind node with its
    /// control plane takes some 160 on two CPUs, and more on more; a parallel build a thousand; dockerd alone more than twenty. Past it `fork` fails with
    /// `resource temporarily unavailable`, at a different place each time. podman gives 2048 by default,
    /// kubelet's `podPidsLimit` and `docker run --pids-limit` whatever was set.
    ///
    /// ## When it is fine
    /// From 4096 tasks on. On a host the limit of a login session holds for rootless engines only, since
    /// dockerd is in a slice of its own. Limits above the root of a cgroup namespace do not show.
    ///
    /// ## How to fix
    /// `docker run --pids-limit=-1`, a greater `podPidsLimit` in the node's kubelet configuration,
    /// `TasksMax=infinity` in the unit that starts the engine.
    ///
    /// ## References
    /// Kernel `Documentation/admin-guide/cgroup-v2.rst` (PID); `systemd.resource-control(5)`; kind issues
    /// 2830 and 2896; minikube issue 19820.
    "pids-limit",
    "The limit of tasks is too low for what is nested",
    { dockerd: Error, kind: Error, rootless: Warning, systemd: Info, buildkit: Warning },
    [
        "runtime: failed to create new OS thread (have",
        "fork: retry: Resource temporarily unavailable",
        "fork: Resource temporarily unavailable",
        "pthread_create failed: Resource temporarily unavailable",
        "can't start new thread",
        "Resource temporarily unavailable",
        ": Cannot fork",
    ]
}

/// Below this a cluster runs out of tasks sooner or later.
const ENOUGH: u64 = 4096;

/// A container that runs one build fits in here.
const SMALL: u64 = 1024;

/// What the control plane of one kind node takes at least: complete with 240 on two CPUs; with 180 CoreDNS fails.
const NODE: u64 = 220;

/// With this many dockerd and its containerd do not come up (tried with Docker 20.10: it crashed).
const DAEMON: u64 = 20;

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let resources = &facts.resources;
    let mut findings = Vec::new();
    let mut missing: Vec<Missing> = Vec::new();
    match &resources.cgroup.pids {
        Fact::Known(rows) => {
            // Whom the limit holds turns on what PID 1 is.
            if rows.iter().any(|row| row.path.ends_with("/init.scope")) {
                facts.pid1.known_role()?;
            }
            findings.extend(rows.iter().filter_map(|row| judge(facts, row)));
            missing.extend(rows.iter().filter_map(|row| unread(&row.max)));
        }
        // No hierarchy, or one that does not show the doctor's cgroup: no limit that could be seen.
        Fact::Missing(m) if m.why == Why::NotFound => {}
        Fact::Missing(m) => missing.push(m.clone()),
    }
    for (name, fact) in
        [("kernel.pid_max", &resources.pid_max), ("kernel.threads-max", &resources.threads_max)]
    {
        if let Some(value) = fact.known().filter(|value| **value < ENOUGH) {
            findings.push(of_kernel(name, *value));
        }
    }
    findings.extend(of_user(facts));
    findings.extend(of_podman(facts, plan));
    if findings.is_empty() && !missing.is_empty() {
        return Err(Unknown { missing, remedy: None });
    }
    Ok(Outcome::of(findings))
}

fn unread<T>(fact: &Fact<T>) -> Option<Missing> {
    match fact {
        Fact::Missing(missing) if missing.why != Why::NotFound => Some(missing.clone()),
        _ => None,
    }
}

fn judge(facts: &Facts, row: &PidsCgroup) -> Option<Finding> {
    let max = (*row.max.known()?)?;
    let current = row.current.known().copied();
    let left = max.saturating_sub(current.unwrap_or(0));
    let refused = row.refused.known().copied().unwrap_or(0);
    if max >= ENOUGH && left >= SMALL && refused == 0 {
        return None;
    }
    let severity = held_by(facts, &row.path, severity(left, refused));
    severity.iter().next()?;
    let used = current.map_or_else(|| "?".into(), |current| format!("{current}"));
    let past = if refused > 0 { format!(", and refused {refused} forks") } else { String::new() };
    let finding = Finding::new(
        row.path.as_str(),
        severity,
        format!("the cgroup allows {max} tasks, of which {used} are in use{past}"),
    )
    .evidence(format!("{}/pids.max", row.path), format!("{max}"))
    .evidence(format!("{}/pids.current", row.path), used)
    .evidence(format!("{}/pids.events", row.path), format!("max {refused}"));
    let unlimited = [Task::Write { path: format!("{}/pids.max", row.path), value: "max".into() }];
    if facts.runtime.container.is_no() {
        // Nothing has launched a machine with options.
        return Some(finding.remedy(Remedy::tasks(Place::Here, "lift the limit", unlimited)));
    }
    Some(
        finding
            .remedy(Remedy::container(
                "start the container without a limit of tasks",
                [ContainerSetting::UnlimitedPids],
            ))
            .remedy(Remedy::tasks(
                Place::Here,
                "where this cgroup may be written, lift the limit now",
                unlimited,
            )),
    )
}

fn severity(left: u64, refused: u64) -> Severities {
    let kind = if left < NODE { Severity::Error } else { Severity::Warning };
    let others = if left < SMALL || refused > 0 {
        severities!(dockerd: Warning, rootless: Warning, systemd: Info, buildkit: Warning)
    } else {
        // Every build of every client counts against the one container of a buildkitd.
        severities!(dockerd: Info, rootless: Info, buildkit: Warning)
    };
    let others = others.with(Target::Kind, Some(kind));
    if left <= DAEMON { others.with(Target::Dockerd, Some(Severity::Error)) } else { others }
}

fn of_kernel(name: &str, value: u64) -> Finding {
    let wanted = 32_768;
    Finding::new(
        name,
        severity(value, 0),
        format!("{name} is {value}: this many tasks can exist at a time"),
    )
    .evidence(format!("/proc/sys/{}", name.replace('.', "/")), format!("{value}"))
    .remedy(Remedy::tasks(
        Place::Host,
        "raise it, and keep it",
        [Task::sysctl(name, format!("{wanted}"), "90-processes.conf")],
    ))
}

/// A node is one container, and podman gives each a limit; kind asks for no other.
fn of_podman(facts: &Facts, plan: &Plan) -> Option<Finding> {
    let told = facts.resources.podman_defaults.known();
    let told = told.filter(|_| plan.provider == Some(Provider::Podman))?;
    let limit = told.tasks().filter(|limit| *limit < ENOUGH)?;
    let severity = if limit < NODE { Severity::Error } else { Severity::Warning };
    Some(
        Finding::new(
            "pids_limit of podman",
            Severities::NONE.with(Target::Kind, Some(severity)),
            format!("podman allows each container {limit} tasks: all pods of a node share them"),
        )
        .evidence(
            "containers.conf: pids_limit",
            match told.pids_limit {
                Some(limit) => format!("{limit}"),
                None => "not set: 2048".into(),
            },
        )
        .remedy(Remedy::containers_conf(
            format!("let podman set no limit, in {}", facts.containers_conf()),
            serde_json::json!({"containers": {"pids_limit": 0}}),
        )),
    )
}

/// Root is exempt from `RLIMIT_NPROC`.
fn of_user(facts: &Facts) -> Option<Finding> {
    if facts.identity.euid.known().is_none_or(|euid| *euid == 0) {
        return None;
    }
    let soft = facts.resources.processes.known()?.soft.filter(|soft| *soft < SMALL)?;
    Some(
        Finding::new(
            "RLIMIT_NPROC",
            severities!(rootless: Warning),
            format!("the user may have {soft} tasks (ulimit -u)"),
        )
        .evidence("/proc/self/limits: Max processes", format!("{soft}"))
        .remedy(Remedy::advice(
            Place::Host,
            "raise nproc for the user in /etc/security/limits.d, or TasksMax= and LimitNPROC= of its unit",
        )),
    )
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{PodmanDefaults, Rlimit},
        resources::testing::only_finding,
        testing::{healthy_container, healthy_vm, said_of},
    };

    fn with(mut facts: Facts, path: &str, max: Option<u64>, current: u64, refused: u64) -> Facts {
        let row = PidsCgroup {
            path: path.into(),
            max: Fact::Known(max),
            current: Fact::Known(current),
            refused: Fact::Known(refused),
        };
        if let Fact::Known(rows) = &mut facts.resources.cgroup.pids {
            rows.push(row);
        }
        facts
    }

    fn container(max: u64, current: u64, refused: u64) -> Facts {
        with(healthy_container(), "/sys/fs/cgroup", Some(max), current, refused)
    }

    #[test]
    fn the_limit_of_an_ancestor_is_found_with_what_is_in_use() {
        let finding = only_finding(judged(&container(2048, 40, 0)));
        assert_eq!(
            finding.severity,
            severities!(dockerd: Info, kind: Warning, rootless: Info, buildkit: Warning)
        );
        assert!(finding.summary.contains("2048") && finding.summary.contains("40"));
    }

    #[test]
    fn little_that_is_left_blocks_kind() {
        let blocked = severities!(dockerd: Warning, kind: Error, rootless: Warning, systemd: Info, buildkit: Warning);
        assert_eq!(only_finding(judged(&container(2048, 2000, 0))).severity, blocked);
        assert_eq!(only_finding(judged(&container(100, 10, 0))).severity, blocked);
        assert_eq!(only_finding(judged(&container(20, 5, 0))).severity, CHECK.worst);
    }

    #[test]
    fn on_a_machine_the_limit_itself_is_lifted() {
        let facts = with(healthy_vm(), "/sys/fs/cgroup/pids/ci", Some(20), 3, 0);
        let remedies = only_finding(judged(&facts)).remedies;
        assert_eq!((remedies.len(), remedies[0].place), (1, Place::Here));
    }

    #[test]
    fn forks_that_were_refused_tell_of_a_wide_limit_too() {
        let finding = only_finding(judged(&container(8192, 100, 7)));
        assert_eq!(finding.severity.get(Target::Dockerd), Some(Severity::Warning));
        assert!(finding.summary.contains("refused 7"));
    }

    #[test]
    fn a_wide_limit_and_none_pass() {
        assert_eq!(judged(&container(8192, 100, 0)), Ok(Outcome::pass()));
        let none = with(healthy_container(), "/sys/fs/cgroup", None, 9000, 3);
        assert_eq!(judged(&none), Ok(Outcome::pass()));
    }

    #[test]
    fn a_login_session_limits_rootless_engines_only() {
        let path = "/sys/fs/cgroup/user.slice/user-1000.slice";
        let facts = with(healthy_vm(), path, Some(2500), 10, 0);
        assert_eq!(only_finding(judged(&facts)).severity, severities!(rootless: Info));
    }

    #[test]
    fn the_kernels_limits_and_the_users_count() {
        let mut facts = healthy_vm();
        facts.resources.pid_max = Fact::Known(1000);
        assert_eq!(only_finding(judged(&facts)).subject, "kernel.pid_max");
        let mut facts = healthy_vm();
        facts.resources.processes = Fact::Known(Rlimit { soft: Some(512), hard: None });
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.identity.euid = Fact::Known(1000);
        assert_eq!(only_finding(judged(&facts)).subject, "RLIMIT_NPROC");
    }

    #[test]
    fn unreadable_limits_are_unknown_and_absent_ones_are_no_limit() {
        let mut facts = healthy_container();
        facts.resources.cgroup.pids = Fact::missing("/proc/self/cgroup", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        facts.resources.cgroup.pids = Fact::missing("a mount", Why::NotFound);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn a_node_of_podman_has_the_limit_that_podman_gives() {
        let kind = |limit| {
            let mut facts = healthy_vm();
            facts.runtime.variables =
                Fact::Known(vec![("KIND_EXPERIMENTAL_PROVIDER".into(), "podman".into())]);
            let defaults = PodmanDefaults { pids_limit: limit, ..PodmanDefaults::default() };
            facts.resources.podman_defaults = Fact::Known(defaults);
            said_of(&CHECK, &facts, Target::Kind)
        };
        let found = only_finding(kind(None));
        assert_eq!(found.severity.get(Target::Kind), Some(Severity::Warning));
        assert!(found.summary.contains("2048"), "{}", found.summary);
        for none in [0, -1, 100_000] {
            assert_eq!(kind(Some(none)), Ok(Outcome::pass()));
        }
        assert_eq!(only_finding(kind(Some(100))).severity.get(Target::Kind), Some(Severity::Error));
        let docker = said_of(&CHECK, &healthy_vm(), Target::Kind);
        assert_eq!(docker, Ok(Outcome::pass()), "dockerd gives none");
    }
}
