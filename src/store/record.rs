//! Values that a vault returns.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::lease::Lease;
use crate::boot_clock::Moment;
use crate::model::credential::Credential;
use crate::vault::slot::{SlotId, SlotKind};

/// A credential that was read, with the revision of its row.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) credential: Credential,
    /// A number that every write of the row changes. With it, a writer finds out whether the row is
    /// still the one that was read.
    pub(crate) revision: u64,
}

/// The random name of an attempt to refresh a credential.
pub(crate) type AttemptId = [u8; 16];

/// The journal of a refresh: it says that a request may have been sent whose answer is not stored
/// yet. Nothing in it is derived from a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Journal {
    /// The revision of the credential whose refresh token may be spent.
    pub(crate) revision: u64,
    pub(crate) attempt: AttemptId,
    /// The time of the first request that may have spent the refresh token.
    pub(crate) started_at: Timestamp,
    /// The same moment by a clock that nobody sets; `None` in a journal of an earlier program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) started: Option<Moment>,
    /// The lease of the last request; `None` if it has ended, and in a journal of an earlier
    /// program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lease: Option<Lease>,
}

impl Journal {
    /// Returns the time since the first request that may have spent the refresh token; a negative
    /// one if it can't be told.
    ///
    /// The time of day, `now`, counts only where the system was started anew in between.
    pub(crate) fn since_first_request(&self, now: Timestamp) -> SignedDuration {
        let by_day = now.duration_since(self.started_at);
        let Some(started) = &self.started else { return by_day };
        let moment = Moment::now();
        if started.is_of_another_start(&moment) {
            return by_day;
        }
        let elapsed = started.elapsed(&moment);
        elapsed.and_then(|elapsed| elapsed.try_into().ok()).unwrap_or(SignedDuration::MIN)
    }
}

/// A credential with the journal of its refresh, if a refresh of this revision was begun.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) stored: Stored,
    pub(crate) journal: Option<Journal>,
}

/// The clear part of a key slot, which is read without a key and is not verified.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListedSlot {
    pub(crate) id: SlotId,
    pub(crate) kind: SlotKind,
    pub(crate) created_at: Timestamp,
}
