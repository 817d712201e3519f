//! The keys of daemon.json.

use alloc::{format, string::String, vec::Vec};

use serde_json::{Map, Value};

use crate::version::Version;

/// What dockerd wants as a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Switch,
    Number,
    Text,
    List,
    /// Of strings.
    Strings,
    Object,
    /// Its name is known, being that of an option; as a key it does nothing, or takes several types.
    Any,
}

use Kind::{Any, List, Number, Object, Strings, Switch, Text};

/// What is wrong with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// No release knows it.
    Unknown,
    /// Known from this release on, and this one is older.
    Since(&'static str),
    /// Known up to this release, and this one is newer.
    Until(&'static str),
    /// Its value is not of this type.
    Type(&'static str),
}

impl Fault {
    pub(super) fn words(&self) -> String {
        match self {
            Self::Unknown => "which dockerd does not know: it does not start".into(),
            Self::Since(release) => {
                format!("which dockerd knows from Docker {release} on: this one does not start")
            }
            Self::Until(release) => {
                format!("which dockerd knew up to Docker {release}: this one does not start")
            }
            Self::Type(wanted) => format!("which is to be {wanted}: dockerd does not start"),
        }
    }
}

/// Keys of all releases since 19.03, by moby's options and the tags of its configuration.
const KEYS: &[(Kind, &[&str])] = &[
    (
        Switch,
        &[
            "allow-direct-routing",
            "cri-containerd",
            "debug",
            "experimental",
            "icc",
            "init",
            "ip-forward",
            "ip-forward-no-drop",
            "ip-masq",
            "ip6tables",
            "iptables",
            "ipv6",
            "live-restore",
            "no-new-privileges",
            "raw-logs",
            "selinux-enabled",
            "tls",
            "tlsverify",
            "userland-proxy",
        ],
    ),
    (
        Number,
        &[
            "cpu-rt-period",
            "cpu-rt-runtime",
            "default-stop-timeout",
            "max-concurrent-downloads",
            "max-concurrent-uploads",
            "max-download-attempts",
            "mtu",
            "network-control-plane-mtu",
            "network-diagnostic-port",
            "oom-score-adjust",
            "shutdown-timeout",
        ],
    ),
    (
        Text,
        &[
            "bip",
            "bip6",
            "bridge",
            "bridge-accept-fwmark",
            "cgroup-parent",
            "containerd",
            "containerd-namespace",
            "data-root",
            "default-cgroupns-mode",
            "default-gateway",
            "default-gateway-v6",
            "default-ipc-mode",
            "default-runtime",
            "exec-root",
            "firewall-backend",
            "fixed-cidr",
            "fixed-cidr-v6",
            "graph",
            "group",
            "host-gateway-ip",
            "init-path",
            "ip",
            "log-driver",
            "log-format",
            "log-level",
            "metrics-addr",
            "min-api-version",
            "pidfile",
            "seccomp-profile",
            "storage-driver",
            "swarm-default-advertise-addr",
            "tlscacert",
            "tlscert",
            "tlskey",
            "userland-proxy-path",
            "userns-remap",
        ],
    ),
    (
        List,
        &[
            "allow-nondistributable-artifacts",
            "authorization-plugins",
            "cdi-spec-dirs",
            "default-address-pools",
            "dns",
            "dns-opts",
            "dns-search",
            "exec-opts",
            "host-gateway-ips",
            "hosts",
            "insecure-registries",
            "labels",
            "node-generic-resources",
            "registry-mirrors",
            "storage-opts",
        ],
    ),
    (Strings, &["log-opts"]),
    (Object, &["builder", "default-network-opts", "default-ulimits", "features", "runtimes"]),
    (
        Any,
        &[
            "add-runtime",
            "api-cors-header",
            "authorization-plugin",
            "cdi-spec-dir",
            "cluster-advertise",
            "cluster-store",
            "cluster-store-opt",
            "cluster-store-opts",
            "config-file",
            "containerd-plugins-namespace",
            "default-address-pool",
            "default-network-opt",
            "default-shm-size",
            "default-ulimit",
            "deprecated-key-path",
            "dns-opt",
            "exec-opt",
            "feature",
            "help",
            "host",
            "http-proxy",
            "https-proxy",
            "identity",
            "insecure-registry",
            "label",
            "log-opt",
            "no-proxy",
            "node-generic-resource",
            "nri-opts",
            "registry-mirror",
            "restart",
            "rootless",
            "storage-opt",
            "validate",
            "version",
        ],
    ),
];

/// Keys that came later than 19.03: since which major and minor release.
const SINCE: &[(&str, (u32, u32), &str)] = &[
    ("allow-direct-routing", (28, 0), "28"),
    ("bip6", (28, 0), "28"),
    ("bridge-accept-fwmark", (28, 5), "29"),
    ("cdi-spec-dirs", (25, 0), "25"),
    ("default-cgroupns-mode", (20, 10), "20.10"),
    ("default-network-opts", (24, 0), "24"),
    ("default-stop-timeout", (29, 0), "29"),
    ("firewall-backend", (29, 0), "29"),
    ("host-gateway-ip", (20, 10), "20.10"),
    ("host-gateway-ips", (28, 0), "28"),
    ("http-proxy", (23, 0), "23"),
    ("https-proxy", (23, 0), "23"),
    ("ip-forward-no-drop", (28, 0), "28"),
    ("ip6tables", (20, 10), "20.10"),
    ("log-format", (25, 0), "25"),
    ("max-download-attempts", (20, 10), "20.10"),
    ("min-api-version", (29, 0), "29"),
    ("no-proxy", (23, 0), "23"),
    ("nri-opts", (29, 0), "29"),
];

/// Keys that went: the last release that has them.
const UNTIL: &[(&str, u32)] = &[
    ("cluster-advertise", 23),
    ("cluster-store", 23),
    ("cluster-store-opts", 23),
    ("graph", 23),
    ("oom-score-adjust", 25),
];

/// Objects that are values; what is in others counts as if it stood outside.
const WHOLE: [&str; 8] = [
    "builder",
    "cluster-store-opts",
    "default-network-opts",
    "default-ulimits",
    "features",
    "log-opts",
    "nri-opts",
    "runtimes",
];

/// The keys as dockerd sees them.
pub(super) fn flat(keys: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    keys.iter().flat_map(|(key, value)| match value.as_object() {
        Some(inner) if !WHOLE.contains(&key.as_str()) => {
            inner.iter().map(|(key, value)| (key.as_str(), value)).collect::<Vec<_>>()
        }
        _ => [(key.as_str(), value)].into(),
    })
}

fn kind(key: &str) -> Option<Kind> {
    KEYS.iter().find(|(_, names)| names.contains(&key)).map(|(kind, _)| *kind)
}

/// What is wrong with this key for this release, if that is known.
pub(super) fn fault(key: &str, value: &Value, docker: Option<Version>) -> Option<Fault> {
    let Some(kind) = kind(key) else { return Some(Fault::Unknown) };
    if let Some(docker) = docker {
        let since = SINCE.iter().find(|(name, ..)| *name == key);
        if let Some((.., release)) = since.filter(|(_, (a, b), _)| !docker.at_least(*a, *b)) {
            return Some(Fault::Since(release));
        }
        let until = UNTIL.iter().find(|(name, _)| *name == key);
        if let Some((_, last)) = until.filter(|(_, last)| docker.major > *last) {
            return Some(Fault::Until(if *last == 23 { "23" } else { "25" }));
        }
    }
    wanted(kind, value).map(Fault::Type)
}

/// What the value should have been; Go takes null for anything.
fn wanted(kind: Kind, value: &Value) -> Option<&'static str> {
    let (fits, wanted) = match kind {
        Switch => (value.is_boolean(), "true or false, without quotes"),
        Number => (value.is_i64() || value.is_u64(), "a number, without quotes"),
        Text => (value.is_string(), "a string"),
        List => (value.is_array(), "a list, in [ ]"),
        Strings => {
            let strings = value.as_object().is_some_and(|all| all.values().all(Value::is_string));
            (strings, "an object of strings: numbers and switches in quotes")
        }
        Object => (value.is_object(), "an object, in { }"),
        Any => (true, ""),
    };
    (!fits && !value.is_null()).then_some(wanted)
}

/// The key that was meant, where it differs by dashes, capitals or the plural only.
pub(super) fn meant(key: &str) -> Option<&'static str> {
    let plain = |name: &str| {
        let letters: String = name
            .chars()
            .filter(|c| !matches!(c, '-' | '_'))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let singular = letters.strip_suffix("ies").map(|stem| format!("{stem}y"));
        singular.unwrap_or_else(|| letters.trim_end_matches('s').into())
    };
    let own = plain(key);
    let all = KEYS.iter().filter(|(kind, _)| *kind != Any).flat_map(|(_, names)| *names);
    all.copied().find(|name| *name != key && plain(name) == own)
}
