//! The names that can stand in a place: read from what is in the clear, with no key, and without
//! a change to the vault.

use std::collections::BTreeSet;
use std::path::PathBuf;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::position::{Kind, Position};
use crate::cli::context::{Context, Global};
use crate::cli::environment::Environment;
use crate::cli::ui::Color;
use crate::model::account::Account;
use crate::ops::{Vault, providers};
use crate::untrusted::printable;

/// What stands for itself in a part of a `tokctl://` reference (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const LONG: &str = "tokctl://";

/// The names, each once, in order. None on any fault: whoever presses a key wants no message.
pub(super) fn names(position: &Position) -> BTreeSet<String> {
    let context = context(position);
    let mut names: BTreeSet<String> = match (position.kind, &context) {
        (Kind::Word, _) => position.words.iter().map(|(word, _)| word.clone()).collect(),
        (_, None) => return BTreeSet::new(),
        (Kind::Defined, Some(context)) => defined(context),
        (Kind::Stored, Some(context)) => {
            let accounts = accounts(context, position).into_iter();
            accounts.map(|account| account.provider.as_str().to_owned()).collect()
        }
        (Kind::User, Some(context)) => {
            let accounts = accounts(context, position).into_iter();
            accounts.map(|account| account.user.as_str().to_owned()).collect()
        }
        (Kind::Reference, Some(context)) => {
            let accounts = accounts(context, position).into_iter();
            accounts.map(|account| reference(&account, &position.typed)).collect()
        }
    };
    // Shown before anybody chooses it. As a word of its own, what begins with a dash is an option.
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

fn defined(context: &Context) -> BTreeSet<String> {
    // With a slip in the configuration, those that come with tokctl.
    let none = crate::config::Config::default();
    let config = context.config().unwrap_or(&none);
    providers::names(config).into_iter().map(ToOwned::to_owned).collect()
}

/// The accounts that go with what was given.
fn accounts(context: &Context, position: &Position) -> Vec<Account> {
    let read = || {
        let store = Vault::open_unlocked(context.vault().ok()?).ok()?;
        let provider = position.given.provider.as_ref().and_then(|name| name.parse().ok());
        let user = position.given.user.as_ref().and_then(|name| name.parse().ok());
        store.accounts(provider.as_ref(), user.as_ref()).ok()
    };
    read().unwrap_or_default()
}

/// In the form that was begun: the short one, unless it would say something else.
fn reference(account: &Account, typed: &str) -> String {
    let (provider, user) = (account.provider.as_str(), account.user.as_str());
    let is_long = typed.len() > 2 && (typed.starts_with(LONG) || LONG.starts_with(typed));
    if is_long || user.contains('/') {
        format!("{LONG}{provider}/{}", utf8_percent_encode(user, RESERVED))
    } else {
        format!("{provider}/{user}")
    }
}
