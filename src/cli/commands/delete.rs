//! `tokctl delete`: revokes a grant and deletes its credential.

use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::pauses::pauses;
use crate::cli::renewal::RenewalCaller;
use crate::cli::time;
use crate::cli::typed::command;
use crate::cli::vaults;
use crate::cli::{audit_trail, keys};
use crate::model::account::Account;
use crate::model::audit::Action;
use crate::model::credential::Status;
use crate::model::summary::Summary;
use crate::ops::Vault;
use crate::ops::delete::{self, AtProvider, Deleted};
use crate::ops::token::Caller;

/// Revoke a grant where the provider can do that, and forget it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,

    /// Forget it without asking the provider: needs no key, and works on damaged rows
    #[arg(long)]
    no_revoke: bool,

    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let vault = vaults::open(context)?;
    let choice = args.choice.located(&vault)?;
    if choice.user.is_none() {
        return Err(no_user(&vault, &choice));
    }
    let account = choice.resolve(context, &vault, "delete")?;
    // Needed for a question and a warning only, so a damaged row must not stop the deletion.
    let summary = vault.summary(&account).unwrap_or_default();
    if !args.yes {
        let handed_over =
            summary.as_ref().is_some_and(|summary| summary.status == Status::HandedOver);
        let question = if args.no_revoke || handed_over {
            format!("forget `{account}` without revoking it")
        } else {
            format!("revoke and forget `{account}`")
        };
        if !context.ui.confirm(&question, Hint::Again(&["--yes"]))? {
            return Err(CliError::new(Kind::Failed, format!("`{account}` was kept"))
                .hint(Hint::Again(&["--yes"])));
        }
    }
    if args.no_revoke {
        let at_provider = delete::delete(&vault, &account, &context.watermarks())?;
        report(context, &account, at_provider);
    } else {
        let vault = keys::unlock(context, vault)?;
        audit_trail::keep_as_configured(context, &vault);
        let deleted = context
            .ui
            .while_waiting("waiting for the provider to revoke it", || {
                let asking = RenewalCaller::alone(context);
                let other_proofs = |credential: &_| asking.other_proofs(&account, credential);
                let mut told = pauses(&context.ui);
                delete::revoke_and_delete(&vault, &account, &other_proofs, time::now, &mut told)
            })
            .map_err(CliError::from);
        let whose = (&account.provider, Some(&account.user));
        let outcome = deleted.as_ref().map_or_else(|error| error.kind.word(), |_| audit_trail::OK);
        audit_trail::note(context, &vault, "delete", Action::Delete, whose, outcome);
        let Deleted { at_provider, end_session } = deleted?;
        report(context, &account, at_provider);
        if let Some(page) = end_session {
            context.ui.status(&format!("the browser's session there goes on: {page} ends it"));
        }
        if let (AtProvider::Revoked, Some(own)) = (at_provider, &summary) {
            warn_of_others(context, &vault, own);
        }
    }
    Ok(())
}

/// Returns the error for a deletion that names no user: neither the environment nor the fact that
/// there is only one credential decides what is deleted.
fn no_user(vault: &Vault, choice: &Choice) -> CliError {
    let accounts = vault.first_accounts(choice.filter(), 2).unwrap_or_default();
    let error = CliError::new(Kind::Usage, "a deletion names the user, as in PROVIDER/USER");
    match &accounts[..] {
        [account] => error.hint(Hint::Confirmed(command("delete", account))),
        _ => error.hint("tokctl list"),
    }
}

/// Warns that other credentials of the same person may have ended together with `own`.
///
/// Some providers revoke all grants of a person to a client at once.
fn warn_of_others(context: &Context, vault: &Vault, own: &Summary) {
    let others = delete::accounts_revoked_too(vault, own, context.config().ok());
    for other in others.unwrap_or_default() {
        context.ui.warning(&format!(
            "`{other}` may have been ended with it: {}",
            command("check", &other)
        ));
    }
}

fn report(context: &Context, account: &Account, at_provider: AtProvider) {
    let what = match at_provider {
        AtProvider::Revoked => "revoked and forgotten",
        AtProvider::Unregistered => {
            "forgotten, and its client unregistered, since the provider has no way to revoke it"
        }
        AtProvider::NotRevocable => {
            "forgotten, but the provider has no way to revoke it: it works until its end"
        }
        AtProvider::Static => {
            "forgotten, but the token itself works until it is revoked at the service"
        }
        AtProvider::HandedOver { unplaced: false } => {
            "forgotten, and not revoked: the machine that it was handed over to goes on with it"
        }
        AtProvider::HandedOver { unplaced: true } => {
            "forgotten, and not revoked: the bundle that it may be in is still in this vault, and \
             `tokctl export --resume --output FILE` puts that in its place"
        }
        AtProvider::NotAsked => "forgotten, but not revoked: what the provider gave still works",
    };
    context.ui.status(&format!("{account} {what}"));
}
