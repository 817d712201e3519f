//! Clocks.

use serde::{Deserialize, Serialize};

use super::Fact;

/// Clocks at one instant, as the kernel gives them. All in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// `CLOCK_REALTIME`, since 1970.
    pub realtime: i64,
    /// How long the machine was suspended: `CLOCK_BOOTTIME` less `CLOCK_MONOTONIC`.
    pub suspended: i64,
    /// Whether the kernel takes its clock to be synchronised: no `STA_UNSYNC` in `adjtimex(2)`; `None`
    /// where that is not allowed.
    pub synchronized: Option<bool>,
    /// When the doctor that took the reading was released, since 1970. It is kept with the reading, so
    /// that a later release does not find an older recording to be from the past.
    pub released: i64,
}

/// Clocks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Clocks {
    /// The system's clocks.
    pub system: Fact<Reading>,
    /// `/sys/class/rtc/rtc0/since_epoch`: the hardware clock read as UTC, in seconds since 1970.
    pub hardware: Fact<i64>,
}
