//! Reads of a vault's state for `doctor`, which migrate nothing, repair nothing and wait for nobody.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::engine::Engine;
use super::error::Error;
use super::file::VaultFile;
#[cfg(feature = "postgres")]
use super::postgres::LeaseRunning;
use super::record::{Journal, ListedSlot};
use super::sidecar::{self, Sidecar};
use super::sqlite::{
    self, Database, Differences, Sqlite, evidence, foreign, header, intents, slots,
};
use super::turn;
use super::vault::Vault;
use crate::model::account::Account;
use crate::vault::seal::Generation;
use crate::vault::slot::{Cost, SlotId};
use crate::vault::slot_secret::entry_name;

/// The names of keychain entries that a vault knows.
#[derive(Debug, Default)]
pub(crate) struct KnownEntries {
    /// The beginning of the names of this vault's entries; `None` if it was never finished.
    pub(crate) prefix: Option<String>,
    /// The entries of key slots.
    pub(crate) slots: BTreeSet<String>,
    /// The entries that have an intent, left by an interrupted change of keys.
    pub(crate) intents: BTreeSet<String>,
}

/// The intents of a vault, which an interrupted change of keys left: names of keychain entries.
#[derive(Debug, Default)]
pub(crate) struct LeftoverIntents {
    pub(crate) own: Vec<String>,
    /// Entries for a vault that was never finished.
    pub(crate) others: Vec<String>,
}

/// A refresh that began and has no answer, by its journal, which is not verified.
#[derive(Debug)]
pub(crate) struct UnansweredRefresh {
    pub(crate) account: Account,
    pub(crate) since: Timestamp,
    /// Whether its request may still be on its way.
    pub(crate) is_under_way: bool,
}

impl Vault {
    /// Opens the vault at `path` without migrating it, whatever else is in its schema. Returns also
    /// whether its tables are those of the current version.
    pub(crate) fn open_as_it_is(path: &Path) -> Result<(Self, bool), Error> {
        let (database, version) = Database::open_as_it_is(path)?;
        let current = version == sqlite::CURRENT;
        Ok((Self::over_sqlite(Sqlite::over(database, None)), current))
    }

    /// Returns the generation of the vault's data key. Fails with [`Error::NoVault`] if the vault
    /// was never finished.
    pub(crate) fn generation(&self) -> Result<Generation, Error> {
        match &self.engine {
            Engine::Sqlite(file) => {
                file.read(|view| Ok(header::read(view)?.ok_or_else(|| self.no_vault())?.generation))
            }
            #[cfg(feature = "postgres")]
            Engine::Server(server) => Ok(server.roster().generation()),
        }
    }

    /// Returns the names of keychain entries that this vault knows.
    pub(crate) fn known_entries(&self) -> Result<KnownEntries, Error> {
        self.engine.file("keychain entries")?.read(|view| {
            let Some(header) = header::read(view)? else { return Ok(KnownEntries::default()) };
            let of_slot = |slot: ListedSlot| entry_name(header.vault, slot.id).to_string();
            Ok(KnownEntries {
                prefix: Some(format!("{}/", header.vault.hex())),
                slots: slots::list(view)?.into_iter().map(of_slot).collect(),
                intents: intents::all(view)?.into_iter().collect(),
            })
        })
    }

    /// Returns the key slots, oldest first, each with the cost of its key derivation.
    pub(crate) fn slots_with_cost(&self) -> Result<Vec<(ListedSlot, Cost)>, Error> {
        self.engine.file("key slots")?.read(|view| {
            let vault = header::read(view)?.ok_or_else(|| self.no_vault())?.vault;
            let slots = slots::read(view, vault, slots::Foreign::PassedOver)?;
            let cost = |of: &ListedSlot| Some(slots.iter().find(|slot| slot.id == of.id)?.cost);
            let listed = slots::list(view)?.into_iter();
            Ok(listed.filter_map(|slot| Some((slot, cost(&slot)?))).collect())
        })
    }

    /// Returns the key slots that name another vault: whoever can write the file put them there, or
    /// edited them. Every command but `doctor` refuses a vault that has one.
    pub(crate) fn foreign_slots(&self) -> Result<Vec<SlotId>, Error> {
        self.engine.file("key slots")?.read(|view| {
            let vault = header::read(view)?.ok_or_else(|| self.no_vault())?.vault;
            slots::foreign(view, vault)
        })
    }

    /// Takes the key slots that name another vault out of the vault at `path`.
    pub(crate) fn remove_foreign_slots(path: &Path) -> Result<(), Error> {
        let vault = Self::open(path)?;
        vault.engine.file("key slots")?.without_key(|transaction| {
            let header = header::read(transaction)?.ok_or_else(|| vault.no_vault())?;
            slots::remove_foreign(transaction, header.vault)
        })
    }

    /// Returns the faults that the engine finds in the file, at most `most` sentences.
    pub(crate) fn faults(&self, most: u8) -> Result<Vec<String>, Error> {
        self.engine.file("file")?.writer().faults(most)
    }

    /// Returns the differences between the schema of the file and that of its version.
    pub(crate) fn schema_differences(&self) -> Result<Differences, Error> {
        self.engine.file("file")?.writer().differences()
    }

    /// Drops from the schema of the vault at `path` what tokctl did not make.
    pub(crate) fn drop_foreign(path: &Path) -> Result<(), Error> {
        foreign::drop_foreign(path)
    }

    /// Returns the length of the write-ahead log in bytes.
    pub(crate) fn log_length(&self) -> u64 {
        self.file().log_length()
    }

    /// Returns the intents that an interrupted change of keys left.
    pub(crate) fn leftover_intents(&self) -> Result<LeftoverIntents, Error> {
        let KnownEntries { prefix: Some(prefix), intents, .. } = self.known_entries()? else {
            return Ok(LeftoverIntents::default());
        };
        let (own, others) = intents.into_iter().partition(|name| name.starts_with(&prefix));
        Ok(LeftoverIntents { own, others })
    }

    /// Returns the refreshes that have no answer yet.
    pub(crate) fn unanswered_refreshes(&self) -> Result<Vec<UnansweredRefresh>, Error> {
        let file = match &self.engine {
            Engine::Sqlite(file) => file,
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                let unanswered = |lease: LeaseRunning| UnansweredRefresh {
                    account: lease.account,
                    since: lease.since,
                    is_under_way: lease.is_running,
                };
                return Ok(server.leases()?.into_iter().map(unanswered).collect());
            }
        };
        let found = file.read(evidence::journals)?;
        let unanswered = |(account, journal): (Account, Option<Journal>)| {
            let journal = journal?;
            // Where that can't be found out, it counts as interrupted.
            let is_under_way = turn::is_under_way(self.file(), &account, &journal).unwrap_or(false);
            Some(UnansweredRefresh { account, since: journal.started_at, is_under_way })
        };
        Ok(found.into_iter().filter_map(unanswered).collect())
    }
}

/// Returns everything in the sidecar directory of the vault at `path`.
pub(crate) fn sidecars(path: &Path) -> Result<io::Result<Vec<Sidecar>>, Error> {
    Ok(sidecar::list(&VaultFile::locate(path)?))
}

/// Returns the files of the vault at `path`, the database first and the sidecar directory last.
pub(crate) fn parts(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let file = VaultFile::locate(path)?;
    let directory = sidecar::directory(&file);
    Ok(file.parts().into_iter().chain(directory).collect())
}

/// Returns the version of the engine, as a number that grows and as its authors write it.
pub(crate) fn engine_version() -> (i32, &'static str) {
    sqlite::version()
}
