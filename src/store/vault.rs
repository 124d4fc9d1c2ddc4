//! A vault that is still locked, with everything that needs no key.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
#[cfg(feature = "postgres")]
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::audit::read_entries;
use super::engine::Engine;
use super::error::{DiskFault, Error};
use super::file::VaultFile;
#[cfg(feature = "postgres")]
use super::postgres::Server;
use super::record::ListedSlot;
use super::spill;
use super::sqlite::{Access, Seen, Sqlite, bundles, credentials, evidence, header, slots};
use super::turn::{CredentialTurn, Turn};
use super::watermarks::Watermarks;
use crate::model::account::Account;
#[cfg(feature = "postgres")]
use crate::model::account::AccountFilter;
use crate::model::attempt::Attempt;
use crate::model::audit::Entry;
use crate::private_file;

/// A vault without its data key: it can list accounts, but opens no credential.
pub(crate) struct Vault {
    pub(super) engine: Engine,
}

impl Vault {
    /// Opens the vault at `path` for reading alone.
    pub(crate) fn open_read_only(path: &Path) -> Result<Self, Error> {
        Ok(Self::over_sqlite(Sqlite::open(path, Access::Read)?))
    }

    /// Opens the vault at `path` for reading without SQLite's locks: it waits for no process and
    /// changes nothing, but may return wrong rows while another process writes. It has nothing to
    /// do with [`Vault::unlock`].
    pub(crate) fn open_unlocked(path: &Path) -> Result<Self, Error> {
        Ok(Self::over_sqlite(Sqlite::open(path, Access::Unlocked)?))
    }

