//! Environment variables. Whether one is set, and whether it is empty, is always told.

use super::{Kind, filter, pseudonyms::Pseudonyms};

#[derive(Clone, Copy)]
enum Value {
    /// A switch, a version, a name out of a few.
    Keep,
    /// Pseudonyms are put in.
    Text,
    /// One address or host, perhaps a URL.
    Endpoint,
    /// Hosts, domains and networks, separated by commas.
    Hosts,
    /// The name of this machine.
    Host,
    /// A user.
    User,
    /// Arguments of an engine.
    Arguments,
}

use Value::{Arguments, Endpoint, Host, Hosts, Keep, Text, User};

/// Variables whose values are judged.
const VARIABLES: &[(&str, Value)] = &[
    ("ACTIONS_RUNNER_CONTAINER_HOOKS", Text),
    ("BUILDKITD_FLAGS", Arguments),
    ("BUILDKIT_HOST", Endpoint),
    ("CI", Keep),
    ("CODESPACES", Keep),
    ("CONTAINER_HOST", Endpoint),
    ("DEVCONTAINER", Keep),
    ("DIND", Keep),
    ("DOCKERD_ROOTLESS_ROOTLESSKIT_DETACH_NETNS", Keep),
    ("DOCKERD_ROOTLESS_ROOTLESSKIT_MTU", Keep),
    ("DOCKERD_ROOTLESS_ROOTLESSKIT_NET", Keep),
    ("DOCKERD_ROOTLESS_ROOTLESSKIT_PORT_DRIVER", Keep),
    ("DOCKERD_ROOTLESS_ROOTLESSKIT_SLIRP4NETNS_SANDBOX", Keep),
    ("DOCKER_API_VERSION", Keep),
    ("DOCKER_BUILDKIT", Keep),
    ("DOCKER_BUILDX_VERSION", Keep),
    ("DOCKER_CERT_PATH", Text),
    ("DOCKER_CONFIG", Text),
    ("DOCKER_DRIVER", Keep),
    ("DOCKER_HOST", Endpoint),
    ("DOCKER_IGNORE_BR_NETFILTER_ERROR", Keep),
    ("DOCKER_INSECURE_NO_IPTABLES_RAW", Keep),
    ("DOCKER_IPTABLES_LEGACY", Keep),
    ("DOCKER_MIN_API_VERSION", Keep),
    ("DOCKER_RAMDISK", Keep),
    ("DOCKER_TLS_CERTDIR", Text),
    ("DOCKER_TLS_VERIFY", Keep),
    ("DOCKER_VERSION", Keep),
    ("FF_NETWORK_PER_BUILD", Keep),
    ("GITHUB_ACTIONS", Keep),
    ("GITLAB_CI", Keep),
    ("HOME", Text),
    ("HOSTNAME", Host),
    ("HTTPS_PROXY", Endpoint),
    ("HTTP_PROXY", Endpoint),
    ("KIND_EXPERIMENTAL_CONTAINERD_SNAPSHOTTER", Keep),
    ("KIND_EXPERIMENTAL_PROVIDER", Keep),
    ("KUBECONFIG", Text),
    ("KUBERNETES_SERVICE_HOST", Endpoint),
    ("KUBERNETES_SERVICE_PORT", Keep),
    ("KUBERNETES_SERVICE_PORT_HTTPS", Keep),
    ("LOGNAME", User),
    ("NO_PROXY", Hosts),
    ("PATH", Text),
    ("REMOTE_CONTAINERS", Keep),
    ("ROOTLESSKIT_PARENT_EGID", Keep),
    ("ROOTLESSKIT_PARENT_EUID", Keep),
    ("ROOTLESSKIT_STATE_DIR", Text),
    ("RUNNER_ENVIRONMENT", Keep),
    ("RUNNER_OS", Keep),
    ("TINI_SUBREAPER", Keep),
    ("USER", User),
    ("XDG_CONFIG_HOME", Text),
    ("XDG_DATA_HOME", Text),
    ("XDG_RUNTIME_DIR", Text),
    ("XTABLES_LOCKFILE", Text),
    ("_CONTAINERS_USERNS_CONFIGURED", Keep),
    ("container", Keep),
    ("http_proxy", Endpoint),
    ("https_proxy", Endpoint),
    ("no_proxy", Hosts),
];

/// Longest value that a switch or a version has.
const SWITCH: usize = 32;

/// Keeps the value if it is judged.
pub(super) fn redact(name: &str, value: String, names: &Pseudonyms) -> String {
    let row = VARIABLES.iter().find(|(known, _)| *known == name);
    if value.is_empty() { value } else { image(row.map(|(_, v)| *v), value, names) }
}

fn image(kind: Option<Value>, value: String, names: &Pseudonyms) -> String {
    match kind {
        Some(Keep) if value.len() <= SWITCH => value,
        Some(Text) => names.text(&value),
        Some(Endpoint) => filter::endpoint(&value, names),
        Some(Hosts) => filter::hosts(&value, names),
        Some(Host) => filter::own_name(&value, names),
        Some(User) => names.user(&value),
        Some(Arguments) => filter::flags(&value, names),
        Some(Keep) | None => {
            if value != "redacted" {
                names.dropped(Kind::Variable);
            }
            "redacted".to_owned()
        }
    }
}
