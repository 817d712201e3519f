use alloc::{format, vec::Vec};

use crate::{
    facts::{Capability, Facts, ScratchDirectory},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy, Task},
    target::{Severity, Target},
};

check! {
    /// ## What it looks at
    /// Whether `/run` and the directory for temporary files (`$TMPDIR`, else `/tmp`) may be written
    /// (`faccessat2`, mount flags) and, on tmpfs, how large they are; whether `/run/docker.pid` names a
    /// process that is not dockerd; whether `/run/xtables.lock` may be written.
    /// `--active` makes no file there: that AppArmor objects, or that the disk is full, is not seen.
    ///
    /// ## Why it matters
    /// Engines keep sockets, PID files and locks in `/run`, and do not start where it is read-only, as in a
    /// pod with `readOnlyRootFilesystem`. A PID file that survived a restart stops dockerd if its
    /// number belongs to another process by now. containerd mounts images in the temporary directory to look
    /// into them. What a snap's docker does not see is for snap-docker-confinement.
    ///
    /// ## When it is fine
    /// `noexec` on either: engines execute nothing there, and Debian mounts `/run` so. A PID file whose process
    /// is gone is overwritten; the entrypoint of docker:dind removes it in any case. The 64 MB of
    /// `/dev/shm` are for browsers and databases to complain about. rootlesskit gives rootless engines a `/run` of their own.
    ///
    /// ## How to fix
    /// A tmpfs at `/run` and `/tmp` (`--tmpfs /run`, `emptyDir: {medium: Memory}`); `rm /run/docker.pid`
    /// before dockerd starts.
    ///
    /// ## References
    /// `hier(7)`; moby `pkg/pidfile`; `iptables(8)` on `XTABLES_LOCKFILE`.
    "run-tmp-hygiene",
    "/run or /tmp does not serve engines",
    { dockerd: Error, kind: Error, rootless: Warning, systemd: Error, buildkit: Error },
    ["can't open lock file /run/xtables.lock", "ensure docker is not running or delete"]
}

/// Bytes of a tmpfs below which an engine fills it in ordinary work.
const SMALL_RUN: u64 = 8 << 20;
const SMALL_TEMPORARY: u64 = 64 << 20;

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let root = *facts.identity.euid.get()? == 0;
    let scratch = &facts.scratch;
    let mut findings: Vec<Finding> = Vec::new();
    if root {
        findings.extend(read_only_run(facts));
        findings.extend(small(facts, &scratch.run, SMALL_RUN));
        if plan.target != Target::Podman {
            findings.extend(stale_pid(facts));
        }
        findings.extend(lock(facts));
    }
    findings.extend(temporary(facts));
    findings.extend(small(facts, &scratch.temporary, SMALL_TEMPORARY));
    if findings.is_empty() {
        if root {
            scratch.run.writable.get()?;
        }
        scratch.temporary.writable.get()?;
    }
    Ok(Outcome::of(findings))
}

/// The options of the mount that holds the directory, as evidence.
fn with_mount(facts: &Facts, path: &str, finding: Finding) -> Finding {
    match facts.mounts.known().and_then(|table| table.holding(path)) {
        Some(mount) => finding.evidence(
            format!("/proc/self/mountinfo: {}", mount.mount_point),
            format!("{} {}", mount.fstype, mount.options.join(",")),
        ),
        None => finding,
    }
}

fn read_only_run(facts: &Facts) -> Option<Finding> {
    if facts.scratch.run.writable.is_known_and(|writable| *writable) {
        return None;
    }
    facts.scratch.run.writable.known()?;
    // systemd mounts a tmpfs there itself, if it may and nothing is mounted yet.
    let is_mount = facts.mounts.known().is_some_and(|table| table.at("/run").is_some());
    let may_mount = facts.capabilities.effective.is_known_and(|set| set.has(Capability::SYS_ADMIN));
    let systemd = (is_mount || !may_mount).then_some(Severity::Error);
    let finding = Finding::new(
        "/run",
        severities!(dockerd: Error, kind: Error, buildkit: Error).with(Target::Systemd, systemd),
        "/run cannot be written: engines find no place for sockets and PID files, and do not start",
    )
    .evidence("faccessat2: /run", "not writable");
    Some(with_mount(facts, "/run", finding).remedy(Remedy::container(
        "give the container a tmpfs at /run",
        [ContainerSetting::Tmpfs("/run".into())],
    )))
}

