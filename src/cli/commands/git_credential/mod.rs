//! `tokctl git-credential`: a credential helper for git (gitcredentials(7)).
//!
//! Answers for the place that a credential is for, and for no other: where it has nothing to say,
//! it says nothing, and git asks the next helper.

mod place;
mod request;

use zeroize::Zeroizing;

use self::place::{Lies, Place};
use self::request::Request;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::renewal::{self, Asking};
use crate::cli::{audit_trail, keys};
use crate::model::account::{Account, ProviderName, UserName};
use crate::model::audit::Action;
use crate::model::credential::{ApiAuth, Credential, Expiry, Grant, Status};
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

    /// Only credentials of this service
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<ProviderName>,

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
    let Some(place) = Place::asked(&request.host, request.path.as_deref()) else { return Ok(()) };
    let store = match Vault::open_read_only(context.vault()?) {
        Err(StoreError::NoVault { .. }) => return Ok(()),
        other => other?,
    };
    let Some(account) = chosen(args, context, &store, &request, &place)? else { return Ok(()) };
    let vault = keys::unlock(context, store)?;
    // What is in the clear only helped to find it.
    let credential = credential::expect(&vault, &account)?.stored.credential;
    if own_place(&credential).is_none_or(|own| own.contains(&place) != Lies::Within) {
        return Ok(());
    }
    let got = token::live(&vault, &account, renewal::USUAL, &Asking::alone(context));
    let got = got.map_err(CliError::from);
    let outcome = audit_trail::outcome(&got);
    let command = "git-credential";
    let recorded = audit_trail::record(context, &vault, command, Action::Get, &account, outcome);
    let handed = got?;
    recorded?;
    renewal::warn(context, &account, &handed);
    let username = username(&request, &account, &handed.credential);
    let token = token::token_of(&account, &handed.credential)?;
    context.ui.data(answer(username, &handed.credential, token)?.as_bytes())
}

/// The one credential that is meant, if that is clear.
fn chosen(
    args: &Args,
    context: &Context,
    store: &Vault,
    request: &Request,
    place: &Place,
) -> Result<Option<Account>, CliError> {
    let (mut found, _) = store.summaries()?;
    let default_user = match (&args.user, request.user()) {
        (None, None) => context.default_user()?,
        (_, _) => None,
    };
    let user = args.user.as_ref().or(default_user.as_ref());
    found.retain(|summary| {
        args.provider.as_ref().is_none_or(|provider| summary.account.provider == *provider)
            && user.is_none_or(|user| summary.account.user == *user)
            && (args.user.is_some() || request.user().is_none_or(|name| is_named(summary, name)))
    });
    let (mut unknown, mut nowhere) = (None, None);
    found.retain(|summary| match likely_place(context, summary).map(|own| own.contains(place)) {
        Some(Lies::Within) => true,
        Some(Lies::Unknown) => {
            unknown = Some(summary.account.clone());
            false
        }
        Some(Lies::Elsewhere) => false,
        None => {
            nowhere = Some(summary.account.clone());
            false
        }
    });
    // Who names the service or the user means it to be answered.
    if let ([], None, Some(account), true) =
        (&found[..], &unknown, nowhere, args.provider.is_some() || args.user.is_some())
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

/// The place that a credential is for, as far as that can be told before it is opened: by what is
/// in the clear, and by today's definition of its provider.
fn likely_place(context: &Context, summary: &Summary) -> Option<Place> {
    if summary.status == Status::HandedOver {
        return None;
    }
    match (&summary.server_url, summary.kind) {
        (Some(server), _) => Place::of(&server.parse().ok()?),
        (None, summary::Kind::Static) => None,
        (None, summary::Kind::OAuth) => {
            let provider = providers::today(&summary.account.provider, context.config().ok())?;
            let endpoints = provider.endpoints(None, None).ok()?;
            Some(Place::of(&endpoints.token)?.root())
        }
    }
}

/// The place that a credential is for, by what is under its seal: its server, else the host that
/// issued it, which sees its every refresh.
fn own_place(credential: &Credential) -> Option<Place> {
    let carried_as_password = match &credential.api.auth {
        ApiAuth::Bearer | ApiAuth::Basic => true,
        ApiAuth::Header(_) => false,
    };
    match (&credential.api.server_url, &credential.grant) {
        _ if !carried_as_password => None,
        (Some(server), _) => Place::of(server),
        (None, Grant::OAuth(grant)) => Some(Place::of(&grant.client.token_endpoint)?.root()),
        (None, Grant::Static(_)) => None,
    }
}

/// The name that goes with the token: the one that git asks for, else the one that is part of the
/// authentication. A forge that takes a token by itself looks at the name only to tell tokens of
/// OAuth from a person's own.
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
        own_place(&credential(api)).map(|place| format!("{place:?}"))
    }

    fn place(host: &str) -> Option<String> {
        Place::asked(host, None).map(|place| format!("{place:?}"))
    }

    #[test]
    fn a_login_is_for_its_server_or_else_for_the_host_that_issued_it() {
        assert_eq!(own(&json!({ "auth": "bearer" })), place("github.com"));
        let at = |server| json!({ "auth": "bearer", "server_url": server });
        assert_eq!(own(&at("https://git.example")), place("git.example"));
        assert_eq!(own(&at("http://127.0.0.1:1")), None);
        // A password would not reach a service that wants another header.
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
        let likely = likely_place(&context, &summary).map(|place| format!("{place:?}"));
        assert_eq!(likely, place("github.com"));
        // Nobody said for which server a person's own token is.
        summary.kind = summary::Kind::Static;
        assert_eq!(likely_place(&context, &summary), None);
    }
}
