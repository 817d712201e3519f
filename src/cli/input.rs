//! Small files that a run is told to read.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::Trouble;
use crate::source::{Limits, LiveSource, Refusal, ask, path};

/// A path, safe to print.
pub(super) use crate::text::path as name;

/// Nobody writes more by hand.
const LIMIT: u32 = 1024 * 1024;

/// How long to wait for all such files.
const PATIENCE: Duration = Duration::from_secs(5);

/// A file that was read.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// What is asked for such files.
pub(super) fn source() -> LiveSource {
    LiveSource::with_limits(PATIENCE, Limits::of_files(LIMIT))
}

/// The file, or `None` if there is none: regular, of at most [`LIMIT`] bytes and UTF-8. Like everything
/// else it is asked of the live source, which does not wait for a pipe, a device or a dead server.
pub(super) fn read_if_there(path: &Path, source: &LiveSource) -> Result<Option<Input>, Trouble> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let path_text = path::encode(absolute.as_os_str().as_encoded_bytes());
    let bytes = match ask(source, ask::Read { path: path_text }) {
        Ok(bytes) => Arc::unwrap_or_clone(bytes),
        Err(Refusal::Errno(libc::ENOENT | libc::ENOTDIR)) => return Ok(None),
        Err(refusal) => return Err(unreadable(path, &reason(refusal))),
    };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(Input { path: path.to_owned(), text })),
        Err(error) => {
            let before =
                String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()])
                    .into_owned();
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            Err(Trouble::Usage(format!("{}:{line}:{column}: not UTF-8", name(path))))
        }
    }
}

/// The same of a file that has to be there.
pub(super) fn read(path: &Path, source: &LiveSource) -> Result<Input, Trouble> {
    read_if_there(path, source)?.ok_or_else(|| unreadable(path, "there is no such file"))
}

fn unreadable(path: &Path, why: &str) -> Trouble {
    Trouble::Usage(format!("cannot read {}: {why}", name(path)))
}

fn reason(refusal: Refusal) -> String {
    match refusal {
        Refusal::Errno(libc::EINVAL) => "not a regular file".to_owned(),
        Refusal::Errno(errno) => nix::errno::Errno::from_raw(errno).desc().to_owned(),
        Refusal::TooLarge => format!("more than {} KiB", LIMIT / 1024),
        Refusal::TimedOut => "no answer in time".to_owned(),
        other => other.why().to_string(),
    }
}
