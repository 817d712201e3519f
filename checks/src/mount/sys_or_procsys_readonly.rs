mod tried;

use alloc::{format, string::String, string::ToString, vec::Vec};

use crate::{
    facts::{
        Action, Capability, CgroupMount, Facts, Hierarchy, MountTable, Step, Trial, TrialName,
    },
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy, SecurityOption, Task},
    target::{Severity, Target},
    version::{Component, KnownVersion, Version},
};

check! {
    /// ## What it looks at
    /// Whether the mounts that hold `/proc/sys/net` and the cgroup hierarchies at `/sys/fs/cgroup` are
    /// read-only, each by itself, by the options of the mount and of the superblock
    /// (`/proc/self/mountinfo`). With `--active` sysctls of a new network namespace are written through
    /// these mounts, which an AppArmor profile refuses too, and a cgroup is made.
    ///
    /// ## Why it matters
    /// dockerd writes sysctls for every network: `ip_forward`, `accept_ra` of the bridge, `disable_ipv6`
    /// of each container's interface. Docker 26.0.2 and later refuse to start a container where they
    /// cannot turn IPv6 off. kind's network has IPv6 and needs its forwarding. Without a writable cgroup
    /// hierarchy no container can be made at all. Engines bind both read-only into every container that
    /// is not privileged.
    ///
    /// ## When it is fine
    /// A read-only `/sys` alone is what systemd's container contract asks for, and kind's nodes remount
    /// it so on purpose. LXC's `proc:mixed` keeps `/proc/sys` read-only and `/proc/sys/net` writable,
    /// which is enough. On cgroup v1 the tmpfs at `/sys/fs/cgroup` is read-only on every systemd host;
    /// only the hierarchies in it count. On a host or VM only cgroups are looked at: something there may have made them
    /// read-only, and nothing does so with `/proc/sys`.
    ///
    /// ## How to fix
    /// Run the container privileged. With CAP_SYS_ADMIN the entrypoint can remount. Single namespaced
    /// sysctls can be set from outside: `docker run --sysctl`, `sysctls:` in the pod's securityContext.
    /// For Docker 26 and later `DOCKER_ALLOW_IPV6_ON_IPV4_INTERFACE=1` accepts IPv6 staying on.
    ///
    /// ## References
    /// `proc_sys(5)`, `cgroups(7)`; <https://systemd.io/CONTAINER_INTERFACE/>,
    /// <https://github.com/moby/moby/issues/47751>, <https://github.com/moby/moby/pull/47774>,
    /// <https://github.com/docker/for-linux/issues/1033>.
    "sys-or-procsys-readonly",
    "/proc/sys or /sys/fs/cgroup is read-only",
    { dockerd: Error, kind: Error, rootless: Info, buildkit: Info },
    [
        "disable_ipv6: read-only file system",
        "accept_ra: read-only file system",
        "/proc/sys/net/ipv4/ip_forward: read-only file system",
        "mkdir /sys/fs/cgroup/docker: read-only file system",
        "Enabling IP forwarding failed",
        "can't create directory '/sys/fs/cgroup/init': Read-only file system",
        "/proc/sys/vm/overcommit_memory: read-only file system",
        "/proc/sys/kernel/panic: read-only file system",
        "nf_conntrack_max: read-only file system",
    ],
    trials: [Cgroup, Sysctl]
}

/// EACCES, EROFS. EPERM is a capability that is missing: CAP_NET_ADMIN, for ip_forward.
const REFUSED: [i32; 2] = [13, 30];

/// Where dockerd accepts that IPv6 stays on in a container.
const ALLOW_IPV6: &str = "DOCKER_ALLOW_IPV6_ON_IPV4_INTERFACE";

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if !facts.in_container()? {
        return Ok(match cgroups(facts, facts.cgroup.mounts.get()?) {
            Some(closed) => closed.into(),
            None => Outcome::not_applicable("not a container: nothing binds /proc/sys read-only"),
        });
    }
    let tried = tried(facts);
    let mut found: Vec<Finding> = Vec::new();
    match tried {
        Some((_, step)) if step.refused.is_none() => {}
        Some((trial, step)) => found.push(refused(facts, trial, step)),
        None => found.extend(sysctls(facts, facts.mounts.get()?)),
    }
    match facts.cgroup.mounts.get() {
        Ok(mounts) => match cgroups(facts, mounts) {
            Some(closed) => found.push(closed),
            None => found.extend(tried::cgroups(facts, mounts)),
        },
        Err(unknown) if found.is_empty() => return Err(unknown),
        Err(_) => {}
    }
    let proved = tried.is_some() && tried::makes_cgroups(facts);
    Ok(Outcome::of_or(found, || if proved { Outcome::proved() } else { Outcome::pass() }))
}

/// How writing sysctls went: the first that was refused, else one that was written.
fn tried(facts: &Facts) -> Option<(&Trial, &Step)> {
    let trial = facts.trials.complete(TrialName::Sysctl)?;
    let steps = || trial.steps(Action::WriteSysctl);
    let refused = steps().find(|step| step.errno().is_some_and(|e| REFUSED.contains(&e)));
    let step = refused.or_else(|| steps().find(|step| step.refused.is_none()))?;
    Some((trial, step))
}

