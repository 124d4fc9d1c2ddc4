//! An unlocked vault: reads and writes credentials, and unlocks again when its key was rotated.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rusqlite::{Connection, Transaction};

use super::error::Error;
use super::unlock::{self, Unlocking};
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::model::audit::Settings;
use crate::store::audit::{self, Mark, Sealed};
use crate::store::credentials::{self, Stored};
use crate::store::file::VaultFile;
use crate::store::group_commit::{GroupCommit, Remember, Write};
use crate::store::journal::{self, Journal};
use crate::store::{self, Store, attempts, header};
use crate::vault::seal::DataKey;

/// A vault that was unlocked.
pub(crate) struct OpenVault {
    store: Store,
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

/// Opens further handles on an unlocked vault, for other threads: the keychain is not asked and no
/// key derived again.
#[derive(Clone)]
pub(crate) struct Opener {
    path: PathBuf,
    with: Unlocking,
    newest: Newest,
    group: Arc<GroupCommit>,
}

impl Opener {
    /// A handle for reading and writing.
    pub(crate) fn open(&self) -> Result<OpenVault, Error> {
        let store = Store::open(&self.path)?;
        let key = self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (newest, group) = (Arc::clone(&self.newest), Arc::clone(&self.group));
        Ok(OpenVault::sharing(store, self.with.clone(), key, newest, group))
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
        Ok(Self::sharing(store, with, key, newest, Arc::default()))
    }

    /// Opens further handles, for other threads.
    pub(crate) fn opener(&self) -> Opener {
        Opener {
            path: self.store.file().path().to_owned(),
            with: self.with.clone(),
            newest: Arc::clone(&self.newest),
            group: Arc::clone(&self.group),
        }
    }

    fn sharing(
        store: Store,
        with: Unlocking,
        key: DataKey,
        newest: Newest,
        group: Arc<GroupCommit>,
    ) -> Self {
        Self { store, with, key, newest, group, audit_wanted: None, has_written: false }
    }

    /// Opens the same vault for writing as well.
    pub(crate) fn open_for_writing(&mut self) -> Result<(), Error> {
        // In a copy that has no write-ahead log yet, a standing view keeps writers out.
        self.store.end_view()?;
        self.store = Store::open(self.store.file().path())?;
        Ok(())
    }

    /// Seals `settings` with the next write, so that commands which read no configuration know
    /// how the audit is kept.
    pub(crate) fn keep_audit_as(&mut self, settings: Settings) {
        self.audit_wanted = Some(settings);
    }

    /// What the vault keeps of the audit; `None` where nothing was written since it keeps that.
    pub(super) fn audit(&mut self) -> Result<Option<Sealed>, Error> {
        loop {
            match self.audit_once() {
                Err(store::Error::KeyRetired) => self.unlock_again()?,
                other => return Ok(other?),
            }
        }
    }

    /// Whether anything was committed since the vault was unlocked.
    pub(super) fn has_written(&self) -> bool {
        self.has_written
    }

    /// What it was unlocked with.
    pub(crate) fn with(&self) -> &Unlocking {
        &self.with
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn file(&self) -> &VaultFile {
        self.store.file()
    }

    pub(super) fn key(&self) -> &DataKey {
        &self.key
    }

    /// Reads the credential of `account`, opened, with its journal.
    pub(crate) fn read(&mut self, account: &Account) -> Result<Option<Row>, Error> {
        loop {
            match self.read_once(account) {
                // Between unlocking and reading, a rotation may have sealed the row anew.
                Err(store::Error::KeyRetired) => self.unlock_again()?,
                other => return Ok(other?),
            }
        }
    }

    /// The same where there has to be one.
    pub(crate) fn expect(&mut self, account: &Account) -> Result<Row, Error> {
        self.read(account)?.ok_or_else(|| Error::NoCredential { account: account.clone() })
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
        Ok(look(&*self.store.read()?)?)
    }

    /// The last time that a provider was asked about `account`.
    pub(super) fn last_attempt(&self, account: &Account) -> Result<Option<Attempt>, Error> {
        Ok(attempts::read(&*self.store.read()?, account)?)
    }

    /// Runs `change` in one transaction and commits it, and with it how far the audit reaches. If
    /// the key was rotated since the vault was unlocked, unlocks it again and runs `change` with
    /// the new key.
    pub(super) fn write<T>(
        &mut self,
        mut change: impl FnMut(&Transaction<'_>, &DataKey) -> Result<T, store::Error>,
    ) -> Result<T, Error> {
        loop {
            match self.write_once(&mut change) {
                Err(store::Error::KeyRetired) => self.unlock_again()?,
                other => return Ok(other?),
            }
        }
    }

    /// Runs `change`, which is to make `next` the data key, in one transaction and commits it.
    ///
    /// Fails with [`store::Error::KeyRetired`] if somebody else was faster.
    pub(super) fn change_key<T>(
        &mut self,
        next: DataKey,
        change: impl FnOnce(&Transaction<'_>, &DataKey, &DataKey) -> Result<T, store::Error>,
    ) -> Result<T, Error> {
        let audit_end = self.audit_end()?;
        let transaction = self.store.write()?;
        audit::seal(&transaction, &self.key, audit_end, self.audit_wanted)?;
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
        let mut committed = self.group.commit(&mut self.store, &self.key, &write, remember);
        while matches!(committed, Err(store::Error::KeyRetired)) {
            self.unlock_again()?;
            committed = self.group.commit(&mut self.store, &self.key, &write, remember);
        }
        committed?;
        self.has_written = true;
        Ok(done.try_iter().last().expect("what was committed was run"))
    }

    fn unlock_again(&mut self) -> Result<(), Error> {
        self.store.look_again()?;
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let known = (newest.vault, newest.generation);
        // Another handle may have done so: the keychain is asked once, and a passphrase's key,
        // which takes much memory, derived once.
        if known == (self.key.vault, self.key.generation) {
            *newest = unlock::unlock(&self.store, &self.with)?;
        }
        self.key = newest.clone();
        Ok(())
    }

    fn read_once(&self, account: &Account) -> Result<Option<Row>, store::Error> {
        let transaction = self.store.read()?;
        let current = header::read(&transaction)?;
        if current.is_none_or(|header| {
            (header.vault, header.generation) != (self.key.vault, self.key.generation)
        }) {
            return Err(store::Error::KeyRetired);
        }
        let Some(stored) = credentials::read(&transaction, &self.key, account)? else {
            return Ok(None);
        };
        // A journal of an earlier revision is about a refresh token that was replaced since.
        let journal = journal::read(&transaction, account)?
            .filter(|journal| journal.revision == stored.revision);
        Ok(Some(Row { stored, journal }))
    }

    fn write_once<T>(
        &mut self,
        change: &mut impl FnMut(&Transaction<'_>, &DataKey) -> Result<T, store::Error>,
    ) -> Result<T, store::Error> {
        let audit_end = self.audit_end()?;
        let transaction = self.store.write()?;
        let done = change(&transaction, &self.key)?;
        audit::seal(&transaction, &self.key, audit_end, self.audit_wanted)?;
        transaction.commit()?;
        self.has_written = true;
        Ok(done)
    }

    fn audit_once(&self) -> Result<Option<Sealed>, store::Error> {
        audit::read(&*self.store.read()?, &self.key)
    }

    /// How far the audit reaches beyond what the vault remembers, looked up before a transaction
    /// keeps others waiting.
    fn audit_end(&self) -> Result<Option<Mark>, store::Error> {
        Ok(self.audit_once()?.and_then(|sealed| audit::end(self.store.file(), &sealed)))
    }
}
