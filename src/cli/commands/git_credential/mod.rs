//! `tokctl git-credential`: a credential helper for git (gitcredentials(7)).
//!
//! It answers only for the address that a credential is for. Otherwise it prints nothing, and git
//! asks its next helper.

mod credential_url;
mod request;

use zeroize::Zeroizing;

use self::credential_url::{CredentialUrl, Relation};
use self::request::Request;
use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::renewal::{self, RenewalCaller};
use crate::cli::{audit_trail, keys};
use crate::model::account::{Account, UserName};
use crate::model::audit::Action;
use crate::model::credential::{ApiAuth, Credential, Expiry, Grant, Status};
use crate::model::reference::Named;
use crate::model::summary::{self, Summary};
use crate::ops::error::StoreError;
use crate::ops::{Vault, credential, providers, token};
use crate::secret::{AccessToken, SecretText};
use crate::untrusted;

/// Answer git, which asks for a user name and a password
///
/// A token is the password for the server that its login named (`--server`) and, for an OAuth
/// login that named none, for the host that issued it: over https, at that very host and port, and
/// below its path if it has one. Nothing else is answered, so that git asks its next helper.
///
/// Of several credentials for one server the one is taken that git's URL or `credential.username`
/// names, else that of TOKCTL_USER. If that is not clear, nothing is answered.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  git config --global credential.https://github.com.helper '!tokctl git-credential'
  git config --global credential.https://git.example.helper '!tokctl git-credential --user alice'")]
pub(crate) struct Args {
    /// What git asks for: `get` answers; `store` and `erase` do nothing, since what git knows came
    /// from here; others are ignored, as git wants it
    #[arg(value_name = "get|store|erase")]
    operation: String,

    /// Only credentials of this service, or only this one
    #[arg(long, value_name = "PROVIDER[/USER]")]
    provider: Option<Named>,

    /// Only this user's, whatever name git asks for
    #[arg(long, short, value_name = "USER")]
    user: Option<UserName>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    if args.operation != "get" {
        return Ok(());
    }
    let request = Request::read()?;
    if request.protocol != "https" {
        return Ok(());
    }
    let Some(url) = CredentialUrl::from_request(&request.host, request.path.as_deref()) else {
        return Ok(());
    };
    let vault = match Vault::open_read_only(context.vault()?) {
        Err(StoreError::NoVault { .. }) => return Ok(()),
        other => other?,
    };
    let choice = Choice::of(args.provider.clone(), args.user.clone())
        .map_err(|message| CliError::new(Kind::Usage, message).hint("tokctl list"))?;
    let Some(account) = choose(&choice, context, &vault, &request, &url)? else { return Ok(()) };
    let vault = keys::unlock(context, vault)?;
    // The clear columns only helped to find the credential; the sealed row decides.
    let credential = credential::expect(&vault, &account)?.stored.credential;
    if own_url(&credential).is_none_or(|own| own.relation_to(&url) != Relation::Within) {
        return Ok(());
    }
    let got = token::live(&vault, &account, renewal::USUAL, &RenewalCaller::alone(context));
    let got = got.map_err(CliError::from);
    let outcome = audit_trail::outcome(&got);
    let command = "git-credential";
    let recorded = audit_trail::record(context, &vault, command, Action::Get, &account, outcome);
    let live_token = got?;
    recorded?;
    renewal::warn(context, &account, &live_token);
    let username = username(&request, &account, &live_token.credential);
    let token = token::token_of(&account, &live_token.credential)?;
    context.ui.data(answer(username, &live_token.credential, token)?.as_bytes())
}

/// Returns the account that the request means, if that is clear.
fn choose(
    choice: &Choice,
    context: &Context,
    vault: &Vault,
    request: &Request,
    url: &CredentialUrl,
) -> Result<Option<Account>, CliError> {
    let default_user = match (&choice.user, request.user()) {
        (None, None) => context.default_user()?,
        (_, _) => None,
    };
    let user = choice.user.as_ref().or(default_user.as_ref());
    let mut found = vault.summaries(|summary| {
        choice.provider.as_ref().is_none_or(|provider| summary.account.provider == *provider)
            && user.is_none_or(|user| summary.account.user == *user)
            && (choice.user.is_some() || request.user().is_none_or(|name| is_named(summary, name)))
    })?;
    let (mut unknown, mut nowhere) = (None, None);
    found.retain(|summary| match likely_url(context, summary).map(|own| own.relation_to(url)) {
        Some(Relation::Within) => true,
        Some(Relation::Unknown) => {
            unknown = Some(summary.account.clone());
            false
        }
        Some(Relation::Elsewhere) => false,
        None => {
            nowhere = Some(summary.account.clone());
            false
        }
    });
    // A user who names a service or user expects an answer, so silence would be wrong.
    if let ([], None, Some(account), true) =
        (&found[..], &unknown, nowhere, choice.provider.is_some() || choice.user.is_some())
    {
        context.ui.warning(&format!(
            "`{account}` was stored without the server that git may send it to: log in again with `--server https://{}`",
            untrusted::printable(&request.host)
        ));
    }
    if let ([], Some(account)) = (&found[..], unknown) {
        let hint = "git config --global credential.useHttpPath true";
        context.ui.warning(&format!(
            "`{account}` is for a part of that server alone, and git does not tell the path: `{hint}`"
        ));
    }
    if found.len() > 1
        && let Ok(config) = context.config()
        && let Some(default) = &config.default_user
        && found.iter().filter(|summary| summary.account.user == *default).count() == 1
    {
        found.retain(|summary| summary.account.user == *default);
    }
    match &found[..] {
        [] => Ok(None),
        [one] => Ok(Some(one.account.clone())),
        several => {
            let shown: Vec<String> =
                several.iter().map(|summary| summary.account.to_string()).collect();
            context.ui.warning(&format!(
                "which one of {}? git got no answer: put the user into the URL, or give `--user`",
                shown.join(", ")
            ));
            Ok(None)
        }
    }
}

