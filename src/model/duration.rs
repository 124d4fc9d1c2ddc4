//! Durations as people write them: `5m`, `90s`, `14d`.

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::{Deserialize, Deserializer};

/// A text that is no duration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a duration such as 90s, 5m, 12h or 14d")]
pub(crate) struct Error(String);

/// Reads a duration that is not negative, such as `90s`; a day has 24 hours.
pub(crate) fn parse(text: &str) -> Result<SignedDuration, Error> {
    text.parse::<Span>()
        .ok()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok())
        .filter(|duration| !duration.is_negative())
        .ok_or_else(|| Error(crate::untrusted::printable(text)))
}

/// Reads a duration that may be left out, for `#[serde(deserialize_with = "duration::optional")]`.
pub(crate) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SignedDuration>, D::Error> {
    Option::<String>::deserialize(deserializer)?
        .map(|text| parse(&text).map_err(serde::de::Error::custom))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_and_no_sign() {
        assert_eq!(parse("90s"), Ok(SignedDuration::from_secs(90)));
        assert_eq!(parse("5m"), Ok(SignedDuration::from_mins(5)));
        assert_eq!(parse("14d"), Ok(SignedDuration::from_hours(14 * 24)));
        assert_eq!(parse("0s"), Ok(SignedDuration::ZERO));
        for text in ["", "5", "-5m", "soon", "1y"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
