//! Carrying out a [`Change`] within a transaction.

use rusqlite::Transaction;

use super::evidence::{self, Evidence, Found};
use super::sealing::Sealing;
use super::{bundles, credentials, intents, slots};
use crate::model::account::Account;
use crate::model::credential_health::CredentialHealth;
use crate::store::change::{Change, Outcome, Placement};
use crate::store::error::Error;
use crate::store::record::Journal;
use crate::vault::seal::DataKey;
use crate::vault::slot::{KeySlot, SlotId, SlotKind};
use crate::vault::slot_secret::{entry_name, slot_of_entry};

/// Carries out `change`.
pub(super) fn apply(sealing: &Sealing<'_, '_>, change: &Change) -> Result<Outcome, Error> {
    match change {
        Change::SealAuditHead => Ok(Outcome::Done),
        Change::Reserve => sealing.next_revision().map(|_| Outcome::Done),
        Change::BeginRefresh { account, journal, over } => {
            edit(sealing, account, journal.revision, |evidence| {
                // Whatever became of the locks: of two processes that found the same journal, one
                // begins.
                let is_next = evidence.journal.as_ref().map(|earlier| earlier.attempt) == *over;
                evidence.journal = Some(journal.clone());
                is_next
            })
        }
        Change::RestoreJournal { account, own, earlier, attempt } => {
            edit(sealing, account, own.revision, |evidence| {
                if attempt.is_some() {
                    evidence.attempt.clone_from(attempt);
                }
                evidence.end(own, earlier.as_ref()) || attempt.is_some()
            })
        }
        Change::RecordAttempt { account, journal, attempt } => {
            edit(sealing, account, journal.revision, |evidence| {
                evidence.attempt = Some(attempt.clone());
                evidence.end(journal, Some(&Journal { lease: None, ..journal.clone() }));
                true
            })
        }
        Change::StoreAnswer { account, revision, credential, attempt } => {
            let Some(found) = credentials::evidence(sealing, account, *revision)? else {
                return Ok(Outcome::Moved);
            };
            // The answer is all that is left of the grant, so forged evidence must not stop it.
            let reported = match found {
                Found::Genuine(evidence, _) if attempt.is_some() => evidence.reported,
                Found::Genuine(..) | Found::Forged => CredentialHealth::Good,
            };
            let evidence = Evidence { attempt: attempt.clone(), reported, ..Evidence::default() };
            credentials::put(sealing, account, credential, &evidence).map(|()| Outcome::Done)
        }
        Change::RecordCheck { .. } => checked(sealing, change),
        Change::Amend { account, revision, credential } => {
            let Some(found) = credentials::evidence(sealing, account, *revision)? else {
                return Ok(Outcome::Moved);
            };
            let evidence = found.genuine(account)?;
            if evidence.journal.is_some() {
                return Ok(Outcome::InDoubt);
            }
            credentials::put(sealing, account, credential, &evidence).map(|()| Outcome::Done)
        }
        Change::Put { account, credential, over } => {
            if credentials::revision(sealing, account)? != *over {
                return Ok(Outcome::Moved);
            }
            let none = Evidence::default();
            credentials::put(sealing, account, credential, &none).map(|()| Outcome::Done)
        }
        Change::Import { placements, bundle, at } => {
            if let Some(bundle) = bundle
                && let Some(at) = sealing.imported_at(*bundle)?
            {
                return Ok(Outcome::AlreadyImported(at));
            }
            let outcome = place(sealing, placements)?;
            if let (Outcome::Done, Some(bundle)) = (&outcome, bundle) {
                sealing.remember_import(*bundle, *at);
                // Where it was made here and its move was interrupted: nobody may have it once more.
                bundles::forget(sealing, *bundle)?;
            }
            Ok(outcome)
        }
        Change::HandOver { give_up, .. } if give_up() => Err(Error::Busy),
        Change::HandOver { left, bundle, text, at, .. } => {
            let outcome = place(sealing, left)?;
            if outcome == Outcome::Done {
                bundles::keep(sealing, *bundle, text, *at)?;
            }
            Ok(outcome)
        }
        Change::ForgetBundle(id) => bundles::forget(sealing, *id).map(|()| Outcome::Done),
        Change::Forget { account, revision } => {
            if credentials::revision(sealing, account)? != Some(*revision) {
                return Ok(Outcome::Moved);
            }
            credentials::remove(sealing, account).map(|_| Outcome::Done)
        }
        Change::RecordHealth { account, health } => reported(sealing, account, *health),
        Change::AddIntent { .. }
        | Change::ConfirmIntents { .. }
        | Change::RemoveIntent { .. }
        | Change::AddSlot { .. }
        | Change::RemoveSlot { .. } => keys(sealing, change),
    }
}

