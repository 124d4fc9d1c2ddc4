//! The key slots of a vault and the rotation of its keys.
//!
//! A slot of kind `keychain` has its secret in the operating system's keychain, and no transaction
//! spans vault and keychain. So the vault keeps an *intent*: the sealed name of a keychain entry
//! that has no slot yet, or no longer has one. It is deleted when entry and slot agree again. After
//! a crash, the intents tell which entries to delete: see [`OpenVault::confirm_intents`].

use jiff::Timestamp;

use super::audit;
use super::change::{Change, Outcome};
use super::engine::Engine;
use super::error::Error;
use super::locks;
use super::open_vault::OpenVault;
use super::sidecar;
use super::sqlite::header;
use super::sqlite::rotate::{Rotation, Step};
use super::sqlite::{Sealing, evidence, examine, intents, slots};
use super::vault::Vault;
use crate::model::account::Account;
use crate::vault::keychain::{self, EntryName};
use crate::vault::seal::{DataKey, Generation, VaultId};
use crate::vault::slot::{self, KeyMaterial, KeySlot, SlotId, SlotKind};
use crate::vault::slot_secret::{SlotSecret, entry_name};

/// The names of a new vault and of its first key slot.
pub(crate) struct FirstSlot {
    vault: VaultId,
    id: SlotId,
}

impl FirstSlot {
    /// Returns fresh random names.
    pub(crate) fn generate() -> Result<Self, Error> {
        Ok(Self { vault: VaultId::generate()?, id: SlotId::generate()? })
    }

    /// Returns the name of the slot's entry in the keychain, for a slot of kind `keychain`.
    pub(crate) fn entry(&self) -> EntryName {
        entry_name(self.vault, self.id)
    }
}

impl Vault {
    /// Adds an intent for the keychain entry of the first slot, before the entry is created.
    pub(crate) fn add_first_intent(&self, slot: &FirstSlot, at: Timestamp) -> Result<(), Error> {
        let file = self.engine.file("key slots")?;
        file.without_key(|transaction| intents::insert(transaction, &slot.entry().to_string(), at))
    }

    /// Makes the data key and wraps it in the first slot, which finishes the vault; returns it
    /// unlocked.
    pub(crate) fn finish(
        self,
        FirstSlot { vault, id }: FirstSlot,
        secret: SlotSecret,
        material: &KeyMaterial,
        at: Timestamp,
    ) -> Result<OpenVault, Error> {
        let key = DataKey::generate(vault, 1)?;
        let slot = KeySlot::wrap(id, secret.kind(), material, &key)?;
        audit::set_aside(self.file(), vault);
        self.engine.file("key slots")?.without_key(|transaction| {
            Sealing::create(transaction, &key, at)?.finish()?;
            slots::insert(transaction, vault, &slot, at)?;
            intents::remove(transaction, &entry_name(vault, id).to_string())
        })?;
        Ok(OpenVault::new(self, Some(secret), key))
    }
}

impl Vault {
    /// Returns those of `slots` that `secret` opens, for a vault that stays locked. A slot that was
    /// tampered with, and a keychain that does not answer, opens nothing.
    pub(crate) fn opened_by(&self, secret: &SlotSecret) -> Result<Vec<SlotId>, Error> {
        let (header, slots) = self.header_and_slots()?;
        let opens =
            |slot: &&KeySlot| fits(slot, secret, header.vault, header.generation).unwrap_or(false);
        Ok(slots.iter().filter(opens).map(|slot| slot.id).collect())
    }
}

/// Whether `secret` opens `slot` of `vault` at `generation`.
fn fits(
    slot: &KeySlot,
    secret: &SlotSecret,
    vault: VaultId,
    generation: Generation,
) -> Result<bool, Error> {
    if secret.kind() != slot.kind {
        return Ok(false);
    }
    let materials = match secret.materials(vault, slot.id) {
        Ok(materials) => materials,
        Err(keychain::Error::Missing { .. }) => return Ok(false),
        Err(source) => return Err(Error::Keychain { source, slots: Vec::new() }),
    };
    for material in &materials {
        match slot.unwrap(material, vault, generation) {
            Ok(_) => return Ok(true),
            Err(slot::Error::WrongSecret) => {}
            Err(slot::Error::Tampered) => return Err(Error::TamperedSlot { id: slot.id }),
        }
    }
    Ok(false)
}

