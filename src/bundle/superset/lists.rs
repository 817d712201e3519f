//! The lists of the superset, sorted.

use dind_doctor_checks::facts::Hierarchy;

/// Files that are read.
pub(super) const FILES: &[&str] = &[
    "/etc/containerd/config.toml",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/subgid",
    "/etc/subuid",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/key-users",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/modules",
    "/proc/net/arp_tables_names",
    "/proc/net/if_inet6",
    "/proc/net/ip6_tables_names",
    "/proc/net/ip_tables_matches",
    "/proc/net/ip_tables_names",
    "/proc/net/ip_tables_targets",
    "/proc/net/route",
    "/proc/net/unix",
    "/proc/pressure/cpu",
    "/proc/pressure/io",
    "/proc/pressure/memory",
    "/proc/self/limits",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys/fs/file-max",
    "/proc/sys/fs/inotify/max_queued_events",
    "/proc/sys/fs/inotify/max_user_instances",
    "/proc/sys/fs/inotify/max_user_watches",
    "/proc/sys/fs/nr_open",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "/proc/sys/kernel/dmesg_restrict",
    "/proc/sys/kernel/keys/maxbytes",
    "/proc/sys/kernel/keys/maxkeys",
    "/proc/sys/kernel/keys/root_maxbytes",
    "/proc/sys/kernel/keys/root_maxkeys",
    "/proc/sys/kernel/modules_disabled",
    "/proc/sys/kernel/panic",
    "/proc/sys/kernel/panic_on_oops",
    "/proc/sys/kernel/pid_max",
    "/proc/sys/kernel/seccomp/actions_avail",
    "/proc/sys/kernel/threads-max",
    "/proc/sys/kernel/unprivileged_bpf_disabled",
    "/proc/sys/kernel/unprivileged_userns_clone",
    "/proc/sys/net/bridge/bridge-nf-call-ip6tables",
    "/proc/sys/net/bridge/bridge-nf-call-iptables",
    "/proc/sys/net/ipv4/conf/all/forwarding",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/net/ipv4/ip_unprivileged_port_start",
    "/proc/sys/net/ipv6/conf/all/disable_ipv6",
    "/proc/sys/net/ipv6/conf/all/forwarding",
    "/proc/sys/net/ipv6/conf/default/disable_ipv6",
    "/proc/sys/net/ipv6/conf/lo/disable_ipv6",
    "/proc/sys/net/netfilter/nf_conntrack_max",
    "/proc/sys/user/max_inotify_instances",
    "/proc/sys/user/max_inotify_watches",
    "/proc/sys/user/max_mnt_namespaces",
    "/proc/sys/user/max_user_namespaces",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/vm/panic_on_oom",
    "/proc/uptime",
    "/run/containerd/containerd.pid",
    "/run/docker.pid",
    "/run/docker/containerd/containerd.pid",
    "/run/systemd/container",
    "/run/systemd/resolve/resolv.conf",
    "/sys/class/dmi/id/product_name",
    "/sys/class/dmi/id/sys_vendor",
    "/sys/fs/selinux/enforce",
    "/sys/hypervisor/type",
    "/sys/kernel/security/apparmor/profiles",
    "/sys/module/apparmor/parameters/enabled",
    "/sys/module/overlay/parameters/permit_mounts_in_userns",
];

