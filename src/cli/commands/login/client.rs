//! The OAuth client of a login, and the scopes that it asks for.

use std::path::{Path, PathBuf};

use super::destination::Destination;
use super::stored::{self, Stored};
use crate::cli::certificates;
use crate::cli::client_settings;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::model::client_authentication::TokenEndpointAuthMethod;
use crate::model::client_key::ConfiguredKey;
use crate::model::scope::Scopes;
use crate::ops::login::{Plan, SealedClient};
use crate::ops::providers::Provider;
use crate::secret::ClientSecret;

#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// The id of the OAuth client [env: TOKCTL_<PROVIDER>_CLIENT_ID]
    #[arg(long, value_name = "ID", help_heading = "With an OAuth client")]
    pub(super) client_id: Option<String>,

    /// A file with the client's secret [env: TOKCTL_<PROVIDER>_CLIENT_SECRET]
    #[arg(long, value_name = "FILE", help_heading = "With an OAuth client")]
    client_secret_file: Option<PathBuf>,

    /// A file with the client's private key, in place of a secret [env: TOKCTL_<PROVIDER>_CLIENT_KEY]
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "With an OAuth client",
        conflicts_with = "client_secret_file"
    )]
    client_key_file: Option<PathBuf>,

    /// A client file from Google's console, in place of id and secret
    #[arg(long, value_name = "GOOGLE_JSON", help_heading = "With an OAuth client",
        conflicts_with_all = ["client_id", "client_secret_file", "client_key_file"])]
    pub(super) client_secrets: Option<PathBuf>,

    /// A scope to ask for, in place of the provider's own; repeatable
    #[arg(long = "scope", value_name = "SCOPE", help_heading = "With an OAuth client")]
    scopes: Vec<String>,

    /// The client's secret, if the user typed it at a prompt.
    #[arg(skip)]
    pub(super) secret: Option<ClientSecret>,
}

/// The client that the user described in a dialogue; `None` for what needed no question.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) id: Option<String>,
    /// The JSON file from Google's console that was named in place of an id.
    pub(super) google_file: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) secret: Option<ClientSecret>,
}

impl Args {
    /// Returns whether a flag names the client.
    pub(super) fn names_client(&self) -> bool {
        self.client_id.is_some()
            || self.client_secret_file.is_some()
            || self.client_key_file.is_some()
            || self.is_googles()
    }

    /// Returns whether the client comes from a Google client file, which does not tell its type.
    pub(super) fn is_googles(&self) -> bool {
        self.client_secrets.is_some()
    }

    /// Returns whether a flag of this group was given.
    pub(super) fn is_given(&self) -> bool {
        self.names_client() || self.names_scopes()
    }

    /// Takes what the user answered in a dialogue for what no flag names.
    pub(super) fn complete(&mut self, answers: &Typed) {
        self.client_id = self.client_id.take().or_else(|| answers.id.clone());
        self.client_secrets = self.client_secrets.take().or_else(|| answers.google_file.clone());
        self.client_key_file = self.client_key_file.take().or_else(|| answers.key_file.clone());
        self.secret.clone_from(&answers.secret);
    }

    pub(super) fn names_scopes(&self) -> bool {
        !self.scopes.is_empty()
    }

    /// Returns the scopes to ask for.
    pub(super) fn scopes(&self, provider: &Provider) -> Result<Scopes, CliError> {
        Ok(provider.scopes(&self.scopes)?)
    }
}

/// The id of a client, and its secret or key.
type Configured = (String, Option<ClientSecret>, Option<ConfiguredKey>);

/// Returns the client that flags, environment or configuration name, if they name another than `kept`,
/// which the vault has, or bring a secret or key for that one.
pub(super) fn configured(
    own: &Args,
    context: &Context,
    provider: &Provider,
    kept: Option<&str>,
) -> Result<Option<Configured>, CliError> {
    let named = own.client_id.clone().or_else(|| client_settings::client_id(context, provider));
    let Some(id) = named.as_deref().or(kept).map(str::to_owned) else {
        if own.names_client() {
            let message =
                "a client's secret or key is of no use without its id: give `--client-id`";
            return Err(CliError::new(Kind::Usage, message).hint("tokctl login --help"));
        }
        return Ok(None);
    };
    let (secret, key) = proofs(own, context, provider)?;
    let is_kept = kept == Some(id.as_str()) && secret.is_none() && key.is_none();
    Ok((!is_kept).then_some((id, secret, key)))
}

