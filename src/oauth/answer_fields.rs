//! The fields of a server's answer, in all the forms in which servers write them.
//!
//! The one reader of answers of a token, device or error kind. An answer is JSON or form-encoded,
//! with or without a byte order mark; names are in snake case or camel case; a number may be a
//! text, and a text a number. What a field means is decided by the modules that ask for it. Nothing
//! here fails: what can't be read is not there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::value::RawValue;
use zeroize::{Zeroize, Zeroizing};

use super::http::Answer;
use crate::untrusted::printable;

/// The largest number of field names in a text for people.
const NAMES_SHOWN: usize = 8;

/// The text of an answer, as JSON. It is wiped when it is dropped.
pub(super) struct AnswerText(Zeroizing<String>);

/// The fields of one JSON object of an [`AnswerText`].
pub(super) struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl AnswerText {
    /// Returns the text of `answer`. A form becomes a JSON object of texts.
    pub(super) fn of(answer: &Answer) -> Self {
        let bytes: &[u8] = &answer.body;
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        // Bytes that are no text matter only in a field that is read, and there they are no token.
        let text = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
        form_as_json(text.trim()).map_or(Self(text), Self)
    }

    /// Returns the fields of the answer, or `None` if it is no object.
    pub(super) fn fields(&self) -> Option<Fields<'_>> {
        let raw: &RawValue = serde_json::from_str(&self.0).ok()?;
        Fields::of(raw)
    }
}

/// Returns a form as a JSON object, or `None` if `text` is none with a field that counts here.
fn form_as_json(text: &str) -> Option<Zeroizing<String>> {
    let is_form = !text.starts_with(['{', '[', '"', '<'])
        && text.bytes().all(|byte| (0x21..=0x7E).contains(&byte));
    let counts = |name: &str| ["access_token", "error", "device_code"].contains(&name);
    if !is_form || !url::form_urlencoded::parse(text.as_bytes()).any(|(name, _)| counts(&name)) {
        return None;
    }
    // The buffer is large enough from the start: one that grows leaves copies of its content.
    let mut json = Zeroizing::new(Vec::with_capacity(8 * text.len() + 2));
    json.push(b'{');
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        let value = Zeroizing::new(value.into_owned());
        if json.len() > 1 {
            json.push(b',');
        }
        serde_json::to_writer(&mut *json, &name).ok()?;
        json.push(b':');
        serde_json::to_writer(&mut *json, &*value).ok()?;
    }
    json.push(b'}');
    String::from_utf8(std::mem::take(&mut *json)).ok().map(Zeroizing::new)
}

impl<'a> Fields<'a> {
    fn of(raw: &'a RawValue) -> Option<Self> {
        let map: BTreeMap<String, &'a RawValue> = serde_json::from_str(raw.get()).ok()?;
        Some(Self(map.into_iter().filter(|(_, value)| value.get() != "null").collect()))
    }

    /// Returns the value of the field `name`, which is in snake case. `null` counts as none.
    pub(super) fn value(&self, name: &str) -> Option<&'a RawValue> {
        let exact = self.0.iter().find(|(sent, _)| sent == name);
        let found = exact.or_else(|| self.0.iter().find(|(sent, _)| is_name(sent, name)));
        found.map(|(_, value)| *value)
    }

    /// Returns the field `name` as a text: a string, or the digits of a number.
    pub(super) fn text(&self, name: &str) -> Option<Zeroizing<String>> {
        text(self.value(name)?)
    }

    /// Returns the field `name` as a whole number: a number, or a string that holds one.
    pub(super) fn seconds(&self, name: &str) -> Option<i64> {
        seconds(&self.text(name)?)
    }

    /// Returns the field `name` as a time: seconds since 1970, or a date (RFC 3339).
    pub(super) fn time(&self, name: &str) -> Option<Timestamp> {
        let text = self.text(name)?;
        match seconds(&text) {
            Some(seconds) => Timestamp::from_second(seconds).ok(),
            None => text.trim().parse().ok(),
        }
    }

    /// Returns the first element of the list in the field `name`.
    pub(super) fn first_of(&self, name: &str) -> Option<&'a RawValue> {
        let list: Vec<&'a RawValue> = serde_json::from_str(self.value(name)?.get()).ok()?;
        list.into_iter().next()
    }

    /// Returns the fields that stand beside the field `name`: these, or those of the one object in
    /// them that holds it, such as `data`.
    pub(super) fn holding(self, name: &str) -> Option<Self> {
        let holds = |fields: &Self| fields.text(name).is_some_and(|text| !text.trim().is_empty());
        if holds(&self) {
            return Some(self);
        }
        let mut within = self.0.iter().filter_map(|(_, value)| Self::of(value)).filter(holds);
        let found = within.next()?;
        within.next().is_none().then_some(found)
    }

    /// Returns the value at a JSON pointer (RFC 6901) that leads through objects.
    pub(super) fn at(&self, pointer: &str) -> Option<&'a RawValue> {
        let mut parts = pointer.strip_prefix('/')?.split('/');
        let unescape = |part: &str| part.replace("~1", "/").replace("~0", "~");
        let first = self.value(&unescape(parts.next()?))?;
        parts.try_fold(first, |value, part| Self::of(value)?.value(&unescape(part)))
    }

    /// Returns this object with the value at each of `pointers` under the name that belongs to it.
    pub(super) fn with_named(mut self, pointers: &BTreeMap<String, String>) -> Self {
        let found: Vec<_> =
            pointers.iter().map(|(name, pointer)| (name.clone(), self.at(pointer))).collect();
        self.0.retain(|(name, _)| !pointers.contains_key(name));
        self.0.extend(found.into_iter().filter_map(|(name, value)| Some((name, value?))));
        self
    }

    /// Returns the names of the fields, safe to print and at most a few.
    pub(super) fn names(&self) -> String {
        let shown = self.0.iter().take(NAMES_SHOWN).map(|(name, _)| {
            let short: String = name.chars().take(32).collect();
            format!("`{}`", printable(&short))
        });
        shown.collect::<Vec<_>>().join(", ")
    }
}

/// Returns `raw` as fields, if it is an object.
pub(super) fn object(raw: &RawValue) -> Option<Fields<'_>> {
    Fields::of(raw)
}

/// Returns `raw` as a text: a string, or the digits of a number.
pub(super) fn text(raw: &RawValue) -> Option<Zeroizing<String>> {
    match raw.get().as_bytes().first()? {
        b'"' => serde_json::from_str(raw.get()).ok().map(Zeroizing::new),
        b'-' | b'0'..=b'9' => Some(Zeroizing::new(raw.get().to_owned())),
        _ => None,
    }
}

/// Whether a server that writes `sent` means the field `name`: case and separators do not count.
fn is_name(sent: &str, name: &str) -> bool {
    let letters = |text: &str| -> Vec<u8> {
        text.bytes()
            .filter(u8::is_ascii_alphanumeric)
            .map(|byte| byte.to_ascii_lowercase())
            .collect()
    };
    sent.is_ascii() && letters(sent) == letters(name)
}

/// Reads a whole number of seconds; a fraction is dropped.
fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        number.is_finite().then(|| saturate(number))
    })
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and too long is unknown")]
fn saturate(seconds: f64) -> i64 {
    seconds as i64
}

/// Takes the text out of `text` without the white space around it, and leaves no copy behind.
pub(super) fn trimmed(mut text: Zeroizing<String>) -> String {
    let trimmed = text.trim().to_owned();
    text.zeroize();
    trimmed
}
