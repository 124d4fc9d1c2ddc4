//! Hints in the form in which they work where they are shown: a login with the flags that it needs,
//! and the command that failed, as it was typed.

use std::ffi::OsString;

use super::browser::Browser;
use super::client_settings;
use super::context::Context;
use super::error::{CliError, Hint};
use super::typed::{command_line, login_command};
use crate::model::account::{Account, ProviderName};
use crate::model::definition::RefreshKind;
use crate::model::summary::Kind;
use crate::ops::Vault;
use crate::ops::providers::{self, Provider};

/// Returns `error` with its hint as a text, for a command line `args`.
pub(crate) fn complete(context: &Context, args: &[OsString], error: CliError) -> CliError {
    let hint = match &error.hint {
        None | Some(Hint::Text(_)) => return error,
        Some(Hint::Login(account)) => login(context, account),
        Some(Hint::LoginTo(provider)) => login_to(context, provider),
        Some(Hint::Again(flags)) => again(args, flags),
    };
    error.hint(hint)
}

/// Returns the command that logs in to `account`, with what it needs here.
///
/// Where nobody can be asked, a static token has to come on stdin. What is stored tells the rest.
pub(crate) fn login(context: &Context, account: &Account) -> String {
    let command = login_command(account);
    if context.config().is_err() {
        return "tokctl doctor".into();
    }
    if context.ui.can_ask() {
        return command;
    }
    let provider = providers::today(&account.provider, context.config().ok());
    match stored_kind(context, account) {
        Some(Kind::OAuth) if needs_browser(provider.as_ref()) && !has_browser(context) => {
            format!("{command} --no-browser")
        }
        Some(Kind::OAuth) => command,
        Some(Kind::Static) => format!("{command} --token-stdin"),
        None => unattended(context, &account.provider, command),
    }
}

/// Returns the command that logs in to a service, or the one that says what such a login needs.
fn login_to(context: &Context, provider: &ProviderName) -> String {
    if context.ui.can_ask() {
        return format!("tokctl login {provider}");
    }
    format!("tokctl providers {provider}")
}

/// Returns whether a login goes by a person's consent, as far as the definition tells.
fn needs_browser(provider: Option<&Provider>) -> bool {
    provider.is_some_and(|provider| match provider.definition.refresh.kind {
        RefreshKind::ClientCredentials => false,
        RefreshKind::RefreshToken | RefreshKind::Exchange | RefreshKind::None => true,
    })
}

fn has_browser(context: &Context) -> bool {
    context.ui.may_ask && Browser::find(&context.environment).is_some()
}

/// Returns how a login that nobody did before is done where nobody can be asked.
fn unattended(context: &Context, name: &ProviderName, command: String) -> String {
    let Some(provider) = providers::today(name, context.config().ok()) else {
        return "tokctl providers".into();
    };
    if has_client(context, &provider) {
        return command;
    }
    let token_needs_more =
        provider.definition.server.is_none()
            && provider.definition.api_base_url.as_ref().is_some_and(|address| {
                address.contains("{server}") || address.contains("{site_id}")
            });
    if token_needs_more {
        return format!("tokctl providers {name}");
    }
    format!("{command} --token-stdin")
}

/// Returns whether a login in the browser has all it needs but a person.
fn has_client(context: &Context, provider: &Provider) -> bool {
    client_settings::client_id(context, provider).is_some()
        && provider.endpoints(None, None).is_ok()
        && (!provider.needs_secret()
            || client_settings::client_secret(context, provider)
                .is_ok_and(|secret| secret.is_some()))
}

/// Returns the kind of the credential of `account`, if one is stored. Reads the clear columns, and
/// waits for nobody.
fn stored_kind(context: &Context, account: &Account) -> Option<Kind> {
    let vault = Vault::open_unlocked(context.vault().ok()?).ok()?;
    vault.summary(account).ok()?.map(|summary| summary.kind)
}

/// Returns the command that was typed, with `flags` besides.
fn again(args: &[OsString], flags: &[&str]) -> String {
    let flags: Vec<OsString> = flags.iter().map(OsString::from).collect();
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let (before, behind) = args.split_at(end);
    command_line(&[before, &flags, behind].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_come_before_what_is_no_flag() {
        let args = ["/usr/bin/tokctl", "run", "--env", "A=a/b c", "--", "x"].map(OsString::from);
        assert_eq!(again(&args, &["--yes"]), "tokctl run --env 'A=a/b c' --yes -- x");
        assert_eq!(again(&args[..2], &[]), "tokctl run");
    }
}
