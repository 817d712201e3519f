//! The allow-lists of directories and links: which may be listed, and which followed. What is in no row
//! is refused. The first row that fits counts.

use super::{learned::Learned, pattern::matches};

/// What a link may point to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// A path.
    Path,
    /// A program.
    Program,
    /// A network interface.
    Interface,
    /// `pid:[4026531836]`, `socket:[1]`: nothing else is told.
    Object,
}

/// Directories that may be listed. Data roots hold directories that engines make, and ids.
const DIRECTORIES: &[&str] = &[
    "/proc",
    "/proc/*/fd",
    "/proc/*/ns",
    "/proc/*/task",
    "/proc/net",
    "/proc/sys/**",
    "/sys/class/net/**",
    "/sys/fs",
    "/sys/fs/cgroup/**",
    "/sys/kernel/security",
    "/sys/module",
    "/dev",
    "/dev/net",
    "/lib/modules",
    "/usr/lib/modules",
    "/lib/modules/*",
    "/usr/lib/modules/*",
    "/run",
    "/var/run",
    "/run/containerd",
    "/run/docker",
    "/var/lib/dpkg/status.d",
    "/var/lib/docker",
    "/var/lib/docker/*",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/containers/storage",
    "/var/lib/containers/storage/*",
    "/var/lib/buildkit",
    "/var/lib/kubelet",
    "/var/lib/rancher/**",
    "**/.local/share/docker",
    "**/.local/share/docker/*",
    "**/.local/share/containerd",
    "**/.local/share/containers/storage",
    "**/.local/share/containers/storage/*",
    "**/.local/share/buildkit",
];

const LINKS: &[(&str, Links)] = &[
    ("/proc/*/exe", Links::Program),
    ("/proc/*/ns/*", Links::Object),
    ("/proc/*/fd/*", Links::Object),
    ("/proc/self", Links::Path),
    ("/proc/*/root", Links::Path),
    ("/sys/class/net/*/master", Links::Interface),
    ("/sys/class/net/*", Links::Interface),
    ("/sys/class/net/*/brif/*", Links::Interface),
    // Tools on the PATH, and what alternatives make of them.
    ("**/iptables*", Links::Path),
    ("**/ip6tables*", Links::Path),
    ("**/xtables*", Links::Path),
    ("**/nft", Links::Path),
    ("**/fuse-overlayfs", Links::Path),
    ("**/newuidmap", Links::Path),
    ("**/newgidmap", Links::Path),
    ("**/modprobe", Links::Path),
    ("**/rootlesskit", Links::Path),
    ("**/slirp4netns", Links::Path),
    ("**/pasta", Links::Path),
    ("**/bin/docker", Links::Path),
    ("**/dockerd", Links::Path),
    ("**/containerd", Links::Path),
    ("**/runc", Links::Path),
    ("**/crun", Links::Path),
    ("**/buildkitd", Links::Path),
    ("**/podman", Links::Path),
    ("**/init", Links::Path),
    // Directories of the system and default data roots, with what leads there.
    ("/", Links::Path),
    ("/*", Links::Path),
    ("/dev/**", Links::Path),
    ("/etc/resolv.conf", Links::Path),
    ("/etc/localtime", Links::Path),
    ("/etc/mtab", Links::Path),
    ("/lib/modules/**", Links::Path),
    ("/run/**", Links::Path),
    ("/sys/**", Links::Path),
    ("/var/*", Links::Path),
    ("/var/lib/*", Links::Path),
    ("/var/run/**", Links::Path),
    ("/var/lib/docker/**", Links::Path),
    ("/var/lib/containerd/**", Links::Path),
    ("/var/lib/containers/**", Links::Path),
    ("/var/lib/buildkit/**", Links::Path),
    ("/var/lib/kubelet/**", Links::Path),
    ("/var/lib/rancher/**", Links::Path),
    ("/home/*", Links::Path),
    ("**/.local", Links::Path),
    ("**/.local/share", Links::Path),
    ("**/.local/share/docker/**", Links::Path),
    ("**/.local/share/containerd/**", Links::Path),
    ("**/.local/share/containers/**", Links::Path),
    ("**/.local/share/buildkit/**", Links::Path),
];

/// Whether the names in a directory may be told.
pub(super) fn is_listed(path: &str, learned: &Learned) -> bool {
    DIRECTORIES.iter().any(|pattern| matches(pattern, path)) || learned.is_in_root(path)
}

/// What may be told of where a path leads.
pub(super) fn link(path: &str, learned: &Learned) -> Option<Links> {
    let row = LINKS.iter().find(|(pattern, _)| matches(pattern, path)).map(|(_, links)| *links);
    row.or_else(|| learned.is_beside_root(path).then_some(Links::Path))
}
