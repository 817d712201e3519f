//! What is changed, with what was there before.

use std::{fs, io, os::unix::fs::PermissionsExt};

use serde::{Deserialize, Serialize};

use super::{files, mounts};

/// A change that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum Action {
    /// What a file holds; `None` where there is none.
    File {
        /// The file.
        path: String,
        /// What it held.
        before: Option<String>,
        /// What it is to hold.
        after: Option<String>,
        /// The permissions that it had, or gets.
        mode: u32,
        /// Its owner and group.
        owner: (u32, u32),
    },
    /// A value that the kernel keeps.
    Value {
        /// The file by which it is set.
        path: String,
        /// What it was.
        before: String,
        /// What it is to be.
        after: String,
    },
    /// The permissions of a file.
    Mode {
        /// The file.
        path: String,
        /// What they were.
        before: u32,
        /// What they are to be.
        after: u32,
    },
    /// Mounts that become shared; `true` for one that gets mounts from elsewhere.
    Shared {
        /// Where they are.
        mounts: Vec<(String, bool)>,
    },
}

/// How things are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Now {
    /// As before the change.
    Before,
    /// As the change has left them.
    After,
    /// Neither.
    Other(String),
}

impl Action {
    /// Makes the change.
    pub(crate) fn carry_out(&self) -> io::Result<()> {
        match self {
            Self::File { path, after, mode, owner, .. } => {
                files::put(path, after.as_deref(), *mode, *owner)
            }
            Self::Value { path, after, .. } => fs::write(path, after),
            Self::Mode { path, after, .. } => files::set_mode(path, *after),
            Self::Shared { mounts } => mounts::share(mounts),
        }
    }

    /// Takes it back.
    pub(crate) fn take_back(&self) -> io::Result<()> {
        match self {
            Self::File { path, before, mode, owner, .. } => {
                files::put(path, before.as_deref(), *mode, *owner)
            }
            Self::Value { path, before, .. } => fs::write(path, before),
            Self::Mode { path, before, .. } => files::set_mode(path, *before),
            Self::Shared { mounts } => mounts::unshare(mounts),
        }
    }

    /// Whether it has been made, and nothing else since.
    pub(crate) fn now(&self) -> io::Result<Now> {
        Ok(match self {
            Self::File { path, before, after, .. } => {
                let content = files::content(path)?;
                either(&content, before, after, || format!("{path} has been changed since"))
            }
            Self::Value { path, before, after } => {
                let value = fs::read_to_string(path)?;
                let of = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ");
                either(&of(&value), &of(before), &of(after), || {
                    format!("{path} is {} now", value.trim())
                })
            }
            Self::Mode { path, before, after } => {
                let mode = fs::symlink_metadata(path)?.permissions().mode() & 0o7777;
                either(&mode, before, after, || format!("the mode of {path} is {mode:o} now"))
            }
            Self::Shared { mounts } => mounts::state(mounts)?,
        })
    }

    /// How it is before the change, where that is said in a word.
    pub(crate) fn instead_of(&self) -> Option<String> {
        match self {
            Self::Value { before, .. } => Some(before.trim().to_owned()),
            Self::Mode { before, .. } => Some(format!("{before:o}")),
            Self::File { .. } | Self::Shared { .. } => None,
        }
    }

    /// What it does, for people.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::File { path, before: None, .. } => format!("write {path}"),
            Self::File { path, after: None, .. } => format!("remove {path}"),
            Self::File { path, .. } => format!("change {path}"),
            Self::Value { path, after, .. } => format!("write {} to {path}", after.trim()),
            Self::Mode { path, after, .. } => format!("give {path} the mode {after:o}"),
            Self::Shared { mounts } => match mounts.as_slice() {
                [(one, _)] => format!("make the mount at {one} shared"),
                [(first, _), more @ ..] => {
                    format!("make the mount at {first} and {} below it shared", more.len())
                }
                [] => "make no mount shared".to_owned(),
            },
        }
    }
}

fn either<T: PartialEq>(now: &T, before: &T, after: &T, other: impl FnOnce() -> String) -> Now {
    if now == after {
        Now::After
    } else if now == before {
        Now::Before
    } else {
        Now::Other(other())
    }
}