    /// Opens the vault at `path` for reading and writing.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self::over_sqlite(Sqlite::open(path, Access::ReadWrite)?))
    }

    /// Opens the vault at `path` for reading and writing; creates one without a key slot if there
    /// is none.
    pub(crate) fn open_or_create(path: &Path) -> Result<Self, Error> {
        Ok(Self::over_sqlite(Sqlite::open(path, Access::Create)?))
    }

    pub(super) fn over_sqlite(file: Sqlite) -> Self {
        Self { engine: Engine::Sqlite(Box::new(file)) }
    }

    /// Returns the engine of a shared vault; `None` for a vault in a file.
    #[cfg(feature = "postgres")]
    pub(super) fn server(&self) -> Option<&Arc<Server>> {
        match &self.engine {
            Engine::Sqlite(_) => None,
            Engine::Server(server) => Some(server),
        }
    }

    /// Whether many machines share the vault.
    pub(crate) fn is_shared(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Engine::Server(_) => true,
        }
    }

    pub(super) fn file(&self) -> &VaultFile {
        match &self.engine {
            Engine::Sqlite(file) => file.file(),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => server.file(),
        }
    }

    /// Returns the path of the vault's file, with symbolic links resolved.
    pub(crate) fn location(&self) -> &Path {
        self.file().path()
    }

    /// Returns what others can write, of the vault and of what leads to it, and what the user can't
    /// mend.
    pub(crate) fn still_loose(&self) -> Vec<PathBuf> {
        self.file().still_loose()
    }

    /// Whether the vault was finished, that is, has a name and a first key slot.
    pub(crate) fn is_finished(&self) -> Result<bool, Error> {
        match &self.engine {
            Engine::Sqlite(file) => file.read(|view| Ok(header::read(view)?.is_some())),
            #[cfg(feature = "postgres")]
            Engine::Server(_) => Ok(true),
        }
    }

    /// Returns this vault; fails with [`Error::NoVault`] if it was never finished, as a first login
    /// that failed leaves it. A damaged header is no reason to fail: what needs no key goes on.
    pub(crate) fn finished(self) -> Result<Self, Error> {
        match self.is_finished() {
            Ok(false) => Err(self.no_vault()),
            Ok(true) | Err(_) => Ok(self),
        }
    }

    /// Returns the key slots, oldest first. Fails with [`Error::NoVault`] if the vault was never
    /// finished.
    pub(crate) fn slots(&self) -> Result<Vec<ListedSlot>, Error> {
        self.engine.file("key slots")?.read(|view| {
            header::read(view)?.ok_or_else(|| self.no_vault())?;
            slots::list(view)
        })
    }

    /// Returns the error for a vault that was never finished.
    pub(super) fn no_vault(&self) -> Error {
        Error::NoVault { path: self.location().to_owned() }
    }

    /// Calls `each` with the last attempt for each credential, not verified, beside the names of its
    /// provider and of its server.
    pub(crate) fn each_attempt(
        &self,
        #[cfg_attr(not(feature = "postgres"), expect(unused_mut, reason = "of a shared vault"))]
        mut each: impl FnMut((&str, Option<&str>), Attempt),
    ) -> Result<(), Error> {
        match &self.engine {
            Engine::Sqlite(file) => file.read(|view| evidence::each_attempt(view, each)),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                for (summary, attempt, _) in server.summaries(AccountFilter::default())? {
                    if let Some(attempt) = attempt {
                        let provider = summary.account.provider.as_str();
                        each((provider, summary.server_url.as_deref()), attempt);
                    }
                }
                Ok(())
            }
        }
    }

    /// Returns the time since when a handed over bundle is unplaced: it is not known whether its
    /// file was written. `None` if there is no such bundle.
    pub(crate) fn unplaced_bundle_since(&self) -> Result<Option<Timestamp>, Error> {
        match &self.engine {
            Engine::Sqlite(file) => file.read(bundles::unplaced_since),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => server.unplaced_since(),
        }
    }

    /// Deletes the credential of `account` without a key, so that damaged rows can be deleted too.
    /// Returns whether there was one. `watermarks` forget the account too.
    pub(crate) fn forget(
        &self,
        account: &Account,
        watermarks: &Watermarks,
        deadline: Instant,
    ) -> Result<bool, Error> {
        let _turn = CredentialTurn::of(self.file(), account, deadline)?;
        spill::discard(self.file(), account)?;
        let (forgotten, vault) = match &self.engine {
            Engine::Sqlite(file) => file.without_key(|transaction| {
                let vault = header::read(transaction).ok().flatten().map(|header| header.vault);
                Ok((credentials::remove(transaction, account)?, vault))
            })?,
            #[cfg(feature = "postgres")]
            Engine::Server(server) => (server.forget(account)?, None),
        };
        // It holds zeros by now, so a failure does no harm.
        let _ = spill::remove(self.file(), account);
        if let Some(vault) = vault {
            let seen = Seen::of(watermarks, vault);
            seen.note_deletion(account);
            seen.keep();
        }
        Ok(forgotten)
    }

    /// Writes a consistent copy of the vault to the new file `target`, of mode 0600, and flushes it
    /// to the disk. The copy opens with the same key slots.
    ///
    /// Fails if something is at `target` already.
    pub(crate) fn back_up(&self, target: &Path) -> Result<(), Error> {
        let file = self.engine.file("backup")?;
        let refused = |source| private_file::Error::Io { path: target.to_owned(), source };
        let made = private_file::create_new(target).map_err(refused)?;
        let written = absolute(target)
            .and_then(|path| file.writer().copy_to(&path))
            .and_then(|()| Ok(made.sync_all().map_err(refused)?));
        if written.is_err() {
            // The file was created above and holds no whole copy.
            let _ = std::fs::remove_file(target);
        }
        // The disk is that of the copy, and not the vault's own.
        written.map_err(|error| match error {
            Error::Unwritable(DiskFault::Full) => refused(ErrorKind::StorageFull.into()).into(),
            Error::Unwritable(DiskFault::ReadOnly) => {
                refused(ErrorKind::ReadOnlyFilesystem.into()).into()
            }
            other => other,
        })
    }

    /// Returns the entries in the audit's file, oldest first and not verified, and the number of
    /// lines that are neither entries nor anchors. Waits at most `timeout` for a writer.
    pub(crate) fn audit_entries(
        &self,
        timeout: std::time::Duration,
    ) -> Result<(Vec<Entry>, usize), Error> {
        read_entries(self.file(), timeout)
    }

    /// Waits for the turn to change the vault's keys: no other process uses or changes them then.
    pub(crate) fn keys_turn(&self, deadline: Instant) -> Result<Turn, Error> {
        Turn::to_change_keys(self.file(), deadline)
    }
}

/// Returns the path in the form that SQLite takes: absolute, so that it can't be taken for an
/// option or a URI.
fn absolute(target: &Path) -> Result<String, Error> {
    let unusable = || private_file::Error::NotAFile { path: target.to_owned() };
    let path = target.canonicalize().map_err(|_| unusable())?;
    Ok(path.into_os_string().into_string().map_err(|_| unusable())?)
}