impl OpenVault {
    /// Whether `secret` opens the slot `id`; `None` if there is no such slot.
    pub(crate) fn opens(&self, id: SlotId, secret: &SlotSecret) -> Result<Option<bool>, Error> {
        let (_, slots) = self.header_and_slots()?;
        let Some(slot) = slots.iter().find(|slot| slot.id == id) else { return Ok(None) };
        let key = self.key();
        fits(slot, secret, key.vault, key.generation).map(Some)
    }

    /// Returns the name of a slot's entry in the keychain.
    pub(crate) fn entry_name(&self, slot: SlotId) -> EntryName {
        entry_name(self.key().vault, slot)
    }

    /// Adds an intent for the keychain entry of a new slot, before the entry is created.
    pub(crate) fn add_intent(&self, slot: SlotId, at: Timestamp) -> Result<(), Error> {
        self.commit(|| Change::AddIntent { slot, at }).map(drop)
    }

    /// Returns the slots that have an intent, each with whether the slot exists.
    ///
    /// All intents are first written again and committed. If the last commit failed with an error
    /// of the disk, it is not known which slots the file has until another commit succeeds.
    pub(crate) fn confirm_intents(&self, at: Timestamp) -> Result<Vec<(SlotId, bool)>, Error> {
        match self.commit(|| Change::ConfirmIntents { at })? {
            Outcome::Intents(entries) => Ok(entries),
            Outcome::Done
            | Outcome::Moved
            | Outcome::InDoubt
            | Outcome::AlreadyImported(_)
            | Outcome::HealthToReport(_) => Ok(Vec::new()),
        }
    }

    /// Deletes the intent of `slot`, since the keychain and the slots agree again.
    pub(crate) fn remove_intent(&self, slot: SlotId) -> Result<(), Error> {
        self.commit(|| Change::RemoveIntent { slot }).map(drop)
    }

    /// Adds a slot. The caller has the turn of [`Vault::keys_turn`].
    pub(crate) fn add_slot(
        &self,
        id: SlotId,
        kind: SlotKind,
        material: &KeyMaterial,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.commit(|| Change::AddSlot { id, kind, material: material.clone(), at }).map(drop)
    }

    /// Removes a slot. The caller has the turn of [`Vault::keys_turn`].
    pub(crate) fn remove_slot(
        &self,
        id: SlotId,
        kind: SlotKind,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.commit(|| Change::RemoveSlot { id, kind, at }).map(drop)
    }

    /// Fails with [`Error::KeyRetired`] if another process rotated the keys since the vault was
    /// unlocked.
    pub(crate) fn check_key(&self) -> Result<(), Error> {
        let key = self.key();
        match self.engine() {
            Engine::Sqlite(file) => file.read(|view| header::check(view, &key).map(drop)),
            #[cfg(feature = "postgres")]
            Engine::Server(_) => Ok(()),
        }
    }

    /// Returns the number of rows with a credential, damaged ones included.
    pub(crate) fn count(&self) -> Result<u64, Error> {
        match self.engine() {
            Engine::Sqlite(file) => file.read(examine::count),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => Ok(server.revisions()?.len() as u64),
        }
    }

    /// Returns the accounts whose answer may lie beside the vault, in place of in their row.
    pub(crate) fn accounts_with_spill(&self) -> Result<Vec<Account>, Error> {
        let any = sidecar::has_answers(self.file());
        // Looking for them takes as long as a third of a rotation.
        if any.map_err(|source| Error::io("read beside", source))? {
            self.accounts_in_doubt()
        } else {
            Ok(Vec::new())
        }
    }

