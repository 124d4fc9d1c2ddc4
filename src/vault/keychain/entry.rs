//! The name of a keychain entry, and the limits of a call to the keychain.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The service name of all entries that tokctl makes.
pub(super) const SERVICE: &str = "tokctl";

/// The prefix of trial entries' names, where other entries have a vault's id.
const TRIAL: &str = "doctor";

/// The name of a slot's entry in the keychain: vault id and slot id in hex, with a slash between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryName(String);

impl EntryName {
    /// Returns the name for `slot` of `vault`, both in hex.
    pub(crate) fn new(vault: &str, slot: &str) -> Self {
        Self(format!("{vault}/{slot}"))
    }

    /// Returns the name for a trial entry, which no vault needs.
    pub(crate) fn trial(id: &str) -> Self {
        Self::new(TRIAL, id)
    }

    /// Whether `name` is that of a trial entry.
    pub(crate) fn is_trial(name: &str) -> bool {
        name.split_once('/').is_some_and(|(prefix, _)| prefix == TRIAL)
    }

    /// Returns the text that the keychain's own window shows for the entry.
    pub(super) fn label(&self) -> String {
        match self.0.split_once('/') {
            Some((vault, slot)) if vault != TRIAL => {
                format!("tokctl: key of the vault {vault}, slot {slot}")
            }
            Some(_) | None => "tokctl: a trial that nothing needs".to_owned(),
        }
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

/// The result of deleting the entries of a name.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deleted {
    /// The number of entries that there were.
    pub(crate) count: usize,
    /// Whether the keychain moves what is deleted to a recycle bin, from where it can come back.
    pub(crate) in_recycle_bin: bool,
}

/// The result of trying the keychain with an entry that nothing needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trial {
    /// The keychain keeps an entry, gives it back and deletes it.
    Works,
    /// The keychain keeps an entry and gives it back, but does not delete it.
    KeepsDeleted,
    /// The keychain is open. No entry was made, because it would stay in the recycle bin.
    Open,
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
    pub(crate) session: Option<PathBuf>,
}
