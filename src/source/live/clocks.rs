//! Clocks of the live machine.

use std::time::{Duration, Instant};

use dind_doctor_checks::facts::Reading;
use nix::time::{ClockId, clock_gettime};

use crate::{source::Refusal, sys::clock};

/// When this release was made: 2026-11-01, in seconds since 1970. Changed by hand with each release, since
/// a build that read its own clock would not be reproducible. No clock that is right is behind it.
const RELEASED: i64 = 1_793_491_200;

#[expect(clippy::useless_conversion, reason = "time_t is an i32 on some targets")]
pub(in crate::source) fn read() -> Result<Reading, Refusal> {
    let seconds = |clock| {
        let time = clock_gettime(clock).map_err(|e| Refusal::Errno(e as i32))?;
        Ok(i64::from(time.tv_sec()))
    };
    Ok(Reading {
        realtime: seconds(ClockId::CLOCK_REALTIME)?,
        suspended: seconds(ClockId::CLOCK_BOOTTIME)? - seconds(ClockId::CLOCK_MONOTONIC)?,
        synchronized: clock::is_synchronized().ok(),
        released: RELEASED,
    })
}

/// Lets time pass, if there is so much of it.
pub(in crate::source) fn pause(milliseconds: u32, deadline: Instant) -> Result<(), Refusal> {
    let wanted = Duration::from_millis(milliseconds.into());
    if wanted > deadline.saturating_duration_since(Instant::now()) {
        return Err(Refusal::TimedOut);
    }
    std::thread::sleep(wanted);
    Ok(())
}
