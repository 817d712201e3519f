//! What clients would talk to: Docker's context, sockets, certificates, the kubeconfig.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Fact, Mount, Text};
use crate::version::Version;

/// The Docker context that is selected, which counts where `DOCKER_HOST` is not set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DockerContext {
    /// Its name; never `default`, which is no context of its own.
    pub name: Text,
    /// What selects it: `DOCKER_CONTEXT`, or the path of `config.json`.
    pub selected_by: Text,
    /// `Endpoints.docker.Host` of its `meta.json`; not-found if there is no such context.
    pub host: Fact<Text>,
}

/// What is at the path of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SocketKind {
    /// A socket.
    Socket,
    /// A directory.
    Directory,
    /// Anything else.
    Other,
}

/// A path at which a client would look for an engine's socket, links followed. Nothing connects to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineSocket {
    /// The path as configured, or the default.
    pub path: Text,
    /// What is there; not-found if there is nothing.
    pub kind: Fact<SocketKind>,
    /// Type, permissions, owner and group, as `srw-rw---- 0:999`; empty if there is nothing.
    pub permissions: Text,
    /// Group that owns it.
    pub gid: Fact<u32>,
    /// Whether the doctor's user may connect: `faccessat2(W_OK, AT_EACCESS)`.
    pub usable: Fact<bool>,
    /// The mount that holds it, if the mount table has an answer.
    pub mount: Option<Mount>,
    /// Whether that mount ends exactly at the socket: bound in from somewhere else.
    pub is_mount_point: bool,
    /// Whether `/proc/net/unix` has a listening socket of this name. It shows those of the doctor's own
    /// network namespace: `false` says nothing about a daemon elsewhere.
    pub listening: Fact<bool>,
}

/// A directory in which a client expects `ca.pem`, `cert.pem` and `key.pem`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateDirectory {
    /// The directory.
    pub path: Text,
    /// Those that are not there; empty if all are.
    pub missing: Fact<Vec<Text>>,
    /// Whether it lies on another mount than the root filesystem, so that something else can fill it;
    /// `None` if the mount table has no answer.
    pub shared: Option<bool>,
}

/// The cluster that a client of Kubernetes talks to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kubeconfig {
    /// The file that names the server.
    pub path: Text,
    /// `current-context`.
    pub context: Text,
    /// `server` of that context's cluster, without what precedes an `@`.
    pub server: Text,
}

/// The version of the Docker command line client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DockerClient {
    /// The version.
    pub version: Version,
    /// What says so: a package of a database, or `DOCKER_VERSION`.
    pub source: Text,
}

/// What clients would talk to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Clients {
    /// The selected Docker context; `None` if it is the default one.
    pub context: Fact<Option<DockerContext>>,
    /// Every path at which a client would look for a socket, the default of dockerd first.
    pub sockets: Vec<EngineSocket>,
    /// The directory that `DOCKER_CERT_PATH` names, else Docker's configuration directory; and `client` in
    /// the one that `DOCKER_TLS_CERTDIR` names.
    pub certificates: Vec<CertificateDirectory>,
    /// The current cluster of the kubeconfig; `None` if no file names one.
    pub kubeconfig: Fact<Option<Kubeconfig>>,
    /// Whether `KUBECONFIG` names any file.
    pub kubeconfig_variable: bool,
    /// Whether a service account's token is mounted.
    pub service_account: Fact<bool>,
    /// The Docker command line client; `None` if nothing says what version it is, or there is none.
    pub docker: Fact<Option<DockerClient>>,
    /// `DOCKER_API_VERSION`: the API version that clients are pinned to, empty if to none.
    pub api_version: Text,
    /// `DOCKER_MIN_API_VERSION`: the oldest API version that a dockerd started here accepts, empty if it
    /// is dockerd's own.
    pub minimum_api_version: Text,
}

impl Clients {
    /// The socket at this path.
    pub fn socket(&self, path: &str) -> Option<&EngineSocket> {
        self.sockets.iter().find(|socket| socket.path == path)
    }

    /// The directory of certificates at this path.
    pub fn certificates_in(&self, path: &str) -> Option<&CertificateDirectory> {
        self.certificates.iter().find(|directory| directory.path == path)
    }
}
