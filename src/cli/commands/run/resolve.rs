//! The resolution of references: each credential once, several renewals at a time.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::thread;

use zeroize::Zeroizing;

use super::variable::Variable;
use super::wishes::Wish;
use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::no_match::no_match;
use crate::cli::renewal::{self, RenewalCaller};
use crate::cli::typed::{command, may_be_secret};
use crate::cli::vaults;
use crate::cli::{audit_trail, choice, keys, memory_vault, time};
use crate::counted::counted;
use crate::model::account::Account;
use crate::model::address::Address;
use crate::model::audit::Action;
use crate::model::credential::Credential;
use crate::model::reference::{Field, Named, Reference};
use crate::ops::fair_queue::FairQueue;
use crate::ops::many::{self, Job};
use crate::ops::token::{self, LiveToken, TokenState};
use crate::ops::{self, OpenVault, credential};
use crate::secret::SecretText;

/// The number of threads that renew tokens.
const THREADS: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// The credentials that references name, and their vault.
pub(super) struct Resolved {
    /// The vault; `None` if it is in memory.
    pub(super) vault: Option<OpenVault>,
    pub(super) credentials: BTreeMap<Account, Credential>,
}

/// The result for one credential, with a warning about a hook.
type Got = (Result<LiveToken, CliError>, Option<String>);

/// Obtains the credentials that `wishes` name; returns `None` if they name none. What they name
/// becomes a reference to the credential that is stored: a service alone has one as for `get`, and
/// one of Jira may be stored under its other name.
///
/// `command` is the name of the command that asks, for the audit.
///
/// Fails if a credential can't be obtained or lacks a field that is asked for.
pub(super) fn resolve(
    context: &Context,
    wishes: &mut BTreeMap<Variable, Wish>,
    command: &'static str,
) -> Result<Option<Resolved>, CliError> {
    if wishes.values_mut().all(|wish| wish.named_mut().is_none()) {
        return Ok(None);
    }
    if context.is_in_memory() {
        return in_memory(context, wishes).map(Some);
    }
    let vault = keys::unlock(context, vaults::open_read_only(context)?)?;
    for (variable, wish) in wishes.iter_mut() {
        let Some(named) = wish.named_mut() else { continue };
        let reference = match named {
            Named::Provider(_) | Named::Address(_) => {
                let account = of_service(context, &vault, variable, named)?;
                Reference { account, field: Field::Token }
            }
            Named::Credential(Reference { account, field }) => {
                Reference { account: choice::stored(context, &vault, account)?, field: *field }
            }
        };
        *named = Named::Credential(reference);
    }
    // Maps each account to whether its token is wanted.
    let mut wanted: BTreeMap<Account, bool> = BTreeMap::new();
    for reference in wishes.values().filter_map(Wish::reference) {
        *wanted.entry(reference.account.clone()).or_default() |=
            reference.field.changes_with_token();
    }
    let got = look(context, &vault, &wanted)?;
    let are_all_there = got.values().all(Result::is_ok);
    let mut outcomes = BTreeMap::new();
    for (account, got) in got {
        // Handed out tokens and failures go into the audit. A token that is dropped because another
        // one failed does not.
        let recorded = if wanted[&account] && (are_all_there || got.is_err()) {
            let outcome = audit_trail::outcome(&got);
            audit_trail::record(context, &vault, command, Action::Get, &account, outcome)
        } else {
            Ok(())
        };
        let outcome = got.and_then(|token| recorded.map(|()| token)).map(|token| {
            renewal::warn(context, &account, &token);
            token.credential
        });
        outcomes.insert(account, outcome);
    }
    check(wishes, &outcomes)?;
    let credentials = outcomes
        .into_iter()
        .filter_map(|(account, outcome)| Some((account, outcome.ok()?)))
        .collect();
    Ok(Some(Resolved { vault: Some(vault), credentials }))
}

