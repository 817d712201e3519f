//! What clients would talk to. Sockets are looked at here, never connected to: that could start a daemon.

mod configuration;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use dind_doctor_checks::facts::{
    CertificateDirectory, Clients, EngineSocket, Fact, Missing, MountTable, SocketKind, Text, Why,
};

use super::{
    Reader,
    version::{self, packages::Packages},
};
use crate::source::{Access, Stat, path::encode};

/// Variables that say where clients look; their values are paths, endpoints and versions.
const VARIABLES: [&str; 13] = [
    "BUILDKIT_HOST",
    "DOCKER_API_VERSION",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_MIN_API_VERSION",
    "DOCKER_TLS_CERTDIR",
    "DOCKER_TLS_VERIFY",
    "HOME",
    "KUBECONFIG",
    "KUBERNETES_SERVICE_HOST",
    "XDG_RUNTIME_DIR",
];

/// Where dockerd listens unless it is told otherwise.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Set variables that are not empty; an empty `DOCKER_HOST` is none.
pub(super) struct Variables(BTreeMap<String, String>);

impl Variables {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn directory(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| value.starts_with('/')).map(|v| v.trim_end_matches('/'))
    }

    fn text(&self, name: &str) -> Text {
        self.get(name).unwrap_or_default().into()
    }

    fn home(&self) -> &str {
        self.directory("HOME").unwrap_or("/root")
    }
}

pub(super) fn probe(reader: &Reader, mounts: &Fact<MountTable>, packages: &Packages) -> Clients {
    let variables = Variables(reader.variables(None, &VARIABLES).unwrap_or_default());
    let context = configuration::context(reader, &variables);
    let host = match &context {
        Fact::Known(Some(context)) => context.host.known().map(Text::as_str),
        _ => None,
    };
    let sockets = sockets(reader, mounts, &variables, host);
    Clients {
        sockets,
        certificates: certificates(reader, mounts, &variables),
        kubeconfig: configuration::kubeconfig(reader, &variables),
        kubeconfig_variable: variables.get("KUBECONFIG").is_some(),
        service_account: exists(reader, TOKEN),
        docker: version::docker_client(reader, packages),
        api_version: variables.text("DOCKER_API_VERSION"),
        minimum_api_version: variables.text("DOCKER_MIN_API_VERSION"),
        context,
    }
}

fn exists(reader: &Reader, path: &str) -> Fact<bool> {
    match reader.stat(path) {
        Ok(_) => Fact::Known(true),
        Err(Missing { why: Why::NotFound, .. }) => Fact::Known(false),
        Err(missing) => Fact::Missing(missing),
    }
}

fn sockets(
    reader: &Reader,
    mounts: &Fact<MountTable>,
    variables: &Variables,
    context: Option<&str>,
) -> Vec<EngineSocket> {
    let unix = |endpoint: &str| endpoint.strip_prefix("unix://").map(str::to_owned);
    let rootless = variables.directory("XDG_RUNTIME_DIR").map(|d| format!("{d}/docker.sock"));
    let candidates = [
        Some(DEFAULT_SOCKET.to_owned()),
        variables.get("DOCKER_HOST").and_then(unix),
        context.and_then(unix),
        rootless,
        variables.get("BUILDKIT_HOST").and_then(unix),
    ];
    let listening = listening(reader);
    let mut sockets: Vec<EngineSocket> = Vec::new();
    for path in candidates.into_iter().flatten().filter(|path| path.starts_with('/')) {
        if !sockets.iter().any(|socket| socket.path == path.as_str()) {
            sockets.push(socket(reader, mounts, path, &listening));
        }
    }
    sockets
}

