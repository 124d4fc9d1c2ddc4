//! `tokctl check`: asks services whether tokens work.

use console::Style;
use serde::Serialize;

use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::renewal::{self, RenewalCaller};
use crate::cli::typed::{command, login_command};
use crate::cli::vaults;
use crate::cli::{audit_trail, keys, time};
use crate::counted::counted;
use crate::model::account::Account;
use crate::model::audit::Action;
use crate::model::credential::{Credential, Status};
use crate::ops::check::{self, Verdict};
use crate::ops::gateway;
use crate::ops::token::{self, Warning};
use crate::ops::{self, CheckError, OpenVault, Vault, credential, providers};

/// Ask the service whether a token works, and record the answer
///
/// A token that is due is refreshed first. Only the service's own word makes a token inactive: what
/// passes, such as a service that is down or asks for fewer requests, changes nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,

    /// Check every credential, or every one of the PROVIDER or USER that is named
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let vault =
        args.choice.in_vault(vaults::open(context).and_then(|vault| Ok(vault.finished()?)))?;
    if args.all {
        return all(args, context, vault);
    }
    let account = args.choice.resolve(context, &vault, "why")?;
    let vault = keys::unlock(context, vault)?;
    let result = Checked { outcome: one(context, &vault, &account), account };
    if context.ui.json {
        context.ui.json(&CheckResults::of(std::slice::from_ref(&result)))?;
    }
    match result.outcome {
        Ok(()) => {
            if !context.ui.json {
                context.ui.status(&format!("{} works", result.account));
            }
            Ok(())
        }
        Err(Miss::Skipped(error) | Miss::Inactive(error) | Miss::Failed(error)) => Err(error),
    }
}

fn all(args: &Args, context: &Context, vault: Vault) -> Result<(), CliError> {
    let choice = args.choice.located(&vault)?;
    choice.expect_some(context, &vault, "why")?;
    let accounts = vault.accounts(choice.provider.as_ref(), choice.user.as_ref())?;
    let mut results = Vec::with_capacity(accounts.len());
    if !accounts.is_empty() {
        let vault = keys::unlock(context, vault)?;
        context.ui.with_warnings_last(|| {
            let progress = context.ui.progress("checking", accounts.len());
            for account in accounts {
                let outcome = one(context, &vault, &account);
                if !context.ui.json {
                    print_outcome(context, &account, &outcome);
                }
                progress.advance();
                results.push(Checked { account, outcome });
            }
        });
    }
    let report = CheckResults::of(&results);
    let CheckResults { active, inactive, skipped, failed, .. } = report;
    if context.ui.json {
        context.ui.json(&report)?;
    } else {
        context.ui.status(&format!(
            "{active} active, {inactive} inactive, {skipped} skipped, {failed} failed"
        ));
    }
    let count = inactive + failed;
    let errors: Vec<CliError> = results.into_iter().filter_map(Checked::into_error).collect();
    let Some(gravest) = Kind::gravest(errors.iter().map(|error| error.kind)) else { return Ok(()) };
    let message = format!("{count} of {} did not pass", counted(active + count, "credential"));
    let error = CliError::new(gravest, message);
    match errors.into_iter().find(|error| error.kind == gravest).and_then(|error| error.hint) {
        Some(hint) => Err(error.hint(hint)),
        None => Err(error),
    }
}

/// The reason why the check of a credential did not succeed.
enum Miss {
    /// The token was not checked: no request could check it, or another machine holds it.
    Skipped(CliError),
    /// The service does not accept the token.
    Inactive(CliError),
    /// The check failed: it is unknown whether the token works, or the user has to log in first.
    Failed(CliError),
}

struct Checked {
    account: Account,
    outcome: Result<(), Miss>,
}

impl Checked {
    fn into_error(self) -> Option<CliError> {
        match self.outcome {
            Ok(()) | Err(Miss::Skipped(_)) => None,
            Err(Miss::Inactive(error) | Miss::Failed(error)) => Some(error),
        }
    }
}

impl From<CliError> for Miss {
    fn from(error: CliError) -> Self {
        Self::Failed(error)
    }
}

impl From<ops::Error> for Miss {
    fn from(error: ops::Error) -> Self {
        let not_ours = matches!(
            error,
            ops::Error::Check(CheckError::NoRequest { .. } | CheckError::OtherService { .. })
                | ops::Error::HandedOver { .. }
        );
        if not_ours { Self::Skipped(error.into()) } else { Self::Failed(error.into()) }
    }
}

fn one(context: &Context, vault: &OpenVault, account: &Account) -> Result<(), Miss> {
    let outcome = ask(context, vault, account);
    let word = match &outcome {
        Ok(()) => audit_trail::OK,
        Err(Miss::Inactive(_)) => "inactive",
        Err(Miss::Failed(error)) => error.kind.word(),
        // No request was sent, so there is nothing to record.
        Err(Miss::Skipped(_)) => return outcome,
    };
    let whose = (&account.provider, Some(&account.user));
    audit_trail::note(context, vault, "check", Action::Check, whose, word);
    outcome
}

