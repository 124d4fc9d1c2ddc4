//! What is said of a member who may not read or write any more: what it could read or took along, with
//! what makes that worthless, and the answers that went with it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::explain::RESUME;
use crate::cli::moved;
use crate::cli::next_command::about_named;
use crate::cli::time;
use crate::cli::typed::command;
use crate::model::account::Account;
use crate::ops::OpenVault;
use crate::ops::exposure::{self, Exposed, Moved, Remedy};
use crate::ops::shared::{Label, LeaseRunning};
use crate::untrusted::printable;

/// Returns the credentials that every member can read now.
pub(super) fn exposed(context: &Context, vault: &OpenVault) -> Result<Vec<Exposed>, CliError> {
    Ok(exposure::all(vault, context.config().ok())?)
}

/// Whether `label` moved the credential out of the vault, and so may be the only one who has it.
fn is_taken_along(label: &Label, exposed: &Exposed) -> bool {
    exposed.moved.as_ref().is_some_and(|moved| moved.by.as_ref() == Some(label))
}

/// Returns those of `exposed` that `label` moved out of the vault.
pub(super) fn taken_along(label: &Label, exposed: Vec<Exposed>) -> Vec<Exposed> {
    exposed.into_iter().filter(|one| is_taken_along(label, one)).collect()
}

/// Warns of what `label` moved out of the vault, before the change that keeps it from coming back.
pub(super) fn warn_of_taken_along(context: &Context, label: &Label, exposed: &[Exposed]) {
    let (mut waiting, mut gone) = (BTreeMap::<String, Vec<String>>::new(), Vec::new());
    for one in exposed.iter().filter(|one| is_taken_along(label, one)) {
        let account = format!("`{}`", one.account);
        match &one.moved {
            Some(Moved { is_in_bundle: true, to, .. }) => {
                let command = to.as_ref().map(|to| moved::go_on(context, to));
                waiting.entry(command.unwrap_or_else(|| RESUME.into())).or_default().push(account);
            }
            Some(_) | None => gone.push(account),
        }
    }
    if !gone.is_empty() {
        context.ui.warning(&format!(
            "`{label}` moved {} out of the vault, and may be the only one who has it: let `{label}` bring \
             it back first, as `tokctl help shared` says",
            gone.join(", ")
        ));
    }
    for (command, accounts) in waiting {
        context.ui.warning(&format!(
            "`{label}` moved {} out of the vault and was interrupted: what has not arrived is in a bundle \
             that nobody else can open, nor `{label}` afterwards: let `{label}` type `{command}` first",
            accounts.join(", ")
        ));
    }
}

/// Says what `label` could read, each with what makes it worthless, and what `label` took along.
pub(super) fn tell_exposed(context: &Context, label: &Label, exposed: &[Exposed]) {
    if exposed.iter().any(|one| one.moved.is_none()) {
        context.ui.warning(&format!(
            "what `{label}` has read works until it ends or is revoked: nobody can call it back"
        ));
    }
    for one in exposed.iter().filter(|one| one.moved.is_none()) {
        context.ui.status(&about_named(context, sentence(one)));
    }
    tell_moved_out(context, label, exposed);
    let clients: BTreeSet<(&str, &str)> = exposed
        .iter()
        .filter(|one| one.remedy != Remedy::ClientSecret)
        .filter_map(|one| Some((one.account.provider.as_str(), one.client.as_deref()?)))
        .collect();
    for (provider, client) in clients {
        let client = printable(client);
        context.ui.status(&format!(
            "`{label}` knows the secret or key of the client `{client}` of `{provider}` too: replace it there"
        ));
    }
}

