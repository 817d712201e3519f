use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::{Action, Capability, Facts, Step, Text, Trial, TrialName, Why},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    privilege::is_container_profile,
    remedy::{ContainerSetting, Language, Place, Remedy, SecurityOption, Snippet, Task},
    target::{Severities, Severity, Target},
};

check! {
    /// ## What it looks at
    /// `/proc/sys/user/max_user_namespaces`, Debian's `kernel.unprivileged_userns_clone`, Ubuntu's
    /// `kernel.apparmor_restrict_unprivileged_userns` with the doctor's own AppArmor label and the profiles
    /// that lift it, whether the doctor runs under the profile of a container runtime, whether root here has
    /// CAP_SETFCAP, whether this is a chroot, and whether the kernel has user namespaces at all. What a seccomp
    /// filter does is judged by `seccomp-filter-blocks`.
    ///
    /// ## Why it matters
    /// Everything rootless begins with a user namespace. The error tells the switch: ENOSPC ("no space left
    /// on device") is the limit, EPERM ("operation not permitted") Debian's switch or seccomp, EACCES
    /// ("permission denied") AppArmor. Under Ubuntu's restriction `unshare -U` succeeds, and the namespace
    /// comes without capabilities, so that the next step fails. The profiles that Docker, containerd and CRI-O
    /// give to containers (`docker-default`, `cri-containerd.apparmor.d`) refuse every mount, in a user namespace
    /// too: rootlesskit stops at "failed to share mount point", bubblewrap at "Failed to make / slave". From Linux
    /// 5.12 on, root must have CAP_SETFCAP to be root in a namespace that it makes.
    ///
    /// ## When it is fine
    /// Engines that run as root need none of this, and neither does bubblewrap where root has CAP_SYS_ADMIN.
    /// Ubuntu brings profiles for rootlesskit and podman in their usual places, which keep working; programs
    /// elsewhere do not. A profile of one's own has its own rules, and one in complain mode refuses nothing. A limit
    /// counts per ancestor, and only this namespace's is visible.
    ///
    /// ## How to fix
    /// On the host: `sysctl -w user.max_user_namespaces=28633`, `kernel.unprivileged_userns_clone=1`, an
    /// AppArmor profile with `userns,` for the binary. In Kubernetes, `hostUsers: false` gives a namespace
    /// that is ready. Under a container's profile: `--security-opt apparmor=unconfined`,
    /// `appArmorProfile: {type: Unconfined}`; nothing need be privileged.
    ///
    /// ## References
    /// `user_namespaces(7)`; <https://github.com/moby/buildkit/blob/master/docs/rootless.md>,
    /// moby/buildkit#4667, actions/runner-images#10443, containerd/nerdctl#2847, moby#47480.
    "userns-blocked",
    "User namespaces are switched off or come without powers",
    { rootless: Error, systemd: Info, buildkit: Error, sandbox: Error },
    [
        "[rootlesskit:parent] error: failed to start the child: fork/exec /proc/self/exe",
        "cannot clone: Operation not permitted",
        "cannot re-exec process",
        "unshare: write failed /proc/self/uid_map",
        "bwrap: setting up uid map: Permission denied",
        "unshare failed: No space left on device",
        "unshare failed: Operation not permitted",
        "no space left on device",
    ],
    trials: [Userns]
}

