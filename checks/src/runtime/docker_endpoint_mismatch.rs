mod listens;
mod tcp;
mod usual;

use alloc::{format, string::String, vec::Vec};

use super::asked::{Asked, asked};
use crate::{
    derived::endpoint::{self, Address, Endpoint},
    facts::{Action, EngineSocket, Facts, SocketKind, Step, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::{self, Elsewhere, Plan, Plans},
    remedy::{ContainerSetting, Place, Remedy, Task, quote},
    security::selinux_denials,
    target::{Severities, Target},
};

check! {
    /// ## What it looks at
    /// The endpoint that Docker's clients use here: `DOCKER_HOST`, else the context of `DOCKER_CONTEXT` or
    /// `~/.docker/config.json`, else `/var/run/docker.sock`; its scheme and port against `DOCKER_TLS_VERIFY`, the
    /// three certificates, what is at a socket's path and who may use it; where a dockerd that runs here is told
    /// to listen. The same of `BUILDKIT_HOST`.
    /// Nothing is connected to, but with `--active=api`: then the daemon is asked as clients would ask it, over TLS
    /// with their certificates.
    ///
    /// ## Why it matters
    /// docker:dind serves TLS on 2376 where `DOCKER_TLS_CERTDIR` is not empty, which is its default, else plain
    /// HTTP on 2375. Client and daemon that disagree, certificates on no shared volume, a socket of a group
    /// that the user is not in, a directory that Docker made where a socket was to be mounted, or a dockerd whose
    /// `-H tcp://…` takes the place of its socket, all end in "Cannot connect to the Docker daemon". Where `DOCKER_HOST` or
    /// a context names another socket and nothing is at `/var/run/docker.sock`, docker commands work, and whatever mounts the
    /// usual path into a container does not: actions, dev containers, Testcontainers.
    ///
    /// ## When it is fine
    /// Before a daemon is started there is no socket yet. An empty `DOCKER_HOST` counts as unset. Whether a
    /// daemon answers on a TCP port cannot be known without asking it: that is unknown, and refused
    /// connections in its first half minute are normal. The entrypoint of Docker's own images sets
    /// `DOCKER_TLS_VERIFY` itself where it finds certificates.
    ///
    /// ## How to fix
    /// Either `DOCKER_TLS_CERTDIR: ""` for client and daemon with port 2375, or a shared volume for
    /// `/certs/client` with 2376, `DOCKER_TLS_VERIFY=1` and `DOCKER_CERT_PATH=/certs/client`. Give the user the
    /// socket's group. A certificate that is for another name: `DOCKER_TLS_SAN=DNS:NAME` for docker:dind. Wait with
    /// `until docker info`.
    ///
    /// ## References
    /// docker-library/docker issues 170 and 396; actions/actions-runner-controller issues 2519, 2538, 3257, 3537;
    /// devcontainers/features#952;
    /// docker/cli `cli/command/cli.go`; <https://docs.docker.com/engine/security/protect-access/>.
    "docker-endpoint-mismatch",
    "Clients and daemon disagree about the endpoint",
    Client,
    { dockerd: Error, kind: Error, rootless: Error, buildkit: Error, docker: Error },
    [
        "Cannot connect to the Docker daemon at",
        "Client sent an HTTP request to an HTTPS server",
        "permission denied while trying to connect to the Docker daemon socket",
        "permission denied while trying to connect to the docker API",
        "first record does not look like a TLS handshake",
        "unable to resolve docker endpoint",
        "lookup docker: no such host",
        "lookup docker: Try again",
        "lookup docker on ",
        "probably didn't start properly",
        "x509: certificate signed by unknown authority",
        "x509: certificate is valid for ",
        "remote error: tls: bad certificate",
        "remote error: tls: certificate required",
        "remote error: tls: unknown certificate authority",
    ],
    trials: [Api]
}

/// Every client of Docker; buildx and `docker build` among them.
const CLIENTS: Severities = severities!(dockerd: Error, kind: Error, rootless: Error);

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let outcome =
        match (endpoints(facts), started_here(plan.target), Plans::of(facts).place_of_docker()) {
            // Which daemon answers elsewhere is no matter of one that is started here.
            (Err(_), true, plan::Place::Elsewhere(daemon)) => {
                return Ok(Outcome::not_applicable(format!(
                    "docker commands here reach the daemon at {}, not one that is started here",
                    daemon.url
                )));
            }
            (verdict, ..) => verdict?,
        };
    match (plan.target, plan.elsewhere(), &outcome) {
        (Target::Kind, Some(daemon), Outcome::Pass(_) | Outcome::NotApplicable(_)) => {
            Err(elsewhere(daemon))
        }
        (Target::Docker, _, Outcome::Pass(_)) => {
            Ok(usual::missed(facts).map_or(outcome, Outcome::from))
        }
        _ => Ok(outcome),
    }
}

