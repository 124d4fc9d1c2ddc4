//! The comparison of the vault with what this machine saw of it, around each write.
//!
//! An older row opens as well as the newest one, so nothing is sent or written on its ground: its
//! refresh token may be spent. A change that replaces a credential accepts what is there.

use std::cell::RefCell;
use std::mem;
use std::path::Path;

use rusqlite::Connection;

use super::sealing::Sealing;
use super::{credentials, header, lookup};
use crate::model::account::{Account, AccountFilter};
use crate::store::change::{Change, Ground};
use crate::store::error::Error;
use crate::store::watermark::{Subject, Watermark};
use crate::store::watermarks::Watermarks;
use crate::vault::seal::{DataKey, VaultId};

/// The number of rows that are compared at once.
const AT_ONCE: usize = 16_384;

/// The relation of a vault to what this machine wrote at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Origin {
    /// This machine wrote the vault there: a mark that it is a copy was made by somebody without a key.
    Here,
    /// This machine wrote a later vault there: a backup was put in its place, or an older file.
    Earlier,
    /// This machine never wrote to the vault there.
    Unknown,
}

/// The watermarks during one transaction.
pub(in crate::store) struct Seen<'a> {
    watermarks: &'a Watermarks,
    vault: VaultId,
    raised: RefCell<Vec<Watermark>>,
}

impl<'a> Seen<'a> {
    /// Begins a comparison of `vault` with the `watermarks` of this machine.
    pub(in crate::store) fn of(watermarks: &'a Watermarks, vault: VaultId) -> Self {
        Self { watermarks, vault, raised: RefCell::default() }
    }

    /// Fails with [`Error::Older`] if `change` would use or write what is older than this machine
    /// has seen.
    pub(super) fn check(&self, sealing: &Sealing<'_, '_>, change: &Change) -> Result<(), Error> {
        let effect = change.effect();
        match effect.ground {
            Ground::Nothing | Ground::Replaced(_) => Ok(()),
            Ground::Header => {
                for account in effect.others_written {
                    self.check_credential(sealing, account)?;
                }
                self.check_header(sealing.counter_before())
            }
            Ground::Credential(account) => {
                self.check_credential(sealing, account)?;
                self.check_header(sealing.counter_before())
            }
        }
    }

    /// Fails with [`Error::Older`] if this machine saw a higher `counter` of the vault.
    pub(super) fn check_header(&self, counter: u64) -> Result<(), Error> {
        if self.is_above(counter) { Err(Error::Older { account: None }) } else { Ok(()) }
    }

    /// Returns the highest counter of the vault that this machine saw; 0 if it saw none.
    pub(super) fn counter(&self) -> u64 {
        let [highest] = self.highest([Subject::header(self.vault)]);
        highest
    }

    /// Whether this machine saw a higher counter of the vault than `counter`.
    pub(super) fn is_above(&self, counter: u64) -> bool {
        counter < self.counter()
    }

    /// Notes that every credential counts as older, in a vault that is older as a whole: once its
    /// header is accepted, because one credential is replaced, it tells that of the others no more.
    pub(super) fn doubt_all(&self, connection: &Connection) -> Result<(), Error> {
        for account in lookup::accounts(connection, AccountFilter::default(), usize::MAX)? {
            if let Some(numbers) = credentials::numbers(connection, &account)? {
                self.note_row(&account, numbers.map(|number| number.saturating_add(1)), false);
            }
        }
        Ok(())
    }

    fn check_credential(&self, connection: &Connection, account: &Account) -> Result<(), Error> {
        if self.is_older(connection, account)? {
            return Err(Error::Older { account: Some(account.clone()) });
        }
        Ok(())
    }

    /// Whether the row of `account` is older than this machine has seen: the credential, or what is
    /// known of its last request.
    fn is_older(&self, connection: &Connection, account: &Account) -> Result<bool, Error> {
        let Some(numbers) = credentials::numbers(connection, account)? else { return Ok(false) };
        Ok(is_below(numbers, self.highest(Subject::row(self.vault, account))))
    }

    fn highest<const N: usize>(&self, subjects: [Subject; N]) -> [u64; N] {
        let mut found = [0; N];
        found.copy_from_slice(&self.watermarks.highest(self.vault, &subjects));
        found
    }

