//! The key slots of a vault, its first one, and the rotation of its keys.
//!
//! A slot of kind `keychain` has its secret in the operating system's keychain, which shares no
//! commit with the vault. So the name of an entry that has no slot, or no longer has one, is
//! written down here under a seal until the keychain has what it should have: see
//! [`OpenVault::add_intent`].

use jiff::Timestamp;

use super::audit;
use super::change::{Change, Outcome};
use super::engine::Engine;
use super::error::Error;
use super::open_vault::OpenVault;
use super::sqlite::header::{self, Header};
use super::sqlite::rotate::{Rotation, Step};
use super::sqlite::{self, intents, journal, reseal, slots};
use super::vault::Vault;
use crate::model::account::Account;
use crate::vault::keychain::{self, EntryName};
use crate::vault::seal::{DataKey, Generation, VaultId};
use crate::vault::slot::{self, KeyMaterial, KeySlot, SlotId, SlotKind};
use crate::vault::slot_secret::{SlotSecret, entry_name};

/// The first slot of a vault that is about to be.
pub(crate) struct FirstSlot {
    vault: VaultId,
    id: SlotId,
}

impl FirstSlot {
    pub(crate) fn generate() -> Result<Self, Error> {
        Ok(Self { vault: VaultId::generate()?, id: SlotId::generate()? })
    }

    /// The name of its entry in the keychain, if it is to have one.
    pub(crate) fn entry(&self) -> EntryName {
        entry_name(self.vault, self.id)
    }
}

impl Vault {
    /// Writes down that the keychain is about to get the entry of the first slot.
    pub(crate) fn add_first_intent(&self, slot: &FirstSlot, at: Timestamp) -> Result<(), Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.without_key(|transaction| intents::insert(transaction, &slot.entry().to_string(), at))
    }

    /// Makes the data key and wraps it in the first slot: now the vault is there, and open.
    pub(crate) fn finish(
        self,
        FirstSlot { vault, id }: FirstSlot,
        with: SlotSecret,
        material: &KeyMaterial,
        at: Timestamp,
    ) -> Result<OpenVault, Error> {
        let key = DataKey::generate(vault, 1)?;
        let slot = KeySlot::wrap(id, with.kind(), material, &key)?;
        audit::set_aside(self.file(), vault);
        let Engine::Sqlite(file) = &self.engine;
        file.without_key(|transaction| {
            header::insert(transaction, Header { vault, generation: key.generation }, at)?;
            slots::insert(transaction, &slot, at)?;
            sqlite::audit::seal(transaction, &key, None, None)?;
            intents::remove(transaction, &entry_name(vault, id).to_string())
        })?;
        Ok(OpenVault::new(self, with, key))
    }
}

impl OpenVault {
    /// Whether `with` gives the secret of the slot `id`; `None` where there is no such slot.
    pub(crate) fn opens(&self, id: SlotId, with: &SlotSecret) -> Result<Option<bool>, Error> {
        let (_, slots) = self.header_and_slots()?;
        let Some(slot) = slots.iter().find(|slot| slot.id == id) else { return Ok(None) };
        if with.kind() != slot.kind {
            return Ok(Some(false));
        }
        let key = self.key();
        let material = match with.material(key.vault, slot.id) {
            Ok(material) => material,
            Err(keychain::Error::Missing) => return Ok(Some(false)),
            Err(source) => return Err(Error::Keychain { source, slots: Vec::new() }),
        };
        match slot.unwrap(&material, key.vault, key.generation) {
            Ok(_) => Ok(Some(true)),
            Err(slot::Error::WrongSecret) => Ok(Some(false)),
            Err(slot::Error::Tampered) => Err(Error::TamperedSlot { id: slot.id }),
        }
    }

    /// The name of a slot's entry in the keychain.
    pub(crate) fn entry_name(&self, slot: SlotId) -> EntryName {
        entry_name(self.key().vault, slot)
    }

    /// Writes down that the keychain is about to get the entry of a slot that comes.
    pub(crate) fn add_intent(&self, slot: SlotId, at: Timestamp) -> Result<(), Error> {
        self.commit(|| Change::AddIntent { slot, at }).map(drop)
    }