fn temporary(facts: &Facts) -> Option<Finding> {
    let path = facts.scratch.temporary.path.as_str();
    let reason = match (&facts.scratch.temporary.writable, facts.scratch.temporary.writable.why()) {
        (_, Some(crate::facts::Why::NotFound)) => "does not exist",
        (writable, None) if writable.is_known_and(|writable| !*writable) => "cannot be written",
        _ => return None,
    };
    let finding = Finding::new(
        path,
        severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning),
        format!(
            "{path}, for temporary files, {reason}: images cannot be unpacked, loaded or built"
        ),
    )
    .evidence(format!("faccessat2: {path}"), reason);
    let finding = with_mount(facts, path, finding);
    Some(if facts.runtime.variable("TMPDIR").is_some() {
        finding.remedy(Remedy::container(
            "let TMPDIR name a directory that is there",
            [ContainerSetting::Variable("TMPDIR".into(), "/tmp".into())],
        ))
    } else {
        finding.remedy(Remedy::container(
            format!("give the container a writable {path}"),
            [ContainerSetting::Tmpfs(path.into())],
        ))
    })
}

fn small(facts: &Facts, directory: &ScratchDirectory, least: u64) -> Option<Finding> {
    let path = directory.path.as_str();
    let size = *directory.size.known()?;
    let mount = facts.mounts.known()?.holding(path)?;
    if mount.fstype != "tmpfs" || size >= least {
        return None;
    }
    let (size, least) = (size >> 10, least >> 10);
    let finding = Finding::new(
        path,
        severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning),
        format!("{path} is a tmpfs of {size} KiB: engines need {least} KiB at least"),
    )
    .evidence(format!("statfs {path}"), format!("{size} KiB"));
    Some(with_mount(facts, path, finding).remedy(Remedy::container(
        format!("mount a larger tmpfs at {path}: without size= it may take half of the memory"),
        [ContainerSetting::Tmpfs(path.into())],
    )))
}

/// moby refuses to start if the process in its PID file is alive, whoever that is by now.
fn stale_pid(facts: &Facts) -> Option<Finding> {
    let pid = (*facts.scratch.docker_pid.known()?)?;
    let rows = facts.processes.rows.known()?;
    let row = rows.iter().find(|row| row.pid == pid && row.state != 'Z')?;
    let runs = facts.engines.named("dockerd").next().is_some();
    facts.engines.preparing_entrypoints.known()?;
    // It removes PID files before it starts dockerd.
    if runs || row.comm == "docker-init" || facts.engines.is_dind() {
        return None;
    }
    Some(
        Finding::new(
            "/run/docker.pid",
            severities!(dockerd: Error, kind: Error),
            format!(
                "/run/docker.pid is left over: PID {pid} is {} by now, and dockerd does not start",
                row.comm
            ),
        )
        .evidence("/run/docker.pid", format!("{pid}"))
        .evidence(format!("/proc/{pid}/stat"), row.comm.as_str())
        .remedy(Remedy::tasks(
            Place::Here,
            "remove it before dockerd starts, best in the entrypoint",
            [Task::RemoveFile("/run/docker.pid".into())],
        )),
    )
}

fn lock(facts: &Facts) -> Option<Finding> {
    const LOCK: &str = "/run/xtables.lock";
    let refused = facts.scratch.xtables_lock.is_known_and(|lock| *lock == Some(false));
    if !refused || facts.runtime.variable("XTABLES_LOCKFILE").is_some() {
        return None;
    }
    let finding = Finding::new(
        LOCK,
        severities!(dockerd: Warning, kind: Warning),
        format!("{LOCK} cannot be written: iptables-legacy changes no rule without its lock"),
    )
    .evidence(format!("faccessat2: {LOCK}"), "not writable");
    Some(with_mount(facts, LOCK, finding).remedy(Remedy::container(
        "let iptables (1.8.8 and later) lock another file",
        [ContainerSetting::Variable("XTABLES_LOCKFILE".into(), "/tmp/xtables.lock".into())],
    )))
}

#[cfg(test)]
mod tests;
