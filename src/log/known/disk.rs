//! Space, quotas and errors of disks; mounts that cannot be written or removed.

use super::{Entry, Table};

pub(super) const TABLE: Table = Table {
    causes: &[
        // Disk space; inotify and user namespaces answer with the same error number.
        ("write /…: no space left on device", &["disk-inode-pressure"]),
        ("write …/…: no space left on device", &["disk-inode-pressure"]),
        ("mkdir /var/…: no space left on device", &["disk-inode-pressure"]),
        ("mkdir …/overlay2/…: no space left on device", &["disk-inode-pressure"]),
        ("symlink …: no space left on device", &["disk-inode-pressure"]),
        ("open …: no space left on device", &["disk-inode-pressure"]),
        ("copy_file_range …: no space left on device", &["disk-inode-pressure"]),
        ("failed to extract layer …: no space left on device", &["disk-inode-pressure"]),
        ("failed to register layer: …: no space left on device", &["disk-inode-pressure"]),
        ("failed to copy: …: no space left on device", &["disk-inode-pressure"]),
        (
            "no space left on device",
            &[
                "disk-inode-pressure",
                "inotify-exhausted",
                "cgroup-leak",
                "userns-blocked",
                "cgroup-v1-controller-drift",
            ],
        ),
        ("cannot write …: No space left on device", &["disk-inode-pressure"]),
        ("You don't have enough free space in", &["disk-inode-pressure"]),
        ("failed to garbage collect required amount of images", &["disk-inode-pressure"]),
        ("Disk usage on image filesystem is over the high threshold", &["disk-inode-pressure"]),
        (
            "eviction manager: attempting to reclaim\" resourceName=\"ephemeral-storage",
            &["disk-inode-pressure"],
        ),
        (
            "eviction manager: must evict pod(s) to reclaim\" resourceName=\"ephemeral-storage",
            &["disk-inode-pressure"],
        ),
        (
            "eviction manager: must evict pod(s) to reclaim\" resourceName=\"memory",
            &["memory-cpu-too-small"],
        ),
        ("had untolerated taint {node.kubernetes.io/disk-pressure", &["disk-inode-pressure"]),
        ("had untolerated taint {node.kubernetes.io/memory-pressure", &["memory-cpu-too-small"]),
        (
            "Pod ephemeral local storage usage exceeds the total limit of containers",
            &["disk-inode-pressure"],
        ),
        ("write …: disk quota exceeded", &["disk-quota"]),
        ("mkdir …: disk quota exceeded", &["disk-quota"]),
        ("cannot write …: Disk quota exceeded", &["disk-quota"]),
    ],
    symptoms: &[],
    entries: &[
        Entry {
            id: "disk-failing",
            title: "The disk or its filesystem reports errors",
            cause: "The kernel could not read or write a block device, or made a filesystem read-only after an error.",
            fix: &[
                "sudo dmesg | grep -iE 'I/O error|EXT4-fs|XFS'  names the device",
                "Check the disk and its filesystem on the host (smartctl -a, fsck, xfs_repair) before anything else.",
            ],
            symptom: false,
        },
        Entry {
            id: "disk-quota",
            title: "A quota of the filesystem is used up",
            cause: "The user, project or dataset may not write more, whatever df says of the disk.",
            fix: &[
                "quota -s; or on the host: repquota -a, xfs_quota -x -c report, zfs get quota",
                "Raise the quota, or put the data root on a volume without one.",
            ],
            symptom: false,
        },
        Entry {
            id: "mount-in-use",
            title: "A mount is still in use somewhere and cannot be removed",
            cause: "Another mount namespace (an older container, a monitoring agent that mounts /, a leftover of an earlier daemon) holds it.",
            fix: &[
                "sudo grep -l ID /proc/*/mountinfo  names the processes, with the id from the message",
                "Restart that process, then remove it again.",
            ],
            symptom: false,
        },
        Entry {
            id: "data-root-read-only",
            title: "The engine's data root is on a read-only filesystem",
            cause: "The container's root is read-only (readOnlyRootFilesystem, --read-only) or the volume is mounted so, and the engine must write there.",
            fix: &[
                "Mount a volume at the data root: -v docker-data:/var/lib/docker, or an emptyDir in a pod",
                "Or point it to a place that can be written: dockerd --data-root DIRECTORY",
            ],
            symptom: false,
        },
    ],
};