fn ask(context: &Context, vault: &OpenVault, account: &Account) -> Result<(), Miss> {
    let credential = credential::expect(vault, account)?.stored.credential;
    if credential.status == Status::HandedOver {
        return Err(credential::handed_over(vault, account).into());
    }
    let today = if credential.api.check.is_some() {
        None
    } else {
        providers::if_defined(&account.provider, context.config()?).map_err(CliError::from)?
    };
    // Fails before a refresh if there is no request to send.
    check::request(account, &credential, today.as_ref())?;
    let token = token::live(vault, account, renewal::USUAL, &RenewalCaller::alone(context))?;
    // An earlier refusal needs no warning, because the service is asked now.
    if !matches!(token.warning, Some(Warning::Inactive)) {
        renewal::warn(context, account, &token);
    }
    let checked = context.ui.while_waiting("waiting for the service", || {
        check::check(vault, account, today.as_ref(), time::now)
    })?;
    if !checked.recorded {
        context.ui.warning(&format!(
            "the status of `{account}` was left as it is, since what became of an earlier refresh is not known"
        ));
    }
    match checked.verdict {
        Verdict::Accepted => Ok(()),
        Verdict::Refused => {
            let credential = &checked.credential;
            let at_gateway = checked.status == Some(401);
            let error =
                at_gateway.then(|| at_gateway_alone(context, account, credential)).flatten();
            let error = error.unwrap_or_else(|| inactive(account, credential, checked.status));
            Err(Miss::Inactive(error))
        }
    }
}

/// Returns the error for an API token that its site refused, where there is a gateway that may take
/// it: the command stores the token for that.
fn at_gateway_alone(
    context: &Context,
    account: &Account,
    credential: &Credential,
) -> Option<CliError> {
    let today = providers::today(&account.provider, context.config().ok())?;
    let gateway = gateway::of_site(&today, credential)?;
    let message = format!(
        "the site does not take the token of `{account}`: it is over, or one with scopes, which works at the gateway alone"
    );
    let login = login_command(account);
    let command = format!("{login} --server {gateway} --token-stdin");
    Some(CliError::new(Kind::LoginRequired, message).hint(command))
}

/// Returns the error for a token that the service refused, with an answer of this HTTP status.
fn inactive(account: &Account, credential: &Credential, status: Option<u16>) -> CliError {
    let hint = if credential.is_refreshable() && credential.status != Status::LoginRequired {
        Hint::Text(command("refresh", account))
    } else {
        Hint::Login(account.clone())
    };
    let message = match status {
        Some(200..=299) => format!(
            "the service answered as to a stranger: it does not know whose the token of `{account}` is"
        ),
        Some(_) | None => format!("the service no longer takes the token of `{account}`"),
    };
    CliError::new(Kind::LoginRequired, message).hint(hint)
}

/// Prints how the check of one of many credentials ended, on one line, and why as a warning.
fn print_outcome(context: &Context, account: &Account, outcome: &Result<(), Miss>) {
    let (word, style) = match outcome {
        Ok(()) => ("works", Style::new().green()),
        Err(Miss::Skipped(_)) => ("skipped", Style::new().yellow()),
        Err(Miss::Inactive(_)) => ("inactive", Style::new().red()),
        Err(Miss::Failed(_)) => ("failed", Style::new().red()),
    };
    context.ui.result(&style, word, &account.to_string());
    match outcome {
        Ok(()) => {}
        Err(Miss::Skipped(error)) => context.ui.detail(&error.message),
        Err(Miss::Inactive(error) | Miss::Failed(error)) => {
            let (line, name) = (error.in_one_line(), format!("`{account}`"));
            let is_named = line.contains(&name);
            context.ui.warning(&if is_named { line } else { format!("{name}: {line}") });
        }
    }
}

/// The output of `--json`.
#[derive(Serialize)]
struct CheckResults<'a> {
    v: u8,
    active: usize,
    inactive: usize,
    skipped: usize,
    failed: usize,
    results: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    provider: &'a str,
    user: &'a str,
    outcome: &'static str,
    error: Option<String>,
}

impl<'a> CheckResults<'a> {
    fn of(results: &'a [Checked]) -> Self {
        let lines: Vec<Line<'_>> = results.iter().map(Line::of).collect();
        let count = |outcome| lines.iter().filter(|line| line.outcome == outcome).count();
        Self {
            v: 1,
            active: count("active"),
            inactive: count("inactive"),
            skipped: count("skipped"),
            failed: count("failed"),
            results: lines,
        }
    }
}

impl<'a> Line<'a> {
    fn of(one: &'a Checked) -> Self {
        let (outcome, error) = match &one.outcome {
            Ok(()) => ("active", None),
            Err(Miss::Skipped(error)) => ("skipped", Some(error)),
            Err(Miss::Inactive(error)) => ("inactive", Some(error)),
            Err(Miss::Failed(error)) => ("failed", Some(error)),
        };
        Self {
            provider: one.account.provider.as_str(),
            user: one.account.user.as_str(),
            outcome,
            error: error.map(CliError::in_one_line),
        }
    }
}
