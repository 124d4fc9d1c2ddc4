//! Settings of the OAuth client that the user registered: its id, its secret or key, its trusted
//! certificates.

use std::path::Path;

use jiff::Timestamp;

use super::context::{ANSWERED, Context};
use super::error::{CliError, Kind};
use super::explain::untrusted_file;
use super::program;
use super::secret_file;
use super::time;
use crate::model::account::ProviderName;
use crate::model::address::Address;
use crate::model::certificate_life;
use crate::model::client::Client;
use crate::model::client_authentication::{
    ClientAuthentication, ClientProofs, TokenEndpointAuthMethod,
};
use crate::model::client_certificate::ClientCertificate;
use crate::model::client_key::ConfiguredKey;
use crate::ops::providers::{self, Provider};
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
    /// What is shown while the command runs.
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

/// Returns the certificates (PEM) that the definition trusts beside the system's.
pub(crate) fn trusted_certificates(provider: &Provider) -> Result<Option<String>, CliError> {
    let Some(path) = provider.definition.ca_file.as_deref() else { return Ok(None) };
    let text = read_text(path)?;
    if certificates_in(&text).is_empty() {
        let message = format!(
            "`{}`, the `ca_file` of `{}`, holds no certificate in PEM",
            path.display(),
            provider.name
        );
        return Err(CliError::new(Kind::Usage, message).hint("mend `ca_file` in config.toml"));
    }
    Ok(Some(text))
}

/// Returns the certificate that the definition has for the client, with its key.
///
/// Fails when a file can't be read, when the key is not the certificate's, and when the certificate
/// has ended or not begun, except where the server looks at the certificate itself alone.
pub(crate) fn client_certificate(
    context: &Context,
    provider: &Provider,
) -> Result<Option<ClientCertificate>, CliError> {
    let (name, definition) = (&provider.name, &provider.definition);
    let mend = |what: String| CliError::new(Kind::Usage, what).hint(MEND_CERTIFICATE);
    let path = match (&definition.client_certificate_file, &definition.client_certificate_key_file)
    {
        (Some(path), _) => path,
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            return Err(mend(format!(
                "`{name}` has a `client_certificate_key_file` and no `client_certificate_file`"
            )));
        }
    };
    let (certificate, key) = if let Some(key) = &definition.client_certificate_key_file {
        (read_text(path)?, read_secret_text(context, key)?)
    } else {
        // The key stands in the same file, and is a secret that goes nowhere else.
        let both = read_secret_text(context, path)?;
        (certificates_in(&both), both)
    };
    let certificate = certificates_in(&certificate);
    let key = PrivateKey::from_trusted(key.to_string());
    let own = ClientCertificate { certificate, key, binds_tokens: false };
    if !providers::can_show(&own) {
        return Err(mend(format!(
            "`client_certificate_file` and `client_certificate_key_file` of `{name}` hold no certificate in PEM with the key that belongs to it"
        )));
    }
    let method = definition.token_endpoint_auth_method;
    if method == Some(TokenEndpointAuthMethod::SelfSignedTlsClientAuth) {
        return Ok(Some(own));
    }
    let now = time::now();
    match certificate_life::of_first(&own.certificate) {
        Some(life) if life.ends < now => {
            let when = time::rfc3339(life.ends);
            Err(mend(format!("the certificate in `{}` ended on {when}", path.display())))
        }
        Some(life) if life.begins > now => {
            let when = time::rfc3339(life.begins);
            Err(mend(format!("the certificate in `{}` begins on {when}", path.display())))
        }
        Some(_) | None => Ok(Some(own)),
    }
}

/// Returns the end of the certificate that the definition has for the client, if it is over and the
/// server looks at that.
pub(crate) fn ended_certificate(provider: &Provider, now: Timestamp) -> Option<Timestamp> {
    let definition = &provider.definition;
    let path = definition.client_certificate_file.as_ref()?;
    let method = definition.token_endpoint_auth_method;
    if method == Some(TokenEndpointAuthMethod::SelfSignedTlsClientAuth) {
        return None;
    }
    let life = certificate_life::of_first(&read_text(path).ok()?)?;
    Some(life.ends).filter(|ends| *ends < now)
}

/// The hint where the client's certificate can't be shown.
const MEND_CERTIFICATE: &str =
    "mend `client_certificate_file` and `client_certificate_key_file` in config.toml";