/// Says what left the vault and has not come back, each with what ends it: the new login that follows
/// can't revoke it, since nothing of it is left here.
pub(super) fn tell_moved_out(context: &Context, label: &Label, exposed: &[Exposed]) {
    if exposed.iter().any(|one| is_taken_along(label, one)) {
        context.ui.warning(&format!(
            "what `{label}` moved out of the vault works where it arrived, and is renewed there: end it at \
             the service, and replace it here by a new login"
        ));
    }
    for one in exposed {
        let account = &one.account;
        match &one.moved {
            None => {}
            Some(Moved { by: Some(by), .. }) if by == label => {
                context.ui.status(&about_named(context, sentence(one)));
            }
            Some(Moved { by: Some(by), .. }) => context.ui.status(&format!(
                "`{label}` may have read `{account}` before `{by}` moved it out of the vault: let `{by}` \
                 replace it where it is now"
            )),
            Some(Moved { by: None, .. }) => context.ui.status(&format!(
                "{}: somebody who is no member any more moved it out of the vault",
                about_named(context, sentence(one))
            )),
        }
    }
}

/// Returns the sentence on what makes a credential worthless.
fn sentence(Exposed { account, remedy, token_ends, .. }: &Exposed) -> String {
    let (login, delete) = (command("login", account), command("delete", account));
    let provider = &account.provider;
    match remedy {
        Remedy::Login => format!("`{login}` revokes `{account}`, and replaces it"),
        Remedy::Delete => format!("`{delete}` revokes `{account}`; then `{login}`"),
        Remedy::Withdraw => {
            format!("end what was granted for `{account}` at the service; then `{login}`")
        }
        Remedy::ClientSecret => {
            format!("replace the client's secret at `{provider}`; then `{login}`")
        }
        Remedy::AccountKey => {
            format!("delete the key of the service account of `{account}` there; then `{login}`")
        }
        Remedy::Expiry => match token_ends {
            Some(at) => format!("`{account}` ends by itself at {}", time::rfc3339(*at)),
            None => format!("revoke the token of `{account}` at the service"),
        },
        Remedy::StaticToken => format!("revoke `{account}` at the service; then `{login}`"),
    }
}

/// Warns of the answers that were given up with a member.
pub(super) fn tell_given_up(context: &Context, given_up: &[LeaseRunning]) {
    for LeaseRunning { account, holder, since, .. } in given_up {
        let who = holder.as_deref().map_or_else(|| "somebody".to_owned(), printable);
        context.ui.warning(&format!(
            "the new token that `{who}` asked for at {} may be lost: if `{account}` is refused, `{}`",
            time::rfc3339(*since),
            command("login", account),
        ));
    }
}

/// A credential that a member could read, as JSON.
#[derive(Serialize)]
pub(super) struct ExposedJson {
    provider: String,
    user: String,
    /// The word for what makes the credential worthless: see [`Remedy::word`].
    remedy: &'static str,
    client: Option<String>,
    token_ends: Option<String>,
    /// The way in which the credential left the vault; null for one that is there.
    moved_out: Option<MovedJson>,
}

impl From<&Exposed> for ExposedJson {
    fn from(exposed: &Exposed) -> Self {
        let Account { provider, user } = &exposed.account;
        Self {
            provider: provider.to_string(),
            user: user.to_string(),
            remedy: exposed.remedy.word(),
            client: exposed.client.as_deref().map(printable),
            token_ends: exposed.token_ends.map(time::rfc3339),
            moved_out: exposed.moved.as_ref().map(|moved| MovedJson {
                by: moved.by.as_ref().map(ToString::to_string),
                in_bundle: moved.is_in_bundle,
            }),
        }
    }
}

/// The way of a credential that was moved out, as JSON.
#[derive(Serialize)]
struct MovedJson {
    /// The member who moved it; null if nobody knows, or if that one is no member any more.
    by: Option<String>,
    /// Whether it is in a bundle that may not have reached its file.
    in_bundle: bool,
}

/// A refresh whose answer was given up, as JSON.
#[derive(Serialize)]
pub(super) struct GivenUpJson {
    provider: String,
    user: String,
    since: String,
}

impl From<&LeaseRunning> for GivenUpJson {
    fn from(lease: &LeaseRunning) -> Self {
        let Account { provider, user } = &lease.account;
        let since = time::rfc3339(lease.since);
        Self { provider: provider.to_string(), user: user.to_string(), since }
    }
}
