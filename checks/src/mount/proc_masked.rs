use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::{
        Action, Capability, Facts, Mount, MountTable, PodmanDefaults, Sandbox, Step, Tri,
        TrialName, Why,
    },
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy, SecurityOption},
    target::Target,
};

check! {
    /// ## What it looks at
    /// Mounts that lie over parts of `/proc` in `/proc/self/mountinfo`: the masked and read-only paths
    /// of the OCI runtime (`/proc/kcore`, `/proc/keys`, `/proc/sys`, …), lxcfs.
    ///
    /// ## Why it matters
    /// In a user namespace the kernel allows a new instance of proc only where one is fully visible
    /// already (`mount_too_revealing()`): otherwise it would show what was hidden. Every rootless
    /// container wants its own `/proc`, so runc, crun, bubblewrap and rootless BuildKit fail with
    /// `operation not permitted`, though nothing else is missing.
    ///
    /// ## When it is fine
    /// Root in the initial user namespace is not affected, but for a dockerd with `userns-remap`: dockerd, podman and
    /// kind work, masked or not, and so
    /// does buildkitd as root with CAP_SYS_ADMIN; bubblewrap, which makes a user namespace as root too, does not.
    /// Mounts on directories that are always empty
    /// (`/proc/sys/fs/binfmt_misc`, `/proc/fs/nfsd`) hide nothing. One other complete proc mount
    /// anywhere is enough. `buildkitd --oci-worker-no-process-sandbox` needs no new proc. Sysbox, which
    /// mounts its own files over `/proc`, handles the mount itself.
    ///
    /// ## How to fix
    /// `docker run --security-opt systempaths=unconfined`, `podman run --security-opt unmask=ALL`, in a
    /// pod `procMount: Unmasked` together with `hostUsers: false`. For BuildKit alone,
    /// `--oci-worker-no-process-sandbox`; for a sandbox, `bwrap --ro-bind /proc /proc`, at the price that it sees the
    /// container's processes.
    ///
    /// ## References
    /// Kernel `fs/namespace.c: mount_too_revealing()`, `user_namespaces(7)`;
    /// <https://github.com/moby/buildkit/blob/master/docs/rootless.md>,
    /// <https://github.com/moby/buildkit/issues/4073>, <https://github.com/containers/podman/issues/20453>,
    /// <https://github.com/opencontainers/runc/issues/1658>.
    "proc-masked",
    "/proc is masked: no new proc in a user namespace",
    { dockerd: Error, kind: Error, rootless: Error, systemd: Info, buildkit: Error, sandbox: Error },
    [
        "error mounting \"proc\" to rootfs at \"/proc\": mount proc:/proc",
        "Can't mount proc on /newroot/proc",
        "unshare: mount /proc failed",
    ],
    trials: [Userns]
}

/// Directories that the kernel makes as mount points and that can hold nothing else.
const ALWAYS_EMPTY: [&str; 2] = ["sys/fs/binfmt_misc", "fs/nfsd"];

/// Mount points named in a summary.
const SHOWN: usize = 4;

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if facts.sandbox()? == Sandbox::Sysbox {
        return Ok(Outcome::not_applicable("Sysbox handles the mount of proc itself"));
    }
    let is_engine = !matches!(plan.target, Target::Systemd | Target::Buildkit | Target::Sandbox);
    if is_engine && !plan.has_user_namespace(facts)? {
        return Ok(Outcome::not_applicable("containers of root are in no user namespace here"));
    }
    if plan.sandbox_is_root(facts) {
        return Ok(Outcome::not_applicable(
            "bubblewrap is set-user-id root here, and makes no user namespace",
        ));
    }
    let told = facts.resources.podman_defaults.known();
    if plan.engine() == "podman" && told.is_some_and(PodmanDefaults::binds_proc) {
        return Ok(Outcome::not_applicable("podman is told to give containers this /proc"));
    }
    // A tmpfs is mounted first, so it is not the namespace that is refused.
    let tried = facts.trials.complete(TrialName::Userns);
    let tried = tried.and_then(|trial| Some((trial, trial.steps(Action::MountProc).next()?)));
    if tried.is_some_and(|(_, step)| step.refused.is_none()) {
        return Ok(Outcome::proved());
    }
    let table = facts.mounts.get()?;
    let mut covered: Option<(&Mount, Vec<&str>)> = None;
    for proc in table.rows.iter().filter(|m| m.fstype == "proc" && m.root == "/") {
        let over = mounts_over(proc, table);
        if over.is_empty() && !proc.read_only() {
            return Ok(match tried {
                Some((trial, step)) => unexplained(step).tried(trial, step).into(),
                None => Outcome::pass(),
            });
        }
        // What people know is the mount at /proc.
        if covered.is_none() || proc.mount_point == "/proc" {
            covered = Some((proc, over));
        }
    }
    let Some((proc, over)) = covered else {
        return Err(Unknown::new("/proc/self/mountinfo: a mount of proc", Why::NotFound));
    };
    // For which targets it matters turns on these.
    if *facts.identity.euid.get()? == 0 {
        facts.capabilities.effective.get()?;
    }
    facts.identity.namespaces.user.told()?;
    facts.engines.running.told()?;
    let found = finding(facts, proc, &over);
    Ok(match tried {
        Some((trial, step)) => found.tried(trial, step),
        None => found,
    }
    .into())
}

