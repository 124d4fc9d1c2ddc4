//! Turns, each the right to do something that only one process may do at a time.
//!
//! A turn ends when it is dropped or its process ends. It consists of the locks of [`locks`], which
//! the holder of a turn never sees.

use std::time::{Duration, Instant};

use super::error::Error;
use super::file::VaultFile;
use super::lease::Lease;
use super::locks::{self, CredentialGuard, Guard, Seen};
use super::record::Journal;
use crate::boot_clock::Moment;
use crate::model::account::{Account, ProviderName, UserName};

/// The turn to write the credential of one account, while no refresh of it and no change of keys is
/// in progress.
pub(crate) struct CredentialTurn {
    credential: CredentialGuard,
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
    fn with(
        vault: &VaultFile,
        credential: CredentialGuard,
        deadline: Instant,
    ) -> Result<Self, Error> {
        // An import takes no credential's lock. It waits instead until nobody uses the key.
        let keys = locks::key_in_use(vault, deadline)?;
        Ok(Self { credential, _keys: keys })
    }

    /// Whether the request of `journal` may still be on its way although this process has the turn:
    /// somebody deleted the file of the lock under which it was sent.
    pub(super) fn has_request_beside(&self, journal: &Journal) -> bool {
        let own = self.credential.identity();
        let lease = journal.lease.as_ref();
        lease.is_some_and(|lease| lease.may_run_beside(Some(own), &Moment::now()))
    }

    /// Begins the lease of a request with the time limit `bound`.
    pub(super) fn begin_lease(&self, bound: Duration) -> Lease {
        Lease::begin(self.credential.identity(), bound)
    }
}

/// The turn to write the credentials of several accounts.
pub(crate) struct CredentialTurns {
    _credentials: Vec<CredentialGuard>,
    _others: Vec<Guard>,
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
        let (mut credentials, mut others) = (Vec::new(), Vec::new());
        if moving {
            others.push(locks::hand_over(vault, deadline)?);
        }
        // The caller passes accounts in the order of their names, so that two processes that want
        // the same locks don't wait for each other.
        for account in accounts {
            credentials.push(locks::credential(vault, account, deadline)?);
        }
        others.push(locks::key_in_use(vault, deadline)?);
        Ok(Self { _credentials: credentials, _others: others })
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
    _guard: CredentialGuard,
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

/// Whether the request of `journal` may still be on its way, for a process that has no turn.
///
/// It is while a process holds the credential's lock, and it is not once that lock is free. Where
/// another file is in its place, nobody can tell, so the request has the time of its lease.
pub(super) fn is_under_way(
    vault: &VaultFile,
    account: &Account,
    journal: &Journal,
) -> Result<bool, Error> {
    Ok(match locks::look_at(vault, account)? {
        Seen::Held => true,
        Seen::Free(lock) => journal
            .lease
            .as_ref()
            .is_some_and(|lease| lease.may_run_beside(lock.as_ref(), &Moment::now())),
    })
}
