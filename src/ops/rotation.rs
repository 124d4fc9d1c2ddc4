//! `rotate-key`: a new data key, new slot secrets, every credential sealed again; all or nothing.
//!
//! Keychain and vault cannot be changed in one transaction. So the names of new keychain entries
//! are committed first, then the entries are written and read back, and then one transaction
//! replaces data key, slots and seals. Before that transaction the old secrets open everything,
//! after it the new ones do. The entries that are not needed then are named in the vault, and this
//! run or a later one deletes them.
//!
//! A credential keeps its revision. So the journal of an interrupted refresh still belongs to it,
//! and no process takes the rotation for a refresh.

use std::collections::BTreeSet;

use super::clock::Clock;
use super::error::{Error, SlotError};
use super::key_slots::{self, Changed};
use crate::store::{self, Damage, NewSlot, OpenVault, Rotation, Step};
use crate::vault::keychain::Patience;
use crate::vault::seal::Generation;
use crate::vault::slot::{SlotId, SlotKind};
use crate::vault::slot_secret::SlotSecret;

/// The decisions about a rotation. All questions to the user are answered before it begins.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Every slot of the vault, with its fate.
    pub(crate) slots: Vec<(SlotId, Fate)>,
    /// Whether every new seal is opened again before the commit.
    pub(crate) verify: bool,
    /// The time that the keychain may take to delete entries that nothing needs any more.
    pub(crate) patience: Patience,
}

/// The decision about one slot.
#[derive(Debug)]
pub(crate) enum Fate {
    /// A new slot of the same kind, which this secret opens, replaces it.
    Renewed(SlotSecret),
    /// The slot is removed.
    Dropped,
}

/// A callback that reports the progress of a rotation: the steps done, and all steps.
pub(crate) struct Progress<'a>(pub(crate) &'a mut dyn FnMut(u64, u64));

/// The size of a rotation: the number of credentials, and the passes over all of them.
#[derive(Debug, Clone, Copy)]
struct Work {
    credentials: u64,
    /// Whether a pass opens every credential before the keychain is written to. Without a keychain
    /// slot this pass is not needed: sealing again opens every credential anyway.
    check: bool,
    verify: bool,
}

impl Work {
    fn of(vault: &OpenVault, plan: &Plan) -> Result<Self, Error> {
        let credentials = vault.count()?;
        let in_keychain =
            |(_, fate): &(_, Fate)| matches!(fate, Fate::Renewed(SlotSecret::Keychain(_)));
        Ok(Self { credentials, check: plan.slots.iter().any(in_keychain), verify: plan.verify })
    }
}

impl Progress<'_> {
    /// Reports that `done` credentials are done in the current pass, after `passes` complete passes.
    fn report(&mut self, work: Work, passes: u64, done: u64) {
        let all = 1 + u64::from(work.check) + u64::from(work.verify);
        (self.0)(passes * work.credentials + done, all * work.credentials);
    }
}

/// The result of a committed rotation.
#[derive(Debug)]
pub(crate) struct Rotated {
    pub(crate) generation: Generation,
    /// The number of credentials that were sealed again.
    pub(crate) credentials: u64,
    /// The new slots, in the order of the plan.
    pub(crate) slots: Vec<(SlotId, SlotKind)>,
}

/// Rotates the keys of an open vault as `plan` says.
///
/// Waits for refreshes in flight, and keeps new ones waiting. If a step fails before the commit,
/// the vault is unchanged. Fails with [`SlotError::Changed`] if the vault has other slots than the
/// plan, and with [`SlotError::Damaged`] if a credential does not open.
pub(crate) fn rotate(
    vault: &OpenVault,
    plan: Plan,
    mut progress: Progress<'_>,
    clock: Clock,
) -> Result<Changed<Rotated>, Error> {
    let patience = plan.patience.clone();
    let _turn = key_slots::begin(vault, &patience, clock)?;
    let old = check_unchanged(vault, &plan)?;
    adopt_spills(vault)?;
    let work = Work::of(vault, &plan)?;
    if work.check {
        check_whole(vault, |done| progress.report(work, 0, done))?;
    }
    let rotated = make_slots(vault, plan.slots, plan.verify, clock)
        .and_then(|new| {
            let rotation = Rotation { old, new, verify: plan.verify, at: clock() };
            commit(vault, &rotation, work, progress)
        })
        .map_err(|error| with_all_damage(vault, error));
    key_slots::finish(vault, rotated, &patience, clock)
}

