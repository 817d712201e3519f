//! cgroups: versions, delegation, what runc, crun, kubelet and systemd say about them.

use super::Table;

pub(super) const TABLE: Table = Table {
    causes: &[
        ("Device or resource busy - Could not enable", &["cgroup2-internal-process"]),
        ("Permission denied - Could not enable", &["cgroup2-not-delegated"]),
        ("failed to find cpu cgroup (v2)", &["cgroup2-not-delegated"]),
        (
            "failed to find memory cgroup (v2)",
            &["cgroup-controller-disabled", "cgroup2-not-delegated"],
        ),
        ("failed to find memory cgroup", &["cgroup2-not-delegated", "memory-cpu-too-small"]),
        ("failed to find cpuset cgroup (v2)", &["cgroup2-not-delegated"]),
        ("failed to find pids cgroup (v2)", &["cgroup2-not-delegated"]),
        ("failed to find hugetlb cgroup (v2)", &["cgroup2-not-delegated"]),
        (
            "creating cgroup directory `/sys/fs/cgroup/…`: Read-only file system",
            &["cgroup2-not-delegated", "sys-or-procsys-readonly"],
        ),
        (
            "creating cgroup directory `/sys/fs/cgroup/…`: Permission denied",
            &["cgroup2-not-delegated"],
        ),
        ("creating cgroup directory `/sys/fs/cgroup/…`: No space left on device", &["cgroup-leak"]),
        (
            "creating cgroup directory `…`: No such file or directory",
            &["cgroupns-mount-mismatch", "cgroup2-not-delegated"],
        ),
        (
            "mkdir /sys/fs/cgroup/…: read-only file system",
            &["cgroup2-not-delegated", "sys-or-procsys-readonly"],
        ),
        (
            "mkdir /sys/fs/cgroup/…: permission denied",
            &["cgroup2-not-delegated", "privilege-missing"],
        ),
        ("mkdir /sys/fs/cgroup/…: no space left on device", &["cgroup-leak"]),
        ("mkdir /sys/fs/cgroup/…: cannot allocate memory", &["cgroup-leak"]),
        ("mkdir /sys/fs/cgroup/…: no such file or directory", &["cgroupns-mount-mismatch"]),
        ("cannot create … in cgroup: …: resource temporarily unavailable", &["cgroup-leak"]),
        (
            "mkdir: cannot create directory '/sys/fs/cgroup/…': Read-only file system",
            &["cgroup2-not-delegated", "sys-or-procsys-readonly", "privilege-missing"],
        ),
        (
            "mkdir: cannot create directory '/sys/fs/cgroup/…': Permission denied",
            &["cgroup2-not-delegated", "privilege-missing"],
        ),
        (
            "writing file `/sys/fs/cgroup/…cgroup.subtree_control`: Device or resource busy",
            &["cgroup2-internal-process"],
        ),
        (
            "write to `/sys/fs/cgroup/…cgroup.subtree_control`: Device or resource busy",
            &["cgroup2-internal-process"],
        ),
        (
            "write to `/sys/fs/cgroup/…cgroup.subtree_control`: Invalid argument",
            &["cgroup2-not-delegated", "cgroup2-internal-process"],
        ),
        (
            "writing file `/sys/fs/cgroup/…cgroup.subtree_control`: Invalid argument",
            &["cgroup2-not-delegated", "cgroup2-internal-process"],
        ),
        ("cgroup.subtree_control`: Permission denied", &["cgroup2-not-delegated"]),
        ("cgroup.subtree_control`: Operation not supported", &["cgroup2-internal-process"]),
        (
            "cgroup.subtree_control: invalid argument",
            &["cgroup2-not-delegated", "cgroup2-internal-process"],
        ),
        (
            "cgroup.subtree_control: read-only file system",
            &["cgroup2-not-delegated", "sys-or-procsys-readonly"],
        ),
        ("cgroup.subtree_control: no such file or directory", &["cgroup2-not-delegated"]),
        ("cgroup.subtree_control: Device or resource busy", &["cgroup2-internal-process"]),
        ("sed: couldn't flush stdout: Device or resource busy", &["cgroup2-internal-process"]),
        ("sed: couldn't flush stdout: Operation not supported", &["cgroup2-internal-process"]),
        ("sed: write error", &["cgroup2-internal-process"]),
        ("controller `…` is not available under /sys/fs/cgroup", &["cgroup2-not-delegated"]),
        ("the requested cgroup controller `…` is not available", &["cgroup2-not-delegated"]),
        ("opening file `…` for writing: No such file or directory", &["cgroup2-not-delegated"]),
        ("open `/sys/fs/cgroup/…` for writing: Permission denied", &["cgroup2-not-delegated"]),
        ("opening file `cpu.max` for writing", &["cgroup2-not-delegated"]),
        ("opening file `memory.max` for writing", &["cgroup2-not-delegated"]),
        ("opening file `pids.max` for writing", &["cgroup2-not-delegated"]),
        (
            "error `…` systemd unit `…`: got `failed`",
            &["systemd-cgroup-driver-autodetect", "cgroup2-not-delegated"],
        ),
        (
            "error migrating pid …  It is not in the cgroup",
            &["cgroupns-mount-mismatch", "systemd-cgroup-driver-autodetect"],
        ),
        (
            "cannot find cgroup2 for the current process",
            &["cgroup2-not-delegated", "cgroup-hybrid-named-systemd"],
        ),
        (
            "cannot find memory or pids controller for the current process",
            &["cgroup2-not-delegated"],
        ),
        (
            "invalid file system type on `/sys/fs/cgroup`",
            &["cgroup-hybrid-named-systemd", "sandboxed-kernel"],
        ),
        (
            "cgroups in hybrid mode not supported, drop all controllers from cgroupv2",
            &["cgroup-v1-end-of-life"],
        ),
        (
            "cgroup v1 is deprecated and will be removed in a future release",
            &["cgroup-v1-end-of-life"],
        ),
        ("Using cgroups-v1 which is deprecated in favor of cgroups-v2", &["cgroup-v1-end-of-life"]),
        (
            "cgroup v1 is deprecated in Kubernetes and will not be supported",
            &["cgroup-v1-end-of-life"],
        ),
        ("cgroups v1 support is deprecated", &["cgroup-v1-end-of-life"]),
        ("cgroups v1 support is in maintenance mode", &["cgroup-v1-end-of-life"]),
        ("cgroups v1 support was removed", &["cgroup-v1-end-of-life"]),
        (
            "cgroup v1 support is unsupported and will be removed in a future release",
            &["cgroup-v1-end-of-life"],
        ),
        ("requires cgroup v2", &["cgroup-v1-end-of-life"]),
        ("Cgroup v1 is not supported", &["cgroup-v1-end-of-life"]),
        // kubelet.
        (
            "error validating root container […] : cgroup […] has some missing controllers",
            &["cgroup2-not-delegated"],
        ),
        ("has some missing controllers: ", &["cgroup2-not-delegated"]),
        (
            "failed to initialize top level QOS containers: root container [kubepods] doesn't exist",
            &["cgroup-v1-no-namespace", "cgroup-v1-controller-drift"],
        ),
        (
            "failed to initialize top level QOS containers",
            &["cgroup-v1-no-namespace", "cgroup2-not-delegated"],
        ),
        (
            "cannot enter cgroupv2 \"/sys/fs/cgroup/…\" with domain controllers -- it is in an invalid state",
            &["cgroup2-internal-process"],
        ),
        (
            "cannot enter cgroupv2 \"/sys/fs/cgroup/…\" with domain controllers -- it is in threaded mode",
            &["cgroup2-internal-process"],
        ),
        (
            "failed to find subsystem mount for required subsystem",
            &["cgroup-hybrid-named-systemd", "cgroup-v1-controller-drift"],
        ),
        ("unsupported and unrecognized cgroup controller", &["cgroup-v1-controller-drift"]),
        (
            "invalid configuration: cgroup-root […] doesn't exist",
            &["cgroup-v1-controller-drift", "cgroup2-not-delegated"],
        ),
        ("Failed to get system container stats", &["cgroup-v1-no-namespace"]),
        // runc.
        (
            "unable to apply cgroup configuration: …cgroup.procs: device or resource busy",
            &["cgroup2-internal-process"],
        ),
        ("cgroup.procs: device or resource busy", &["cgroup2-internal-process"]),
        ("cgroup.procs: operation not supported", &["cgroup2-internal-process"]),
        (
            "cgroup.procs: no such file or directory",
            &["cgroupns-mount-mismatch", "cgroup2-not-delegated"],
        ),
        ("cgroup.procs: no space left on device", &["cgroup-v1-controller-drift"]),
        ("cgroup.procs: permission denied", &["cgroup2-not-delegated"]),
        (
            "cgroup.procs: invalid argument",
            &["cgroup-v1-controller-drift", "cgroup2-internal-process"],
        ),
        (
            "cgroup.procs: read-only file system",
            &["cgroup2-not-delegated", "sys-or-procsys-readonly"],
        ),
        (
            "cpuset.cpus: no such file or directory",
            &["cgroup-v1-controller-drift", "cgroup2-not-delegated"],
        ),
        (
            "memory.max: no such file or directory",
            &["cgroup2-not-delegated", "host-cgroupns-on-v2"],
        ),
        ("pids.max: no such file or directory", &["cgroup2-not-delegated"]),
        ("cpu.max: no such file or directory", &["cgroup2-not-delegated"]),
        ("cpu.weight: no such file or directory", &["cgroup2-not-delegated"]),
        (
            "failed to enable cgroup controller",
            &["cgroup2-internal-process", "cgroup2-not-delegated"],
        ),
        (
            "rootless needs no limits + no cgrouppath when no permission is granted for cgroups",
            &["cgroup2-not-delegated"],
        ),
        ("can't load cgroup controllers: ", &["cgroup2-not-delegated"]),
        ("cgroups: cgroup mountpoint does not exist", &["cgroup-hybrid-named-systemd"]),
        ("cgroup mountpoint does not exist", &["cgroup-hybrid-named-systemd"]),
        ("no subsystem for mount", &["cgroup-hybrid-named-systemd"]),
        ("failed to create cgroup: …: permission denied", &["cgroup2-not-delegated"]),
        (
            "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups",
            &[
                "systemd-cgroup-driver-autodetect",
                "cgroup-v1-no-namespace",
                "cgroup-v1-end-of-life",
            ],
        ),
        ("is different from docker cgroup driver", &["systemd-cgroup-driver-autodetect"]),
        ("cgroup driver: \"…\" is different from", &["systemd-cgroup-driver-autodetect"]),
        (
            "native.cgroupdriver=systemd requires cgroup v2 for rootless mode",
            &["cgroup-v1-end-of-life"],
        ),
        (
            "Your kernel does not support cgroup memory limit",
            &["cgroup2-not-delegated", "cgroup-v1-controller-drift"],
        ),
        ("cpu cgroup controller is not available", &["cgroup2-not-delegated"]),
        (
            "Resource limits are not supported and ignored on cgroups V1 rootless systems",
            &["cgroup-v1-end-of-life"],
        ),
        (
            "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted",
            &["cgroup2-not-delegated", "cgroup-v1-controller-drift"],
        ),
        (
            "unable to start unit \"…\": Interactive authentication required",
            &["systemd-cgroup-driver-autodetect", "cgroup2-not-delegated"],
        ),
        (
            "unable to start unit …Interactive authentication required",
            &["systemd-cgroup-driver-autodetect", "cgroup2-not-delegated"],
        ),
        (
            "unable to start unit …dial unix /run/systemd/private",
            &["systemd-cgroup-driver-autodetect"],
        ),
        ("unable to start unit …: dial unix /run/user/…/bus", &["no-user-session"]),
        ("unable to start unit …Unit … already exists", &["systemd-cgroup-driver-autodetect"]),
        ("unable to start unit", &["systemd-cgroup-driver-autodetect", "cgroup2-not-delegated"]),
        (
            "dial unix /run/systemd/private: connect: no such file or directory",
            &["systemd-cgroup-driver-autodetect"],
        ),
        (
            "dial unix /run/dbus/system_bus_socket: connect: no such file or directory",
            &["systemd-cgroup-driver-autodetect"],
        ),
        (
            "systemd not running on this host, cannot use systemd cgroups manager",
            &["systemd-cgroup-driver-autodetect"],
        ),
        (
            "systemd cgroup flag passed, but systemd support for managing cgroups is not available",
            &["systemd-cgroup-driver-autodetect"],
        ),
        ("requires setting systemd property \"Delegate=yes\"", &["cgroup2-not-delegated"]),
        ("could not join cgroup", &["cgroup2-not-delegated"]),
    ],
    symptoms: &[
        (
            "could not find a log line that matches",
            &[
                "inotify-exhausted",
                "cgroup2-not-delegated",
                "cgroup2-internal-process",
                "systemd-prerequisites",
                "cgroupns-mount-mismatch",
                "cgroup-hybrid-named-systemd",
            ],
        ),
        (
            "Failed to start ContainerManager",
            &[
                "kubelet-in-userns-sysctl",
                "cgroup-v1-no-namespace",
                "cgroup-v1-controller-drift",
                "kubelet-rootfs-info",
            ],
        ),
        (
            "unable to apply cgroup configuration",
            &["cgroup2-not-delegated", "cgroup2-internal-process"],
        ),
        (
            "error adding pid",
            &["cgroup-hybrid-named-systemd", "sandboxed-kernel", "cgroup2-internal-process"],
        ),
    ],
    entries: &[],
};