/// Nothing covers the proc that is seen, and a new one is refused all the same.
fn unexplained(step: &Step) -> Finding {
    Finding::new(
        "/proc",
        CHECK.worst,
        format!(
            "a new proc cannot be mounted in a user namespace ({step}), though nothing masks /proc"
        ),
    )
    .remedy(Remedy::container(
        "start the container without a security profile that refuses mounts",
        [ContainerSetting::SecurityOption(SecurityOption::SystemPathsUnconfined)],
    ))
}

/// The mounts right on `proc` that hide something, by mount point, each once.
fn mounts_over<'a>(proc: &'a Mount, table: &'a MountTable) -> Vec<&'a str> {
    // One that lies on the whole of it, as after a second mount of proc, is at the same place.
    let is_here = |mount: &&Mount| {
        mount.parent == proc.id
            && mount.mount_point.starts_with(proc.mount_point.as_str())
            && !core::ptr::eq(*mount, proc)
    };
    let mut over: Vec<&str> = table
        .rows
        .iter()
        .filter(is_here)
        .map(|mount| mount.mount_point.as_str())
        .filter(|place| {
            let inside = place.strip_prefix(proc.mount_point.as_str()).unwrap_or(place);
            !ALWAYS_EMPTY.contains(&inside.trim_start_matches('/'))
        })
        .collect();
    over.sort_unstable();
    over.dedup();
    over
}

fn finding(facts: &Facts, proc: &Mount, over: &[&str]) -> Finding {
    let place = &proc.mount_point;
    let mut shown: String = over.iter().copied().take(SHOWN).collect::<Vec<_>>().join(", ");
    if over.len() > SHOWN {
        shown = format!("{shown} and {} more", over.len() - SHOWN);
    }
    let what = if over.is_empty() {
        format!("{place} is mounted read-only")
    } else {
        format!("{place} is masked by {shown}")
    };
    let severity = match buildkit_is_rootless(facts) {
        Tri::No => CHECK.worst.with(Target::Buildkit, None),
        _ => CHECK.worst,
    };
    let mut finding = Finding::new(
        place.as_str(),
        severity,
        format!("{what}: the kernel refuses a new proc in a user namespace"),
    )
    .evidence(
        "/proc/self/mountinfo",
        if over.is_empty() { proc.options.join(",") } else { over.join(", ") },
    );
    if super::is_unprivileged(facts) {
        finding = finding.caused_by("privilege-missing");
    }
    finding = finding.remedy(Remedy::container(
        "start the container without masked paths (in a pod: procMount Unmasked, accepted only with \
         hostUsers: false; podman: --security-opt unmask=ALL)",
        [ContainerSetting::SecurityOption(SecurityOption::SystemPathsUnconfined)],
    ));
    if severity.get(Target::Buildkit).is_some() {
        finding = finding.remedy(Remedy::commands(
            Place::Runtime,
            "for BuildKit alone: share the container's PID namespace and proc with the build steps",
            ["rootlesskit buildkitd --oci-worker-no-process-sandbox"],
        ));
    }
    finding
}

/// Whether buildkitd would have to run rootless here, and in a way that needs a new proc.
fn buildkit_is_rootless(facts: &Facts) -> Tri {
    const FLAG: &str = "oci-worker-no-process-sandbox";
    let shares_proc = facts.engines.named("buildkitd").any(|e| e.flag(FLAG).is_some())
        || facts.runtime.variable("BUILDKITD_FLAGS").is_some_and(|flags| flags.contains(FLAG));
    if shares_proc {
        return Tri::No;
    }
    match (facts.identity.euid.known(), facts.capabilities.effective.known()) {
        (Some(0), Some(effective)) => Tri::from(Some(
            !effective.has(Capability::SYS_ADMIN)
                || facts.identity.namespaces.user_is_private().is_yes(),
        )),
        (Some(0) | None, None) | (None, Some(_)) => Tri::Unknown,
        (Some(_), _) => Tri::Yes,
    }
}

#[cfg(test)]
mod tests;
