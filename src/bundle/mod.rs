//! Bundles: a run's questions and answers, recorded once and diagnosed anywhere.
//!
//! A bundle is a directory with `manifest.jsonl` (a header line, then one line per question with its
//! answer, sorted) and `files/<n>` (contents that do not fit a line), or the `.tar.gz` of that.

pub mod account;
mod archive;
mod manifest;
mod record;
mod redact;
mod replay;
mod superset;

use std::{fmt, io, path::PathBuf};

pub use archive::{read, write};
pub use manifest::{Header, Recording};
pub use record::Recorder;
pub(crate) use redact::identifiers;
pub use redact::{Kind as RemovalKind, Redacted, Removal, redact};
pub use replay::Replay;
pub use superset::ask_superset;

/// Why a bundle could not be read or written.
#[derive(Debug)]
pub enum BundleError {
    /// The file or directory.
    Io(PathBuf, io::Error),
    /// It is no bundle, or a damaged one.
    Damaged(PathBuf, String),
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, _) | Self::Damaged(path, _) => {
                write!(f, "{}: {}", path.display(), self.reason())
            }
        }
    }
}

impl BundleError {
    /// What is wrong, without the path.
    pub fn reason(&self) -> String {
        match self {
            Self::Io(_, error) => error.to_string(),
            Self::Damaged(_, what) => format!("not a bundle: {what}"),
        }
    }
}

impl std::error::Error for BundleError {}