const SOURCE_MAX: &str = "/proc/sys/user/max_user_namespaces";
const SOURCE_CLONE: &str = "/proc/sys/kernel/unprivileged_userns_clone";
const SOURCE_APPARMOR: &str = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if plan.sandbox_is_root(facts) {
        return Ok(container_profile(facts).map_or_else(
            || {
                Outcome::not_applicable(
                    "bubblewrap is set-user-id root here, and makes no user namespace",
                )
            },
            Outcome::from,
        ));
    }
    let namespaces = &facts.identity.namespaces;
    if namespaces.user.why() == Some(Why::NotFound) && namespaces.mnt.known().is_some() {
        return Ok(finding(
            facts,
            "the kernel has no user namespaces (CONFIG_USER_NS)",
            CHECK.worst,
        )
        .evidence("/proc/self/ns/user", "does not exist")
        .remedy(Remedy::advice(Place::Host, "use a kernel with CONFIG_USER_NS=y"))
        .into());
    }
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(limit(facts));
    findings.extend(chroot(facts));
    findings.extend(switch(facts));
    findings.extend(apparmor(facts));
    findings.extend(container_profile(facts));
    match tried(facts) {
        // What a switch says is no more than a guess then; but an ordinary user tried, and not root.
        Some(Tried::Works) => {
            return Ok(root_mapping(facts).map_or(Outcome::proved(), Outcome::from));
        }
        Some(Tried::Fails(trial, step)) if findings.is_empty() => {
            return Ok(refused(facts, trial, step).into());
        }
        Some(Tried::Fails(trial, step)) => {
            findings = findings.into_iter().map(|found| found.tried(trial, step)).collect();
        }
        None => {}
    }
    findings.extend(root_mapping(facts).or_else(|| one_is_too_few(facts)));
    if findings.is_empty() {
        let userns = &facts.userns;
        // Kernels before 4.9 have no limit to read.
        if userns.max.why() != Some(Why::NotFound) {
            userns.max.get()?;
        }
        userns.unprivileged.get()?;
        if *userns.apparmor_restricted.get()? {
            facts.security.label.get()?;
        }
    }
    Ok(Outcome::of(findings))
}

/// How an ordinary user fared who made a user namespace.
enum Tried<'a> {
    Works,
    Fails(&'a Trial, &'a Step),
}

/// Until something was mounted, which AppArmor refuses where it takes the capabilities away.
fn tried(facts: &Facts) -> Option<Tried<'_>> {
    const NEEDED: [Action; 3] = [Action::Unshare, Action::MapIds, Action::MountTmpfs];
    let trial = facts.trials.complete(TrialName::Userns)?;
    let mut steps = trial.steps.iter().filter(|step| NEEDED.contains(&step.action));
    if let Some(failed) = steps.clone().find(|step| step.refused.is_some()) {
        return Some(Tried::Fails(trial, failed));
    }
    steps.any(|step| step.action == Action::MountTmpfs).then_some(Tried::Works)
}

fn refused(facts: &Facts, trial: &Trial, step: &Step) -> Finding {
    finding(
        facts,
        format!("{} fails to {} for a user namespace: {step}", trial.subject, step.action.words()),
        CHECK.worst,
    )
    .tried(trial, step)
    .caused_by("seccomp-filter-blocks")
    .remedy(Remedy::container(
        "let the container make user namespaces: its seccomp profile or AppArmor refuses them",
        [ContainerSetting::Privileged],
    ))
}

fn finding(facts: &Facts, summary: impl Into<String>, mut severity: Severities) -> Finding {
    if buildkit_is_rootful(facts) {
        severity = severity.with(Target::Buildkit, None);
    }
    if super::is_admin(facts) {
        severity = severity.with(Target::Sandbox, None);
    }
    Finding::new("user namespaces", severity, summary)
}

/// Whether buildkitd can run as root here, and so needs no user namespace.
fn buildkit_is_rootful(facts: &Facts) -> bool {
    facts.identity.euid.is_known_and(|uid| *uid == 0)
        && facts.capabilities.bounding.is_known_and(|set| set.has(Capability::SYS_ADMIN))
}

fn limit(facts: &Facts) -> Option<Finding> {
    facts.userns.max.is_known_and(|max| *max == 0).then(|| {
        finding(
            facts,
            "user.max_user_namespaces is 0: making one fails with \"no space left on device\"",
            CHECK.worst,
        )
        .evidence(SOURCE_MAX, "0")
        .remedy(sysctl("user.max_user_namespaces", "28633", "allow user namespaces"))
    })
}

