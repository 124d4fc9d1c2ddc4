//! Reads of all credentials at once: what they show, who refreshes them, and which are older than this
//! machine has seen.

use super::membership::Membership;
use super::row::Row;
use super::rows::{self, Part};
use super::server::Server;
use super::status::LeaseRunning;
use crate::model::account::{Account, AccountFilter};
use crate::model::attempt::Attempt;
use crate::model::credential::Credential;
use crate::model::summary::Summary;
use crate::store::change::{Change, Outcome};
use crate::store::error::Error as StoreError;
use crate::store::evidence::Found;

/// A credential that was opened, or why it does not open.
type Opened = (Account, Result<Credential, StoreError>);

impl Server {
    /// Reads what `list` shows of the credentials of `filter`, with the last attempt of each and
    /// whether its refresh is in doubt, in the order of their names.
    pub(in crate::store) fn summaries(
        &self,
        filter: AccountFilter<'_>,
    ) -> Result<Vec<(Summary, Option<Attempt>, bool)>, StoreError> {
        let listed = self.rows(Part::Label, |membership, row, now| {
            let summary = row.summary(membership)?;
            let (attempt, in_doubt) = match row.evidence(membership, now) {
                Found::Genuine(evidence, _) => (evidence.attempt, evidence.journal.is_some()),
                Found::Forged => (None, row.turn.is_some()),
            };
            Ok((summary, attempt, in_doubt))
        })?;
        let is_meant = |account: &Account| {
            filter.provider.is_none_or(|provider| *provider == account.provider)
                && filter.user.is_none_or(|user| *user == account.user)
        };
        let mut found: Vec<_> =
            listed.into_iter().filter(|(summary, ..)| is_meant(&summary.account)).collect();
        found.sort_unstable_by(|(one, ..), (other, ..)| one.account.cmp(&other.account));
        Ok(found)
    }

    /// Reads every credential with its account. A credential that does not open comes as
    /// [`StoreError::Tampered`].
    pub(in crate::store) fn credentials(&self) -> Result<Vec<Opened>, StoreError> {
        self.rows(Part::Whole, |membership, row, _| {
            let account = row.summary(membership)?.account;
            let credential = row.credential(membership, &account);
            Ok((account, credential))
        })
    }

    /// Reads the refreshes that have no answer yet.
    pub(in crate::store) fn leases(&self) -> Result<Vec<LeaseRunning>, StoreError> {
        let found = self.rows(Part::Label, |membership, row, now| {
            let account = row.summary(membership)?.account;
            let Found::Genuine(evidence, _) = row.evidence(membership, now) else {
                return Ok(None);
            };
            let Some(journal) = evidence.journal else { return Ok(None) };
            let (is_running, holder) = match journal.shared {
                Some(lease) => (lease.is_running, lease.holder),
                None => (false, None),
            };
            Ok(Some(LeaseRunning { account, holder, since: journal.started_at, is_running }))
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Returns the revisions of all rows, by account.
    pub(in crate::store) fn revisions(&self) -> Result<Vec<(Account, u64)>, StoreError> {
        self.rows(Part::Label, |membership, row, _| {
            Ok((row.summary(membership)?.account, row.revision))
        })
    }

    /// Reads `part` of every row, and returns what `look` makes of each. `look` gets the time of the database
    /// in its last argument.
    pub(super) fn rows<T>(
        &self,
        part: Part,
        look: impl Fn(&Membership, &Row, i64) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.under_membership(|connection, membership| {
            let (header, rows) = connection.single(|it| rows::all(it, membership, part))?;
            let looked = rows.iter().map(|row| look(membership, row, header.now));
            Ok((looked.collect::<Result<_, _>>()?, header.now))
        })
    }

    /// Returns the accounts whose credential is older than this machine has seen.
    pub(in crate::store) fn all_older(&self) -> Result<Vec<Account>, StoreError> {
        let older =
            |(account, revision): &(Account, u64)| self.check_age(account, *revision).is_err();
        let found: Vec<_> = self.revisions()?.into_iter().filter(older).collect();
        // Another process of this machine may have seen newer rows since: they are read once more.
        self.older(&found.into_iter().map(|(account, _)| account).collect::<Vec<_>>())
    }

    /// Returns which of `accounts` are older than this machine has seen.
    pub(in crate::store) fn older(&self, accounts: &[Account]) -> Result<Vec<Account>, StoreError> {
        let mut older = Vec::new();
        for account in accounts {
            let found = self.evidence(account)?;
            if found.is_some_and(|(revision, _)| self.check_age(account, revision).is_err()) {
                older.push(account.clone());
            }
        }
        Ok(older)
    }

    /// Accepts every credential as it is, even where this machine has seen a newer one.
    pub(in crate::store) fn accept_all(&self) -> Result<(), StoreError> {
        for (account, revision) in self.revisions()? {
            self.note(&account, revision, true);
        }
        Ok(())
    }

    /// Deletes the credential of `account`, whatever its revision. Returns whether there was one.
    pub(in crate::store) fn forget(&self, account: &Account) -> Result<bool, StoreError> {
        while let Some((revision, _)) = self.evidence(account)? {
            let forget = Change::Forget { account: account.clone(), revision };
            if self.commit(&forget)? == Outcome::Done {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
