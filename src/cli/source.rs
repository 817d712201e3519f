//! Where the facts of this run come from.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::Trouble;
use crate::{
    bundle::{self, Replay},
    source::{LiveSource, Source},
};

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
