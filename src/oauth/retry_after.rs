//! The times in the head of an answer: the pause that a server asks for, and its own clock.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The longest pause that is granted to a server, whatever it asks for.
const MAX_PAUSE: Duration = Duration::from_secs(3600);

/// Reads the pause of a `Retry-After`: seconds, or a date (RFC 9110 §10.2.3), which counts by the
/// server's own clock.
pub(super) fn parse_retry_after(value: &str, server_time: Option<Timestamp>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds).min(MAX_PAUSE));
    }
    let wait: SignedDuration = http_date(value)?.duration_since(server_time?);
    Some(wait.try_into().unwrap_or(Duration::ZERO).min(MAX_PAUSE))
}

/// Reads an HTTP date (RFC 9110 §5.6.7) in the form that every server has to send.
pub(super) fn http_date(value: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_read_as_seconds_or_as_a_date() {
        let now = http_date("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(now.unwrap().as_second(), 784_111_777);
        assert_eq!(parse_retry_after(" 90 ", now), Some(Duration::from_secs(90)));
        assert_eq!(
            parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now),
            Some(Duration::from_secs(30))
        );
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:07 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", None), None);
        assert_eq!(parse_retry_after("soon", now), None);
        assert_eq!(parse_retry_after("-1", now), None);
    }
}
