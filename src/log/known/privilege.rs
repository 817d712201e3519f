//! Capabilities, devices, subordinate ids.

use super::{Entry, Table};

pub(super) const TABLE: Table = Table {
    causes: &[
        // oom_score_adj: runc's nsexec, kubelet's sandboxes.
        (
            "failed to update /proc/self/oom_score_adj: Permission denied",
            &["privilege-missing", "kubelet-in-userns-sysctl"],
        ),
        (
            "write …oom_score_adj: permission denied",
            &["privilege-missing", "kubelet-in-userns-sysctl"],
        ),
        // What runc and crun mount.
        (
            "error mounting \"proc\" to rootfs at \"/proc\": …operation not permitted",
            &["proc-masked", "privilege-missing", "seccomp-filter-blocks"],
        ),
        (
            "error mounting \"sysfs\" to rootfs at \"/sys\": …operation not permitted",
            &["proc-masked", "privilege-missing"],
        ),
        (
            "error mounting \"devpts\" to rootfs at \"/dev/pts\": …invalid argument",
            &["subid-mapping-broken"],
        ),
        (
            "error mounting … to rootfs at …: operation not permitted",
            &["privilege-missing", "proc-masked"],
        ),
        (
            "error mounting … to rootfs at …: permission denied",
            &["apparmor-mount-denied", "selinux-denials", "privilege-missing"],
        ),
        (
            "crun: mount `proc` to `proc`: Operation not permitted",
            &["proc-masked", "privilege-missing"],
        ),
        (
            "mount `…` to `…`: Operation not permitted",
            &["privilege-missing", "proc-masked", "seccomp-filter-blocks"],
        ),
        (
            "mount `…` to `…`: Permission denied",
            &["apparmor-mount-denied", "selinux-denials", "privilege-missing"],
        ),
        (
            "failed to mount …/containerd-mount…: operation not permitted",
            &["privilege-missing", "userns-overlay-without-userxattr"],
        ),
        ("failed to unmount …: operation not permitted", &["privilege-missing"]),
        (
            "failed to mount …: fstype: overlay, …err: operation not permitted",
            &["privilege-missing", "userns-overlay-without-userxattr"],
        ),
        (
            "mount: /sys/kernel/security: permission denied",
            &["privilege-missing", "sandboxed-kernel"],
        ),
        ("mount: …: permission denied.", &["privilege-missing"]),
        (
            "unshare: unshare failed: Operation not permitted",
            &["privilege-missing", "seccomp-filter-blocks", "userns-blocked"],
        ),
        (
            "failed to unshare … namespaces: Operation not permitted",
            &["privilege-missing", "seccomp-filter-blocks"],
        ),
        (
            "failed to unshare user namespace: Operation not permitted",
            &["userns-blocked", "seccomp-filter-blocks"],
        ),
        ("failed to unshare user namespace: No space left on device", &["userns-blocked"]),
        ("failed to unshare user namespace: Invalid argument", &["userns-blocked"]),
        ("create device inode …: operation not permitted", &["privilege-missing"]),
        ("mknod …: operation not permitted", &["privilege-missing"]),
        ("mknodat `…`: Operation not permitted", &["privilege-missing"]),
        ("can't apply capabilities: operation not permitted", &["privilege-missing"]),
        (
            "error setting rlimits for ready process: …operation not permitted",
            &["privilege-missing", "nofile-limit", "rlimit-raise-denied"],
        ),
        (
            "error setting rlimit type 7: operation not permitted",
            &["nofile-limit", "rlimit-raise-denied", "privilege-missing"],
        ),
        (
            "setrlimit `RLIMIT_…`: Operation not permitted",
            &["rlimit-raise-denied", "privilege-missing"],
        ),
        ("RTNETLINK answers: Operation not permitted", &["privilege-missing"]),
        ("operation not permitted (you must be root)", &["privilege-missing"]),
        ("failed to create … type bridge: operation not permitted", &["privilege-missing"]),
        ("Failed to add … to bridge via netlink: operation not permitted", &["privilege-missing"]),
        ("failed to create bridge … via netlink: operation not permitted", &["privilege-missing"]),
        (
            "failed to add the host (…) <=> sandbox (…) pair interfaces: operation not permitted",
            &["privilege-missing"],
        ),
        ("Netlink error: Operation not permitted (os error 1)", &["privilege-missing"]),
        ("failed to make veth pair: operation not permitted", &["privilege-missing"]),
        (
            "cannot run … in rootless mode, must execute `podman unshare` first",
            &["needs-podman-unshare"],
        ),
        ("\"--privileged\" … not allowed", &["authorization-plugin-denies", "privilege-missing"]),
        ("authorization denied by plugin", &["authorization-plugin-denies"]),
        ("violates PodSecurity", &["pod-security-refuses"]),
        ("Privileged containers are not allowed", &["pod-security-refuses"]),
        ("privileged mode is incompatible with user namespaces", &["privileged-with-userns-remap"]),
        (
            "cannot share the host's network namespace when user namespaces are enabled",
            &["privileged-with-userns-remap"],
        ),
        // Devices.
        ("open(\"/dev/net/tun\"): No such file or directory", &["dev-nodes-missing"]),
        ("open(\"/dev/net/tun\"): Operation not permitted", &["dev-nodes-missing"]),
        ("/dev/net/tun: No such file or directory", &["dev-nodes-missing"]),
        ("/dev/net/tun: Permission denied", &["dev-nodes-missing"]),
        ("/dev/net/tun: No such device", &["dev-nodes-missing", "kernel-modules-unloadable"]),
        ("Failed to open tun socket in namespace", &["dev-nodes-missing"]),
        ("Failed to open() /dev/net/tun", &["dev-nodes-missing"]),
        ("opening tap device …: ", &["dev-nodes-missing"]),
        ("executing [[ip tuntap add name tap0 mode tap]", &["dev-nodes-missing"]),
        ("fuse: failed to open /dev/fuse", &["dev-nodes-missing"]),
        ("open /dev/fuse: no such file or directory", &["dev-nodes-missing"]),
        ("open /dev/fuse: operation not permitted", &["dev-nodes-missing"]),
        ("fusermount3: failed to open /dev/fuse", &["dev-nodes-missing"]),
        ("/dev/loop-control: no such file or directory", &["dev-nodes-missing"]),
        ("could not open loop device", &["dev-nodes-missing"]),
        ("could not get free loop device", &["dev-nodes-missing"]),
        // Subordinate ids.
        ("newuidmap: Could not set caps", &["subid-mapping-broken"]),
        ("newuidmap … failed: ", &["subid-mapping-broken"]),
        ("newgidmap … failed: ", &["subid-mapping-broken"]),
        ("Cannot find mappings for user …: no subuid ranges found", &["subid-mapping-broken"]),
        ("Cannot find mappings for user", &["subid-mapping-broken"]),
        ("no subuid ranges found for user", &["subid-mapping-broken"]),
        ("no subgid ranges found for user", &["subid-mapping-broken"]),
        ("UID ranges set aside for user … in /etc/subuid", &["subid-mapping-broken"]),
        ("failed to compute uid/gid map", &["subid-mapping-broken"]),
        ("should be setuid or have filecaps setuid", &["subid-mapping-broken"]),
        ("should be setgid or have filecaps setgid", &["subid-mapping-broken"]),
        ("failed to use newuid map on", &["subid-mapping-broken"]),
        ("failed to use newgid map on", &["subid-mapping-broken"]),
        ("newuidmap: open of uid_map failed: Permission denied", &["subid-mapping-broken"]),
        ("newuidmap: Target process … is owned by a different user", &["subid-mapping-broken"]),
        ("write to uid_map failed: Operation not permitted", &["subid-mapping-broken"]),
        ("failed to update /proc/…/uid_map: ", &["subid-mapping-broken", "userns-blocked"]),
        ("failed to update /proc/…/gid_map: ", &["subid-mapping-broken", "userns-blocked"]),
        ("writing file `/proc/…/gid_map`: Invalid argument", &["subid-mapping-broken"]),
        (
            "writing file `/proc/…/uid_map`: Operation not permitted",
            &["subid-mapping-broken", "userns-blocked"],
        ),
        ("lchown …: invalid argument", &["subid-mapping-broken"]),
        ("user namespaces enabled, but no mapping found for uid", &["subid-mapping-broken"]),
        ("couldn't create subordinate ID ranges", &["subid-mapping-broken"]),
        ("can't find available subuid range", &["subid-mapping-broken"]),
        ("setgid failed: Invalid argument", &["subid-mapping-broken"]),
        (
            "setgroups 0 failed - setgroups (1: Operation not permitted)",
            &["subid-mapping-broken", "userns-blocked"],
        ),
        ("seteuid 100 failed - seteuid (22: Invalid argument)", &["subid-mapping-broken"]),
    ],
    symptoms: &[],
    entries: &[
        Entry {
            id: "authorization-plugin-denies",
            title: "An authorization plugin of the daemon refuses the command",
            cause: "The daemon asks a plugin about each request, and it said no: hosted CI (Bitbucket Pipelines and others) refuses --privileged, mounts and namespaces of the host that way.",
            fix: &[
                "Do without the option that it names.",
                "Use a runner of your own, where no plugin decides, or one that offers a daemon in a VM.",
            ],
            symptom: false,
        },
        Entry {
            id: "pod-security-refuses",
            title: "The cluster's admission refuses the pod",
            cause: "Pod Security admission or a policy engine does not let pods of this namespace be privileged, or have what else the message names.",
            fix: &[
                "kubectl label namespace NAMESPACE pod-security.kubernetes.io/enforce=privileged --overwrite",
                "Without that right: a namespace that is meant for builds, or rootless BuildKit, which needs less.",
            ],
            symptom: false,
        },
        Entry {
            id: "privileged-with-userns-remap",
            title: "userns-remap is on, and the container wants the host's",
            cause: "With userns-remap every container gets a user namespace; privileged containers and the host's namespaces do not go with it.",
            fix: &[
                "docker run --userns=host … gives one container the host's user namespace; kind does so by itself.",
                "Remove \"userns-remap\" from /etc/docker/daemon.json and restart dockerd.",
            ],
            symptom: false,
        },
        Entry {
            id: "needs-podman-unshare",
            title: "This podman command needs to run in the user namespace",
            cause: "Some commands (mount, for one) work rootless only within podman's user namespace.",
            fix: &["podman unshare podman mount CONTAINER"],
            symptom: false,
        },
    ],
};
