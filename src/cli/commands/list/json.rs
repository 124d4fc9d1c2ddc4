//! `tokctl list --json`, printed row by row so that memory use does not grow with the number of
//! credentials.

use std::cell::RefCell;

use jiff::Timestamp;
use serde::ser::{Error as _, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::time;
use crate::cli::words::{kind_word, status_word};
use crate::model::account::Account;
use crate::model::attempt::{Action, Attempt, Outcome};
use crate::model::credential::Status;
use crate::model::summary::Summary;
use crate::ops::Vault;
use crate::ops::error::StoreError;
use crate::untrusted::printable;

/// The result of printing: what was shown and what was not.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) count: usize,
    pub(super) first: Option<Account>,
    /// The number of rows that are too damaged to show.
    pub(super) odd: usize,
}

/// Prints the credentials for which `wanted` is true.
pub(super) fn print(
    context: &Context,
    vault: &Vault,
    wanted: impl Fn(&Summary) -> bool,
    now: Timestamp,
) -> Result<Listing, CliError> {
    let credentials = Rows { vault, wanted, now, end: RefCell::new(Ok(Listing::default())) };
    let report = CredentialList { v: 1, credentials };
    let printed = context.ui.stream_json(&report);
    match report.credentials.end.into_inner() {
        // A read error is the reason why printing stopped, so it comes first.
        Err(error) => Err(error.into()),
        Ok(shown) => printed.map(|()| shown),
    }
}

/// Returns the status at `now`. That a token has expired is not stored, but follows from the time.
pub(super) fn status(summary: &Summary, now: Timestamp) -> &'static str {
    if summary.is_expired(now) { "expired" } else { status_word(summary.status) }
}

/// The output.
#[derive(Serialize)]
struct CredentialList<C> {
    v: u8,
    credentials: C,
}

/// The credentials to print, which are read during serialization.
struct Rows<'a, W> {
    vault: &'a Vault,
    wanted: W,
    now: Timestamp,
    /// The result, set when serialization ends.
    end: RefCell<Result<Listing, StoreError>>,
}

/// The reason why reading or printing stopped.
enum Stopped<E> {
    Reading(StoreError),
    Printing(E),
}

impl<E> From<StoreError> for Stopped<E> {
    fn from(error: StoreError) -> Self {
        Self::Reading(error)
    }
}

impl<W: Fn(&Summary) -> bool> Serialize for Rows<'_, W> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let mut shown = Listing::default();
        let odd = self.vault.each_summary(|summary, attempt, in_doubt| {
            if !(self.wanted)(&summary) {
                return Ok(());
            }
            let one = One::new(&summary, in_doubt, attempt.as_ref(), self.now);
            list.serialize_element(&one).map_err(Stopped::Printing)?;
            shown.count += 1;
            shown.first.get_or_insert(summary.account);
            Ok(())
        });
        match odd {
            Ok(odd) => {
                *self.end.borrow_mut() = Ok(Listing { odd, ..shown });
                list.end()
            }
            Err(Stopped::Printing(error)) => Err(error),
            Err(Stopped::Reading(error)) => {
                *self.end.borrow_mut() = Err(error);
                Err(S::Error::custom("the vault could not be read"))
            }
        }
    }
}

/// Returns the last error of a credential, as far as it still matters.
fn last_error(summary: &Summary, in_doubt: bool, last: Option<&Attempt>) -> Option<String> {
    if in_doubt && summary.status == Status::Active {
        return Some("what became of the last refresh is not known".into());
    }
    let matters = |last: &&Attempt| match (summary.status, last.action, last.outcome) {
        // A refusal of an active credential was about a token that was replaced since. For a grant
        // that has ended, that is graver than any news about its last token.
        (_, _, Outcome::Done)
        | (Status::Active, _, Outcome::Refused)
        | (Status::LoginRequired, Action::Check, _) => false,
        (_, _, Outcome::Refused | Outcome::Configuration | Outcome::Transient) => {
            summary.last_refreshed_at.is_none_or(|refreshed| refreshed <= last.ended_at)
        }
    };
    // The message stands in a clear column, so anybody may have written it.
    let message = last.filter(matters).and_then(|last| last.message.as_deref()).map(printable);
    message.or_else(|| match summary.status {
        Status::LoginRequired => Some("the provider no longer renews the grant".into()),
        Status::Inactive => Some("the service refused the token".into()),
        Status::HandedOver | Status::Active => None,
    })
}

#[derive(Serialize)]
struct One<'a> {
    provider: &'a str,
    user: &'a str,
    kind: &'static str,
    status: &'static str,
    server_url: Option<&'a str>,
    username: Option<&'a str>,
    scopes: Vec<&'a str>,
    expires_at: Option<String>,
    refreshable: bool,
    login_by: Option<String>,
    created_at: String,
    updated_at: String,
    last_refreshed_at: Option<String>,
    last_error: Option<String>,
    last_attempt_at: Option<String>,
    last_attempt_outcome: Option<Outcome>,
}

impl<'a> One<'a> {
    fn new(summary: &'a Summary, in_doubt: bool, last: Option<&Attempt>, now: Timestamp) -> Self {
        Self {
            provider: summary.account.provider.as_str(),
            user: summary.account.user.as_str(),
            kind: kind_word(summary.kind),
            status: status(summary, now),
            server_url: summary.server_url.as_deref(),
            username: summary.username.as_deref(),
            scopes: summary.scopes.iter().collect(),
            expires_at: summary.expires_at.map(time::rfc3339),
            refreshable: summary.refreshable,
            login_by: summary.login_by.map(time::rfc3339),
            created_at: time::rfc3339(summary.created_at),
            updated_at: time::rfc3339(summary.updated_at),
            last_refreshed_at: summary.last_refreshed_at.map(time::rfc3339),
            last_error: last_error(summary, in_doubt, last),
            last_attempt_at: last.map(|last| time::rfc3339(last.ended_at)),
            last_attempt_outcome: last.map(|last| last.outcome),
        }
    }
}
