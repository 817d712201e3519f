use alloc::{format, string::String};

use crate::{
    facts::{Facts, Reading},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
    target::Severities,
};

check! {
    /// ## What it looks at
    /// The system's clock beside the day on which this doctor was released, and, where the kernel takes its
    /// clock not to be synchronised (`adjtimex(2)`), beside the hardware clock
    /// (`/sys/class/rtc/rtc0/since_epoch`).
    /// `--active` does not try it: right is what another machine says, and none is asked.
    ///
    /// ## Why it matters
    /// A clock that is behind makes every certificate one of the future: pulls, and `kind create`, end in
    /// `x509: certificate has expired or is not yet valid`. VMs that were paused or restored from a snapshot
    /// wake with the time at which they slept; boards without a battery start in 1970 or 2000.
    ///
    /// ## When it is fine
    /// A synchronised clock, whatever the hardware clock says. A hardware clock in local time differs by
    /// whole quarters of an hour. A clock that nothing synchronises is fine while it is right, which the
    /// doctor cannot know without asking another machine.
    ///
    /// ## How to fix
    /// Set the clock on the host: a container shares it. Let chrony or systemd-timesyncd keep it.
    ///
    /// ## References
    /// `adjtimex(2)`, `rtc(4)`, `time_namespaces(7)`; kind issue 2166.
    "time-skew",
    "The clock is wrong: certificates are not valid",
    { dockerd: Warning, kind: Error },
    ["certificate has expired or is not yet valid", "is not valid yet (invalid for another"]
}

/// Certificates and tokens allow for some minutes.
const SKEW: i64 = 300;

/// Offsets of time zones are multiples of this.
const QUARTER: i64 = 900;

/// How far from such a multiple still counts as one.
const NEAR: i64 = 60;

/// Larger differences are no time zone.
const ZONES: i64 = 15 * 3600;

const DAY: i64 = 86_400;

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let reading = *facts.clocks.system.get()?;
    if reading.realtime < reading.released {
        let days = (reading.released - reading.realtime) / DAY;
        let summary = format!(
            "the clock says {}, {days} days before this doctor was released",
            date(reading.realtime)
        );
        return Ok(finding(facts, &reading, CHECK.worst, summary).into());
    }
    let hardware = facts.clocks.hardware.known().copied();
    let Some(hardware) = hardware.filter(|_| reading.synchronized == Some(false)) else {
        return Ok(Outcome::pass());
    };
    let behind = hardware.saturating_sub(reading.realtime);
    if hardware < reading.released || behind < SKEW || is_zone(behind) {
        return Ok(Outcome::pass());
    }
    let summary =
        format!("the clock is {behind} s behind the hardware clock, and nothing keeps it");
    let finding = finding(facts, &reading, severities!(dockerd: Warning, kind: Warning), summary)
        .evidence("/sys/class/rtc/rtc0/since_epoch", date(hardware));
    Ok(finding.into())
}

/// A hardware clock in local time, as Windows keeps it.
fn is_zone(difference: i64) -> bool {
    let rest = difference % QUARTER;
    difference <= ZONES && (rest <= NEAR || rest >= QUARTER - NEAR)
}

fn finding(facts: &Facts, reading: &Reading, severity: Severities, summary: String) -> Finding {
    let synchronized = match reading.synchronized {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    };
    let place = if facts.runtime.container.is_no() { Place::Here } else { Place::Host };
    Finding::new("CLOCK_REALTIME", severity, summary)
        .evidence("clock_gettime", date(reading.realtime))
        .evidence("release date of this doctor", date(reading.released))
        .evidence("adjtimex: synchronised", synchronized)
        .evidence("CLOCK_BOOTTIME - CLOCK_MONOTONIC", format!("{} s suspended", reading.suspended))
        .remedy(Remedy::commands(
            place,
            "set the clock from the hardware clock if that one is right, then let a time service keep it",
            ["hwclock --hctosys --utc", "timedatectl set-ntp true"],
        ))
}

/// `YYYY-MM-DD` of seconds since 1970 (Howard Hinnant, `civil_from_days`).
fn date(seconds: i64) -> String {
    let days = seconds.div_euclid(DAY) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Why},
        testing::{healthy_container, healthy_vm},
    };

    const NOW: i64 = 1_800_000_000;

    fn with(realtime: i64, hardware: i64, synchronized: Option<bool>) -> Verdict {
        let mut facts = healthy_vm();
        let released = NOW - DAY;
        facts.clocks.system =
            Fact::Known(Reading { realtime, suspended: 0, synchronized, released });
        facts.clocks.hardware = Fact::Known(hardware);
        judged(&facts)
    }

    fn only(verdict: Verdict) -> Finding {
        match verdict {
            Ok(Outcome::Found(mut found)) if found.len() == 1 => found.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_clock_before_the_release_of_the_doctor_is_wrong() {
        let finding = only(with(0, NOW, None));
        assert_eq!(finding.severity, CHECK.worst);
        assert!(finding.summary.contains("1970-01-01"));
    }

    #[test]
    fn a_clock_that_nothing_keeps_and_that_is_behind_is_found() {
        let finding = only(with(NOW, NOW + 7 * DAY + 401, Some(false)));
        assert_eq!(finding.severity, severities!(dockerd: Warning, kind: Warning));
        assert_eq!(only(with(NOW, NOW + 401, Some(false))).severity, finding.severity);
    }

    #[test]
    fn a_synchronised_clock_wins_over_the_hardware() {
        assert_eq!(with(NOW, NOW + 401, Some(true)), Ok(Outcome::pass()));
        assert_eq!(with(NOW, NOW + 401, None), Ok(Outcome::pass()));
        assert_eq!(with(NOW, 0, Some(false)), Ok(Outcome::pass()));
    }

    #[test]
    fn a_hardware_clock_in_local_time_is_no_skew() {
        assert_eq!(with(NOW, NOW + 7200, Some(false)), Ok(Outcome::pass()));
        assert_eq!(with(NOW, NOW + 5 * 3600 + 2700 - 5, Some(false)), Ok(Outcome::pass()));
        assert_eq!(with(NOW, NOW - 7200, Some(false)), Ok(Outcome::pass()));
    }

    #[test]
    fn healthy_clocks_pass_and_a_machine_need_not_have_two() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        let mut facts = healthy_container();
        facts.clocks.hardware = Fact::missing("rtc0", Why::NotFound);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn without_the_clock_it_is_unknown() {
        let mut facts = healthy_vm();
        facts.clocks.system = Fact::missing("clock_gettime", Why::NotRecorded);
        assert!(judged(&facts).is_err());
    }

    #[test]
    fn days_have_dates() {
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(date(1_793_491_200), "2026-11-01");
        assert_eq!(date(-1), "1969-12-31");
    }
}
