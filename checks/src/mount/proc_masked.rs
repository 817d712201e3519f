use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::{Action, Capability, Facts, Mount, MountTable, Sandbox, Step, Tri, TrialName, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
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
    /// Root in the initial user namespace is not affected: dockerd and kind work, masked or not, and so
    /// does buildkitd as root with CAP_SYS_ADMIN. Mounts on directories that are always empty
    /// (`/proc/sys/fs/binfmt_misc`, `/proc/fs/nfsd`) hide nothing. One other complete proc mount
    /// anywhere is enough. `buildkitd --oci-worker-no-process-sandbox` needs no new proc. Sysbox, which
    /// mounts its own files over `/proc`, handles the mount itself.
    ///
    /// ## How to fix
    /// `docker run --security-opt systempaths=unconfined`, `podman run --security-opt unmask=ALL`, in a
    /// pod `procMount: Unmasked` together with `hostUsers: false`. For BuildKit alone,
    /// `--oci-worker-no-process-sandbox`.
    ///
    /// ## References
    /// Kernel `fs/namespace.c: mount_too_revealing()`, `user_namespaces(7)`;
    /// <https://github.com/moby/buildkit/blob/master/docs/rootless.md>,
    /// <https://github.com/moby/buildkit/issues/4073>, <https://github.com/containers/podman/issues/20453>,
    /// <https://github.com/opencontainers/runc/issues/1658>.
    "proc-masked",
    "/proc is masked: no new proc in a user namespace",
    "-/-/B/W/B",
    [
        "error mounting \"proc\" to rootfs at \"/proc\": mount proc:/proc",
        "Can't mount proc on /newroot/proc",
        "unshare: mount /proc failed",
    ]
}

/// Directories that the kernel makes as mount points and that can hold nothing else.
const ALWAYS_EMPTY: [&str; 2] = ["sys/fs/binfmt_misc", "fs/nfsd"];

/// Mount points named in a summary.
const SHOWN: usize = 4;

fn run(facts: &Facts) -> Verdict {
    if facts.runtime.sandbox == Sandbox::Sysbox {
        return Ok(Outcome::not_applicable("Sysbox handles the mount of proc itself"));
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
    let mut over: Vec<&str> = table
        .below(&proc.mount_point)
        .filter(|mount| mount.parent == proc.id)
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
mod tests {
    use super::*;
    use crate::{
        facts::{CapabilitySet, Fact},
        target::Severity,
        testing::{healthy_container, healthy_vm, mount},
    };

    fn with_mounts(extra: &[(&str, &str)]) -> Facts {
        let mut facts = healthy_container();
        let Fact::Known(table) = &mut facts.mounts else { panic!() };
        table.rows.extend(extra.iter().map(|(place, fstype)| {
            let root = if *fstype == "proc" { place.trim_start_matches("/proc") } else { "/" };
            Mount { root: root.into(), ..mount(place, fstype, &["ro"]) }
        }));
        facts
    }

    fn masked() -> Facts {
        with_mounts(&[
            ("/proc/kcore", "tmpfs"),
            ("/proc/keys", "tmpfs"),
            ("/proc/acpi", "tmpfs"),
            ("/proc/bus", "proc"),
            ("/proc/sys", "proc"),
        ])
    }

    fn severities(facts: &Facts) -> [Option<Severity>; 3] {
        match run(facts) {
            Ok(Outcome::Found(found)) => [Target::Dockerd, Target::Rootless, Target::Buildkit]
                .map(|t| found[0].severity.get(t)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn masked_paths_stop_rootless_engines_and_never_dockerd() {
        assert_eq!(severities(&masked()), [None, Some(Severity::Error), None]);
    }

    #[test]
    fn buildkit_is_stopped_where_it_must_run_rootless() {
        let error = Some(Severity::Error);
        let mut user = masked();
        user.identity.euid = Fact::Known(1000);
        assert_eq!(severities(&user), [None, error, error]);
        let mut unprivileged = masked();
        let default = CapabilitySet(0xa804_25fb);
        unprivileged.capabilities.effective = Fact::Known(default);
        unprivileged.capabilities.bounding = Fact::Known(default);
        assert_eq!(severities(&unprivileged), [None, error, error]);
        let Ok(Outcome::Found(found)) = run(&unprivileged) else { panic!() };
        assert_eq!(found[0].caused_by, ["privilege-missing"]);
        assert!(found[0].summary.contains("/proc/acpi") && found[0].summary.contains("and 1 more"));
    }

    #[test]
    fn buildkit_without_a_process_sandbox_needs_no_new_proc() {
        let mut facts = masked();
        facts.identity.euid = Fact::Known(1000);
        facts.runtime.variables = Fact::Known(alloc::vec![(
            "BUILDKITD_FLAGS".into(),
            "--oci-worker-no-process-sandbox".into()
        )]);
        assert_eq!(severities(&facts), [None, Some(Severity::Error), None]);
    }

    #[test]
    fn an_unmasked_proc_passes_in_a_container_and_a_vm() {
        assert_eq!(run(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(run(&healthy_vm()), Ok(Outcome::pass()));
    }

    #[test]
    fn mounts_on_directories_that_are_always_empty_hide_nothing() {
        let facts =
            with_mounts(&[("/proc/sys/fs/binfmt_misc", "autofs"), ("/proc/fs/nfsd", "nfsd")]);
        assert_eq!(run(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn another_complete_proc_is_enough() {
        let mut facts = masked();
        let Fact::Known(table) = &mut facts.mounts else { panic!() };
        table.rows.push(mount("/mnt/proc", "proc", &["rw"]));
        assert_eq!(run(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn a_read_only_proc_allows_no_writable_one() {
        let mut facts = healthy_container();
        let Fact::Known(table) = &mut facts.mounts else { panic!() };
        for row in table.rows.iter_mut().filter(|row| row.mount_point == "/proc") {
            row.options = alloc::vec!["ro".into()];
        }
        assert!(matches!(run(&facts), Ok(Outcome::Found(_))));
    }

    #[test]
    fn sysbox_is_not_judged() {
        let mut facts = masked();
        facts.runtime.sandbox = Sandbox::Sysbox;
        assert!(matches!(run(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_mounts_it_is_unknown() {
        let mut facts = masked();
        facts.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
        assert!(run(&facts).is_err());
    }

    #[test]
    fn a_proc_that_was_mounted_is_not_masked_and_one_that_was_refused_is() {
        use crate::testing::tried;
        let with = |mut facts: Facts, refused| {
            tried(&mut facts, TrialName::Userns, "uid 1000", &[(Action::MountProc, "", refused)]);
            facts
        };
        assert_eq!(run(&with(masked(), None)), Ok(Outcome::proved()));
        for facts in [masked(), healthy_container()] {
            let Ok(Outcome::Found(found)) = run(&with(facts, Some("EPERM"))) else { panic!() };
            assert!(found[0].severity.within(&CHECK.worst));
            assert_eq!(found[0].evidence.last().unwrap().source, "trial: mount proc (uid 1000)");
        }
    }
}
