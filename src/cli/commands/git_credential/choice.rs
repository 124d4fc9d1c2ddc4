//! The choice of the credential that git asks for.

use super::credential_url::{CredentialUrl, Relation};
use super::no_answer::NoAnswer;
use super::request::Request;
use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::typed::login_command;
use crate::cli::ui::Verbosity;
use crate::model::account::{Account, AccountFilter};
use crate::model::address::Address;
use crate::model::credential::Status;
use crate::model::summary::{Kind, Summary};
use crate::ops::error::StoreError;
use crate::ops::{Vault, git_servers, providers};
use crate::untrusted::printable;

/// Returns the account that `request` for `url` means, if that is clear.
pub(super) fn account(
    choice: &Choice,
    context: &Context,
    vault: &Vault,
    request: &Request,
    url: &CredentialUrl,
) -> Result<Account, NoAnswer> {
    let choice = &choice.located(vault)?;
    let default_user = match (&choice.user, request.user()) {
        (None, None) => context.default_user()?,
        (_, _) => None,
    };
    let user = choice.user.as_ref().or(default_user.as_ref());
    let mut found = match (user, request.user()) {
        (Some(_), _) => vault.summaries(AccountFilter { user, ..choice.filter() }, |_| true)?,
        (None, Some(name)) => named(choice, vault, name)?,
        (None, None) => at_server(choice, context, vault, url)?,
    };
    found.retain(|summary| {
        // The token of one that was handed over is another machine's.
        summary.status != Status::HandedOver
            && is_of(choice, summary)
            && (choice.user.is_some() || request.user().is_none_or(|name| is_named(summary, name)))
    });
    found.sort_by(|one, other| one.account.cmp(&other.account));
    found.dedup_by(|one, other| one.account == other.account);
    let (mut in_part, mut nowhere) = (None, None);
    found.retain(|summary| match relation(&likely(context, summary), url) {
        Some(Relation::Within) => true,
        Some(Relation::Unknown) => {
            in_part = Some(summary.account.clone());
            false
        }
        Some(Relation::Elsewhere) => false,
        None => {
            nowhere = Some(summary.clone());
            false
        }
    });
    if found.len() > 1
        && let Ok(config) = context.config()
        && let Some(default) = &config.default_user
        && found.iter().filter(|summary| summary.account.user == *default).count() == 1
    {
        found.retain(|summary| summary.account.user == *default);
    }
    // A user who names a service or user expects an answer, so silence would be wrong.
    let is_expected = choice.provider.is_some() || choice.user.is_some();
    match (&found[..], in_part, nowhere) {
        ([one], _, _) => Ok(one.account.clone()),
        ([], Some(account), _) => Err(NoAnswer::Unexpected(format!(
            "`{account}` is for a part of that server alone, and git does not tell the path: `git config --global credential.useHttpPath true`"
        ))),
        ([], None, Some(summary)) if is_expected => {
            Err(NoAnswer::Unexpected(without_server(context, &summary, url)))
        }
        ([], None, _) if context.ui.verbosity < Verbosity::Details => {
            Err(NoAnswer::Usual(String::new()))
        }
        ([], None, _) => Err(NoAnswer::Usual(why_none(choice, context, vault, request, url)?)),
        (several, _, _) => {
            let shown: Vec<String> =
                several.iter().map(|summary| summary.account.to_string()).collect();
            Err(NoAnswer::Unexpected(format!(
                "which one of {}? git got no answer: put the user into the URL, or give `--user`",
                shown.join(", ")
            )))
        }
    }
}

/// Returns the credentials whose user, or whose account at the service, is called `name`, and perhaps
/// others.
fn named(choice: &Choice, vault: &Vault, name: &str) -> Result<Vec<Summary>, StoreError> {
    let mut found = vault.summaries_with_username(name)?;
    if let Ok(user) = name.parse() {
        let filter = AccountFilter { user: Some(&user), ..choice.filter() };
        found.extend(vault.summaries(filter, |_| true)?);
    }
    Ok(found)
}

/// Returns the credentials that are for the server of `url`, and perhaps others: those whose login
/// named it, and those without a server at a provider that is there. Of a provider that is named, one
/// that is for no server too.
fn at_server(
    choice: &Choice,
    context: &Context,
    vault: &Vault,
    url: &CredentialUrl,
) -> Result<Vec<Summary>, StoreError> {
    let mut found = vault.summaries_at(&git_servers::origins(url.as_url()))?;
    let providers = match &choice.provider {
        Some(named) => vec![named.clone()],
        None => vault.providers()?,
    };
    for provider in providers {
        let today = providers::today(&provider, context.config().ok());
        let is_there = [Kind::OAuth, Kind::Static].into_iter().any(|kind| {
            relation(&git_servers::of_provider(kind, today.as_ref()), url) == Some(Relation::Within)
        });
        let filter = AccountFilter { provider: Some(&provider), user: None };
        if is_there {
            found.extend(vault.summaries(filter, |summary| summary.server_url.is_none())?);
        } else if choice.provider.is_some() {
            let is_nowhere = |one: &Summary| relation(&likely(context, one), url).is_none();
            found.extend(vault.first_summary(filter, is_nowhere)?);
        }
    }
    Ok(found)
}

/// Returns how `servers` relate to `url`; `None` if there are none.
pub(super) fn relation(servers: &[Address], url: &CredentialUrl) -> Option<Relation> {
    let urls = servers.iter().filter_map(CredentialUrl::from_address);
    urls.map(|own| own.relation_to(url)).min()
}

/// Returns that the credential of `summary` is for no server, and how to store it for that of `url`.
fn without_server(context: &Context, summary: &Summary, url: &CredentialUrl) -> String {
    let account = &summary.account;
    let token = match summary.kind {
        Kind::Static if !context.ui.can_ask() => " --token-stdin",
        Kind::Static | Kind::OAuth => "",
    };
    format!(
        "`{account}` was stored without the server that git may send it to: `{} --server {}{token}`",
        login_command(account),
        url.root()
    )
}

fn is_of(choice: &Choice, summary: &Summary) -> bool {
    choice.provider.as_ref().is_none_or(|provider| summary.account.provider == *provider)
}

fn is_named(summary: &Summary, name: &str) -> bool {
    summary.account.user.as_str() == name || summary.username.as_deref() == Some(name)
}

fn likely(context: &Context, summary: &Summary) -> Vec<Address> {
    git_servers::likely(summary, || {
        providers::today(&summary.account.provider, context.config().ok())
    })
}

/// Returns why no credential is the right one: the one that comes nearest.
fn why_none(
    choice: &Choice,
    context: &Context,
    vault: &Vault,
    request: &Request,
    url: &CredentialUrl,
) -> Result<String, NoAnswer> {
    let mut beside = None;
    for summary in vault.summaries(choice.filter(), |_| true)? {
        let account = &summary.account;
        let servers = likely(context, &summary);
        if relation(&servers, url) == Some(Relation::Within) {
            let asked = request.user().map(|name| format!(" and of `{}`", printable(name)));
            let asked = asked.unwrap_or_default();
            return Ok(format!(
                "`{account}` is for {url}, and another user's was asked for{asked}"
            ));
        }
        let own = servers.iter().filter_map(CredentialUrl::from_address);
        if let Some(own) = own.into_iter().find(|own| own.is_beside(url)) {
            beside = Some(format!("`{account}` is for {own}, and git asked for {url}"));
        }
    }
    Ok(beside.unwrap_or_else(|| format!("no credential is for {url}")))
}