/// Returns the certificates in a PEM text, without what stands beside them.
fn certificates_in(text: &str) -> String {
    const END: &str = "-----END CERTIFICATE-----";
    let parts = text.split_inclusive(END).filter(|part| part.ends_with(END));
    parts
        .filter_map(|part| Some(&part[part.rfind("-----BEGIN CERTIFICATE-----")?..]))
        .fold(String::new(), |all, one| all + one + "\n")
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

/// Returns what `client` may show where its server refuses what is sealed, in turn: the configured
/// secret or key of the same client, if it differs from the sealed one, and the secret in the form,
/// if no definition says where it belongs.
///
/// "The same client" means the same client id at the same token endpoint. Public clients have none.
pub(crate) fn other_proofs(
    context: &Context,
    provider: Option<&Provider>,
    server: Option<&Address>,
    client: &Client,
) -> Vec<ClientProofs> {
    let configured = provider.and_then(|provider| configured(context, provider, server, client));
    let is_free =
        provider.is_none_or(|provider| provider.definition.token_endpoint_auth_method.is_none());
    let newest = configured.clone().unwrap_or_default();
    let newest = Client {
        authentication: client.authentication.clone().with_proofs(newest),
        ..client.clone()
    };
    let in_form = newest.with_secret_in_form().filter(|_| is_free).map(|in_form| ClientProofs {
        secret: in_form.authentication.secret().cloned(),
        key: None,
        method: Some(TokenEndpointAuthMethod::ClientSecretPost),
    });
    configured.into_iter().chain(in_form).collect()
}

/// Returns the certificate that the definition has for `client`, if it is another than the sealed
/// one; `None` for a client that shows none, and where it can't be shown, as while its two files are
/// being replaced.
pub(crate) fn new_certificate(
    context: &Context,
    provider: &Provider,
    server: Option<&Address>,
    client: &Client,
) -> Option<ClientCertificate> {
    let shows_one = client.certificate.is_some()
        || matches!(client.authentication, ClientAuthentication::Certificate(_));
    if !shows_one {
        return None;
    }
    let named = client_certificate(context, provider).ok()??;
    let binds_tokens = client.certificate.as_ref().is_some_and(|sealed| sealed.binds_tokens);
    let named = ClientCertificate { binds_tokens, ..named };
    if client.certificate.as_ref() == Some(&named) {
        return None;
    }
    let client_id = client_id(context, provider);
    // The metadata are asked for with the new one too: the sealed one may have expired.
    let client = Client { certificate: Some(named.clone()), ..client.clone() };
    providers::is_proof_for(&client, provider, client_id.as_deref(), server).then_some(named)
}

/// Returns the configured secret or key of `client`, if it differs from the sealed one.
fn configured(
    context: &Context,
    provider: &Provider,
    server: Option<&Address>,
    client: &Client,
) -> Option<ClientProofs> {
    let client_id = client_id(context, provider);
    if !providers::is_proof_for(client, provider, client_id.as_deref(), server) {
        return None;
    }
    let sealed = &client.authentication;
    let none = ClientProofs::default();
    match sealed.method() {
        TokenEndpointAuthMethod::None
        | TokenEndpointAuthMethod::TlsClientAuth
        | TokenEndpointAuthMethod::SelfSignedTlsClientAuth => None,
        TokenEndpointAuthMethod::ClientSecretBasic | TokenEndpointAuthMethod::ClientSecretPost => {
            let secret = client_secret(context, provider).ok()??;
            let is_sealed = sealed.secret().is_some_and(|own| own.expose() == secret.expose());
            (!is_sealed).then(|| ClientProofs { secret: Some(secret), ..none })
        }
        TokenEndpointAuthMethod::PrivateKeyJwt => {
            let key = client_key(context, provider).ok()??;
            let key = provider.client_key(&key, None).ok()?;
            let is_sealed = sealed.key().is_some_and(|own| own.is_same(&key));
            (!is_sealed).then(|| ClientProofs { key: Some(key), ..none })
        }
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(word: &str, body: &str) -> String {
        format!("-----BEGIN {word}-----\n{body}\n-----END {word}-----\n")
    }

    proptest! {
        #[test]
        fn of_a_certificate_file_nothing_but_the_certificates_is_shown(
            parts in prop::collection::vec((0..4_u8, "[A-Za-z0-9+/]{4,40}"), 0..8)
        ) {
            let text: String = parts
                .iter()
                .map(|(kind, body)| match kind {
                    0 => block("CERTIFICATE", &format!("Y2Vy{body}")),
                    1 => block("PRIVATE KEY", &format!("c2VjcmV0{body}")),
                    2 => block("EC PARAMETERS", body),
                    _ => format!("subject=c2VjcmV0{body}\n"),
                })
                .collect();
            let shown = certificates_in(&text);
            let expected: String = parts
                .iter()
                .filter(|(kind, _)| *kind == 0)
                .map(|(_, body)| block("CERTIFICATE", &format!("Y2Vy{body}")))
                .collect();
            prop_assert_eq!(&shown, &expected);
            prop_assert!(!shown.contains("c2VjcmV0"));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(-----(BEGIN|END) (CERTIFICATE|KEY)-----|\\PC){0,12}") {
            let shown = certificates_in(&text);
            prop_assert!(shown.is_empty() || shown.starts_with("-----BEGIN CERTIFICATE-----"));
        }
    }
}
