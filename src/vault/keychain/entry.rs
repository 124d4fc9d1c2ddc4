//! The name of a keychain entry, and the limits of a call to the keychain.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The service name of all entries that tokctl makes.
pub(super) const SERVICE: &str = "tokctl";

/// The name of a slot's entry in the keychain: vault id and slot id in hex, with a slash between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryName(String);

impl EntryName {
    /// Returns the name for `slot` of `vault`, both in hex.
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

/// The limits of a call to the keychain: how long it may take, and whether a prompt may appear.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    /// The longest time that a call may take, with all its messages.
    pub(crate) limit: Duration,
    /// Whether a locked keychain may ask to be unlocked.
    pub(crate) may_prompt: bool,
    /// The directory of the login session. On Linux, processes lock it so that only one of them
    /// talks to the keychain at a time.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux has sessions of D-Bus")
    )]
    pub(crate) session: Option<PathBuf>,
}
