//! The storage engine of a vault: a file on this machine, or a database that many machines share.
//!
//! A third engine is a third variant of [`Engine`]. It carries out each [`Change`] behind
//! [`Engine::commit`]. Reads have no such value: each method of [`Vault`](super::Vault) and
//! [`OpenVault`](super::OpenVault) that reads matches on the engine, and the compiler names those that
//! have no arm for it. What an engine does not have, it refuses as [`Engine::file`] does.

#[cfg(feature = "postgres")]
use std::sync::Arc;

use super::change::{Change, Outcome};
use super::error::Error;
#[cfg(feature = "postgres")]
use super::postgres::Server;
use super::sqlite::{Remember, Sqlite};
use super::watermarks::Watermarks;
use crate::vault::seal::DataKey;

/// The storage engine that keeps a vault's rows.
pub(super) enum Engine {
    /// A file on this machine.
    Sqlite(Box<Sqlite>),
    /// A database that many machines share.
    #[cfg(feature = "postgres")]
    Server(Arc<Server>),
}

impl Engine {
    /// Returns the file. Fails for a shared vault, which has no `what`.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unnecessary_wraps, unused_variables, reason = "of a shared vault")
    )]
    pub(super) fn file(&self, what: &'static str) -> Result<&Sqlite, Error> {
        match self {
            Self::Sqlite(file) => Ok(file),
            #[cfg(feature = "postgres")]
            Self::Server(_) => Err(super::shared_error::Error::OfFilesAlone { what }.into()),
        }
    }

    /// Carries out `change` under `key` in one transaction, and returns once it is committed.
    ///
    /// Fails with [`Error::KeyRetired`] if `key` is no longer the data key, and with
    /// [`Error::Older`] if `watermarks` say that this machine saw a newer vault.
    pub(super) fn commit(
        &self,
        key: &DataKey,
        change: Change,
        remember: Remember,
        watermarks: &Watermarks,
    ) -> Result<Outcome, Error> {
        match self {
            Self::Sqlite(file) => file.commit(key, change, remember, watermarks),
            #[cfg(feature = "postgres")]
            Self::Server(server) => server.commit(&change),
        }
    }
}
