use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::{Facts, PidFile, PidFileOwner, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::{Plan, Provider},
    remedy::{ContainerSetting, Place, Remedy, Task},
    target::{Severities, Severity},
};

check! {
    /// ## What it looks at
    /// `/var/run/docker.pid`, `/var/run/docker/containerd/containerd.pid` and a rootless daemon's
    /// `docker.pid`: the PID in each, and which process or thread has that PID now.
    ///
    /// ## Why it matters
    /// A daemon that was killed leaves its PID file. dockerd asks only whether `/proc/PID` exists, not what it
    /// is. In a container, where PIDs start from 1 again at each restart while `/run` stays, some other
    /// process soon has the number: dockerd refuses to start, or takes that process for its
    /// containerd and waits in vain.
    ///
    /// ## When it is fine
    /// The file names a daemon that runs. The number is free: dockerd replaces the file; in a container that is
    /// told as information, since another process may have the number by then. The entrypoint of
    /// docker:dind removes `docker*.pid` first. A socket that was left behind does no harm: dockerd
    /// removes it.
    ///
    /// ## How to fix
    /// Remove the file before dockerd starts, or mount a tmpfs at `/run`.
    ///
    /// ## References
    /// moby `pkg/pidfile`, `internal/process`, `daemon/internal/libcontainerd/supervisor`; actions/actions-runner-controller issue 4362;
    /// docker-library/docker issues 104 and 105.
    "stale-pid-and-socket",
    "A PID file of an earlier daemon is in the way",
    Docker,
    { dockerd: Error, kind: Error, rootless: Warning },
    ["timeout waiting for containerd to start", "ensure docker is not running or delete"]
}

const EISDIR: i32 = 21;

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if plan.provider.is_some_and(|provider| provider != Provider::Docker) {
        return Ok(Outcome::not_applicable("kind's nodes are not made by dockerd"));
    }
    let files = &facts.leftovers.pid_files;
    if files.is_empty() {
        return Ok(Outcome::pass());
    }
    let mut findings = Vec::new();
    let mut missing = Vec::new();
    for file in files {
        match judge(facts, file) {
            Ok(found) => findings.extend(found),
            Err(unknown) => missing.extend(unknown.missing),
        }
    }
    if findings.is_empty() && !missing.is_empty() {
        return Err(Unknown { missing, remedy: None });
    }
    Ok(Outcome::of(findings))
}

fn judge(facts: &Facts, file: &PidFile) -> Result<Option<Finding>, Unknown> {
    let Some(pid) = file.pid.known().copied() else {
        // dockerd takes a file without a number for none.
        return match file.pid.why() {
            Some(Why::Malformed) => Ok(None),
            Some(Why::Io(EISDIR)) => Ok(Some(directory(file))),
            _ => file.pid.get().map(|_| None),
        };
    };
    // The doctor will be gone when the daemon starts.
    let process = file.process.get()?.as_ref().filter(|_| facts.identity.pid.known() != Some(&pid));
    let path = file.path.as_str();
    let Some(name) = process else {
        if facts.runtime.container.is_no() || is_removed(facts, file) {
            return Ok(None);
        }
        let summary = format!(
            "{path} names PID {pid}: any process that has it when dockerd starts is in the way"
        );
        return Ok(Some(finding(file, severity(file).at_most(Severity::Info), pid, None, summary)));
    };
    if is_daemon(file.owner, name) {
        return Ok(None);
    }
    let severity = severity(file);
    let severity =
        if is_removed(facts, file) { severity.at_most(Severity::Info) } else { severity };
    let summary = format!("{path} names PID {pid}, which is {name} and no daemon");
    Ok(Some(finding(file, severity, pid, Some(name), summary)))
}

/// Docker makes one where a file is to be mounted that is not there.
fn directory(file: &PidFile) -> Finding {
    let path = file.path.as_str();
    let summary = format!("{path} is a directory, where dockerd writes its PID: it does not start");
    Finding::new(path, severity(file), summary).evidence(path, "a directory").remedy(Remedy::tasks(
        Place::Here,
        "remove it before dockerd starts",
        [Task::RemoveDirectory(path.into())],
    ))
}

fn is_daemon(owner: PidFileOwner, name: &str) -> bool {
    match owner {
        PidFileOwner::Containerd => name.contains("containerd"),
        PidFileOwner::Docker | PidFileOwner::RootlessDocker => {
            matches!(name, "dockerd" | "docker" | "docker-daemon")
        }
    }
}

/// The entrypoint of docker:dind removes `docker*.pid` below `/run` before it starts dockerd.
fn is_removed(facts: &Facts, file: &PidFile) -> bool {
    file.owner == PidFileOwner::Docker && facts.engines.is_dind()
}