const fn started_here(target: Target) -> bool {
    matches!(target, Target::Dockerd | Target::Rootless | Target::Buildkit)
}

/// A node needs more of the daemon's machine than docker commands do, and nothing of that is seen from here.
fn elsewhere(daemon: &Elsewhere) -> Unknown {
    let machine = format!("the machine of the daemon at {}", daemon.url);
    Unknown::new(machine, Why::NotProbed).with_remedy(Remedy::advice(
        Place::Host,
        "run the doctor where that daemon runs: kind's nodes are made there",
    ))
}

fn endpoints(facts: &Facts) -> Verdict {
    let mut findings: Vec<Finding> = buildkit(facts).into_iter().collect();
    let unknown = match docker(facts) {
        Ok(Some(finding)) => {
            findings.push(finding);
            None
        }
        Ok(None) => None,
        Err(unknown) => Some(unknown),
    };
    match unknown {
        Some(unknown) if findings.is_empty() => Err(unknown),
        _ if findings.is_empty() && nothing_yet(facts) => Ok(Outcome::not_applicable(
            "no endpoint is configured, and no daemon has made its socket yet",
        )),
        _ => Ok(Outcome::of_or(findings, || {
            if answers(facts) { Outcome::proved() } else { Outcome::pass() }
        })),
    }
}

fn nothing_yet(facts: &Facts) -> bool {
    facts.runtime.variable("BUILDKIT_HOST").is_none_or(str::is_empty)
        && endpoint::effective(facts).is_ok_and(|endpoint| {
            endpoint.is_default()
                && endpoint::socket(facts, &endpoint)
                    .is_some_and(|socket| socket.kind.why() == Some(Why::NotFound))
        })
}

fn docker(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    if let Some(finding) = lost_context(facts) {
        return Ok(Some(finding));
    }
    let endpoint = endpoint::effective(facts)?;
    let read = || match &endpoint.address {
        Address::Unix(path) => unix(facts, &endpoint, path),
        Address::Tcp { host, port } => tcp::judge(facts, &endpoint, host, *port),
        Address::Other(_) => Err(not_asked(&endpoint)),
    };
    match asked(facts, &endpoint) {
        Some(Asked::Answers) => Ok(None),
        Some(Asked::Fails(_, step)) if not_made_yet(facts, &endpoint, step) => read(),
        Some(Asked::Fails(trial, step)) => {
            let found = read().ok().flatten();
            let found = found.unwrap_or_else(|| refused(facts, &endpoint, step));
            Ok(Some(found.tried(trial, step)))
        }
        None => read(),
    }
}

/// Whether a daemon that is started here may yet make the socket.
fn not_made_yet(facts: &Facts, endpoint: &Endpoint, step: &Step) -> bool {
    const ENOENT: i32 = 2;
    let absent = endpoint::socket(facts, endpoint)
        .is_some_and(|socket| socket.kind.why() == Some(Why::NotFound));
    absent && step.errno() == Some(ENOENT)
}

/// Whether the engine that clients reach was asked and answered.
fn answers(facts: &Facts) -> bool {
    endpoint::effective(facts)
        .is_ok_and(|endpoint| matches!(asked(facts, &endpoint), Some(Asked::Answers)))
}

