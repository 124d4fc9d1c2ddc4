//! Completion candidates, read from the vault's clear columns without a key and without a write.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::position::{Kind, Position};
use crate::cli::context::{Context, Global};
use crate::cli::environment::Environment;
use crate::cli::ui::Color;
use crate::model::account::{Account, AccountFilter, ProviderName};
use crate::model::address::Address;
use crate::model::reference::{Reference, SCHEME};
use crate::ops::{SlotKind, Vault, providers};
use crate::untrusted::printable;

/// The greatest number of accounts that are offered.
const MOST: usize = 500;

/// Returns the names that fit `position`, sorted and without repetition.
///
/// An error gives no names: a message would disturb the user's prompt.
pub(super) fn names(position: &Position) -> BTreeSet<String> {
    let context = context(position);
    let mut names: BTreeSet<String> = match (position.kind, &context) {
        (Kind::Word, _) => position.words.iter().map(|(word, _)| word.clone()).collect(),
        (_, None) => return BTreeSet::new(),
        (Kind::Defined, Some(context)) => defined_names(context),
        (Kind::Stored, Some(context)) if begins_reference(&position.typed) => {
            let accounts = accounts(context, position).into_iter();
            accounts.map(|account| reference(&account, &position.typed)).collect()
        }
        (Kind::Stored, Some(context)) => stored_providers(context, position),
        (Kind::User, Some(context)) => {
            let accounts = accounts(context, position).into_iter();
            accounts.map(|account| account.user.as_str().to_owned()).collect()
        }
        (Kind::Slot, Some(context)) => slots(context),
        (Kind::Reference, Some(context)) => {
            let accounts = accounts(context, position).into_iter();
            accounts.map(|account| reference(&account, &position.typed)).collect()
        }
    };
    if let (Kind::Stored | Kind::Defined | Kind::Reference, Some(context)) =
        (position.kind, &context)
        && begins_address(&position.typed)
    {
        // No name holds a colon.
        if position.typed.contains(':') {
            names.clear();
        }
        names.extend(addresses(context, &position.typed));
    }
    // Candidates are shown before the user chooses, so they must be safe to print. A separate word
    // that begins with a dash would be read as an option.
    names.retain(|name| {
        printable(name) == *name && (!name.starts_with('-') || !position.option.is_empty())
    });
    names
}

fn context(position: &Position) -> Option<Context> {
    let path = |given: &Option<String>| given.as_ref().map(PathBuf::from);
    let global = Global {
        vault: path(&position.given.vault),
        config: path(&position.given.config),
        no_input: true,
        json: false,
        color: Color::Never,
        quiet: 2,
        verbose: 0,
    };
    Context::new(global, Environment::read()).ok()
}

fn defined_names(context: &Context) -> BTreeSet<String> {
    // Without a readable configuration, only the built-in providers are offered.
    let none = crate::config::Config::default();
    let config = context.config().unwrap_or(&none);
    providers::names(config).into_iter().map(ToOwned::to_owned).collect()
}

/// Returns the names of the vault's key slots: their ids, and the kinds that mean one of them.
fn slots(context: &Context) -> BTreeSet<String> {
    let read = || Vault::open_unlocked(context.vault().ok()?).ok()?.slots().ok();
    let slots = read().unwrap_or_default();
    let is_only = |kind: SlotKind| slots.iter().filter(|slot| slot.kind == kind).count() == 1;
    let kinds = slots.iter().map(|slot| slot.kind).filter(|kind| is_only(*kind));
    let ids = slots.iter().map(|slot| slot.id.to_string());
    kinds.map(|kind| kind.to_string()).chain(ids).collect()
}

/// Returns the providers that have a credential of the user given in earlier words.
fn stored_providers(context: &Context, position: &Position) -> BTreeSet<String> {
    let read = || {
        let vault = Vault::open_unlocked(context.vault().ok()?).ok()?;
        let Some(user) = position.given.user.as_ref().and_then(|name| name.parse().ok()) else {
            return vault.providers().ok();
        };
        let accounts = vault.accounts(None, Some(&user)).ok()?;
        Some(accounts.into_iter().map(|account| account.provider).collect())
    };
    read().unwrap_or_default().iter().map(|provider| provider.as_str().to_owned()).collect()
}

/// Returns the accounts that match the provider and user given in earlier words.
///
/// Which of them begin with what was typed, the shell finds out, as its user likes it. Where there
/// are too many for that, only those are returned that begin with it letter by letter.
fn accounts(context: &Context, position: &Position) -> Vec<Account> {
    let read = || {
        let vault = Vault::open_unlocked(context.vault().ok()?).ok()?;
        let provider = position.given.provider.as_ref().and_then(|name| name.parse().ok());
        let user = position.given.user.as_ref().and_then(|name| name.parse().ok());
        let filter = AccountFilter { provider: provider.as_ref(), user: user.as_ref() };
        let found = vault.first_accounts(filter, MOST + 1).ok()?;
        if found.len() > MOST { beginning(&vault, provider, position) } else { Some(found) }
    };
    read().unwrap_or_default()
}

/// Returns the first accounts whose name begins with what was typed at `position`.
fn beginning(
    vault: &Vault,
    provider: Option<ProviderName>,
    position: &Position,
) -> Option<Vec<Account>> {
    let short = position.typed.strip_prefix(SCHEME).unwrap_or(&position.typed);
    let (of, user) = match (position.kind, short.split_once('/')) {
        (Kind::User, _) => ("", &*position.typed),
        (_, Some((provider, user))) => (provider, user),
        (_, None) if begins_long_form(&position.typed) && short.len() == position.typed.len() => {
            ("", "")
        }
        (_, None) => (short, ""),
    };
    // What is escaped behind it, the shell compares.
    let user = user.split('%').next().unwrap_or_default();
    let providers = match provider {
        Some(provider) => vec![provider],
        None => vault.providers().ok()?,
    };
    let mut found = Vec::new();
    for provider in providers.iter().filter(|provider| provider.as_str().starts_with(of)) {
        let room = MOST.saturating_sub(found.len());
        found.extend(vault.accounts_beginning_with(provider, user, room).ok()?);
    }
    Some(found)
}

/// Returns the addresses in the vault that begin with what was typed.
fn addresses(context: &Context, typed: &str) -> Vec<String> {
    let read = || {
        let vault = Vault::open_unlocked(context.vault().ok()?).ok()?;
        vault.servers_beginning_with(typed, MOST).ok()
    };
    let mut found = read().unwrap_or_default();
    found.retain(|address| address.parse::<Address>().is_ok());
    found
}

/// Returns a reference to `account` in the form that the user began: short, unless that would be
/// ambiguous.
fn reference(account: &Account, typed: &str) -> String {
    let (provider, user) = (account.provider.as_str(), account.user.as_str());
    if begins_long_form(typed) || user.contains('/') {
        Reference::long_form(account)
    } else {
        format!("{provider}/{user}")
    }
}

/// Returns whether a text goes beyond a service's name.
fn begins_reference(typed: &str) -> bool {
    typed.contains('/') || begins_long_form(typed)
}

/// Returns whether a text is the beginning of an address.
fn begins_address(typed: &str) -> bool {
    let begins = |scheme: &str| typed.starts_with(scheme) || scheme.starts_with(typed);
    typed.len() > 2 && (begins("https://") || begins("http://"))
}

fn begins_long_form(typed: &str) -> bool {
    typed.len() > 2 && (typed.starts_with(SCHEME) || SCHEME.starts_with(typed))
}
