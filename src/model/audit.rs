//! The audit: who used which credential or changed which key, and how the record of it is kept.

use std::fmt;
use std::num::NonZeroU64;

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// One use of a credential, or a change of the keys. Never holds a value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use<'a> {
    pub(crate) at: Timestamp,
    pub(crate) action: Action,
    pub(crate) of: Subject<'a>,
    /// [`OK`], the word of a failure as in the JSON of errors, or that of a warning.
    pub(crate) outcome: &'a str,
    pub(crate) asked_by: &'a Asker,
}

/// The outcome of what did what it was to do.
pub(crate) const OK: &str = "ok";

/// What was used or changed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject<'a> {
    Credential {
        provider: &'a str,
        /// Unknown where a login failed before anybody said who logs in.
        user: Option<&'a str>,
    },
    /// One key slot, by its id; unknown where none came to be.
    Slot(Option<&'a str>),
    /// All keys.
    Vault,
}

/// What a credential was used for, or what became of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Its token was handed out.
    Get,
    /// It was renewed on request.
    Refresh,
    /// The service was asked whether its token works.
    Check,
    /// It was made.
    Login,
    /// It was taken in from elsewhere.
    Import,
    /// It, or its token, was sealed for another machine.
    Export,
    /// It was revoked and forgotten.
    Delete,
    /// All keys were replaced, and all credentials sealed again.
    RotateKey,
    /// A key slot was added.
    AddSlot,
    /// A key slot was removed.
    RemoveSlot,
}

impl Action {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Refresh => "refresh",
            Self::Check => "check",
            Self::Login => "login",
            Self::Import => "import",
            Self::Export => "export",
            Self::Delete => "delete",
            Self::RotateKey => "rotate-key",
            Self::AddSlot => "add-slot",
            Self::RemoveSlot => "remove-slot",
        }
    }
}

/// Which process asked.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    /// The command of tokctl, such as `get`.
    pub(crate) command: &'static str,
    /// tokctl's own process.
    pub(crate) pid: u32,
    /// The name of the program that started it, where the system tells. Only a name: programs
    /// choose their own.
    pub(crate) parent: Option<String>,
}

/// One use as it was read from the audit's file, nothing of it verified.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Counted from 1.
    pub(crate) n: u64,
    /// RFC 3339 in UTC, with milliseconds.
    pub(crate) at: String,
    pub(crate) action: String,
    /// Absent where it was no credential that was used.
    pub(crate) provider: Option<String>,
    pub(crate) user: Option<String>,
    /// The id of the key slot that was added or removed.
    pub(crate) slot: Option<String>,
    pub(crate) outcome: String,
    pub(crate) command: String,
    pub(crate) pid: u32,
    pub(crate) parent: Option<String>,
    /// How many entries just before it could not be written.
    #[serde(default)]
    pub(crate) missed: u64,
}

/// How the audit is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) mode: Mode,
    /// How many entries the file keeps, at least.
    pub(crate) keep: NonZeroU64,
}

/// What an entry that can't be written means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// Nothing: the token is handed out all the same.
    #[default]
    BestEffort,
    /// No token is handed out.
    Required,
    /// None is written.
    Off,
}

impl Default for Settings {
    fn default() -> Self {
        Self { mode: Mode::default(), keep: USUAL_LENGTH }
    }
}

/// Some months of a busy machine, in 3 MB.
const USUAL_LENGTH: NonZeroU64 = NonZeroU64::new(10_000).unwrap();

/// `"required"`, or `{ mode = "required", keep = 5000 }`.
impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ModeOrTable)
    }
}

struct ModeOrTable;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    mode: Mode,
    keep: Option<NonZeroU64>,
}

impl<'de> Visitor<'de> for ModeOrTable {
    type Value = Settings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mode, or a table with `mode` and `keep`")
    }

    fn visit_str<E: de::Error>(self, mode: &str) -> Result<Settings, E> {
        let mode = Mode::deserialize(de::value::StrDeserializer::new(mode))?;
        Ok(Settings { mode, ..Settings::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Settings, A::Error> {
        let table = Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Settings { mode: table.mode, keep: table.keep.unwrap_or(USUAL_LENGTH) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        audit: Settings,
    }

    fn parse(text: &str) -> Result<(Mode, u64), String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        Ok((file.audit.mode, file.audit.keep.get()))
    }

    #[test]
    fn a_mode_may_stand_alone_or_in_a_table() {
        assert_eq!(parse("audit = 'required'"), Ok((Mode::Required, 10_000)));
        assert_eq!(parse("audit = 'off'"), Ok((Mode::Off, 10_000)));
        assert_eq!(parse("audit = { keep = 50 }"), Ok((Mode::BestEffort, 50)));
        assert_eq!(parse("[audit]\nmode = 'best-effort'\nkeep = 5"), Ok((Mode::BestEffort, 5)));
        for (text, word) in [
            ("audit = 'requierd'", "best-effort"),
            ("audit = { mode = 'required', kep = 5 }", "kep"),
            ("audit = { keep = 0 }", "nonzero"),
            ("audit = true", "a mode, or a table"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(word), "{text}: {message}");
        }
    }
}
