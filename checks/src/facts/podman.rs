//! What podman is told by `containers.conf(5)`.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Facts, Text};

/// Defaults of containers, of the first file that sets each: the user's, the administrator's, the distribution's.
/// What no file sets is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodmanDefaults {
    /// `runtime` of the engine: `crun`, `runc`, or a path; podman's own default is the first that is there.
    #[serde(default)]
    pub runtime: Text,
    /// `netns`: `private`, `host`, `none`, ….
    pub netns: Text,
    /// `cgroups`: `enabled`, `disabled`, `no-conmon`, `split`.
    pub cgroups: Text,
    /// `pids_limit`: tasks; 0 and -1 are no limit. podman's own default is 2048.
    pub pids_limit: Option<i64>,
    /// Paths of the container that `volumes` mounts something at.
    pub volumes: Vec<Text>,
}

impl Facts {
    /// The file in which the doctor's user tells podman.
    pub fn containers_conf(&self) -> &'static str {
        if self.identity.euid.is_known_and(|euid| *euid == 0) {
            "/etc/containers/containers.conf"
        } else {
            "~/.config/containers/containers.conf"
        }
    }
}

impl PodmanDefaults {
    /// Whether containers share the network namespace, or have an empty one.
    pub fn makes_no_network(&self) -> bool {
        matches!(self.netns.as_str(), "host" | "none")
    }

    /// Whether containers get a `/proc` from outside.
    pub fn binds_proc(&self) -> bool {
        self.volumes.iter().any(|path| *path == "/proc")
    }

    /// How many tasks a container may have, or `None` for any number.
    pub fn tasks(&self) -> Option<u64> {
        match self.pids_limit {
            None => Some(2048),
            Some(limit) => u64::try_from(limit).ok().filter(|limit| *limit > 0),
        }
    }
}
