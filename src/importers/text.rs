//! Texts and values in the forms in which other tools write them.

use std::fmt;
use std::path::Path;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::error::Error;
use super::record::Owner;
use crate::model::address::Address;
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

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd_to_be_refused(text in "\\PC*") {
            let _ = shop(&text);
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