    /// The slots whose entries in the keychain are written down, each with whether there is such a
    /// slot now.
    ///
    /// They are written anew and committed first: if the commit before this failed at the disk,
    /// nobody could say which slots the file will turn out to have, until another one is through.
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

    /// Strikes out the entry of `slot`: the keychain has what it should have.
    pub(crate) fn remove_intent(&self, slot: SlotId) -> Result<(), Error> {
        self.commit(|| Change::RemoveIntent { slot }).map(drop)
    }

    /// Adds a slot. Whoever calls has the keys' turn.
    pub(crate) fn add_slot(
        &self,
        id: SlotId,
        kind: SlotKind,
        material: &KeyMaterial,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.commit(|| Change::AddSlot { id, kind, material: material.clone(), at }).map(drop)
    }

    /// Takes a slot away. Whoever calls has the keys' turn.
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
        self.file_engine().read(|view| header::check(view, &key))
    }

    /// How many rows there are, whatever is in them.
    pub(crate) fn count(&self) -> Result<u64, Error> {
        self.file_engine().read(reseal::count)
    }

    /// The accounts whose last refresh got no certain answer.
    pub(crate) fn accounts_in_doubt(&self) -> Result<Vec<Account>, Error> {
        self.file_engine().read(|view| {
            let accounts = journal::accounts(view)?.into_iter().filter_map(|(provider, user)| {
                let (Ok(provider), Ok(user)) = (provider.parse(), user.parse()) else {
                    return None;
                };
                Some(Account { provider, user })
            });
            Ok::<_, Error>(accounts.collect())
        })
    }

    /// Replaces data key and slots, and seals every credential again: all or nothing. Returns the
    /// new generation, and how many credentials there are. Whoever calls has the keys' turn.
    ///
    /// Fails with [`Error::KeyRetired`] if somebody else was faster, and with [`Error::Tampered`]
    /// for the first credential that does not open.
    pub(crate) fn rotate(
        &self,
        rotation: &Rotation,
        progress: impl FnMut(Step),
    ) -> Result<(Generation, u64), Error> {
        let key = self.key();
        let next = DataKey::generate(key.vault, key.generation + 1)?;
        let generation = next.generation;
        let count = self.file_engine().rotate(&key, &next, rotation, self.remember(), progress)?;
        self.set_key(next);
        // Nothing in them opens any more, and no attempt is in flight that could need them.
        let _ = super::spill::discard_all(self.file());
        Ok((generation, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::credential::Credential;
    use crate::model::credential::Expiry;
    use crate::store::sqlite::{Access, Sqlite, credentials};
    use crate::vault::Key;
    use crate::vault::slot::{KeyMaterial, KeySlot, SlotId, SlotKind};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn account() -> Account {
        Account { provider: "acme".parse().unwrap(), user: "x".parse().unwrap() }
    }

    fn vault(home: &tempfile::TempDir, key: &Key) -> OpenVault {
        let vault = Vault::open_or_create(&home.path().join("v/tokens.db")).unwrap();
        let (slot, with) = (FirstSlot::generate().unwrap(), SlotSecret::Key(key.clone()));
        vault.finish(slot, with, &KeyMaterial::Random(key.clone()), NOW).unwrap()
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
            for statement in
                ["UPDATE vault SET generation = 2", "DELETE FROM key_slots", "DELETE FROM audit"]
            {
                transaction.execute(statement, [])?;
            }
            slots::insert(transaction, &slot, NOW)?;
            let credential = Credential::made_up_static(Expiry::None);
            credentials::put(transaction, &next, &account(), &credential)
        })
        .unwrap();
        assert!(first.read(&account()).unwrap().is_some());
        // Now that no slot is left, nothing can be unlocked any more.
        file.without_key(|transaction| Ok(transaction.execute("DELETE FROM key_slots", [])?))
            .unwrap();
        assert!(second.read(&account()).unwrap().is_some());
        assert!(opener.open().unwrap().read(&account()).unwrap().is_some());
    }
}