const fn severity(file: &PidFile) -> Severities {
    match file.owner {
        PidFileOwner::RootlessDocker => severities!(rootless: Warning),
        PidFileOwner::Docker | PidFileOwner::Containerd => severities!(dockerd: Error, kind: Error),
    }
}

fn finding(
    file: &PidFile,
    severity: Severities,
    pid: u32,
    name: Option<&str>,
    summary: String,
) -> Finding {
    let path = file.path.as_str();
    Finding::new(path, severity, summary)
        .evidence(path, format!("{pid}"))
        .evidence(format!("/proc/{pid}/comm"), name.unwrap_or("no such process"))
        .remedy(Remedy::tasks(
            Place::Here,
            "remove it before dockerd starts, in the entrypoint too",
            [Task::RemoveFile(path.into())],
        ))
        .remedy(Remedy::container(
            "let /run begin empty at each start",
            [ContainerSetting::Tmpfs("/run".into())],
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Fact::Known},
        testing::{healthy_container, healthy_vm},
    };

    fn with(mut facts: Facts, owner: PidFileOwner, pid: u32, name: Option<&str>) -> Facts {
        facts.leftovers.pid_files = [PidFile {
            owner,
            path: "/var/run/docker.pid".into(),
            pid: Known(pid),
            process: Known(name.map(Into::into)),
        }]
        .into();
        facts
    }

    fn severity_of(facts: &Facts) -> Option<Severities> {
        match judged(facts) {
            Ok(Outcome::Found(findings)) => Some(findings[0].severity),
            Ok(_) => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn another_process_with_the_pid_is_an_error() {
        let facts = with(healthy_container(), PidFileOwner::Docker, 7, Some("sleep"));
        assert_eq!(severity_of(&facts), Some(severities!(dockerd: Error, kind: Error)));
        let facts = with(healthy_vm(), PidFileOwner::RootlessDocker, 7, Some("sleep"));
        assert_eq!(severity_of(&facts), Some(severities!(rootless: Warning)));
    }

    #[test]
    fn a_daemon_that_runs_passes() {
        for (owner, name) in
            [(PidFileOwner::Docker, "dockerd"), (PidFileOwner::Containerd, "containerd")]
        {
            assert_eq!(severity_of(&with(healthy_vm(), owner, 7, Some(name))), None);
        }
    }

    #[test]
    fn a_free_number_is_information_in_a_container_and_nothing_on_a_host() {
        let facts = with(healthy_container(), PidFileOwner::Docker, 7, None);
        assert_eq!(severity_of(&facts), Some(severities!(dockerd: Info, kind: Info)));
        assert_eq!(severity_of(&with(healthy_vm(), PidFileOwner::Docker, 7, None)), None);
    }

    #[test]
    fn the_doctor_itself_is_not_in_the_way_for_long() {
        let facts = with(healthy_container(), PidFileOwner::Docker, 42, Some("doctor"));
        assert_eq!(severity_of(&facts), Some(severities!(dockerd: Info, kind: Info)));
    }

    #[test]
    fn the_entrypoint_of_dind_removes_its_file_but_not_that_of_containerd() {
        let entrypoint = Known(["/usr/local/bin/dockerd-entrypoint.sh".into()].into());
        let mut facts = with(healthy_container(), PidFileOwner::Docker, 7, Some("sleep"));
        facts.engines.preparing_entrypoints = entrypoint.clone();
        assert_eq!(severity_of(&facts), Some(severities!(dockerd: Info, kind: Info)));
        let mut facts = with(healthy_container(), PidFileOwner::Containerd, 7, Some("sleep"));
        facts.engines.preparing_entrypoints = entrypoint;
        assert_eq!(severity_of(&facts), Some(severities!(dockerd: Error, kind: Error)));
    }

    #[test]
    fn an_unreadable_file_is_unknown_and_a_malformed_one_is_none() {
        let mut facts = with(healthy_container(), PidFileOwner::Docker, 7, None);
        facts.leftovers.pid_files[0].pid = Fact::missing("/var/run/docker.pid", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        facts.leftovers.pid_files[0].pid = Fact::missing("/var/run/docker.pid", Why::Malformed);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn a_directory_is_no_place_to_write_a_number() {
        let mut facts = with(healthy_container(), PidFileOwner::Docker, 7, None);
        facts.leftovers.pid_files[0].pid = Fact::missing("/var/run/docker.pid", Why::Io(EISDIR));
        assert_eq!(severity_of(&facts), Some(severities!(dockerd: Error, kind: Error)));
    }
}
