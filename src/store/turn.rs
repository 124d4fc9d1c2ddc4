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
    /// Waits for the turn to write the credential of `account`. Fails with [`Error::Busy`] at `deadline`.
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
        if let Some(shared) = &journal.shared {
            return shared.is_running;
        }
        let own = self.credential.identity();
        let lease = journal.lease.as_ref();
        lease.is_some_and(|lease| lease.may_run_beside(Some(own), &Moment::now()))
    }

    /// Begins the lease of a request with the time limit `bound`. The journal in which it is written
    /// names the lock.
    pub(super) fn begin_lease(&self, bound: Duration) -> Lease {
        self.credential.keep_file();
        Lease::begin(self.credential.identity(), bound)
    }
}

impl CredentialTurn {
    /// Notes that the credential has no journal any more, which could name the lock of this turn.
    pub(super) fn has_no_journal(&self) {
        self.credential.let_file_go();
    }
}

/// Any other turn. Its holder knows what it is for; all that matters of it is when it ends.
pub(crate) struct Turn {
    _guards: Vec<Guard>,
}

impl Turn {
    /// Waits for the turn to write the credentials of all `accounts`, in this order; with `moving`,
    /// also to hand them over.
    pub(super) fn to_write<'a>(
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
            guards.push(locks::credential(vault, account, deadline)?.into());
        }
        guards.push(locks::key_in_use(vault, deadline)?);
        Ok(Self { _guards: guards })
    }

    /// Waits for the turn to write the file of a bundle that is handed over to another machine.
    pub(super) fn to_hand_over(vault: &VaultFile, deadline: Instant) -> Result<Self, Error> {
        Ok(Self { _guards: vec![locks::hand_over(vault, deadline)?] })
    }

    /// Waits for the turn to change the status of one credential. Keys may change meanwhile.
    pub(super) fn to_change_status(
        vault: &VaultFile,
        account: &Account,
        deadline: Instant,
    ) -> Result<Self, Error> {
        Ok(Self { _guards: vec![locks::credential(vault, account, deadline)?.into()] })
    }

    /// Takes the turn to log in for one account; returns `None` while another process has it.
    /// Others can still use and refresh the credential.
    pub(super) fn to_log_in(
        vault: &VaultFile,
        provider: &ProviderName,
        user: Option<&UserName>,
    ) -> Result<Option<Self>, Error> {
        let guard = locks::login(vault, provider, user)?;
        Ok(guard.map(|guard| Self { _guards: vec![guard] }))
    }

    /// Waits for the turn to change the vault's keys, or many credentials at once.
    pub(super) fn to_change_keys(vault: &VaultFile, deadline: Instant) -> Result<Self, Error> {
        Ok(Self { _guards: locks::key_changes(vault, deadline)?.into() })
    }
}

/// The wait for the turn to refresh one credential; many processes may wait at once.
pub(crate) struct TurnQueue<'a> {
    vault: &'a VaultFile,
    waiting: locks::CredentialLock,
}

impl<'a> TurnQueue<'a> {
    /// Begins to wait for the turn to refresh the credential of `account`.
    pub(super) fn of(vault: &'a VaultFile, account: &Account) -> Result<Self, Error> {
        Self::named(vault, &VaultFile::name_of(account))
    }

    /// Begins to wait for the turn of the credential whose files have the `name` of
    /// [`VaultFile::name_of`].
    pub(super) fn named(vault: &'a VaultFile, name: &str) -> Result<Self, Error> {
        Ok(Self { vault, waiting: locks::CredentialLock::named(vault, name)? })
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
    if let Some(shared) = &journal.shared {
        return Ok(shared.is_running);
    }
    Ok(match locks::look_at(vault, account)? {
        Seen::Held => true,
        Seen::Free(lock) => journal
            .lease
            .as_ref()
            .is_some_and(|lease| lease.may_run_beside(lock.as_ref(), &Moment::now())),
    })
}
