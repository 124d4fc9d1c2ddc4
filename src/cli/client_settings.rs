//! Settings of the OAuth client that the user registered: its id, its secret or key, and the files that
//! hold them.

use std::path::Path;

use super::context::{ANSWERED, Context};
use super::error::{CliError, Kind};
use super::explain::untrusted_file;
use super::program;
use super::secret_file;
use crate::model::account::ProviderName;
use crate::model::client_key::ConfiguredKey;
use crate::ops::providers::Provider;
use crate::private_file;
use crate::secret::{ClientSecret, PrivateKey, SecretText};

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
    let definition = &provider.definition;
    let source = Source {
        what: "client secret",
        usual_variable: secret_variable(&provider.name),
        variable: definition.client_secret_env.as_deref(),
        file: definition.client_secret_file.as_deref(),
        command: definition.client_secret_command.as_deref(),
        waiting: "waiting for client_secret_command",
    };
    Ok(source.read(context)?.map(ClientSecret::from_trusted))
}

/// Returns the client's private key from the environment, or else from where the provider's
/// definition says, with what the definition says of it.
///
/// Fails when the definition names a variable, file or command that gives no key.
pub(crate) fn client_key(
    context: &Context,
    provider: &Provider,
) -> Result<Option<ConfiguredKey>, CliError> {
    let definition = &provider.definition;
    let source = Source {
        what: "client's key",
        usual_variable: key_variable(&provider.name),
        variable: definition.client_key_env.as_deref(),
        file: definition.client_key_file.as_deref(),
        command: definition.client_key_command.as_deref(),
        waiting: "waiting for client_key_command",
    };
    Ok(source.read(context)?.map(|text| described(text, provider)))
}

/// Reads a client's private key from a file, with what the definition says of it.
pub(crate) fn read_key(
    context: &Context,
    path: &Path,
    provider: &Provider,
) -> Result<ConfiguredKey, CliError> {
    read_secret_text(context, path).map(|text| described(text.to_string(), provider))
}

/// Returns `text` as a client's private key, with what the definition says of it.
pub(crate) fn described(text: String, provider: &Provider) -> ConfiguredKey {
    let definition = &provider.definition;
    ConfiguredKey {
        key: PrivateKey::from_trusted(text),
        key_id: definition.client_key_id.clone(),
        algorithm: definition.client_key_alg,
    }
}

/// The places where a secret of a client may be.
struct Source<'a> {
    /// The secret in words.
    what: &'static str,
    /// The variable that comes before all that a definition says.
    usual_variable: String,
    variable: Option<&'a str>,
    file: Option<&'a Path>,
    command: Option<&'a [String]>,
    /// The words that are shown while the command runs.
    waiting: &'static str,
}

impl Source<'_> {
    /// Returns the secret without white space at its end, from the first place that is named.
    fn read(&self, context: &Context) -> Result<Option<String>, CliError> {
        let environment = &context.environment;
        if let Some(secret) = environment.text(&self.usual_variable) {
            return Ok(Some(secret));
        }
        if let Some(name) = self.variable {
            let unset = format!("{name} should hold the {}, and is not set", self.what);
            let secret = environment.text(name);
            return secret
                .map(Some)
                .ok_or_else(|| CliError::new(Kind::Usage, unset).hint(format!("set {name}")));
        }
        if let Some(path) = self.file {
            return read_trimmed(context, path).map(Some);
        }
        let Some(command) = self.command else { return Ok(None) };
        let run = || program::output(command, environment, context.patience(), Kind::Usage);
        let printed = context.ui.while_program_runs(self.waiting, run)?;
        Ok(Some(printed.to_string()))
    }
}

/// Reads a client secret from a file, without the white space at its end.
pub(crate) fn read_secret(context: &Context, path: &Path) -> Result<ClientSecret, CliError> {
    read_trimmed(context, path).map(ClientSecret::from_trusted)
}

fn read_trimmed(context: &Context, path: &Path) -> Result<String, CliError> {
    let text = read_secret_text(context, path)?;
    Ok(text.trim_end().to_owned())
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

/// Returns the name of the variable that holds the client id, such as `TOKCTL_JIRA_CLIENT_ID`.
pub(crate) fn id_variable(provider: &ProviderName) -> String {
    variable(provider, "CLIENT_ID")
}

/// Returns the name of the variable that holds the client secret, such as
/// `TOKCTL_JIRA_CLIENT_SECRET`.
pub(crate) fn secret_variable(provider: &ProviderName) -> String {
    variable(provider, "CLIENT_SECRET")
}

/// Returns the name of the variable that holds the client's key, such as `TOKCTL_JIRA_CLIENT_KEY`.
fn key_variable(provider: &ProviderName) -> String {
    variable(provider, "CLIENT_KEY")
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
