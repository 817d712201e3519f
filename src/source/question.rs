//! What can be asked of a source.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// One question. Its serialised form is the key under which a bundle keeps the answer.
///
/// Paths are text: what the kernel lists that is not UTF-8 is asked for by its percent-encoded bytes
/// (see [`super::Entry`]).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Question {
    /// The content of a file, up to `limit` bytes; more is refused as too large.
    Read {
        /// Absolute path.
        path: String,
        /// Bytes.
        limit: u32,
    },
    /// Of a file of paragraphs separated by empty lines, those that have one of `lines` as a whole line:
    /// the records of a few packages out of a package database.
    Paragraphs {
        /// Absolute path.
        path: String,
        /// Lines to look for.
        lines: Vec<String>,
    },
    /// Of a database of rpm, those of `names` that are installed. It may have 100 MiB, and names nothing in
    /// plain text.
    RpmPackages {
        /// Absolute path of `rpmdb.sqlite`, `Packages.db` or `Packages`.
        path: String,
        /// Names of packages.
        names: Vec<String>,
    },
    /// Of a JSON or YAML file, the values at these places, as JSON, and nothing else: client configuration
    /// holds credentials beside what is judged, and they never leave the source.
    Values {
        /// Absolute path.
        path: String,
        /// Keys joined by `/`; `*` stands for each element of an array: `clusters/*/name`.
        keys: Vec<String>,
    },
    /// The target of a symbolic link.
    ReadLink {
        /// Absolute path.
        path: String,
    },
    /// `realpath(3)`: all links resolved; everything must exist.
    Resolve {
        /// Absolute path.
        path: String,
    },
    /// Names in a directory, sorted, with their types.
    List {
        /// Absolute path.
        path: String,
        /// At most so many.
        limit: u32,
    },
    /// `stat(2)`, links followed.
    Stat {
        /// Absolute path.
        path: String,
    },
    /// `statfs(2)`, links followed.
    StatFs {
        /// Absolute path.
        path: String,
    },
    /// `faccessat2(AT_EACCESS)`: would this be allowed? Nothing is opened.
    Access {
        /// Absolute path.
        path: String,
        /// What for.
        access: Access,
    },
    /// Whether a file has an extended attribute (`getxattr(2)`, links followed); its value is not kept.
    Attribute {
        /// Absolute path.
        path: String,
        /// `security.capability`.
        name: String,
    },
    /// The error number of a system call whose arguments the kernel refuses, so that nothing happens: a
    /// seccomp filter answers before the kernel looks at them. Asked in the forked helper, since a filter
    /// may kill the caller.
    SystemCall {
        /// Which.
        call: SystemCall,
    },
    /// The doctor's own ids.
    Ids,
    /// `uname(2)`.
    Uname,
    /// The value of one environment variable, and of no other: of the doctor itself, or of a process.
    Variable {
        /// The process; `None` for the doctor itself.
        pid: Option<u32>,
        /// Its name.
        name: String,
    },
    /// Open inotify instances by user: the descriptors of this PID namespace's processes that are one. A
    /// link per descriptor would fill a bundle.
    InotifyInstances,
    /// The system's clocks, and when the doctor that reads them was released.
    Clocks,
    /// Waits, so that what is asked next is a second sample. A bundle does not wait.
    Pause {
        /// How long.
        milliseconds: u32,
    },
    /// `GET /version` of the Engine API. Connects only if nothing is started by it: the process is in the
    /// doctor's own mount namespace and root, and holds the listening socket; else it is not probed.
    EngineVersion {
        /// The engine's process.
        pid: u32,
        /// Absolute path of its socket.
        socket: String,
    },
    /// Links of this network namespace, by rtnetlink.
    Links,
    /// Addresses, by rtnetlink.
    Addresses,
    /// Routes of all tables, by rtnetlink.
    Routes,
    /// `getsockopt(IP_MTU)` of a UDP socket connected to the destination; nothing is sent.
    PathMtu {
        /// Towards where.
        destination: IpAddr,
    },
    /// Tables of nf_tables with their chains and numbers of rules, by nfnetlink. Only asked where that
    /// cannot load a module.
    NftTables,
    /// `IPT_SO_GET_INFO` of a legacy table: its number of entries. Only asked of registered tables.
    LegacyEntries {
        /// 4 or 6.
        family: u8,
        /// `nat`, `filter`, …
        table: String,
    },
}

/// What access is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// `R_OK | W_OK`.
    ReadWrite,
    /// `W_OK`.
    Write,
    /// `X_OK`.
    Execute,
}

/// A system call that a seccomp filter may refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SystemCall {
    /// `clone(CLONE_NEWUSER | CLONE_FS)`, which the kernel refuses with EINVAL (since 3.9).
    CloneNewUser,
    /// `clone3(NULL, 0)`: EINVAL.
    Clone3,
    /// `keyctl` with an operation that does not exist: EOPNOTSUPP.
    Keyctl,
}

impl Question {
    /// The path that is looked up, if it is about one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Read { path, .. }
            | Self::Paragraphs { path, .. }
            | Self::RpmPackages { path, .. }
            | Self::Values { path, .. }
            | Self::ReadLink { path }
            | Self::Resolve { path }
            | Self::List { path, .. }
            | Self::Stat { path }
            | Self::StatFs { path }
            | Self::Attribute { path, .. }
            | Self::EngineVersion { socket: path, .. }
            | Self::Access { path, .. } => Some(path),
            _ => None,
        }
    }
}