/// Paths whose existence, type, owner and mode tell something.
pub(super) const STAT: &[&str] = &[
    "/dev/console",
    "/dev/fuse",
    "/dev/kmsg",
    "/dev/loop-control",
    "/dev/mapper/control",
    "/dev/net/tun",
    "/dev/shm",
    "/etc/alpine-release",
    "/etc/apparmor.d",
    "/etc/debian_version",
    "/lib/modules",
    "/proc/keys",
    "/proc/sys/fs/binfmt_misc/register",
    "/run/docker.sock",
    "/run/secrets/kubernetes.io/serviceaccount/token",
    "/run/systemd/private",
    "/run/systemd/system",
    "/run/xtables.lock",
    "/sbin/apparmor_parser",
    "/sys/kernel/btf/vmlinux",
    "/sys/kernel/security/apparmor/.replace",
    "/sys/module/br_netfilter",
    "/sys/module/fuse",
    "/sys/module/ip_tables",
    "/sys/module/iptable_nat",
    "/sys/module/nf_conntrack",
    "/sys/module/nf_tables",
    "/sys/module/nft_compat",
    "/sys/module/overlay",
    "/tmp",
    "/usr/bin/fuse-overlayfs",
    "/usr/bin/newgidmap",
    "/usr/bin/newuidmap",
    "/usr/sbin/apparmor_parser",
    "/var/run/docker.sock",
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
];

/// Links whose targets tell something.
pub(super) const LINKS: &[&str] = &[
    "/etc/resolv.conf",
    "/proc/1/ns/cgroup",
    "/proc/1/ns/mnt",
    "/proc/1/ns/net",
    "/proc/1/ns/pid",
    "/proc/1/ns/user",
    "/proc/self/exe",
    "/proc/self/ns/time",
    "/var/run",
];

/// Directories whose names tell something.
pub(super) const DIRECTORIES: &[&str] = &[
    "/etc/apparmor.d",
    "/etc/docker/certs.d",
    "/lib/modules",
    "/proc/sys/net/bridge",
    "/run",
    "/sys/class/net",
    "/sys/fs/cgroup",
    "/sys/kernel/security",
    "/var/lib/docker/containerd",
    "/var/lib/kubelet",
];

/// Files of which it matters whether they could be written.
pub(super) const WRITABLE: &[&str] = &[
    "/proc/sys/kernel/panic",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/net/netfilter/nf_conntrack_max",
    "/proc/sys/vm/overcommit_memory",
    "/run/xtables.lock",
    "/sys/kernel/security/apparmor/.replace",
    "/sys/module",
];

/// Directories whose filesystem tells something.
pub(super) const FILESYSTEMS: &[&str] =
    &["/", "/dev/shm", "/proc", "/run", "/sys/fs/cgroup", "/tmp", "/var"];

/// Variables of the doctor itself.
pub(super) const VARIABLES: &[&str] = &[
    "BUILDKIT_HOST",
    "CONTAINER_HOST",
    "DOCKER_API_VERSION",
    "DOCKER_CONFIG",
    "DOCKER_INSECURE_NO_IPTABLES_RAW",
    "KUBECONFIG",
    "LOGNAME",
    "USER",
    "XDG_CONFIG_HOME",
];

/// Limits, and how much of them is used.
pub(super) fn of_hierarchy(hierarchy: &Hierarchy) -> Vec<&'static str> {
    const UNIFIED: &[&str] = &[
        "cgroup.max.descendants",
        "cgroup.stat",
        "cgroup.type",
        "cpu.max",
        "cpu.stat",
        "cpuset.cpus.effective",
        "memory.current",
        "memory.events",
        "memory.high",
        "memory.max",
        "memory.swap.max",
        "pids.current",
        "pids.events",
        "pids.max",
    ];
    const V1: &[(&str, &[&str])] = &[
        ("cpu", &["cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.stat"]),
        ("cpuset", &["cgroup.clone_children", "cpuset.cpus", "cpuset.mems"]),
        ("devices", &["devices.list"]),
        ("memory", &["memory.limit_in_bytes", "memory.stat", "memory.usage_in_bytes"]),
        ("pids", &["pids.current", "pids.max"]),
    ];
    if *hierarchy == Hierarchy::Unified {
        return UNIFIED.to_vec();
    }
    let named = V1.iter().filter(|(controller, _)| hierarchy.has(controller));
    named.flat_map(|(_, files)| files.iter().copied()).collect()
}
