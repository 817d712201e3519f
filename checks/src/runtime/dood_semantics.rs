use alloc::format;

use crate::derived::endpoint;
use crate::{
    facts::{EngineSocket, Facts, SocketKind, Why},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
};

check! {
    /// ## What it looks at
    /// Whether the socket that Docker's clients use here is a mount of its own in a container
    /// (`/proc/self/mountinfo`) and no dockerd is visible: the daemon is another one's, most often the host's.
    /// `/proc/net/unix` tells whether it at least shares this network namespace.
    ///
    /// ## Why it matters
    /// That daemon resolves the source of every bind mount in *its* filesystem, so that `-v $PWD:/src` mounts
    /// an empty directory; it publishes ports on *its* loopback, where this container does not see them; it
    /// puts containers outside this one's cgroup and limits, and a kind cluster outlives the job that made
    /// it. Whoever holds the socket is root on that machine.
    ///
    /// ## When it is fine
    /// Building and pushing images needs none of that. With paths that are the same inside and outside, bind
    /// mounts work. A host's own socket, and one that a daemon here listens on, are what they seem. A daemon
    /// that is to be started here needs another path: a mount point cannot be replaced by a socket.
    ///
    /// ## How to fix
    /// Mount the working directory at the same path as on the host; join kind's network and use `kind get
    /// kubeconfig --internal`; or run a daemon of one's own in this container or beside it.
    ///
    /// ## References
    /// <https://jpetazzo.github.io/2015/09/03/do-not-use-docker-in-docker-for-ci/>;
    /// kind issues 379 and 1745.
    "dood-semantics",
    "The Docker socket is that of a daemon outside",
    Client,
    { dockerd: Info, kind: Warning, rootless: Info, buildkit: Info, docker: Warning },
    ["Mounts denied"]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if !facts.in_container()? {
        return Ok(Outcome::not_applicable("not a container: the socket is this machine's own"));
    }
    let endpoint = endpoint::effective(facts)?;
    let Some(socket) = endpoint::socket(facts, &endpoint) else {
        return Ok(Outcome::not_applicable("clients do not use a socket here"));
    };
    if socket.kind.why() == Some(Why::NotFound) {
        return Ok(Outcome::not_applicable("there is no socket"));
    }
    if *socket.kind.get()? != SocketKind::Socket {
        return Ok(Outcome::not_applicable("what is there is no socket"));
    }
    facts.mounts.get()?;
    if !endpoint::is_from_elsewhere(facts, socket) {
        return Ok(Outcome::pass());
    }
    Ok(finding(socket).into())
}

fn finding(socket: &EngineSocket) -> Finding {
    let path = socket.path.as_str();
    let root = socket.mount.as_ref().map_or("unknown", |mount| mount.root.as_str());
    let (ports, seen) = match socket.listening.known() {
        Some(true) => ("", "listening in this network namespace"),
        Some(false) => (", ports", "not listening in this network namespace"),
        None => ("", "unknown"),
    };
    Finding::new(
        path,
        CHECK.worst,
        format!("{path} is mounted in: the daemon's paths{ports} and cgroups are not this container's"),
    )
    .evidence(format!("/proc/self/mountinfo: {path}"), format!("mounted from {root}"))
    .evidence("/proc/net/unix", seen)
    .remedy(Remedy::commands(
        Place::Here,
        "reach a kind cluster of that daemon through its network instead of a published port",
        [
            "docker network connect kind \"$(cat /etc/hostname)\"",
            "kind export kubeconfig --internal",
        ],
    ))
    .remedy(Remedy::advice(
        Place::Container,
        "mount what containers are to see at the same path as on the host; or run a daemon here instead, \
         without the host's socket",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{EngineProcess, Fact, Fact::Known},
        testing::{healthy_container, healthy_vm, mount, socket},
    };

    fn mounted() -> Facts {
        let mut facts = healthy_container();
        facts.clients.sockets[0] = EngineSocket {
            kind: Known(SocketKind::Socket),
            mount: Some(mount("/run/docker.sock", "tmpfs", &["rw"])),
            is_mount_point: true,
            ..socket("/var/run/docker.sock")
        };
        facts
    }

    #[test]
    fn a_mounted_socket_is_found() {
        assert!(matches!(judged(&mounted()), Ok(Outcome::Found(_))));
    }

    #[test]
    fn a_socket_that_a_daemon_here_made_passes() {
        let mut facts = mounted();
        facts.clients.sockets[0].is_mount_point = false;
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        let mut facts = mounted();
        facts.engines.running = Known(
            [EngineProcess {
                name: "dockerd".into(),
                pid: 9,
                arguments: Known([].into()),
                same_mount_namespace: Some(true),
            }]
            .into(),
        );
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn a_host_no_socket_and_a_port_are_not_judged() {
        assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
        assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
        let mut facts = mounted();
        facts.runtime.variables =
            Known([("DOCKER_HOST".into(), "tcp://docker:2375".into())].into());
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_the_mount_table_it_is_unknown() {
        let mut facts = mounted();
        facts.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
