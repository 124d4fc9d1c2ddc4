//! Texts and values in the forms in which other tools write them.

use std::fmt;
use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::error::Error;
use super::record::Owner;
use crate::model::address::Address;
use crate::model::credential::Expiry;
use crate::model::scope::Scopes;
use crate::model::token_type::{BEARER, TokenType};
use crate::private_file;
use crate::secret::{AccessToken, ClientSecret, RefreshToken, SecretText};

/// The largest text file that is read, in bytes: no file of tokens is larger.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The longest value that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// The fault of a value, as a phrase without the value.
pub(super) type ValueFault = &'static str;

/// Reads a text file, in UTF-8 or, with a mark at its beginning, in UTF-16.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, Error> {
    let bytes = Zeroizing::new(private_file::read(path, LARGEST)?);
    let text = match &bytes[..] {
        [0xff, 0xfe, rest @ ..] => from_utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => from_utf16(rest, u16::from_be_bytes),
        bytes => std::str::from_utf8(bytes).ok().map(str::to_owned),
    };
    let other = |what| Error::OtherKind { path: path.to_owned(), what, instead: None };
    let text = Zeroizing::new(text.ok_or_else(|| other("not text"))?);
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(other("empty"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// Reads UTF-16, which a shell of Windows writes.
fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks();
    let units = Zeroizing::new(pairs.iter().map(|pair| unit(*pair)).collect::<Vec<u16>>());
    rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
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

/// Returns an object, which may be written as text.
pub(super) fn object(value: &Value) -> Result<Map<String, Value>, ValueFault> {
    const FAULT: ValueFault = "its tokens are no JSON object";
    match value {
        Value::Object(object) => Ok(object.clone()),
        Value::String(text) => match json(text) {
            Some(Value::Object(object)) => Ok(object),
            Some(_) | None => Err(FAULT),
        },
        Value::Null => Err("it has no tokens"),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(FAULT),
    }
}

/// Returns a name in lower case with underscores, where a program wrote `accessToken`.
pub(super) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len());
    let mut was_small = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && was_small {
            snake.push('_');
        }
        was_small = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        snake.push(letter.to_ascii_lowercase());
    }
    snake
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
        Some(kind) => match TokenType::parse(Some(&kind), &[]) {
            TokenType::Bearer => Ok(Some(BEARER.into())),
            TokenType::Other(_) => {
                Err("the token is of another type than `Bearer`, and tokctl uses no others")
            }
        },
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

/// Reads a truth as databases write it.
pub(super) fn truth(object: &Map<String, Value>, name: &str) -> Result<Option<bool>, ValueFault> {
    if let Some(Value::Bool(truth)) = object.get(name) {
        return Ok(Some(*truth));
    }
    match field(object, name)?.map(|text| text.trim().to_lowercase()).as_deref() {
        None => Ok(None),
        Some("1" | "t" | "true" | "y" | "yes" | "on") => Ok(Some(true)),
        Some("0" | "f" | "false" | "n" | "no" | "off") => Ok(Some(false)),
        Some(_) => Err("a value is neither true nor false"),
    }
}

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
