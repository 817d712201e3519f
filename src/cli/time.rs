//! The time that a run has.

use std::time::{Duration, Instant};

use super::Console;
use crate::{
    rehearsal::{DEADLINE, ENGINES},
    sys::alarm,
};

/// A run that has all answers in time needs this for judging and writing, on a machine that is busy.
const GRACE: Duration = Duration::from_secs(2);

/// What a trial that runs when the time is over may take to end, and its guardian to clean up.
const TRIAL: Duration = Duration::from_secs(5);

/// The time of a run. When it is over and a grace has passed, the process ends, whatever it is at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    /// When nothing is asked any more.
    pub(super) end: Instant,
    /// What one rehearsal may take.
    pub(super) each: Duration,
    last: Instant,
}

impl Time {
    /// From now on.
    pub(super) fn begin(timeout: Duration) -> Self {
        Self::begin_with(timeout, GRACE)
    }

    /// From now on, where things are tried.
    pub(super) fn begin_with_trials(timeout: Duration) -> Self {
        Self::begin_with(timeout, GRACE + TRIAL)
    }

    /// From now on, where engines are started, each of which has [`Time::each`].
    pub(super) fn begin_with_rehearsals(timeout: Duration) -> Self {
        let each = timeout.max(DEADLINE);
        let all = (each + TRIAL) * u32::try_from(ENGINES.len()).unwrap_or(u32::MAX);
        Self { each, ..Self::begin_with(timeout, GRACE + TRIAL + all) }
    }

    fn begin_with(timeout: Duration, grace: Duration) -> Self {
        let end = Instant::now() + timeout;
        let time = Self { end, each: Duration::ZERO, last: end + grace };
        time.resume();
        time
    }

    /// What was begun has no end.
    pub(super) fn forever() {
        alarm::set(None);
    }

    fn resume(self) {
        let left = self.last.saturating_duration_since(Instant::now());
        alarm::set(Some(left.max(Duration::from_millis(1))));
    }

    /// Lets `write` write to standard output. Where a person watches, a pager may stand behind it, and people read
    /// slowly: that takes no time of the run.
    pub(super) fn printing<T>(self, console: &Console, write: impl FnOnce() -> T) -> T {
        if !console.err_is_terminal {
            return write();
        }
        let begin = Instant::now();
        alarm::set(None);
        let result = write();
        Self { last: self.last + begin.elapsed(), ..self }.resume();
        result
    }
}
