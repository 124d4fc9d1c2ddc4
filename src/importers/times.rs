//! Points in time in the forms in which other tools write them.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::text::{ValueFault, field};
use crate::model::credential::Expiry;

/// Reads the end of a token. A time that stands for none, such as Go's zero time, is an end that is
/// not known.
pub(super) fn end(object: &Map<String, Value>, name: &str) -> Result<Expiry, ValueFault> {
    match field(object, name)? {
        Some(text) if !is_no_time(&text) => time(&text).map(Expiry::Known),
        Some(_) | None => Ok(Expiry::Unknown),
    }
}

/// Returns the end of a token that lives for `life` seconds from `start`, if that is known.
pub(super) fn end_of_life(
    start: Option<Timestamp>,
    life: Option<String>,
) -> Result<Expiry, ValueFault> {
    const FAULT: ValueFault = "its life is no number of seconds";
    let Some(life) = life else { return Ok(Expiry::Unknown) };
    let life = life.trim().parse::<f64>().ok().filter(|life| life.abs() < 1e12).ok_or(FAULT)?;
    let Some(start) = start else { return Ok(Expiry::Unknown) };
    let life = SignedDuration::try_from_secs_f64(life.trunc()).map_err(|_| FAULT)?;
    start.checked_add(life).map(Expiry::Known).map_err(|_| FAULT)
}

/// Whether the value is a point in time, or one that stands for none.
pub(super) fn is_time(object: &Map<String, Value>, name: &str) -> bool {
    let text = field(object, name).ok().flatten();
    text.is_some_and(|text| is_no_time(&text) || time(&text).is_ok())
}

/// Whether a time stands for none: the zero of a language or a database, or its infinity.
fn is_no_time(text: &str) -> bool {
    // Go's zero time, also in a zone of its own, and MySQL's zero date.
    let zeros = ["0001-01-01", "0000-", "1970-01-01T00:00:00", "1970-01-01 00:00:00"];
    let text = text.trim();
    zeros.iter().any(|zero| text.starts_with(zero))
        || ["0", "0.0", "-62135596800", "infinity", "null", "none", "never"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word))
}

/// Reads a point in time as programs write it: seconds or milliseconds since 1970, RFC 3339, RFC
/// 2822, or a date and a time with a space between, with an offset or in UTC.
pub(super) fn time(text: &str) -> Result<Timestamp, ValueFault> {
    let text = text.trim();
    parse_time(text)
        .and_then(|time| Timestamp::from_second(time.as_second()).ok())
        .ok_or("a time is in none of the forms that are known")
}

fn parse_time(text: &str) -> Option<Timestamp> {
    if let Ok(number) = text.parse::<f64>() {
        // The limits are the year 2200, and the year 2001 in milliseconds.
        let seconds = match number {
            seconds if (0.0..7_258_118_400.0).contains(&seconds) => seconds,
            milliseconds if (1e12..7_258_118_400e3).contains(&milliseconds) => milliseconds / 1e3,
            _ => return None,
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is in range, and whole seconds do"
        )]
        return Timestamp::from_second(seconds as i64).ok();
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    if let Ok(time) = jiff::fmt::rfc2822::parse(text) {
        return Some(time.timestamp());
    }
    // Go appends its monotonic clock.
    let text = text.split(" m=").next().unwrap_or_default();
    let (date, rest) = text.split_once(['T', ' '])?;
    let end =
        rest.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(end);
    let local: DateTime = format!("{date}T{clock}").parse().ok()?;
    // Go writes the zone's name behind its offset.
    let offset = offset(zone.split_whitespace().next().unwrap_or_default())?;
    Some(local.to_zoned(TimeZone::fixed(offset)).ok()?.timestamp())
}

/// Reads an offset: `Z`, `+00`, `+0300`, `-03:30`, or nothing for UTC.
fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.as_bytes().first() {
        None | Some(b'Z') => return Some(Offset::UTC),
        Some(b'+') => (1, &text[1..]),
        Some(b'-') => (-1, &text[1..]),
        Some(_) => return (text == "UTC").then_some(Offset::UTC),
    };
    let digits = digits.replace(':', "");
    let number: i32 = digits.parse().ok()?;
    let seconds = match digits.len() {
        2 => number * 3600,
        4 => number / 100 * 3600 + number % 100 * 60,
        _ => return None,
    };
    Offset::from_seconds(sign * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_the_forms_of_many_programs() {
        let expected = Timestamp::from_second(1_760_000_000).unwrap();
        for text in [
            "1760000000",
            "1760000000.9",
            "2025-10-09T08:53:20Z",
            "2025-10-09T08:53:20.123456Z",
            "2025-10-09T10:53:20+02:00",
            "2025-10-09 08:53:20",
            "2025-10-09 08:53:20.000000",
            "2025-10-09T08:53:20.5",
            "2025-10-09 08:53:20+00",
            "2025-10-09 05:23:20.1-03:30",
            "2025-10-09 11:53:20.999999999 +0300 +03 m=+0.5",
            "2025-10-09 08:53:20 +0000 UTC",
            "1760000000000",
            "1760000000999.5",
            "1.76e9",
            "Thu, 09 Oct 2025 08:53:20 GMT",
            "2025-10-09T08:53:20.000+0000",
        ] {
            assert_eq!(time(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "soon",
            "2025-10-09",
            "176000000000",
            "-1",
            "2025-13-01 00:00:00",
            "NaN",
            "2025-10-09 08:53:20 CEST",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_zero_of_a_program_is_no_end() {
        let end_of =
            |value: Value| end(&Map::from_iter([("end".to_owned(), value)]), "end").map_err(|_| ());
        for zero in [
            "0001-01-01T00:00:00Z",
            "0001-01-01 00:00:00+00",
            "0000-12-31T19:03:58-04:56",
            "0000-00-00 00:00:00",
            "1970-01-01 00:00:00",
            "0",
            "infinity",
            "",
        ] {
            assert_eq!(end_of(zero.into()), Ok(Expiry::Unknown), "{zero}");
        }
        assert_eq!(end_of(Value::Null), Ok(Expiry::Unknown));
        assert_eq!(end_of(0.into()), Ok(Expiry::Unknown));
        assert_eq!(end_of("soon".into()), Err(()));
        let known = Expiry::Known(Timestamp::from_second(1_760_000_000).unwrap());
        assert_eq!(end_of(1_760_000_000.into()), Ok(known));
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd_to_be_refused(text in "\\PC*", digits in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.+ Zm=-]*") {
            let _ = (time(&text), time(&digits));
        }
    }
}
