//! Modules and features of the kernel, and what is built for other machines.

use super::{Entry, Table};

pub(super) const TABLE: Table = Table {
    causes: &[
        (
            "failed to add the host (…) <=> sandbox (…) pair interfaces: operation not supported",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "failed to add the host (…) pair interfaces: operation not supported",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "failed to make veth pair: operation not supported",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "create veth pair: Netlink error: Operation not supported",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "create bridge: Netlink error: Operation not supported",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "Netlink error: Operation not supported (os error 95)",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "via netlink: operation not supported",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "failed to create bridge …: operation not supported",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "could not add \"…\": operation not supported",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "failed to create vxlan interface: operation not supported",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "flannel exited: operation not supported",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "failed to create vxlan",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "RTNETLINK answers: Operation not supported",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "Error: Unknown device type",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "failed to mount overlay: no such device",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "'overlay' not found as a supported filesystem on this host",
            &["kernel-too-old-or-feature-missing", "kernel-modules-unloadable"],
        ),
        (
            "fstype: overlay, …err: no such device",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "mount overlay:…failed: No such device",
            &["kernel-too-old-or-feature-missing", "kernel-modules-unloadable"],
        ),
        (
            "modprobe: FATAL: Module overlay not found",
            &["kernel-too-old-or-feature-missing", "kernel-modules-unloadable"],
        ),
        (
            "modprobe: FATAL: Module … not found in directory /lib/modules",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        ("modprobe: can't load module", &["kernel-modules-unloadable"]),
        ("modprobe: module … not found in modules.dep", &["kernel-modules-unloadable"]),
        ("unable to load kernel module: \"configs\"", &["kernel-modules-unloadable"]),
        (
            "[ERROR SystemVerification]: failed to parse kernel config",
            &["kernel-modules-unloadable"],
        ),
        ("modprobe br_netfilter failed", &["br-netfilter", "kernel-modules-unloadable"]),
        ("Running modprobe … failed with message", &["kernel-modules-unloadable"]),
        ("cgroup namespaces aren't enabled in the kernel", &["kernel-too-old-or-feature-missing"]),
        (
            "time namespaces aren't enabled in the kernel",
            &["runtime-namespace-features", "kernel-too-old-or-feature-missing"],
        ),
        ("namespace {\"time\" \"\"} does not exist", &["runtime-namespace-features"]),
        ("unknown or invalid runtime name", &["engine-helper-missing"]),
        ("kernel version … is older than", &["kernel-too-old-or-feature-missing"]),
        ("FATAL: kernel too old", &["kernel-too-old-or-feature-missing"]),
        (
            "[ERROR SystemVerification]: unsupported kernel release",
            &["kernel-too-old-or-feature-missing"],
        ),
        (
            "[ERROR SystemVerification]: missing required cgroups",
            &["cgroup-v1-controller-drift", "memory-cpu-too-small"],
        ),
        ("bpf create …: Operation not permitted", &["bpf-device-filter", "seccomp-filter-blocks"]),
        ("bpf create ``: Invalid argument", &["bpf-device-filter"]),
        ("eBPF not supported", &["bpf-device-filter"]),
        ("bpf_prog_query(BPF_CGROUP_DEVICE) failed", &["bpf-device-filter"]),
        ("load program: operation not permitted", &["bpf-device-filter", "seccomp-filter-blocks"]),
        ("load program: …: function not implemented", &["bpf-device-filter"]),
        // Sandboxes.
        (
            "reading from parent failed: fetch packet length from socket: interrupted system call",
            &["sandboxed-kernel"],
        ),
        ("PTRACE_TRACEME: function not implemented", &["sandboxed-kernel"]),
        ("Starting gVisor...", &["sandboxed-kernel"]),
        ("Linux version 4.4.0 (user@buildkitsandbox", &["sandboxed-kernel"]),
        (
            "rtnetlink: …: protocol not supported",
            &["sandboxed-kernel", "iptables-backend-unusable"],
        ),
        (
            "error jailing process inside rootfs: pivot_root .: invalid argument",
            &["root-on-initramfs"],
        ),
        ("pivot_root: Invalid argument", &["root-on-initramfs"]),
        ("bwrap: pivot_root: Invalid argument", &["root-on-initramfs"]),
        ("__vm_enough_memory: …not enough memory for the allocation", &["overcommit-strict"]),
        ("write init-p: broken pipe", &["overcommit-strict", "memory-cpu-too-small"]),
        // Programs for other machines.
        ("CPU does not support x86-64-v", &["cpu-level-too-low"]),
        ("This program can only be run on AMD64 processors with v", &["cpu-level-too-low"]),
        ("exec format error", &["binfmt-missing"]),
        ("cannot execute binary file: Exec format error", &["binfmt-missing"]),
        ("qemu: uncaught target signal", &["emulation-crashes"]),
        ("qemu-x86_64: Could not open '/lib64/ld-linux-x86-64.so.2'", &["emulation-crashes"]),
        ("rosetta error:", &["emulation-crashes"]),
        ("unsafe procfs detected", &["runc-procfs-overmounted"]),
        ("libnvidia-ml.so.1: cannot open shared object file", &["nvidia-driver-missing"]),
        ("nvidia-container-cli: initialization error", &["nvidia-driver-missing"]),
        (
            "could not select device driver \"\" with capabilities: [[gpu]]",
            &["nvidia-driver-missing"],
        ),
        ("nvidia-container-runtime did not terminate successfully", &["nvidia-driver-missing"]),
    ],
    symptoms: &[],
    entries: &[
        Entry {
            id: "root-on-initramfs",
            title: "The root is an initramfs: pivot_root does not work there",
            cause: "The kernel does not let a process leave the initial ramfs by pivot_root, which runc needs for every container.",
            fix: &[
                "Boot from a real root filesystem, or copy the root to a tmpfs and switch_root to it before the engine starts.",
                "DOCKER_RAMDISK=true dockerd  makes runc use MS_MOVE instead; only where nobody needs to be kept in.",
            ],
            symptom: false,
        },
        Entry {
            id: "overcommit-strict",
            title: "The kernel refuses memory that is free (overcommit)",
            cause: "With vm.overcommit_memory=2 the kernel promises no more than CommitLimit; runtimes written in Go reserve much and use little.",
            fix: &[
                "grep -i commit /proc/meminfo  shows the limit and what is promised",
                "sudo sysctl -w vm.overcommit_memory=0  on the host; or a larger vm.overcommit_ratio, or swap",
            ],
            symptom: false,
        },
        Entry {
            id: "cpu-level-too-low",
            title: "The image is built for newer CPUs than this one",
            cause: "The distribution in the image needs x86-64-v2 or -v3 instructions, and the CPU (often only the VM's CPU model) lacks them.",
            fix: &[
                "VM: set the CPU model to host (QEMU: -cpu host; Proxmox: cpu: host).",
                "An image for x86-64-v1: Debian, Ubuntu, Alpine, or RHEL 8's generation.",
            ],
            symptom: false,
        },
        Entry {
            id: "binfmt-missing",
            title: "The program is for another CPU, or is no program",
            cause: "The image has another architecture than the machine and no emulator is registered; or the file is empty, or a script without #! line.",
            fix: &[
                "docker image inspect --format '{{.Architecture}}' IMAGE; uname -m  compare both",
                "docker run --platform linux/amd64 …, or build for both: docker buildx build --platform linux/amd64,linux/arm64 …",
                "docker run --privileged --rm tonistiigi/binfmt --install all  registers emulators, for the whole machine",
            ],
            symptom: false,
        },
        Entry {
            id: "emulation-crashes",
            title: "A program crashes under emulation",
            cause: "It runs under QEMU's user mode or Rosetta, which do not know all that it needs; nested container engines do not run there at all.",
            fix: &[
                "Run it on a machine of that architecture, or use the image for this one.",
                "docker run --privileged --rm tonistiigi/binfmt --install all  brings a newer QEMU",
            ],
            symptom: false,
        },
        Entry {
            id: "runc-procfs-overmounted",
            title: "runc refuses a /proc that is mounted over",
            cause: "From 1.2.8, 1.3.3 and 1.4 on runc opens files below /proc only where nothing is mounted over it; Sysbox before 0.7, lxcfs and LXC's AppArmor profile mount there.",
            fix: &[
                "Update the outer runtime: Sysbox 0.7, Incus or LXC of the same year.",
                "Until then the runc before: 1.2.7, 1.3.2; Docker 28.5.1.",
            ],
            symptom: false,
        },
        Entry {
            id: "nvidia-driver-missing",
            title: "The NVIDIA runtime finds no driver",
            cause: "A GPU was asked for, and the driver's libraries or the runtime are not in this environment: a nested daemon needs both of its own.",
            fix: &[
                "nvidia-smi  must work in the outer container first: docker run --gpus all …",
                "Then install nvidia-container-toolkit here, and: nvidia-ctk runtime configure --runtime=docker",
                "Or do without: no --gpus, and no \"default-runtime\": \"nvidia\" in daemon.json.",
            ],
            symptom: false,
        },
    ],
};
