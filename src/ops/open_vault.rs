//! An unlocked vault: reads and writes credentials, and unlocks again when its key was rotated.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rusqlite::{Connection, Transaction};

use super::error::Error;
use super::unlock::{self, Unlocking};
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::model::audit::Settings;
use crate::store::audit::{self, Sealed};
use crate::store::credentials::{self, Stored};
use crate::store::file::VaultFile;
use crate::store::group_commit::{self, GroupCommit, Remember, Write};
use crate::store::journal::{self, Journal};
use crate::store::pool::{Lent, Pool};
use crate::store::{self, Store, attempts, bundles, header};
use crate::vault::seal::DataKey;

/// A vault that was unlocked.
pub(crate) struct OpenVault {
    /// Shared with handles for other threads.
    stores: Arc<Pool>,
    with: Unlocking,
    key: DataKey,
    newest: Newest,
    /// Shared with the vault's other handles.
    group: Arc<GroupCommit>,
    /// How the audit is to be kept from the next write on, if today's configuration is known.
    audit_wanted: Option<Settings>,
    has_written: bool,
}

/// The last data key that any of a vault's handles came by.
type Newest = Arc<Mutex<DataKey>>;

/// Opens an unlocked vault anew: the keychain is not asked and no key derived again.
#[derive(Clone)]
pub(crate) struct Opener {
    path: PathBuf,
    with: Unlocking,
    newest: Newest,
    group: Arc<GroupCommit>,
}

impl Opener {
    /// Opens the file that is there by now, for reading and writing.
    pub(crate) fn open(&self) -> Result<OpenVault, Error> {
        let stores = Pool::of_several(Store::open(&self.path)?);
        let key = self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (newest, group) = (Arc::clone(&self.newest), Arc::clone(&self.group));
        Ok(OpenVault::sharing(Arc::new(stores), self.with.clone(), key, newest, group))
    }
}

/// A credential's row, and the journal of its refresh if there is one.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) stored: Stored,
    pub(crate) journal: Option<Journal>,
}

impl OpenVault {
    /// Unlocks the vault in `store`.
    pub(crate) fn unlock(store: Store, with: Unlocking) -> Result<Self, Error> {
        let key = unlock::unlock(&store, &with)?;
        Self::unlocked(store, with, key)
    }

    /// Takes a vault with the data key that `with` gave.
    pub(crate) fn unlocked(store: Store, with: Unlocking, key: DataKey) -> Result<Self, Error> {
        match with {
            // No time has passed.
            Unlocking::Key(_) | Unlocking::Recovery(_) => {}
            // Somebody may have had to type a password: the vault has moved on.
            Unlocking::Keychain(_) | Unlocking::Passphrase(_) => store.look_again()?,
        }
        let newest = Arc::new(Mutex::new(key.clone()));
        let stores = Arc::new(Pool::of_one(store));
        Ok(Self::sharing(stores, with, key, newest, Arc::default()))
    }

    /// Another handle, for another thread: both share their connections.
    pub(super) fn share(&self) -> Self {
        let key = self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (newest, group) = (Arc::clone(&self.newest), Arc::clone(&self.group));
        Self::sharing(Arc::clone(&self.stores), self.with.clone(), key, newest, group)
    }

    /// Opens the same vault anew.
    pub(crate) fn opener(&self) -> Opener {
        Opener {
            path: self.file().path().to_owned(),
            with: self.with.clone(),
            newest: Arc::clone(&self.newest),
            group: Arc::clone(&self.group),
        }
    }

    fn sharing(
        stores: Arc<Pool>,
        with: Unlocking,
        key: DataKey,
        newest: Newest,
        group: Arc<GroupCommit>,
    ) -> Self {
        Self { stores, with, key, newest, group, audit_wanted: None, has_written: false }
    }