/// Returns whether the id and the secret of a client are known without a question.
pub(super) fn known(
    own: &Args,
    destination: &mut Destination<'_>,
    stored: Option<&Stored>,
    context: &Context,
    provider: &Provider,
) -> Result<(bool, bool), CliError> {
    if own.is_googles() {
        return Ok((true, true));
    }
    let named = own.client_id.clone().or_else(|| client_settings::client_id(context, provider));
    let has_secret = own.client_secret_file.is_some()
        || own.client_key_file.is_some()
        || client_settings::client_secret(context, provider)?.is_some()
        || client_settings::client_key(context, provider)?.is_some();
    if named.is_some() && (has_secret || !provider.needs_secret()) {
        return Ok((true, true));
    }
    let sealed = in_vault(destination, stored, provider, named.as_deref())?
        .filter(|sealed| named.as_ref().is_none_or(|named| *named == sealed.client.id));
    let is_sealed = sealed.as_ref().is_some_and(|sealed| {
        let authentication = &sealed.client.authentication;
        authentication.secret().is_some()
            || authentication.key().is_some()
            || !sealed.headers.is_empty()
    });
    Ok((named.is_some() || sealed.is_some(), has_secret || is_sealed))
}

/// Makes the plan of a login from flags, environment, configuration, and the credential that it
/// replaces.
pub(super) fn plan(
    own: &Args,
    destination: &mut Destination<'_>,
    stored: Option<&Stored>,
    context: &Context,
    provider: Provider,
) -> Result<Plan, CliError> {
    let chosen = client(own, destination, stored, context, &provider)?;
    let id = chosen.id.ok_or_else(|| no_client(&provider))?;
    let scopes = match stored {
        Some(stored) if !own.names_scopes() => stored.scopes(context, &provider),
        Some(_) | None => None,
    };
    let scopes = match scopes {
        Some(scopes) => scopes,
        None => own.scopes(&provider)?,
    };
    let certificates = certificates::trusted_certificates(&provider)?;
    let certificate = certificates::client_certificate(context, &provider)?;
    let mut plan = Plan::new(provider, id);
    plan.server.clone_from(&destination.server);
    plan.client_secret = chosen.secret;
    plan.sealed = chosen.sealed;
    plan.client_key = chosen.key;
    plan.client_certificate = certificate.or_else(|| {
        let sealed = plan.sealed.as_ref().map(|sealed| &sealed.client)?;
        sealed.certificate.clone()
    });
    plan.trusted_certificates = certificates.or_else(|| stored?.trusted_certificates());
    plan.scopes = scopes;
    Ok(plan)
}

/// Fails if the file at `path` has no key with which a client of `provider` can sign.
pub(super) fn check_key(
    context: &Context,
    path: &Path,
    provider: &Provider,
) -> Result<(), CliError> {
    let key = client_settings::read_key(context, path, provider)?;
    provider.client_key(&key, None)?;
    Ok(())
}

/// Returns the error for a login that has no client, which names the other way too.
fn no_client(provider: &Provider) -> CliError {
    let name = &provider.name;
    CliError::new(
        Kind::Usage,
        format!(
            "`{name}` needs the id of an OAuth client that you registered: give `--client-id`, or bring a token that you made there with `--token-stdin`"
        ),
    )
    .hint(format!("tokctl providers {name}"))
}

/// Fails if the definition requires a secret or key of the client and there is none.
pub(super) fn expect_proof(plan: &Plan) -> Result<(), CliError> {
    let name = &plan.provider.name;
    if plan.provider.needs_key() && plan.client_key.is_none() {
        return Err(CliError::new(
            Kind::Usage,
            format!("`{name}` needs the private key of the OAuth client: give `--client-key-file`"),
        )
        .hint(format!("tokctl providers {name}")));
    }
    if plan.provider.needs_certificate() && plan.client_certificate.is_none() {
        return Err(CliError::new(
            Kind::Usage,
            format!("`{name}` needs the certificate of the OAuth client: set `client_certificate_file` in config.toml"),
        )
        .hint(format!("tokctl providers {name}")));
    }
    // A public client's secret is for the API alone, and its header is in the vault.
    let is_sealed = |sealed: &SealedClient| {
        plan.provider.definition.callback_check.is_none()
            && sealed.client.authentication.method() == TokenEndpointAuthMethod::None
            && !sealed.headers.is_empty()
    };
    if !plan.provider.needs_secret()
        || plan.client_secret.is_some()
        || plan.sealed.as_ref().is_some_and(is_sealed)
    {
        return Ok(());
    }
    Err(CliError::new(
        Kind::Usage,
        format!("`{name}` needs the secret of the OAuth client: give `--client-secret-file`"),
    )
    .hint(format!("tokctl providers {name}")))
}

