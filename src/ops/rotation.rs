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

use rusqlite::Transaction;

use super::clock::Clock;
use super::error::{Error, SlotError};
use super::key_slots::{self, Changed, NewSecret};
use super::open_vault::OpenVault;
use super::refresh;
use super::unlock::entry_name;
use crate::model::account::Account;
use crate::store::reseal::Damage;
use crate::store::{self, header, intents, journal, reseal, slots, spill};
use crate::vault::keychain::Patience;
use crate::vault::seal::{DataKey, Generation};
use crate::vault::slot::{KeySlot, SlotId, SlotKind, SlotSecret};

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
    Renewed(NewSecret),
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
        let credentials = reseal::count(&*vault.store()?.read()?)?;
        let in_keychain =
            |(_, fate): &(_, Fate)| matches!(fate, Fate::Renewed(NewSecret::Keychain(_)));
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

/// A new slot with what opens it.
struct Made {
    slot: KeySlot,
    secret: SlotSecret,
}

/// Rotates the keys of an open vault.
///
/// Waits for refreshes in flight, and keeps new ones waiting. Where anything fails before the
/// commit, the vault is as it was.
pub(crate) fn rotate(
    vault: &mut OpenVault,
    plan: Plan,
    mut progress: Progress<'_>,
    clock: Clock,
) -> Result<Changed<Rotated>, Error> {
    let patience = plan.patience.clone();
    let _changes = key_slots::begin(vault, &patience, clock)?;
    let old = check_unchanged(vault, &plan)?;
    adopt_spills(vault)?;
    let work = Work::of(vault, &plan)?;
    if work.check {
        check_whole(vault, |done| progress.tell(work, 0, done))?;
    }
    let next = DataKey::generate(vault.key().vault, vault.key().generation + 1)?;
    let rotated = make_slots(vault, plan.slots, &next, plan.verify, clock)
        .and_then(|made| commit(vault, next, &old, &made, work, progress, clock))
        .map_err(|error| with_all_damage(vault, error));
    if rotated.is_ok() {
        // Nothing in them opens any more, and no attempt is in flight that could need them.
        let _ = spill::discard_all(vault.file());
    }
    key_slots::finish(vault, rotated, &patience, clock)
}

/// The slots as they are, which have to be those that the plan was made for.
fn check_unchanged(vault: &OpenVault, plan: &Plan) -> Result<Vec<(SlotId, SlotKind)>, Error> {
    let store = vault.store()?;
    let view = store.read()?;
    header::check(&view, vault.key()).map_err(|error| match error {
        store::Error::KeyRetired => SlotError::Changed.into(),
        other => Error::from(other),
    })?;
    let old: Vec<_> = slots::list(&view)?.iter().map(|slot| (slot.id, slot.kind)).collect();
    let found: BTreeSet<SlotId> = old.iter().map(|(id, _)| *id).collect();
    let planned: BTreeSet<SlotId> = plan.slots.iter().map(|(id, _)| *id).collect();
    if found == planned { Ok(old) } else { Err(SlotError::Changed.into()) }
}

/// Stores the answers that lie beside the vault: nothing could open them afterwards.
///
/// Whoever else reads or writes one keeps the keys from changing meanwhile, so there will be no more
/// of them. It is not done under the credential's lock, whose holder may be waiting for this
/// rotation.
fn adopt_spills(vault: &mut OpenVault) -> Result<(), Error> {
    let interrupted = journal::accounts(&*vault.store()?.read()?)?;
    for (provider, user) in interrupted {
        let (Ok(provider), Ok(user)) = (provider.parse(), user.parse()) else { continue };
        let account = Account { provider, user };
        let row = match vault.read(&account) {
            Ok(Some(row)) => row,
            // It was deleted meanwhile; or it is told with all others that don't open.
            Ok(None) | Err(Error::Store(store::Error::Tampered { .. })) => continue,
            Err(error) => return Err(error),
        };
        match refresh::adopt_spill(vault, &account, row) {
            Ok(_) | Err(Error::NoCredential { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes sure that every credential opens.
fn check_whole(vault: &OpenVault, progress: impl FnMut(u64)) -> Result<(), Error> {
    let (_, damage) = reseal::examine(&*vault.store()?.read()?, vault.key(), progress)?;
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

/// Makes the new secrets, and wraps `next` under each. To verify, what the keychain has is read
/// from there once more.
fn make_slots(
    vault: &mut OpenVault,
    slots: Vec<(SlotId, Fate)>,
    next: &DataKey,
    verify: bool,
    clock: Clock,
) -> Result<Vec<Made>, Error> {
    let mut made = Vec::new();
    for (_, fate) in slots {
        let Fate::Renewed(new) = fate else { continue };
        let id = SlotId::generate()?;
        let keychain = match &new {
            NewSecret::Keychain(patience) if verify => Some(patience.clone()),
            NewSecret::Keychain(_) | NewSecret::Given(..) => None,
        };
        let (kind, secret) = key_slots::secret_of(vault, id, new, clock)?;
        let slot = KeySlot::wrap(id, kind, &secret, next)?;
        let secret = match keychain {
            Some(patience) => key_slots::kept(vault, id, &patience)?,
            None => secret,
        };
        made.push(Made { slot, secret });
    }
    Ok(made)
}

/// The one transaction.
fn commit(
    vault: &mut OpenVault,
    next: DataKey,
    old: &[(SlotId, SlotKind)],
    made: &[Made],
    work: Work,
    mut progress: Progress<'_>,
    clock: Clock,
) -> Result<Rotated, Error> {
    vault.change_key(next, |transaction, key, next| {
        let before = u64::from(work.check);
        let tell = |done| progress.tell(work, before, done);
        let sealed = reseal::all(transaction, key, next, tell)?;
        intents::reseal(transaction, key, next)?;
        header::advance(transaction, key, next)?;
        for (id, kind) in old {
            slots::remove(transaction, *id)?;
            key_slots::retire(transaction, next, *kind, *id, clock)?;
        }
        for Made { slot, .. } in made {
            slots::insert(transaction, slot, clock())?;
            intents::remove(transaction, &entry_name(next.vault, slot.id).to_string())?;
        }
        if work.verify {
            reopen(transaction, next, made, sealed, |done| progress.tell(work, before + 1, done))?;
        }
        Ok(Rotated {
            generation: next.generation,
            credentials: sealed,
            slots: made.iter().map(|made| (made.slot.id, made.slot.kind)).collect(),
        })
    })
}

/// Opens every slot as it now stands in the file, and with it every credential.
fn reopen(
    transaction: &Transaction<'_>,
    next: &DataKey,
    made: &[Made],
    count: u64,
    progress: impl FnMut(u64),
) -> Result<(), store::Error> {
    const NOT_AS_SEALED: store::Error = store::Error::Inconsistent("what was sealed does not open");
    let slots = slots::read(transaction)?;
    let mut unwrapped = None;
    for Made { slot, secret } in made {
        let stored = slots.iter().find(|stored| stored.id == slot.id).ok_or(NOT_AS_SEALED)?;
        let key = stored.unwrap(secret, next.vault, next.generation).map_err(|_| NOT_AS_SEALED)?;
        // The keychain's own copy comes first: it is the one that tokctl did not keep itself.
        if unwrapped.is_none() || slot.kind == SlotKind::Keychain {
            unwrapped = Some(key);
        }
    }
    let key = unwrapped.ok_or(NOT_AS_SEALED)?;
    let whole = (count, Damage::default());
    if reseal::examine(transaction, &key, progress)? == whole { Ok(()) } else { Err(NOT_AS_SEALED) }
}
