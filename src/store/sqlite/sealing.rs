//! A transaction that writes under the data key.

use std::cell::RefCell;
use std::ops::Deref;

use jiff::Timestamp;
use rusqlite::Transaction;

use super::header::{self, Contents, Form};
use super::values::stored;
use crate::model::audit::Settings;
use crate::store::audit::{AuditState, Mark};
use crate::store::error::Error;
use crate::vault::bundle::BundleId;
use crate::vault::seal::DataKey;

/// A transaction that writes under the data key, with the sealed part of the header, which
/// [`Self::finish`] writes once at the end.
pub(crate) struct Sealing<'a, 't> {
    pub(super) transaction: &'a Transaction<'t>,
    pub(crate) key: &'a DataKey,
    contents: RefCell<Contents>,
    /// The counter when the transaction began.
    before: u64,
    form: Form,
}

impl<'t> Deref for Sealing<'_, 't> {
    type Target = Transaction<'t>;

    fn deref(&self) -> &Self::Target {
        self.transaction
    }
}

impl<'a, 't> Sealing<'a, 't> {
    /// Opens the header for writing.
    ///
    /// Fails with [`Error::KeyRetired`] if `key` is not the current data key: nothing may be written
    /// under another. A vault of the earlier form has to be sealed before it is written to.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn begin(transaction: &'a Transaction<'t>, key: &'a DataKey) -> Result<Self, Error> {
        let (form, contents) = header::open(transaction, key)?;
        Self::over(transaction, key, form, contents)
    }

    /// Writes under the header that was read already, with its `contents` in a vault of `form`.
    pub(super) fn over(
        transaction: &'a Transaction<'t>,
        key: &'a DataKey,
        form: Form,
        mut contents: Contents,
    ) -> Result<Self, Error> {
        if contents.audit.is_none() {
            contents.audit = Some(AuditState::new(Settings::default())?);
        }
        let before = contents.counter;
        Ok(Self { transaction, key, contents: RefCell::new(contents), before, form })
    }

    /// Writes the first header of a vault whose data key is `key`.
    pub(crate) fn create(
        transaction: &'a Transaction<'t>,
        key: &'a DataKey,
        now: Timestamp,
    ) -> Result<Self, Error> {
        header::insert(transaction, key, now)?;
        let audit = Some(AuditState::new(Settings::default())?);
        let contents = RefCell::new(Contents { counter: 0, audit, imported: Vec::new() });
        Ok(Self { transaction, key, contents, before: 0, form: Form::Sealed })
    }

    /// The form in which the vault was when the transaction began.
    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// Returns a number that no credential and no evidence ever had.
    pub(crate) fn next_revision(&self) -> Result<u64, Error> {
        let counter = &mut self.contents.borrow_mut().counter;
        let next = counter.checked_add(1).ok_or(Error::Inconsistent("it counts no revisions"))?;
        stored(next)?;
        *counter = next;
        Ok(next)
    }

    /// Seals the last entry of the audit, where it is further than what the vault has, and the
    /// settings that are `wanted`.
    pub(crate) fn remember_audit(&self, end: Option<Mark>, wanted: Option<Settings>) {
        let mut contents = self.contents.borrow_mut();
        contents.audit = contents.audit.as_ref().map(|audit| audit.with(end, wanted));
    }

    /// Returns the time at which a bundle was imported, if it was.
    pub(super) fn imported_at(&self, id: BundleId) -> Result<Option<Timestamp>, Error> {
        self.contents.borrow().imported_at(id)
    }

    /// Remembers that a bundle was imported.
    pub(crate) fn remember_import(&self, id: BundleId, at: Timestamp) {
        self.contents.borrow_mut().imported.push((id, at.as_second()));
    }

    /// Returns the counter as it was when the transaction began.
    pub(super) fn counter_before(&self) -> u64 {
        self.before
    }

    /// Seals the header, with a counter that was raised, and returns that.
    pub(crate) fn finish(self) -> Result<u64, Error> {
        let key = self.key;
        self.finish_under(key)
    }

    /// Seals the header under `next`, which becomes the data key.
    pub(crate) fn finish_under(self, next: &DataKey) -> Result<u64, Error> {
        if self.contents.borrow().counter == self.before {
            self.next_revision()?;
        }
        let contents = self.contents.into_inner();
        header::put(self.transaction, next, &contents)?;
        header::check(self.transaction, next)?;
        Ok(contents.counter)
    }
}
