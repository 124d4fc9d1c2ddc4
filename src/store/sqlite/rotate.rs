//! The one transaction of a rotation: the next data key, its slots, and every seal under it.

use jiff::Timestamp;
use rusqlite::Transaction;

use super::examine::{self, Damage};
use super::reseal;
use super::sealing::Sealing;
use super::{apply, intents, slots};
use crate::store::error::Error;
use crate::vault::seal::DataKey;
use crate::vault::slot::{KeyMaterial, KeySlot, SlotId, SlotKind};
use crate::vault::slot_secret::entry_name;

/// A slot that a rotation makes.
#[derive(Debug, Clone)]
pub(crate) struct NewSlot {
    pub(crate) id: SlotId,
    pub(crate) kind: SlotKind,
    /// The secret that the slot is made with.
    pub(crate) material: KeyMaterial,
    /// The secret that has to open the slot: the keychain's own copy, where that was read once more.
    pub(crate) kept: KeyMaterial,
}

/// The changes that a rotation makes.
pub(crate) struct Rotation {
    /// The slots that go.
    pub(crate) old: Vec<(SlotId, SlotKind)>,
    /// The slots that come.
    pub(crate) new: Vec<NewSlot>,
    /// Whether everything is opened again before it is committed.
    pub(crate) verify: bool,
    pub(crate) at: Timestamp,
}

/// The progress of a rotation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// The number of credentials that are sealed with the next key.
    Sealed(u64),
    /// The number of credentials that were opened again.
    Verified(u64),
}

/// Makes `next` the data key, after the one of `sealing`. Returns how many credentials there are.
pub(super) fn rotate(
    sealing: Sealing<'_, '_>,
    next: &DataKey,
    rotation: &Rotation,
    mut progress: impl FnMut(Step),
) -> Result<u64, Error> {
    let (transaction, key): (&Transaction<'_>, _) = (sealing.transaction, sealing.key);
    let sealed = reseal::all(transaction, key, next, |done| progress(Step::Sealed(done)))?;
    intents::reseal(transaction, key, next)?;
    sealing.finish_under(next)?;
    for (id, kind) in &rotation.old {
        // It may be gone already: whoever plans the rotation has seen it.
        slots::remove(transaction, *id)?;
        apply::retire_entry(transaction, next, *kind, *id, rotation.at)?;
    }
    for new in &rotation.new {
        let slot = KeySlot::wrap(new.id, new.kind, &new.material, next)?;
        slots::insert(transaction, next.vault, &slot, rotation.at)?;
        intents::remove(transaction, &entry_name(next.vault, new.id).to_string())?;
    }
    if rotation.verify {
        let tell = |done| progress(Step::Verified(done));
        reopen(transaction, next, &rotation.new, sealed, tell)?;
    }
    Ok(sealed)
}

/// Opens every slot as it now stands in the file, and with it every credential.
fn reopen(
    transaction: &Transaction<'_>,
    next: &DataKey,
    new: &[NewSlot],
    count: u64,
    progress: impl FnMut(u64),
) -> Result<(), Error> {
    const NOT_AS_SEALED: Error = Error::Inconsistent("what was sealed does not open");
    let slots = slots::read(transaction, next.vault, slots::Foreign::Refused)?;
    let mut unwrapped = None;
    for new in new {
        let stored = slots.iter().find(|stored| stored.id == new.id).ok_or(NOT_AS_SEALED)?;
        let key =
            stored.unwrap(&new.kept, next.vault, next.generation).map_err(|_| NOT_AS_SEALED)?;
        // The keychain's own copy comes first: it is the one that tokctl did not keep itself.
        if unwrapped.is_none() || new.kind == SlotKind::Keychain {
            unwrapped = Some(key);
        }
    }
    let key = unwrapped.ok_or(NOT_AS_SEALED)?;
    let whole = (count, Damage::default());
    if examine::examine(transaction, &key, progress)? == whole {
        Ok(())
    } else {
        Err(NOT_AS_SEALED)
    }
}
