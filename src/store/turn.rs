//! Turns, each the right to do something that only one process may do at a time.
//!
//! A turn ends when it is dropped or its process ends. It consists of the locks of [`locks`], which
//! the holder of a turn never sees.

use std::time::Instant;

use super::error::Error;
use super::file::VaultFile;
use super::locks::{self, Guard};
use crate::model::account::{Account, ProviderName, UserName};

/// The turn to write the credential of one account, while no refresh of it and no change of keys is
/// in progress.
pub(crate) struct CredentialTurn {
    _credential: Guard,
    _keys: Guard,
}

impl CredentialTurn {
    pub(super) fn of(
        vault: &VaultFile,
        account: &Account,
        deadline: Instant,
    ) -> Result<Self, Error> {
        let credential = locks::credential(vault, account, deadline)?;
        Self::with(vault, credential, deadline)
    }

    /// Waits for the turn of a process that has the credential's lock already.
    fn with(vault: &VaultFile, credential: Guard, deadline: Instant) -> Result<Self, Error> {
        // An import takes no credential's lock. It waits instead until nobody uses the key.
        let keys = locks::key_in_use(vault, deadline)?;
        Ok(Self { _credential: credential, _keys: keys })
    }
}

/// The turn to write the credentials of several accounts.
pub(crate) struct CredentialTurns {
    _guards: Vec<Guard>,
}

impl CredentialTurns {
    /// Waits for the locks of all `accounts`, in this order; with `moving`, also for the lock of a
    /// hand-over.
    pub(super) fn of<'a>(
        vault: &VaultFile,
        accounts: impl Iterator<Item = &'a Account>,
        moving: bool,
        deadline: Instant,
    ) -> Result<Self, Error> {
        let mut guards = Vec::new();
        if moving {
            guards.push(locks::hand_over(vault, deadline)?);
        }
        // The caller passes accounts in the order of their names, so that two processes that want
        // the same locks don't wait for each other.
        for account in accounts {
            guards.push(locks::credential(vault, account, deadline)?);
        }
        guards.push(locks::key_in_use(vault, deadline)?);
        Ok(Self { _guards: guards })
    }
}

/// The turn to write the file of a bundle that is handed over to another machine.
pub(crate) struct HandOverTurn {
    _guard: Guard,
}

impl HandOverTurn {
    pub(super) fn of(vault: &VaultFile, deadline: Instant) -> Result<Self, Error> {
        Ok(Self { _guard: locks::hand_over(vault, deadline)? })
    }
}

/// The turn to change the status of one credential. Keys may change meanwhile.
pub(crate) struct StatusTurn {
    _guard: Guard,
}

impl StatusTurn {
    pub(super) fn of(
        vault: &VaultFile,
        account: &Account,
        deadline: Instant,
    ) -> Result<Self, Error> {
        Ok(Self { _guard: locks::credential(vault, account, deadline)? })
    }
}

/// The turn to log in for one account. Others can still use and refresh the credential.
pub(crate) struct LoginTurn {
    _guard: Guard,
}

impl LoginTurn {
    /// Takes the turn; returns `None` while another process has it.
    pub(super) fn of(
        vault: &VaultFile,
        provider: &ProviderName,
        user: Option<&UserName>,
    ) -> Result<Option<Self>, Error> {
        Ok(locks::login(vault, provider, user)?.map(|guard| Self { _guard: guard }))
    }
}

/// The turn to change the vault's keys, or many credentials at once.
pub(crate) struct KeysTurn {
    _guards: [Guard; 2],
}

impl KeysTurn {
    pub(super) fn of(vault: &VaultFile, deadline: Instant) -> Result<Self, Error> {
        Ok(Self { _guards: locks::key_changes(vault, deadline)? })
    }
}

/// The wait for the turn to refresh one credential; many processes may wait at once.
pub(crate) struct TurnQueue<'a> {
    vault: &'a VaultFile,
    waiting: locks::CredentialLock,
}

impl<'a> TurnQueue<'a> {
    pub(super) fn of(vault: &'a VaultFile, account: &Account) -> Result<Self, Error> {
        Ok(Self { vault, waiting: locks::CredentialLock::of(vault, account)? })
    }

    /// Takes the turn; returns `None` while another process has it. Waits until `deadline` for a
    /// change of keys that is in progress.
    pub(crate) fn take(&mut self, deadline: Instant) -> Result<Option<CredentialTurn>, Error> {
        let Some(credential) = self.waiting.take()? else { return Ok(None) };
        CredentialTurn::with(self.vault, credential, deadline).map(Some)
    }

    /// Whether no process has the turn at this moment. Any number of processes can ask at once.
    pub(crate) fn is_free(&self) -> Result<bool, Error> {
        self.waiting.is_free()
    }
}
