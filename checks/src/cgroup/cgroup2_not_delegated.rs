use alloc::{format, vec::Vec};

use super::{cgroup_controller_disabled, nesting};
use crate::{
    derived::endpoint::{self, Address},
    facts::{
        Action, CgroupDirectory, CgroupType, CgroupVersion, Fact, Facts, Text, TrialName, Why,
    },
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::{Plan, Provider},
    remedy::{ContainerSetting, Place, Remedy, SecurityOption, Task, quote},
    target::{Severities, Severity, Target},
};

check! {
    /// ## What it looks at
    /// On cgroup v2: whether `/sys/fs/cgroup` is mounted read-only, whether the doctor's user may make
    /// cgroups there, and which controllers `cgroup.controllers` offers. For a user other than root, the
    /// same of the cgroup of the user's systemd, `user@UID.service`.
    ///
    /// ## Why it matters
    /// An engine makes a cgroup per container. Without privilege a container gets `/sys/fs/cgroup` read-only,
    /// and nothing starts ("read-only file system"). Where cgroups can be made, but the parent does not
    /// offer a controller, limits are silently absent, and a kind node's kubelet refuses. kind says then
    /// that "Delegate=yes" is required, whichever of the two it is.
    ///
    /// ## When it is fine
    /// A container without privilege, but with `--security-opt writable-cgroups=true` or containerd's
    /// `cgroup_writable`, can make cgroups, and passes. On a host or VM it is root who runs dockerd, so that the
    /// root directory is not writable for a user is right. On cgroup v1 rootless engines have no limits
    /// anyway: see cgroup-v1-end-of-life.
    ///
    /// ## How to fix
    /// Make the container privileged, or its cgroups writable (Docker 28; containerd 2.1, for the whole
    /// runtime). For a user: a drop-in for `user@.service` with `Delegate=cpu cpuset io memory pids` (cpuset since
    /// systemd 244), then log in again; or start through `systemd-run --user --scope -p Delegate=yes`.
    ///
    /// ## References
    /// Kernel `admin-guide/cgroup-v2.rst`, "Delegation"; `systemd.resource-control(5)`; rootlesscontaine.rs; kind
    /// issues 2916, 3868 and 3936; moby issue 45378; containerd pull request 12182.
    "cgroup2-not-delegated",
    "cgroups cannot be made, or lack controllers",
    { dockerd: Error, kind: Error, rootless: Warning, systemd: Error, buildkit: Info },
    [
        "requires setting systemd property \"Delegate=yes\"",
        "Failed to create /init.scope control group: Read-only file system",
        "controller needs to be delegated",
        "the requested cgroup controller",
        "mkdir /sys/fs/cgroup/docker: read-only file system",
        "can't create directory '/sys/fs/cgroup/init': Read-only file system",
        "could not find a log line that matches",
    ],
    trials: [Cgroup]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    match facts.cgroup.version.get()? {
        CgroupVersion::V2 => {}
        CgroupVersion::None => {
            return Ok(Outcome::not_applicable("no cgroup filesystem is mounted"));
        }
        CgroupVersion::V1 | CgroupVersion::Hybrid => {
            return Ok(Outcome::not_applicable("not cgroup v2"));
        }
    }
    if let Some(outcome) = tried(facts) {
        return Ok(outcome);
    }
    // Writing is a question to containers: on a host, whoever starts a daemon is not the doctor's user.
    let contained = !facts.runtime.container.is_no();
    if contained && facts.cgroup.unified_mount().is_some_and(|mount| mount.read_only) {
        return Ok(read_only().into());
    }
    let mut findings = Vec::new();
    if let Fact::Known(base) = &facts.cgroup.base {
        findings.extend(lacking(facts, base));
    }
    match as_user(facts, plan) {
        Ok(found) => findings.extend(found),
        Err(unknown) if findings.is_empty() => return Err(unknown),
        Err(_) => {}
    }
    if findings.is_empty() {
        let base = facts.cgroup.base.get()?;
        base.controllers.get()?;
        if contained && !is_user(facts)? && !*base.writable.get()? {
            findings.push(refused(base));
        }
    }
    Ok(Outcome::of(findings))
}

/// What root found who made a cgroup: what a user may do is another question, and whether a controller
/// that is missing in it was missing above too is not told by a trial.
fn tried(facts: &Facts) -> Option<Outcome> {
    if facts.identity.euid.known() != Some(&0) {
        return None;
    }
    let trial = facts.trials.complete(TrialName::Cgroup)?;
    let step = trial.steps(Action::MakeDirectory).next()?;
    if step.refused.is_some() {
        let read_only = facts.cgroup.unified_mount().is_some_and(|mount| mount.read_only);
        let base = facts.cgroup.base.known();
        let found = match base.filter(|_| !read_only) {
            Some(base) => refused(base),
            None => self::read_only(),
        };
        return Some(found.tried(trial, step).into());
    }
    (trial.worked(Action::ChildController)).then(Outcome::proved)
}

