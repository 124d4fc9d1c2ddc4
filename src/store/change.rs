//! What is written to a vault: each write is a value.
//!
//! An engine carries a [`Change`] out as a whole or not at all, together with others if it likes,
//! and may carry it out twice: what counts is what was committed. So nothing in a change reaches
//! outside the vault, and all that it depends on is in it or in the vault.

use jiff::Timestamp;

use super::record::Journal;
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::model::credential::{Credential, Status};
use crate::model::credential_health::CredentialHealth;
use crate::vault::bundle::BundleId;
use crate::vault::slot::{KeyMaterial, SlotId, SlotKind};

/// One write.
pub(super) enum Change {
    /// Nothing of its own: remembers how far the audit reaches.
    SealAuditHead,
    /// A revision that no credential gets: finds a disk that is full and a key that was rotated.
    Reserve,
    /// The journal of a request that is about to be sent.
    BeginRefresh { account: Account, journal: Journal },
    /// The journal as it was before a request that the server did not process.
    RestoreJournal { account: Account, earlier: Option<Journal>, attempt: Option<Attempt> },
    /// An attempt that may have spent the refresh token and brought nothing: its journal stays.
    RecordAttempt { account: Account, attempt: Attempt },
    /// What a refresh led to, over the credential at `revision` and no other; its journal goes.
    StoreAnswer {
        account: Account,
        revision: u64,
        credential: Box<Credential>,
        attempt: Option<Attempt>,
    },
    /// What the service said of the token at `revision`, whose credential had the status `was`.
    RecordCheck {
        account: Account,
        revision: u64,
        was: Status,
        attempt: Attempt,
        /// The credential with another status, if the service's word changes that.
        credential: Option<Box<Credential>>,
    },
    /// A credential that takes the place of the one at the revision `over`, or an empty place.
    Put { account: Account, credential: Box<Credential>, over: Option<u64> },
    /// Credentials that came in, all or none of them.
    Import { placements: Vec<Placement>, bundle: Option<BundleId>, at: Timestamp },
    /// What stays of credentials that were moved into `bundle`, which is kept until it is in place.
    HandOver { left: Vec<Placement>, bundle: BundleId, text: String, at: Timestamp },
    /// A bundle that was handed over is in place.
    ForgetBundle(BundleId),
    /// A credential at `revision` that is wanted no more, with all that belongs to its account.
    Forget { account: Account, revision: u64 },
    /// How the credential of an account stands, so that only one process tells it.
    RecordHealth { account: Account, health: CredentialHealth },
    /// An entry of the keychain that the slot is about to have.
    AddIntent { slot: SlotId, at: Timestamp },
    /// The names of entries that no slot needs, written anew.
    ConfirmIntents { at: Timestamp },
    /// An entry of the keychain that was deleted, or has its slot.
    RemoveIntent { slot: SlotId },
    /// A key slot more, whose entry in the keychain is its own from now on.
    AddSlot { id: SlotId, kind: SlotKind, material: KeyMaterial, at: Timestamp },
    /// A key slot less, whose entry in the keychain is to go.
    RemoveSlot { id: SlotId, kind: SlotKind, at: Timestamp },
}

/// A credential and the place that it takes.
#[derive(Debug, Clone)]
pub(crate) struct Placement {
    pub(crate) account: Account,
    pub(crate) credential: Credential,
    /// The revision of what is there now.
    pub(crate) over: Option<u64>,
}

/// What became of a change.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// Nothing was written: another revision is in that place by now.
    Moved,
    /// Only the attempt was written: a refresh is in doubt, whose journal goes with the revision.
    InDoubt,
    /// Nothing was written: the bundle was taken in at this time.
    AlreadyImported(Timestamp),
    /// What this process is to tell, and no other.
    HealthToReport(Option<CredentialHealth>),
    /// Entries of the keychain that are written down, each with whether a slot needs it.
    Intents(Vec<(SlotId, bool)>),
}

impl Change {
    /// Whether no credential is written: such a commit does not look how far the audit reaches.
    pub(super) fn is_bookkeeping(&self) -> bool {
        match self {
            Self::BeginRefresh { .. }
            | Self::RestoreJournal { .. }
            | Self::RecordAttempt { .. } => true,
            Self::SealAuditHead
            | Self::Reserve
            | Self::StoreAnswer { .. }
            | Self::RecordCheck { .. }
            | Self::Put { .. }
            | Self::Import { .. }
            | Self::HandOver { .. }
            | Self::ForgetBundle(_)
            | Self::Forget { .. }
            | Self::RecordHealth { .. }
            | Self::AddIntent { .. }
            | Self::ConfirmIntents { .. }
            | Self::RemoveIntent { .. }
            | Self::AddSlot { .. }
            | Self::RemoveSlot { .. } => false,
        }
    }
}
