//! Writes to a vault, as values.
//!
//! An engine carries out a [`Change`] completely or not at all. It may put several into one
//! transaction, and may carry one out a second time if the transaction failed. So a change depends
//! only on itself and the vault, and has no effect outside the vault.

use jiff::Timestamp;

use super::record::{AttemptId, Journal};
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::model::credential::{Credential, Status};
use crate::model::credential_health::CredentialHealth;
use crate::vault::bundle::BundleId;
use crate::vault::slot::{KeyMaterial, SlotId, SlotKind};

/// One write to a vault.
pub(super) enum Change {
    /// Seals the audit's head, the last entry that the vault remembers, and writes nothing else.
    SealAuditHead,
    /// Uses up a revision number, to find out whether the disk is writable and the key the current
    /// one.
    Reserve,
    /// Writes the journal of a refresh request that is about to be sent, over the one of the attempt
    /// `over`. Another journal belongs to another process, and is left.
    BeginRefresh { account: Account, journal: Journal, over: Option<AttemptId> },
    /// Restores the journal from before the request of the attempt `own`, which the server did not
    /// process.
    RestoreJournal {
        account: Account,
        own: Journal,
        earlier: Option<Journal>,
        attempt: Option<Attempt>,
    },
    /// Records an attempt that brought no token but may have spent the refresh token. Its `journal`
    /// stays, and its lease ends.
    RecordAttempt { account: Account, journal: Journal, attempt: Attempt },
    /// Stores the result of a refresh over the credential at `revision`, and deletes the journal.
    StoreAnswer {
        account: Account,
        revision: u64,
        credential: Box<Credential>,
        attempt: Option<Attempt>,
    },
    /// Records what the service said of the token at `revision`, whose credential had the status
    /// `was`.
    RecordCheck {
        account: Account,
        revision: u64,
        was: Status,
        attempt: Attempt,
        /// The credential with its new status, if the status changes.
        credential: Option<Box<Credential>>,
    },
    /// Stores a credential over the one at `revision` that has the same tokens, and keeps what is
    /// recorded about those.
    Amend { account: Account, revision: u64, credential: Box<Credential> },
    /// Stores a credential over the one at the revision `over`, or where none is.
    Put { account: Account, credential: Box<Credential>, over: Option<u64> },
    /// Stores imported credentials, and marks the `bundle` that they came in as imported.
    Import { placements: Vec<Placement>, bundle: Option<BundleId>, at: Timestamp },
    /// Stores what remains of credentials that move to another machine, and the text of their
    /// `bundle` until its file is written.
    HandOver {
        left: Vec<Placement>,
        bundle: BundleId,
        text: String,
        at: Timestamp,
        /// Asked before anything is written, since the wait for other writers may be long.
        give_up: fn() -> bool,
    },
    /// Deletes the text of a handed over bundle whose file is written.
    ForgetBundle(BundleId),
    /// Deletes the credential at `revision`, with everything that belongs to its account.
    Forget { account: Account, revision: u64 },
    /// Records the health of an account's credential, so that only one process reports a change.
    RecordHealth { account: Account, health: CredentialHealth },
    /// Adds an intent: the name of the keychain entry that a new slot is about to get.
    AddIntent { slot: SlotId, at: Timestamp },
    /// Writes all intents again.
    ConfirmIntents { at: Timestamp },
    /// Deletes the intent of `slot`: its entry was deleted, or the slot exists.
    RemoveIntent { slot: SlotId },
    /// Adds a key slot and deletes the intent of its keychain entry.
    AddSlot { id: SlotId, kind: SlotKind, material: KeyMaterial, at: Timestamp },
    /// Deletes a key slot and adds an intent for its keychain entry, which is to be deleted.
    RemoveSlot { id: SlotId, kind: SlotKind, at: Timestamp },
}

/// The part of the vault on whose ground a change is made. It must not be older than this machine
/// has seen.
pub(super) enum Ground<'a> {
    /// Nothing: the change belongs to a request that was checked when it began, or it is a trial.
    Nothing,
    /// The header alone.
    Header,
    /// The credential of one account, and the header.
    Credential(&'a Account),
    /// Credentials that are replaced or deleted, whatever was there before.
    Replaced(Vec<&'a Account>),
}

/// A credential and the revision of the row that it replaces.
#[derive(Debug, Clone)]
pub(crate) struct Placement {
    pub(crate) account: Account,
    pub(crate) credential: Credential,
    /// The revision of the row that is replaced; `None` for a new row.
    pub(crate) over: Option<u64>,
}

/// The outcome of a change.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// Nothing was written: the row has another revision by now.
    Moved,
    /// Only the attempt was written: a refresh is in doubt, and a new revision would make its
    /// journal void.
    InDoubt,
    /// Nothing was written: the bundle was imported before, at this time.
    AlreadyImported(Timestamp),
    /// The change of health that this process, and no other, has to report.
    HealthToReport(Option<CredentialHealth>),
    /// All intents of this vault, each with whether its slot exists.
    Intents(Vec<(SlotId, bool)>),
}

/// What a change depends on, and what it writes.
pub(super) struct Effect<'a> {
    pub(super) ground: Ground<'a>,
    /// The accounts whose credential or evidence the change writes, beside those of the ground.
    pub(super) others_written: Vec<&'a Account>,
    /// Whether the change writes no credential: its commit does not seal the audit's head.
    pub(super) is_bookkeeping: bool,
}

impl<'a> Effect<'a> {
    fn on(ground: Ground<'a>) -> Self {
        Self { ground, others_written: Vec::new(), is_bookkeeping: false }
    }

    fn writing(self, others_written: Vec<&'a Account>) -> Self {
        Self { others_written, ..self }
    }

    fn bookkeeping(self) -> Self {
        Self { is_bookkeeping: true, ..self }
    }
}

impl Change {
    /// Returns what the change depends on, and what it writes.
    pub(super) fn effect(&self) -> Effect<'_> {
        match self {
            // It comes before a login, and replaces nothing yet.
            Self::Reserve => Effect::on(Ground::Replaced(Vec::new())),
            Self::StoreAnswer { account, .. } => Effect::on(Ground::Nothing).writing(vec![account]),
            Self::RestoreJournal { account, .. } | Self::RecordAttempt { account, .. } => {
                Effect::on(Ground::Nothing).writing(vec![account]).bookkeeping()
            }
            Self::BeginRefresh { account, .. } => {
                Effect::on(Ground::Credential(account)).bookkeeping()
            }
            Self::RecordCheck { account, .. }
            | Self::Amend { account, .. }
            | Self::RecordHealth { account, .. } => Effect::on(Ground::Credential(account)),
            Self::Put { account, .. } | Self::Forget { account, .. } => {
                Effect::on(Ground::Replaced(vec![account]))
            }
            Self::Import { placements, .. } => Effect::on(Ground::Replaced(accounts(placements))),
            Self::HandOver { left, .. } => Effect::on(Ground::Header).writing(accounts(left)),
            Self::SealAuditHead
            | Self::ForgetBundle(_)
            | Self::AddIntent { .. }
            | Self::ConfirmIntents { .. }
            | Self::RemoveIntent { .. }
            | Self::AddSlot { .. }
            | Self::RemoveSlot { .. } => Effect::on(Ground::Header),
        }
    }
}

fn accounts(placements: &[Placement]) -> Vec<&Account> {
    placements.iter().map(|placed| &placed.account).collect()
}