/// Obtains the credentials that `wishes` name by logins, which nothing keeps.
fn in_memory(
    context: &Context,
    wishes: &mut BTreeMap<Variable, Wish>,
) -> Result<Resolved, CliError> {
    for named in wishes.values_mut().filter_map(Wish::named_mut) {
        if let Named::Provider(_) | Named::Address(_) = named {
            let account = memory_vault::account(context, &of_no_user(named)?)?;
            *named = Named::Credential(Reference { account, field: Field::Token });
        }
    }
    let mut outcomes = BTreeMap::new();
    for reference in wishes.values().filter_map(Wish::reference) {
        let account = &reference.account;
        if !outcomes.contains_key(account) {
            outcomes.insert(account.clone(), memory_vault::obtain(context, account));
        }
    }
    check(wishes, &outcomes)?;
    let credentials = outcomes
        .into_iter()
        .filter_map(|(account, outcome)| Some((account, outcome.ok()?)))
        .collect();
    Ok(Resolved { vault: None, credentials })
}

/// Returns the account that a service or an address without a user means, as it does for `get`.
fn of_service(
    context: &Context,
    vault: &OpenVault,
    variable: &Variable,
    named: &Named,
) -> Result<Account, CliError> {
    of_no_user(named)?.resolve(context, vault, "run").map_err(|error| match named {
        Named::Provider(provider)
            if error.kind == Kind::NotFound && may_be_secret(provider.as_str()) =>
        {
            let what = format!("`{variable}` is given no name of a service that is known here");
            CliError::new(Kind::NotFound, what).hint("tokctl list")
        }
        Named::Provider(_) | Named::Address(_) | Named::Credential(_) => error,
    })
}

fn of_no_user(named: &Named) -> Result<Choice, CliError> {
    Choice::of(Some(named.clone()), None)
        .map_err(|message| CliError::new(Kind::Usage, message).hint("tokctl list"))
}

/// Returns the value that `reference` means.
pub(super) fn value(
    reference: &Reference,
    credential: &Credential,
) -> Result<Zeroizing<String>, CliError> {
    let value = match reference.field {
        Field::Token => credential.token().map(|token| token.expose().to_owned()),
        Field::Username => credential.api.username.clone(),
        Field::ServerUrl => credential.api.server_url.as_ref().map(|url| url.as_str().to_owned()),
        Field::ApiBaseUrl => credential.api_base_url().map(Address::as_str).map(ToOwned::to_owned),
        Field::ExpiresAt => credential.expiry().at().map(time::rfc3339),
        Field::IdToken => credential.id_token().map(|token| token.expose().to_owned()),
    };
    let account = &reference.account;
    let field = reference.field.as_str();
    if reference.field == Field::IdToken
        && let Some(at) = credential.id_token_expiry().filter(|at| *at <= time::now())
    {
        let what = format!("the {field} of `{account}` ended at {}", time::rfc3339(at));
        return Err(CliError::new(Kind::Failed, what).hint(command("refresh", account)));
    }
    match value.map(Zeroizing::new) {
        None => Err(CliError::new(Kind::Failed, format!("`{account}` has no {field}"))
            .hint("leave that reference out")),
        // Environment variables can't hold a null character.
        Some(value) if value.contains('\0') => Err(CliError::new(
            Kind::Failed,
            format!("the {field} of `{account}` holds a zero byte"),
        )
        .hint("leave that reference out")),
        Some(value) => Ok(value),
    }
}

/// Obtains all credentials. Each one that fails has an error of its own.
fn look(
    context: &Context,
    vault: &OpenVault,
    wanted: &BTreeMap<Account, bool>,
) -> Result<BTreeMap<Account, Result<LiveToken, CliError>>, CliError> {
    let mut got = BTreeMap::new();
    let mut due = Vec::new();
    for (account, &is_token_wanted) in wanted {
        match find(context, vault, account, is_token_wanted) {
            Ok(TokenState::Good(token)) => drop(got.insert(account.clone(), Ok(*token))),
            Ok(TokenState::Due) => due.push(account.clone()),
            Err(error) => drop(got.insert(account.clone(), Err(error))),
        }
    }
    if let [account] = &due[..] {
        let live = token::live(vault, account, renewal::USUAL, &RenewalCaller::alone(context));
        got.insert(account.clone(), live.map_err(CliError::from));
    } else if !due.is_empty() {
        for (account, (live, warning)) in side_by_side(context, vault, due)? {
            if let Some(warning) = warning {
                context.ui.warning(&warning);
            }
            got.insert(account, live);
        }
    }
    Ok(got)
}

