//! A vault that was unlocked: what is read and written under its key.
//!
//! One call is one look at the vault, or one transaction. Whoever calls may share the vault among
//! threads; a key that another process rotated meanwhile is unlocked again on the way.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::change::{Change, Outcome};
use super::engine::Engine;
use super::error::Error;
use super::record::Row;
use super::sqlite::reseal::{self, Damage};
use super::sqlite::{Remember, Sqlite, attempts, audit, bundles, credentials};
use super::unlock;
use super::vault::Vault;
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::model::audit::Settings;
use crate::vault::bundle::BundleId;
use crate::vault::seal::DataKey;
use crate::vault::slot_secret::SlotSecret;

/// A vault and the key that opens its rows.
pub(crate) struct OpenVault {
    vault: Vault,
    with: SlotSecret,
    /// The newest data key, which all handles of this process on the vault share.
    key: Arc<Mutex<Arc<DataKey>>>,
    /// How the audit is to be kept from the next write on, if today's configuration is known.
    audit_settings: Mutex<Option<Settings>>,
    has_written: AtomicBool,
}

/// Opens an unlocked vault once more: the keychain is not asked, and no key derived again.
#[derive(Clone)]
pub(crate) struct Opener {
    path: PathBuf,
    with: SlotSecret,
    key: Arc<Mutex<Arc<DataKey>>>,
}

impl Opener {
    /// Opens the file that is at the vault's place by now, for reading and writing by many threads.
    pub(crate) fn open(&self) -> Result<OpenVault, Error> {
        let vault = Vault::over_sqlite(Sqlite::open_for_threads(&self.path)?);
        Ok(OpenVault::sharing(vault, self.with.clone(), Arc::clone(&self.key)))
    }
}

impl Deref for OpenVault {
    type Target = Vault;

    fn deref(&self) -> &Vault {
        &self.vault
    }
}

/// A vault that did not open, and why.
pub(crate) struct StillLocked {
    pub(crate) vault: Vault,
    pub(crate) error: Error,
}

impl From<Box<StillLocked>> for Error {
    fn from(locked: Box<StillLocked>) -> Self {
        locked.error
    }
}

impl Vault {
    /// Unlocks the vault.
    pub(crate) fn unlock(self, with: SlotSecret) -> Result<OpenVault, Box<StillLocked>> {
        let key = unlock::data_key(&self, &with).and_then(|key| {
            match with {
                // No time has passed.
                SlotSecret::Key(_) | SlotSecret::Recovery(_) => {}
                // Somebody may have had to type a password: the vault has moved on.
                SlotSecret::Keychain(_) | SlotSecret::Passphrase(_) => self.look_again()?,
            }
            Ok(key)
        });
        match key {
            Ok(key) => Ok(OpenVault::new(self, with, key)),
            Err(error) => Err(Box::new(StillLocked { vault: self, error })),
        }
    }
}

/// Reading.
impl OpenVault {
    pub(super) fn new(vault: Vault, with: SlotSecret, key: DataKey) -> Self {
        let key = Arc::new(Mutex::new(Arc::new(key)));
        Self::sharing(vault, with, key)
    }

    fn sharing(vault: Vault, with: SlotSecret, key: Arc<Mutex<Arc<DataKey>>>) -> Self {
        let (audit_settings, has_written) = (Mutex::new(None), AtomicBool::new(false));
        Self { vault, with, key, audit_settings, has_written }
    }

    /// What opens the vault once more, without the connection that this one holds.
    pub(crate) fn opener(&self) -> Opener {
        let (path, key) = (self.location().to_owned(), Arc::clone(&self.key));
        Opener { path, with: self.with.clone(), key }
    }

    /// Opens a vault that was opened for reading alone for writing as well.
    pub(crate) fn open_for_writing(&self) -> Result<(), Error> {
        self.file_engine().open_for_writing()
    }

    /// What the vault was unlocked with.
    pub(crate) fn slot_secret(&self) -> &SlotSecret {
        &self.with
    }

    /// Reads the credential of `account`, opened, with its journal.
    ///
    /// Fails with [`Error::Tampered`] where it does not open.
    pub(crate) fn read(&self, account: &Account) -> Result<Option<Row>, Error> {
        self.under_key(|key| {
            self.file_engine().read(|view| credentials::read_with_journal(view, key, account))
        })
    }

