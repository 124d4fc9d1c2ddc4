//! The clock, and times in the forms that people read.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The milliseconds by which the clock that this process goes by is ahead of this machine's.
static AHEAD: AtomicI64 = AtomicI64::new(0);

/// Returns the time in whole seconds, the precision that the vault keeps: by this machine's clock, or
/// by the one that [`go_by`] told.
pub(crate) fn now() -> Timestamp {
    let ahead = SignedDuration::from_millis(AHEAD.load(Ordering::Relaxed));
    let now = precise().saturating_add(ahead).unwrap_or_default();
    Timestamp::from_second(now.as_second()).unwrap_or_default()
}

/// Returns the time in whole seconds by this machine's clock, whatever this process goes by.
pub(crate) fn by_machine() -> Timestamp {
    Timestamp::from_second(precise().as_second()).unwrap_or_default()
}

/// Makes this process go by a clock that shows `now` at present. In a shared vault the clock of the
/// database says when a token is over, whoever stored it: that of a machine may be wrong.
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
pub(crate) fn go_by(now: Timestamp) {
    let ahead = now.duration_since(precise()).as_millis();
    AHEAD.store(i64::try_from(ahead).unwrap_or_default(), Ordering::Relaxed);
}

/// Returns the time in whole milliseconds, for the audit.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn precise() -> Timestamp {
    Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap_or_default()
}

/// Formats a time by RFC 3339, in UTC and to the second.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    const TO_THE_SECOND: DateTimePrinter = DateTimePrinter::new().precision(Some(0));
    TO_THE_SECOND.timestamp_to_string(&time)
}

/// Formats a time to the second, in the time zone of this machine.
pub(crate) fn local(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%F %T").to_string()
}

/// Formats a time and its distance from `now`: [`local`] for a reader at a terminal, else
/// [`rfc3339`].
pub(crate) fn moment(time: Timestamp, now: Timestamp, terminal: bool) -> String {
    let at = if terminal { local(time) } else { rfc3339(time) };
    format!("{at} ({})", relative(time, now))
}

/// Formats a time to the minute and without the year, in the time zone of this machine.
pub(crate) fn local_short(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%m-%d %R").to_string()
}

/// Formats the distance from `now` to `time` in its largest unit: `in 42m`, `3d ago`.
pub(crate) fn relative(time: Timestamp, now: Timestamp) -> String {
    let seconds = time.duration_since(now).as_secs();
    let length = seconds.unsigned_abs();
    let (count, unit) = match length {
        0..60 => (length, 's'),
        60..3_600 => (length / 60, 'm'),
        3_600..172_800 => (length / 3_600, 'h'),
        _ => (length / 86_400, 'd'),
    };
    if seconds > 0 { format!("in {count}{unit}") } else { format!("{count}{unit} ago") }
}

/// Formats a time for a table: [`relative`] at a terminal, else [`rfc3339`].
pub(crate) fn in_table(time: Option<Timestamp>, now: Timestamp, terminal: bool) -> String {
    match time {
        Some(time) if terminal => relative(time, now),
        Some(time) => rfc3339(time),
        None => "-".into(),
    }
}

/// Formats a duration, in days if it is a whole number of them: `14d`, `1m 30s`.
pub(crate) fn length(duration: SignedDuration) -> String {
    match duration.as_secs() {
        seconds if seconds > 0 && seconds % 86_400 == 0 => format!("{}d", seconds / 86_400),
        _ => format!("{duration:#}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_and_near_are_told_in_one_unit() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let shown =
            |second: i64| relative(Timestamp::from_second(1_000_000 + second).unwrap(), now);
        assert_eq!(shown(59), "in 59s");
        assert_eq!(shown(3_599), "in 59m");
        assert_eq!(shown(100_000), "in 27h");
        assert_eq!(shown(86_400 * 90), "in 90d");
        assert_eq!(shown(0), "0s ago");
        assert_eq!(shown(-61), "1m ago");
    }

    #[test]
    fn whole_days_are_told_as_days() {
        assert_eq!(length(SignedDuration::from_hours(14 * 24)), "14d");
        assert_eq!(length(SignedDuration::from_hours(36)), "36h");
        assert_eq!(length(SignedDuration::from_secs(90)), "1m 30s");
    }

    #[test]
    fn times_are_utc_to_the_second() {
        assert_eq!(rfc3339(Timestamp::from_second(0).unwrap()), "1970-01-01T00:00:00Z");
        let within = Timestamp::from_millisecond(1_700_000_000_999).unwrap();
        assert_eq!(rfc3339(within), "2023-11-14T22:13:20Z");
    }
}
