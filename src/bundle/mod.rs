//! Bundles: a run's questions and answers, recorded once and diagnosed anywhere.
//!
//! A bundle is a directory with `manifest.jsonl` (a header line, then one line per question with its
//! answer, sorted) and `files/<n>` (contents that do not fit a line), or the `.tar.gz` of that.

pub mod account;
mod archive;
mod budget;
mod directory;
mod manifest;
mod record;
mod redact;
mod replay;
mod superset;

use std::{
    fmt,
    io::{self, Read},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

pub use manifest::{Header, Recording};
pub use record::Recorder;
pub use redact::{Kind as RemovalKind, Redacted, Removal, redact, redact_document};
pub use replay::Replay;
pub use superset::ask_superset;

use self::{budget::Budget, manifest::Parts};
use crate::{
    file::{self, Opened},
    text,
};

/// Reads a bundle, a directory or a `.tar.gz`.
pub fn read(path: &Path) -> Result<Recording, BundleError> {
    match file::open(path).map_err(|error| BundleError::Io(path.to_owned(), error))? {
        Opened::Directory(directory) => read_directory(path, &directory),
        Opened::File(file, _) => read_archive(path, file),
    }
}

/// Reads a bundle from a directory that is open.
pub(crate) fn read_directory(path: &Path, directory: &OwnedFd) -> Result<Recording, BundleError> {
    assembled(path, |budget| directory::read(directory, budget))
}

/// Reads a bundle from an archive; `path` is its name for errors.
pub(crate) fn read_archive(path: &Path, file: impl Read) -> Result<Recording, BundleError> {
    assembled(path, |budget| archive::read(file, budget))
}

fn assembled(
    path: &Path,
    read: impl FnOnce(&mut Budget) -> io::Result<Parts>,
) -> Result<Recording, BundleError> {
    let mut budget = Budget::new();
    let parts = read(&mut budget).map_err(|error| BundleError::Io(path.to_owned(), error))?;
    Recording::from_parts(&parts, &mut budget)
        .map_err(|what| BundleError::Damaged(path.to_owned(), what))
}

/// Writes a bundle that only its owner may read, to a `.tar.gz` or `.tgz` if the path ends so, else to a directory, and
/// returns its size in bytes. It is there whole or not at all; one that was there stays until then.
pub fn write(recording: &Recording, path: &Path) -> Result<u64, BundleError> {
    let fail = |error| BundleError::Io(path.to_owned(), error);
    let parts = recording.to_parts().map_err(|e| fail(e.into()))?;
    let name = path.to_string_lossy();
    if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        file::private(path, &mut |out| archive::write(&parts, out)).map_err(fail)
    } else {
        directory::write(&parts, path).map_err(fail)
    }
}

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
                write!(f, "{}: {}", text::path(path), self.reason())
            }
        }
    }
}

impl BundleError {
    /// What is wrong, without the path; safe to print, whatever the bundle says.
    pub fn reason(&self) -> String {
        let reason = match self {
            Self::Io(_, error) => error.to_string(),
            Self::Damaged(_, what) => format!("not a bundle: {what}"),
        };
        text::escape(&reason).into_owned()
    }
}

impl std::error::Error for BundleError {}
