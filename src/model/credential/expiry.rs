//! The end of a token.

use jiff::{SignedDuration, Timestamp};
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

    /// Returns this end, or, where it is unknown, that of a token issued at `now` which lives as long
    /// as one that was issued at `issued_at` and ended at `earlier`.
    pub(crate) fn or_as_long_as(self, issued_at: Timestamp, earlier: Self, now: Timestamp) -> Self {
        match (self, earlier) {
            (Self::Unknown, Self::Known(at)) => {
                // A token that ended as it was issued says nothing of another one's life.
                let life = at.duration_since(issued_at);
                let end = now.checked_add(life).ok().filter(|_| life > SignedDuration::ZERO);
                end.map_or(Self::Unknown, Self::Known)
            }
            (Self::Known(_) | Self::None | Self::Unknown, _) => self,
        }
    }

    /// Whether the end is known and has come.
    pub(crate) fn is_past(self, now: Timestamp) -> bool {
        self.at().is_some_and(|at| at <= now)
    }
}
