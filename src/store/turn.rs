//! Turns: the right to do something that only one process may do at a time.
//!
//! A turn is over when it is dropped, or its process ends. It is taken by the locks beside the
//! vault, which whoever has a turn never sees.

use std::time::Instant;

use super::error::Error;
use super::file::VaultFile;
use super::locks::{self, Guard};
use crate::model::account::{Account, ProviderName, UserName};

/// The turn to write the credential of one account: no refresh of it is in flight, and no change of
/// keys.
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

    /// The turn of whoever has the credential's lock already.
    fn with(vault: &VaultFile, credential: Guard, deadline: Instant) -> Result<Self, Error> {
        // An import has no lock of one credential's, but keeps everybody out who uses the key.
        let keys = locks::key_in_use(vault, deadline)?;
        Ok(Self { _credential: credential, _keys: keys })
    }
}

/// The turn to write the credentials of several accounts.
pub(crate) struct CredentialTurns {
    _guards: Vec<Guard>,
}

impl CredentialTurns {
    /// With `moving`, also the turn to hand credentials over to another machine: one bundle at a
    /// time is on its way.
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
        // In the order of their names, so that two that want the same ones don't wait for each
        // other.
        for account in accounts {
            guards.push(locks::credential(vault, account, deadline)?);
        }
        guards.push(locks::key_in_use(vault, deadline)?);
        Ok(Self { _guards: guards })
    }
}

/// The turn to put a bundle in its place.
pub(crate) struct HandOverTurn {
    _guard: Guard,
}

impl HandOverTurn {
    pub(super) fn of(vault: &VaultFile, deadline: Instant) -> Result<Self, Error> {
        Ok(Self { _guard: locks::hand_over(vault, deadline)? })
    }
}

/// The turn to change the status of one credential; keys may change meanwhile.
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

/// The turn to log in for one account. It keeps nobody from using or refreshing the credential.
pub(crate) struct LoginTurn {
    _guard: Guard,
}

impl LoginTurn {
    /// `None` while another process has it.
    pub(super) fn of(
        vault: &VaultFile,
        provider: &ProviderName,
        user: Option<&UserName>,
    ) -> Result<Option<Self>, Error> {
        Ok(locks::login(vault, provider, user)?.map(|guard| Self { _guard: guard }))
    }
}

/// The turn to change the vault's keys, or all its credentials at once.
pub(crate) struct KeysTurn {
    _guards: [Guard; 2],
}

impl KeysTurn {
    pub(super) fn of(vault: &VaultFile, deadline: Instant) -> Result<Self, Error> {
        Ok(Self { _guards: locks::key_changes(vault, deadline)? })
    }
}

/// A place among those who wait for the turn to refresh one credential. There may be a crowd.
pub(crate) struct TurnQueue<'a> {
    vault: &'a VaultFile,
    waiting: locks::CredentialLock,
}

impl<'a> TurnQueue<'a> {
    pub(super) fn of(vault: &'a VaultFile, account: &Account) -> Result<Self, Error> {
        Ok(Self { vault, waiting: locks::CredentialLock::of(vault, account)? })
    }

    /// Takes the turn; `None` while another process has it. Waits until `deadline` for a change of
    /// keys that is under way.
    pub(crate) fn take(&mut self, deadline: Instant) -> Result<Option<CredentialTurn>, Error> {
        let Some(credential) = self.waiting.take()? else { return Ok(None) };
        CredentialTurn::with(self.vault, credential, deadline).map(Some)
    }

    /// Whether nobody has the turn just now. A crowd can ask all at once.
    pub(crate) fn is_free(&self) -> Result<bool, Error> {
        self.waiting.is_free()
    }
}
