//! `tokctl docker-credential`: a credential helper for docker, and for what speaks its protocol.
//!
//! docker calls it as `docker-credential-tokctl`, a symbolic link to the program, and reads on its
//! stdout what went wrong as well.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use url::Url;
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::renewal::{self, RenewalCaller};
use crate::cli::vaults::{self, NotOpened};
use crate::cli::{audit_trail, keys};
use crate::model::account::{Account, AccountFilter};
use crate::model::audit::Action;
use crate::model::credential::{ApiAuth, Credential, Status};
use crate::ops::error::StoreError;
use crate::ops::{Vault, credential, token};
use crate::secret::SecretText;

/// The name under which docker calls the program.
const CALLED: &str = "docker-credential-tokctl";

/// The words by which docker knows that there is no such credential, and goes on without one.
const NOT_FOUND: &str = "credentials not found in native keychain\n";

/// The size limit of a request, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// Answer docker, which asks for a user name and a secret
///
/// A token is the secret for the registry that its login named (`--server`), at that very host and
/// port, and for no other. Of several credentials for one registry, that of TOKCTL_USER is taken;
/// if that is not clear, nothing is answered.
///
/// docker finds it as `docker-credential-tokctl`, a symbolic link to tokctl in PATH.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ln -s \"$(command -v tokctl)\" ~/.local/bin/docker-credential-tokctl
  tokctl login acme/bot --server https://registry.acme.example --token-stdin < token.txt
  echo registry.acme.example | tokctl docker-credential get")]
pub(crate) struct Args {
    /// What docker asks for; `store` and `erase` change nothing, since tokctl keeps what `tokctl
    /// login` was given
    #[arg(value_name = "get|list|store|erase")]
    operation: Operation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Operation {
    Get,
    List,
    Store,
    Erase,
}

/// docker's form of a credential.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    #[serde(rename = "ServerURL")]
    server_url: &'a str,
    username: &'a str,
    secret: &'a str,
}

/// Returns the arguments that a call by docker stands for; others as they are.
pub(crate) fn as_command(args: Vec<OsString>) -> Vec<OsString> {
    let called = args.first().and_then(|name| Path::new(name).file_name());
    if called != Some(OsStr::new(CALLED)) {
        return args;
    }
    let [name, command] = ["tokctl", "docker-credential"].map(OsString::from);
    [name, command].into_iter().chain(args.into_iter().skip(1)).collect()
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    match args.operation {
        Operation::Get => get(context),
        Operation::List => list(context).map(|()| ExitCode::SUCCESS),
        Operation::Store => refuse(context, "nothing was stored: use `tokctl login`\n"),
        Operation::Erase => refuse(context, "nothing was erased: use `tokctl delete`\n"),
    }
}

/// Says on stdout what docker shows.
fn refuse(context: &Context, words: &str) -> Result<ExitCode, CliError> {
    context.ui.data(words.as_bytes())?;
    Ok(ExitCode::FAILURE)
}

fn get(context: &Context) -> Result<ExitCode, CliError> {
    let asked = read_request()?;
    let Some(registry) = Registry::asked(&asked) else { return refuse(context, NOT_FOUND) };
    let Some(vault) = open(context)? else { return refuse(context, NOT_FOUND) };
    let Some(account) = choose(context, &vault, &registry)? else {
        return refuse(context, NOT_FOUND);
    };
    let vault = keys::unlock(context, vault)?;
    // The clear columns only helped to find the credential; the sealed row decides.
    let credential = credential::expect(&vault, &account)?.stored.credential;
    if own_registry(&credential) != Some(registry) {
        return refuse(context, NOT_FOUND);
    }
    let got = token::live(&vault, &account, renewal::USUAL, &RenewalCaller::alone(context));
    let got = got.map_err(CliError::from);
    let outcome = audit_trail::outcome(&got);
    let command = "docker-credential";
    let recorded = audit_trail::record(context, &vault, command, Action::Get, &account, outcome);
    let live_token = got?;
    recorded?;
    renewal::warn(context, &account, &live_token);
    let credential = &live_token.credential;
    let username = credential.api.username.as_deref().unwrap_or(account.user.as_str());
    let secret = token::token_of(&account, credential)?.expose();
    print(context, &Answer { server_url: &asked, username, secret })?;
    Ok(ExitCode::SUCCESS)
}

