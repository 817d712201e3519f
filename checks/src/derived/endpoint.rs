//! The engine that Docker's clients reach, by the rules of docker/cli.

use alloc::{borrow::ToOwned, format, string::String};

use crate::{
    facts::{EngineSocket, Facts, SocketKind},
    outcome::Unknown,
};

/// Where dockerd listens and clients look unless they are told otherwise.
pub(crate) const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// What a URL of an endpoint means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// `unix:///path`.
    Unix(String),
    /// `tcp://host:port`, `http://…`, `https://…`.
    Tcp {
        /// Host name or address, without brackets.
        host: String,
        /// Port; 2375, or 2376 with TLS, if it is not written.
        port: Option<u16>,
    },
    /// `ssh://…` and what else a client may know.
    Other(String),
}

/// The endpoint in use and what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Where it is.
    pub address: Address,
    /// `DOCKER_HOST`, `docker context x`, or `default`.
    pub configured_by: String,
}

impl Endpoint {
    /// Whether the user configured it.
    pub(crate) fn is_default(&self) -> bool {
        self.configured_by == "default"
    }

    /// Whether it is a port of another machine or container.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(&self.address, Address::Tcp { host, .. } if !is_loopback(host))
    }

    /// As a URL, without a user's name or password.
    pub(crate) fn url(&self) -> String {
        match &self.address {
            Address::Unix(path) => format!("unix://{path}"),
            Address::Tcp { host, port } => {
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                if host.contains(':') {
                    format!("tcp://[{host}]{port}")
                } else {
                    format!("tcp://{host}{port}")
                }
            }
            Address::Other(scheme) => format!("{scheme}://…"),
        }
    }
}

/// `DOCKER_HOST` wins over any context; set but empty it counts as unset. `Err` if the context's own
/// endpoint is not known.
pub(crate) fn effective(facts: &Facts) -> Result<Endpoint, Unknown> {
    facts.runtime.variables.get()?;
    if let Some(host) = facts.runtime.variable("DOCKER_HOST").filter(|host| !host.is_empty()) {
        return Ok(Endpoint { address: parse(host), configured_by: "DOCKER_HOST".to_owned() });
    }
    if let Some(context) = facts.clients.context.get()? {
        let address = parse(context.host.get()?);
        return Ok(Endpoint { address, configured_by: format!("docker context {}", context.name) });
    }
    let address = Address::Unix(DEFAULT_SOCKET.to_owned());
    Ok(Endpoint { address, configured_by: "default".to_owned() })
}

/// The socket that the endpoint is, if it is one.
pub(crate) fn socket<'a>(facts: &'a Facts, endpoint: &Endpoint) -> Option<&'a EngineSocket> {
    match &endpoint.address {
        Address::Unix(path) => facts.clients.socket(path),
        _ => None,
    }
}

/// Whether the socket was bound into this container, or is in a directory that was: the daemon has another mount namespace.
pub(crate) fn is_from_elsewhere(facts: &Facts, socket: &EngineSocket) -> bool {
    !facts.runtime.container.is_no()
        && (socket.is_mount_point || is_in_volume(socket))
        && facts.engines.here("dockerd").next().is_none()
}

/// Whether the socket's own directory is a volume, as pods share one between a daemon and its clients. A tmpfs at `/run` is
/// no more than a container's own.
fn is_in_volume(socket: &EngineSocket) -> bool {
    let there = socket.kind.is_known_and(|kind| *kind == SocketKind::Socket);
    let Some(mount) = socket.mount.as_ref().filter(|_| there) else { return false };
    let of_run = |path: &str| path.strip_prefix("/var").unwrap_or(path).to_owned();
    let directory = socket.path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let usual = matches!(directory, "/run" | "/var/run" | "/tmp") && mount.fstype == "tmpfs";
    !directory.is_empty() && of_run(&mount.mount_point) == of_run(directory) && !usual
}

pub(crate) fn parse(url: &str) -> Address {
    // docker/cli takes an endpoint without a scheme for TCP.
    let (scheme, rest) = url.split_once("://").unwrap_or(("tcp", url));
    match scheme {
        "unix" => Address::Unix(rest.to_owned()),
        "tcp" | "http" | "https" => {
            let authority = rest.split('/').next().unwrap_or_default();
            let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            let (host, port) = match authority.strip_prefix('[').and_then(|a| a.split_once(']')) {
                Some((host, port)) => (host, port.strip_prefix(':')),
                None => match authority.split_once(':') {
                    Some((host, port)) => (host, Some(port)),
                    None => (authority, None),
                },
            };
            Address::Tcp { host: host.to_owned(), port: port.and_then(|p| p.parse().ok()) }
        }
        other => Address::Other(other.to_owned()),
    }
}

/// Whether this host is the reader's own network namespace.
pub(crate) fn is_loopback(host: &str) -> bool {
    host.is_empty()
        || host == "localhost"
        || host == "0.0.0.0"
        || host.parse().is_ok_and(|ip: core::net::IpAddr| ip.is_loopback() || ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_clients_do() {
        let tcp = |host: &str, port| Address::Tcp { host: host.to_owned(), port };
        assert_eq!(parse("tcp://docker:2375"), tcp("docker", Some(2375)));
        assert_eq!(parse("https://u:p@[::1]:6443/x"), tcp("::1", Some(6443)));
        assert_eq!(parse("docker:2376/"), tcp("docker", Some(2376)));
        assert_eq!(parse("tcp://docker:x"), tcp("docker", None));
        assert_eq!(parse("unix:///run/a.sock"), Address::Unix("/run/a.sock".to_owned()));
        assert_eq!(parse("ssh://u@h"), Address::Other("ssh".to_owned()));
        assert!(is_loopback("127.0.0.2") && is_loopback("::1") && !is_loopback("10.0.0.1"));
    }
}