    /// Returns the accounts whose refresh is in doubt, a request was begun and has no answer yet, as
    /// far as the columns in the clear say. A rotation fails where those were edited.
    fn accounts_in_doubt(&self) -> Result<Vec<Account>, Error> {
        match self.engine() {
            Engine::Sqlite(file) => {
                let found = file.read(evidence::journals)?;
                Ok(found.into_iter().map(|(account, _)| account).collect())
            }
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                Ok(server.leases()?.into_iter().map(|lease| lease.account).collect())
            }
        }
    }

    /// Replaces data key and slots and seals every credential again, in one transaction. Returns
    /// the new generation and the number of credentials. The caller has the
    /// turn of [`Vault::keys_turn`].
    ///
    /// Fails with [`Error::KeyRetired`] if another process replaced the data key meanwhile, and
    /// with [`Error::Tampered`] if a credential does not open.
    pub(crate) fn rotate(
        &self,
        rotation: &Rotation,
        progress: impl FnMut(Step),
    ) -> Result<(Generation, u64), Error> {
        let file = self.engine().file("key slots")?;
        let key = self.key();
        let next = DataKey::generate(key.vault, key.generation + 1)?;
        let generation = next.generation;
        let count =
            file.rotate(&key, &next, rotation, self.remember(), self.watermarks(), progress)?;
        self.set_key(next);
        // No spill file opens under the new key, and the turn keeps refreshes away.
        let _ = super::spill::discard_all(self.file());
        locks::clear_away(self.file(), || self.accounts_in_doubt());
        Ok((generation, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::credential::Credential;
    use crate::model::credential::Expiry;
    use crate::store::sqlite::evidence::Evidence;
    use crate::store::sqlite::{Access, Sqlite, credentials};
    use crate::vault::Key;
    use crate::vault::slot::{KeyMaterial, KeySlot, SlotId, SlotKind};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn account() -> Account {
        Account { provider: "acme".parse().unwrap(), user: "x".parse().unwrap() }
    }

    fn vault(home: &tempfile::TempDir, key: &Key) -> OpenVault {
        let vault = Vault::open_or_create(&home.path().join("v/tokens.db")).unwrap();
        let (slot, secret) = (FirstSlot::generate().unwrap(), SlotSecret::Key(key.clone()));
        vault.finish(slot, secret, &KeyMaterial::Random(key.clone()), NOW).unwrap()
    }

    #[test]
    fn after_a_rotation_one_handle_unlocks_for_all() {
        let (home, key) = (tempfile::tempdir().unwrap(), Key::generate().unwrap());
        let vault = vault(&home, &key);
        let opener = vault.opener();
        let (first, second) = (opener.open().unwrap(), opener.open().unwrap());

        let next = DataKey::generate(vault.key().vault, 2).unwrap();
        let (id, material) = (SlotId::generate().unwrap(), KeyMaterial::Random(key));
        let slot = KeySlot::wrap(id, SlotKind::Key, &material, &next).unwrap();
        let file = Sqlite::open(vault.location(), Access::ReadWrite).unwrap();
        file.without_key(|transaction| {
            Sealing::begin(transaction, &vault.key())?.finish_under(&next)?;
            transaction.execute("DELETE FROM key_slots_2", [])?;
            slots::insert(transaction, next.vault, &slot, NOW)?;
            let credential = Credential::made_up_static(Expiry::None);
            let sealing = Sealing::begin(transaction, &next)?;
            credentials::put(&sealing, &account(), &credential, &Evidence::default())?;
            sealing.finish()
        })
        .unwrap();
        assert!(first.read(&account()).unwrap().is_some());
        // Now that no slot is left, nothing can be unlocked any more.
        file.without_key(|transaction| Ok(transaction.execute("DELETE FROM key_slots_2", [])?))
            .unwrap();
        assert!(second.read(&account()).unwrap().is_some());
        assert!(opener.open().unwrap().read(&account()).unwrap().is_some());
    }
}
