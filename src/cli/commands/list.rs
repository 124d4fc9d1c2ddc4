//! `tokctl list`: what is stored, never a secret.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;

use comfy_table::{ContentArrangement, Table, presets};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::time;
use crate::cli::typed::login_command;
use crate::model::account::{Account, ProviderName, UserName};
use crate::model::attempt::{Action, Attempt, Outcome};
use crate::model::credential::Status;
use crate::model::duration;
use crate::model::summary::Summary;
use crate::store::credentials::{self, kind_text, status_text};
use crate::store::{Store, attempts, journal};
use crate::untrusted::printable;

/// Show what is stored, never a secret
///
/// Needs no key: what it shows is the copy in the clear, which is not verified.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this service's
    #[arg(value_name = "PROVIDER")]
    provider: Option<ProviderName>,

    /// Only this user's
    #[arg(long, short, value_name = "USER")]
    user: Option<UserName>,

    /// Only what a person has to log in to again within this time, such as 14d; if there is any,
    /// the command ends with 4
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    expiring_within: Option<SignedDuration>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let store = Store::open_read_only(context.vault()?)?;
    let (mut summaries, odd) = credentials::summaries(&*store.read()?)?;
    let evidence = Evidence {
        in_doubt: journal::accounts(&*store.read()?)?,
        attempts: attempts::all(&*store.read()?)?,
    };
    let empty = summaries.is_empty();
    let now = time::now();
    summaries.retain(|summary| {
        let Summary { account, .. } = summary;
        args.provider.as_ref().is_none_or(|provider| account.provider == *provider)
            && args.user.as_ref().is_none_or(|user| account.user == *user)
            && args.expiring_within.is_none_or(|within| needs_login(summary, within, now))
    });
    if context.ui.json {
        let credentials =
            summaries.iter().map(|summary| One::new(summary, &evidence, now)).collect();
        context.ui.json(&Report { v: 1, credentials })?;
    } else if empty {
        context.ui.status("nothing is stored here yet: tokctl login PROVIDER --user USER");
    } else if let (true, Some(within)) = (summaries.is_empty(), args.expiring_within) {
        context.ui.status(&format!("nothing needs a login within {}", time::length(within)));
    } else if summaries.is_empty() {
        context.ui.status("nothing that is stored matches");
    } else {
        context.ui.line(&table(&summaries, args.expiring_within.is_some(), now).trim_fmt())?;
    }
    if odd > 0 {
        let message = format!("{odd} more are damaged or were tampered with");
        return Err(CliError::new(Kind::VaultDamaged, message)
            .hint("restore the vault's file from a backup"));
    }
    match (args.expiring_within, &summaries[..]) {
        (Some(within), [first, rest @ ..]) => {
            let who = match rest.len() {
                0 => "1 credential needs".to_owned(),
                more => format!("{} credentials need", more + 1),
            };
            let message = format!("{who} a login within {}", time::length(within));
            Err(CliError::new(Kind::LoginRequired, message).hint(login_command(&first.account)))
        }
        (Some(_) | None, _) => Ok(()),
    }
}

/// Whether a person has to do something about it within that time, or had to already.
fn needs_login(summary: &Summary, within: SignedDuration, now: Timestamp) -> bool {
    match summary.status {
        Status::LoginRequired | Status::Inactive => true,
        Status::HandedOver => false,
        Status::Active => {
            let until = now.saturating_add(within).unwrap_or(Timestamp::MAX);
            summary.is_expired(now) || summary.login_by.is_some_and(|login_by| login_by <= until)
        }
    }
}

/// The narrowest terminal that columns are folded for.
const NARROWEST: u16 = 60;

/// The position of the column for the next login: behind the token's own end.
const LOGIN_BY: usize = 5;

/// A table that fits the terminal; piped, one line a credential with absolute times.
///
/// When a login is due has its column where it is asked for, or says more than the token's end.
fn table(summaries: &[Summary], expiring: bool, now: Timestamp) -> Table {
    let terminal = std::io::stdout().is_terminal();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    // A terminal that does not tell its width, or is too narrow for columns, wraps lines itself.
    let (_, width) = console::Term::stdout().size();
    if terminal && width >= NARROWEST {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    let with_login_by = expiring
        || summaries
            .iter()
            .any(|summary| summary.login_by.is_some() && summary.login_by != summary.expires_at);
    let time = |at: Option<Timestamp>| match at {
        Some(at) if terminal => time::relative(at, now),
        Some(at) => time::rfc3339(at),
        None => "-".into(),
    };
    let mut header = vec!["PROVIDER", "USER", "KIND", "STATUS", "EXPIRES", "SERVER", "SCOPES"];
    if with_login_by {
        header.insert(LOGIN_BY, "LOGIN BY");
    }
    table.set_header(header);
    for summary in summaries {
        let shown =
            |text: Option<&str>| printable(text.filter(|text| !text.is_empty()).unwrap_or("-"));
        let mut row = vec![
            summary.account.provider.to_string(),
            summary.account.user.to_string(),
            kind_text(summary.kind).to_owned(),
            status(summary, now).to_owned(),
            time(summary.expires_at),
            shown(summary.server_url.as_deref()),
            shown(Some(&summary.scopes.to_string())),
        ];
        if with_login_by {
            row.insert(LOGIN_BY, time(summary.login_by));
        }
        table.add_row(row);
    }
    table
}

/// The status as it is at `now`: that a token has ended is not written down anywhere.
fn status(summary: &Summary, now: Timestamp) -> &'static str {
    if summary.is_expired(now) { "expired" } else { status_text(summary.status) }
}

/// What is known beside the credentials themselves, by provider and user.
struct Evidence {
    /// Those of which a refresh got no certain answer.
    in_doubt: BTreeSet<(String, String)>,
    /// The last time that a provider was asked.
    attempts: BTreeMap<(String, String), Attempt>,
}

/// What went wrong last, as far as it matters still.
fn last_error(summary: &Summary, in_doubt: bool, last: Option<&Attempt>) -> Option<String> {
    if in_doubt && summary.status == Status::Active {
        return Some("what became of the last refresh is not known".into());
    }
    let matters = |last: &&Attempt| match (summary.status, last.action, last.outcome) {
        // A refusal where all is well was about a token that was replaced since; and that the grant
        // is over is graver news than any of its last token.
        (_, _, Outcome::Done)
        | (Status::Active, _, Outcome::Refused)
        | (Status::LoginRequired, Action::Check, _) => false,
        (_, _, Outcome::Refused | Outcome::Configuration | Outcome::Passing) => {
            summary.last_refreshed_at.is_none_or(|refreshed| refreshed <= last.ended_at)
        }
    };
    // It stands in the clear: anybody may have written it.
    let told = last.filter(matters).and_then(|last| last.message.as_deref()).map(printable);
    told.or_else(|| match summary.status {
        Status::LoginRequired => Some("the provider no longer renews the grant".into()),
        Status::Inactive => Some("the service refused the token".into()),
        Status::HandedOver | Status::Active => None,
    })
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    v: u8,
    credentials: Vec<One<'a>>,
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
    fn new(summary: &'a Summary, evidence: &Evidence, now: Timestamp) -> Self {
        let Account { provider, user } = &summary.account;
        let place = (provider.as_str().to_owned(), user.as_str().to_owned());
        let in_doubt = evidence.in_doubt.contains(&place);
        let last = evidence.attempts.get(&place);
        Self {
            provider: summary.account.provider.as_str(),
            user: summary.account.user.as_str(),
            kind: kind_text(summary.kind),
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
