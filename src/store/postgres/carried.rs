//! Reads of what came in and went out in bundles.

use jiff::Timestamp;

use super::bundles::{self, Unplaced};
use super::rows::Part;
use super::server::Server;
use crate::model::account::Account;
use crate::store::error::Error;
use crate::vault::bundle::BundleId;

impl Server {
    /// Returns the bundle that this member handed over and that is unplaced, if there is one.
    pub(in crate::store) fn unplaced_bundle(&self) -> Result<Option<(BundleId, String)>, Error> {
        Ok(self.unplaced()?.map(|found| (found.bundle, found.text)))
    }

    /// Returns the time since when a bundle of this member is unplaced, if there is one.
    pub(in crate::store) fn unplaced_since(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.unplaced()?.map(|found| found.since))
    }

    fn unplaced(&self) -> Result<Option<Unplaced>, Error> {
        // A reader moves nothing, and the database may not show it the table.
        if self.check_may_write().is_err() {
            return Ok(None);
        }
        self.under_membership(|connection, membership| {
            Ok((connection.single(|it| bundles::unplaced(it, membership))?, None))
        })
    }

    /// Returns the accounts whose credential a member moved into a bundle that is unplaced.
    pub(in crate::store) fn unplaced_of_all(&self) -> Result<Vec<Account>, Error> {
        let changes = self.under_membership(|connection, membership| {
            Ok((connection.single(|it| bundles::unplaced_changes(it, membership))?, None))
        })?;
        let found = self.rows(Part::Label, |membership, row, _| {
            let is_in_one = changes.contains(&row.change);
            Ok(if is_in_one { Some(row.summary(membership)?.account) } else { None })
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Returns the time when `bundle` was taken in; `None` if it was not.
    pub(in crate::store) fn taken_in_at(
        &self,
        bundle: BundleId,
    ) -> Result<Option<Timestamp>, Error> {
        self.check_may_write()?;
        let found = self.under_membership(|connection, membership| {
            Ok((connection.single(|it| bundles::taken_in(it, membership, bundle))?, None))
        })?;
        Ok(found.map(|(at, _)| at))
    }

    /// Fails for a member who may only read.
    pub(in crate::store) fn check_may_write(&self) -> Result<(), Error> {
        Ok(self.membership().check_writer()?)
    }
}
