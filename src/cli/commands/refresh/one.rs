//! One token, now.

use subtle::ConstantTimeEq;

use super::args::Args;
use super::outcome::{Done, refreshed};
use super::report::Report;
use super::selection::ends_within;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::renewal::{self, Asking};
use crate::cli::{audit_trail, keys, stdin, time};
use crate::model::account::Account;
use crate::model::audit::Action;
use crate::model::credential::Credential;
use crate::ops::refresh::Trigger;
use crate::ops::{Vault, credential, token};
use crate::secret::{AccessToken, SecretText};

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let refused = args.if_token_is.as_deref().map(refused_token).transpose()?;
    let store = Vault::open(context.vault()?)?;
    let account = args.choice.resolve(context, &store, "refresh")?;
    let vault = keys::unlock(context, store)?;
    if args.expiring_within.is_some() || refused.is_some() {
        let credential = credential::expect(&vault, &account)?.stored.credential;
        if let Some(reason) = reason_to_leave(args, refused.as_ref(), &credential) {
            return report(context, &account, Done::Skipped(reason), reason);
        }
    }
    let asking = Asking::alone(context);
    let renewed = token::renew(&vault, &account, Trigger::Explicit, time::now, &asking);
    let renewed = renewed.map_err(CliError::from);
    let whose = (&account.provider, Some(&account.user));
    let outcome = audit_trail::outcome(&renewed);
    audit_trail::note(context, &vault, "refresh", Action::Refresh, whose, outcome);
    let handed = renewed?;
    renewal::warn(context, &account, &handed);
    renewal::warn_of_drift(context, &account, &handed.credential);
    let until = handed.credential.expiry().at();
    let (done, how) = if handed.refreshed {
        (refreshed(&handed.credential), "refreshed")
    } else {
        let how = "was refreshed by another process";
        (Done::Skipped(how), how)
    };
    let how = match until {
        Some(at) => format!("{how}, good until {}", time::rfc3339(at)),
        None => how.to_owned(),
    };
    report(context, &account, done, &how)
}

fn report(context: &Context, account: &Account, done: Done, how: &str) -> Result<(), CliError> {
    if context.ui.json {
        return context.ui.json(&Report::new([(account, &Ok(done))]));
    }
    context.ui.status(&format!("{account} {how}"));
    Ok(())
}

/// The token on stdin, which a service refused.
fn refused_token(named: &str) -> Result<AccessToken, CliError> {
    // What was given instead may be the token itself, and is not repeated.
    if named != "-" {
        return Err(CliError::new(Kind::Usage, "no token is taken from the command line")
            .hint("pipe it in, with `--if-token-is -`"));
    }
    stdin::token()
}

/// Why the token is left as it is, if it is.
fn reason_to_leave(
    args: &Args,
    refused: Option<&AccessToken>,
    credential: &Credential,
) -> Option<&'static str> {
    let is_current = |token: &AccessToken| {
        let given = token.expose().as_bytes();
        let is_same = |current: &AccessToken| given.ct_eq(current.expose().as_bytes()).into();
        credential.token().is_some_and(is_same)
    };
    if refused.is_some_and(|token| !is_current(token)) {
        return Some("has another token by now");
    }
    let late =
        args.expiring_within.is_some_and(|within| !ends_within(credential, within, time::now()));
    late.then_some("has a token that lives longer than that")
}
