//! Carrying out a [`Change`] within a transaction.

use rusqlite::Transaction;

use super::{attempts, bundles, credentials, header, intents, journal, slots, standings};
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::store::change::{Change, Outcome, Placement};
use crate::store::error::Error;
use crate::store::record::{AttemptId, Journal};
use crate::vault::seal::DataKey;
use crate::vault::slot::{KeySlot, SlotId, SlotKind};
use crate::vault::slot_secret::{entry_name, slot_of_entry};

/// Carries out `change` under `key`.
pub(super) fn apply(
    transaction: &Transaction<'_>,
    key: &DataKey,
    change: &Change,
) -> Result<Outcome, Error> {
    match change {
        Change::SealAuditHead => Ok(Outcome::Done),
        Change::Reserve => header::next_revision(transaction, key).map(|_| Outcome::Done),
        Change::BeginRefresh { account, journal, over } => {
            begin(transaction, account, journal, *over)
        }
        Change::RestoreJournal { account, own, earlier, attempt } => {
            if let Some(attempt) = attempt {
                attempts::put(transaction, account, attempt)?;
            }
            end(transaction, account, *own, earlier.as_ref())
        }
        Change::RecordAttempt { account, journal, attempt } => {
            attempts::put(transaction, account, attempt)?;
            let ended = Journal { lease: None, ..journal.clone() };
            end(transaction, account, journal.attempt, Some(&ended))
        }
        Change::StoreAnswer { account, revision, credential, attempt } => {
            if !credentials::replace(transaction, key, account, credential, *revision)? {
                return Ok(Outcome::Moved);
            }
            journal::remove(transaction, account)?;
            match attempt {
                Some(attempt) => attempts::put(transaction, account, attempt)?,
                None => attempts::remove(transaction, account)?,
            }
            Ok(Outcome::Done)
        }
        Change::RecordCheck { .. } => checked(transaction, key, change),
        Change::Put { account, credential, over } => {
            if credentials::revision(transaction, account)? != *over {
                return Ok(Outcome::Moved);
            }
            forget_history(transaction, account)?;
            credentials::put(transaction, key, account, credential).map(|()| Outcome::Done)
        }
        Change::Import { placements, bundle, at } => {
            if let Some(bundle) = bundle
                && let Some(at) = bundles::opened_at(transaction, *bundle)?
            {
                return Ok(Outcome::AlreadyImported(at));
            }
            let outcome = place(transaction, key, placements)?;
            if let (Outcome::Done, Some(bundle)) = (&outcome, bundle) {
                bundles::remember(transaction, *bundle, *at)?;
                // Where it was made here and its move was interrupted: nobody may have it once more.
                bundles::forget(transaction, *bundle)?;
            }
            Ok(outcome)
        }
        Change::HandOver { give_up, .. } if give_up() => Err(Error::Busy),
        Change::HandOver { left, bundle, text, at, .. } => {
            let outcome = place(transaction, key, left)?;
            if outcome == Outcome::Done {
                bundles::keep(transaction, *bundle, text, *at)?;
            }
            Ok(outcome)
        }
        Change::ForgetBundle(id) => bundles::forget(transaction, *id).map(|()| Outcome::Done),
        Change::Forget { account, revision } => {
            if credentials::revision(transaction, account)? != Some(*revision) {
                return Ok(Outcome::Moved);
            }
            forget(transaction, account).map(|_| Outcome::Done)
        }
        Change::RecordHealth { account, health } => {
            let told = standings::read(transaction, account)?;
            standings::put(transaction, account, health.reported_after(told))?;
            Ok(Outcome::HealthToReport(health.worsening_since(told)))
        }
        Change::AddIntent { slot, at } => {
            let entry = entry_name(key.vault, *slot).to_string();
            intents::put(transaction, key, &entry, *at).map(|()| Outcome::Done)
        }
        Change::ConfirmIntents { at } => {
            let names = intents::sealed(transaction, key)?;
            for name in &names {
                intents::put(transaction, key, name, *at)?;
            }
            let current = slots::list(transaction)?;
            let entry = |name: &String| {
                let slot = slot_of_entry(key.vault, name)?;
                Some((slot, current.iter().any(|listed| listed.id == slot)))
            };
            Ok(Outcome::Intents(names.iter().filter_map(entry).collect()))
        }
        Change::RemoveIntent { slot } => remove_intent(transaction, key, *slot),
        Change::AddSlot { id, kind, material, at } => {
            header::check(transaction, key)?;
            let slot = KeySlot::wrap(*id, *kind, material, key)?;
            slots::insert(transaction, &slot, *at)?;
            remove_intent(transaction, key, *id)
        }
        Change::RemoveSlot { id, kind, at } => {
            header::check(transaction, key)?;
            slots::remove(transaction, *id)?;
            retire_entry(transaction, key, *kind, *id, *at).map(|()| Outcome::Done)
        }
    }
}

