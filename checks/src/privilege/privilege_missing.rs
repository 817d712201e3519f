mod remedies;
mod tried;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::vector::{self, NEEDED, missing_privileges};
use crate::{
    facts::{Capability, CapabilitySet, Facts, Role},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy, SecurityOption},
    target::{Severities, Severity, Target},
    version::Component,
};

check! {
    /// ## What it looks at
    /// The bounding set of capabilities (`CapBnd` in `/proc/self/status`), the seccomp mode, the AppArmor
    /// or SELinux label, whether `/sys`, `/proc/sys` and `/sys/fs/cgroup` are mounted read-only, the user
    /// namespace and the effective user. Each missing piece is named, since each is another line of the
    /// manifest. A read-only `/sys/fs/cgroup` alone is judged by `cgroup2-not-delegated`, a seccomp filter
    /// alone by `seccomp-filter-blocks`, device nodes alone by `dev-nodes-missing`. With `--active`, whether
    /// root can mount a tmpfs, make a device node and a network namespace, whoever refuses.
    ///
    /// ## Why it matters
    /// dockerd mounts (CAP_SYS_ADMIN), makes bridges and rules (CAP_NET_ADMIN), and gives each container
    /// the fourteen default capabilities, every one of which it must have itself. The AppArmor profiles
    /// that engines give to ordinary containers deny every mount, whatever the capabilities. Engines up
    /// to 20.10 ask for *every* capability that they know when a container is privileged, as kind's nodes
    /// are: one hole in the bounding set, and runc fails with "unable to apply caps". From 23.0 on they
    /// ask for what the daemon has. Without CAP_SYS_RESOURCE a node of kind then boots, and no pod starts
    /// in it: kubelet gives each sandbox an oom_score_adj of -998, which only that capability lowers.
    ///
    /// ## When it is fine
    /// A privileged container made by Docker 20.10 lacks CAP_PERFMON, CAP_BPF and CAP_CHECKPOINT_RESTORE,
    /// and needs none of them. Capabilities in a user namespace reach less far, and are enough: Sysbox and
    /// pods with `hostUsers: false` run dockerd with CAP_SYS_ADMIN and CAP_NET_ADMIN. A VM without one
    /// capability is no unprivileged container. On a host whose systemd starts the engine, what this session
    /// lacks is a warning. A doctor that is not root says nothing about what root
    /// may here. Rootless engines need other things: see `userns-blocked`.
    ///
    /// ## How to fix
    /// `docker run --privileged`, `securityContext: {privileged: true}`; or, from Kubernetes 1.33 and
    /// containerd 2.1 on, a pod with a user namespace and the capabilities; or Sysbox; or rootless BuildKit
    /// where only images are built. kind without CAP_SYS_RESOURCE: `restrict_oom_score_adj` for the node's
    /// containerd.
    ///
    /// ## References
    /// `capabilities(7)`; moby commit 485cf38d48; moby#45378; containerd#12182; coder/envbox#175;
    /// actions-runner-controller#579.
    "privilege-missing",
    "An engine is not permitted what it needs here",
    { dockerd: Error, kind: Error, rootless: Info, systemd: Warning, buildkit: Error },
    [
        "failed to mount overlay: operation not permitted",
        "mount: permission denied (are you root?)",
        "Could not mount /sys/kernel/security",
        "unable to apply caps: operation not permitted",
        "Permission denied (you must be root)",
        "dockerd needs to be started with root privileges",
        "failed to create NAT chain DOCKER",
        "can't create directory '/sys/fs/cgroup/init': Permission denied",
        "can't create directory '/sys/fs/cgroup/init': Read-only file system",
        "error mounting \"proc\" to rootfs at \"/proc\": mount proc:/proc",
        "Failed to mount tmpfs at /run: Operation not permitted",
        "operation not permitted: unknown",
        "RTNETLINK answers: Operation not permitted",
        "failed to update /proc/self/oom_score_adj: Permission denied",
    ],
    trials: [Privilege]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let mut findings: Vec<Finding> = Vec::new();
    let container = facts.in_container()?;
    let mut missing = Vec::new();
    if let Some(finding) = unprivileged(facts) {
        findings.push(finding);
        missing.extend(facts.capabilities.bounding.lack());
        if !vector::is_label_known(&facts.security) {
            missing.extend(facts.security.label.lack());
        }
    } else {
        facts.capabilities.bounding.get()?;
        if !vector::is_label_known(&facts.security) && !tried::works(facts) {
            // A profile that denies mounts would come before all that follows.
            facts.security.label.get()?;
        }
        findings.extend(tried::refused(facts));
        findings.extend(hole(facts)?);
        findings.extend(not_root(facts)?);
        let read_only = vector::is_read_only_proc(facts, "/proc/sys/net");
        if container && read_only && !tried::writes_sysctls(facts) {
            findings.push(read_only_sysctls(facts));
        }
    }
    if findings.is_empty() && tried::works(facts) {
        return Ok(Outcome::proved());
    }
    if findings.is_empty() && container {
        facts.mounts.get()?;
    }
    Outcome::settled(findings, missing, Outcome::pass)
}

