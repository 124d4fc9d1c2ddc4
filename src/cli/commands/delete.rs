//! `tokctl delete`: revokes a grant, and forgets it.

use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::typed::user_flag;
use crate::cli::{audit_trail, keys};
use crate::model::account::{Account, ProviderName, UserName};
use crate::model::audit::Action;
use crate::ops::delete::{self, AtProvider};
use crate::store::Store;

/// Revoke a grant where the provider can do that, and forget it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The service, such as `jira`
    #[arg(value_name = "PROVIDER")]
    provider: Option<ProviderName>,

    /// The user of the service
    #[arg(long, short, value_name = "USER", required = true)]
    user: UserName,

    /// Forget it without asking the provider: needs no key, and works on damaged rows
    #[arg(long)]
    no_revoke: bool,

    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let mut store = Store::open(context.vault()?)?;
    let choice = Choice { provider: args.provider.clone(), user: Some(args.user.clone()) };
    let account = choice.resolve(context, &store, "delete")?;
    if !args.yes {
        let question = if args.no_revoke {
            format!("forget `{account}` without revoking it")
        } else {
            format!("revoke and forget `{account}`")
        };
        if !context.ui.confirm(&question, "give `--yes`")? {
            return Err(CliError::new(Kind::Failed, format!("`{account}` was kept")).hint(
                format!(
                    "tokctl delete {} {} --yes",
                    account.provider,
                    user_flag(account.user.as_str())
                ),
            ));
        }
    }
    let at_provider = if args.no_revoke {
        delete::delete(&mut store, &account)?
    } else {
        let mut vault = keys::unlock(context, store)?;
        audit_trail::keep_as_configured(context, &mut vault);
        let deleted = context
            .ui
            .while_waiting("waiting for the provider to revoke it", || {
                delete::revoke_and_delete(&mut vault, &account)
            })
            .map_err(CliError::from);
        let whose = (&account.provider, Some(&account.user));
        let outcome = deleted.as_ref().map_or_else(|error| error.kind.word(), |_| audit_trail::OK);
        audit_trail::note(context, &mut vault, "delete", Action::Delete, whose, outcome);
        deleted?
    };
    report(context, &account, at_provider);
    Ok(())
}

fn report(context: &Context, account: &Account, at_provider: AtProvider) {
    let what = match at_provider {
        AtProvider::Revoked => "revoked and forgotten",
        AtProvider::NotRevocable => {
            "forgotten, but the provider has no way to revoke it: it works until its end"
        }
        AtProvider::Static => {
            "forgotten, but the token itself works until it is revoked at the service"
        }
        AtProvider::NotAsked => "forgotten, but not revoked: what the provider gave still works",
    };
    context.ui.status(&format!("{account} {what}"));
}