/// A process in a chroot may make no user namespace, so that it cannot leave (`current_chrooted()`).
fn chroot(facts: &Facts) -> Option<Finding> {
    let table = facts.mounts.known()?;
    if table.rows.is_empty() || table.at("/").is_some() {
        return None;
    }
    let summary = "this is a chroot, in which the kernel lets nobody make a user namespace";
    let remedy = "enter the directory by pivot_root, as containers, bubblewrap and systemd-nspawn do, or bind-mount it \
                  on itself and make it the root of a mount namespace";
    Some(
        finding(facts, summary, CHECK.worst)
            .evidence("/proc/self/mountinfo", "no mount at /")
            .remedy(Remedy::advice(Place::Container, remedy)),
    )
}

/// bubblewrap makes a second one inside, so that its own root can be an ordinary user again.
fn one_is_too_few(facts: &Facts) -> Option<Finding> {
    let user = facts.identity.euid.is_known_and(|uid| *uid != 0);
    (user && facts.userns.max.is_known_and(|max| *max == 1)).then(|| {
        let summary =
            "user.max_user_namespaces is 1, and bubblewrap needs two: \"no space left on device\"";
        Finding::new("user namespaces", severities!(sandbox: Error), summary)
            .evidence(SOURCE_MAX, "1")
            .remedy(sysctl("user.max_user_namespaces", "28633", "allow more user namespaces"))
    })
}

fn switch(facts: &Facts) -> Option<Finding> {
    facts.userns.unprivileged.is_known_and(|allowed| !allowed).then(|| {
        finding(
            facts,
            "kernel.unprivileged_userns_clone is 0: only root may make user namespaces",
            CHECK.worst,
        )
        .evidence(SOURCE_CLONE, "0")
        .remedy(sysctl(
            "kernel.unprivileged_userns_clone",
            "1",
            "allow them to ordinary users",
        ))
    })
}

/// The restriction is about unconfined programs; what a profile says is not visible here.
fn apparmor(facts: &Facts) -> Option<Finding> {
    let restricted = facts.userns.apparmor_restricted.is_known_and(|on| *on);
    let label = facts.security.label.known()?;
    if !restricted || !(label.is_empty() || label.starts_with("unconfined")) {
        return None;
    }
    let profiles = facts.userns.profiles.known().map(Vec::as_slice).unwrap_or_default();
    let exempt = |name: &str| profiles.iter().any(|profile| attaches(facts, profile, name));
    let rootlesskit = exempt("rootlesskit");
    let info = Some(Severity::Info);
    let mut severity = CHECK.worst;
    if rootlesskit || exempt("podman") {
        severity = severity.with(Target::Rootless, info);
    }
    if rootlesskit || exempt("buildkitd") {
        severity = severity.with(Target::Buildkit, info);
    }
    if exempt("bwrap") {
        severity = severity.with(Target::Sandbox, info);
    }
    let names: Vec<&str> = profiles.iter().map(Text::as_str).collect();
    let but = if names.is_empty() {
        String::new()
    } else {
        format!(", except for programs with a profile ({})", names.join(", "))
    };
    let mut found = finding(
        facts,
        format!("AppArmor takes the capabilities away in user namespaces of ordinary users{but}"),
        severity,
    )
    .evidence(SOURCE_APPARMOR, "1")
    .evidence("/proc/self/attr/current", label.as_str());
    if !names.is_empty() {
        found = found.evidence("AppArmor profiles", names.join(", "));
    } else if !facts.runtime.container.is_no() {
        found = found.remedy(Remedy::container(
            "for a container that may mount: run it privileged, as root, where the restriction ends",
            [ContainerSetting::Privileged],
        ));
    }
    Some(found.remedy(profile(facts)).remedy(sysctl(
        "kernel.apparmor_restrict_unprivileged_userns",
        "0",
        "lift the restriction for everybody",
    )))
}

