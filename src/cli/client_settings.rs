//! Settings of the OAuth client that the user registered: its id, its secret, its trusted
//! certificates.

use std::path::Path;

use super::context::{ANSWERED, Context};
use super::error::{CliError, Kind};
use super::explain::untrusted_file;
use super::program;
use super::secret_file;
use crate::model::account::ProviderName;
use crate::model::address::Address;
use crate::model::client::Client;
use crate::ops::providers::{self, Provider};
use crate::private_file;
use crate::secret::{ClientSecret, SecretText};

/// The size limit of a secret, certificate or client file, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Returns the client id from the environment, or else from the provider's definition.
pub(crate) fn client_id(context: &Context, provider: &Provider) -> Option<String> {
    context
        .environment
        .text(&id_variable(&provider.name))
        .or_else(|| provider.definition.client_id.clone())
}

/// Returns the client secret from the environment, or else from where the provider's definition
/// says.
///
/// Fails when the definition names a variable, file or command that gives no secret.
pub(crate) fn client_secret(
    context: &Context,
    provider: &Provider,
) -> Result<Option<ClientSecret>, CliError> {
    let environment = &context.environment;
    let definition = &provider.definition;
    if let Some(secret) = environment.text(&secret_variable(&provider.name)) {
        return Ok(Some(ClientSecret::from_trusted(secret)));
    }
    if let Some(name) = &definition.client_secret_env {
        let secret = environment.text(name).ok_or_else(|| {
            CliError::new(
                Kind::Usage,
                format!("{name} should hold the client secret, and is not set"),
            )
            .hint(format!("set {name}"))
        })?;
        return Ok(Some(ClientSecret::from_trusted(secret)));
    }
    if let Some(path) = &definition.client_secret_file {
        return read_secret(context, path).map(Some);
    }
    match &definition.client_secret_command {
        Some(command) => context
            .ui
            .while_program_runs("waiting for client_secret_command", || {
                program::output(command, environment, context.patience(), Kind::Usage)
            })
            .map(|printed| Some(ClientSecret::from_trusted(printed.to_string()))),
        None => Ok(None),
    }
}

/// Reads a client secret from a file, without the white space at its end.
pub(crate) fn read_secret(context: &Context, path: &Path) -> Result<ClientSecret, CliError> {
    let text = read_secret_text(context, path)?;
    Ok(ClientSecret::from_trusted(text.trim_end().to_owned()))
}

/// Returns the certificates (PEM) that the definition trusts beside the system's.
pub(crate) fn trusted_certificates(provider: &Provider) -> Result<Option<String>, CliError> {
    provider.definition.ca_file.as_deref().map(read_text).transpose()
}

/// Returns the client id and secret in `text`, the content of the JSON file that Google's console
/// offers, which is at `path`.
pub(crate) fn google_client(
    text: &str,
    path: &Path,
) -> Result<(String, Option<ClientSecret>), CliError> {
    #[derive(serde::Deserialize)]
    struct File {
        installed: Option<Fields>,
        web: Option<Fields>,
    }
    #[derive(serde::Deserialize)]
    struct Fields {
        client_id: String,
        client_secret: Option<String>,
    }
    let malformed =
        || CliError::new(Kind::Usage, format!("`{}` is no Google client file", path.display()));
    let file: File = serde_json::from_str(text).map_err(|_| malformed())?;
    // The file's endpoints are ignored: it must not decide where secrets are sent.
    let fields = file.installed.or(file.web).ok_or_else(malformed)?;
    Ok((fields.client_id, fields.client_secret.map(ClientSecret::from_trusted)))
}

/// Returns the configured client secret if it differs from the sealed one of the same client.
///
/// "The same client" means the same client id at the same token endpoint. Public clients have none.
pub(crate) fn other_secret(
    context: &Context,
    provider: &Provider,
    server: Option<&Address>,
    client: &Client,
) -> Option<ClientSecret> {
    let client_id = client_id(context, provider);
    if !providers::is_secret_for(client, provider, client_id.as_deref(), server) {
        return None;
    }
    let sealed = client.authentication.secret().map(SecretText::expose);
    client_secret(context, provider).ok().flatten().filter(|secret| Some(secret.expose()) != sealed)
}

/// Returns the name of the variable that holds the client id, such as `TOKCTL_JIRA_CLIENT_ID`.
pub(crate) fn id_variable(provider: &ProviderName) -> String {
    variable(provider, "CLIENT_ID")
}

/// Returns the name of the variable that holds the client secret, such as
/// `TOKCTL_JIRA_CLIENT_SECRET`.
pub(crate) fn secret_variable(provider: &ProviderName) -> String {
    variable(provider, "CLIENT_SECRET")
}

fn variable(provider: &ProviderName, what: &str) -> String {
    format!("TOKCTL_{}_{what}", provider.as_str().to_uppercase().replace('-', "_"))
}

/// Reads a settings file with a secret in it as text. Warns if other users can read it.
pub(crate) fn read_secret_text(
    context: &Context,
    path: &Path,
) -> Result<zeroize::Zeroizing<String>, CliError> {
    secret_file::read(context, path, LARGEST, || ANSWERED, Kind::Usage)
}

/// Reads a settings file as text. Fails when other users can change the file.
pub(crate) fn read_text(path: &Path) -> Result<String, CliError> {
    let (bytes, _) = private_file::read_trusted(path, LARGEST, || ANSWERED)
        .map_err(|error| untrusted_file(Kind::Usage, &error))?;
    String::from_utf8(bytes).map_err(|_| {
        CliError::new(Kind::Usage, format!("`{}` holds something that is not text", path.display()))
    })
}