/// Nothing that was read explains it.
fn refused(facts: &Facts, endpoint: &Endpoint, step: &Step) -> Finding {
    let severity =
        if endpoint.is_default() { severities!(dockerd: Error, kind: Error) } else { CLIENTS };
    let url = endpoint.url();
    let summary = format!("clients reach no daemon at {url}: {step}");
    let finding =
        Finding::new(url.clone(), severity, summary).evidence(endpoint.configured_by.as_str(), url);
    if step.action == Action::BeginTls
        && let Address::Tcp { host, .. } = &endpoint.address
    {
        return tcp::other_certificates(facts, finding, host);
    }
    if !endpoint.is_default()
        && endpoint.configured_by == "DOCKER_HOST"
        && let Some(socket) = default_that_answers(facts)
    {
        return finding.remedy(Remedy::tasks(
            Place::Here,
            format!("a daemon holds the default socket, {socket}: let clients use that one"),
            [Task::unset("DOCKER_HOST")],
        ));
    }
    let start = match &endpoint.address {
        Address::Tcp { port: Some(2376), .. } | Address::Other(_) => None,
        Address::Tcp { host, port }
            if matches!(host.as_str(), "127.0.0.1" | "localhost" | "::1") =>
        {
            Some(format!(
                "dockerd --host=unix:///var/run/docker.sock --host=tcp://127.0.0.1:{}",
                port.unwrap_or(2375)
            ))
        }
        Address::Tcp { .. } => None,
        Address::Unix(path) => Some(format!("dockerd --host={}", quote(&format!("unix://{path}")))),
    };
    let finding = finding.remedy(Remedy::commands(
        Place::Here,
        "if the daemon is only just starting, wait for it, for half a minute at most",
        ["for i in $(seq 30); do docker info > /dev/null 2>&1 && break; sleep 1; done; docker info"],
    ));
    match start {
        Some(command) => finding.remedy(Remedy::commands(
            Place::Here,
            "if none is to be there yet, start one that listens there",
            [command],
        )),
        None => finding,
    }
}

/// A context is selected that does not exist: every command of the client fails.
/// The default socket, if something listens there that this user may use.
fn default_that_answers(facts: &Facts) -> Option<&str> {
    ["/var/run/docker.sock", "/run/docker.sock"].into_iter().find(|path| {
        let socket = facts.clients.socket(path);
        socket.is_some_and(|s| {
            s.kind.is_known_and(|kind| *kind == SocketKind::Socket)
                && s.usable.is_known_and(|usable| *usable)
        }) && facts.engines.here("dockerd").next().is_some()
    })
}

fn lost_context(facts: &Facts) -> Option<Finding> {
    if facts.runtime.variable("DOCKER_HOST").is_some_and(|host| !host.is_empty()) {
        return None;
    }
    let context = facts.clients.context.known()?.as_ref()?;
    if context.host.why() != Some(Why::NotFound) {
        return None;
    }
    let name = &context.name;
    Some(
        Finding::new(
            format!("context {name}"),
            CLIENTS,
            format!("the Docker context {name} is selected, and there is no such context"),
        )
        .evidence(context.selected_by.as_str(), name.as_str())
        .remedy(Remedy::commands(
            Place::Here,
            "go back to the default context",
            if context.selected_by == "DOCKER_CONTEXT" {
                ["unset DOCKER_CONTEXT"]
            } else {
                ["docker context use default"]
            },
        )),
    )
}

fn unix(facts: &Facts, endpoint: &Endpoint, path: &str) -> Result<Option<Finding>, Unknown> {
    let socket = facts
        .clients
        .socket(path)
        .ok_or_else(|| Unknown::new(format!("{path}: socket"), Why::NotRecorded))?;
    if socket.kind.why() == Some(Why::NotFound) {
        return Ok(listens::elsewhere(facts, endpoint, path));
    }
    let severity =
        if endpoint.is_default() { severities!(dockerd: Error, kind: Error) } else { CLIENTS };
    at_socket(facts, socket, &endpoint.configured_by, severity)
}

