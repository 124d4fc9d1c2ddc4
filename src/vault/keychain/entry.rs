//! Which entry is meant, and how much patience a call has.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What every entry of tokctl is filed under.
pub(super) const SERVICE: &str = "tokctl";

/// Where a slot's secret lies in the keychain: vault id and slot id, in hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryName(String);

impl EntryName {
    /// The name for `slot` of `vault`, both in hex.
    pub(crate) fn new(vault: &str, slot: &str) -> Self {
        Self(format!("{vault}/{slot}"))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How long a call may take and whether somebody is there to answer a prompt.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    /// The longest that one conversation with the keychain may take.
    pub(crate) limit: Duration,
    /// Whether a locked keychain may ask to be unlocked.
    pub(crate) may_prompt: bool,
    /// The directory of the login session, by whose lock processes take turns on Linux.
    pub(crate) session: Option<PathBuf>,
}