fn is_user(facts: &Facts) -> Result<bool, Unknown> {
    facts.identity.euid.get().map(|euid| *euid != 0)
}

/// What a rootless engine of the doctor's user finds: the cgroup of its systemd, else the base.
fn as_user(facts: &Facts, plan: &Plan) -> Result<Option<Finding>, Unknown> {
    let uid = *facts.identity.euid.get()?;
    if uid == 0 {
        return Ok(None);
    }
    if let Fact::Known(service) = &facts.cgroup.user_service {
        let missing = not_offered(service, &["cpu", "memory", "pids", "cpuset", "io"]);
        service.controllers.get()?;
        let mut found =
            (!missing.is_empty()).then(|| not_delegated(service, uid, &missing.join(" ")));
        // kubelet insists on the others.
        if let Some(found) =
            found.as_mut().filter(|_| missing != ["io"] && is_on_rootless(facts, plan))
        {
            found.severity = found.severity.with(Target::Kind, Some(Severity::Error));
        }
        return Ok(found.or_else(|| own_lacks(facts, plan, service)));
    }
    if facts.cgroup.user_service.why() != Some(Why::NotFound) {
        facts.cgroup.user_service.get()?;
    }
    let base = facts.cgroup.base.get()?;
    if *base.writable.get()? {
        return Ok(None);
    }
    let path = base.path.as_str();
    let finding = Finding::new(
        path,
        severities!(rootless: Warning),
        format!("user {uid} may not make cgroups in {path}: rootless containers have no limits"),
    )
    .evidence(format!("faccessat2: {path}/cgroup.procs"), "not writable")
    .evidence("user@.service", "no user manager of systemd runs")
    .remedy(Remedy::commands(
        Place::Host,
        "where systemd is PID 1, keep a user manager running for this user",
        [format!("loginctl enable-linger {uid}")],
    ));
    Ok(Some(finding))
}

/// podman tells kind the controllers of the cgroup that it is called in, and that one may not have been given all that
/// systemd's user manager has (kind `pkg/cluster/internal/providers/podman`).
fn own_lacks(facts: &Facts, plan: &Plan, service: &CgroupDirectory) -> Option<Finding> {
    if plan.provider != Some(Provider::Podman) || plan.target != Target::Kind {
        return None;
    }
    let own = facts.cgroup.own.known()?;
    let missing = not_offered(own, &["cpu", "memory", "pids"]).join(" ");
    let path = own.path.as_str();
    (!missing.is_empty()).then(|| {
        Finding::new(
            path,
            severities!(kind: Error),
            format!("{path} does not offer {missing}, though the user manager has it: kind asks for Delegate=yes"),
        )
        .evidence(format!("{path}/cgroup.controllers"), offered(own))
        .evidence(format!("{}/cgroup.controllers", service.path), offered(service))
        .remedy(Remedy::commands(
            Place::Here,
            "start kind in a scope of its own, which systemd gives all that the user has",
            [format!("systemd-run --user --scope -p {} kind create cluster", quote("Delegate=yes"))],
        ))
    })
}

/// Whether the nodes are made by a rootless engine of this user: podman or nerdctl, or the one whose socket is in the
/// directory of the user's session.
pub(super) fn is_on_rootless(facts: &Facts, plan: &Plan) -> bool {
    let other = plan.provider.is_some_and(|provider| provider != Provider::Docker);
    let of_session = endpoint::effective(facts).is_ok_and(|endpoint| match &endpoint.address {
        Address::Unix(path) => {
            let directory = facts.runtime.variable("XDG_RUNTIME_DIR").unwrap_or("/run/user/");
            path.starts_with("/run/user/") || path.starts_with(directory)
        }
        _ => false,
    });
    plan.target == Target::Kind && (other || of_session)
}

/// Those of `wanted` that the cgroup does not offer; none if that is not known.
fn not_offered<'a>(directory: &CgroupDirectory, wanted: &[&'a str]) -> Vec<&'a str> {
    let Some(offered) = directory.controllers.known() else { return Vec::new() };
    let offers = |name: &&str| offered.iter().any(|c| c == *name);
    wanted.iter().copied().filter(|name| !offers(name)).collect()
}

fn offered(directory: &CgroupDirectory) -> alloc::string::String {
    let names: Vec<&str> =
        directory.controllers.known().into_iter().flatten().map(Text::as_str).collect();
    if names.is_empty() { "empty".into() } else { names.join(" ") }
}

