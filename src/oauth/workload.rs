//! The token of a workload: by token exchange (RFC 8693), with a client's assertion (RFC 7523 §2.2)
//! or by the JWT bearer grant (RFC 7523 §2.1), and then perhaps that of a service account in whose
//! name the workload acts.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::client_assertion::ASSERTION_TYPE;
use super::http::Authentication;
use super::token::{self, TokenOutcome};
use super::token_error::{Error, Request};
use super::{identity_token, impersonation, jwt_bearer};
use crate::model::client::Client;
use crate::model::jwt;
use crate::model::scope::Scopes;
use crate::model::workload::{Identity, IdentityUse, Proof, Workload};
use crate::secret::{IdentityToken, SecretText};

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The identity token of a request, or the reason why there is none; `None` for a proof that needs
/// no identity.
pub(crate) type Shown = Option<Result<IdentityToken, identity_token::Error>>;

/// Requests a token of `client` with `scopes`, and gives up after `timeout`. Each request shows the
/// identity `shown`, or the stored proof.
pub(crate) fn request(
    client: &Client,
    workload: &Workload,
    scopes: &Scopes,
    shown: &Shown,
    now: Timestamp,
    timeout: Duration,
) -> TokenOutcome {
    let deadline = Instant::now() + timeout;
    let to_impersonate = Scopes::parse(impersonation::SCOPE);
    let asked = if workload.impersonation.is_some() { &to_impersonate } else { scopes };
    let outcome = match (&workload.proof, shown) {
        (Proof::Identity(_), Some(Err(why))) => {
            return TokenOutcome { answer: Err(why.clone().into()), meta: None };
        }
        (Proof::Identity(identity), Some(Ok(token))) => {
            let TokenOutcome { answer, meta } =
                present(client, identity, token, asked, now, timeout);
            TokenOutcome {
                answer: answer.map_err(|error| refused(error, identity, token, now)),
                meta,
            }
        }
        (Proof::Identity(_), None) => {
            let why = identity_token::Error::Missing { why: "nobody asked for it".into() };
            return TokenOutcome { answer: Err(why.into()), meta: None };
        }
        (Proof::ServiceAccount(account), _) => {
            jwt_bearer::request(client, account, asked, now, timeout)
        }
        (Proof::RefreshToken { token }, _) => token::refresh(client, token, now, timeout),
    };
    let TokenOutcome { answer, meta } = outcome;
    let outcome = match (&workload.impersonation, answer) {
        (Some(impersonation), Ok(source)) => {
            let left = deadline.saturating_duration_since(Instant::now());
            impersonation::request(client, impersonation, &source.access_token, scopes, left)
        }
        (Some(_) | None, answer) => TokenOutcome { answer, meta },
    };
    outcome.without_refresh_token()
}

/// Returns `error` as one about the identity token, where the server refused that: it has ended, or
/// the server does not trust it. In a client's assertion it is the client's proof.
fn refused(error: Error, identity: &Identity, token: &IdentityToken, now: Timestamp) -> Error {
    let is_proof = identity.used_as == IdentityUse::ClientAssertion;
    let (authority, code, reason) = match error {
        Error::GrantRefused { authority, error, reason } => (authority, error, reason),
        Error::ClientRefused { authority, error, reason }
            if is_proof && error == "invalid_client" =>
        {
            (authority, error, reason)
        }
        other => return other,
    };
    match jwt::expiry(token.expose()).filter(|end| *end <= now) {
        Some(at) => identity_token::Error::Expired { place: "this job".into(), at }.into(),
        None => Error::IdentityRefused { authority, error: code, reason },
    }
}

/// Presents an identity token as its definition says.
fn present(
    client: &Client,
    identity: &Identity,
    token: &IdentityToken,
    scopes: &Scopes,
    now: Timestamp,
    timeout: Duration,
) -> TokenOutcome {
    let token = token.expose();
    let mut form = match identity.used_as {
        IdentityUse::TokenExchange => vec![
            ("grant_type", TOKEN_EXCHANGE),
            ("requested_token_type", ACCESS_TOKEN),
            ("subject_token", token),
            ("subject_token_type", identity.token_type.as_str()),
        ],
        IdentityUse::ClientAssertion => vec![
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", token),
        ],
        IdentityUse::JwtBearer => vec![("grant_type", JWT_BEARER), ("assertion", token)],
    };
    let scopes = scopes.to_string();
    if !scopes.is_empty() {
        form.push(("scope", &scopes));
    }
    form.extend(client.token_params.pairs());
    let is_named = !client.id.is_empty();
    match identity.used_as {
        IdentityUse::TokenExchange | IdentityUse::JwtBearer if is_named => {
            return token::request(client, form, Request::Unattended, now, timeout);
        }
        // The assertion is the client's proof, and no other may be beside it (RFC 6749 §2.3).
        IdentityUse::ClientAssertion if is_named => form.push(("client_id", &client.id)),
        IdentityUse::TokenExchange | IdentityUse::ClientAssertion | IdentityUse::JwtBearer => {}
    }
    token::send(client, &Authentication::None, &form, Request::Unattended, now, timeout)
}