fn socket(
    reader: &Reader,
    mounts: &Fact<MountTable>,
    path: String,
    listening: &Fact<Vec<Text>>,
) -> EngineSocket {
    let asked = encode(path.as_bytes());
    let stat = reader.stat(&asked);
    let resolved = reader.resolve(&asked).unwrap_or_else(|_| path.clone());
    let mount = mounts.known().and_then(|table| table.holding(&resolved)).cloned();
    let same = |name: &Text| {
        let run = |name: &str| name.strip_prefix("/var/run/").map(|rest| format!("/run/{rest}"));
        let plain = |name: &str| run(name).unwrap_or_else(|| name.to_owned());
        plain(name) == plain(&path) || *name == resolved.as_str()
    };
    EngineSocket {
        kind: stat.as_ref().map(kind).map_err(Clone::clone).into(),
        permissions: stat.as_ref().map(permissions).unwrap_or_default().into(),
        gid: stat.as_ref().map(|stat| stat.gid).map_err(Clone::clone).into(),
        usable: match &stat {
            Ok(_) => reader.access(&asked, Access::Write),
            Err(missing) => Fact::Missing(missing.clone()),
        },
        is_mount_point: mount.as_ref().is_some_and(|m| m.mount_point == resolved.as_str()),
        mount,
        listening: listening.as_ref().map(|names| names.iter().any(same)),
        path: path.into(),
    }
}

fn kind(stat: &Stat) -> SocketKind {
    match stat.mode & 0o170_000 {
        0o140_000 => SocketKind::Socket,
        0o040_000 => SocketKind::Directory,
        _ => SocketKind::Other,
    }
}

fn permissions(stat: &Stat) -> String {
    let kind = match kind(stat) {
        SocketKind::Socket => 's',
        SocketKind::Directory => 'd',
        SocketKind::Other => '-',
    };
    let mut text = String::from(kind);
    for bit in (0..9).rev() {
        let letter = ['x', 'w', 'r'][bit % 3];
        text.push(if stat.mode & (1 << bit) == 0 { '-' } else { letter });
    }
    format!("{text} {}:{}", stat.uid, stat.gid)
}

/// Names of listening sockets: columns `Num RefCount Protocol Flags Type St Inode Path`, and the flag
/// `__SO_ACCEPTCON` (`net/unix/af_unix.c`).
fn listening(reader: &Reader) -> Fact<Vec<Text>> {
    const ACCEPTS: u32 = 1 << 16;
    let parse = |bytes: Vec<u8>| {
        let lines = bytes.split(|b| *b == b'\n').map(Text::from_bytes).filter_map(|line| {
            let mut columns = line.split_ascii_whitespace();
            let flags = u32::from_str_radix(columns.nth(3)?, 16).ok()?;
            let name = columns.nth(3)?;
            // A name can hold spaces: it is the rest of the line.
            let at = name.as_ptr().addr() - line.as_str().as_ptr().addr();
            let name = line.get(at..).filter(|name| name.starts_with('/'))?;
            (flags & ACCEPTS != 0).then(|| Text::from(name))
        });
        lines.collect()
    };
    reader.bytes("/proc/net/unix").map(parse).into()
}

fn certificates(
    reader: &Reader,
    mounts: &Fact<MountTable>,
    variables: &Variables,
) -> Vec<CertificateDirectory> {
    let configured = variables
        .directory("DOCKER_CERT_PATH")
        .or_else(|| variables.directory("DOCKER_CONFIG"))
        .map_or_else(|| format!("{}/.docker", variables.home()), str::to_owned);
    let generated = variables.directory("DOCKER_TLS_CERTDIR").map(|d| format!("{d}/client"));
    let mut directories = vec![configured];
    directories.extend(generated.filter(|path| *path != directories[0]));
    // Only a client that is told to use TLS, or could be, looks for them.
    if variables.get("DOCKER_HOST").is_none() {
        return Vec::new();
    }
    directories.into_iter().map(|path| certificate_directory(reader, mounts, path)).collect()
}

fn certificate_directory(
    reader: &Reader,
    mounts: &Fact<MountTable>,
    path: String,
) -> CertificateDirectory {
    let mut missing = Fact::Known(Vec::new());
    for name in ["ca.pem", "cert.pem", "key.pem"] {
        match (exists(reader, &encode(format!("{path}/{name}").as_bytes())), &mut missing) {
            (Fact::Known(false), Fact::Known(names)) => names.push(name.into()),
            (Fact::Missing(why), missing) => *missing = Fact::Missing(why),
            _ => {}
        }
    }
    let mount = mounts.known().and_then(|table| table.holding(&path));
    CertificateDirectory {
        shared: mount.map(|mount| mount.mount_point != "/"),
        path: path.into(),
        missing,
    }
}
