//! What is said of a member who may not read or write any more: what it could read, with what makes
//! that worthless, and the answers that went with it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::time;
use crate::cli::typed::command;
use crate::model::account::Account;
use crate::ops::OpenVault;
use crate::ops::exposure::{self, Exposed, Remedy};
use crate::ops::shared::{Label, LeaseRunning};
use crate::untrusted::printable;

/// Returns the credentials that every member can read now.
pub(super) fn exposed(context: &Context, vault: &OpenVault) -> Result<Vec<Exposed>, CliError> {
    Ok(exposure::all(vault, context.config().ok())?)
}

/// Says what `label` could read, each with what makes it worthless.
pub(super) fn tell_exposed(context: &Context, label: &Label, exposed: &[Exposed]) {
    if exposed.is_empty() {
        return;
    }
    context.ui.warning(&format!(
        "what `{label}` has read works until it ends or is revoked: nobody can call it back"
    ));
    for one in exposed {
        context.ui.status(&sentence(one));
    }
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
        Remedy::HandedOver => {
            format!("`{account}` was handed over: what is to be done for it, its machine says")
        }
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
        }
    }
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
