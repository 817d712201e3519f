//! What a source can answer.

use std::sync::Arc;

use dind_doctor_checks::facts::{
    Address, EngineVersion, InotifyUse, Link, NftTable, Reading, Route, TrialName, Trials, Why,
};
use serde::{Deserialize, Serialize};

use super::Question;

/// An answer of any kind; which one depends on the question. Where the question is known, so is its type:
/// [`Ask::Answer`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// `Read`, `Paragraphs`, `Values`. A bundle keeps them apart from the manifest.
    #[serde(skip)]
    Bytes(Arc<Vec<u8>>),
    /// `ReadLink`, `Resolve`; bytes that are not UTF-8 percent-encoded.
    Path(String),
    /// `List`.
    Listing(Listing),
    /// `Stat`.
    Stat(Stat),
    /// `StatFs`.
    StatFs(StatFs),
    /// `Access` that would be granted, `Attribute` that is there, and `Pause`.
    Done,
    /// `Ids`.
    Ids(Ids),
    /// `Uname`.
    Uname(Uname),
    /// `Variable`: its value if it is set; bytes that are not UTF-8 replaced.
    Variable(Option<String>),
    /// `InotifyInstances`.
    InotifyInstances(InotifyUse),
    /// `Clocks`.
    Clocks(Reading),
    /// `Links`.
    Links(Vec<Link>),
    /// `Addresses`.
    Addresses(Vec<Address>),
    /// `Routes`.
    Routes(Vec<Route>),
    /// `PathMtu`, `LegacyEntries`, `SystemCall`: its error number.
    Number(u32),
    /// `NftTables`.
    NftTables(Vec<NftTable>),
    /// `EngineVersion`.
    EngineVersion(EngineVersion),
    /// `RpmPackages`, sorted.
    Packages(Vec<Package>),
    /// `Trials`.
    Trials(Tried),
}

/// A question as a type of its own, which knows the type of its answer.
pub trait Ask: Into<Question> {
    /// What is answered.
    type Answer: Answered;
}

/// What can be an answer: one type for each kind of [`Answer`].
pub trait Answered: Sized {
    /// As an answer to whatever question.
    fn erased(self) -> Answer;

    /// The answer, if it is one of this type.
    fn revealed(answer: Answer) -> Option<Self>;
}

macro_rules! answered {
    ($($type:ty => $kind:ident),* $(,)?) => {
        $(impl Answered for $type {
            fn erased(self) -> Answer {
                Answer::$kind(self)
            }

            fn revealed(answer: Answer) -> Option<Self> {
                match answer {
                    Answer::$kind(answer) => Some(answer),
                    _ => None,
                }
            }
        })*
    };
}

answered! {
    Arc<Vec<u8>> => Bytes,
    String => Path,
    Listing => Listing,
    Stat => Stat,
    StatFs => StatFs,
    Ids => Ids,
    Uname => Uname,
    Option<String> => Variable,
    InotifyUse => InotifyInstances,
    Reading => Clocks,
    Vec<Link> => Links,
    Vec<Address> => Addresses,
    Vec<Route> => Routes,
    u32 => Number,
    Vec<NftTable> => NftTables,
    EngineVersion => EngineVersion,
    Vec<Package> => Packages,
    Tried => Trials,
}

impl Answered for () {
    fn erased(self) -> Answer {
        Answer::Done
    }

    fn revealed(answer: Answer) -> Option<Self> {
        (answer == Answer::Done).then_some(())
    }
}

impl Answer {
    /// The content of a file. It is shared: a bundle has one body for all files that are the same, and so have its
    /// recording and its replay.
    pub fn bytes(content: Vec<u8>) -> Self {
        Self::Bytes(Arc::new(content))
    }
}

/// What was tried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// As facts.
    pub trials: Trials,
    /// Trials that could not be planned, for a panic that said this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crashed: Vec<(TrialName, String)>,
}

/// A package that is installed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// What counts before the version, if anything does.
    pub epoch: Option<u32>,
    /// The version of the software.
    pub version: String,
    /// The distribution's release of that version.
    pub release: String,
}

/// Names in a directory.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Listing {
    /// Sorted by name.
    pub entries: Vec<Entry>,
    /// Whether there are more than the limit.
    pub truncated: bool,
}

/// A directory entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// Its name; bytes that are not UTF-8, and `%` before two hexadecimal digits, percent-encoded, so
    /// that a path made of it can be asked for.
    pub name: String,
    /// Its type as `getdents64(2)` gives it.
    pub kind: EntryKind,
}

/// `d_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// `DT_DIR`.
    Directory,
    /// `DT_REG`.
    File,
    /// `DT_LNK`.
    Link,
    /// A device, socket or pipe.
    Other,
    /// `DT_UNKNOWN`: the filesystem does not say.
    Unknown,
}

/// The part of `stat(2)` that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// `st_mode`, type and permissions.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// `st_dev` as `(major, minor)`.
    pub dev: (u32, u32),
    /// `st_rdev` as `(major, minor)`.
    pub rdev: (u32, u32),
    /// Inode number.
    pub ino: u64,
}

/// The part of `statfs(2)` that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatFs {
    /// `f_type`.
    pub magic: u64,
    /// `f_bsize`, in bytes.
    pub block_size: u64,
    /// `f_blocks`.
    pub blocks: u64,
    /// `f_bavail`: free for unprivileged users.
    pub available: u64,
    /// `f_files`: inodes; 0 where the filesystem has no fixed number.
    pub files: u64,
    /// `f_ffree`.
    pub files_free: u64,
    /// Whether directory entries carry their type, as xfs says of itself; no other filesystem does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub d_type: Option<bool>,
}

/// The doctor's own ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// Process id.
    pub pid: u32,
    /// Effective user.
    pub euid: u32,
    /// Effective group.
    pub egid: u32,
    /// Supplementary groups, sorted.
    pub groups: Vec<u32>,
}

/// `uname(2)`, without the host name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uname {
    /// Kernel release.
    pub release: String,
    /// Kernel version: build number and date.
    pub version: String,
    /// Hardware name.
    pub machine: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The kernel said this.
    Errno(i32),
    /// More than the limit.
    TooLarge,
    /// Not before the deadline.
    TimedOut,
    /// A seccomp filter kills who asks.
    Killed,
    /// The answer could not be understood.
    Malformed,
    /// The bundle is older than the question.
    NotRecorded,
    /// Taken out of the bundle.
    Redacted,
    /// Asking could have changed the machine, so nobody was asked.
    NotProbed,
}

impl Refusal {
    /// As the reason of a missing fact.
    pub fn why(self) -> Why {
        match self {
            Self::Errno(libc::EACCES | libc::EPERM) | Self::Killed => Why::NotPermitted,
            Self::Errno(libc::ENOENT | libc::ENOTDIR | libc::ESRCH) => Why::NotFound,
            Self::Errno(
                libc::ENOSYS | libc::EOPNOTSUPP | libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT,
            ) => Why::Unsupported,
            Self::Errno(errno) => Why::Io(errno),
            Self::TooLarge => Why::TooLarge,
            Self::TimedOut => Why::TimedOut,
            Self::Malformed => Why::Malformed,
            Self::NotRecorded => Why::NotRecorded,
            Self::Redacted => Why::Redacted,
            Self::NotProbed => Why::NotProbed,
        }
    }
}