/// Returns the vault's slots. Fails with [`SlotError::Changed`] if they are not those of the plan.
fn check_unchanged(vault: &OpenVault, plan: &Plan) -> Result<Vec<(SlotId, SlotKind)>, Error> {
    vault.check_key().map_err(|error| match error {
        store::Error::KeyRetired => SlotError::Changed.into(),
        other => Error::from(other),
    })?;
    let old: Vec<_> = vault.slots()?.iter().map(|slot| (slot.id, slot.kind)).collect();
    let found: BTreeSet<SlotId> = old.iter().map(|(id, _)| *id).collect();
    let planned: BTreeSet<SlotId> = plan.slots.iter().map(|(id, _)| *id).collect();
    if found == planned { Ok(old) } else { Err(SlotError::Changed.into()) }
}

/// Stores the answers in spill files in their rows, because no key opens the files after the
/// rotation.
///
/// No new spill file can appear: a process that reads or writes one holds a lock that the rotation
/// waited for. The credential's own lock is not taken, because its holder may be waiting for this
/// rotation.
fn adopt_spills(vault: &OpenVault) -> Result<(), Error> {
    for account in vault.accounts_with_spill()? {
        match vault.read(&account) {
            Ok(Some(row)) => drop(vault.adopt_spill(&account, &row)?),
            // The credential was deleted meanwhile, or it does not open: `with_all_damage` names
            // all of those.
            Ok(None) | Err(store::Error::Tampered { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Opens every credential. Fails with [`SlotError::Damaged`] if one does not open.
fn check_whole(vault: &OpenVault, progress: impl FnMut(u64)) -> Result<(), Error> {
    let (_, damage) = vault.examine(progress)?;
    if damage == Damage::default() { Ok(()) } else { Err(SlotError::Damaged(damage).into()) }
}

/// Turns an error about the first credential that does not open into one that names all of them.
/// Returns any other error unchanged.
fn with_all_damage(vault: &OpenVault, error: Error) -> Error {
    match error {
        Error::Store(store::Error::Tampered { .. } | store::Error::Inconsistent(_)) => {
            check_whole(vault, |_| {}).err().unwrap_or(error)
        }
        other => other,
    }
}

/// Makes the secrets of the new slots. With `verify`, reads those in the keychain back from there.
fn make_slots(
    vault: &OpenVault,
    slots: Vec<(SlotId, Fate)>,
    verify: bool,
    clock: Clock,
) -> Result<Vec<NewSlot>, Error> {
    let mut made = Vec::new();
    for (_, fate) in slots {
        let Fate::Renewed(secret) = fate else { continue };
        let id = SlotId::generate()?;
        let material = key_slots::material_of(vault, id, &secret, clock)?;
        let kept = match &secret {
            SlotSecret::Keychain(patience) if verify => key_slots::read_back(vault, id, patience)?,
            SlotSecret::Keychain(_)
            | SlotSecret::Key(_)
            | SlotSecret::Passphrase(_)
            | SlotSecret::Recovery(_) => material.clone(),
        };
        made.push(NewSlot { id, kind: secret.kind(), material, kept });
    }
    Ok(made)
}

/// Replaces data key, slots and seals in one transaction.
fn commit(
    vault: &OpenVault,
    rotation: &Rotation,
    work: Work,
    mut progress: Progress<'_>,
) -> Result<Rotated, Error> {
    let before = u64::from(work.check);
    let (generation, credentials) = vault.rotate(rotation, |step| match step {
        Step::Sealed(done) => progress.report(work, before, done),
        Step::Verified(done) => progress.report(work, before + 1, done),
    })?;
    let slots = rotation.new.iter().map(|new| (new.id, new.kind)).collect();
    Ok(Rotated { generation, credentials, slots })
}
