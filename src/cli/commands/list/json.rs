//! `tokctl list --json`, printed while it is read, so that memory use does not grow with the number
//! of credentials.
//!
//! One thread reads and another prints: either takes half of the time.

use std::mem;
use std::panic;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, Builder};

use jiff::Timestamp;
use serde::ser::{Error as _, SerializeSeq};
use serde::{Serialize, Serializer};

use super::columns::status;
use super::selection::{Listed, Listing, Selection};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::stopped::Stopped;
use crate::cli::time;
use crate::cli::words::kind_word;
use crate::model::attempt::{Action, Attempt, Outcome};
use crate::model::credential::Status;
use crate::model::summary::Summary;
use crate::untrusted::printable;

/// The number of credentials that go from one thread to the other at once.
const GROUP: usize = 128;

/// Prints the credentials of `selection`.
pub(super) fn print(context: &Context, selection: &Selection<'_>) -> Result<Listing, CliError> {
    let (sender, groups) = mpsc::sync_channel(2);
    let report = CredentialList { v: 1, credentials: Credentials { groups, now: selection.now } };
    let ui = &context.ui;
    thread::scope(|scope| {
        // The report goes along, so that whoever reads learns that nobody prints any more.
        let printing =
            Builder::new().spawn_scoped(scope, move || ui.stream_json(&report)).map_err(
                |error| CliError::new(Kind::Failed, "no thread could be started").caused_by(&error),
            )?;
        let listing = read(selection, &sender);
        // Nothing more comes.
        drop(sender);
        let printed = printing.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
        match listing {
            Ok(listing) => printed.map(|()| listing),
            // A read error is the reason why printing stopped, so it comes first.
            Err(Stopped::Reading(error)) => Err(error.into()),
            Err(Stopped::Printing(Gone)) => printed.map(|()| Listing::default()),
        }
    })
}

/// The error of whoever reads when printing has ended already.
struct Gone;

/// Reads the credentials of `selection` and sends them in groups. An empty group says that all of
/// them were sent.
fn read(
    selection: &Selection<'_>,
    groups: &SyncSender<Vec<Listed>>,
) -> Result<Listing, Stopped<Gone>> {
    let mut group = Vec::new();
    let send = |group| groups.send(group).map_err(|_| Stopped::Printing(Gone));
    let listing = selection.each(|listed| {
        group.push(listed);
        if group.len() == GROUP { send(mem::take(&mut group)) } else { Ok(()) }
    })?;
    if !group.is_empty() {
        send(group)?;
    }
    send(Vec::new())?;
    Ok(listing)
}

/// The output.
#[derive(Serialize)]
struct CredentialList<C> {
    v: u8,
    credentials: C,
}

/// The credentials to print, which come while they are serialized.
struct Credentials {
    groups: Receiver<Vec<Listed>>,
    now: Timestamp,
}

impl Serialize for Credentials {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for group in &self.groups {
            if group.is_empty() {
                return list.end();
            }
            for Listed { summary, attempt, in_doubt } in &group {
                list.serialize_element(&One::new(summary, *in_doubt, attempt.as_ref(), self.now))?;
            }
        }
        Err(S::Error::custom("the vault could not be read"))
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
