//! Texts and values in the forms in which other tools write them.

use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::error::Error;
use super::record::Owner;
use crate::model::address::Address;
use crate::model::scope::Scopes;
use crate::private_file;
use crate::secret::{AccessToken, ClientSecret, RefreshToken, SecretText};

/// The largest text file that is read, in bytes: no file of tokens is larger.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The longest value that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// The fault of a value, as a phrase without the value.
pub(super) type ValueFault = &'static str;

/// Reads a text file.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, Error> {
    let bytes = Zeroizing::new(private_file::read(path, LARGEST)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| Error::OtherKind {
        path: path.to_owned(),
        what: "not text",
        instead: None,
    })?;
    Ok(Zeroizing::new(text.trim_start_matches('\u{feff}').to_owned()))
}

/// Reads a JSON object.
pub(super) fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// Reads a JSON object with every name in it, even one that occurs twice.
pub(super) fn json_entries(text: &str) -> Option<Vec<(String, Value)>> {
    struct Entries;

    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<(String, Value)>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            std::iter::from_fn(|| map.next_entry().transpose()).collect()
        }
    }

    let mut reader = serde_json::Deserializer::from_str(text);
    let entries = reader.deserialize_map(Entries).ok()?;
    reader.end().ok()?;
    Some(entries)
}

/// Reads a JSON object out of a text.
pub(super) fn object(text: &str) -> Result<Map<String, Value>, ValueFault> {
    match json(text) {
        Some(Value::Object(object)) => Ok(object),
        Some(_) | None => Err("its tokens are no JSON object"),
    }
}

/// Returns a text in an object; one that is null or empty counts as none.
pub(super) fn field(object: &Map<String, Value>, name: &str) -> Result<Option<String>, ValueFault> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if text.len() > LONGEST => Err("a value is too long"),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Err("a value is not text"),
    }
}

/// Returns the user whose name stands in the field `name`.
pub(super) fn user(object: &Map<String, Value>, name: &str) -> Owner {
    match field(object, name) {
        Ok(Some(user)) => Owner::of(&user),
        Ok(None) => Owner::Unsaid,
        Err(_) => Owner::Unnameable,
    }
}

/// Returns the address of a shop by its domain.
pub(super) fn shop(domain: &str) -> Result<Address, ValueFault> {
    let plain = domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    let address = plain.then(|| format!("https://{domain}").parse().ok()).flatten();
    address.ok_or("the shop is no domain")
}

/// Returns the token type as the token answer named it.
pub(super) fn token_type(object: &Map<String, Value>) -> Result<Option<String>, ValueFault> {
    match field(object, "token_type")? {
        // Some programs store it in lower case (RFC 6749 §5.1: case does not count).
        Some(kind) if kind.eq_ignore_ascii_case("bearer") => Ok(Some("Bearer".into())),
        Some(kind) if kind.len() <= 64 && kind.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Some(kind))
        }
        Some(_) => Err("the token's type is no word"),
        None => Ok(None),
    }
}

/// Checks an access token that a server issued.
pub(super) fn access_token(text: String) -> Result<AccessToken, ValueFault> {
    if text.len() > LONGEST {
        return Err("the access token is too long");
    }
    AccessToken::parse_issued(text)
        .map_err(|_| "the access token is empty, or holds a character that no token can have")
}

/// Checks a token that a person made.
pub(super) fn own_token(text: &str) -> Result<AccessToken, ValueFault> {
    let text = text.trim();
    if text.len() > LONGEST {
        return Err("the token is too long");
    }
    AccessToken::parse_supplied(text.to_owned())
        .map_err(|_| "the token is empty, or holds a control character")
}

/// Checks a refresh token that a server issued.
pub(super) fn refresh_token(text: String) -> Result<RefreshToken, ValueFault> {
    if text.len() > LONGEST {
        return Err("the refresh token is too long");
    }
    RefreshToken::parse_issued(text)
        .map_err(|_| "the refresh token is empty, or holds a character that no token can have")
}

/// Checks a client's id (RFC 6749 §2.2, appendix A.1).
pub(super) fn client_id(text: String) -> Result<String, ValueFault> {
    let fits = text.len() <= 1024 && text.bytes().all(|byte| (0x20..=0x7E).contains(&byte));
    if fits {
        Ok(text)
    } else {
        Err("the client id holds a character that none can have, or is too long")
    }
}

/// Checks a client's secret (RFC 6749, appendix A.2).
pub(super) fn client_secret(text: String) -> Result<ClientSecret, ValueFault> {
    let fits = text.len() <= LONGEST && !text.contains(char::is_control);
    if fits {
        Ok(ClientSecret::from_trusted(text))
    } else {
        Err("the client secret holds a control character, or is too long")
    }
}

/// Reads scopes: one text, a list, or a list written as text.
pub(super) fn scopes(value: Option<&Value>) -> Result<Scopes, ValueFault> {
    match value {
        None | Some(Value::Null) => Ok(Scopes::default()),
        Some(Value::String(text)) if text.trim_start().starts_with('[') => {
            scopes(Some(&json(text).ok_or("the scopes are no list")?))
        }
        Some(Value::String(text)) if text.len() <= LONGEST => Ok(Scopes::parse(text)),
        Some(Value::Array(list)) => {
            let words: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            Ok(Scopes::parse(&words.ok_or("the scopes are no list of texts")?.join(" ")))
        }
        Some(Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            Err("the scopes are no list")
        }
    }
}

/// Reads a point in time as programs write it: seconds since 1970, RFC 3339, or a date and a time
/// with a space between, with an offset or in UTC.
pub(super) fn time(text: &str) -> Result<Timestamp, ValueFault> {
    let text = text.trim();
    parse_time(text)
        .and_then(|time| Timestamp::from_second(time.as_second()).ok())
        .ok_or("a time is in none of the forms that are known")
}

/// Reads a point in time as programs in JavaScript write it: milliseconds since 1970.
pub(super) fn time_in_milliseconds(text: &str) -> Result<Timestamp, ValueFault> {
    let time = text.trim().parse().ok().and_then(|time| Timestamp::from_millisecond(time).ok());
    time.and_then(|time| Timestamp::from_second(time.as_second()).ok())
        .ok_or("a time is no number of milliseconds")
}

fn parse_time(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<f64>() {
        // The limit is the year 2100: a larger number counts in milliseconds, and is not guessed
        // at.
        if !(0.0..4_102_444_800.0).contains(&seconds) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is in range, and whole seconds do"
        )]
        return Timestamp::from_second(seconds as i64).ok();
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
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
        ] {
            assert_eq!(time(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "soon",
            "2025-10-09",
            "1760000000000",
            "-1",
            "2025-13-01 00:00:00",
            "NaN",
            "2025-10-09 08:53:20 CEST",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd_to_be_refused(text in "\\PC*", digits in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.+ Zm=-]*") {
            let _ = (time(&text), time(&digits), shop(&text));
        }
    }

    #[test]
    fn scopes_are_a_text_a_list_or_a_list_in_a_text() {
        let shown =
            |value: &str| scopes(Some(&json(value).unwrap())).map(|scopes| scopes.to_string());
        assert_eq!(shown(r#""a b""#), Ok("a b".into()));
        assert_eq!(shown(r#"["a","b"]"#), Ok("a b".into()));
        assert_eq!(shown(r#""[\"a\", \"b\"]""#), Ok("a b".into()));
        assert!(shown("7").is_err());
        assert!(shown("[7]").is_err());
    }
}
