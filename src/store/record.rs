//! Values that a vault returns.

use jiff::Timestamp;

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

/// The journal of a refresh: it says that a request may have been sent whose answer is not stored
/// yet. Nothing in it is derived from a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Journal {
    /// The revision of the credential whose refresh token may be spent.
    pub(crate) revision: u64,
    /// The random name of the attempt.
    pub(crate) attempt: [u8; 16],
    /// The time of the first request that may have spent the refresh token.
    pub(crate) started_at: Timestamp,
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
