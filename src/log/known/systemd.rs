//! systemd in a container, and sessions of users.

use super::{Entry, Table};

pub(super) const TABLE: Table = Table {
    causes: &[
        (
            "Couldn't find an alternative telinit implementation to spawn",
            &["init-flag-conflict", "systemd-prerequisites"],
        ),
        (
            "Trying to run as user instance, but the system has not been booted with systemd",
            &["no-systemd-here", "init-flag-conflict"],
        ),
        (
            "System has not been booted with systemd as init system",
            &["no-systemd-here", "systemd-prerequisites"],
        ),
        ("Failed to connect to bus: Host is down", &["no-systemd-here"]),
        (
            "Failed to connect to bus: No such file or directory",
            &["no-systemd-here", "no-user-session"],
        ),
        ("Failed to get D-Bus connection: Operation not permitted", &["no-systemd-here"]),
        ("systemctl: command not found", &["no-systemd-here"]),
        ("Failed to set up mount namespacing: ", &["systemd-prerequisites", "privilege-missing"]),
        ("Failed at step NAMESPACE spawning", &["systemd-prerequisites", "privilege-missing"]),
        ("status=226/NAMESPACE", &["systemd-prerequisites", "privilege-missing"]),
        ("Failed to set up credentials: ", &["systemd-prerequisites"]),
        ("status=243/CREDENTIALS", &["systemd-prerequisites"]),
        ("Failed at step CGROUP spawning", &["cgroup2-not-delegated", "systemd-prerequisites"]),
        ("status=219/CGROUP", &["cgroup2-not-delegated", "systemd-prerequisites"]),
        ("Failed at step KEYRING spawning", &["keyring-quota", "seccomp-filter-blocks"]),
        ("Failed at step STDIN spawning", &["systemd-prerequisites"]),
        (
            "Failed to create /init.scope control group: Structure needs cleaning",
            &["cgroup2-internal-process"],
        ),
        (
            "Failed to create /init.scope control group: Operation not supported",
            &["cgroup2-internal-process"],
        ),
        (
            "Failed to create /init.scope control group: Device or resource busy",
            &["cgroup2-internal-process"],
        ),
        (
            "Failed to create /init.scope control group: Read-only file system",
            &["cgroup2-not-delegated"],
        ),
        (
            "Failed to create /init.scope control group: Permission denied",
            &["cgroup2-not-delegated", "systemd-prerequisites", "cgroup2-internal-process"],
        ),
        (
            "Failed to create /init.scope control group: No such file or directory",
            &["cgroupns-mount-mismatch", "cgroup2-not-delegated"],
        ),
        (
            "Failed to create /…/init.scope control group",
            &["cgroup2-not-delegated", "systemd-prerequisites"],
        ),
        ("Failed to attach … to compat systemd cgroup", &["cgroup2-internal-process"]),
        (
            "Failed to allocate manager object: Permission denied",
            &["cgroup2-not-delegated", "systemd-prerequisites", "selinux-denials"],
        ),
        (
            "Failed to allocate manager object: Operation not permitted",
            &["systemd-prerequisites", "privilege-missing"],
        ),
        (
            "Failed to allocate manager object: No such file or directory",
            &["cgroup-v1-end-of-life", "cgroup-hybrid-named-systemd"],
        ),
        (
            "Failed to allocate manager object: No data available",
            &["cgroup-v1-end-of-life", "cgroup-hybrid-named-systemd"],
        ),
        ("Failed to allocate manager object: Too many open files", &["inotify-exhausted"]),
        ("Failed to allocate manager object: ", &["systemd-prerequisites"]),
        (
            "Failed to mount cgroup at /sys/fs/cgroup/systemd",
            &["cgroup-hybrid-named-systemd", "systemd-prerequisites"],
        ),
        (
            "Failed to mount cgroup (type cgroup) on /sys/fs/cgroup",
            &["cgroup-hybrid-named-systemd", "systemd-prerequisites"],
        ),
        (
            "Failed to mount tmpfs at /run: Operation not permitted",
            &["systemd-prerequisites", "privilege-missing"],
        ),
        ("Failed to mount tmpfs (type tmpfs) on", &["systemd-prerequisites", "privilege-missing"]),
        ("Failed to mount API filesystems", &["systemd-prerequisites"]),
        (
            "Failed to mount … at /…: Operation not permitted",
            &["systemd-prerequisites", "privilege-missing"],
        ),
        ("Refusing to run under cgroup v1", &["cgroup-v1-end-of-life"]),
        (
            "cannot determine cgroup we are running in",
            &["cgroup-v1-end-of-life", "systemd-prerequisites"],
        ),
        ("Cannot be run in a chroot() environment", &["no-systemd-here"]),
        ("Detected cgroup hierarchy … legacy", &["cgroup-v1-end-of-life"]),
        (
            "Failed to set up the root directory for shared mount propagation",
            &["mount-propagation-private", "privilege-missing"],
        ),
        ("/sbin/init: error while loading shared libraries", &["program-not-in-image"]),
        ("there is no systemd user session available", &["no-user-session"]),
        (
            "sd-bus call: Interactive authentication required",
            &["no-user-session", "systemd-cgroup-driver-autodetect"],
        ),
        ("sd-bus call: Transport endpoint is not connected", &["no-user-session"]),
        ("sd-bus call: Permission denied", &["no-user-session"]),
        (
            "cannot open sd-bus: No such file or directory",
            &["no-user-session", "systemd-cgroup-driver-autodetect"],
        ),
        ("cannot open sd-bus", &["no-user-session", "systemd-cgroup-driver-autodetect"]),
        (
            "Interactive authentication required",
            &["no-user-session", "systemd-cgroup-driver-autodetect"],
        ),
        ("$DBUS_SESSION_BUS_ADDRESS and $XDG_RUNTIME_DIR not defined", &["no-user-session"]),
        ("Failed to connect to bus: No medium found", &["no-user-session"]),
        ("dial unix /run/user/…/bus: connect: no such file or directory", &["no-user-session"]),
        ("Failed to connect to user scope bus via local transport", &["no-user-session"]),
        ("[rootlesskit:parent] error: …systemd-run", &["no-user-session"]),
        ("systemd (systemd --user) not detected", &["no-user-session"]),
        ("The cgroupv2 manager is set to systemd but", &["no-user-session"]),
    ],
    symptoms: &[
        ("Freezing execution", &["systemd-prerequisites"]),
        (
            "Failed to create /init.scope control group",
            &["cgroup2-not-delegated", "systemd-prerequisites", "cgroup2-internal-process"],
        ),
        ("Main process exited, code=exited, status=1/FAILURE", &["unit-failed"]),
        ("Start request repeated too quickly", &["unit-failed"]),
        ("Job for … failed because the control process exited with error code", &["unit-failed"]),
        ("failed because the control process exited with error code", &["unit-failed"]),
    ],
    entries: &[
        Entry {
            id: "no-user-session",
            title: "There is no systemd session for this user",
            cause: "Rootless engines ask the user's systemd for a cgroup. su, sudo, cron and CI agents open no session, so nobody answers, or the system's manager asks for a password.",
            fix: &[
                "sudo loginctl enable-linger USER  then log in by ssh, or: machinectl shell USER@",
                "export XDG_RUNTIME_DIR=/run/user/$(id -u) DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/$(id -u)/bus",
                "Or without systemd: podman --cgroup-manager=cgroupfs …; in containers.conf cgroup_manager = \"cgroupfs\"",
            ],
            symptom: false,
        },
        Entry {
            id: "no-systemd-here",
            title: "systemctl is used where systemd is not PID 1",
            cause: "In most containers, in WSL by default and in chroots there is no systemd to start services.",
            fix: &[
                "Start the program itself: dockerd &, containerd &, sshd",
                "Or run a container whose first process is /sbin/init; WSL: [boot] systemd=true in /etc/wsl.conf",
            ],
            symptom: false,
        },
        Entry {
            id: "unit-failed",
            title: "A unit of systemd failed; its own lines say why",
            cause: "systemd says only that it ended, and how.",
            fix: &["journalctl -u UNIT -b --no-pager | tail -50; systemctl status UNIT"],
            symptom: true,
        },
    ],
};
