//! Where the facts of this run come from.

use std::{path::Path, time::Duration};

use super::Trouble;
use crate::{
    bundle::{self, Replay},
    source::{LiveSource, Source},
};

/// The bundle at `from`, or this machine with `timeout` for the whole run.
pub(super) fn open(from: Option<&Path>, timeout: Duration) -> Result<Box<dyn Source>, Trouble> {
    Ok(match from {
        None => Box::new(LiveSource::new(timeout)),
        Some(path) => {
            let recording = bundle::read(path).map_err(|e| Trouble::Source(e.to_string()))?;
            Box::new(Replay::new(recording))
        }
    })
}
