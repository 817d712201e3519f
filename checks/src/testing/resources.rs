//! Limits that are wide enough, and clocks that are right.

use alloc::vec;

use crate::facts::{Fact::Known, *};

/// A disk with room for everything.
pub(super) fn plenty() -> Space {
    Space { total: 200 << 30, available: 120 << 30, inodes: 13_000_000, inodes_free: 12_000_000 }
}

/// Clocks of a synchronised machine.
pub(super) fn healthy_clocks() -> Clocks {
    let now = 1_800_000_000;
    Clocks {
        system: Known(Reading {
            realtime: now,
            suspended: 0,
            synchronized: Some(true),
            released: now - 86_400,
        }),
        hardware: Known(now),
    }
}

/// Four CPUs, 16 GiB, no limits in the container's cgroup, raised inotify limits.
pub(super) fn healthy_resources() -> Resources {
    let path = || Text::from("/sys/fs/cgroup/init");
    Resources {
        cgroup: CgroupLimits {
            pids: Known(vec![PidsCgroup {
                path: path(),
                max: Known(None),
                current: Known(12),
                refused: Known(0),
            }]),
            memory: Known(vec![MemoryCgroup {
                path: path(),
                max: Known(None),
                high: Known(None),
                inherited: Fact::missing("memory.stat", Why::NotFound),
                oom_kills: Known(0),
            }]),
            cpu: Known(vec![CpuCgroup {
                path: path(),
                quota: Known(None),
                periods: Known(0),
                throttled: Known(0),
            }]),
            tree: Known(vec![TreeCgroup {
                path: path(),
                descendants: Known(10),
                dying: Known(0),
                max: Known(None),
            }]),
        },
        inotify: Inotify {
            instances: Known(8192),
            watches: Known(524_288),
            namespace_instances: Known(8192),
            namespace_watches: Known(524_288),
            in_use: Known(InotifyUse::default()),
        },
        open_files: Known(Rlimit { soft: Some(1_048_576), hard: Some(1_048_576) }),
        containerd_open_files: None,
        init_script: Known(None),
        processes: Known(Rlimit { soft: None, hard: None }),
        pid_max: Known(4_194_304),
        threads_max: Known(127_000),
        key_users: Known(vec![KeyUser {
            uid: 0,
            keys: 12,
            max_keys: 1_000_000,
            bytes: 250,
            max_bytes: 25_000_000,
        }]),
        memory: Known(Memory {
            total: 16 << 30,
            available: Some(12 << 30),
            commit_limit: Some(8 << 30),
            committed: Some(2 << 30),
        }),
        cpus: Known(4),
        swaps: Known(vec![]),
        podman_ulimits: Known(vec![]),
        podman_defaults: Known(PodmanDefaults::default()),
    }
}
