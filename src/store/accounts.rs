//! Reading which credentials there are, by their names and clear columns.
//!
//! In a file nothing of it is verified. In a shared vault these names are sealed, and every row is
//! opened.

use super::engine::Engine;
use super::error::Error;
#[cfg(feature = "postgres")]
use super::postgres::Server;
use super::sqlite::{listing, lookup};
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
        match &self.engine {
            Engine::Sqlite(file) => file.read(|view| lookup::accounts(view, filter, most)),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => accounts(server, filter, most, |_| true),
        }
    }

    /// Returns the accounts of `provider` next to `user` in the order of names: at most `most` before
    /// it, and as many from it on.
    pub(crate) fn accounts_beside(
        &self,
        provider: &ProviderName,
        user: &str,
        most: usize,
    ) -> Result<Vec<Account>, Error> {
        match &self.engine {
            Engine::Sqlite(file) => file.read(|view| lookup::beside(view, provider, user, most)),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                let filter = AccountFilter { provider: Some(provider), user: None };
                let all = accounts(server, filter, usize::MAX, |_| true)?;
                let at = all.partition_point(|account| account.user.as_str() < user);
                let end = at.saturating_add(most).min(all.len());
                Ok(all[at.saturating_sub(most)..end].to_vec())
            }
        }
    }

    /// Returns the first `most` accounts of `provider` whose user begins with `beginning`, in order.
    pub(crate) fn accounts_beginning_with(
        &self,
        provider: &ProviderName,
        beginning: &str,
        most: usize,
    ) -> Result<Vec<Account>, Error> {
        match &self.engine {
            Engine::Sqlite(file) => {
                file.read(|view| lookup::beginning_with(view, provider, beginning, most))
            }
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                let filter = AccountFilter { provider: Some(provider), user: None };
                let begins =
                    |summary: &Summary| summary.account.user.as_str().starts_with(beginning);
                accounts(server, filter, most, begins)
            }
        }
    }

    /// Returns the providers that have credentials, in order.
    pub(crate) fn providers(&self) -> Result<Vec<ProviderName>, Error> {
        match &self.engine {
            Engine::Sqlite(file) => file.read(lookup::providers),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                let all = accounts(server, AccountFilter::default(), usize::MAX, |_| true)?;
                let mut found: Vec<_> = all.into_iter().map(|account| account.provider).collect();
                found.dedup();
                Ok(found)
            }
        }
    }

    /// Returns the clear part of the credential of `account`; `None` if there is none, or none that
    /// can be read.
    pub(crate) fn summary(&self, account: &Account) -> Result<Option<Summary>, Error> {
        match &self.engine {
            Engine::Sqlite(file) => file.read(|view| listing::summary_of(view, account)),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => Ok(summaries(server, account.filter(), |_| true)?.pop()),
        }
    }

    /// Returns the clear parts of the credentials of `filter` that are to be kept. Only those are in
    /// memory at a time. Rows that can't be read are left out.
    pub(crate) fn summaries(
        &self,
        filter: AccountFilter<'_>,
        keep: impl FnMut(&Summary) -> bool,
    ) -> Result<Vec<Summary>, Error> {
        match &self.engine {
            Engine::Sqlite(file) => file.read(|view| listing::summaries(view, filter, keep)),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => summaries(server, filter, keep),
        }
    }

    /// Returns the clear part of the first credential of `filter` for which `is_meant` is true.
    pub(crate) fn first_summary(
        &self,
        filter: AccountFilter<'_>,
        #[cfg_attr(not(feature = "postgres"), expect(unused_mut, reason = "of a shared vault"))]
        mut is_meant: impl FnMut(&Summary) -> bool,
    ) -> Result<Option<Summary>, Error> {
        match &self.engine {
            Engine::Sqlite(file) => file.read(|view| lookup::first(view, filter, is_meant)),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                Ok(summaries(server, filter, |_| true)?.into_iter().find(|it| is_meant(it)))
            }
        }
    }

    /// Returns the clear parts of the credentials whose server is at one of `origins`, such as
    /// `https://git.example`, whatever its port and path, and perhaps some others.
    pub(crate) fn summaries_at(&self, origins: &[String]) -> Result<Vec<Summary>, Error> {
        match &self.engine {
            Engine::Sqlite(file) => file.read(|view| lookup::at_servers(view, origins)),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                let has_server = |summary: &Summary| summary.server_url.is_some();
                summaries(server, AccountFilter::default(), has_server)
            }
        }
    }

    /// Returns the first `most` addresses of servers that begin with `beginning`, each once.
    pub(crate) fn servers_beginning_with(
        &self,
        beginning: &str,
        most: usize,
    ) -> Result<Vec<String>, Error> {
        match &self.engine {
            Engine::Sqlite(file) => {
                file.read(|view| lookup::servers_beginning_with(view, beginning, most))
            }
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                let all = summaries(server, AccountFilter::default(), |_| true)?.into_iter();
                let begins = |url: &String| {
                    let head = url.get(..beginning.len());
                    head.is_some_and(|head| head.eq_ignore_ascii_case(beginning))
                };
                let mut found: Vec<_> = all.filter_map(|it| it.server_url).filter(begins).collect();
                found.sort_unstable_by_key(|url| url.to_ascii_lowercase());
                found.dedup();
                found.truncate(most);
                Ok(found)
            }
        }
    }

    /// Returns the clear parts of the credentials whose account at the service is called `username`.
    pub(crate) fn summaries_with_username(&self, username: &str) -> Result<Vec<Summary>, Error> {
        match &self.engine {
            Engine::Sqlite(file) => file.read(|view| lookup::with_username(view, username)),
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                let is_called = |summary: &Summary| summary.username.as_deref() == Some(username);
                summaries(server, AccountFilter::default(), is_called)
            }
        }
    }

    /// Calls `each` with the clear part of each credential of `filter`, its last attempt, and whether
    /// its refresh is in doubt. Only one credential is in memory at a time. Returns the number of
    /// rows that can't be read at all.
    pub(crate) fn each_summary<E: From<Error>>(
        &self,
        filter: AccountFilter<'_>,
        #[cfg_attr(not(feature = "postgres"), expect(unused_mut, reason = "of a shared vault"))]
        mut each: impl FnMut(Summary, Option<Attempt>, bool) -> Result<(), E>,
    ) -> Result<usize, E> {
        match &self.engine {
            Engine::Sqlite(file) => {
                file.read(|view| listing::each_with_evidence(view, filter, each))
            }
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                for (summary, attempt, in_doubt) in server.summaries(filter)? {
                    each(summary, attempt, in_doubt)?;
                }
                Ok(0)
            }
        }
    }
}

/// Returns what a shared vault lists of the credentials of `filter` that are to be kept, in order.
#[cfg(feature = "postgres")]
fn summaries(
    server: &Server,
    filter: AccountFilter<'_>,
    keep: impl FnMut(&Summary) -> bool,
) -> Result<Vec<Summary>, Error> {
    let all = server.summaries(filter)?.into_iter().map(|(summary, ..)| summary);
    Ok(all.filter(keep).collect())
}

/// Returns the first `most` accounts of a shared vault that are meant, in order.
#[cfg(feature = "postgres")]
fn accounts(
    server: &Server,
    filter: AccountFilter<'_>,
    most: usize,
    is_meant: impl FnMut(&Summary) -> bool,
) -> Result<Vec<Account>, Error> {
    let all = summaries(server, filter, is_meant)?.into_iter();
    Ok(all.map(|summary| summary.account).take(most).collect())
}
