//! The commands that prepare a cgroup for nesting, shared by remedies.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use crate::remedy::{Place, Remedy, quote};

/// The controllers that limits of `docker run` need.
pub(super) const DOCKER_CONTROLLERS: [&str; 3] = ["cpu", "memory", "pids"];

/// Where engines look for the unified hierarchy.
pub(super) const MOUNT_POINT: &str = "/sys/fs/cgroup";

/// Moves every process of `directory` into the leaf `init`, and enables for its other children what it
/// has. Processes fork meanwhile, so this is tried until the kernel accepts it, and not for ever. The
/// leaf gets the CPU quota too, because Go and Java look for it in their own cgroup only.
pub(super) fn evacuate(directory: &str) -> Vec<String> {
    let path = |name: &str| quote(&format!("{directory}/{name}"));
    let (procs, leaf) = (path("cgroup.procs"), path("init/cgroup.procs"));
    let (available, enabled) = (path("cgroup.controllers"), path("cgroup.subtree_control"));
    let (quota, leaf_quota) = (path("cpu.max"), path("init/cpu.max"));
    vec![
        format!("mkdir -p {}", path("init")),
        format!(
            "for i in $(seq 50); do xargs -rn1 < {procs} > {leaf} 2>/dev/null || :; \
             sed -e \"s/ / +/g\" -e \"s/^/+/\" < {available} > {enabled} 2>/dev/null && break; \
             sleep 0.1; done"
        ),
        format!("[ ! -e {quota} ] || cat {quota} > {leaf_quota}"),
    ]
}

/// Starts `command` in a cgroup namespace of its own, with a mount that agrees with it and nesting
/// prepared. The mount has to be made anew: the old one keeps showing the tree that it was made in.
pub(super) fn renamespaced(command: &str) -> String {
    let mut script = remount();
    script.extend(evacuate(MOUNT_POINT));
    script.push("exec \"$@\"".to_string());
    format!("unshare --cgroup -- sh -ec {} -- {command}", quote(&script.join("; ")))
}

/// Replaces the mount at `/sys/fs/cgroup` by one that shows the namespace's own root.
/// The step that a cgroup namespace of its own needs after it.
pub(super) fn prepared() -> Remedy {
    Remedy::commands(
        Place::Image,
        "in the entrypoint, before the daemon: move all processes to a leaf, and enable controllers",
        evacuate(MOUNT_POINT),
    )
}

/// Starts dockerd with its containers below the cgroup in which the container finds itself at each start.
pub(super) fn below_own() -> Vec<String> {
    let own =
        "own=$(sed -n \"s/^0:://p\" /proc/self/cgroup); own=${own%/init}; base=/sys/fs/cgroup$own";
    vec![
        own.into(),
        "mkdir -p \"$base/init\"".into(),
        "for i in $(seq 50); do xargs -rn1 < \"$base/cgroup.procs\" > \"$base/init/cgroup.procs\" 2>/dev/null || :; \
         sed -e \"s/ / +/g\" -e \"s/^/+/\" < \"$base/cgroup.controllers\" > \"$base/cgroup.subtree_control\" \
         2>/dev/null && break; sleep 0.1; done"
            .into(),
        "exec dockerd --cgroup-parent=\"$own/docker\"".into(),
    ]
}

pub(super) fn remount() -> Vec<String> {
    vec![format!("umount {MOUNT_POINT}"), format!("mount -t cgroup2 cgroup2 {MOUNT_POINT}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_path_stays_one_word() {
        let commands = evacuate("/sys/fs/cgroup/$(reboot)");
        assert_eq!(commands[0], "mkdir -p '/sys/fs/cgroup/$(reboot)/init'");
    }

    #[test]
    fn the_script_of_the_new_namespace_is_one_argument() {
        let command = renamespaced("dockerd");
        let words = shlex::split(&command).unwrap();
        assert_eq!(words[..5], ["unshare", "--cgroup", "--", "sh", "-ec"]);
        assert!(words[5].starts_with("umount /sys/fs/cgroup; mount -t cgroup2"));
        assert!(words[5].ends_with("exec \"$@\""));
        assert_eq!(words[6..], ["--", "dockerd"]);
    }
}
