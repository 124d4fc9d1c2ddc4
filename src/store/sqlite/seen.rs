//! The comparison of the vault with what this machine saw of it, around each write.
//!
//! An older row opens as well as the newest one, so nothing is sent or written on its ground: its
//! refresh token may be spent. A change that replaces a credential accepts what is there.

use std::cell::RefCell;

use rusqlite::Connection;

use super::{credentials, header};
use crate::model::account::Account;
use crate::store::change::{Change, Ground};
use crate::store::error::Error;
use crate::store::watermark::{Subject, Watermark, Watermarks};
use crate::vault::seal::{DataKey, VaultId};

/// The watermarks during one transaction.
pub(in crate::store) struct Seen<'a> {
    watermarks: &'a Watermarks,
    vault: VaultId,
    raised: RefCell<Vec<Watermark>>,
}

impl<'a> Seen<'a> {
    pub(in crate::store) fn of(watermarks: &'a Watermarks, vault: VaultId) -> Self {
        Self { watermarks, vault, raised: RefCell::default() }
    }

    /// Fails with [`Error::Older`] if `change` would use or write what is older than this machine
    /// has seen.
    pub(super) fn check(
        &self,
        connection: &Connection,
        key: &DataKey,
        change: &Change,
    ) -> Result<(), Error> {
        match change.ground() {
            Ground::Nothing | Ground::Replaced(_) => Ok(()),
            Ground::Header => {
                for account in change.others_written() {
                    self.check_credential(connection, account)?;
                }
                self.check_header(connection, key)
            }
            Ground::Credential(account) => {
                self.check_credential(connection, account)?;
                self.check_header(connection, key)
            }
        }
    }

    /// Fails with [`Error::Older`] if the vault's file is older than this machine has seen.
    pub(super) fn check_header(&self, connection: &Connection, key: &DataKey) -> Result<(), Error> {
        let counter = header::counter(connection, key)?;
        if counter < self.highest(Subject::header(self.vault)) {
            return Err(Error::Older { account: None });
        }
        Ok(())
    }

    fn check_credential(&self, connection: &Connection, account: &Account) -> Result<(), Error> {
        if self.is_older(connection, account)? {
            return Err(Error::Older { account: Some(account.clone()) });
        }
        Ok(())
    }

    /// Whether the row of `account` is older than this machine has seen.
    fn is_older(&self, connection: &Connection, account: &Account) -> Result<bool, Error> {
        let Some(revision) = credentials::revision(connection, account)? else { return Ok(false) };
        Ok(revision < self.highest(Subject::credential(self.vault, account)))
    }

    fn highest(&self, subject: Subject) -> u64 {
        self.watermarks.highest(self.vault, &[subject]).first().copied().unwrap_or_default()
    }

    /// Notes the numbers that `change` left in the vault, for [`Self::keep`].
    pub(super) fn note(&self, connection: &Connection, change: &Change) -> Result<(), Error> {
        let (accounts, accepted): (Vec<&Account>, bool) = match change.ground() {
            Ground::Replaced(accounts) => (accounts, true),
            Ground::Credential(account) => (vec![account], false),
            Ground::Nothing | Ground::Header => (change.others_written(), false),
        };
        for account in accounts {
            self.note_credential(connection, account, accepted)?;
        }
        Ok(())
    }

    fn note_credential(
        &self,
        connection: &Connection,
        account: &Account,
        accepted: bool,
    ) -> Result<(), Error> {
        let number = credentials::revision(connection, account)?.unwrap_or_default();
        let subject = Subject::credential(self.vault, account);
        self.raised.borrow_mut().push(Watermark { subject, number, accepted });
        Ok(())
    }

    /// Notes the header's number; with `accepted`, even if it is lower than what was seen.
    pub(super) fn note_header(
        &self,
        connection: &Connection,
        key: &DataKey,
        accepted: bool,
    ) -> Result<(), Error> {
        let number = header::counter(connection, key)?;
        let subject = Subject::header(self.vault);
        self.raised.borrow_mut().push(Watermark { subject, number, accepted });
        Ok(())
    }

    /// Notes that a credential was deleted.
    pub(in crate::store) fn note_deletion(&self, account: &Account) {
        let subject = Subject::credential(self.vault, account);
        self.raised.borrow_mut().push(Watermark { subject, number: 0, accepted: true });
    }

    /// Accepts the vault as it is.
    pub(in crate::store) fn accept_all(
        &self,
        connection: &Connection,
        key: &DataKey,
    ) -> Result<(), Error> {
        for account in credentials::accounts(connection, None, None)? {
            self.note_credential(connection, &account, true)?;
        }
        self.note_header(connection, key, true)
    }

    /// Returns whether the file is older than this machine has seen, and the accounts whose row is.
    pub(in crate::store) fn all_older(
        &self,
        connection: &Connection,
        key: &DataKey,
    ) -> Result<(bool, Vec<Account>), Error> {
        let counter = header::counter(connection, key)?;
        let file = counter < self.highest(Subject::header(self.vault));
        let accounts = credentials::accounts(connection, None, None)?;
        let subjects: Vec<Subject> =
            accounts.iter().map(|account| Subject::credential(self.vault, account)).collect();
        let mut older = Vec::new();
        let highest = self.watermarks.highest(self.vault, &subjects);
        for (account, highest) in accounts.into_iter().zip(highest) {
            if credentials::revision(connection, &account)?.is_some_and(|it| it < highest) {
                older.push(account);
            }
        }
        Ok((file, older))
    }

    /// Keeps what was noted, after it was committed.
    pub(in crate::store) fn keep(self) {
        self.watermarks.keep(self.vault, &self.raised.into_inner());
    }
}
