//! `tokctl list --json`, printed row by row so that memory use does not grow with the number of
//! credentials.

use std::cell::RefCell;

use jiff::Timestamp;
use serde::ser::{Error as _, SerializeSeq};
use serde::{Serialize, Serializer};

use super::columns::status;
use super::selection::{Listed, Listing, Selection};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::stopped::Stopped;
use crate::cli::time;
use crate::cli::words::kind_word;
use crate::model::attempt::{Action, Attempt, Outcome};
use crate::model::credential::Status;
use crate::model::summary::Summary;
use crate::ops::error::StoreError;
use crate::untrusted::printable;

/// Prints the credentials of `selection`.
pub(super) fn print(context: &Context, selection: &Selection<'_>) -> Result<Listing, CliError> {
    let credentials = Rows { selection, end: RefCell::new(Ok(Listing::default())) };
    let report = CredentialList { v: 1, credentials };
    let printed = context.ui.stream_json(&report);
    match report.credentials.end.into_inner() {
        // A read error is the reason why printing stopped, so it comes first.
        Err(error) => Err(error.into()),
        Ok(shown) => printed.map(|()| shown),
    }
}

/// The output.
#[derive(Serialize)]
struct CredentialList<C> {
    v: u8,
    credentials: C,
}

/// The credentials to print, which are read during serialization.
struct Rows<'a> {
    selection: &'a Selection<'a>,
    /// The result, set when serialization ends.
    end: RefCell<Result<Listing, StoreError>>,
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let listing = self.selection.each(|Listed { summary, attempt, in_doubt }| {
            let one = One::new(summary, *in_doubt, attempt.as_ref(), self.selection.now);
            list.serialize_element(&one).map_err(Stopped::Printing)
        });
        match listing {
            Ok(listing) => {
                *self.end.borrow_mut() = Ok(listing);
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
