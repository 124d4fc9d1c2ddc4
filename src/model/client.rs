//! The OAuth client and its authorization server, as a credential keeps them.

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::client_authentication::ClientAuthentication;
use super::client_certificate::{ClientCertificate, TlsSettings};
use super::dialect::Dialect;
use super::registration::ByAddress;
use super::request_params::RequestParams;
use crate::secret::SecretText;

/// The request that revokes a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RevocationMethod {
    /// A form with the token (RFC 7009).
    #[default]
    Rfc7009,
    /// `DELETE ENDPOINT/CLIENT_ID/token` with id and secret as `Basic`, as GitHub wants it.
    Github,
    /// `DELETE` with the access token as `Bearer`, as Facebook wants it.
    Delete,
    /// None: the server revokes nothing for such a client.
    None,
}

/// The client, and every address that its secrets are sent to, as they were at login.
///
/// A credential holds this snapshot under its seal. So a refresh needs neither configuration nor
/// environment, and no edit of a file can send a refresh token elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    /// Sealed as fields beside the id: `auth_method`, and `secret` or `key`.
    #[serde(flatten)]
    pub(crate) authentication: ClientAuthentication,
    pub(crate) token_endpoint: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revocation_endpoint: Option<Address>,
    #[serde(default)]
    pub(crate) revocation_method: RevocationMethod,
    /// The page at which a person ends the session of their browser at the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end_session_endpoint: Option<Address>,
    #[serde(default, skip_serializing_if = "Dialect::is_default")]
    pub(crate) dialect: Dialect,
    /// Additional parameters of every token request. Credentials that were sealed before there were
    /// any have none.
    #[serde(default, skip_serializing_if = "RequestParams::is_empty")]
    pub(crate) token_params: RequestParams,
    /// Certificates in PEM, as they were at login, that are trusted in addition to the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trusted_certificates: Option<String>,
    /// The certificate that proves the client, or that its tokens are bound to (RFC 8705).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<ClientCertificate>,
    /// The facts of a login by address; `None` for a login to a service that is defined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by_address: Option<Box<ByAddress>>,
}

