//! `tokctl get`: prints a token that works.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::choice::{self, Choice};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::{audit_trail, keys, renewal, time};
use crate::model::account::Account;
use crate::model::address::Address;
use crate::model::audit::Action;
use crate::model::credential::{Credential, Expiry};
use crate::model::duration;
use crate::model::readiness::Need;
use crate::ops::access_token::{self, Found, Handed};
use crate::ops::refresh::Trigger;
use crate::ops::{self, OpenVault};
use crate::secret::SecretText;
use crate::store::Store;

/// Print a token that works, refreshed first if need be
///
/// A token counts as good if it has 5 minutes left, or a fifth of its life if that is less, unless
/// the provider's definition sets another margin. Nothing is sent or written while it is good.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,

    /// What to print: the token alone, or a JSON object
    #[arg(long, value_name = "FORMAT", default_value = "token")]
    format: Format,

    /// Promise at least this much life, such as 90s, 10m or 2h
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    min_ttl: Option<SignedDuration>,

    /// Fail rather than refresh
    #[arg(long)]
    no_refresh: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Token,
    Json,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let store = Store::open_read_only(context.vault()?)?;
    let account = match args.choice.named() {
        Some(account) => account,
        None => args.choice.resolve(context, &store, "get")?,
    };
    let mut vault = keys::unlock(context, store)?;
    let got = obtain(args, context, &mut vault, &account);
    let outcome = audit_trail::outcome(&got);
    let recorded = audit_trail::record(context, &mut vault, "get", Action::Get, &account, outcome);
    let handed = got?;
    recorded?;
    renewal::warn(context, &account, &handed);
    print(args, context, &account, &handed)
}

fn obtain(
    args: &Args,
    context: &Context,
    vault: &mut OpenVault,
    account: &Account,
) -> Result<Handed, CliError> {
    let need = args.min_ttl.map_or(Need::Usual, Need::AtLeast);
    let found = access_token::find(vault, account, need, !args.no_refresh, time::now());
    if let Err(ops::Error::NoCredential { account }) = &found {
        return Err(choice::none(context, Some(&account.provider), Some(&account.user)));
    }
    match found? {
        Found::Good(handed) => Ok(*handed),
        Found::Due if args.no_refresh => {
            Err(ops::Error::RefreshForbidden { account: account.clone() }.into())
        }
        Found::Due => {
            vault.open_for_writing()?;
            renewal::renew(context, vault, account, Trigger::Need(need))
        }
    }
}

fn print(
    args: &Args,
    context: &Context,
    account: &Account,
    handed: &Handed,
) -> Result<(), CliError> {
    if args.format == Format::Json || context.ui.json {
        return context.ui.json(&Report::new(account, handed, time::now()));
    }
    let token = handed.credential.token().expose();
    let mut line = Zeroizing::new(Vec::with_capacity(token.len() + 1));
    line.extend_from_slice(token.as_bytes());
    line.push(b'\n');
    context.ui.data(&line)
}

/// What `--format json` prints.
#[derive(Serialize)]
struct Report<'a> {
    v: u8,
    provider: &'a str,
    user: &'a str,
    access_token: &'a str,
    token_type: &'a str,
    expires_at: Option<String>,
    expires_in: Option<i64>,
    expiry: &'static str,
    scopes: Vec<&'a str>,
    server_url: Option<&'a str>,
    username: Option<&'a str>,
    api_base_url: Option<&'a str>,
    refreshed: bool,
}

impl<'a> Report<'a> {
    fn new(account: &'a Account, handed: &'a Handed, now: Timestamp) -> Self {
        let credential: &Credential = &handed.credential;
        let expiry = credential.expiry();
        Self {
            v: 1,
            provider: account.provider.as_str(),
            user: account.user.as_str(),
            access_token: credential.token().expose(),
            token_type: credential.token_type(),
            expires_at: expiry.at().map(time::rfc3339),
            expires_in: expiry.at().map(|at| at.duration_since(now).as_secs()),
            expiry: match expiry {
                Expiry::Known(_) => "known",
                Expiry::None => "none",
                Expiry::Unknown => "unknown",
            },
            scopes: credential.scopes().map(|scopes| scopes.iter().collect()).unwrap_or_default(),
            server_url: credential.api.server_url.as_ref().map(Address::as_str),
            username: credential.api.username.as_deref(),
            api_base_url: credential.api_base_url().map(Address::as_str),
            refreshed: handed.refreshed,
        }
    }
}
