//! What a client puts into a request to prove itself (RFC 6749 §2.3), at the token endpoint and at
//! every other that asks for it (RFC 7009 §2.1, RFC 7662 §2.1, RFC 8628 §3.1, RFC 9126 §2).

use jiff::Timestamp;

use super::authentication::Authentication;
use super::client_assertion;
use super::signed_jwt::NotSigned;
use super::token_error::{Error, INVALID_CLIENT};
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::client_authentication::ClientAuthentication;
use crate::secret::{Assertion, SecretText};

/// The advice where a server refuses a secret that had to be encoded for the header.
const IN_FORM: &str = "not every server decodes such a secret in a header, and \
    `token_endpoint_auth_method = \"client_secret_post\"` sends it in the form";

/// The proof of a client for one request.
pub(super) struct Proof<'a> {
    client: &'a Client,
    /// The JWT that the client signed for this request.
    assertion: Option<Assertion>,
}

/// Makes the proof of `client` for one request to `endpoint`. Fails if its key signs nothing.
pub(super) fn prove<'a>(
    client: &'a Client,
    endpoint: &Address,
    now: Timestamp,
) -> Result<Proof<'a>, NotSigned> {
    let assertion = match &client.authentication {
        ClientAuthentication::PrivateKeyJwt { key, audience } => {
            Some(client_assertion::make(&client.id, key, audience, endpoint, now)?)
        }
        ClientAuthentication::None
        | ClientAuthentication::Certificate(_)
        | ClientAuthentication::SecretBasic(_)
        | ClientAuthentication::SecretPost(_)
        | ClientAuthentication::SecretMissing(_)
        | ClientAuthentication::KeyMissing { .. } => None,
    };
    Ok(Proof { client, assertion })
}

impl Proof<'_> {
    /// Returns what belongs into the head of the request.
    pub(super) fn authentication(&self) -> Authentication<'_> {
        match &self.client.authentication {
            ClientAuthentication::SecretBasic(secret) => {
                Authentication::Client { id: &self.client.id, secret }
            }
            ClientAuthentication::None
            | ClientAuthentication::Certificate(_)
            | ClientAuthentication::SecretPost(_)
            | ClientAuthentication::PrivateKeyJwt { .. }
            | ClientAuthentication::SecretMissing(_)
            | ClientAuthentication::KeyMissing { .. } => Authentication::None,
        }
    }

    /// Returns the refusal `error` of a request with this proof, with what may help: where the secret
    /// was encoded for the header, the setting for the form.
    pub(super) fn advise(&self, error: Error) -> Error {
        match error {
            Error::ClientRefused { authority, error, reason }
                if error == INVALID_CLIENT && self.client.with_secret_in_form().is_some() =>
            {
                let reason = format!("{reason}; {IN_FORM}");
                Error::ClientRefused { authority, error, reason }
            }
            error => error,
        }
    }

    /// Returns what belongs into the form.
    pub(super) fn fields(&self) -> Vec<(&str, &str)> {
        let id = ("client_id", self.client.id.as_str());
        match (&self.client.authentication, &self.assertion) {
            (ClientAuthentication::SecretBasic(_), _) => Vec::new(),
            (ClientAuthentication::SecretPost(secret), _) => {
                vec![id, ("client_secret", secret.expose())]
            }
            (ClientAuthentication::PrivateKeyJwt { .. }, Some(assertion)) => vec![
                id,
                ("client_assertion_type", client_assertion::ASSERTION_TYPE),
                ("client_assertion", assertion.expose()),
            ],
            (
                ClientAuthentication::None
                | ClientAuthentication::Certificate(_)
                | ClientAuthentication::PrivateKeyJwt { .. }
                | ClientAuthentication::SecretMissing(_)
                | ClientAuthentication::KeyMissing { .. },
                _,
            ) => vec![id],
        }
    }
}
