//! `rotate-key`: a new data key, new slot secrets, every credential sealed again; all or nothing.
//!
//! Everything is asked before this begins. Keychain and file have no common commit, so: the names
//! of new keychain entries are committed, the entries written and read back, and then one
//! transaction replaces data key, slots and seals. It is the only moment that counts: before it the
//! old secrets open everything, after it the new ones do, and the entries of whichever side lost
//! are named in the file and deleted, by this run or by a later one.
//!
//! A credential keeps its revision, since it is the same one: the journal of an interrupted refresh
//! is still about it, and nobody takes the rotation for a refresh.

use std::collections::BTreeSet;

use super::clock::Clock;
use super::error::{Error, SlotError};
use super::key_slots::{self, Changed};
use crate::store::{self, Damage, NewSlot, OpenVault, Rotation, Step};
use crate::vault::keychain::Patience;
use crate::vault::seal::Generation;
use crate::vault::slot::{SlotId, SlotKind};
use crate::vault::slot_secret::SlotSecret;

/// What becomes of each slot.
#[derive(Debug)]
pub(crate) struct Plan {
    /// All slots of the vault.
    pub(crate) slots: Vec<(SlotId, Fate)>,
    /// Whether everything is opened again before it is committed.
    pub(crate) verify: bool,
    /// For entries of the keychain that are to go.
    pub(crate) patience: Patience,
}

/// What becomes of one slot.
#[derive(Debug)]
pub(crate) enum Fate {
    /// A new one of the same kind takes its place.
    Renewed(SlotSecret),
    Dropped,
}

/// Is told how far a rotation is: so many steps of all.
pub(crate) struct Progress<'a>(pub(crate) &'a mut dyn FnMut(u64, u64));

/// What there is to do: so many passes over so many credentials.
#[derive(Debug, Clone, Copy)]
struct Work {
    credentials: u64,
    /// Whether everything is opened before a keychain is written to: for anything else, that
    /// sealing anew opens it is soon enough.
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
    /// So many credentials are done, after so many passes over all of them.
    fn tell(&mut self, work: Work, passes: u64, done: u64) {
        let all = 1 + u64::from(work.check) + u64::from(work.verify);
        (self.0)(passes * work.credentials + done, all * work.credentials);
    }
}

/// A rotation that was committed.
#[derive(Debug)]
pub(crate) struct Rotated {
    pub(crate) generation: Generation,
    pub(crate) credentials: u64,
    /// The slots in the order of the plan, without those that were dropped.
    pub(crate) slots: Vec<(SlotId, SlotKind)>,
}

/// Rotates the keys of an open vault.
///
/// Waits for refreshes in flight, and keeps new ones waiting. Where anything fails before the
/// commit, the vault is as it was.
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
        check_whole(vault, |done| progress.tell(work, 0, done))?;
    }
    let rotated = make_slots(vault, plan.slots, plan.verify, clock)
        .and_then(|new| {
            let rotation = Rotation { old, new, verify: plan.verify, at: clock() };
            commit(vault, &rotation, work, progress)
        })
        .map_err(|error| with_all_damage(vault, error));
    key_slots::finish(vault, rotated, &patience, clock)
}

/// The slots as they are, which have to be those that the plan was made for.
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

/// Stores the answers that lie beside the vault: nothing could open them afterwards.
///
/// Whoever else reads or writes one keeps the keys from changing meanwhile, so there will be no more
/// of them. It is not done under the credential's lock, whose holder may be waiting for this
/// rotation.
fn adopt_spills(vault: &OpenVault) -> Result<(), Error> {
    for account in vault.accounts_in_doubt()? {
        match vault.read(&account) {
            Ok(Some(row)) => drop(vault.adopt_spill(&account, &row)?),
            // It was deleted meanwhile; or it is told with all others that don't open.
            Ok(None) | Err(store::Error::Tampered { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Makes sure that every credential opens.
fn check_whole(vault: &OpenVault, progress: impl FnMut(u64)) -> Result<(), Error> {
    let (_, damage) = vault.examine(progress)?;
    if damage == Damage::default() { Ok(()) } else { Err(SlotError::Damaged(damage).into()) }
}

/// Names all credentials that do not open, where `error` names the first.
fn with_all_damage(vault: &OpenVault, error: Error) -> Error {
    match error {
        Error::Store(store::Error::Tampered { .. } | store::Error::Inconsistent(_)) => {
            check_whole(vault, |_| {}).err().unwrap_or(error)
        }
        other => other,
    }
}

/// Makes the new secrets. To verify, what the keychain has is read from there once more.
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
            SlotSecret::Keychain(patience) if verify => key_slots::kept(vault, id, patience)?,
            SlotSecret::Keychain(_)
            | SlotSecret::Key(_)
            | SlotSecret::Passphrase(_)
            | SlotSecret::Recovery(_) => material.clone(),
        };
        made.push(NewSlot { id, kind: secret.kind(), material, kept });
    }
    Ok(made)
}

/// The one transaction.
fn commit(
    vault: &OpenVault,
    rotation: &Rotation,
    work: Work,
    mut progress: Progress<'_>,
) -> Result<Rotated, Error> {
    let before = u64::from(work.check);
    let (generation, credentials) = vault.rotate(rotation, |step| match step {
        Step::Sealed(done) => progress.tell(work, before, done),
        Step::Verified(done) => progress.tell(work, before + 1, done),
    })?;
    let slots = rotation.new.iter().map(|new| (new.id, new.kind)).collect();
    Ok(Rotated { generation, credentials, slots })
}