/// `BUILDKIT_HOST` is read by buildctl and by buildx's remote driver.
fn buildkit(facts: &Facts) -> Option<Finding> {
    let host = facts.runtime.variable("BUILDKIT_HOST")?;
    let Address::Unix(path) = endpoint::parse(host) else { return None };
    let socket = facts.clients.socket(&path)?;
    at_socket(facts, socket, "BUILDKIT_HOST", severities!(buildkit: Error)).ok().flatten()
}

/// Under either name of `/run`; what is not known to be no mount is one.
fn is_mount(facts: &Facts, path: &str) -> bool {
    let Some(mounts) = facts.mounts.known() else { return true };
    let names = [path, path.strip_prefix("/var").unwrap_or(path)];
    names.iter().any(|name| mounts.at(name).is_some())
}

fn at_socket(
    facts: &Facts,
    socket: &EngineSocket,
    configured_by: &str,
    severity: Severities,
) -> Result<Option<Finding>, Unknown> {
    let path = socket.path.as_str();
    if socket.kind.why() == Some(Why::NotFound) {
        // A daemon that is started here may yet make it.
        return Ok(None);
    }
    let finding = |summary: String| {
        Finding::new(path, severity, summary)
            .evidence(configured_by, format!("unix://{path}"))
            .evidence(format!("stat: {path}"), socket.permissions.as_str())
    };
    match socket.kind.get()? {
        SocketKind::Socket => {}
        SocketKind::Directory => {
            let found = finding(format!("{path} is a directory, where a socket should be"));
            if !is_mount(facts, path) {
                return Ok(Some(found.remedy(Remedy::tasks(
                    Place::Here,
                    "remove it before dockerd starts: it is no mount, and dockerd makes its socket there",
                    [Task::RemoveDirectory(path.into())],
                ))));
            }
            return Ok(Some(found.remedy(Remedy::advice(
                Place::Container,
                "Docker makes a directory where the source of a bind mount does not exist: start the daemon \
                 outside first, or do not mount its socket",
            ))));
        }
        SocketKind::Other => {
            return Ok(Some(finding(format!("{path} is no socket")).remedy(Remedy::advice(
                Place::Here,
                "name the socket of a daemon, or remove the file before the daemon starts",
            ))));
        }
    }
    if *socket.usable.get()? {
        return Ok(None);
    }
    let gid = *socket.gid.get()?;
    let found = finding(format!("this user may not connect to {path} ({})", socket.permissions));
    if let Some(denied) =
        selinux_denials::denied_socket(facts).filter(|denied| denied.subject == path)
    {
        let found = found.caused_by("selinux-denials");
        return Ok(Some(denied.remedies.into_iter().fold(found, Finding::remedy)));
    }
    Ok(Some(if gid == 0 {
        found.remedy(Remedy::commands(
            Place::Runtime,
            "the socket belongs to root's group: have dockerd give it to a group that the user is in",
            ["dockerd --group=docker"],
        ))
    } else if facts.runtime.container.is_no() {
        found.remedy(Remedy::commands(
            Place::Host,
            format!("put this user into the socket's group, {gid}, and log in again"),
            [format!(
                "usermod -aG \"$(getent group {gid} | cut -d : -f 1)\" {}",
                facts
                    .subids
                    .user
                    .known()
                    .and_then(Option::as_ref)
                    .map_or_else(|| "\"$(id -un)\"".into(), |user| quote(user))
            )],
        ))
    } else {
        found.remedy(Remedy::container(
            format!("start the container with the socket's group, {gid}"),
            [ContainerSetting::Group(gid)],
        ))
    }))
}

fn not_asked(endpoint: &Endpoint) -> Unknown {
    let url = endpoint.url();
    let command = match &endpoint.address {
        Address::Other(_) => "docker version".into(),
        _ => format!("docker --host {} version", quote(&url)),
    };
    Unknown::new(format!("connect: {url}"), Why::NotProbed).with_remedy(Remedy::commands(
        Place::Here,
        "whether a daemon answers there is known only by asking it",
        [command],
    ))
}

#[cfg(test)]
mod tests;