    /// Reads the credential of `account` and the last time that its provider was asked about it.
    /// Finds what is damaged and goes with every credential that is stored: before a refresh token
    /// is spent.
    pub(crate) fn read_with_attempt(
        &self,
        account: &Account,
    ) -> Result<Option<(Row, Option<Attempt>)>, Error> {
        self.under_key(|key| {
            self.file_engine().read(|view| {
                let Some(row) = credentials::read_with_journal(view, key, account)? else {
                    return Ok(None);
                };
                audit::read(view, key)?;
                Ok(Some((row, attempts::read(view, account)?)))
            })
        })
    }

    /// The revision of the credential of `account`, which is not opened for it, and the last time
    /// that its provider was asked.
    pub(crate) fn revision(
        &self,
        account: &Account,
    ) -> Result<Option<(u64, Option<Attempt>)>, Error> {
        self.file_engine().read(|view| {
            let Some(revision) = credentials::revision(view, account)? else { return Ok(None) };
            Ok(Some((revision, attempts::read(view, account)?)))
        })
    }

    /// Opens every credential, and tells how many there are, and which do not open.
    pub(crate) fn examine(&self, progress: impl FnMut(u64)) -> Result<(u64, Damage), Error> {
        let key = self.key();
        self.file_engine().read(|view| reseal::examine(view, &key, progress))
    }

    /// The bundle that was handed over and is not known to be in place.
    pub(crate) fn unplaced_bundle(&self) -> Result<Option<(BundleId, String)>, Error> {
        self.file_engine().read(bundles::unplaced)
    }

    /// When a bundle was taken in, if it was.
    pub(crate) fn imported_at(&self, bundle: BundleId) -> Result<Option<Timestamp>, Error> {
        self.file_engine().read(|view| bundles::opened_at(view, bundle))
    }
}

/// The key, and what is done under it.
impl OpenVault {
    /// Carries out a change; once more, under the new key, if a rotation was faster.
    pub(super) fn commit(&self, change: impl Fn() -> Change) -> Result<Outcome, Error> {
        let outcome = self.under_key(|key| {
            let change = change();
            let remember =
                if change.is_bookkeeping() { Remember::Nothing } else { self.remember() };
            self.vault.engine.commit(key, change, remember)
        })?;
        self.has_written.store(true, Ordering::Relaxed);
        Ok(outcome)
    }

    /// What a commit that writes a credential remembers of the audit.
    pub(super) fn remember(&self) -> Remember {
        Remember::Audit(*lock(&self.audit_settings))
    }

    /// Does something under the vault's key, and once more under the new one if a rotation was
    /// faster.
    pub(super) fn under_key<T>(
        &self,
        mut work: impl FnMut(&DataKey) -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            let key = self.key();
            match work(&key) {
                Err(Error::KeyRetired) => self.unlock_again(&key)?,
                other => return other,
            }
        }
    }

    fn unlock_again(&self, retired: &DataKey) -> Result<(), Error> {
        let mut newest = lock(&self.key);
        // Another thread may have done so: the keychain is asked once, and a passphrase's key,
        // which takes much memory, derived once.
        if (newest.vault, newest.generation) == (retired.vault, retired.generation) {
            self.file_engine().look_again()?;
            *newest = Arc::new(unlock::data_key(&self.vault, &self.with)?);
        } else {
            self.file_engine().look_again()?;
        }
        Ok(())
    }

    /// The newest data key.
    pub(super) fn key(&self) -> Arc<DataKey> {
        Arc::clone(&lock(&self.key))
    }

    /// Makes `next` the key, after a rotation was committed.
    pub(super) fn set_key(&self, next: DataKey) {
        *lock(&self.key) = Arc::new(next);
        self.has_written.store(true, Ordering::Relaxed);
    }

    pub(super) fn file_engine(&self) -> &Sqlite {
        let Engine::Sqlite(file) = &self.vault.engine;
        file
    }

    /// Seals `settings` with the next write, so that commands which read no configuration know
    /// how the audit is kept.
    pub(crate) fn set_audit_settings(&self, settings: Settings) {
        *lock(&self.audit_settings) = Some(settings);
    }

    /// Whether anything was committed since the vault was unlocked.
    pub(super) fn has_written(&self) -> bool {
        self.has_written.load(Ordering::Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
