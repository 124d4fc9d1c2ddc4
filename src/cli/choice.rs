//! The credential that a command is about, where the command line names only a part of it.

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, FromArgMatches};

use super::context::Context;
use super::directory;
use super::error::{CliError, Hint, Kind};
use super::no_match::{MOST_OFFERED, no_match, takes_more};
use super::typed::{command, command_line, user_flag};
use super::vaults::NotOpened;
use crate::model::account::{Account, AccountFilter, ProviderName, UserName};
use crate::model::address::Address;
use crate::model::reference::{Field, Named, Reference};
use crate::ops::error::StoreError;
use crate::ops::{Vault, addressed};

/// The greatest number of credentials among which a person is asked to choose.
pub(crate) const MOST_ASKED: usize = 50;

/// The two names of Jira: one person's credential may be kept under either.
const JIRA: [&str; 2] = ["jira", "jira-dc"];

/// The parts of a credential's name that a command line gives.
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
        let Some(first) = accounts.first() else {
            let login = command_line(&["tokctl".into(), "login".into(), address.as_str().into()]);
            let (of, login) = match &self.user {
                Some(user) => {
                    (format!(" of `{user}`"), format!("{login} {}", user_flag(user.as_str())))
                }
                None => (String::new(), login),
            };
            let message = format!("there is no credential{of} for `{address}`");
            return Err(CliError::new(Kind::NotFound, message).hint(login));
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

#[cfg(test)]
mod tests {
    use super::*;

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
