//! The commands that prepare a cgroup for nesting, shared by remedies.

use alloc::string::String;

use crate::remedy::{Place, Remedy, Task};

/// The controllers that limits of `docker run` need.
pub(super) const DOCKER_CONTROLLERS: [&str; 3] = ["cpu", "memory", "pids"];

/// Where engines look for the unified hierarchy.
pub(super) const MOUNT_POINT: &str = "/sys/fs/cgroup";

/// Starts `command` in a cgroup namespace of its own, with a mount that agrees with it and nesting prepared.
pub(super) fn renamespaced(command: &str) -> Task {
    Task::CgroupNamespace { command: command.into(), prepared: true }
}

/// The step that a cgroup namespace of its own needs after it.
pub(super) fn prepared() -> Remedy {
    Remedy::tasks(
        Place::Image,
        "in the entrypoint, before the daemon: move all processes to a leaf, and enable controllers",
        [Task::CgroupLeaf { directory: MOUNT_POINT.into() }],
    )
}

/// Replaces the mount at `/sys/fs/cgroup` by one that shows the namespace's own root.
pub(super) fn remount() -> [Task; 2] {
    [
        Task::Unmount { target: MOUNT_POINT.into(), remove: false },
        Task::Mount {
            kind: "cgroup2".into(),
            source: "cgroup2".into(),
            options: String::new(),
            target: MOUNT_POINT.into(),
            make: false,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_path_stays_one_word() {
        let step = Task::CgroupLeaf { directory: "/sys/fs/cgroup/$(reboot)".into() };
        assert_eq!(step.commands()[0], "mkdir -p '/sys/fs/cgroup/$(reboot)/init'");
    }

    #[test]
    fn the_script_of_the_new_namespace_is_one_argument() {
        let command = &renamespaced("dockerd").commands()[0];
        let words = shlex::split(command).unwrap();
        assert_eq!(words[..5], ["unshare", "--cgroup", "--", "sh", "-ec"]);
        assert!(words[5].starts_with("umount /sys/fs/cgroup; mount -t cgroup2"));
        assert!(words[5].ends_with("exec \"$@\""));
        assert_eq!(words[6..], ["--", "dockerd"]);
    }
}
