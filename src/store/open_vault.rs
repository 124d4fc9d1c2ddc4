//! An unlocked vault: how it is opened, and what is done under its data key.
//!
//! Each call is one consistent read (`reads.rs`) or one transaction (`writes.rs`). Threads may share
//! the vault. If another process rotates the keys, the next call unlocks the vault again with the
//! same secret.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::change::{Change, Outcome};
use super::engine::Engine;
use super::error::Error;
#[cfg(feature = "postgres")]
use super::postgres::Server;
use super::sqlite::{Remember, Sqlite, header};
use super::unlock;
use super::vault::Vault;
use super::watermarks::Watermarks;
use crate::model::audit::Settings;
use crate::vault::seal::DataKey;
use crate::vault::slot::SlotId;
use crate::vault::slot_secret::SlotSecret;

/// A vault with its data key, which opens credentials.
pub(crate) struct OpenVault {
    vault: Vault,
    /// The secret with which a vault in a file was unlocked.
    secret: Option<SlotSecret>,
    /// The newest data key, shared by all [`OpenVault`]s that an [`Opener`] made.
    key: Arc<Mutex<Arc<DataKey>>>,
    /// The audit's settings that the next write seals; `None` if the configuration was not read.
    audit_settings: Mutex<Option<Settings>>,
    has_written: AtomicBool,
    watermarks: Watermarks,
}

/// The means to open an unlocked vault a second time, without asking the keychain or deriving a key
/// again.
#[derive(Clone)]
pub(crate) struct Opener {
    source: Source,
    secret: Option<SlotSecret>,
    key: Arc<Mutex<Arc<DataKey>>>,
    watermarks: Watermarks,
}

/// The vault that is opened a second time.
#[derive(Clone)]
enum Source {
    File(PathBuf),
    /// The connection, which all threads share.
    #[cfg(feature = "postgres")]
    Server(Arc<Server>),
}

impl Opener {
    /// Whether the vault is a shared one.
    #[cfg(feature = "postgres")]
    pub(crate) fn is_shared(&self) -> bool {
        match &self.source {
            Source::File(_) => false,
            Source::Server(_) => true,
        }
    }

    /// Opens the file that is at the vault's path now, for reading and writing by many threads.
    pub(crate) fn open(&self) -> Result<OpenVault, Error> {
        let vault = match &self.source {
            Source::File(path) => Vault::over_sqlite(Sqlite::open_for_threads(path)?),
            #[cfg(feature = "postgres")]
            Source::Server(server) => Vault { engine: Engine::Server(Arc::clone(server)) },
        };
        let vault = OpenVault::sharing(vault, self.secret.clone(), Arc::clone(&self.key));
        Ok(vault.with_watermarks(self.watermarks.clone()))
    }
}

impl Deref for OpenVault {
    type Target = Vault;

    fn deref(&self) -> &Vault {
        &self.vault
    }
}

/// A vault that could not be unlocked, with the reason.
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
    /// Returns the shared vault of `server` open a second time, over its connection.
    #[cfg(feature = "postgres")]
    pub(super) fn over_server(server: &Arc<Server>) -> OpenVault {
        let vault = Self { engine: Engine::Server(Arc::clone(server)) };
        OpenVault::new(vault, None, server.data_key())
    }

    /// Returns a shared vault open, which needs no more than it was opened with; the vault itself if
    /// it is one in a file.
    #[cfg(feature = "postgres")]
    pub(crate) fn opened(self) -> Result<OpenVault, Self> {
        match &self.engine {
            Engine::Sqlite(_) => Err(self),
            Engine::Server(server) => {
                let key = server.data_key();
                Ok(OpenVault::new(self, None, key))
            }
        }
    }

    /// Unlocks the vault with `secret`; on failure the vault is returned in the error, for a try
    /// with another secret.
    pub(crate) fn unlock(self, secret: SlotSecret) -> Result<OpenVault, Box<StillLocked>> {
        self.unlock_with(secret, None)
    }

    /// Unlocks the vault as [`Vault::unlock`] does, but tries the slot `only` alone if one is named.
    pub(crate) fn unlock_with(
        self,
        secret: SlotSecret,
        only: Option<SlotId>,
    ) -> Result<OpenVault, Box<StillLocked>> {
        let key = unlock::data_key(&self, &secret, only).and_then(|key| {
            match secret {
                // These take no time: the view is still recent.
                SlotSecret::Key(_) | SlotSecret::Recovery(_) => {}
                // The keychain may have shown a prompt, and a passphrase takes time to derive from:
                // others may have written meanwhile.
                SlotSecret::Keychain(_) | SlotSecret::Passphrase(_) => self.look_again()?,
            }
            Ok(key)
        });
        match key {
            Ok(key) => Ok(OpenVault::new(self, Some(secret), key)),
            Err(error) => Err(Box::new(StillLocked { vault: self, error })),
        }
    }
}

/// The vault as it is held open: its watermarks, its header, and the means to open it again.
impl OpenVault {
    /// Returns `vault` open with its data `key`, which `secret` unlocked.
    pub(super) fn new(vault: Vault, secret: Option<SlotSecret>, key: DataKey) -> Self {
        let key = Arc::new(Mutex::new(Arc::new(key)));
        Self::sharing(vault, secret, key)
    }

