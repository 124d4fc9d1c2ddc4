//! When a token ends.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// When a token stops working, as far as anybody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "expiry", content = "at", rename_all = "lowercase")]
pub(crate) enum Expiry {
    /// At this time.
    Known(Timestamp),
    /// It has no end of its own.
    None,
    /// Nobody said; it is not guessed.
    Unknown,
}

impl Expiry {
    /// The end, where it is known.
    pub(crate) fn at(self) -> Option<Timestamp> {
        match self {
            Self::Known(at) => Some(at),
            Self::None | Self::Unknown => None,
        }
    }

    /// Whether the end has come.
    pub(crate) fn is_past(self, now: Timestamp) -> bool {
        self.at().is_some_and(|at| at <= now)
    }
}
