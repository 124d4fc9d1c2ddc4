//! The credential that a command is about, where the command line names only a part of it.

use std::collections::BTreeSet;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, FromArgMatches};

use super::context::Context;
use super::directory;
use super::error::{CliError, Hint, Kind};
use super::typed::{command, command_line, reference};
use super::vaults::NotOpened;
use crate::model::account::{Account, AccountFilter, ProviderName, UserName};
use crate::model::address::Address;
use crate::model::nearest::{did_you_mean, nearest};
use crate::model::reference::{Field, Named, Reference};
use crate::ops::error::StoreError;
use crate::ops::{self, Vault, addressed, providers};

/// The greatest number of credentials that a message offers in place of one that is not there.
const MOST_OFFERED: usize = 3;

/// The greatest number of credentials among which a person is asked to choose.
pub(crate) const MOST_ASKED: usize = 50;

/// The number of users on each side of a mistyped one, in the order of names, among which the nearest
/// is looked for.
const NEIGHBOURS: usize = 50;

/// The two names of Jira: one person's credential may be kept under either.
const JIRA: [&str; 2] = ["jira", "jira-dc"];

/// How a command names a credential.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) provider: Option<ProviderName>,
    pub(crate) user: Option<UserName>,
    /// The address of what the token is for, in place of the service: [`Self::located`] finds the
    /// credential for it.
    pub(crate) address: Option<Address>,
}

/// The arguments that make a [`Choice`].
#[derive(Debug, clap::Args)]
#[group(skip)]
struct Typed {
    /// The service, such as `jira`, or one credential of it, such as jira/alice@example.com; or the
    /// address that the token is for
    #[arg(value_name = "PROVIDER[/USER]")]
    provider: Option<Named>,

    /// The user of the service [env: TOKCTL_USER]
    #[arg(long, short, value_name = "USER")]
    user: Option<UserName>,
}

impl Args for Choice {
    fn augment_args(command: clap::Command) -> clap::Command {
        Typed::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Typed::augment_args_for_update(command)
    }
}

