//! Reading which credentials there are, by their names and clear columns. Nothing of it is verified.

use super::engine::Engine;
use super::error::Error;
use super::sqlite::{Sqlite, listing, lookup};
use super::vault::Vault;
use crate::model::account::{Account, AccountFilter, ProviderName, UserName};
use crate::model::attempt::Attempt;
use crate::model::summary::Summary;

impl Vault {
    /// Returns the accounts of `provider` and `user` in order; `None` matches all.
    pub(crate) fn accounts(
        &self,
        provider: Option<&ProviderName>,
        user: Option<&UserName>,
    ) -> Result<Vec<Account>, Error> {
        self.first_accounts(AccountFilter { provider, user }, usize::MAX)
    }

    /// Returns the first `most` accounts of `filter`, in order.
    pub(crate) fn first_accounts(
        &self,
        filter: AccountFilter<'_>,
        most: usize,
    ) -> Result<Vec<Account>, Error> {
        self.sqlite().read(|view| lookup::accounts(view, filter, most))
    }

    /// Returns the accounts of `provider` next to `user` in the order of names: at most `most` before
    /// it, and as many from it on.
    pub(crate) fn accounts_beside(
        &self,
        provider: &ProviderName,
        user: &str,
        most: usize,
    ) -> Result<Vec<Account>, Error> {
        self.sqlite().read(|view| lookup::beside(view, provider, user, most))
    }

    /// Returns the first `most` accounts of `provider` whose user begins with `beginning`, in order.
    pub(crate) fn accounts_beginning_with(
        &self,
        provider: &ProviderName,
        beginning: &str,
        most: usize,
    ) -> Result<Vec<Account>, Error> {
        self.sqlite().read(|view| lookup::beginning_with(view, provider, beginning, most))
    }

    /// Returns the providers that have credentials, in order.
    pub(crate) fn providers(&self) -> Result<Vec<ProviderName>, Error> {
        self.sqlite().read(lookup::providers)
    }

    /// Returns the clear part of the credential of `account`; `None` if there is none, or none that
    /// can be read.
    pub(crate) fn summary(&self, account: &Account) -> Result<Option<Summary>, Error> {
        self.sqlite().read(|view| listing::summary_of(view, account))
    }

    /// Returns the clear parts of the credentials of `filter` that are to be kept. Only those are in
    /// memory at a time. Rows that can't be read are left out.
    pub(crate) fn summaries(
        &self,
        filter: AccountFilter<'_>,
        keep: impl FnMut(&Summary) -> bool,
    ) -> Result<Vec<Summary>, Error> {
        self.sqlite().read(|view| listing::summaries(view, filter, keep))
    }

    /// Returns the clear part of the first credential of `filter` for which `is_meant` is true.
    pub(crate) fn first_summary(
        &self,
        filter: AccountFilter<'_>,
        is_meant: impl FnMut(&Summary) -> bool,
    ) -> Result<Option<Summary>, Error> {
        self.sqlite().read(|view| lookup::first(view, filter, is_meant))
    }

    /// Returns the clear parts of the credentials whose server is at one of `origins`, such as
    /// `https://git.example`, whatever its port and path, and perhaps some others.
    pub(crate) fn summaries_at(&self, origins: &[String]) -> Result<Vec<Summary>, Error> {
        self.sqlite().read(|view| lookup::at_servers(view, origins))
    }

    /// Returns the first `most` addresses of servers that begin with `beginning`, each once.
    pub(crate) fn servers_beginning_with(
        &self,
        beginning: &str,
        most: usize,
    ) -> Result<Vec<String>, Error> {
        self.sqlite().read(|view| lookup::servers_beginning_with(view, beginning, most))
    }

    /// Returns the clear parts of the credentials whose account at the service is called `username`.
    pub(crate) fn summaries_with_username(&self, username: &str) -> Result<Vec<Summary>, Error> {
        self.sqlite().read(|view| lookup::with_username(view, username))
    }

    /// Calls `each` with the clear part of each credential of `filter`, its last attempt, and whether
    /// its refresh is in doubt. Only one credential is in memory at a time. Returns the number of
    /// rows that can't be read at all.
    pub(crate) fn each_summary<E: From<Error>>(
        &self,
        filter: AccountFilter<'_>,
        each: impl FnMut(Summary, Option<Attempt>, bool) -> Result<(), E>,
    ) -> Result<usize, E> {
        self.sqlite().read(|view| listing::each_with_evidence(view, filter, each))
    }

    fn sqlite(&self) -> &Sqlite {
        let Engine::Sqlite(file) = &self.engine;
        file
    }
}
