//! Where the facts of this run come from.

use std::{
    fmt,
    io::{self, Read},
    path::Path,
    time::{Duration, Instant},
};

use super::Trouble;
use crate::{
    bundle::{self, BundleError, Recording, Replay},
    file::{self, Opened},
    source::{LiveSource, Source},
    text,
};

/// A JSON report is never larger: the largest that was seen has 1 MiB. In memory it takes ten times as much.
const LIMIT: u64 = 16 * 1024 * 1024;
/// How a compressed archive begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What was saved of a run.
pub(super) enum Saved {
    /// What was asked and answered.
    Bundle(Recording),
    /// The content of a file that is no bundle: a JSON report, if anything.
    File(Vec<u8>),
}

/// Reads what is saved at `path`; what is wrong with it is safe to print.
pub(super) fn saved(path: &Path) -> Result<Saved, String> {
    let said = |error: &dyn fmt::Display| text::escape(&error.to_string()).into_owned();
    let of_bundle = |recording: Result<Recording, BundleError>| {
        recording.map(Saved::Bundle).map_err(|error| error.reason())
    };
    let mut file = match file::open(path).map_err(|error| said(&error))? {
        Opened::Directory(directory) => return of_bundle(bundle::read_directory(path, &directory)),
        Opened::File(file, _) => file,
    };
    let mut content = Vec::new();
    let mut head = (&mut file).take(GZIP.len() as u64);
    head.read_to_end(&mut content).map_err(|error| said(&error))?;
    if content == GZIP {
        return of_bundle(bundle::read_archive(path, io::Cursor::new(content).chain(file)));
    }
    file.take(LIMIT + 1).read_to_end(&mut content).map_err(|error| said(&error))?;
    if content.len() as u64 > LIMIT {
        return Err(format!("more than {} MiB", LIMIT / 1024 / 1024));
    }
    Ok(Saved::File(content))
}

/// The bundle at `from`, or this machine until `end`.
pub(super) fn open(from: Option<&Path>, end: Instant) -> Result<Box<dyn Source>, Trouble> {
    Ok(match from {
        None => Box::new(live(end)),
        Some(path) => {
            let recording = bundle::read(path).map_err(|e| Trouble::Source(e.to_string()))?;
            Box::new(Replay::new(recording))
        }
    })
}

/// This machine until `end`.
pub(super) fn live(end: Instant) -> LiveSource {
    LiveSource::new(end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)))
}
