//! The allow-list of files: of which the content may be told, and how. What is in no row is refused. The
//! first row that fits counts.

use super::{filter as f, learned::Learned, pattern::matches, pseudonyms::Pseudonyms};

/// What happens to the content of a file.
#[derive(Clone, Copy)]
pub(super) enum Treatment {
    /// The kernel writes numbers and fixed words there, and nothing else.
    Keep,
    /// Pseudonyms are put in.
    Text,
    /// Pseudonyms are put where the form of the file has names.
    Rewrite(fn(&[u8], &Pseudonyms) -> Vec<u8>),
    /// What is judged is kept; nothing if it does not have the form that it should.
    Filter(fn(&[u8], &Pseudonyms) -> Option<Vec<u8>>),
}

use Treatment::{Filter, Keep, Rewrite, Text};

const FILES: &[(&str, Treatment)] = &[
    // Processes.
    ("/proc/*/auxv", Filter(f::privileged)),
    ("/proc/*/status", Filter(f::status)),
    ("/proc/*/stat", Filter(f::stat)),
    ("/proc/*/comm", Rewrite(f::comm)),
    ("/proc/*/cmdline", Rewrite(f::command_line)),
    ("/proc/*/cgroup", Rewrite(f::cgroup)),
    ("/proc/*/mountinfo", Rewrite(f::mountinfo)),
    ("/proc/*/uid_map", Keep),
    ("/proc/*/gid_map", Keep),
    ("/proc/*/setgroups", Keep),
    ("/proc/*/limits", Keep),
    ("/proc/*/wchan", Keep),
    ("/proc/*/syscall", Keep),
    ("/proc/*/oom_score_adj", Keep),
    ("/proc/*/timens_offsets", Keep),
    // Labels name profiles, and a profile can be called after a container.
    ("/proc/*/attr/**", Text),
    // The kernel. Its command line and its builder tell more than is judged.
    ("/proc/cmdline", Filter(f::kernel_parameters)),
    ("/proc/version", Filter(f::kernel_version)),
    ("/proc/cpuinfo", Filter(f::processors)),
    ("/proc/config.gz", Filter(f::compressed_config)),
    ("/boot/config-*", Filter(f::config)),
    ("/lib/modules/*/config", Filter(f::config)),
    ("/usr/lib/modules/*/config", Filter(f::config)),
    ("/lib/modules/*/modules.builtin", Keep),
    ("/usr/lib/modules/*/modules.builtin", Keep),
    ("/proc/cgroups", Keep),
    ("/proc/filesystems", Keep),
    ("/proc/key-users", Keep),
    ("/proc/loadavg", Keep),
    ("/proc/meminfo", Keep),
    ("/proc/modules", Keep),
    ("/proc/pressure/*", Keep),
    ("/proc/swaps", Text),
    ("/proc/uptime", Keep),
    ("/sys/hypervisor/type", Keep),
    ("/sys/kernel/mm/transparent_hugepage/*", Keep),
    ("/sys/kernel/security/lsm", Keep),
    ("/sys/fs/selinux/enforce", Keep),
    ("/sys/module/*/initstate", Keep),
    ("/sys/module/*/parameters/*", Filter(f::numbers)),
    ("/sys/class/dmi/id/*_vendor", Text),
    ("/sys/class/dmi/id/product_name", Text),
    ("/sys/devices/virtual/dmi/id/*_vendor", Text),
    ("/sys/devices/virtual/dmi/id/product_name", Text),
    ("/proc/device-tree/model", Text),
    // Settings of the kernel are numbers; those that are words are named, the keys among them are not.
    ("/proc/sys/kernel/hostname", Filter(f::host_name)),
    ("/proc/sys/kernel/osrelease", Keep),
    ("/proc/sys/kernel/ostype", Keep),
    ("/proc/sys/kernel/version", Filter(f::kernel_version)),
    ("/proc/sys/kernel/seccomp/actions_avail", Keep),
    ("/proc/sys/net/core/default_qdisc", Keep),
    ("/proc/sys/net/ipv4/tcp_congestion_control", Keep),
    ("/proc/sys/**", Filter(f::numbers)),
    // cgroups, wherever they are mounted.
    ("**/cgroup.*", Filter(f::cgroup_file)),
    ("/sys/fs/cgroup/**/cpu.*", Keep),
    ("/sys/fs/cgroup/**/cpuacct.*", Keep),
    ("/sys/fs/cgroup/**/cpuset.*", Keep),
    ("/sys/fs/cgroup/**/devices.*", Keep),
    ("/sys/fs/cgroup/**/freezer.*", Keep),
    ("/sys/fs/cgroup/**/hugetlb.*", Keep),
    ("/sys/fs/cgroup/**/io.*", Keep),
    ("/sys/fs/cgroup/**/memory.*", Keep),
    ("/sys/fs/cgroup/**/notify_on_release", Keep),
    ("/sys/fs/cgroup/**/pids.*", Keep),
    ("/sys/fs/cgroup/**/tasks", Filter(f::cgroup_file)),
    ("/sys/kernel/cgroup/**", Keep),
    // Network.
    ("/proc/net/route", Filter(f::route)),
    ("/proc/net/ipv6_route", Filter(f::ipv6_route)),
    ("/proc/net/if_inet6", Filter(f::if_inet6)),
    ("/proc/net/dev", Filter(f::device_counters)),
    ("/proc/net/unix", Filter(f::engine_sockets)),
    ("/proc/net/ip_tables_*", Keep),
    ("/proc/net/ip6_tables_*", Keep),
    ("/proc/net/arp_tables_*", Keep),
    ("/sys/class/net/*/carrier", Filter(f::numbers)),
    ("/sys/class/net/*/flags", Keep),
    ("/sys/class/net/*/ifindex", Filter(f::numbers)),
    ("/sys/class/net/*/iflink", Filter(f::numbers)),
    ("/sys/class/net/*/mtu", Filter(f::numbers)),
    ("/sys/class/net/*/operstate", Keep),
    ("/sys/class/net/*/tun_flags", Keep),
    ("/sys/class/net/*/type", Filter(f::numbers)),
    ("/sys/class/net/*/uevent", Filter(f::device_type)),
    ("/etc/hostname", Filter(f::host_name)),
    ("/etc/resolv.conf", Filter(f::resolver)),
    ("/run/systemd/resolve/resolv.conf", Filter(f::resolver)),
    // Configuration and versions.
    ("**/docker/daemon.json", Filter(f::daemon_json)),
    ("**/containers/containers.conf", Filter(f::containers_conf)),
    ("/etc/passwd", Filter(f::accounts)),
    ("/etc/nsswitch.conf", Filter(f::subordinate_id_source)),
    ("/etc/login.defs", Filter(f::login_defs)),
    ("/etc/init.d/docker", Filter(f::ulimits)),
    ("/etc/sysctl.conf", Filter(f::forwarding)),
    ("**/sysctl.d/*", Filter(f::forwarding)),
    ("/etc/subuid", Filter(f::subordinate_ids)),
    ("/etc/subgid", Filter(f::subordinate_ids)),
    ("/etc/os-release", Filter(f::os_release)),
    ("/usr/lib/os-release", Filter(f::os_release)),
    ("/etc/alpine-release", Text),
    ("/etc/debian_version", Text),
    ("/kind/version", Text),
    ("/run/.containerenv", Filter(f::containerenv)),
    ("/run/systemd/container", Text),
    ("/run/host/container-manager", Text),
    ("/run/**/*.pid", Filter(f::numbers)),
    ("/var/run/**/*.pid", Filter(f::numbers)),
];

/// Databases of packages.
const DATABASES: &[&str] = &[
    "/var/lib/dpkg/status",
    "/var/lib/dpkg/status.d/*",
    "/lib/apk/db/installed",
    "/usr/lib/apk/db/installed",
    "/usr/lib/sysimage/rpm/*",
    "/var/lib/rpm/*",
];

/// How the content of a file is treated.
pub(super) fn content(path: &str, learned: &Learned) -> Option<Treatment> {
    if learned.is_daemon_json(path) {
        return Some(Filter(f::daemon_json));
    }
    FILES.iter().find(|(pattern, _)| matches(pattern, path)).map(|(_, treatment)| *treatment)
}

/// Whether paragraphs of this file are records of packages.
pub(super) fn is_database(path: &str) -> bool {
    DATABASES.iter().any(|pattern| matches(pattern, path))
}
