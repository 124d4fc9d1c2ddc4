//! `tokctl list`: shows what is stored, but no secrets.

mod columns;
mod selection;
mod json;
mod text;

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};

use self::columns::{Column, Shown};
use self::selection::{Listing, Selection};
use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::vaults;
use crate::cli::words::odd_rows;
use crate::cli::{next_command, time};
use crate::counted::counted;
use crate::model::attempt::{Attempt, Outcome};
use crate::model::credential::Status;
use crate::model::duration;
use crate::model::summary::Summary;

/// Show what is stored, never a secret
///
/// Needs no key: what it shows is the copy in the clear, which is not verified.
///
/// A terminal gets one line for each credential, cut with … to its width. In a pipe, nothing is cut:
/// each line has the fields `provider`, `user`, `status` and `expires`, separated by tabs, without a
/// heading (with `--expiring-within` a fifth, `login_by`); `-` stands for what there is not, and
/// times are RFC 3339 in UTC. Scripts may rely on that, and on `--json`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,

    /// Only what a person has to log in to again within this time, such as 14d; if there is any,
    /// the command ends with 4
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    expiring_within: Option<SignedDuration>,

    /// Show the next login, the kind, the server, its account and the scopes as well
    #[arg(long, short, conflicts_with = "columns")]
    wide: bool,

    /// Show these columns, in this order, separated by commas: provider, user, status, expires,
    /// login-by, kind, server, account, scopes
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', hide_possible_values = true)]
    columns: Vec<Column>,

    /// Sort by one of these columns; what has no end comes last
    #[arg(long, value_name = "COLUMN", hide_possible_values = true)]
    sort: Option<Column>,
}

impl Args {
    /// Returns the columns of a table or of the lines in a pipe.
    fn columns(&self) -> Vec<Shown> {
        if self.wide {
            return columns::wide();
        }
        if self.columns.is_empty() && self.expiring_within.is_some() {
            return columns::expiring();
        }
        columns::named(&self.columns)
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let vault = vaults::open_read_only(context)?.finished()?;
    let choice = args.choice.located(&vault)?;
    choice.expect_some(context, &vault, "list")?;
    let now = time::now();
    let unknown = Cell::new(0);
    let wanted = |summary: &Summary, last: Option<&Attempt>| {
        let is_near =
            args.expiring_within.is_none_or(|within| needs_login(summary, last, within, now));
        if !is_near && has_unknown_end(summary) {
            unknown.set(unknown.get() + 1);
        }
        is_near
    };
    let filter = choice.filter();
    let selection = Selection { vault: &vault, filter, wanted: &wanted, sort: args.sort, now };
    let shown = if context.ui.json {
        json::print(context, &selection)?
    } else {
        text::print(context, &selection, &args.columns())?
    };
    if !context.ui.json && shown.whole && shown.count == 0 {
        context.ui.status(&nothing(args, context, &shown, unknown.get()));
    }
    tell(args, &shown)
}

/// Returns the sentence for an empty list.
/// `unknown` is the number of credentials that nobody knows the end of.
fn nothing(args: &Args, context: &Context, shown: &Listing, unknown: usize) -> String {
    match args.expiring_within {
        Some(within) => {
            let what = format!("nothing needs a login within {}", time::length(within));
            match unknown {
                0 => what,
                more => {
                    let has = if more == 1 { "has" } else { "have" };
                    let them = counted(more, "credential");
                    format!("{what}, as far as is known: {them} {has} no known end")
                }
            }
        }
        None if shown.odd > 0 => "nothing can be shown".into(),
        None => format!("nothing is stored here yet: {}", next_command::first_login(context)),
    }
}

fn tell(args: &Args, shown: &Listing) -> Result<(), CliError> {
    let &Listing { count, odd, .. } = shown;
    if odd > 0 {
        let message = odd_rows(odd);
        return Err(CliError::new(Kind::VaultDamaged, message).hint("tokctl doctor"));
    }
    match (args.expiring_within, &shown.first) {
        (Some(within), Some(first)) => {
            let need = if count == 1 { "needs" } else { "need" };
            let who = counted(count, "credential");
            let message = format!("{who} {need} a login within {}", time::length(within));
            Err(CliError::new(Kind::LoginRequired, message).hint(Hint::Login(first.clone())))
        }
        (Some(_) | None, _) => Ok(()),
    }
}

/// Whether nothing tells when a person has to log in again: neither the provider's rules nor the end
/// of a token that nothing renews.
fn has_unknown_end(summary: &Summary) -> bool {
    let ends = !summary.refreshable && summary.expires_at.is_some();
    summary.status == Status::Active && summary.login_by.is_none() && !ends
}

/// Returns whether the user has to log in again within that time, or should have already.
fn needs_login(
    summary: &Summary,
    last: Option<&Attempt>,
    within: SignedDuration,
    now: Timestamp,
) -> bool {
    let client_is_refused =
        |last: &Attempt| last.is_failed_refresh(summary) && last.outcome == Outcome::Configuration;
    match summary.status {
        Status::LoginRequired | Status::Inactive => true,
        Status::HandedOver => false,
        Status::Active => {
            let until = now.saturating_add(within).unwrap_or(Timestamp::MAX);
            summary.is_expired(now)
                || summary.login_by.is_some_and(|login_by| login_by <= until)
                || last.is_some_and(client_is_refused)
        }
    }
}