    /// Opens the same vault for writing as well.
    pub(crate) fn open_for_writing(&mut self) -> Result<(), Error> {
        // In a copy that has no write-ahead log yet, a standing view keeps writers out.
        self.store()?.end_view()?;
        self.stores = Arc::new(Pool::of_one(Store::open(self.file().path())?));
        Ok(())
    }

    /// Seals `settings` with the next write, so that commands which read no configuration know
    /// how the audit is kept.
    pub(crate) fn keep_audit_as(&mut self, settings: Settings) {
        self.audit_wanted = Some(settings);
    }

    /// What the vault keeps of the audit; `None` where nothing was written since it keeps that.
    pub(super) fn audit(&mut self) -> Result<Option<Sealed>, Error> {
        self.retrying(|vault| audit::read(&*vault.store()?.read()?, &vault.key))
    }

    /// Whether anything was committed since the vault was unlocked.
    pub(super) fn has_written(&self) -> bool {
        self.has_written
    }

    /// What it was unlocked with.
    pub(crate) fn with(&self) -> &Unlocking {
        &self.with
    }

    /// One of its connections, to be given back at once.
    pub(super) fn store(&self) -> Result<Lent<'_>, store::Error> {
        self.stores.lend()
    }

    pub(super) fn file(&self) -> &VaultFile {
        self.stores.file()
    }

    pub(super) fn key(&self) -> &DataKey {
        &self.key
    }

    /// Reads the credential of `account`, opened, with its journal.
    pub(crate) fn read(&mut self, account: &Account) -> Result<Option<Row>, Error> {
        self.retrying(|vault| vault.row(&*vault.store()?.read()?, account))
    }

    /// The same where there has to be one.
    pub(crate) fn expect(&mut self, account: &Account) -> Result<Row, Error> {
        self.read(account)?.ok_or_else(|| Error::NoCredential { account: account.clone() })
    }

    /// The same, and the last time that a provider was asked about it. Finds what is damaged and
    /// goes with every credential that is stored: before a refresh token is spent.
    pub(super) fn expect_with_attempt(
        &mut self,
        account: &Account,
    ) -> Result<(Row, Option<Attempt>), Error> {
        let found = self.retrying(|vault| {
            let store = vault.store()?;
            let view = store.read()?;
            let Some(row) = vault.row(&view, account)? else { return Ok(None) };
            audit::read(&view, &vault.key)?;
            Ok(Some((row, attempts::read(&view, account)?)))
        })?;
        found.ok_or_else(|| Error::NoCredential { account: account.clone() })
    }

    /// The revision of the credential of `account`, which is not opened for it, and the last time
    /// that its provider was asked.
    pub(super) fn revision(&self, account: &Account) -> Result<(u64, Option<Attempt>), Error> {
        let (revision, last) = self.look(|connection| {
            let revision = credentials::revision(connection, account)?;
            Ok((revision, attempts::read(connection, account)?))
        })?;
        let revision = revision.ok_or_else(|| Error::NoCredential { account: account.clone() })?;
        Ok((revision, last))
    }

    /// Looks at what is not sealed.
    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, store::Error>,
    ) -> Result<T, Error> {
        Ok(look(&*self.store()?.read()?)?)
    }

    /// That `account` was handed over, with whether a bundle waits to be put in place.
    pub(crate) fn handed_over(&self, account: &Account) -> Error {
        let unplaced = self.look(bundles::unplaced_since).is_ok_and(|since| since.is_some());
        Error::HandedOver { account: account.clone(), unplaced }
    }

    /// The last time that a provider was asked about `account`.
    pub(super) fn last_attempt(&self, account: &Account) -> Result<Option<Attempt>, Error> {
        Ok(attempts::read(&*self.store()?.read()?, account)?)
    }

    /// Runs `change` in one transaction and commits it, and with it how far the audit reaches. If
    /// the key was rotated since the vault was unlocked, unlocks it again and runs `change` with
    /// the new key.
    pub(super) fn write<T>(
        &mut self,
        mut change: impl FnMut(&Transaction<'_>, &DataKey) -> Result<T, store::Error>,
    ) -> Result<T, Error> {
        let done = self.retrying(|vault| {
            let remember = Remember::Audit(vault.audit_wanted);
            group_commit::alone(&mut *vault.store()?, &vault.key, remember, &mut change)
        })?;
        self.has_written = true;
        Ok(done)
    }

    /// Runs `change`, which is to make `next` the data key, in one transaction and commits it.
    ///
    /// Fails with [`store::Error::KeyRetired`] if somebody else was faster.
    pub(super) fn change_key<T>(
        &mut self,
        next: DataKey,
        change: impl FnOnce(&Transaction<'_>, &DataKey, &DataKey) -> Result<T, store::Error>,
    ) -> Result<T, Error> {
        let mut store = self.stores.lend()?;
        let end = group_commit::end(&store, &self.key, Remember::Audit(self.audit_wanted))?;
        let transaction = store.write()?;
        end.seal(&transaction, &self.key)?;
        audit::reseal(&transaction, &self.key, &next)?;
        let done = change(&transaction, &self.key, &next)?;
        header::check(&transaction, &next)?;
        transaction.commit()?;
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&next);
        self.key = next;
        self.has_written = true;
        Ok(done)
    }

    /// The same for a change that writes a credential and may share its commit with those of other
    /// threads.
    pub(super) fn write_in_group<T: Send + 'static>(
        &mut self,
        change: impl FnMut(&Transaction<'_>, &DataKey) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.commit_in_group(change, Remember::Audit(self.audit_wanted))
    }

    /// The same for a change that writes no credential.
    pub(super) fn jot_in_group<T: Send + 'static>(
        &mut self,
        change: impl FnMut(&Transaction<'_>, &DataKey) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.commit_in_group(change, Remember::Nothing)
    }

    fn commit_in_group<T: Send + 'static>(
        &mut self,
        mut change: impl FnMut(&Transaction<'_>, &DataKey) -> Result<T, store::Error> + Send + 'static,
        remember: Remember,
    ) -> Result<T, Error> {
        let (sender, done) = mpsc::channel();
        let write: Write =
            Arc::new(Mutex::new(move |transaction: &Transaction<'_>, key: &DataKey| {
                // Only the last result is of what was committed.
                let _ = sender.send(change(transaction, key)?);
                Ok(())
            }));
        self.retrying(|vault| vault.group.commit(&vault.stores, &vault.key, &write, remember))?;
        self.has_written = true;
        Ok(done.try_iter().last().expect("what was committed was run"))
    }

    /// Does something under the vault's key, and once more under the new one if a rotation was
    /// faster.
    fn retrying<T>(
        &mut self,
        mut once: impl FnMut(&mut Self) -> Result<T, store::Error>,
    ) -> Result<T, Error> {
        loop {
            match once(self) {
                Err(store::Error::KeyRetired) => self.unlock_again()?,
                other => return Ok(other?),
            }
        }
    }

    fn unlock_again(&mut self) -> Result<(), Error> {
        self.store()?.look_again()?;
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let known = (newest.vault, newest.generation);
        // Another handle may have done so: the keychain is asked once, and a passphrase's key,
        // which takes much memory, derived once.
        if known == (self.key.vault, self.key.generation) {
            *newest = unlock::unlock(&*self.store()?, &self.with)?;
        }
        self.key = newest.clone();
        Ok(())
    }

    fn row(&self, view: &Connection, account: &Account) -> Result<Option<Row>, store::Error> {
        let current = header::read(view)?;
        if current.is_none_or(|header| {
            (header.vault, header.generation) != (self.key.vault, self.key.generation)
        }) {
            return Err(store::Error::KeyRetired);
        }
        let Some(stored) = credentials::read(view, &self.key, account)? else {
            return Ok(None);
        };
        // A journal of an earlier revision is about a refresh token that was replaced since.
        let journal =
            journal::read(view, account)?.filter(|journal| journal.revision == stored.revision);
        Ok(Some(Row { stored, journal }))
    }
}
