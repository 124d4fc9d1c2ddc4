//! The end of a token.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The time at which a token stops working, as far as the server or a person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "expiry", content = "at", rename_all = "lowercase")]
pub(crate) enum Expiry {
    /// The token ends at this time.
    Known(Timestamp),
    /// The token has no end of its own.
    None,
    /// Nobody said when the token ends, and it is not guessed.
    Unknown,
}

impl Expiry {
    /// Returns the end, where it is known.
    pub(crate) fn at(self) -> Option<Timestamp> {
        match self {
            Self::Known(at) => Some(at),
            Self::None | Self::Unknown => None,
        }
    }

    /// Whether the end is known and has come.
    pub(crate) fn is_past(self, now: Timestamp) -> bool {
        self.at().is_some_and(|at| at <= now)
    }
}
