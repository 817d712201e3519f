//! Tasks: steps by what they set, so that several can be joined, ordered and undone; each knows its commands.

mod commands;
mod phase;

use alloc::{string::String, vec::Vec};

pub use phase::Phase;

/// One change of this environment, of its image or of its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Sysctls, now; at every boot too where a file of `/etc/sysctl.d` is named.
    Sysctl {
        /// Names with dots, and values.
        values: Vec<(String, String)>,
        /// The name of the file.
        file: Option<String>,
    },
    /// Kernel modules, now; at every boot too where a file of `/etc/modules-load.d` is named.
    Modules {
        /// Their names.
        names: Vec<String>,
        /// The name of the file.
        file: Option<String>,
    },
    /// Words of the kernel's command line, for the next boot.
    KernelArguments {
        /// Words to add.
        add: Vec<String>,
        /// Words to take out.
        remove: Vec<String>,
        /// What holds the command line.
        loader: Loader,
    },
    /// A new mount.
    Mount {
        /// Its type.
        kind: String,
        /// Its source.
        source: String,
        /// Its options; may be empty.
        options: String,
        /// Where; made if it is not there.
        target: String,
        /// Whether the directory is made first.
        make: bool,
    },
    /// Other options of a mount that is there.
    Remount {
        /// The options as `mount -o` takes them.
        options: String,
        /// Where.
        target: String,
    },
    /// A mount less.
    Unmount {
        /// Where.
        target: String,
        /// Whether the directory goes with it.
        remove: bool,
    },
    /// A mount and those below it become shared.
    Propagation {
        /// Where.
        target: String,
        /// Whether it is made a mount of its own first.
        bind: bool,
    },
    /// All processes of a cgroup go to a leaf, and its controllers are enabled (cgroup v2).
    CgroupLeaf {
        /// The directory of the cgroup.
        directory: String,
    },
    /// dockerd's cgroups go below the cgroup in which it finds itself when it is started; it is started so.
    CgroupParent(ParentOf),
    /// A program is started in a cgroup namespace of its own.
    CgroupNamespace {
        /// The program and its arguments.
        command: String,
        /// Whether the mount is made anew and nesting prepared (cgroup v2).
        prepared: bool,
    },
    /// A cgroup of v1.
    CgroupDirectory {
        /// Its directory.
        path: String,
        /// Whether it is made.
        make: bool,
        /// Whether it gets its parent's cpuset.
        cpuset: bool,
    },
    /// A value for a file of the kernel.
    Write {
        /// The file.
        path: String,
        /// The value.
        value: String,
    },
    /// A file less.
    RemoveFile(String),
    /// An empty directory less.
    RemoveDirectory(String),
    /// The mode of a file, in octal.
    Mode {
        /// The file.
        path: String,
        /// Its permissions.
        mode: u32,
    },
    /// A file with this text, in place of what it holds.
    File {
        /// The file.
        path: String,
        /// Its lines.
        lines: Vec<String>,
    },
    /// Subordinate ids for a user.
    SubordinateIds(SubordinateGrant),
    /// Packages of the distribution.
    Packages {
        /// Their names at Debian and Ubuntu.
        debian: Vec<String>,
        /// Their names at Alpine; empty where they are not known.
        alpine: Vec<String>,
        /// Their names at Fedora and what comes of it; empty where they are not known.
        fedora: Vec<String>,
    },
    /// Which program a name stands for, as Debian's alternatives have it.
    Alternative {
        /// The name.
        program: String,
        /// The program.
        path: String,
    },
    /// A rule of the firewall.
    Rule {
        /// The program that makes it.
        tool: RuleTool,
        /// The table, for `nft` its family and name.
        table: Vec<String>,
        /// The chain.
        chain: String,
        /// The rule itself, in the tool's words.
        rule: Vec<String>,
    },
    /// Variables of whatever is started next.
    Environment {
        /// Names, and values as a shell reads them: quoted, or with references.
        set: Vec<(String, String)>,
        /// Names to take out.
        unset: Vec<String>,
    },
    /// The image has an init, below which it starts.
    InitInImage,
    /// dockerd is started below the init that Docker ships.
    UnderInit,
    /// A program gets its privilege from its file: by a capability.
    FileCapability {
        /// The file.
        path: String,
        /// As setcap takes it: `cap_setuid=ep`.
        capability: String,
    },
    /// A program gets its privilege from its file: by root's set-user-id bit.
    SetUserId {
        /// The file.
        path: String,
    },
}

/// What holds the kernel's command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loader {
    /// `/etc/default/grub` and update-grub.
    Grub,
    /// `grubby`.
    Grubby,
    /// `/boot/firmware/cmdline.txt`.
    RaspberryPi,
}

/// How the cgroup is found in which a daemon is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParentOf {
    /// By the memory controller's line (cgroup v1).
    Memory,
    /// By the unified hierarchy, in which nesting is prepared first (cgroup v2).
    Unified,
}

/// What makes rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleTool {
    /// `nft insert rule`.
    Nft,
    /// `iptables -A`.
    Iptables,
}

/// Ids for a user's user namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubordinateGrant {
    /// The user's name.
    pub user: String,
    /// The first id.
    pub start: u32,
    /// How many.
    pub count: u32,
    /// In `/etc/subuid`.
    pub users: bool,
    /// In `/etc/subgid`.
    pub groups: bool,
    /// The user's line for `/etc/passwd`, if there is none.
    pub account: Option<String>,
    /// Ranges of users, first and last, that go.
    pub remove_users: Vec<(u32, u64)>,
    /// Ranges of groups, first and last, that go.
    pub remove_groups: Vec<(u32, u64)>,
}

impl Task {
    /// One sysctl, kept in a file of `/etc/sysctl.d`.
    pub fn sysctl(name: impl Into<String>, value: impl Into<String>, file: &str) -> Self {
        let values = alloc::vec![(name.into(), value.into())];
        Self::Sysctl { values, file: (!file.is_empty()).then(|| file.into()) }
    }

    /// Modules, until the next boot.
    pub fn modules<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Modules { names: names.into_iter().map(Into::into).collect(), file: None }
    }

    /// A variable less.
    pub fn unset(name: &str) -> Self {
        Self::Environment { set: Vec::new(), unset: alloc::vec![name.into()] }
    }

    /// A package that is called the same everywhere.
    pub fn package(name: &str) -> Self {
        let names = alloc::vec![String::from(name)];
        Self::Packages { debian: names.clone(), alpine: names.clone(), fedora: names }
    }
}
