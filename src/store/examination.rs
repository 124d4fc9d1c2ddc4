//! A look at a vault for whoever wants to know how it is: nothing is migrated, mended or waited for.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::engine::Engine;
use super::error::Error;
use super::file::VaultFile;
use super::record::ListedSlot;
use super::sidecar::{self, Sidecar};
use super::sqlite::{self, Database, Sqlite, header, intents, journal, slots};
use super::vault::Vault;
use crate::model::account::Account;
use crate::vault::seal::Generation;
use crate::vault::slot::Cost;
use crate::vault::slot_secret::entry_name;

/// The names of keychain entries that a vault accounts for.
#[derive(Debug, Default)]
pub(crate) struct KnownEntries {
    /// What the names of this vault's entries begin with; `None` where it was never finished.
    pub(crate) prefix: Option<String>,
    /// Those that open a slot.
    pub(crate) slots: BTreeSet<String>,
    /// Those that an interrupted change of keys wrote down.
    pub(crate) intents: BTreeSet<String>,
}

/// The names of keychain entries that are written down in a vault without a slot of their own.
#[derive(Debug, Default)]
pub(crate) struct LeftoverIntents {
    pub(crate) own: Vec<String>,
    /// Those for a vault that was never finished.
    pub(crate) others: Vec<String>,
}

impl Vault {
    /// Opens the vault at `path` as it is: others may go on reading it, and older tables stay as
    /// they are. Returns whether its tables are the current ones; of others nothing but the key
    /// slots is to be read.
    pub(crate) fn open_as_it_is(path: &Path) -> Result<(Self, bool), Error> {
        let (database, current) = Database::open_as_it_is(path)?;
        Ok((Self::over_sqlite(Sqlite::over(database, None)), current))
    }

    /// The generation of the vault's data key. Fails with [`Error::NoVault`] where the vault was
    /// never finished.
    pub(crate) fn generation(&self) -> Result<Generation, Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.read(|view| Ok(header::read(view)?.ok_or_else(|| self.no_vault())?.generation))
    }

    /// The names of keychain entries that this vault accounts for.
    pub(crate) fn known_entries(&self) -> Result<KnownEntries, Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.read(|view| {
            let Some(header) = header::read(view)? else { return Ok(KnownEntries::default()) };
            let of_slot = |slot: ListedSlot| entry_name(header.vault, slot.id).to_string();
            Ok(KnownEntries {
                prefix: Some(format!("{}/", header.vault.hex())),
                slots: slots::list(view)?.into_iter().map(of_slot).collect(),
                intents: intents::all(view)?.into_iter().collect(),
            })
        })
    }

    /// The key slots, oldest first, each with what it costs to derive its key.
    pub(crate) fn slots_with_cost(&self) -> Result<Vec<(ListedSlot, Cost)>, Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.read(|view| {
            let costs = slots::read(view)?.into_iter().map(|slot| slot.cost);
            Ok(slots::list(view)?.into_iter().zip(costs).collect())
        })
    }

    /// What the engine finds wrong in the file, as so many sentences at most.
    pub(crate) fn faults(&self, most: u8) -> Result<Vec<String>, Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.writer().faults(most)
    }

    /// The tables of the current version that are not there.
    pub(crate) fn missing_tables(&self) -> Result<Vec<&'static str>, Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.read(sqlite::missing_tables)
    }

    /// The length of the write-ahead log, in bytes.
    pub(crate) fn log_length(&self) -> u64 {
        self.file().log_length()
    }

    /// The keychain entries that an interrupted change of keys wrote down and did not clear up.
    pub(crate) fn leftover_intents(&self) -> Result<LeftoverIntents, Error> {
        let KnownEntries { prefix: Some(prefix), intents, .. } = self.known_entries()? else {
            return Ok(LeftoverIntents::default());
        };
        let (own, others) = intents.into_iter().partition(|name| name.starts_with(&prefix));
        Ok(LeftoverIntents { own, others })
    }

    /// The accounts whose last refresh got no certain answer, and when it began.
    pub(crate) fn interrupted_refreshes(&self) -> Result<Vec<(Account, Timestamp)>, Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.read(journal::standing)
    }
}

/// All that lies beside the vault at `path`.
pub(crate) fn sidecars(path: &Path) -> Result<io::Result<Vec<Sidecar>>, Error> {
    Ok(sidecar::list(&VaultFile::find(path)?))
}

/// The vault's own files at `path`, beginning with its database, and the directory beside them.
pub(crate) fn parts(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let file = VaultFile::find(path)?;
    let directory = sidecar::directory(&file);
    Ok(file.parts().into_iter().chain(directory).collect())
}

/// The version of the engine, as a number that grows and as its authors write it.
pub(crate) fn engine_version() -> (i32, &'static str) {
    sqlite::version()
}
