//! Values that a vault returns.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::lease::Lease;
use crate::boot_clock::Moment;
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::model::credential::{Credential, Status};
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
///
/// The vault keeps it as JSON, in the clear and under a seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Journal {
    /// The revision of the credential whose refresh token may be spent.
    pub(crate) revision: u64,
    #[serde(with = "hexadecimal")]
    pub(crate) attempt: AttemptId,
    /// The time of the first request that may have spent the refresh token.
    pub(crate) started_at: Timestamp,
    /// The moment of `started_at` by a clock that nobody sets; `None` in a journal of an earlier program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) started: Option<Moment>,
    /// The lease of the last request; `None` if it has ended, and in a journal of an earlier
    /// program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lease: Option<Lease>,
    /// The state of the lease by the clock of the database, when the journal was read from a shared
    /// vault; `None` in any other journal.
    #[serde(skip)]
    pub(crate) shared: Option<SharedLease>,
}

/// The lease of a request that a member of a shared vault sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SharedLease {
    pub(crate) is_running: bool,
    /// The label of the member; `None` if the name does not open.
    pub(crate) holder: Option<String>,
}

impl Journal {
    /// Returns the label of the member of a shared vault who sent the last request, as far as it is known.
    pub(crate) fn holder(&self) -> Option<&str> {
        self.shared.as_ref()?.holder.as_deref()
    }

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

/// A credential with the evidence of what happened to it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) stored: Stored,
    /// The journal of a refresh of this revision that has no answer.
    pub(crate) journal: Option<Journal>,
    /// The last request about the credential.
    pub(crate) attempt: Option<Attempt>,
    /// See [`Evidence::refused_since`](super::evidence::Evidence::refused_since).
    pub(crate) refused_since: Option<u64>,
    /// Whether the evidence was edited or taken away, so that nothing is known of it. That is no
    /// reason to withhold a good token, and nothing may be sent or written: see [`Self::trusted`].
    pub(crate) is_forged: bool,
}

impl Row {
    /// Returns a row whose evidence does not open.
    pub(super) fn forged(stored: Stored) -> Self {
        Self { stored, journal: None, attempt: None, refused_since: None, is_forged: true }
    }

    /// Whether the row is nothing but the verdict of another attempt that the tokens are refused which
    /// the request about `revision` spent: the answer to that request is newer.
    pub(crate) fn is_refusal_of(&self, revision: u64) -> bool {
        self.stored.credential.status == Status::LoginRequired
            && revision < self.stored.revision
            && self.refused_since.is_some_and(|since| since <= revision)
    }

    /// Returns the row if a request may be sent and the row written because of it. Fails with
    /// [`Error::Tampered`] if its evidence is forged.
    pub(crate) fn trusted(self, account: &Account) -> Result<Self, Error> {
        if self.is_forged { Err(Error::Tampered { account: account.clone() }) } else { Ok(self) }
    }
}

/// The outcome of looking for an answer to a credential's last refresh on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adopted {
    /// This machine has no answer that is newer than the row.
    Nothing,
    /// The answer was stored.
    Stored,
    /// The answer was stored again: the database had it before.
    StoredAgain,
}

/// The form of 16 bytes in JSON: 32 hexadecimal digits.
mod hexadecimal {
    use data_encoding::HEXLOWER;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 16], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&HEXLOWER.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 16], D::Error> {
        let text = String::deserialize(from)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(D::Error::custom)?;
        bytes.try_into().map_err(|_| D::Error::custom("an id of another length"))
    }
}

/// The clear part of a key slot, which is read without a key and is not verified.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListedSlot {
    pub(crate) id: SlotId,
    pub(crate) kind: SlotKind,
    pub(crate) created_at: Timestamp,
}
