//! What a client may show its server in place of what is sealed with its credential.

use super::certificates::client_certificate;
use super::client_settings::{client_id, client_key, client_secret};
use super::context::Context;
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::client_authentication::{
    ClientAuthentication, ClientProofs, TokenEndpointAuthMethod,
};
use crate::model::client_certificate::ClientCertificate;
use crate::ops::providers::{self, Provider};
use crate::secret::SecretText;

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