/// Lists the registries with their users, without a key.
fn list(context: &Context) -> Result<(), CliError> {
    let mut listed = BTreeMap::new();
    if let Some(vault) = open(context)? {
        for summary in vault.summaries(AccountFilter::default(), |summary| {
            summary.status != Status::HandedOver && summary.server_url.is_some()
        })? {
            if let Some(server) = summary.server_url {
                let user = summary.username.unwrap_or_else(|| summary.account.user.to_string());
                listed.insert(server, user);
            }
        }
    }
    print(context, &listed)
}

fn print(context: &Context, value: &impl Serialize) -> Result<(), CliError> {
    let mut text = Zeroizing::new(Vec::with_capacity(16 * 1024));
    serde_json::to_writer(&mut *text, value)
        .map_err(|error| CliError::new(Kind::Failed, "could not write JSON").caused_by(&error))?;
    text.push(b'\n');
    context.ui.data(&text)
}

fn open(context: &Context) -> Result<Option<Vault>, CliError> {
    match vaults::open_read_only(context) {
        Err(NotOpened::Store(StoreError::NoVault { .. })) => Ok(None),
        other => Ok(Some(other?)),
    }
}

fn read_request() -> Result<String, CliError> {
    let mut bytes = Vec::new();
    let mut stdin = std::io::stdin().lock().take(LONGEST);
    stdin.read_to_end(&mut bytes).map_err(|error| {
        CliError::new(Kind::Failed, "could not read docker's request from stdin").caused_by(&error)
    })?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// Returns the account for `registry`, if there is one and it is clear which.
fn choose(
    context: &Context,
    vault: &Vault,
    registry: &Registry,
) -> Result<Option<Account>, CliError> {
    let origins = ["https", "http"].map(|scheme| format!("{scheme}://{}", registry.0));
    let mut found = vault.summaries_at(&origins)?;
    found.retain(|summary| {
        let server = summary.server_url.as_deref().and_then(|server| Url::parse(server).ok());
        summary.status != Status::HandedOver
            && server.and_then(|server| Registry::of(&server)).as_ref() == Some(registry)
    });
    found.sort_by(|one, other| one.account.cmp(&other.account));
    if found.len() > 1
        && let Some(user) = context.default_user()?
    {
        found.retain(|summary| summary.account.user == user);
    }
    match &found[..] {
        [] => Ok(None),
        [one] => Ok(Some(one.account.clone())),
        several => {
            let shown: Vec<String> =
                several.iter().map(|summary| format!("`{}`", summary.account)).collect();
            context.ui.warning(&format!(
                "which one of {}? docker got no answer: name the user in TOKCTL_USER",
                shown.join(", ")
            ));
            Ok(None)
        }
    }
}

/// Returns the registry that a credential is for, if its token can go as a secret.
fn own_registry(credential: &Credential) -> Option<Registry> {
    match &credential.api.auth {
        ApiAuth::Bearer | ApiAuth::Basic => Registry::of(credential.api.server_url.as_ref()?.url()),
        ApiAuth::Header(_) => None,
    }
}

/// A registry's host, normalized by the URL standard, and port.
#[derive(Debug, PartialEq, Eq)]
struct Registry(String, u16);

impl Registry {
    /// Parses what docker asks for: a host, with a port unless it is the scheme's, or an address.
    fn asked(text: &str) -> Option<Self> {
        let address = if text.contains("://") { text } else { &format!("https://{text}") };
        Self::of(
            &Url::parse(address)
                .ok()
                .filter(|url| url.username().is_empty() && url.password().is_none())?,
        )
    }

    fn of(url: &Url) -> Option<Self> {
        Some(Self(url.host_str()?.to_owned(), url.port_or_known_default()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_its_host_and_port() {
        let own = Registry::asked("https://registry.example").unwrap();
        for same in ["registry.example", "REGISTRY.example:443", "https://registry.example/v1/"] {
            assert_eq!(Registry::asked(same).as_ref(), Some(&own), "{same}");
        }
        for other in [
            "registry.example:5000",
            "http://registry.example",
            "registry.example.evil",
            "x.registry.example",
            "registry.example@evil.example",
            "evil.example/registry.example",
            "",
        ] {
            assert_ne!(Registry::asked(other).as_ref(), Some(&own), "{other}");
        }
    }

    #[test]
    fn docker_calls_it_by_a_name_of_its_own() {
        let args = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let meant = args(&["tokctl", "docker-credential", "get"]);
        assert_eq!(as_command(args(&["/usr/bin/docker-credential-tokctl", "get"])), meant);
        assert_eq!(as_command(args(&["tokctl", "get"])), args(&["tokctl", "get"]));
    }
}
