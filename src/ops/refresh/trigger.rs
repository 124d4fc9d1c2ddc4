//! Why a token is renewed, and whether the one in hand will do meanwhile.

use jiff::Timestamp;

use crate::model::credential::Credential;
use crate::model::readiness::{Need, Readiness, readiness};

/// Why a token is renewed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trigger {
    /// It is not good enough for this.
    Need(Need),
    /// Somebody asked for it, due or not.
    Asked,
}

impl Trigger {
    /// Whether the caller could do with the token as it is, though it should be renewed.
    pub(super) fn could_do_with(self, credential: &Credential, now: Timestamp) -> bool {
        match self {
            Self::Asked => false,
            Self::Need(need) => matches!(
                readiness(credential, need, now),
                Readiness::Good | Readiness::Fading | Readiness::Due { fallback: true }
            ),
        }
    }
}