    /// Notes the numbers that `change` left in the vault, for [`Self::keep`].
    pub(super) fn note(&self, connection: &Connection, change: &Change) -> Result<(), Error> {
        let effect = change.effect();
        let (accounts, accepted) = match effect.ground {
            Ground::Replaced(accounts) => (accounts, true),
            Ground::Credential(account) => (vec![account], false),
            Ground::Nothing | Ground::Header => (Vec::new(), false),
        };
        for account in accounts.into_iter().chain(effect.others_written) {
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
        let numbers = credentials::numbers(connection, account)?.unwrap_or_default();
        self.note_row(account, numbers, accepted);
        Ok(())
    }

    fn note_row(&self, account: &Account, numbers: [u64; 2], accepted: bool) {
        let subjects = Subject::row(self.vault, account).into_iter().zip(numbers);
        let marks = subjects.map(|(subject, number)| Watermark { subject, number, accepted });
        self.raised.borrow_mut().extend(marks);
    }

    /// Notes the header's counter; with `accepted`, even if it is lower than what was seen.
    pub(super) fn note_header(&self, number: u64, accepted: bool) {
        let subject = Subject::header(self.vault);
        self.raised.borrow_mut().push(Watermark { subject, number, accepted });
    }

    /// Notes that the vault at `path` was written to, and its counter became `number`.
    pub(super) fn note_place(&self, path: &Path, number: u64) {
        let subject = Subject::place(self.vault, path);
        self.raised.borrow_mut().push(Watermark { subject, number, accepted: true });
    }

    /// Compares `number`, the counter of the vault at `path`, with the last one that this machine wrote
    /// there.
    pub(in crate::store) fn origin(&self, path: &Path, number: u64) -> Origin {
        match self.highest([Subject::place(self.vault, path)]) {
            [0] => Origin::Unknown,
            [last] if number < last => Origin::Earlier,
            [_] => Origin::Here,
        }
    }

    /// Notes that a credential was deleted.
    pub(in crate::store) fn note_deletion(&self, account: &Account) {
        self.note_row(account, [0; 2], true);
    }

    /// Accepts the vault at `path` as it is.
    pub(in crate::store) fn accept_all(
        &self,
        connection: &Connection,
        key: &DataKey,
        path: &Path,
    ) -> Result<(), Error> {
        self.note_place(path, 0);
        for account in lookup::accounts(connection, AccountFilter::default(), usize::MAX)? {
            self.note_credential(connection, &account, true)?;
        }
        self.note_header(header::counter(connection, key)?, true);
        Ok(())
    }

    /// Whether the file as a whole is older than this machine has seen.
    pub(in crate::store) fn is_older_file(
        &self,
        connection: &Connection,
        key: &DataKey,
    ) -> Result<bool, Error> {
        Ok(self.check_header(header::counter(connection, key)?).is_err())
    }

    /// Returns which of `accounts` are older than this machine has seen.
    pub(in crate::store) fn older(
        &self,
        connection: &Connection,
        accounts: &[Account],
    ) -> Result<Vec<Account>, Error> {
        let mut rows = Vec::with_capacity(accounts.len());
        for account in accounts {
            let numbers = credentials::numbers(connection, account)?;
            rows.extend(numbers.map(|numbers| (account.clone(), numbers)));
        }
        Ok(self.older_of(rows))
    }

    /// Returns all accounts that are older than this machine has seen. A part of the rows is in memory
    /// at a time.
    pub(in crate::store) fn all_older(
        &self,
        connection: &Connection,
    ) -> Result<Vec<Account>, Error> {
        let (mut older, mut rows) = (Vec::new(), Vec::new());
        credentials::each_numbers(connection, |account, numbers| {
            rows.push((account, numbers));
            if rows.len() == AT_ONCE {
                older.extend(self.older_of(mem::take(&mut rows)));
            }
        })?;
        older.extend(self.older_of(rows));
        older.sort_unstable();
        Ok(older)
    }

    fn older_of(&self, rows: Vec<(Account, [u64; 2])>) -> Vec<Account> {
        let subjects: Vec<Subject> =
            rows.iter().flat_map(|(account, _)| Subject::row(self.vault, account)).collect();
        let highest = self.watermarks.highest(self.vault, &subjects);
        let (highest, _) = highest.as_chunks::<2>();
        let older = rows.into_iter().zip(highest);
        let older = older.filter(|((_, numbers), highest)| is_below(*numbers, **highest));
        older.map(|((account, _), _)| account).collect()
    }

    /// Keeps what was noted, after it was committed.
    pub(in crate::store) fn keep(self) {
        self.watermarks.keep(self.vault, &self.raised.into_inner());
    }
}

/// Whether one of the numbers of a row is below the highest that was seen of it.
fn is_below(numbers: [u64; 2], highest: [u64; 2]) -> bool {
    numbers.iter().zip(highest).any(|(number, highest)| *number < highest)
}
