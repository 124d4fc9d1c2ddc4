//! The answer to a command line that names no credential of the vault: the nearest that are there, and
//! the next command.

use std::collections::BTreeSet;

use super::context::Context;
use super::error::{CliError, Hint, Kind};
use super::typed::{command, reference};
use crate::model::account::{Account, ProviderName, UserName};
use crate::model::nearest::{did_you_mean, nearest};
use crate::ops::error::StoreError;
use crate::ops::{self, Vault, providers};

/// The greatest number of credentials that a message offers in place of one that is not there.
pub(super) const MOST_OFFERED: usize = 3;

/// The number of users on each side of a mistyped one, in the order of names, among which the nearest
/// is looked for.
const NEIGHBOURS: usize = 50;

/// Returns the error for a choice that matches no credential of `vault`, with the nearest that are
/// there.
pub(super) fn no_match(
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
    let is_stored = accounts.iter().any(|account| account.provider == *provider);
    if !is_stored
        && let Ok(config) = context.config()
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

/// Returns whether the command `verb` needs more than an account, or does what nobody should do to
/// the next best account by pasting.
pub(super) fn takes_more(verb: &str) -> bool {
    ["delete", "export", "run"].contains(&verb)
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
    use crate::model::reference::{Named, Reference};

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
}