/// Through a mount that is not read-only, something else refuses.
fn refused(facts: &Facts, trial: &Trial, step: &Step) -> Finding {
    if let Some(found) = facts.mounts.known().and_then(|table| sysctls(facts, table)) {
        return found.tried(trial, step);
    }
    let path = format!("/proc/sys/{}", step.object);
    let finding = closed(facts, &path, &format!("{path} cannot be written ({step})"));
    let finding = privileged_remedy(facts, finding.tried(trial, step));
    allow_ipv6(match facts.security.apparmor_profile() {
        Some(profile) => {
            finding.evidence("/proc/self/attr/current", profile).remedy(Remedy::container(
                "start it without an AppArmor profile",
                [ContainerSetting::SecurityOption(SecurityOption::AppArmorUnconfined)],
            ))
        }
        None => finding,
    })
}

/// A finding about sysctls that cannot be written; `how` begins its summary.
fn closed(facts: &Facts, subject: &str, how: &str) -> Finding {
    let docker = facts.versions.of(Component::Docker);
    let (severity, consequence) = docker_without_sysctls(facts, &docker);
    let severities = CHECK.worst.with(Target::Dockerd, Some(severity));
    Finding::new(subject, severities, format!("{how}: {consequence}"))
        .rests_on(Component::Docker, &docker)
}

fn allow_ipv6(finding: Finding) -> Finding {
    if finding.severity.get(Target::Dockerd) != Some(Severity::Error) {
        return finding;
    }
    finding.remedy(Remedy::container(
        "let dockerd start containers in which IPv6 cannot be turned off",
        [ContainerSetting::Variable(ALLOW_IPV6.into(), "1".into())],
    ))
}

fn sysctls(facts: &Facts, table: &MountTable) -> Option<Finding> {
    let mount = table.holding("/proc/sys/net").filter(|mount| mount.read_only())?;
    let mut finding = closed(facts, "/proc/sys", "/proc/sys is read-only")
        .evidence(format!("/proc/self/mountinfo: {}", mount.mount_point), mount.options.join(","));
    if let Some(sys) = table.at("/sys").filter(|sys| sys.read_only()) {
        finding = finding.evidence("/proc/self/mountinfo: /sys", sys.options.join(","));
    }
    finding = privileged_remedy(facts, finding);
    if facts.capabilities.effective.is_known_and(|set| set.has(Capability::SYS_ADMIN)) {
        finding = finding.remedy(Remedy::tasks(
            Place::Here,
            "CAP_SYS_ADMIN is there: remount it before the daemon starts",
            [Task::Remount { options: "remount,rw".into(), target: mount.mount_point.to_string() }],
        ));
    }
    Some(allow_ipv6(finding))
}

/// Since 26.0.2 (CVE-2024-32473) IPv6 that cannot be turned off is an error; `accept_ra` was one in
/// 19.03.11 only.
fn docker_without_sysctls(facts: &Facts, docker: &KnownVersion) -> (Severity, String) {
    let version = docker.version;
    let allowed = facts.runtime.variable(ALLOW_IPV6).is_some_and(|value| value == "1");
    if version == Version::new(19, 3, 11) {
        (Severity::Error, format!("Docker {version} fails to create its bridge (accept_ra)"))
    } else if version >= Version::new(26, 0, 2) && !allowed {
        (Severity::Error, format!("Docker {version} cannot turn IPv6 off, and starts no container"))
    } else {
        (Severity::Warning, format!("Docker {version} cannot turn on forwarding or set up IPv6"))
    }
}

/// Without a hierarchy in which to make cgroups there is no container.
fn cgroups(facts: &Facts, mounts: &[CgroupMount]) -> Option<Finding> {
    let v2 = !mounts.iter().any(|mount| matches!(mount.hierarchy, Hierarchy::Controllers(_)));
    let closed: Vec<&CgroupMount> = mounts
        .iter()
        .filter(|mount| mount.read_only && mount.mount_point.starts_with("/sys/fs/cgroup"))
        .filter(|mount| match &mount.hierarchy {
            Hierarchy::Unified => v2,
            Hierarchy::Controllers(_) => !v2,
            Hierarchy::Named(_) => false,
        })
        // What lies over it can be writable.
        .filter(|mount| tried::made(facts, mount).is_none_or(|(_, step)| step.refused.is_some()))
        .collect();
    let first = closed.first()?;
    let names: Vec<String> = closed.iter().map(|mount| format!("{}", mount.hierarchy)).collect();
    let mut finding = Finding::new(
        "/sys/fs/cgroup",
        CHECK.worst,
        format!("{} is read-only ({}): no cgroup can be made", first.mount_point, names.join(" ")),
    );
    for mount in &closed {
        finding = finding.evidence(format!("/proc/self/mountinfo: {}", mount.mount_point), "ro");
    }
    if let Some((trial, step)) = tried::made(facts, first) {
        finding = finding.tried(trial, step);
    }
    if facts.runtime.container.is_no() {
        let remount = |mount: &&CgroupMount| Task::Remount {
            options: "remount,bind,rw".into(),
            target: mount.mount_point.as_str().into(),
        };
        let tasks = closed.iter().map(remount);
        return Some(finding.remedy(Remedy::tasks(Place::Here, "let them be written", tasks)));
    }
    finding = privileged_remedy(facts, finding);
    if v2 {
        finding = finding.caused_by("cgroup2-not-delegated").remedy(Remedy::container(
            "give it its cgroup writable without privilege (Docker 28, containerd 2.1)",
            [ContainerSetting::SecurityOption(SecurityOption::WritableCgroups)],
        ));
    }
    Some(finding)
}

fn privileged_remedy(facts: &Facts, mut finding: Finding) -> Finding {
    if super::is_unprivileged(facts) {
        finding = finding.caused_by("privilege-missing");
    }
    finding.remedy(Remedy::container(
        "run the container privileged: the engine then binds neither read-only",
        [ContainerSetting::Privileged],
    ))
}

#[cfg(test)]
mod tests;