fn is_named(summary: &Summary, name: &str) -> bool {
    summary.account.user.as_str() == name || summary.username.as_deref() == Some(name)
}

/// Guesses the address of a credential before it is opened, from its clear columns and today's
/// provider definition.
fn likely_url(context: &Context, summary: &Summary) -> Option<CredentialUrl> {
    if summary.status == Status::HandedOver {
        return None;
    }
    match (&summary.server_url, summary.kind) {
        (Some(server), _) => CredentialUrl::from_address(&server.parse().ok()?),
        (None, summary::Kind::Static) => None,
        (None, summary::Kind::OAuth) => {
            let provider = providers::today(&summary.account.provider, context.config().ok())?;
            let endpoints = provider.endpoints(None, None).ok()?;
            Some(CredentialUrl::from_address(&endpoints.token)?.root())
        }
    }
}

/// Returns the address of a credential from its sealed content: its server, or else the host that
/// issued it.
///
/// The issuer sees every refresh, so it learns nothing new.
fn own_url(credential: &Credential) -> Option<CredentialUrl> {
    let carried_as_password = match &credential.api.auth {
        ApiAuth::Bearer | ApiAuth::Basic => true,
        ApiAuth::Header(_) => false,
    };
    match (&credential.api.server_url, &credential.grant) {
        _ if !carried_as_password => None,
        (Some(server), _) => CredentialUrl::from_address(server),
        (None, Grant::OAuth(grant)) => {
            Some(CredentialUrl::from_address(&grant.client.token_endpoint)?.root())
        }
        (None, Grant::Static(_)) => None,
    }
}

/// Returns the user name that goes with the token: the one in the request, or else the one that
/// belongs to the authentication.
///
/// A forge that accepts a bare token uses the name only to tell OAuth tokens from personal ones.
fn username<'a>(request: &'a Request, account: &'a Account, credential: &'a Credential) -> &'a str {
    match (&request.username, &credential.api.auth, &credential.grant) {
        (Some(asked), _, _) => asked,
        (None, ApiAuth::Basic, _) if credential.api.username.is_some() => {
            credential.api.username.as_deref().unwrap_or_default()
        }
        (None, _, Grant::OAuth(_)) => "oauth2",
        (None, _, Grant::Static(_)) => account.user.as_str(),
    }
}

fn answer(
    username: &str,
    credential: &Credential,
    token: &AccessToken,
) -> Result<Zeroizing<String>, CliError> {
    let token = token.expose();
    if [username, token].iter().any(|value| value.contains(char::is_control)) {
        return Err(CliError::new(
            Kind::Failed,
            "a control character has no place in git's protocol",
        )
        .hint("log in again with another name"));
    }
    let mut answer = Zeroizing::new(String::with_capacity(username.len() + token.len() + 128));
    for part in ["username=", username, "\npassword=", token, "\n"] {
        answer.push_str(part);
    }
    match credential.expiry() {
        Expiry::Known(at) => {
            answer.push_str("password_expiry_utc=");
            answer.push_str(&at.as_second().to_string());
            answer.push('\n');
        }
        Expiry::None | Expiry::Unknown => {}
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn credential(api: &Value) -> Credential {
        let time = "2026-01-01T00:00:00Z";
        let grant = json!({
            "kind": "oauth", "access_token": "made-up", "token_type": "Bearer",
            "issued_at": time, "granted_at": time, "expiry": { "expiry": "unknown" }, "scopes": [],
            "client": {
                "id": "made-up", "auth_method": "none",
                "token_endpoint": "https://github.com/login/oauth/access_token",
            },
        });
        let credential = json!({
            "grant": grant, "api": api, "status": "active", "created_at": time, "updated_at": time,
        });
        serde_json::from_value(credential).unwrap()
    }

    fn own(api: &Value) -> Option<String> {
        own_url(&credential(api)).map(|url| format!("{url:?}"))
    }

    fn url(host: &str) -> Option<String> {
        CredentialUrl::from_request(host, None).map(|url| format!("{url:?}"))
    }

    #[test]
    fn a_login_is_for_its_server_or_else_for_the_host_that_issued_it() {
        assert_eq!(own(&json!({ "auth": "bearer" })), url("github.com"));
        let at = |server| json!({ "auth": "bearer", "server_url": server });
        assert_eq!(own(&at("https://git.example")), url("git.example"));
        assert_eq!(own(&at("http://127.0.0.1:1")), None);
        // A password would not work at a service that wants another header.
        assert_eq!(own(&json!({ "auth": "header:X-Token" })), None);
    }

    #[test]
    fn a_credential_is_found_by_the_definition_of_its_provider() {
        let global = crate::cli::context::Global {
            vault: None,
            config: None,
            no_input: true,
            json: false,
            color: crate::cli::ui::Color::Never,
            quiet: 0,
            verbose: 0,
        };
        let context = Context::new(global, crate::cli::environment::Environment::default());
        let context = context.unwrap_or_else(|error| panic!("{error:?}"));
        let account = Account { provider: "github".parse().unwrap(), user: "x".parse().unwrap() };
        let mut summary = Summary::of(&account, &credential(&json!({ "auth": "bearer" })));
        let likely = likely_url(&context, &summary).map(|url| format!("{url:?}"));
        assert_eq!(likely, url("github.com"));
        // A personal token without a server is for no known host.
        summary.kind = summary::Kind::Static;
        assert_eq!(likely_url(&context, &summary), None);
    }
}
