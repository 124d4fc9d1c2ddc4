//! `tokctl list`: shows what is stored, but no secrets.

mod json;

use std::io::IsTerminal;

use comfy_table::Table;
use jiff::{SignedDuration, Timestamp};

use self::json::{Listing, status};
use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::time;
use crate::cli::ui::Ui;
use crate::cli::words::kind_word;
use crate::model::credential::Status;
use crate::model::duration;
use crate::model::summary::Summary;
use crate::ops::Vault;
use crate::untrusted::printable;

/// Show what is stored, never a secret
///
/// Needs no key: what it shows is the copy in the clear, which is not verified.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,

    /// Only what a person has to log in to again within this time, such as 14d; if there is any,
    /// the command ends with 4
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    expiring_within: Option<SignedDuration>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let vault = Vault::open_read_only(context.vault()?)?;
    let now = time::now();
    let wanted = |summary: &Summary| {
        let Summary { account, .. } = summary;
        args.choice.provider.as_ref().is_none_or(|provider| account.provider == *provider)
            && args.choice.user.as_ref().is_none_or(|user| account.user == *user)
            && args.expiring_within.is_none_or(|within| needs_login(summary, within, now))
    };
    let shown = if context.ui.json {
        json::print(context, &vault, wanted, now)?
    } else {
        print_table(context, &vault, wanted, args.expiring_within, now)?
    };
    tell(args, &shown)
}

fn tell(args: &Args, shown: &Listing) -> Result<(), CliError> {
    let &Listing { count, odd, .. } = shown;
    if odd > 0 {
        let message = format!("{odd} more are damaged or were tampered with");
        return Err(CliError::new(Kind::VaultDamaged, message).hint("tokctl doctor"));
    }
    match (args.expiring_within, &shown.first) {
        (Some(within), Some(first)) => {
            let who = match count {
                1 => "1 credential needs".to_owned(),
                many => format!("{many} credentials need"),
            };
            let message = format!("{who} a login within {}", time::length(within));
            Err(CliError::new(Kind::LoginRequired, message).hint(Hint::Login(first.clone())))
        }
        (Some(_) | None, _) => Ok(()),
    }
}

/// Returns whether the user has to log in again within that time, or should have already.
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

fn print_table(
    context: &Context,
    vault: &Vault,
    wanted: impl Fn(&Summary) -> bool,
    expiring_within: Option<SignedDuration>,
    now: Timestamp,
) -> Result<Listing, CliError> {
    let (mut summaries, odd) = vault.summaries()?;
    let empty = summaries.is_empty();
    summaries.retain(wanted);
    if empty {
        context.ui.status("nothing is stored here yet: tokctl login PROVIDER --user USER");
    } else if let (true, Some(within)) = (summaries.is_empty(), expiring_within) {
        context.ui.status(&format!("nothing needs a login within {}", time::length(within)));
    } else if summaries.is_empty() {
        context.ui.status("nothing that is stored matches");
    } else {
        context.ui.line(&table(&summaries, expiring_within.is_some(), now).trim_fmt())?;
    }
    let first = summaries.first().map(|summary| summary.account.clone());
    Ok(Listing { count: summaries.len(), first, odd })
}

/// The position of the column for the next login, behind the token's expiry.
const LOGIN_BY: usize = 5;

/// Returns a table that fits the terminal. Piped output has one line per credential and absolute
/// times.
///
/// The next login has a column if `expiring` is set or it differs from the token's expiry.
fn table(summaries: &[Summary], expiring: bool, now: Timestamp) -> Table {
    let terminal = std::io::stdout().is_terminal();
    let mut table = Ui::table();
    let with_login_by = expiring
        || summaries
            .iter()
            .any(|summary| summary.login_by.is_some() && summary.login_by != summary.expires_at);
    let time = |at: Option<Timestamp>| time::in_table(at, now, terminal);
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
            kind_word(summary.kind).to_owned(),
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