/// The client of a login.
struct Chosen {
    id: Option<String>,
    secret: Option<ClientSecret>,
    key: Option<ConfiguredKey>,
    /// The client in the vault, if the secret or key is its.
    sealed: Option<SealedClient>,
}

/// Returns the client: from the flags, else from environment and configuration, else from the vault.
fn client(
    own: &Args,
    destination: &mut Destination<'_>,
    stored: Option<&Stored>,
    context: &Context,
    provider: &Provider,
) -> Result<Chosen, CliError> {
    let none = Chosen { id: None, secret: None, key: None, sealed: None };
    if let Some(path) = &own.client_secrets {
        let text = client_settings::read_secret_text(context, path)?;
        let (id, secret) = client_settings::google_client(&text, path)?;
        return Ok(Chosen { id: Some(id), secret, ..none });
    }
    let named = own.client_id.clone().or_else(|| client_settings::client_id(context, provider));
    let (secret, key) = proofs(own, context, provider)?;
    let is_complete =
        (secret.is_some() || !provider.needs_secret()) && (key.is_some() || !provider.needs_key());
    if stored.is_none() && named.is_some() && is_complete {
        return Ok(Chosen { id: named, secret, key, ..none });
    }
    let sealed = in_vault(destination, stored, provider, named.as_deref())?;
    let Some(sealed) = sealed else { return Ok(Chosen { id: named, secret, key, ..none }) };
    let kept = &sealed.client.id;
    match named {
        Some(named) if named != *kept => {
            context.ui.status(&format!(
                "the client is `{named}`, as flags, environment or configuration say; this login was stored with `{kept}`"
            ));
            Ok(Chosen { id: Some(named), secret, key, ..none })
        }
        Some(_) | None if secret.is_some() || key.is_some() => {
            Ok(Chosen { id: Some(kept.clone()), secret, key, ..none })
        }
        Some(_) | None => {
            let authentication = &sealed.client.authentication;
            let secret = authentication.secret().cloned();
            let key = authentication.key().cloned().map(ConfiguredKey::from);
            let holds_some = secret.is_some()
                || key.is_some()
                || sealed.client.certificate.is_some()
                || !sealed.headers.is_empty();
            let id = Some(kept.clone());
            Ok(Chosen { id, secret, key, sealed: holds_some.then_some(sealed) })
        }
    }
}

/// Returns the client's secret and key, from the flags, else from environment and configuration. A
/// flag for one of them rules the other out.
fn proofs(
    own: &Args,
    context: &Context,
    provider: &Provider,
) -> Result<(Option<ClientSecret>, Option<ConfiguredKey>), CliError> {
    match (&own.secret, &own.client_secret_file, &own.client_key_file) {
        (Some(typed), ..) => Ok((Some(typed.clone()), None)),
        (None, Some(path), _) => Ok((Some(client_settings::read_secret(context, path)?), None)),
        (None, None, Some(path)) => {
            let secret = client_settings::client_secret(context, provider)?;
            Ok((secret, Some(client_settings::read_key(context, path, provider)?)))
        }
        (None, None, None) => Ok((
            client_settings::client_secret(context, provider)?,
            client_settings::client_key(context, provider)?,
        )),
    }
}

/// The number of a provider's credentials whose clients are compared, at most: each is opened.
const MOST_COMPARED: usize = 16;

/// Returns the client of the stored credential; else that of the provider's other credentials, if
/// they have one in common.
fn in_vault(
    destination: &mut Destination<'_>,
    stored: Option<&Stored>,
    provider: &Provider,
    named: Option<&str>,
) -> Result<Option<SealedClient>, CliError> {
    if let Some(found) = stored.and_then(|stored| stored::sealed_client(&stored.0)) {
        return Ok(Some(found));
    }
    let all = destination.first_stored(&provider.name, MOST_COMPARED)?;
    let mut clients = all
        .iter()
        .filter_map(stored::sealed_client)
        .filter(|found| named.is_none_or(|named| named == found.client.id));
    let Some(first) = clients.next() else { return Ok(None) };
    let alike = |other: SealedClient| {
        other.client.id == first.client.id
            && other.client.token_endpoint == first.client.token_endpoint
    };
    Ok(clients.all(alike).then_some(first))
}
