//! `tokctl list`: what is stored, never a secret.

use std::collections::BTreeSet;
use std::io::IsTerminal;

use comfy_table::{ContentArrangement, Table, presets};
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::time;
use crate::model::account::{Account, ProviderName, UserName};
use crate::model::credential::Status;
use crate::model::summary::Summary;
use crate::store::credentials::{self, kind_text, status_text};
use crate::store::{Store, journal};
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
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let store = Store::open_read_only(context.vault()?)?;
    let (mut summaries, odd) = credentials::summaries(&*store.read()?)?;
    let in_doubt = journal::accounts(&*store.read()?)?;
    let empty = summaries.is_empty();
    summaries.retain(|summary| {
        let Summary { account, .. } = summary;
        args.provider.as_ref().is_none_or(|provider| account.provider == *provider)
            && args.user.as_ref().is_none_or(|user| account.user == *user)
    });
    let now = time::now();
    if context.ui.json {
        let credentials =
            summaries.iter().map(|summary| One::new(summary, &in_doubt, now)).collect();
        context.ui.json(&Report { v: 1, credentials })?;
    } else if empty {
        context.ui.status("nothing is stored here yet: tokctl login PROVIDER --user USER");
    } else if summaries.is_empty() {
        context.ui.status("nothing that is stored matches");
    } else {
        context.ui.line(&table(&summaries, now).trim_fmt())?;
    }
    if odd == 0 {
        return Ok(());
    }
    Err(CliError::new(Kind::VaultDamaged, format!("{odd} more are damaged or were tampered with"))
        .hint("restore the vault's file from a backup"))
}

/// The narrowest terminal that columns are folded for.
const NARROWEST: u16 = 60;

/// A table that fits the terminal; piped, one line a credential with absolute times.
fn table(summaries: &[Summary], now: Timestamp) -> Table {
    let terminal = std::io::stdout().is_terminal();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    // A terminal that does not tell its width, or is too narrow for columns, wraps lines itself.
    let (_, width) = console::Term::stdout().size();
    if terminal && width >= NARROWEST {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table.set_header(["PROVIDER", "USER", "KIND", "STATUS", "EXPIRES", "SERVER", "SCOPES"]);
    for summary in summaries {
        let expires = match summary.expires_at {
            Some(at) if terminal => time::relative(at, now),
            Some(at) => time::rfc3339(at),
            None => "-".into(),
        };
        let shown =
            |text: Option<&str>| printable(text.filter(|text| !text.is_empty()).unwrap_or("-"));
        table.add_row([
            summary.account.provider.to_string(),
            summary.account.user.to_string(),
            kind_text(summary.kind).to_owned(),
            status(summary, now).to_owned(),
            expires,
            shown(summary.server_url.as_deref()),
            shown(Some(&summary.scopes.to_string())),
        ]);
    }
    table
}

/// The status as it is at `now`: that a token has ended is not written down anywhere.
fn status(summary: &Summary, now: Timestamp) -> &'static str {
    if summary.is_expired(now) { "expired" } else { status_text(summary.status) }
}

/// What went wrong last, as far as it matters still.
fn last_error(status: Status, in_doubt: bool) -> Option<&'static str> {
    match status {
        Status::LoginRequired => Some("the provider no longer renews the grant"),
        Status::Inactive => Some("the service refused the token"),
        Status::HandedOver => None,
        Status::Active => in_doubt.then_some("what became of the last refresh is not known"),
    }
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
    last_error: Option<&'static str>,
}

impl<'a> One<'a> {
    fn new(summary: &'a Summary, in_doubt: &BTreeSet<(String, String)>, now: Timestamp) -> Self {
        let Account { provider, user } = &summary.account;
        let in_doubt = in_doubt.contains(&(provider.as_str().into(), user.as_str().into()));
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
            last_error: last_error(summary.status, in_doubt),
        }
    }
}
