//! What differs for a turn to refresh between a vault in a file and one that many machines share:
//! the clock, the pauses, the lease, and the key of what lies beside the vault.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::engine::Engine;
use super::error::Error;
use super::open_vault::OpenVault;
use super::record::SharedLease;
use super::vault::Vault;
use crate::model::account::Account;
use crate::vault::seal::DataKey;

impl Vault {
    /// Fails for a member of a shared vault who may only read it.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unnecessary_wraps, reason = "of a shared vault")
    )]
    pub(crate) fn check_may_write(&self) -> Result<(), Error> {
        match &self.engine {
            Engine::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => server.check_may_write(),
        }
    }
}

impl Vault {
    /// Whether this member of a shared vault may only read it, so that others refresh and log in.
    pub(crate) fn only_reads(&self) -> bool {
        self.check_may_write().is_err()
    }
}

impl OpenVault {
    /// Returns the public key, in hex, by which a shared vault knows this member; `None` for a vault in
    /// a file.
    pub(crate) fn own_member(&self) -> Option<String> {
        match self.engine() {
            Engine::Sqlite(_) => None,
            #[cfg(feature = "postgres")]
            Engine::Server(server) => Some(server.identity().id().hex()),
        }
    }

    /// Fails if credentials of a shared vault can't be deleted here: asked before a grant is revoked,
    /// which nothing takes back.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unnecessary_wraps, reason = "of a shared vault")
    )]
    pub(crate) fn check_may_forget(&self) -> Result<(), Error> {
        match self.engine() {
            Engine::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => server.check_may_forget(),
        }
    }

    /// Returns the directory on this machine in which an answer is kept that could not be stored.
    pub(crate) fn kept_in(&self) -> PathBuf {
        self.file().sidecar_path()
    }

    /// Returns the key under which this machine seals what lies beside the vault.
    pub(super) fn machine_key(&self) -> Arc<DataKey> {
        match self.engine() {
            Engine::Sqlite(_) => self.key(),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => Arc::new(server.machine_key().clone()),
        }
    }

    /// Returns the pause between two looks at what another process does: `on_machine`, or a longer one
    /// where each look is a request to a database.
    pub(crate) fn pause(&self, on_machine: Duration) -> Duration {
        match self.engine() {
            Engine::Sqlite(_) => on_machine,
            #[cfg(feature = "postgres")]
            Engine::Server(_) => super::postgres::pause(),
        }
    }

    /// Returns how long a turn to refresh is waited for: `on_machine`, or until the lease of a member
    /// who died is over.
    pub(crate) fn patience(&self, on_machine: Duration) -> Duration {
        match self.engine() {
            Engine::Sqlite(_) => on_machine,
            #[cfg(feature = "postgres")]
            Engine::Server(_) => super::postgres::LEASE_PATIENCE,
        }
    }

    /// Returns the lease of a request that this process is about to send, in a shared vault.
    pub(super) fn shared_lease(&self) -> Option<SharedLease> {
        match self.engine() {
            Engine::Sqlite(_) => None,
            #[cfg(feature = "postgres")]
            Engine::Server(_) => Some(SharedLease { is_running: true, holder: None }),
        }
    }

    /// Fails for a member of a shared vault who may not renew the token of `account`.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unnecessary_wraps, unused_variables, reason = "of a shared vault")
    )]
    pub(crate) fn check_may_refresh(&self, account: &Account) -> Result<(), Error> {
        match self.engine() {
            Engine::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => server.check_may_refresh(account),
        }
    }

    /// Returns the time by which the vault is judged: that of the machine, `by_machine`, or that of
    /// the database where many machines share the vault.
    pub(crate) fn now(&self, by_machine: Timestamp) -> Timestamp {
        match self.engine() {
            Engine::Sqlite(_) => by_machine,
            #[cfg(feature = "postgres")]
            Engine::Server(server) => server.now(),
        }
    }
}
