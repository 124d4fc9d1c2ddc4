//! The JWT bearer grant (RFC 7523 §2.1): an assertion signed with RS256 in place of a secret, as
//! Google's service accounts use it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::http::Authentication;
use super::signed_jwt;
use super::token::{self, TokenOutcome};
use super::token_error::Request;
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::scope::Scopes;
use crate::model::service_account::ServiceAccount;
use crate::model::signing::SigningAlgorithm;
use crate::secret::SecretText;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The life of an assertion, in seconds: the most that Google allows.
const LIFE: i64 = 3600;

/// The number of seconds by which an assertion is dated back.
const BACKDATED: i64 = 30;

/// Requests a token with a new assertion, and gives up after `timeout`.
pub(crate) fn request(
    client: &Client,
    account: &ServiceAccount,
    scopes: &Scopes,
    now: Timestamp,
    timeout: Duration,
) -> TokenOutcome {
    let claims = claims(account, &client.token_endpoint, scopes, now);
    let key_id = account.key_id.as_deref();
    let signed = signed_jwt::sign(&account.private_key, SigningAlgorithm::Rs256, key_id, &claims);
    let assertion = match signed {
        Ok(assertion) => assertion,
        Err(why) => return TokenOutcome { answer: Err(why.into()), meta: None },
    };
    let mut form = vec![("grant_type", GRANT_TYPE), ("assertion", assertion.expose())];
    form.extend(client.token_params.pairs());
    // The assertion names the account, so the request has no client authentication (RFC 7521 §4.1).
    token::send(client, &Authentication::None, &form, Request::Unattended, now, timeout)
        .without_refresh_token()
}

fn claims(account: &ServiceAccount, audience: &Address, scopes: &Scopes, now: Timestamp) -> Value {
    // Dated back: a server whose clock is a little behind refuses what is signed in the future.
    let issued_at = now.as_second() - BACKDATED;
    let mut claims = json!({
        "iss": account.email,
        "aud": audience.as_str(),
        "iat": issued_at,
        "exp": issued_at + LIFE,
    });
    if !scopes.is_empty() {
        claims["scope"] = json!(scopes.to_string());
    }
    if let Some(subject) = &account.subject {
        claims["sub"] = json!(subject);
    }
    claims
}