/// The profile that a runtime gives to containers: it has no rule for `mount`, so every one is refused.
fn container_profile(facts: &Facts) -> Option<Finding> {
    let label = facts.security.label.known()?;
    let name = label.strip_suffix(" (enforce)")?;
    if !is_container_profile(name) {
        return None;
    }
    let severity = severities!(rootless: Error, buildkit: Error, sandbox: Error);
    let severity =
        if buildkit_is_rootful(facts) { severity.with(Target::Buildkit, None) } else { severity };
    let summary =
        format!("the AppArmor profile {name} refuses every mount, in user namespaces too");
    let finding = Finding::new(name, severity, summary)
        .evidence("/proc/self/attr/current", label.as_str())
        .remedy(Remedy::container(
            "start the container without an AppArmor profile: it need not be privileged",
            [ContainerSetting::SecurityOption(SecurityOption::AppArmorUnconfined)],
        ));
    Some(finding)
}

/// Root that makes a namespace in which it is root must have CAP_SETFCAP, since file capabilities that are set there
/// count outside (Linux 5.12, `verify_root_map()`).
fn root_mapping(facts: &Facts) -> Option<Finding> {
    let root = facts.identity.euid.is_known_and(|uid| *uid == 0);
    let lacks = facts.capabilities.effective.is_known_and(|set| !set.has(Capability::SETFCAP));
    let wanted = facts.kernel.version.is_known_and(|version| version.at_least(5, 12));
    if !(root && lacks && wanted) {
        return None;
    }
    let summary = "root lacks CAP_SETFCAP here, so it may not be root in a user namespace either";
    let severity = severities!(sandbox: Error);
    let finding = Finding::new("CAP_SETFCAP", severity, summary)
        .evidence("/proc/self/status: CapEff", "no CAP_SETFCAP")
        .remedy(Remedy::container(
            "leave root this capability, which containers have by default",
            [ContainerSetting::CapAdd(Capability::SETFCAP)],
        ))
        .remedy(Remedy::advice(Place::Container, "run it as an ordinary user, who needs none"));
    Some(finding)
}

fn sysctl(name: &str, value: &str, text: &str) -> Remedy {
    Remedy::tasks(Place::Host, text, [Task::sysctl(name, value, "90-user-namespaces.conf")])
}

/// Whether a profile is for the program of this name as it is installed here. A distribution's is for the one in
/// `/usr/bin`, and what setup scripts write is named after the path.
fn attaches(facts: &Facts, profile: &str, name: &str) -> bool {
    if !profile.contains(name) {
        return false;
    }
    let Ok(Some(path)) = facts.engines.program(name) else { return true };
    let path = path.as_str();
    if profile == name {
        return path == format!("/usr/bin/{name}") || path == format!("/bin/{name}");
    }
    let named_after_a_path = profile.contains('/') || profile.ends_with(&format!(".{name}"));
    !named_after_a_path
        || profile.replace('/', ".").trim_start_matches('.') == path[1..].replace('/', ".")
}

/// A profile for rootlesskit where it is installed, named as `dockerd-rootless-setuptool.sh` names it.
fn profile(facts: &Facts) -> Remedy {
    let path = match facts.engines.program("rootlesskit") {
        Ok(Some(path)) => path.as_str(),
        _ => "/usr/local/bin/rootlesskit",
    };
    let name = path.trim_start_matches('/').replace('/', ".");
    Remedy::file(
        Place::Host,
        format!(
            "let one program through: save as /etc/apparmor.d/{name}, and load it with apparmor_parser -r"
        ),
        Snippet::Lines(
            Language::Ini,
            format!(
                "abi <abi/4.0>,\n\
                 include <tunables/global>\n\
                 profile {name} \"{path}\" flags=(unconfined) {{\n  userns,\n}}"
            ),
        ),
    )
}

#[cfg(test)]
mod tests;