impl Client {
    /// Returns the settings of TLS connections for this client.
    pub(crate) fn tls(&self) -> TlsSettings<'_> {
        TlsSettings {
            trusted_certificates: self.trusted_certificates.as_deref(),
            client_certificate: self.certificate.as_ref(),
        }
    }

    /// Whether the secret or key by which servers know the client is sealed with its credentials, and
    /// is not one that was registered for one of them alone.
    pub(crate) fn has_own_proof(&self) -> bool {
        let is_sealed = match self.authentication {
            ClientAuthentication::SecretBasic(_)
            | ClientAuthentication::SecretPost(_)
            | ClientAuthentication::PrivateKeyJwt { .. } => true,
            ClientAuthentication::Certificate(_)
            | ClientAuthentication::None
            | ClientAuthentication::SecretMissing(_)
            | ClientAuthentication::KeyMissing { .. } => self.certificate.is_some(),
        };
        is_sealed && self.by_address.is_none()
    }

    /// Returns this client with its secret in the form, if the secret or the id had to be encoded
    /// for the header in which it is shown now (RFC 6749 §2.3.1).
    pub(crate) fn with_secret_in_form(&self) -> Option<Self> {
        let ClientAuthentication::SecretBasic(secret) = &self.authentication else { return None };
        let is_encoded = |text: &str| {
            !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte))
        };
        let differs = is_encoded(&self.id) || is_encoded(secret.expose());
        let authentication = ClientAuthentication::SecretPost(secret.clone());
        differs.then(|| Self { authentication, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::client_authentication::{AssertionAudience, ClientProofs, SecretMethod};
    use crate::model::client_key::ClientKey;
    use crate::model::signing::SigningAlgorithm;
    use crate::secret::ClientSecret;

    /// The JSON of a client with these fields for its authentication.
    fn sealed(authentication: &str) -> String {
        format!(
            r#"{{"id":"made-up",{authentication},"token_endpoint":"https://as.example/token","revocation_method":"rfc7009"}}"#
        )
    }

    fn a_secret() -> ClientProofs {
        let secret = Some(ClientSecret::from_trusted("made-up".into()));
        ClientProofs { secret, ..ClientProofs::default() }
    }

    fn read(authentication: &str) -> Client {
        serde_json::from_str(&sealed(authentication)).unwrap()
    }

    #[test]
    fn a_client_is_sealed_again_in_the_form_in_which_it_was_read() {
        for authentication in [
            r#""auth_method":"none""#,
            r#""secret":"made-\"up\"","auth_method":"client_secret_basic""#,
            r#""secret":"made-up","auth_method":"client_secret_post""#,
            r#""auth_method":"client_secret_basic""#,
            r#""auth_method":"client_secret_post""#,
            r#""auth_method":"private_key_jwt","key":{"key":"made-up","key_id":"a","algorithm":"PS256"},"assertion_audience":"https://as.example""#,
            r#""auth_method":"private_key_jwt","key":{"key":"made-up","algorithm":"EdDSA"}"#,
            r#""auth_method":"private_key_jwt","assertion_audience":"https://as.example""#,
        ] {
            let client = read(authentication);
            assert_eq!(serde_json::to_string(&client).unwrap(), sealed(authentication));
        }
        let unknown = sealed(r#""auth_method":"client_secret_jwt""#);
        assert!(serde_json::from_str::<Client>(&unknown).is_err());
        assert!(serde_json::from_str::<Client>(&sealed(r#""secret":"made-up""#)).is_err());
    }

    #[test]
    fn a_secret_that_looks_alike_in_header_and_form_has_one_place() {
        for (secret, differs) in [
            ("made-up_1.2*", false),
            ("made+up", true),
            ("made/up=", true),
            ("made%up", true),
            ("made up", true),
            ("m\u{e4}de-up", true),
        ] {
            let own = format!(r#""secret":"{secret}","auth_method":"client_secret_basic""#);
            let in_form = read(&own).with_secret_in_form();
            assert_eq!(in_form.is_some(), differs, "{secret}");
            if let Some(Client { authentication, .. }) = in_form {
                assert!(matches!(&authentication, ClientAuthentication::SecretPost(_)));
                assert_eq!(authentication.secret().unwrap().expose(), secret);
            }
            let post = own.replace("_basic", "_post");
            assert!(read(&post).with_secret_in_form().is_none());
        }
    }

    #[test]
    fn a_public_client_keeps_no_secret() {
        let public = read(r#""secret":"made-up","auth_method":"none""#);
        assert!(matches!(public.authentication, ClientAuthentication::None));
        assert!(!serde_json::to_string(&public).unwrap().contains("secret"));
        let still = public.authentication.with_proofs(a_secret());
        assert!(matches!(still, ClientAuthentication::None));
    }

    #[test]
    fn a_secret_that_was_missing_is_shown_as_its_method_has_it() {
        let missing = read(r#""auth_method":"client_secret_post""#).authentication;
        assert!(missing.secret().is_none());
        let found = missing.with_proofs(a_secret()).with_proofs(ClientProofs::default());
        assert!(matches!(&found, ClientAuthentication::SecretPost(_)));
        let without = found.without_proof();
        assert!(matches!(without, ClientAuthentication::SecretMissing(SecretMethod::Post)));
    }

    #[test]
    fn a_key_that_was_missing_signs_for_the_audience_that_was_sealed() {
        let sealed = r#""auth_method":"private_key_jwt","assertion_audience":"https://as.example""#;
        let missing = read(sealed).authentication;
        assert!(missing.lacks_proof());
        let still = missing.clone().with_proofs(a_secret());
        assert!(still.lacks_proof(), "a secret is no key");
        let key = ClientKey {
            key: SecretText::from_trusted("made-up".into()),
            key_id: None,
            algorithm: SigningAlgorithm::Es256,
        };
        let found = missing.with_proofs(ClientProofs { key: Some(key), ..ClientProofs::default() });
        let expected = AssertionAudience::Fixed("https://as.example".into());
        assert!(
            matches!(&found, ClientAuthentication::PrivateKeyJwt { audience, .. } if *audience == expected)
        );
        assert!(!format!("{:?}", found.without_proof()).contains("Es256"));
    }
}
