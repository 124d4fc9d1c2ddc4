//! What a vault gives back of one credential.

use jiff::Timestamp;

use crate::model::credential::Credential;
use crate::vault::slot::{SlotId, SlotKind};

/// A credential as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) credential: Credential,
    /// A number that changes with every write, so that a writer can tell whether the row is still
    /// the one that was read.
    pub(crate) revision: u64,
}

/// A refresh that was begun and whose answer was not stored yet. Nothing in it is derived from a
/// secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Journal {
    /// The revision of the credential whose refresh token may be spent.
    pub(crate) revision: u64,
    /// The attempt's random name.
    pub(crate) attempt: [u8; 16],
    /// When the refresh token may first have been spent.
    pub(crate) started_at: Timestamp,
}

/// A credential with the journal of its refresh, if one was begun on this very revision.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) stored: Stored,
    pub(crate) journal: Option<Journal>,
}

/// What can be told of a key slot without opening it, nothing of it verified.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListedSlot {
    pub(crate) id: SlotId,
    pub(crate) kind: SlotKind,
    pub(crate) created_at: Timestamp,
}