/// What stops every rootful engine: a capability that each container needs, or a profile that denies
/// mounts.
fn unprivileged(facts: &Facts) -> Option<Finding> {
    let bounding = facts.capabilities.bounding.known().copied();
    let lacking = bounding.map(|bounding| NEEDED.without(bounding)).unwrap_or_default();
    let profile = facts
        .security
        .apparmor_profile()
        .filter(|profile| vector::denies_mounts(profile) && !tried::mounts(facts));
    if lacking.is_empty() && profile.is_none() {
        return None;
    }
    let place = if facts.runtime.container.is_no() { "this session" } else { "the container" };
    let mut parts: Vec<String> = Vec::new();
    if !lacking.is_empty() {
        parts.push(format!("{place} lacks {}", names(lacking)));
    }
    if let Some(profile) = profile {
        parts.push(format!("the AppArmor profile {profile} denies mounts"));
    }
    let mut finding = Finding::new(place, severity(facts, lacking, profile), parts.join(", and "));
    if let Some(bounding) = bounding.filter(|_| !lacking.is_empty()) {
        finding = finding.evidence("/proc/self/status", format!("CapBnd {:016x}", bounding.0));
    }
    if let Some(label) = facts.security.label.known().filter(|label| !label.is_empty()) {
        finding = finding.evidence("/proc/self/attr/current", label.to_string());
    }
    let rest: Vec<String> = missing_privileges(facts)
        .1
        .into_iter()
        .filter(|item| !item.starts_with("capability:") && !item.starts_with("lsm:"))
        .collect();
    if !rest.is_empty() {
        finding = finding.evidence("what a privileged container has besides", rest.join(", "));
    }
    finding = tried::evidence(facts, finding);
    Some(
        remedies::unprivileged(facts, lacking, profile.is_some())
            .into_iter()
            .fold(finding, Finding::remedy),
    )
}

fn severity(facts: &Facts, lacking: CapabilitySet, profile: Option<&str>) -> Severities {
    let mut severity = CHECK.worst;
    let mounts = !lacking.has(Capability::SYS_ADMIN) && profile.is_none();
    if mounts {
        severity = severity.with(Target::Rootless, None).with(Target::Systemd, None);
        // buildkitd uses the network that is there unless it is told otherwise.
        if lacking == [Capability::NET_ADMIN].into_iter().collect() {
            severity = severity.with(Target::Buildkit, Some(Severity::Info));
        }
    }
    if is_started_by_others(facts) { severity.at_most(Severity::Warning) } else { severity }
}

/// Whether an engine need not have what this session has: on a host the system's manager starts it, or it runs already. In
/// a container, and in a VM whose PID 1 is no manager of services, all that is started descends from what is confined.
fn is_started_by_others(facts: &Facts) -> bool {
    let manager = facts.pid1.role == Role::Systemd;
    let runs = facts.engines.named("dockerd").next().is_some();
    facts.runtime.container.is_no() && (manager || runs)
}

