//! The token endpoint: what is sent to it (RFC 6749 §3.2), and whether an answer came.
//!
//! Whether a token needs renewing and where the new one goes is the caller's business.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::http::{self, Authentication};
use super::token_answer::{self, TokenAnswer};
use super::token_error::{self, Error, Request};
use crate::model::client::{Client, ClientAuthentication};
use crate::model::dialect::Encoding;
use crate::secret::{AccessToken, AuthorizationCode, CodeVerifier, RefreshToken, SecretText};

/// A request for a new token, and what came of it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) answer: Result<TokenAnswer, Error>,
    /// What the answer was like, if one came.
    pub(crate) heard: Option<ResponseMeta>,
}

impl Asked {
    /// The same for a grant that is simply made again.
    pub(super) fn without_refresh_token(mut self) -> Self {
        if let Ok(answer) = &mut self.answer {
            answer.refresh_token = None;
        }
        self
    }
}

/// An answer as HTTP has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResponseMeta {
    pub(crate) status: u16,
    /// The server's own time.
    pub(crate) date: Option<Timestamp>,
}

/// Redeems an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5), with the further parameters
/// that the server wants. It is never sent twice.
pub(crate) fn redeem(
    client: &Client,
    code: &AuthorizationCode,
    redirect_uri: &str,
    verifier: Option<&CodeVerifier>,
    params: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<TokenAnswer, Error> {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", redirect_uri),
    ];
    if let Some(verifier) = verifier {
        form.push(("code_verifier", verifier.expose()));
    }
    form.extend(params.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    request(client, form, Request::Exchange, now, http::WHOLE).answer
}

/// Renews an access token (RFC 6749 §6), or gives up after `bound`.
pub(crate) fn refresh(
    client: &Client,
    refresh_token: &RefreshToken,
    now: Timestamp,
    bound: Duration,
) -> Asked {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())];
    let params = client.dialect.refresh_params.iter();
    form.extend(params.map(|(name, value)| (name.as_str(), value.as_str())));
    request(client, form, Request::Refresh, now, bound)
}

/// Exchanges an access token that works for one that lives longer, as Facebook has it in place of
/// a refresh; or gives up after `bound`.
pub(crate) fn exchange(
    client: &Client,
    access_token: &AccessToken,
    now: Timestamp,
    bound: Duration,
) -> Asked {
    let form =
        vec![("grant_type", "fb_exchange_token"), ("fb_exchange_token", access_token.expose())];
    request(client, form, Request::Refresh, now, bound)
}

/// Sends `form` with what proves the client.
pub(super) fn request<'a>(
    client: &'a Client,
    mut form: Vec<(&'a str, &'a str)>,
    kind: Request,
    now: Timestamp,
    bound: Duration,
) -> Asked {
    let authentication = authenticate(client, &mut form);
    send(client, &authentication, &form, kind, now, bound)
}

/// Sends `form` as it is to the client's token endpoint.
pub(super) fn send(
    client: &Client,
    authentication: &Authentication<'_>,
    form: &[(&str, &str)],
    kind: Request,
    now: Timestamp,
    bound: Duration,
) -> Asked {
    let certificates = client.trusted_certificates.as_deref();
    let post = match client.dialect.request {
        Encoding::Form => http::post,
        Encoding::Json => http::post_json,
    };
    match post(&client.token_endpoint, certificates, authentication, form, bound) {
        Err(fault) => Asked { answer: Err(fault.into()), heard: None },
        Ok(answer) => Asked {
            heard: Some(ResponseMeta { status: answer.status, date: answer.date }),
            answer: match token_error::read(&answer, kind, &client.dialect.grant_errors) {
                Some(error) => Err(error),
                None => token_answer::parse(&answer, &client.dialect, now),
            },
        },
    }
}

/// Adds what the client's authentication method puts into the form, and gives what it puts into
/// the request's head (RFC 6749 §2.3.1).
pub(super) fn authenticate<'a>(
    client: &'a Client,
    form: &mut Vec<(&'a str, &'a str)>,
) -> Authentication<'a> {
    match &client.authentication {
        ClientAuthentication::SecretBasic(secret) => {
            Authentication::Client { id: &client.id, secret }
        }
        ClientAuthentication::SecretPost(secret) => {
            form.extend([("client_id", client.id.as_str()), ("client_secret", secret.expose())]);
            Authentication::None
        }
        ClientAuthentication::None | ClientAuthentication::SecretMissing(_) => {
            form.push(("client_id", &client.id));
            Authentication::None
        }
    }
}
