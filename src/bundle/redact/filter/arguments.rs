//! Arguments of processes.

use super::{Kind, Pseudonyms, resolver::endpoint};
use crate::bundle::redact::names::{is_program, listed};

/// Programs whose flags are judged.
const ENGINES: &str = "\
    dockerd docker containerd buildkitd podman kubelet crio nerdctl k3s k3s-server k3s-agent rke2 \
    k0s rootlesskit rootlesskit-docker-proxy dockerd-rootless.sh dockerd-entrypoint.sh dind \
    buildctl-daemonless.sh kube-proxy slirp4netns docker-proxy containerd-rootless.sh cri-dockerd";

/// Judged flags that take a value.
const VALUES: &str = "\
    addr address api-cors-header bip bip6 bridge cgroup-driver cgroup-manager cgroup-parent \
    cgroup-root cgroupns cluster-cidr cluster-dns config config-file conntrack-max-per-core \
    conntrack-min container-runtime-endpoint containerd containerd-worker \
    containerd-worker-snapshotter copy-up data-dir data-root default-address-pool \
    default-cgroupns-mode default-gateway default-gateway-v6 default-ipc-mode default-network-opt \
    default-runtime default-shm-size default-ulimit disable dns dns-opt enforce-node-allocatable \
    exec-opt exec-root fail-swap-on feature feature-gates firewall-backend fixed-cidr \
    fixed-cidr-v6 flannel-backend graph group host init-path ip kubelet-arg kubelet-cgroups \
    log-level min-api-version mtu net oci-worker oci-worker-binary oci-worker-net \
    oci-worker-snapshotter pidfile port-driver propagation proxy-mode resolv-conf root root-dir \
    runtime-cgroups seccomp-profile service-cidr slirp4netns-sandbox snapshotter state state-dir \
    storage-driver storage-opt system-cgroups userns-remap";

/// Judged flags that are switches: what follows one is no value of it.
const SWITCHES: &str = "\
    allow-direct-routing cgroups-per-qos debug detach-netns disable-host-loopback evacuate-cgroup2 \
    experimental icc init ip-forward ip-forward-no-drop ip-masq ip6tables iptables ipv6 \
    live-restore no-new-privileges no-process-sandbox oci-worker-no-process-sandbox \
    oci-worker-rootless pidns protect-kernel-defaults rootless selinux-enabled tls tlsverify \
    userland-proxy";

/// Flags of one letter that take a value, of dockerd.
const SHORT: &[&str] = &["-H", "-g", "-G", "-b", "-s"];

/// Words that are kept anywhere: what images are kept alive with, and what tells a shell's script or an
/// init's child from its own flags.
const WORDS: &[&str] = &[
    "--",
    "infinity",
    "/dev/null",
    "server",
    "agent",
    "daemon",
    "--system",
    "--user",
    "--init",
    "--login",
];

/// `/proc/PID/cmdline`: the program and the flags that are judged; as many arguments as before.
pub(in super::super) fn command_line(bytes: &[u8], names: &Pseudonyms) -> Vec<u8> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(bytes);
    let (text, end) = text.strip_suffix('\0').map_or((&*text, ""), |text| (text, "\0"));
    let (program, rest) = match text.split_once('\0') {
        Some((program, rest)) => (program, Some(rest)),
        None => (text, None),
    };
    // A login shell.
    let (dash, name) = program.strip_prefix('-').map_or(("", program), |name| ("-", name));
    let mut out = dash.to_owned() + &names.program(name);
    if let Some(rest) = rest {
        let rest: Vec<&str> = rest.split('\0').collect();
        let engine = [&[name], &rest[..]].concat().into_iter().any(is_engine);
        out = out + "\0" + &arguments(&rest, engine, names).join("\0");
    }
    (out + end).into_bytes()
}

/// Flags of an engine in a variable.
pub(in super::super) fn flags(value: &str, names: &Pseudonyms) -> String {
    arguments(&value.split_whitespace().collect::<Vec<_>>(), true, names).join(" ")
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn is_engine(argument: &str) -> bool {
    listed(ENGINES, base_name(argument))
}

fn arguments(arguments: &[&str], engine: bool, names: &Pseudonyms) -> Vec<String> {
    let mut value_of = None;
    let mut out = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let is_flag = argument.starts_with('-');
        if let Some(flag) = value_of.take().filter(|_| !is_flag) {
            out.push(value(flag, argument, names));
            continue;
        }
        let name = argument.split('=').next().unwrap_or_default();
        let long = name.strip_prefix("--").unwrap_or_default();
        let takes_value = listed(VALUES, long) || SHORT.contains(&name);
        if engine && (takes_value || listed(SWITCHES, long)) {
            if let Some(given) = argument.get(name.len() + 1..) {
                out.push(format!("{name}={}", value(name, given, names)));
            } else {
                value_of = takes_value.then_some(name);
                out.push(name.to_owned());
            }
        } else {
            out.push(other(argument, is_flag, names));
        }
    }
    out
}

fn value(flag: &str, value: &str, names: &Pseudonyms) -> String {
    match flag {
        "-H" | "--host" | "--addr" | "--address" => endpoint(value, names),
        _ => names.text(value),
    }
}

/// An argument that is no judged flag. A placeholder begins with a dash where the argument did: what
/// stands before it must not take it for its value.
fn other(argument: &str, is_flag: bool, names: &Pseudonyms) -> String {
    let short =
        is_flag && argument.len() <= 3 && argument.bytes().skip(1).all(|b| b.is_ascii_alphabetic());
    if argument.is_empty() || short || WORDS.contains(&argument) {
        return argument.to_owned();
    }
    if is_program(base_name(argument)) {
        return names.program(argument);
    }
    let placeholder = if is_flag { "--redacted" } else { "redacted" };
    if argument != placeholder {
        names.dropped(Kind::Argument);
    }
    placeholder.to_owned()
}
