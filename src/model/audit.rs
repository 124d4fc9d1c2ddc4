//! The audit: a record of each use of a credential and each change of a key, and the settings for
//! it.

use std::fmt;
use std::num::NonZeroU64;

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// An event to be recorded: one use of a credential, or one change of the keys. It never holds a
/// secret.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'a> {
    pub(crate) at: Timestamp,
    pub(crate) action: Action,
    pub(crate) of: Subject<'a>,
    /// [`OK`], or the word of a failure as in the JSON of errors, or that of a warning.
    pub(crate) outcome: &'a str,
    pub(crate) caller: &'a Caller,
}

/// The outcome of an event that succeeded.
pub(crate) const OK: &str = "ok";

/// The thing that was used or changed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject<'a> {
    Credential {
        provider: &'a str,
        /// The user; `None` where a login failed before it was known who logs in.
        user: Option<&'a str>,
    },
    /// One key slot, by its id; `None` where adding one failed.
    Slot(Option<&'a str>),
    /// One member of a shared vault, by the label.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    Member(&'a str),
    /// All keys of the vault.
    Vault,
}

/// The kind of an [`Event`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The token was handed out.
    Get,
    /// The token was renewed on request.
    Refresh,
    /// The service was asked whether the token works.
    Check,
    /// The credential was created by a login.
    Login,
    /// The credential was imported.
    Import,
    /// The credential, or its token alone, was sealed for another machine.
    Export,
    /// The credential was revoked and deleted.
    Delete,
    /// All keys were replaced, and all credentials were sealed again.
    RotateKey,
    /// A key slot was added.
    AddSlot,
    /// A key slot was removed.
    RemoveSlot,
    /// A member was added to a shared vault.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    AddMember,
    /// A member was removed from a shared vault, and all credentials were sealed again.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    RemoveMember,
    /// The role of a member was changed.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    SetRole,
    /// A repair: what tokctl did not make was taken out of the vault, or a new audit was begun.
    Repair,
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
            Self::AddMember => "add-member",
            Self::RemoveMember => "remove-member",
            Self::SetRole => "set-role",
            Self::Repair => "repair",
        }
    }
}

/// The process that caused an [`Event`].
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The command of tokctl, such as `get`.
    pub(crate) command: &'static str,
    /// The process id of tokctl.
    pub(crate) pid: u32,
    /// The name of the program that started tokctl, where the system tells. It proves nothing: a
    /// program chooses its own name.
    pub(crate) parent: Option<String>,
}

/// One event as it was read from the audit file, not verified.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The number of the entry, counted from 1.
    pub(crate) n: u64,
    /// The time of the event: RFC 3339 in UTC, with milliseconds.
    pub(crate) at: String,
    pub(crate) action: String,
    /// The provider; absent where the event is not about a credential.
    pub(crate) provider: Option<String>,
    pub(crate) user: Option<String>,
    /// The id of the key slot, or the label of the member, that was added, removed or changed.
    pub(crate) slot: Option<String>,
    pub(crate) outcome: String,
    pub(crate) command: String,
    pub(crate) pid: u32,
    pub(crate) parent: Option<String>,
    /// The number of entries just before this one that could not be written.
    #[serde(default)]
    pub(crate) missed: u64,
}

/// The settings of the audit, from `config.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) mode: Mode,
    /// The least number of entries that the file keeps.
    pub(crate) keep: NonZeroU64,
}

/// The consequence of an entry that can't be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// None: the token is handed out all the same.
    #[default]
    BestEffort,
    /// No token is handed out.
    Required,
    /// No audit, since no entry is written.
    Off,
}

impl Default for Settings {
    fn default() -> Self {
        Self { mode: Mode::default(), keep: DEFAULT_KEEP }
    }
}

/// The number of entries kept by default: some months of a busy machine, in 3 MB.
const DEFAULT_KEEP: NonZeroU64 = NonZeroU64::new(10_000).unwrap();

/// Reads either form: `"required"`, or `{ mode = "required", keep = 5000 }`.
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
        Ok(Settings { mode: table.mode, keep: table.keep.unwrap_or(DEFAULT_KEEP) })
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
