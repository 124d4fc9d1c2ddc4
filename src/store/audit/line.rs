//! The lines of the audit's file: writing and parsing them.
//!
//! An entry is `{"n":7,"at":…,"mac":"…"}`, an anchor `{"anchor":7,"before":"…",…,"mac":"…"}`. The
//! code, in hexadecimal, comes last; it covers the bytes before `,"mac":`.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde::Serialize;

use crate::model::audit::{Event, Subject};
use crate::store::error::Error;
use crate::vault::Key;
use crate::vault::chain::{self, Link, START};

/// The greatest length of a line in bytes, which follows from the limits on names.
pub(super) const LONGEST: usize = 2048;

const CODE: &[u8] = br#","mac":""#;
const CLOSE: &[u8] = br#""}"#;
const ENTRY: &[u8] = br#"{"n":"#;
const ANCHOR: &[u8] = br#"{"anchor":"#;
const BEFORE: &[u8] = br#","before":""#;
const DAMAGED: &[u8] = br#"","damaged":"#;

/// The length of a code in hexadecimal.
const HEX: usize = 64;

/// A position in the chain: the number of an entry and its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) number: u64,
    pub(crate) link: Link,
}

impl Mark {
    /// The position before the first entry.
    pub(super) const START: Self = Self { number: 0, link: START };
}

/// A line that was parsed, but not verified.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) kind: Kind,
    /// The bytes that the code covers.
    text: &'a [u8],
    code: Link,
}

/// The kind of a line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Entry {
        number: u64,
    },
    /// A line that stands for the pruned entries up to `last`.
    Anchor {
        last: Mark,
        /// The number up to which something was wrong with them.
        damaged: Option<u64>,
    },
}

impl<'a> Line<'a> {
    /// Parses a line, given without its line feed; `None` if it has another form.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let (text, code) =
            line.split_at_checked(line.len().checked_sub(CODE.len() + HEX + CLOSE.len())?)?;
        let code = link(code.strip_prefix(CODE)?.strip_suffix(CLOSE)?)?;
        let kind = if let Some(rest) = text.strip_prefix(ENTRY) {
            Kind::Entry { number: number(rest)?.0 }
        } else {
            let (number_pruned, rest) = number(text.strip_prefix(ANCHOR)?)?;
            let (before, rest) = rest.strip_prefix(BEFORE)?.split_at_checked(HEX)?;
            let damaged = match rest.strip_prefix(DAMAGED) {
                Some(rest) => Some(number(rest)?.0),
                None => None,
            };
            Kind::Anchor { last: Mark { number: number_pruned, link: link(before)? }, damaged }
        };
        Some(Self { kind, text, code })
    }

    /// Returns the position to which the next line is chained.
    pub(super) fn mark(&self) -> Mark {
        match self.kind {
            Kind::Entry { number } => Mark { number, link: self.code },
            Kind::Anchor { last, .. } => last,
        }
    }

    /// Whether the code of the line is right after `before`. The code of an anchor does not depend
    /// on a line before.
    pub(super) fn holds(&self, key: &Key, before: &Link) -> bool {
        let before = match self.kind {
            Kind::Entry { .. } => before,
            Kind::Anchor { .. } => &START,
        };
        chain::holds(key, before, self.text, &self.code)
    }
}

/// Returns the line of an entry after `before`; `missed` is the number of entries that could not be
/// written since.
pub(super) fn entry(
    key: &Key,
    before: &Mark,
    event: &Event<'_>,
    missed: u64,
) -> Result<Vec<u8>, Error> {
    #[derive(Serialize)]
    struct Written<'a> {
        n: u64,
        at: String,
        action: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        slot: Option<&'a str>,
        outcome: &'a str,
        command: &'a str,
        pid: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        parent: Option<&'a str>,
        #[serde(skip_serializing_if = "is_zero")]
        missed: u64,
    }
    let (provider, whose, slot) = match event.of {
        Subject::Credential { provider, user } => (Some(provider), user, None),
        Subject::Slot(id) => (None, None, id),
        Subject::Member(label) => (None, None, Some(label)),
        Subject::Vault => (None, None, None),
    };
    let written = Written {
        n: before.number.saturating_add(1),
        at: milliseconds(event.at),
        action: event.action.as_str(),
        provider,
        user: whose,
        slot,
        outcome: event.outcome,
        command: event.caller.command,
        pid: event.caller.pid,
        parent: event.caller.parent.as_deref(),
        missed,
    };
    finish_line(key, &before.link, &written)
}

/// Returns the line of an anchor that stands for all entries up to `last`.
pub(super) fn anchor(
    key: &Key,
    last: &Mark,
    damaged: Option<u64>,
    now: Timestamp,
) -> Result<Vec<u8>, Error> {
    #[derive(Serialize)]
    struct Written {
        anchor: u64,
        before: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        damaged: Option<u64>,
        at: String,
    }
    let written = Written {
        anchor: last.number,
        before: HEXLOWER.encode(&last.link),
        damaged,
        at: milliseconds(now),
    };
    finish_line(key, &START, &written)
}

/// Returns the JSON line of `written` with its code and a line feed.
fn finish_line(key: &Key, before: &Link, written: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut line = Vec::with_capacity(512);
    serde_json::to_writer(&mut line, written)
        .map_err(|_| Error::Inconsistent("an audit entry that can't be written down"))?;
    line.pop();
    let code = chain::link(key, before, &line);
    line.extend_from_slice(CODE);
    line.extend_from_slice(HEXLOWER.encode(&code).as_bytes());
    line.extend_from_slice(CLOSE);
    line.push(b'\n');
    Ok(line)
}

fn milliseconds(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// Parses the number at the beginning of `text`; returns it and the rest.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    Some((number, &text[digits..]))
}

fn link(hex: &[u8]) -> Option<Link> {
    let mut link = START;
    let length = HEXLOWER.decode_len(hex.len()).ok().filter(|&length| length == link.len())?;
    HEXLOWER.decode_mut(hex, &mut link[..length]).ok()?;
    Some(link)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field over by reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
