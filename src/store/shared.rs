//! A vault that many machines share: opening and founding one, and its members.

use std::io;
use std::sync::Arc;

pub(crate) use super::address::{Address, Error as AddressError, Surroundings};
use super::engine::Engine;
use super::error::Error;
use super::postgres::{self, Server};
pub(crate) use super::postgres::{DatabaseHealth, LeaseRunning, Place};
pub(crate) use super::shared_error::Error as SharedError;
use super::sidecar::{self, Sidecar};
use super::vault::Vault;
use crate::model::account::Account;
use crate::vault::shared::identity::Identity;
use crate::vault::shared::member::Label;
use crate::vault::shared::pin::Pin;
use crate::vault::shared::roster::{Change, Roster};

/// Asks the database at `address` as who it knows its user, and which privileges that one lacks to read a
/// vault.
pub(crate) fn lacks_to_read(address: Address) -> Result<(String, Vec<String>), Error> {
    postgres::lacks_to_read(address)
}

/// The operations that only a shared vault has.
pub(crate) struct Shared<'a>(&'a Server);

impl Vault {
    /// Opens the shared vault at `place`.
    pub(crate) fn open_shared(place: Place) -> Result<Self, Error> {
        Ok(Self { engine: Engine::Server(Arc::new(Server::open(place)?)) })
    }

    /// Founds a shared vault in the database of `place`, whose first member is called `founder`, and
    /// opens it.
    pub(crate) fn found_shared(place: Place, founder: Label) -> Result<Self, Error> {
        Ok(Self { engine: Engine::Server(Arc::new(Server::found(place, founder)?)) })
    }

    /// Returns what only a shared vault has, if this is one.
    pub(crate) fn shared(&self) -> Option<Shared<'_>> {
        self.server().map(|server| Shared(server))
    }
}

impl Shared<'_> {
    /// Returns the list of members, as it was when the vault was last read.
    pub(crate) fn roster(&self) -> Roster {
        self.0.roster()
    }

    /// Whether `pin` is an entry of the list of members.
    pub(crate) fn has_entry(&self, pin: Pin) -> Result<bool, Error> {
        self.0.has_entry(pin)
    }

    /// Returns the identity of this member.
    pub(crate) fn identity(&self) -> &Identity {
        self.0.identity()
    }

    /// Fails if this member may not make `change`.
    pub(crate) fn check_change(&self, change: &Change) -> Result<(), Error> {
        let checked = self.roster().check_change(self.identity().id(), change);
        Ok(checked.map_err(SharedError::from)?)
    }

    /// Changes the list of members, and returns the new one. Where that takes something from a
    /// member, every credential is sealed anew under a new data key, in the same transaction.
    ///
    /// Returns the refreshes too whose answers are given up by it. Fails with
    /// [`SharedError::AnswerMayBeKept`] if there are any, unless `forced`.
    pub(crate) fn change_members(
        &self,
        change: &Change,
        forced: bool,
    ) -> Result<(Roster, Vec<LeaseRunning>), Error> {
        self.0.change_members(change, forced)
    }

    /// Asks the database what this member finds there, for `doctor`.
    pub(crate) fn health(&self) -> Result<DatabaseHealth, Error> {
        self.0.health()
    }

    /// Returns the private files that this machine keeps of the vault.
    pub(crate) fn files(&self) -> io::Result<Vec<Sidecar>> {
        sidecar::list(self.0.file())
    }

    /// Returns the accounts whose credential a member moved into a bundle that may not have reached its
    /// file.
    pub(crate) fn unplaced(&self) -> Result<Vec<Account>, Error> {
        self.0.unplaced_of_all()
    }

    /// Returns the refreshes that a member began and has not reported on.
    pub(crate) fn leases(&self) -> Result<Vec<LeaseRunning>, Error> {
        self.0.leases()
    }
}
