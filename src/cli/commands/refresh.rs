//! `tokctl refresh`: renews a token now, due or not.

use serde::Serialize;

use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::{audit_trail, keys, renewal, time};
use crate::model::account::Account;
use crate::model::audit::Action;
use crate::ops::refresh::Trigger;
use crate::store::Store;

/// Refresh a token now, due or not
///
/// If another process refreshes it at the same time, that counts.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let store = Store::open(context.vault()?)?;
    let account = args.choice.resolve(context, &store, "refresh")?;
    let mut vault = keys::unlock(context, store)?;
    let renewed = renewal::renew(context, &mut vault, &account, Trigger::Asked);
    let whose = (&account.provider, Some(&account.user));
    let outcome = audit_trail::outcome(&renewed);
    audit_trail::note(context, &mut vault, "refresh", Action::Refresh, whose, outcome);
    let handed = renewed?;
    renewal::warn(context, &account, &handed);
    renewal::warn_of_drift(context, &account, &handed.credential);
    if context.ui.json {
        return context.ui.json(&Report::of_one(&account, handed.refreshed));
    }
    let how = if handed.refreshed { "refreshed" } else { "was refreshed by another process" };
    let until = match handed.credential.expiry().at() {
        Some(at) => format!(", good until {}", time::rfc3339(at)),
        None => String::new(),
    };
    context.ui.status(&format!("{account} {how}{until}"));
    Ok(())
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    v: u8,
    refreshed: usize,
    skipped: usize,
    failed: usize,
    results: Vec<One<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    provider: &'a str,
    user: &'a str,
    outcome: &'static str,
    error: Option<String>,
}

impl<'a> Report<'a> {
    fn of_one(account: &'a Account, refreshed: bool) -> Self {
        let one = One {
            provider: account.provider.as_str(),
            user: account.user.as_str(),
            outcome: if refreshed { "refreshed" } else { "skipped" },
            error: None,
        };
        Self {
            v: 1,
            refreshed: usize::from(refreshed),
            skipped: usize::from(!refreshed),
            failed: 0,
            results: vec![one],
        }
    }
}