impl FromArgMatches for Choice {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let Typed { provider, user } = Typed::from_arg_matches(matches)?;
        Self::of(provider, user).map_err(|message| {
            clap::Error::raw(ErrorKind::ArgumentConflict, format!("{message}\n"))
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Choice {
    /// Returns the choice that an argument and `--user` make. Fails with a message if the two name
    /// different users, or if the argument names a field.
    pub(crate) fn of(named: Option<Named>, user: Option<UserName>) -> Result<Self, String> {
        match named {
            None => Ok(Self { provider: None, user, address: None }),
            Some(Named::Provider(provider)) => {
                Ok(Self { provider: Some(provider), user, address: None })
            }
            Some(Named::Address(address)) => {
                Ok(Self { provider: None, user, address: Some(address) })
            }
            Some(Named::Credential(Reference { account, field })) => match (field, user) {
                (_, Some(user)) if user != account.user => Err(format!(
                    "two users are named, `{}` and `{user}`: leave out `--user`",
                    account.user
                )),
                (Field::Token, _) => Ok(Self::for_account(account)),
                (field, _) => Err(format!(
                    "a credential is named as `{account}`, without `/{}` behind it",
                    field.as_str()
                )),
            },
        }
    }

    /// Returns the choice of one account.
    fn for_account(account: Account) -> Self {
        Self { provider: Some(account.provider), user: Some(account.user), address: None }
    }

    /// Returns this choice with the service, and the user if there is only one, that `vault` keeps for
    /// the address in its place. Of several addresses that cover it the longest counts.
    ///
    /// Fails if there is no credential for the address, or if the choice would be for others too.
    pub(crate) fn located(&self, vault: &Vault) -> Result<Self, CliError> {
        let Some(address) = &self.address else { return Ok(self.clone()) };
        let mut accounts = addressed::accounts_for(vault, address)?;
        accounts.retain(|account| self.user.as_ref().is_none_or(|user| account.user == *user));
        let login = || command_line(&["tokctl".into(), "login".into(), address.as_str().into()]);
        let Some(first) = accounts.first() else {
            let message = format!("there is no credential for `{address}`");
            return Err(CliError::new(Kind::NotFound, message).hint(login()));
        };
        if accounts.len() == 1 {
            return Ok(Self::for_account(first.clone()));
        }
        let all = vault.accounts(Some(&first.provider), self.user.as_ref())?;
        if all.iter().all(|account| accounts.contains(account)) && all.len() == accounts.len() {
            return Ok(Self {
                provider: Some(first.provider.clone()),
                address: None,
                ..self.clone()
            });
        }
        let shown: Vec<String> = accounts.iter().map(ToString::to_string).collect();
        let message = format!("which one of {}?", shown.join(", "));
        Err(CliError::new(Kind::Usage, message).hint("tokctl list"))
    }

    /// Returns the account if the command line names both provider and user.
    ///
    /// The caller finds out whether such a credential exists: looking twice would slow down `get`.
    pub(crate) fn account(&self) -> Option<Account> {
        let (provider, user) = (self.provider.clone()?, self.user.clone()?);
        Some(Account { provider, user })
    }

    /// Returns the accounts that the command line names.
    pub(crate) fn filter(&self) -> AccountFilter<'_> {
        AccountFilter { provider: self.provider.as_ref(), user: self.user.as_ref() }
    }

    /// Returns the vault that was `opened`. Fails where there is none, with a hint at the login that
    /// makes it.
    pub(crate) fn in_vault(&self, opened: Result<Vault, NotOpened>) -> Result<Vault, CliError> {
        let missing = matches!(opened, Err(NotOpened::Store(StoreError::NoVault { .. })));
        opened.map_err(|error| {
            let error = CliError::from(error);
            if missing { error.hint(self.login()) } else { error }
        })
    }

    /// Fails if the command line names a service or a user of which `vault` has no credential, with
    /// the nearest that are there; `verb` is the command for these.
    pub(crate) fn expect_some(
        &self,
        context: &Context,
        vault: &Vault,
        verb: &str,
    ) -> Result<(), CliError> {
        let filter = self.filter();
        if !filter.is_all() && vault.first_accounts(filter, 1)?.is_empty() {
            return Err(no_match(context, vault, verb, filter.provider, filter.user));
        }
        Ok(())
    }

    /// Returns the hint at a login for what the command line names.
    fn login(&self) -> Hint {
        match (self.account(), &self.provider) {
            (Some(account), _) => Hint::Login(account),
            (None, Some(provider)) => Hint::LoginTo(provider.clone()),
            (None, None) => Hint::FirstLogin,
        }
    }

    /// Returns the one account that the command line means.
    ///
    /// A missing part comes from `TOKCTL_USER`; then, for a provider that is named, from the
    /// directory; then from the stored credentials, if only one matches; then from `default_user`
    /// in the configuration; then from a question at the terminal. Where one name of Jira has no
    /// credential, the other one is looked up. Fails when no credential matches, or several match
    /// and no question is possible.
    pub(crate) fn resolve(
        &self,
        context: &Context,
        vault: &Vault,
        verb: &str,
    ) -> Result<Account, CliError> {
        if self.address.is_some() {
            return self.located(vault)?.resolve(context, vault, verb);
        }
        let provider = self.provider.as_ref();
        let mut user = match &self.user {
            Some(user) => Some(user.clone()),
            None => context.default_user()?,
        };
        let mut chosen_by = None;
        if let (None, Some(provider)) = (&user, provider) {
            let of_directory = directory::user_of(context, provider)?;
            user = of_directory.as_ref().map(|one| one.user.clone());
            chosen_by = of_directory.as_ref().map(directory::reason);
        }
        let named = |provider| AccountFilter { provider, user: user.as_ref() };
        let mut of = provider.cloned();
        let mut matches = vault.first_accounts(named(of.as_ref()), MOST_ASKED + 1)?;
        // Nobody should delete another credential than the one that was named.
        if matches.is_empty()
            && verb != "delete"
            && let Some((typed, other)) = provider.and_then(|typed| Some((typed, twin(typed)?)))
        {
            matches = vault.first_accounts(named(Some(&other)), MOST_ASKED + 1)?;
            if !matches.is_empty() {
                tell_twin(context, typed, &other);
            }
            of = Some(other);
        }
        match &matches[..] {
            [] => {
                let mut error = no_match(context, vault, verb, provider, user.as_ref());
                error.causes.extend(chosen_by);
                Err(error)
            }
            [account] => Ok(account.clone()),
            _ => {
                let defaults = match (&user, &context.config()?.default_user) {
                    (None, Some(default)) => vault.accounts(of.as_ref(), Some(default))?,
                    (_, _) => Vec::new(),
                };
                if let [account] = &defaults[..] {
                    return Ok(account.clone());
                }
                one_of(context, &matches, verb)
            }
        }
    }
}

/// Returns the one of `accounts` that a person chooses. Fails where nobody can be asked, or where
/// they are more than a person chooses from.
pub(crate) fn one_of(
    context: &Context,
    accounts: &[Account],
    verb: &str,
) -> Result<Account, CliError> {
    if accounts.len() > MOST_ASKED {
        return Err(too_many(accounts));
    }
    let hint = match accounts {
        [first, ..] if !takes_more(verb) => command(verb, first),
        _ => "tokctl list".to_owned(),
    };
    if !context.ui.can_ask() {
        return Err(CliError::new(Kind::Usage, which_one(accounts, verb)).hint(hint));
    }
    let shown: Vec<String> = accounts.iter().map(ToString::to_string).collect();
    let chosen = context.ui.choose("which one", &shown, &hint)?;
    Ok(accounts[chosen].clone())
}

/// Returns the question which of `accounts` is meant, with what answers it for good where they are
/// of one service.
fn which_one(accounts: &[Account], verb: &str) -> String {
    let shown: Vec<String> = accounts.iter().map(ToString::to_string).collect();
    let question = format!("which one of {}?", shown.join(", "));
    match accounts {
        [first, rest @ ..]
            if verb != "use" && rest.iter().all(|one| one.provider == first.provider) =>
        {
            format!("{question} `{}` chooses it for this directory", command("use", first))
        }
        _ => question,
    }
}

/// Returns the error for a command line that means any of more credentials than a person chooses
/// from, `found` and perhaps others.
fn too_many(found: &[Account]) -> CliError {
    let shown: Vec<String> = found.iter().take(MOST_OFFERED).map(ToString::to_string).collect();
    let message = format!("which one of {} and many others?", shown.join(", "));
    CliError::new(Kind::Usage, message).hint("tokctl list")
}

/// Returns whether the command `verb` needs more than an account, or does what nobody should do to
/// the next best account by pasting.
fn takes_more(verb: &str) -> bool {
    ["delete", "export", "run"].contains(&verb)
}

/// Returns the other name of Jira, if `provider` is one of the two.
fn twin(provider: &ProviderName) -> Option<ProviderName> {
    let at = JIRA.iter().position(|name| *name == provider.as_str())?;
    JIRA[1 - at].parse().ok()
}

fn tell_twin(context: &Context, named: &ProviderName, other: &ProviderName) {
    context.ui.status(&format!("`{named}` has no such credential, so that of `{other}` is taken"));
}

/// Returns the account under which the credential of `account` is stored: under its own name, or,
/// if it has no credential, under the other name of Jira, which is told.
pub(crate) fn stored(
    context: &Context,
    vault: &Vault,
    account: &Account,
) -> Result<Account, CliError> {
    let Some(other) = twin(&account.provider) else { return Ok(account.clone()) };
    let is_stored = |provider| vault.accounts(Some(provider), Some(&account.user));
    if !is_stored(&account.provider)?.is_empty() || is_stored(&other)?.is_empty() {
        return Ok(account.clone());
    }
    tell_twin(context, &account.provider, &other);
    Ok(Account { provider: other, user: account.user.clone() })
}

/// Returns the error for a choice that matches no credential of `vault`, with the nearest that are
/// there.
pub(crate) fn no_match(
    context: &Context,
    vault: &Vault,
    verb: &str,
    provider: Option<&ProviderName>,
    user: Option<&UserName>,
) -> CliError {
    let accounts = candidates(vault, provider, user).unwrap_or_default();
    let near = near_accounts(&accounts, provider, user);
    let near_names: Vec<String> = near.iter().map(ToString::to_string).collect();
    let what = match (provider, user) {
        (Some(provider), Some(user)) => format!(" for `{provider}/{user}`"),
        (Some(provider), None) => format!(" for `{provider}`"),
        (None, Some(user)) => format!(" for `{user}`"),
        (None, None) => String::new(),
    };
    let error = CliError::new(
        Kind::NotFound,
        format!("there is no credential{what}{}", did_you_mean(&near_names)),
    );
    if let Some(first) = near.first() {
        // Another service's token in place of the one that was asked for would go astray.
        let is_other = provider.is_some_and(|named| *named != first.provider);
        return error.hint(match (verb, provider, user) {
            _ if is_other => Hint::from("tokctl list"),
            ("run", Some(provider), Some(user)) => Hint::Meant {
                typed: Account { provider: provider.clone(), user: user.clone() },
                meant: (*first).clone(),
            },
            (verb, _, _) if takes_more(verb) => "tokctl list".into(),
            (verb, _, _) => command(verb, first).into(),
        });
    }
    let Some(provider) = provider else {
        if accounts.is_empty() {
            let error = CliError::new(Kind::NotFound, "there are no credentials yet");
            return error.hint(Hint::FirstLogin);
        }
        return error.hint("tokctl list");
    };
    // A mistyped provider has its own error. A mistake in the configuration is reported elsewhere.
    if let Ok(config) = context.config()
        && let Err(error @ providers::Error::Unknown { .. }) = providers::find(provider, config)
    {
        return error.into();
    }
    match user {
        Some(user) => ops::Error::NoCredential {
            account: Account { provider: provider.clone(), user: user.clone() },
        }
        .into(),
        None => error.hint(Hint::LoginTo(provider.clone())),
    }
}

/// Returns the accounts among which one may be meant: in a vault with very many of them, those next
/// to the name that was typed.
fn candidates(
    vault: &Vault,
    provider: Option<&ProviderName>,
    user: Option<&UserName>,
) -> Result<Vec<Account>, StoreError> {
    let typed = user.map(UserName::as_str).or(provider.map(ProviderName::as_str));
    let mut found = Vec::new();
    for provider in vault.providers()? {
        found.extend(vault.accounts_beside(&provider, typed.unwrap_or_default(), NEIGHBOURS)?);
    }
    found.sort_unstable();
    Ok(found)
}

/// One of the two parts of an account's name.
type Part = fn(&Account) -> &str;

/// Returns the accounts that are most like what was named.
fn near_accounts<'a>(
    accounts: &'a [Account],
    provider: Option<&ProviderName>,
    user: Option<&UserName>,
) -> Vec<&'a Account> {
    let alike = |typed: &str, part: Part, of: &[&'a Account]| -> Vec<&'a Account> {
        let parts: BTreeSet<&str> = of.iter().map(|account| part(account)).collect();
        let near = nearest(typed, parts);
        near.iter().flat_map(|near| of.iter().filter(|one| part(one) == *near)).copied().collect()
    };
    let (providers, users): (Part, Part) =
        (|account| account.provider.as_str(), |account| account.user.as_str());
    let all: Vec<&Account> = accounts.iter().collect();
    let mut found = match (provider, user) {
        (Some(provider), Some(user)) => {
            let here: Vec<&Account> =
                accounts.iter().filter(|account| account.provider == *provider).collect();
            let there = alike(provider.as_str(), providers, &all);
            let mut near = alike(user.as_str(), users, &here);
            near.extend(all.iter().filter(|account| account.user == *user));
            near.extend(alike(user.as_str(), users, &there));
            near
        }
        (Some(provider), None) => {
            let mut near = alike(provider.as_str(), providers, &all);
            near.extend(alike(provider.as_str(), users, &all));
            near
        }
        (None, Some(user)) => alike(user.as_str(), users, &all),
        (None, None) => Vec::new(),
    };
    let mut seen = BTreeSet::new();
    found.retain(|account| seen.insert(reference(account)));
    found.truncate(MOST_OFFERED);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(text: &str) -> Account {
        text.parse::<Reference>().unwrap().account
    }

    fn near(typed: &str, stored: &[&str]) -> Vec<String> {
        let accounts: Vec<Account> = stored.iter().map(|text| account(text)).collect();
        let (provider, user) = match typed.parse::<Named>().unwrap() {
            Named::Address(address) => panic!("{address} is no name"),
            Named::Provider(provider) => (provider, None),
            Named::Credential(reference) => {
                (reference.account.provider, Some(reference.account.user))
            }
        };
        let found = near_accounts(&accounts, Some(&provider), user.as_ref());
        found.into_iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_not_there_is_answered_with_the_nearest_that_is() {
        let stored = ["gdrive/bob", "jira-dc/alice", "jira/carol@example.com"];
        for (typed, found) in [
            ("jira/alice", "jira-dc/alice"),
            ("jira-dc/alcie", "jira-dc/alice"),
            ("jira/carol", "jira/carol@example.com"),
            ("gdrvie/bob", "gdrive/bob"),
            ("gdrvie", "gdrive/bob"),
            ("carol", "jira/carol@example.com"),
            ("github/bob", "gdrive/bob"),
        ] {
            assert_eq!(near(typed, &stored).first().map(String::as_str), Some(found), "{typed}");
        }
        assert!(near("salla/zoe", &stored).is_empty());
    }

    #[test]
    fn a_reference_and_a_user_agree_or_are_refused() {
        let of = |named: &str, user: &str| {
            Choice::of(Some(named.parse().unwrap()), Some(user.parse().unwrap()))
        };
        assert!(of("acme/x", "x").unwrap().account().is_some());
        assert!(of("acme/x", "y").is_err());
        assert!(of("acme", "y").unwrap().account().is_some());
        assert!(Choice::of(Some("acme/x/username".parse().unwrap()), None).is_err());
    }
}
