//! `tokctl git-credential`: a credential helper for git (gitcredentials(7)).
//!
//! It answers only for the address that a credential is for. Otherwise it prints nothing, and git
//! asks its next helper.

mod credential_url;
mod request;
mod no_answer;
mod choice;

use zeroize::Zeroizing;

use self::credential_url::{CredentialUrl, Relation};
use self::no_answer::NoAnswer;
use self::request::Request;
use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::renewal::{self, RenewalCaller};
use crate::cli::vaults::{self, NotOpened};
use crate::cli::{audit_trail, keys, time};
use crate::model::account::{Account, UserName};
use crate::model::audit::Action;
use crate::model::credential::{ApiAuth, Credential, Expiry, Grant};
use crate::model::reference::Named;
use crate::ops::check::{self, Noted};
use crate::ops::error::StoreError;
use crate::ops::{OpenVault, credential, git_servers, token};
use crate::secret::{AccessToken, SecretText};
use crate::untrusted::printable;

/// The name of this command in the audit.
const COMMAND: &str = "git-credential";

/// Answer git, which asks for a user name and a password
///
/// A token is the password for the server that its login named (`--server`). Without one, an OAuth
/// token is the password for the host that issued it, and a personal token for the host of its
/// API; a token of github.com for github.com and gist.github.com. It is answered over https, at
/// that very host and port, and below its path if it has one. Nothing else is answered, so that git
/// asks its next helper; `-v` says why.
///
/// Of several credentials for one server the one is taken that git's URL or `credential.username`
/// names, else that of TOKCTL_USER. If that is not clear, nothing is answered.
///
/// Where git says that a server refused the token, it is renewed before the next use; one that
/// can't be renewed is told with each use.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  git config --global credential.https://github.com.helper '!tokctl git-credential'
  git config --global credential.https://git.example.helper '!tokctl git-credential --user alice'")]
pub(crate) struct Args {
    /// What git asks for: `get` answers; `erase` notes that a server refused the token; `store`
    /// does nothing, since what git knows came from here; others are ignored, as git wants it
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
    let done = match args.operation.as_str() {
        "get" => get(args, context),
        "erase" => erase(args, context),
        "store" => Err(NoAnswer::Usual("what `store` brings came from here".into())),
        other => Err(NoAnswer::Usual(format!("`{}` is not known", printable(other)))),
    };
    done.or_else(|no_answer| no_answer.tell(context))
}

fn get(args: &Args, context: &Context) -> Result<(), NoAnswer> {
    let request = Request::read()?;
    let (vault, account) = find(args, context, &request)?;
    let got = token::live(&vault, &account, renewal::USUAL, &RenewalCaller::alone(context));
    let got = got.map_err(CliError::from);
    let outcome = audit_trail::outcome(&got);
    let recorded = audit_trail::record(context, &vault, COMMAND, Action::Get, &account, outcome);
    let live_token = got?;
    recorded?;
    renewal::warn(context, &account, &live_token);
    let username = username(&request, &account, &live_token.credential);
    let token = token::token_of(&account, &live_token.credential)?;
    context.ui.data(answer(username, &live_token.credential, token)?.as_bytes())?;
    Ok(())
}

/// Notes that a server refused the token that git was given, if it is still the stored one.
fn erase(args: &Args, context: &Context) -> Result<(), NoAnswer> {
    let request = Request::read()?;
    let Some(refused) = &request.password else {
        return Err(NoAnswer::Usual("git did not say which token was refused".into()));
    };
    let (vault, account) = find(args, context, &request)?;
    let noted = check::note_refusal(&vault, &account, refused, time::now)?;
    let reason = match noted {
        Noted::Yes => {
            let whose = (&account.provider, Some(&account.user));
            audit_trail::note(context, &vault, COMMAND, Action::Check, whose, "inactive");
            context.ui.detail(&format!("noted that a server refused the token of `{account}`"));
            return Ok(());
        }
        Noted::OtherToken => "has another token by now",
        Noted::InDoubt => "stays as it is, since what became of an earlier refresh is not known",
    };
    Err(NoAnswer::Usual(format!("`{account}` {reason}")))
}

/// Opens the vault, and finds the account that `request` means.
fn find(
    args: &Args,
    context: &Context,
    request: &Request,
) -> Result<(OpenVault, Account), NoAnswer> {
    if request.protocol != "https" {
        let protocol = printable(&request.protocol);
        return Err(NoAnswer::Usual(format!(
            "it asked for `{protocol}`, and a token is sent over https alone"
        )));
    }
    let url = CredentialUrl::from_request(&request.host, request.path.as_deref());
    let url = url.ok_or_else(|| {
        NoAnswer::Usual(format!("`{}` is not the name of a host", printable(&request.host)))
    })?;
    let vault = match vaults::open_read_only(context) {
        Err(NotOpened::Store(StoreError::NoVault { .. })) => {
            return Err(NoAnswer::Usual("there is no vault yet".into()));
        }
        other => other.map_err(CliError::from)?,
    };
    let choice = Choice::of(args.provider.clone(), args.user.clone())
        .map_err(|message| CliError::new(Kind::Usage, message).hint("tokctl list"))?;
    let account = choice::account(&choice, context, &vault, request, &url)?;
    let vault = keys::unlock(context, vault)?;
    // The clear columns only helped to find the credential; the sealed row decides.
    let credential = credential::expect(&vault, &account)?.stored.credential;
    let servers = git_servers::sealed(&credential);
    if choice::relation(&servers, &url) != Some(Relation::Within) {
        return Err(NoAnswer::Usual(match &credential.api.auth {
            ApiAuth::Header(name) => {
                format!(
                    "the token of `{account}` goes into the header `{name}`, and not into a password"
                )
            }
            ApiAuth::Bearer | ApiAuth::Basic => {
                format!("`{account}` was stored for another server than {url}")
            }
        }));
    }
    Ok((vault, account))
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
