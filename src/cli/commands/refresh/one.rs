//! A refresh of one token, once.

use super::args::Args;
use super::outcome::{Done, refreshed};
use super::report::{OneResult, RefreshResults, Tally};
use super::selection::ends_within;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::renewal::{self, RenewalCaller};
use crate::cli::vaults;
use crate::cli::{audit_trail, keys, stdin, time};
use crate::model::account::Account;
use crate::model::audit::Action;
use crate::model::credential::Credential;
use crate::ops::refresh::Trigger;
use crate::ops::{credential, token};
use crate::secret::AccessToken;

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let refused =
        args.if_token_is.as_deref().map(|named| refused_token(named, context)).transpose()?;
    let vault = args.choice.in_vault(vaults::open(context))?;
    vault.check_may_write()?;
    let account = args.choice.resolve(context, &vault, "refresh")?;
    let vault = keys::unlock(context, vault)?;
    if args.expiring_within.is_some() || refused.is_some() {
        let credential = credential::expect(&vault, &account)?.stored.credential;
        if let Some(reason) = reason_to_leave(args, refused.as_ref(), &credential) {
            return report(context, &account, Done::Skipped(reason), reason);
        }
    }
    let asking = RenewalCaller::alone(context);
    let renewed = token::renew(&vault, &account, Trigger::Explicit, time::now, &asking);
    let renewed = renewed.map_err(CliError::from);
    let whose = (&account.provider, Some(&account.user));
    let outcome = audit_trail::outcome(&renewed);
    audit_trail::note(context, &vault, "refresh", Action::Refresh, whose, outcome);
    let token = renewed?;
    renewal::warn(context, &account, &token);
    renewal::warn_of_drift(context, &account, &token.credential);
    let until = token.credential.expiry().at();
    let (done, how) = if token.refreshed {
        (refreshed(&token.credential), "refreshed")
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
        let (done, mut tally) = (Ok(done), Tally::default());
        tally.count(&done);
        let result = OneResult::of(&done);
        let results = result.iter().map(|result| (account, result));
        return context.ui.json(&RefreshResults::new(tally, results));
    }
    context.ui.status(&format!("{account} {how}"));
    Ok(())
}

/// Reads the token that a service refused from stdin.
fn refused_token(named: &str, context: &Context) -> Result<AccessToken, CliError> {
    // Any other argument may be the token itself, so no message repeats it.
    if named != "-" {
        return Err(CliError::new(Kind::Usage, "no token is taken from the command line")
            .hint("pipe it in, with `--if-token-is -`"));
    }
    stdin::token(&context.ui)
}

/// Returns why the token is left as it is, if there is a reason.
fn reason_to_leave(
    args: &Args,
    refused: Option<&AccessToken>,
    credential: &Credential,
) -> Option<&'static str> {
    if refused.is_some_and(|token| !credential.has_token(token)) {
        return Some("has another token by now");
    }
    let late =
        args.expiring_within.is_some_and(|within| !ends_within(credential, within, time::now()));
    late.then_some("has a token that lives longer than that")
}
