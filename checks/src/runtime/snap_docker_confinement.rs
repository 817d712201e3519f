use crate::{
    facts::{EngineProcess, Facts},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
    target::Severity,
};

check! {
    /// ## What it looks at
    /// Whether the first `docker` on the PATH is the snap's (`/snap/bin/docker` leads to `/usr/bin/snap`), and whether a
    /// dockerd that runs here is (its configuration and data are below `/var/snap/docker`).
    ///
    /// ## Why it matters
    /// A snap has a `/tmp` of its own and sees only the homes of users, without files whose names begin with a dot. So
    /// `docker build -f /tmp/…`, `docker cp` and `docker save` to `/tmp`, and bind mounts from anywhere else meet nothing, or
    /// an empty directory. kind, minikube, dev containers and editors hand over their files in `/tmp`:
    /// `lstat /tmp/…: no such file or directory`.
    ///
    /// ## When it is fine
    /// For files below the home, and images that are pulled. With `TMPDIR` in the home it is worth a word only.
    ///
    /// ## How to fix
    /// A directory for temporary files below the home: `export TMPDIR=$HOME/tmp`. For good, Docker from packages.
    ///
    /// ## References
    /// <https://kind.sigs.k8s.io/docs/user/known-issues/#docker-installed-with-snap>; kind issues 431 and 2535; minikube#10772;
    /// devcontainers/cli#625.
    "snap-docker-confinement",
    "Docker is a snap, which sees neither /tmp nor the system",
    Client,
    { dockerd: Warning, kind: Warning },
    [
        "failed to copy kubeadm config to node",
        "unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat /tmp/",
        "unable to prepare context: path \"/tmp/",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let temporary = facts.scratch.temporary.path.as_str();
    let hidden = temporary == "/tmp" || temporary.starts_with("/tmp/");
    let severity = if hidden { CHECK.worst } else { CHECK.worst.at_most(Severity::Info) };
    let client = facts.scratch.docker_client.told()?.and_then(Option::as_ref);
    let of_snap = |path: &str| path.starts_with("/snap/") || path.ends_with("/snap");
    let daemon = facts.engines.named("dockerd").find(|daemon| is_of_snap(daemon));
    let finding = match (client.filter(|path| of_snap(path)), daemon) {
        (Some(path), _) => Finding::new(
            "docker",
            severity,
            "docker is a snap: files in /tmp, and whatever lies outside of the homes, do not exist for it",
        )
        .evidence("docker on the PATH", path.as_str()),
        (None, Some(daemon)) => Finding::new(
            "dockerd",
            severity,
            "dockerd is a snap: mounts of /tmp and of paths outside of the homes are empty",
        )
        .evidence(alloc::format!("/proc/{}/cmdline", daemon.pid), "/var/snap/docker"),
        (None, None) => return Ok(Outcome::pass()),
    };
    Ok(finding
        .remedy(Remedy::commands(
            Place::Here,
            "keep temporary files where the snap sees them",
            ["mkdir -p \"$HOME/tmp\"", "export TMPDIR=\"$HOME/tmp\""],
        ))
        .remedy(Remedy::commands(
            Place::Host,
            "put Docker from packages in place of the snap; its images and volumes go with it",
            ["snap remove --purge docker", "apt-get install -y docker.io"],
        ))
        .into())
}

/// `dockerd --data-root=/var/snap/docker/common/var-lib-docker --config-file=/var/snap/docker/2893/config/daemon.json`.
fn is_of_snap(daemon: &EngineProcess) -> bool {
    ["data-root", "config-file", "exec-root"].iter().any(|name| {
        daemon.flag(name).is_some_and(|value| {
            value.starts_with("/var/snap/docker/") || value.starts_with("/run/snap.docker")
        })
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Why},
        testing::{healthy_container, healthy_vm},
    };

    fn daemon(argument: &str) -> Facts {
        let mut facts = healthy_vm();
        facts.engines.running = Known(vec![EngineProcess {
            name: "dockerd".into(),
            pid: 420,
            arguments: Known(vec!["dockerd".into(), argument.into()]),
            same_mount_namespace: Some(false),
        }]);
        facts
    }

    #[test]
    fn the_client_and_the_daemon_of_the_snap_are_known() {
        for path in ["/usr/bin/snap", "/snap/docker/2893/bin/docker"] {
            let mut facts = healthy_vm();
            facts.scratch.docker_client = Known(Some(path.into()));
            let Ok(Outcome::Found(found)) = judged(&facts) else { panic!("{path}") };
            assert_eq!(found[0].subject, "docker");
        }
        let facts = daemon("--data-root=/var/snap/docker/common/var-lib-docker");
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert_eq!(found[0].subject, "dockerd");
    }

    #[test]
    fn temporary_files_in_the_home_are_seen() {
        let mut facts = healthy_vm();
        facts.scratch.docker_client = Known(Some("/usr/bin/snap".into()));
        facts.scratch.temporary.path = "/home/user/tmp".into();
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert_eq!(found[0].severity, severities!(dockerd: Info, kind: Info));
    }

    #[test]
    fn those_of_packages_pass() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&daemon("--data-root=/var/lib/docker")), Ok(Outcome::pass()));
        let mut facts = healthy_vm();
        facts.scratch.docker_client = Known(None);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn a_path_that_cannot_be_searched_is_unknown() {
        let mut facts = healthy_vm();
        facts.scratch.docker_client = Fact::missing("/snap/bin/docker", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
