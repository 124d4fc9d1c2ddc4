//! `tokctl get`: prints a token that works.

mod format;

use jiff::SignedDuration;

use self::format::Format;
use crate::cli::choice::{self, Choice};
use crate::cli::ci_mask::CiMask;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::no_match::no_match;
use crate::cli::renewal::{self, RenewalCaller};
use crate::cli::vaults;
use crate::cli::{audit_trail, keys, memory_vault};
use crate::model::account::Account;
use crate::model::audit::Action;
use crate::model::duration;
use crate::model::readiness::Need;
use crate::ops::token::{self, LiveToken, Policy};
use crate::ops::{self, OpenVault};

/// Print a token that works, refreshed first if need be
///
/// A token counts as good if it has 5 minutes left, or a fifth of its life if that is less, unless
/// the provider's definition sets another margin. Nothing is sent or written while it is good.
///
/// A value that does not fit the format is refused: none can break out of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,

    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "token")]
    format: Format,

    /// Promise at least this much life, such as 90s, 10m or 2h
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    min_ttl: Option<SignedDuration>,

    /// Fail rather than refresh
    #[arg(long)]
    no_refresh: bool,

    /// First have the CI platform mask what is secret of it, by its command on stderr. Where there
    /// is no such command, as on GitLab and Jenkins, `tokctl run` keeps tokens out of logs
    #[arg(long, value_name = "PLATFORM")]
    ci_mask: Option<CiMask>,
}

impl Args {
    fn policy(&self) -> Policy {
        let need = self.min_ttl.map_or(Need::Usual, Need::AtLeast);
        Policy { need, may_refresh: !self.no_refresh, ..renewal::USUAL }
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    if context.is_in_memory() {
        let account = memory_vault::account(context, &args.choice)?;
        let token = memory_vault::live(context, &account, args.policy())?;
        return format::print(args.format, args.ci_mask, context, &account, &token);
    }
    let vault = args.choice.in_vault(vaults::open_read_only(context))?;
    let account = match args.choice.account() {
        Some(account) => account,
        None => args.choice.resolve(context, &vault, "get")?,
    };
    let vault = keys::unlock(context, vault)?;
    let (account, got) = obtain(args, context, &vault, account);
    let outcome = audit_trail::outcome(&got);
    let recorded = audit_trail::record(context, &vault, "get", Action::Get, &account, outcome);
    let token = got?;
    recorded?;
    renewal::warn(context, &account, &token);
    format::print(args.format, args.ci_mask, context, &account, &token)?;
    vault.leave_open();
    Ok(())
}

/// Returns a live token of `account`, or of the account under which its credential is stored.
fn obtain(
    args: &Args,
    context: &Context,
    vault: &OpenVault,
    named: Account,
) -> (Account, Result<LiveToken, CliError>) {
    let policy = args.policy();
    let live = |account| token::live(vault, account, policy, &RenewalCaller::alone(context));
    match live(&named) {
        // Looked up only now: a credential that is there must not wait for it.
        Err(ops::Error::NoCredential { .. }) => match choice::stored(context, vault, &named) {
            Ok(account) if account != named => {
                let got = live(&account).map_err(CliError::from);
                (account, got)
            }
            Ok(_) => {
                let whose = (Some(&named.provider), Some(&named.user));
                let error = no_match(context, vault, "get", whose.0, whose.1);
                (named, Err(error))
            }
            Err(error) => (named, Err(error)),
        },
        got => (named, got.map_err(CliError::from)),
    }
}
