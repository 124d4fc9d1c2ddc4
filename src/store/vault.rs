//! A vault that is not unlocked: what can be read and done without its key.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;

use super::audit::read_entries;
use super::engine::Engine;
use super::error::Error;
use super::file::VaultFile;
use super::record::ListedSlot;
use super::spill;
use super::sqlite::{self, Access, Sqlite, attempts, bundles, credentials, header, journal, slots};
use super::turn::{CredentialTurn, KeysTurn};
use crate::model::account::{Account, ProviderName, UserName};
use crate::model::attempt::Attempt;
use crate::model::audit::Entry;
use crate::model::summary::Summary;
use crate::private_file;

/// A vault whose sealed rows stay closed.
pub(crate) struct Vault {
    pub(super) engine: Engine,
}

impl Vault {
    /// Opens the vault at `path` for reading alone.
    pub(crate) fn open_read_only(path: &Path) -> Result<Self, Error> {
        Ok(Self::over_sqlite(Sqlite::open(path, Access::Read)?))
    }

    /// Opens the vault at `path` for a look that waits for nobody and changes nothing; what it
    /// shows may be wrong if somebody writes just now.
    pub(crate) fn open_unlocked(path: &Path) -> Result<Self, Error> {
        Ok(Self::over_sqlite(Sqlite::open(path, Access::Unlocked)?))
    }

    /// Opens the vault at `path` for reading and writing.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self::over_sqlite(Sqlite::open(path, Access::ReadWrite)?))
    }

    /// Opens the vault at `path`, or one without a key slot where there was none.
    pub(crate) fn open_or_create(path: &Path) -> Result<Self, Error> {
        Ok(Self::over_sqlite(Sqlite::open(path, Access::Create)?))
    }

    pub(super) fn over_sqlite(file: Sqlite) -> Self {
        Self { engine: Engine::Sqlite(file) }
    }

    pub(super) fn file(&self) -> &VaultFile {
        let Engine::Sqlite(file) = &self.engine;
        file.file()
    }

    /// Where the vault is, as its user knows it.
    pub(crate) fn location(&self) -> &Path {
        self.file().path()
    }

    /// Whether the vault was finished: has a name and a first key slot.
    pub(crate) fn is_finished(&self) -> Result<bool, Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.read(|view| Ok(header::read(view)?.is_some()))
    }

    /// The key slots, oldest first. Fails with [`Error::NoVault`] where the vault was never
    /// finished.
    pub(crate) fn slots(&self) -> Result<Vec<ListedSlot>, Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.read(|view| {
            header::read(view)?.ok_or_else(|| self.no_vault())?;
            slots::list(view)
        })
    }

    pub(super) fn no_vault(&self) -> Error {
        Error::NoVault { path: self.location().to_owned() }
    }

    /// The accounts that match, in order; what is left out matches all.
    pub(crate) fn accounts(
        &self,
        provider: Option<&ProviderName>,
        user: Option<&UserName>,
    ) -> Result<Vec<Account>, Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.read(|view| credentials::accounts(view, provider, user))
    }

    /// What is in the clear of all credentials, nothing of it verified; and how many rows are so
    /// odd that nothing can be read from them.
    pub(crate) fn summaries(&self) -> Result<(Vec<Summary>, usize), Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.read(credentials::summaries)
    }

    /// Hands what is in the clear of each credential to `each`, with its last attempt and whether
    /// its last refresh got no certain answer; one after the other, so that no more than one is
    /// held at a time. Returns how many rows are so odd that nothing can be read from them.
    pub(crate) fn each_summary<E: From<Error>>(
        &self,
        mut each: impl FnMut(Summary, Option<Attempt>, bool) -> Result<(), E>,
    ) -> Result<usize, E> {
        let Engine::Sqlite(file) = &self.engine;
        file.read(|view| {
            let in_doubt: BTreeSet<(String, String)> = journal::accounts(view)?;
            attempts::with_summaries(view, |summary, last| {
                let Account { provider, user } = &summary.account;
                // Nearly always there is none.
                let is_in_doubt = !in_doubt.is_empty()
                    && in_doubt.contains(&(provider.as_str().to_owned(), user.as_str().to_owned()));
                each(summary, last, is_in_doubt)
            })
        })
    }

    /// The last attempt for each credential.
    pub(crate) fn attempts(&self) -> Result<Vec<Attempt>, Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.read(attempts::all)
    }

    /// The last time that a provider was asked about `account`.
    pub(crate) fn last_attempt(&self, account: &Account) -> Result<Option<Attempt>, Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.read(|view| attempts::read(view, account))
    }

    /// Since when a bundle waits that was handed over and is not known to be in place.
    pub(crate) fn unplaced_bundle_since(&self) -> Result<Option<Timestamp>, Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.read(bundles::unplaced_since)
    }

    /// Forgets an account without a key: works on damaged rows as well. Returns whether there was
    /// such a credential.
    pub(crate) fn forget(&self, account: &Account, deadline: Instant) -> Result<bool, Error> {
        let _turn = CredentialTurn::of(self.file(), account, deadline)?;
        spill::discard(self.file(), account)?;
        let Engine::Sqlite(file) = &self.engine;
        file.without_key(|transaction| sqlite::forget(transaction, account))
    }

    /// Writes the vault as it is at one moment to the new file `target`, which is private from the
    /// start, and flushes it to the disk. The copy opens with the same key slots.
    ///
    /// Fails where something is at `target` already.
    pub(crate) fn back_up(&self, target: &Path) -> Result<(), Error> {
        let refused = |source| private_file::Error::Io { path: target.to_owned(), source };
        let made = private_file::create_new(target).map_err(refused)?;
        let Engine::Sqlite(file) = &self.engine;
        let written = absolute(target)
            .and_then(|path| file.writer().copy_to(&path))
            .and_then(|()| Ok(made.sync_all().map_err(refused)?));
        if written.is_err() {
            // Made here, and worth nothing.
            let _ = std::fs::remove_file(target);
        }
        written
    }

    /// The entries of the audit as they stand in its file, oldest first, nothing of them verified;
    /// and how many lines are none.
    pub(crate) fn audit_entries(
        &self,
        patience: std::time::Duration,
    ) -> Result<(Vec<Entry>, usize), Error> {
        read_entries(self.file(), patience)
    }

    /// Waits until nobody uses or changes the vault's keys, and keeps it so.
    pub(crate) fn keys_turn(&self, deadline: Instant) -> Result<KeysTurn, Error> {
        KeysTurn::of(self.file(), deadline)
    }
}

/// The path as SQLite takes it: text that can't be taken for an option or an address.
fn absolute(target: &Path) -> Result<String, Error> {
    let unusable = || private_file::Error::NotAFile { path: target.to_owned() };
    let path = target.canonicalize().map_err(|_| unusable())?;
    Ok(path.into_os_string().into_string().map_err(|_| unusable())?)
}