/// systemd delegates memory and pids to users by default, and kind on a rootless engine wants all five.
fn not_delegated(service: &CgroupDirectory, uid: u32, missing: &str) -> Finding {
    let path = service.path.as_str();
    // Who sets limits sets these; to go without the others is systemd's default, and few notice.
    let usual = missing.split(' ').any(|name| ["cpu", "memory", "pids"].contains(&name));
    let severity = if usual { Severity::Warning } else { Severity::Info };
    Finding::new(
        path,
        severities!(rootless: Warning).at_most(severity),
        format!(
            "systemd does not delegate {missing} to user {uid}: rootless containers go without, and kind on \
             a rootless engine refuses"
        ),
    )
    .evidence(format!("{path}/cgroup.controllers"), offered(service))
    .remedy(Remedy::tasks(
        Place::Host,
        "have systemd delegate the controllers to users, and log in again",
        [Task::File {
            path: "/etc/systemd/system/user@.service.d/delegate.conf".into(),
            lines: ["[Service]".into(), "Delegate=cpu cpuset io memory pids".into()].into(),
        }],
    ))
    .remedy(Remedy::commands(
        Place::Here,
        "give one command a scope of its own",
        [format!("systemd-run --user --scope -p {} kind create cluster", quote("Delegate=yes"))],
    ))
}

fn read_only() -> Finding {
    Finding::new(
        "/sys/fs/cgroup",
        CHECK.worst,
        "/sys/fs/cgroup is mounted read-only: no cgroup can be made for a container",
    )
    .caused_by("privilege-missing")
    .evidence("mountinfo: /sys/fs/cgroup", "ro")
    .remedy(Remedy::container("run the container privileged", [ContainerSetting::Privileged]))
    .remedy(Remedy::container(
        "make only its cgroups writable (Docker 28 and later; containerd 2.1 for a whole runtime, with \
         cgroup_writable = true)",
        [ContainerSetting::SecurityOption(SecurityOption::WritableCgroups)],
    ))
}

/// Root of a user namespace whose cgroup still belongs to the outer root.
fn refused(base: &CgroupDirectory) -> Finding {
    let path = base.path.as_str();
    Finding::new(
        path,
        CHECK.worst,
        format!("{path} is mounted writable, but root here may not make cgroups in it"),
    )
    .evidence(format!("faccessat2: {path}/cgroup.procs"), "not writable")
    .remedy(Remedy::container(
        "let the engine delegate the cgroup to the container (Docker 28 and later; containerd 2.1 for a whole \
         runtime, with cgroup_writable = true)",
        [ContainerSetting::SecurityOption(SecurityOption::WritableCgroups)],
    ))
}

/// Controllers that neither the daemon nor its containers can have.
fn lacking(facts: &Facts, base: &CgroupDirectory) -> Option<Finding> {
    // What the kernel leaves off is for another check: nobody could delegate it.
    let off = cgroup_controller_disabled::disabled(facts);
    let mut missing = not_offered(base, &["cpu", "memory", "pids", "cpuset", "io"]);
    missing.retain(|name| !off.contains(name));
    // kubelet insists on the first four, and lives without io.
    let node = if missing == ["io"] { Severity::Warning } else { Severity::Error };
    let docker = missing.iter().any(|name| nesting::DOCKER_CONTROLLERS.contains(name));
    let severity = if docker {
        severities!(dockerd: Warning, rootless: Warning, systemd: Warning, buildkit: Info)
    } else {
        Severities::NONE
    };
    if missing.is_empty() {
        return None;
    }
    let path = base.path.as_str();
    let missing = missing.join(" ");
    let mut finding = Finding::new(
        path,
        severity.with(Target::Kind, Some(node)),
        format!(
            "{path} does not offer {missing}: containers cannot be limited, kubelet needs them"
        ),
    )
    .evidence(format!("{path}/cgroup.controllers"), offered(base));
    match base.kind {
        // A threaded cgroup never has memory or io, whatever the parent offers.
        Fact::Known(CgroupType::Threaded | CgroupType::DomainInvalid) => {
            finding = finding.caused_by("cgroup2-internal-process");
        }
        Fact::Known(CgroupType::Root) => {
            finding = finding.remedy(Remedy::advice(
                Place::Host,
                format!("the kernel has them switched off: look for cgroup_disable= on its command line, and \
                         for its build options, to get {missing}"),
            ));
        }
        _ => {
            finding = finding.remedy(Remedy::advice(
                Place::Host,
                format!(
                    "the cgroup above this container has to offer {missing}: enable them in its \
                     cgroup.subtree_control, or delegate them where systemd manages it (Delegate=)"
                ),
            ));
        }
    }
    Some(finding)
}

#[cfg(test)]
mod tests;
