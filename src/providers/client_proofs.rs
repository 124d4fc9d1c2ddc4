//! The proofs by which a provider's authorization server knows the client.

use super::error::Error;
use super::provider::Provider;
use crate::model::address::Address;
use crate::model::client::RevocationMethod;
use crate::model::client_authentication::{
    AssertionAudience, ClientAuthentication, ClientProofs, TokenEndpointAuthMethod,
};
use crate::model::client_key::{ClientKey, ConfiguredKey};
use crate::oauth::metadata::Metadata;
use crate::oauth::signing_key::{SigningKey, Unusable};

/// The audience in a definition that stands for the address of each request.
const EACH_ENDPOINT: &str = "{endpoint}";

impl Provider {
    /// Whether a login needs the client's secret: at the token endpoint, for the service's API, or
    /// to check the authorization response.
    pub(crate) fn needs_secret(&self) -> bool {
        let definition = &self.definition;
        let by_secret = match definition.token_endpoint_auth_method {
            Some(
                TokenEndpointAuthMethod::ClientSecretBasic
                | TokenEndpointAuthMethod::ClientSecretPost,
            ) => true,
            Some(
                TokenEndpointAuthMethod::None
                | TokenEndpointAuthMethod::PrivateKeyJwt
                | TokenEndpointAuthMethod::TlsClientAuth
                | TokenEndpointAuthMethod::SelfSignedTlsClientAuth,
            )
            | None => false,
        };
        by_secret || definition.callback_check.is_some() || self.has_secret_in_api_headers()
    }

    /// Whether a login needs the client's key.
    pub(crate) fn needs_key(&self) -> bool {
        self.definition.token_endpoint_auth_method == Some(TokenEndpointAuthMethod::PrivateKeyJwt)
    }

    /// Whether a login needs the client's certificate.
    pub(crate) fn needs_certificate(&self) -> bool {
        self.definition.token_endpoint_auth_method.is_some_and(|method| match method {
            TokenEndpointAuthMethod::TlsClientAuth
            | TokenEndpointAuthMethod::SelfSignedTlsClientAuth => true,
            TokenEndpointAuthMethod::None
            | TokenEndpointAuthMethod::ClientSecretBasic
            | TokenEndpointAuthMethod::ClientSecretPost
            | TokenEndpointAuthMethod::PrivateKeyJwt => false,
        })
    }

    /// Returns the client's authentication. Its method is the definition's; else the key, if the
    /// client has one; else, for a client with a secret, the one that the metadata name, which is
    /// the header if they name none (RFC 8414 §2); else the certificate, if it has one.
    pub(crate) fn authentication(
        &self,
        proofs: ClientProofs,
        has_certificate: bool,
        server: Option<&Address>,
        token_endpoint: &Address,
        metadata: Option<&Metadata>,
    ) -> ClientAuthentication {
        let method = match self.definition.token_endpoint_auth_method {
            Some(method) => method,
            None if proofs.key.is_some() => TokenEndpointAuthMethod::PrivateKeyJwt,
            None if proofs.secret.is_none() && has_certificate => {
                TokenEndpointAuthMethod::TlsClientAuth
            }
            None if proofs.secret.is_none() => TokenEndpointAuthMethod::None,
            None if metadata.is_some_and(Metadata::wants_secret_in_form) => {
                TokenEndpointAuthMethod::ClientSecretPost
            }
            None => TokenEndpointAuthMethod::ClientSecretBasic,
        };
        let audience = self.assertion_audience(server, token_endpoint, metadata);
        ClientAuthentication::new(method, proofs, audience)
    }

    /// Returns the audience of what the client's key signs: the definition's, else the issuer as the
    /// server writes it, else the token endpoint (OpenID Connect Core 1.0 §9).
    fn assertion_audience(
        &self,
        server: Option<&Address>,
        token_endpoint: &Address,
        metadata: Option<&Metadata>,
    ) -> AssertionAudience {
        match (self.definition.client_assertion_audience.as_deref(), metadata) {
            (Some(EACH_ENDPOINT), _) => AssertionAudience::Endpoint,
            (Some(own), _) => {
                let server = server.map(|server| server.as_str().trim_end_matches('/'));
                AssertionAudience::Fixed(own.replace("{server}", server.unwrap_or_default()))
            }
            (None, Some(metadata)) => AssertionAudience::Fixed(metadata.issuer().to_owned()),
            (None, None) => AssertionAudience::Fixed(token_endpoint.to_string()),
        }
    }

    /// Returns the key with which the client signs, and how: by the configured algorithm, else by
    /// the first of the key's own that the server takes.
    ///
    /// Fails with [`Error::ClientKey`] if the key can't be read, or does not sign so.
    pub(crate) fn client_key(
        &self,
        configured: &ConfiguredKey,
        metadata: Option<&Metadata>,
    ) -> Result<ClientKey, Error> {
        let unusable = |source| Error::ClientKey { name: self.name.to_string(), source };
        let ConfiguredKey { key, key_id, algorithm } = configured;
        let own = SigningKey::read(key, key_id.as_deref()).map_err(unusable)?.algorithms();
        let taken = metadata.and_then(Metadata::assertion_algorithms);
        let algorithm = match (algorithm, &taken) {
            (Some(wanted), _) => own
                .iter()
                .find(|one| *one == wanted)
                .ok_or_else(|| unusable(Unusable::OtherAlgorithm(*wanted)))?,
            (None, None) => &own[0],
            (None, Some(taken)) => own.iter().find(|one| taken.contains(one)).ok_or_else(|| {
                let names: Vec<&str> = taken.iter().map(|one| one.name()).collect();
                unusable(Unusable::NotTaken { own: own[0], taken: names.join(", ") })
            })?,
        };
        Ok(ClientKey { key: key.clone(), key_id: key_id.clone(), algorithm: *algorithm })
    }

    /// Returns the request that revokes a grant. It is the definition's; else none for a client
    /// without a secret, where the metadata say that the server wants one.
    pub(crate) fn revocation_method(
        &self,
        authentication: &ClientAuthentication,
        metadata: Option<&Metadata>,
    ) -> RevocationMethod {
        let is_public = authentication.method() == TokenEndpointAuthMethod::None;
        match self.definition.revocation_method {
            Some(own) => own,
            None if is_public && metadata.is_some_and(Metadata::revokes_nothing_without_secret) => {
                RevocationMethod::None
            }
            None => RevocationMethod::default(),
        }
    }
}