fn find(
    context: &Context,
    vault: &OpenVault,
    account: &Account,
    is_token_wanted: bool,
) -> Result<TokenState, CliError> {
    let found = if is_token_wanted {
        token::find(vault, account, renewal::USUAL)
    } else {
        credential::expect(vault, account).map(|row| {
            let credential = row.stored.credential;
            TokenState::Good(Box::new(LiveToken { credential, refreshed: false, warning: None }))
        })
    };
    if let Err(ops::Error::NoCredential { account }) = &found {
        let (provider, user) = (&account.provider, &account.user);
        return Err(no_match(context, vault, "run", Some(provider), Some(user)));
    }
    Ok(found?)
}

fn side_by_side(
    context: &Context,
    vault: &OpenVault,
    due: Vec<Account>,
) -> Result<BTreeMap<Account, Got>, CliError> {
    let threads = THREADS.min(due.len().try_into().unwrap_or(THREADS));
    let queue = FairQueue::new();
    for account in due {
        // Each provider has its own lane.
        queue.push(account.provider.clone().as_str(), Job { account, round: 0 });
    }
    queue.close();
    let opener = vault.opener();
    let work = |vault: &OpenVault, account: &Account| -> Result<Got, CliError> {
        let asking = RenewalCaller::one_of_many(context);
        let live = token::live(vault, account, renewal::USUAL, &asking);
        Ok((live.map_err(CliError::from), asking.into_warning()))
    };
    context.ui.while_waiting("waiting for new tokens", || {
        thread::scope(|scope| {
            let (done, outcomes) = many::results();
            many::start(scope, threads, &opener, &queue, &work, &done).map_err(|error| {
                CliError::new(Kind::Failed, "no thread could be started").caused_by(&error)
            })?;
            drop(done);
            let flat = |(account, got): (Account, Result<Got, CliError>)| {
                (account, got.unwrap_or_else(|error| (Err(error), None)))
            };
            Ok(outcomes.iter().map(flat).collect())
        })
    })
}

/// A variable that can't be set, and the reason.
struct Unset<'a> {
    variable: &'a Variable,
    reference: &'a Reference,
    error: CliError,
}

/// Fails unless every reference has a value. The error names all variables that can't be set.
fn check(
    wishes: &BTreeMap<Variable, Wish>,
    outcomes: &BTreeMap<Account, Result<Credential, CliError>>,
) -> Result<(), CliError> {
    let mut unset = Vec::new();
    for (variable, wish) in wishes {
        let Some(reference) = wish.reference() else { continue };
        let error = match outcomes.get(&reference.account) {
            Some(Ok(credential)) => value(reference, credential).err(),
            Some(Err(error)) => Some(error.clone()),
            None => None,
        };
        unset.extend(error.map(|error| Unset { variable, reference, error }));
    }
    match &unset[..] {
        [] => Ok(()),
        [Unset { variable, reference, error }] => {
            let what = format!("`{variable}` can't be set from `{reference}`, so nothing was done");
            let mut failure = CliError::new(error.kind, what);
            failure.causes.push(error.message.clone());
            failure.causes.extend(error.causes.iter().cloned());
            failure.hint.clone_from(&error.hint);
            Err(failure)
        }
        several => Err(gravest(several)),
    }
}

fn gravest(unset: &[Unset<'_>]) -> CliError {
    let kind = Kind::gravest(unset.iter().map(|one| one.error.kind)).unwrap_or(Kind::Failed);
    let what = format!("{} can't be set, so nothing was done", counted(unset.len(), "variable"));
    let mut failure = CliError::new(kind, what);
    failure.causes.extend(unset.iter().map(|Unset { variable, reference, error }| {
        format!("`{variable}` from `{reference}`: {}", error.in_one_line())
    }));
    failure.hint =
        unset.iter().find(|one| one.error.kind == kind).and_then(|one| one.error.hint.clone());
    failure
}