fn begin(
    transaction: &Transaction<'_>,
    account: &Account,
    journal: &Journal,
    over: Option<AttemptId>,
) -> Result<Outcome, Error> {
    if credentials::revision(transaction, account)? != Some(journal.revision) {
        return Ok(Outcome::Moved);
    }
    // Whatever became of the locks: of two processes that found the same journal, one begins.
    let earlier = journal::read(transaction, account)?
        .filter(|earlier| earlier.revision == journal.revision)
        .map(|earlier| earlier.attempt);
    if earlier != over {
        return Ok(Outcome::Moved);
    }
    journal::put(transaction, account, journal).map(|()| Outcome::Done)
}

/// Writes `left` in place of the journal of the attempt `own`. Another journal belongs to another
/// process, and is left.
fn end(
    transaction: &Transaction<'_>,
    account: &Account,
    own: AttemptId,
    left: Option<&Journal>,
) -> Result<Outcome, Error> {
    if journal::read(transaction, account)?.is_none_or(|journal| journal.attempt != own) {
        return Ok(Outcome::Moved);
    }
    match left {
        Some(journal) => journal::put(transaction, account, journal)?,
        None => journal::remove(transaction, account)?,
    }
    Ok(Outcome::Done)
}

fn checked(
    transaction: &Transaction<'_>,
    key: &DataKey,
    change: &Change,
) -> Result<Outcome, Error> {
    let Change::RecordCheck { account, revision, was, attempt, credential } = change else {
        return Err(Error::Inconsistent("another change than was asked for"));
    };
    if credentials::revision(transaction, account)? != Some(*revision) {
        return Ok(Outcome::Moved);
    }
    let earlier: Option<Attempt> = attempts::read(transaction, account)?;
    if !earlier.is_some_and(|earlier| earlier.is_still_needed(*was, attempt.ended_at)) {
        attempts::put(transaction, account, attempt)?;
    }
    let Some(credential) = credential else { return Ok(Outcome::Done) };
    let journal = journal::read(transaction, account)?;
    if journal.is_some_and(|journal| journal.revision == *revision) {
        return Ok(Outcome::InDoubt);
    }
    let replaced = credentials::replace(transaction, key, account, credential, *revision)?;
    Ok(if replaced { Outcome::Done } else { Outcome::Moved })
}

/// Puts all of `placements` where they belong, or none of them.
fn place(
    transaction: &Transaction<'_>,
    key: &DataKey,
    placements: &[Placement],
) -> Result<Outcome, Error> {
    for Placement { account, over, .. } in placements {
        if credentials::revision(transaction, account)? != *over {
            return Ok(Outcome::Moved);
        }
    }
    for Placement { account, credential, .. } in placements {
        forget_history(transaction, account)?;
        credentials::put(transaction, key, account, credential)?;
    }
    Ok(Outcome::Done)
}

/// Forgets an account with its credential and all that belongs to it. Returns whether there was one.
pub(in crate::store) fn forget(
    transaction: &Transaction<'_>,
    account: &Account,
) -> Result<bool, Error> {
    forget_history(transaction, account)?;
    credentials::remove(transaction, account)
}

/// Forgets the history of a credential that is replaced or goes: its journal, its last attempt, and
/// what was told of it.
fn forget_history(transaction: &Transaction<'_>, account: &Account) -> Result<(), Error> {
    journal::remove(transaction, account)?;
    attempts::remove(transaction, account)
}

fn remove_intent(
    transaction: &Transaction<'_>,
    key: &DataKey,
    slot: SlotId,
) -> Result<Outcome, Error> {
    let entry = entry_name(key.vault, slot).to_string();
    intents::remove(transaction, &entry).map(|()| Outcome::Done)
}

/// Writes down that the keychain's entry of a slot is to go, if it has one.
pub(super) fn retire_entry(
    transaction: &Transaction<'_>,
    key: &DataKey,
    kind: SlotKind,
    slot: SlotId,
    at: jiff::Timestamp,
) -> Result<(), Error> {
    match kind {
        SlotKind::Keychain => {
            intents::put(transaction, key, &entry_name(key.vault, slot).to_string(), at)
        }
        SlotKind::Key | SlotKind::Passphrase | SlotKind::Recovery => Ok(()),
    }
}