    fn sharing(vault: Vault, secret: Option<SlotSecret>, key: Arc<Mutex<Arc<DataKey>>>) -> Self {
        let (audit_settings, has_written) = (Mutex::new(None), AtomicBool::new(false));
        let watermarks = Watermarks::default();
        Self { vault, secret, key, audit_settings, has_written, watermarks }
    }

    /// Returns this vault with the `watermarks` of this machine: it is compared with them before anything
    /// is sent or written, and raises them.
    pub(crate) fn with_watermarks(self, watermarks: Watermarks) -> Self {
        Self { watermarks, ..self }
    }

    /// Returns the watermarks of this machine, with which the vault is compared.
    pub(super) fn watermarks(&self) -> &Watermarks {
        &self.watermarks
    }

    /// Whether the sealed part of the header does not open, although the key is the right one.
    pub(crate) fn has_damaged_header(&self) -> Result<bool, Error> {
        let file = match self.engine() {
            Engine::Sqlite(file) => file,
            #[cfg(feature = "postgres")]
            Engine::Server(_) => return Ok(false),
        };
        match self.under_key(|key| file.read(|view| header::open(view, key))) {
            Ok(_) => Ok(false),
            Err(Error::HeaderDamaged) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Seals a new header in place of one that does not open. A new audit begins, and which bundles
    /// were imported is forgotten.
    ///
    /// Fails with [`Error::HeaderDamaged`] if no credential opens either.
    pub(crate) fn renew_header(&self) -> Result<(), Error> {
        self.open_for_writing()?;
        let settings = lock(&self.audit_settings).unwrap_or_default();
        let file = self.engine().file("header")?;
        self.under_key(|key| file.renew_header(key, settings, &self.watermarks))
    }

    /// Returns the means to open the vault again, which holds no connection to it.
    pub(crate) fn opener(&self) -> Opener {
        let source = match self.engine() {
            Engine::Sqlite(_) => Source::File(self.location().to_owned()),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => Source::Server(Arc::clone(server)),
        };
        let (key, watermarks) = (Arc::clone(&self.key), self.watermarks.clone());
        Opener { source, secret: self.secret.clone(), key, watermarks }
    }

    /// Opens the vault for writing as well, if it was opened for reading only.
    pub(crate) fn open_for_writing(&self) -> Result<(), Error> {
        match self.engine() {
            Engine::Sqlite(file) => file.open_for_writing(),
            #[cfg(feature = "postgres")]
            Engine::Server(_) => Ok(()),
        }
    }

    /// Gives the vault up just before the process ends. The key is wiped. A file that was only read
    /// stays open: closing it takes SQLite eleven system calls, and the kernel closes it anyway.
    pub(crate) fn leave_open(self) {
        let Self { vault, .. } = self;
        match &vault.engine {
            Engine::Sqlite(file) if file.is_for_reading() => std::mem::forget(vault),
            Engine::Sqlite(_) => {}
            #[cfg(feature = "postgres")]
            Engine::Server(_) => {}
        }
    }

    /// Returns the secret with which the vault was unlocked. Fails for a shared vault, which has no
    /// key slots.
    pub(crate) fn slot_secret(&self) -> Result<&SlotSecret, Error> {
        self.engine().file("key slots")?;
        self.secret.as_ref().ok_or(Error::Inconsistent("an open file without a secret"))
    }
}

/// The key, and what is done under it.
impl OpenVault {
    /// Commits a change; if the keys were rotated meanwhile, unlocks the vault again and commits it
    /// under the new key.
    pub(super) fn commit(&self, change: impl Fn() -> Change) -> Result<Outcome, Error> {
        let outcome = self.under_key(|key| {
            let change = change();
            let remember =
                if change.effect().is_bookkeeping { Remember::Nothing } else { self.remember() };
            self.vault.engine.commit(key, change, remember, &self.watermarks)
        })?;
        self.has_written.store(true, Ordering::Relaxed);
        Ok(outcome)
    }

    /// Returns what a commit of a credential seals of the audit.
    pub(super) fn remember(&self) -> Remember {
        Remember::Audit(*lock(&self.audit_settings))
    }

    /// Runs `work` with the data key; if that key was rotated meanwhile, unlocks the vault again and
    /// runs it with the new key.
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
        // Another thread may have unlocked the vault already. The keychain should be asked once,
        // and the key of a passphrase, which takes much memory, derived once.
        if (newest.vault, newest.generation) == (retired.vault, retired.generation) {
            self.look_again()?;
            *newest = Arc::new(unlock::data_key(&self.vault, self.slot_secret()?, None)?);
        } else {
            self.look_again()?;
        }
        Ok(())
    }

    /// Returns the newest data key.
    pub(super) fn key(&self) -> Arc<DataKey> {
        Arc::clone(&lock(&self.key))
    }

    /// Replaces the data key, after a rotation was committed.
    pub(super) fn set_key(&self, next: DataKey) {
        *lock(&self.key) = Arc::new(next);
        self.has_written.store(true, Ordering::Relaxed);
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.vault.engine
    }

    /// Returns the audit's settings, as far as a configuration was read.
    #[cfg(feature = "postgres")]
    pub(super) fn audit_settings(&self) -> Settings {
        lock(&self.audit_settings).unwrap_or_default()
    }

    /// Sets the audit's settings, which the next write seals, so that commands that read no
    /// configuration know how the audit is kept.
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
