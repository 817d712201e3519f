//! What user namespaces need: kernel switches, subordinate ids, the programs that map them.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Fact, Text};

/// Switches for user namespaces.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct UserNamespaces {
    /// `/proc/sys/user/max_user_namespaces` of the doctor's own user namespace; that of an ancestor can be
    /// lower. Not-found on kernels before 4.9 and without user namespaces.
    pub max: Fact<u64>,
    /// `/proc/sys/kernel/unprivileged_userns_clone`: whether users without CAP_SYS_ADMIN may make one. True
    /// where the kernel does not have Debian's switch.
    pub unprivileged: Fact<bool>,
    /// `/proc/sys/kernel/apparmor_restrict_unprivileged_userns`: whether AppArmor takes all capabilities
    /// away in a user namespace that an unconfined user made. False where there is no such switch.
    pub apparmor_restricted: Fact<bool>,
    /// Whether the first `bwrap` of `/usr/local/bin` and `/usr/bin` is root's and has the set-user-id bit; false without one.
    #[serde(default)]
    pub set_user_id_bwrap: Fact<bool>,
    /// AppArmor profiles of rootlesskit, podman, bubblewrap and buildkitd, which lift that for the program that they
    /// name: from `/sys/kernel/security/apparmor/profiles`, else the files in `/etc/apparmor.d`. Sorted.
    pub profiles: Fact<Vec<Text>>,
}

/// A range of ids that a user may map: a line of `/etc/subuid` or `/etc/subgid` (`subuid(5)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SubordinateRange {
    /// First id, as seen in this user namespace.
    pub start: u32,
    /// How many.
    pub count: u32,
}

/// `newuidmap` or `newgidmap`, which write the map of a user namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingProgram {
    /// The first on the PATH.
    pub path: Text,
    /// Whether it belongs to root and has the set-user-id bit.
    pub set_user_id: bool,
    /// Whether it has file capabilities (`security.capability`).
    pub file_capabilities: Fact<bool>,
    /// Whether its mount has `nosuid`, which disables both; `None` if the mount table has no answer.
    pub nosuid: Option<bool>,
}

/// Subordinate ids of the doctor's effective user.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SubordinateIds {
    /// The user's name from `/etc/passwd`; `None` if it has no line there.
    pub user: Fact<Option<Text>>,
    /// The group of that line; `None` without one.
    #[serde(default)]
    pub primary_group: Fact<Option<u32>>,
    /// Whether `/etc/login.defs` lets newuidmap take a process of another group than that
    /// (`GRANT_AUX_GROUP_SUBIDS`). Asked only where it is of another.
    #[serde(default)]
    pub other_groups: Fact<bool>,
    /// Services that `passwd:` in `/etc/nsswitch.conf` names beside the file; empty for none, or without such a line.
    #[serde(default)]
    pub accounts: Fact<Vec<Text>>,
    /// The service that `subid:` in `/etc/nsswitch.conf` names instead of the files; `None` for the files.
    pub service: Option<Text>,
    /// Ranges of `/etc/subuid` for this user, by name or number; empty without such a file.
    pub uids: Fact<Vec<SubordinateRange>>,
    /// Ranges of `/etc/subgid` for this user, by name or number; empty without such a file.
    pub gids: Fact<Vec<SubordinateRange>>,
    /// Ranges of everybody in either file, sorted.
    #[serde(default)]
    pub taken: Fact<Vec<SubordinateRange>>,
    /// `newuidmap`; `None` if there is none on the PATH.
    pub newuidmap: Fact<Option<MappingProgram>>,
    /// `newgidmap`; `None` if there is none on the PATH.
    pub newgidmap: Fact<Option<MappingProgram>>,
}