/// Carries out a change of the slots or their intents.
fn keys(sealing: &Sealing<'_, '_>, change: &Change) -> Result<Outcome, Error> {
    let key = sealing.key;
    match change {
        Change::AddIntent { slot, at } => {
            let entry = entry_name(key.vault, *slot).to_string();
            intents::put(sealing, key, &entry, *at).map(|()| Outcome::Done)
        }
        Change::ConfirmIntents { at } => {
            let names = intents::sealed(sealing, key)?;
            for name in &names {
                intents::put(sealing, key, name, *at)?;
            }
            let current = slots::list(sealing)?;
            let entry = |name: &String| {
                let slot = slot_of_entry(key.vault, name)?;
                Some((slot, current.iter().any(|listed| listed.id == slot)))
            };
            Ok(Outcome::Intents(names.iter().filter_map(entry).collect()))
        }
        Change::RemoveIntent { slot } => remove_intent(sealing, key, *slot),
        Change::AddSlot { id, kind, material, at } => {
            let slot = KeySlot::wrap(*id, *kind, material, key)?;
            slots::insert(sealing, key.vault, &slot, *at)?;
            remove_intent(sealing, key, *id)
        }
        Change::RemoveSlot { id, kind, at } => {
            slots::remove(sealing, *id)?;
            retire_entry(sealing, key, *kind, *id, *at).map(|()| Outcome::Done)
        }
        Change::SealAuditHead
        | Change::Reserve
        | Change::BeginRefresh { .. }
        | Change::RestoreJournal { .. }
        | Change::RecordAttempt { .. }
        | Change::StoreAnswer { .. }
        | Change::RecordCheck { .. }
        | Change::Amend { .. }
        | Change::Put { .. }
        | Change::Import { .. }
        | Change::HandOver { .. }
        | Change::ForgetBundle(_)
        | Change::Forget { .. }
        | Change::RecordHealth { .. } => Err(ANOTHER),
    }
}

/// The error for a change that came to the wrong place.
const ANOTHER: Error = Error::Inconsistent("another change than was asked for");

/// Changes the evidence of the credential at `revision`, if `change` says so.
fn edit(
    sealing: &Sealing<'_, '_>,
    account: &Account,
    revision: u64,
    change: impl FnOnce(&mut Evidence) -> bool,
) -> Result<Outcome, Error> {
    let Some(found) = credentials::evidence(sealing, account, revision)? else {
        return Ok(Outcome::Moved);
    };
    let mut evidence = found.genuine(account)?;
    let written = change(&mut evidence) && evidence::put(sealing, account, revision, &evidence)?;
    Ok(if written { Outcome::Done } else { Outcome::Moved })
}

fn reported(
    sealing: &Sealing<'_, '_>,
    account: &Account,
    health: CredentialHealth,
) -> Result<Outcome, Error> {
    let Some(revision) = credentials::revision(sealing, account)? else {
        return Ok(Outcome::HealthToReport(None));
    };
    let mut news = None;
    let outcome = edit(sealing, account, revision, |evidence| {
        news = health.worsening_since(evidence.reported);
        evidence.reported = health.reported_after(evidence.reported);
        true
    })?;
    Ok(Outcome::HealthToReport(news.filter(|_| outcome == Outcome::Done)))
}

fn checked(sealing: &Sealing<'_, '_>, change: &Change) -> Result<Outcome, Error> {
    let Change::RecordCheck { account, revision, was, attempt, credential } = change else {
        return Err(ANOTHER);
    };
    let Some(found) = credentials::evidence(sealing, account, *revision)? else {
        return Ok(Outcome::Moved);
    };
    let mut evidence = found.genuine(account)?;
    let earlier = evidence.attempt.as_ref();
    if !earlier.is_some_and(|earlier| earlier.is_still_needed(*was, attempt.ended_at)) {
        evidence.attempt = Some(attempt.clone());
    }
    let in_doubt = evidence.journal.is_some();
    match credential {
        Some(credential) if !in_doubt => {
            credentials::put(sealing, account, credential, &evidence).map(|()| Outcome::Done)
        }
        Some(_) | None => {
            evidence::put(sealing, account, *revision, &evidence)?;
            Ok(if credential.is_some() { Outcome::InDoubt } else { Outcome::Done })
        }
    }
}

/// Puts all of `placements` where they belong, or none of them.
fn place(sealing: &Sealing<'_, '_>, placements: &[Placement]) -> Result<Outcome, Error> {
    for Placement { account, over, .. } in placements {
        if credentials::revision(sealing, account)? != *over {
            return Ok(Outcome::Moved);
        }
    }
    let none = Evidence::default();
    for Placement { account, credential, .. } in placements {
        credentials::put(sealing, account, credential, &none)?;
    }
    Ok(Outcome::Done)
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
