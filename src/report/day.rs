//! Days of the calendar.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

/// A day of the Gregorian calendar, in UTC; the earliest of all by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Day {
    year: u16,
    month: u8,
    of_month: u8,
}

impl Day {
    /// The day with these numbers, which are not checked against the calendar.
    pub const fn new(year: u16, month: u8, day: u8) -> Self {
        Self { year, month, of_month: day }
    }

    /// The day of `time`; 1970-01-01 for a clock that is before that.
    pub fn of(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self::after_epoch(seconds / 86_400)
    }

    /// Days are counted from 0000-03-01, so that the leap day is the last of its year and a cycle of
    /// 400 years has always 146097 (Howard Hinnant, "chrono-compatible low-level date algorithms").
    fn after_epoch(days: u64) -> Self {
        let days = days + 719_468;
        let of_cycle = days % 146_097;
        let year_of_cycle =
            (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
        let of_year = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = days / 146_097 * 400 + year_of_cycle + u64::from(month <= 2);
        Self {
            year: u16::try_from(year).unwrap_or(u16::MAX),
            month: u8::try_from(month).unwrap_or(u8::MAX),
            of_month: u8::try_from(day).unwrap_or(u8::MAX),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.of_month)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn seconds_become_days_over_leap_years_and_centuries() {
        for (seconds, day) in [
            (0, "1970-01-01"),
            (86_399, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_709_164_800, "2024-02-29"),
            (1_793_491_200, "2026-11-01"),
            (1_798_761_599, "2026-12-31"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(Day::of(UNIX_EPOCH + Duration::from_secs(seconds)).to_string(), day);
        }
        assert_eq!(Day::of(UNIX_EPOCH - Duration::from_secs(1)), Day::new(1970, 1, 1));
    }

    #[test]
    fn days_are_in_order() {
        assert!(Day::new(2026, 12, 31) < Day::new(2027, 1, 1));
        assert!(Day::new(2027, 1, 31) < Day::new(2027, 2, 1));
        assert!(Day::default() < Day::of(UNIX_EPOCH));
    }
}
