//! The vault into which a credential was moved, as the vault that it left remembers it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::untrusted::printable;

/// The vault that a move goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Destination {
    /// The random name of the vault, in hexadecimal digits.
    pub(crate) vault: String,
    pub(crate) place: DestinationPlace,
}

/// Where a vault is, as the machine says that moved a credential there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DestinationPlace {
    /// The absolute path of a file.
    File(String),
    /// A shared vault: the name under which it was kept, and its address without a password.
    Shared { name: String, address: String },
}

impl fmt::Display for DestinationPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "`{}`", printable(path)),
            Self::Shared { name, .. } => write!(f, "the vault `{}`", printable(name)),
        }
    }
}

impl DestinationPlace {
    /// Returns the words for a place into which a credential was moved by this machine, or by another
    /// member of a shared vault: a file is on that one's machine.
    pub(crate) fn seen_from_here(&self, mover: Option<&str>) -> String {
        match (self, mover) {
            (Self::File(_), Some(mover)) => format!("{self} on a machine of `{mover}`"),
            (Self::File(_), None) | (Self::Shared { .. }, _) => self.to_string(),
        }
    }
}

#[cfg(any(feature = "postgres", test))]
impl Destination {
    /// Whether a move to this destination may go on into the vault called `vault`, or one that is at
    /// `place`: what was there before is gone.
    pub(crate) fn is(&self, vault: Option<&str>, place: &DestinationPlace) -> bool {
        vault == Some(self.vault.as_str()) || self.place == *place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vault_is_the_one_of_that_name_or_at_that_place() {
        let place = |path: &str| DestinationPlace::File(path.into());
        let to = Destination { vault: "aa".into(), place: place("/a") };
        assert!(to.is(Some("aa"), &place("/b")), "it was moved");
        assert!(to.is(Some("bb"), &place("/a")), "it was made anew");
        assert!(to.is(None, &place("/a")) && !to.is(None, &place("/b")));
        assert!(!to.is(Some("bb"), &place("/b")));
    }
}