/// A capability that ordinary containers do without, and privileged ones of old engines do not.
fn hole(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    let Some(lacking) = vector::capabilities(facts).filter(|lacking| !lacking.is_empty()) else {
        return Ok(None);
    };
    let docker = facts.versions.sure(Component::Docker)?;
    if lacking.has(Capability::SYS_RESOURCE) {
        // In a user namespace kind does without it.
        facts.identity.namespaces.user.told()?;
    }
    let initial = facts.identity.namespaces.user_is_private().is_no();
    let no_pod = lacking.has(Capability::SYS_RESOURCE) && initial;
    let names = names(lacking);
    let (severity, summary) = if no_pod && docker.version.at_least(23, 0) {
        let summary = "privileged containers, such as kind's nodes, come without CAP_SYS_RESOURCE: no pod starts in \
                       a node, since kubelet asks for oom_score_adj -998";
        (severities!(kind: Error), summary.into())
    } else if docker.version.at_least(23, 0) {
        (
            severities!(kind: Info),
            format!("privileged containers, such as kind's nodes, come without {names}"),
        )
    } else {
        (
            severities!(dockerd: Info, kind: Error),
            format!(
                "Docker {} gives privileged containers, such as kind's nodes, every capability that \
                 it knows, and {names} is not to be had here",
                docker.version
            ),
        )
    };
    let bounding = facts.capabilities.bounding.known().copied().unwrap_or_default();
    let mut finding = Finding::new("CapBnd", severity, summary)
        .evidence("/proc/self/status", format!("CapBnd {:016x}", bounding.0))
        .rests_on(Component::Docker, &docker);
    if !docker.version.at_least(23, 0) {
        finding = finding.remedy(Remedy::advice(
            Place::Image,
            "use Docker 23.0 or later, which asks only for the capabilities that it has",
        ));
    }
    if no_pod {
        finding = finding.remedy(remedies::without_oom_score());
    }
    Ok(Some(if facts.runtime.container.is_no() {
        finding.remedy(remedies::bounding_set(lacking))
    } else {
        finding.remedy(Remedy::container(
            "run the container privileged; what the outer engine lacks itself, it cannot give",
            [ContainerSetting::Privileged],
        ))
    }))
}

/// The doctor is an ordinary user, and no engine runs yet.
fn not_root(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    let uid = *facts.identity.euid.get()?;
    if uid == 0 {
        return Ok(None);
    }
    facts.engines.running.get()?;
    if facts.engines.named("dockerd").next().is_some() {
        return Ok(None);
    }
    let stuck = *facts.security.no_new_privs.get()?;
    let (severity, why) = if stuck {
        (
            severities!(dockerd: Warning, kind: Warning, buildkit: Warning),
            ", and sudo cannot become root: no_new_privs is set",
        )
    } else {
        (severities!(dockerd: Info, kind: Info, buildkit: Info), "")
    };
    let remedy = if stuck {
        Remedy::advice(
            Place::Container,
            "run the container as root (runAsUser: 0), or without allowPrivilegeEscalation: false",
        )
    } else {
        Remedy::advice(Place::Here, "start dockerd, and this doctor, with sudo")
    };
    Ok(Some(
        Finding::new(
            format!("uid {uid}"),
            severity,
            format!("this is uid {uid}: dockerd has to be started as root{why}"),
        )
        .evidence("/proc/self/status", format!("Uid {uid}"))
        .remedy(remedy),
    ))
}

fn read_only_sysctls(facts: &Facts) -> Finding {
    let mount = facts.mounts.known().and_then(|table| table.holding("/proc/sys/net"));
    let place = mount.map_or("/proc/sys", |mount| mount.mount_point.as_str());
    Finding::new(
        place,
        severities!(dockerd: Warning, kind: Info),
        format!(
            "{place} is read-only: dockerd cannot switch on ip_forward or configure its bridge"
        ),
    )
    .evidence("/proc/self/mountinfo", format!("{place} ro"))
    .remedy(Remedy::container(
        "start the container without read-only system paths",
        [ContainerSetting::SecurityOption(SecurityOption::SystemPathsUnconfined)],
    ))
}

fn names(capabilities: CapabilitySet) -> String {
    let names: Vec<String> = capabilities.iter().map(|c| c.to_string()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
