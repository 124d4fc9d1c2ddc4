//! A login with the key file of a Google service account.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::client;
use super::destination::{Destination, Done};
use super::granted;
use super::stored::Stored;
use crate::cli::certificates;
use crate::cli::client_settings;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::time;
use crate::model::account::UserName;
use crate::model::service_account::ServiceAccount;
use crate::ops::login::service_account::GOOGLE;
use crate::ops::login::{Plan, service_account};
use crate::ops::providers::Provider;
use crate::secret::{PrivateKey, SecretText};

#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// The key file of a Google service account
    #[arg(long, value_name = "JSON", help_heading = "With a service account")]
    pub(super) service_account: Option<PathBuf>,

    /// The person in whose name it acts, by domain-wide delegation
    #[arg(long, value_name = "USER", help_heading = "With a service account")]
    subject: Option<String>,
}

impl Args {
    /// Returns whether a flag of this group was given.
    pub(super) fn is_given(&self) -> bool {
        self.service_account.is_some() || self.subject.is_some()
    }
}

pub(super) fn run(
    own: &Args,
    client: &client::Args,
    destination: Destination<'_>,
    stored: Option<&Stored>,
    context: &Context,
    provider: Provider,
    user: Option<UserName>,
) -> Result<Done, CliError> {
    let sealed = stored.and_then(Stored::service_account);
    let (account, is_sealed) = match (&own.service_account, sealed) {
        (Some(path), _) => {
            let text = client_settings::read_secret_text(context, path)?;
            (parse(&text, path, own.subject.clone(), &provider)?, false)
        }
        (None, Some(sealed)) => {
            let subject = own.subject.clone().or_else(|| sealed.subject.clone());
            (ServiceAccount { subject, ..sealed.clone() }, true)
        }
        (None, None) => {
            return Err(CliError::new(
                Kind::Usage,
                "which service account? name its key file with `--service-account`",
            )
            .hint(format!("tokctl providers {}", provider.name)));
        }
    };
    let scopes = match stored {
        Some(stored) if !client.names_scopes() => stored.scopes(context, &provider),
        Some(_) | None => None,
    };
    let scopes = match scopes {
        Some(scopes) => scopes,
        None => client.scopes(&provider)?,
    };
    let user = granted::own_name(user, account.subject.as_ref().unwrap_or(&account.email))?;
    let name = provider.name.clone();
    let mut plan = Plan::new(provider, account.email.clone());
    plan.trusted_certificates = certificates::trusted_certificates(&plan.provider)?;
    plan.server.clone_from(&destination.server);
    plan.scopes = scopes;
    // What the key signs is for the endpoint for which it was sealed, and for no other.
    plan.sealed = stored.filter(|_| is_sealed).and_then(Stored::signing_client);
    granted::without_person(context, destination, &name, user, |told| {
        service_account::log_in(plan, account, time::now, told)
    })
}

/// Fails if the file at `path` is no key file that a login can use.
pub(super) fn check(path: &Path, provider: &Provider) -> Result<(), CliError> {
    let text = Zeroizing::new(client_settings::read_text(path)?);
    parse(&text, path, None, provider).map(drop)
}

/// Parses `text`, the content of the key file at `path`.
///
/// The token endpoint in the file is ignored: whoever made the file could direct signatures to a
/// server of their own.
fn parse(
    text: &str,
    path: &Path,
    subject: Option<String>,
    provider: &Provider,
) -> Result<ServiceAccount, CliError> {
    #[derive(Deserialize)]
    struct File {
        r#type: String,
        client_email: String,
        private_key: String,
        private_key_id: Option<String>,
        token_uri: Option<String>,
    }
    let shown = path.display();
    let unusable = |what: &str| CliError::new(Kind::Usage, format!("`{shown}` {what}"));
    let file: File =
        serde_json::from_str(text).map_err(|_| unusable("is no key file of a service account"))?;
    let private_key = PrivateKey::from_trusted(file.private_key);
    if file.r#type != "service_account" {
        return Err(unusable("is a key file of another kind")
            .hint("make a key for a service account in Google's console"));
    }
    let definition = &provider.definition;
    let defined = definition.token_endpoint.as_ref();
    // Where the definition leaves the endpoint to its issuer, the file's own counts for nothing.
    let is_left_to_issuer = defined.is_none() && definition.issuer.is_some();
    let is_known = |uri: String| uri == GOOGLE || Some(&uri) == defined;
    if !is_left_to_issuer && file.token_uri.is_some_and(|uri| !is_known(uri)) {
        return Err(unusable("wants its signatures sent elsewhere than to Google")
            .hint("see where the file is from; another endpoint is named in config.toml"));
    }
    Ok(ServiceAccount {
        email: file.client_email,
        key_id: file.private_key_id,
        private_key,
        subject,
    })
}
