//! The JWT bearer grant (RFC 7523 §2.1): an assertion signed with RS256 (RFC 7515, RFC 7518 §3.3)
//! in place of a secret, as Google's service accounts use it.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use super::http::Authentication;
use super::token::{self, TokenOutcome};
use super::token_error::{Error, Request};
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::scope::Scopes;
use crate::model::service_account::ServiceAccount;
use crate::secret::{Assertion, PrivateKey, SecretText};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The life of an assertion, in seconds: the most that Google allows.
const LIFE: i64 = 3600;

/// The number of seconds by which an assertion is dated back.
const BACKDATED: i64 = 30;

/// The reason why nothing can be signed.
const NO_KEY: &str = "the private key can't be used: it is no RSA key in PKCS #8";
const NO_RANDOMNESS: &str = "the private key could not be used just now";

/// Requests a token with a new assertion, and gives up after `timeout`.
pub(crate) fn request(
    client: &Client,
    account: &ServiceAccount,
    scopes: &Scopes,
    now: Timestamp,
    timeout: Duration,
) -> TokenOutcome {
    let assertion = match sign(account, &client.token_endpoint, scopes, now) {
        Ok(assertion) => assertion,
        Err(why) => return TokenOutcome { answer: Err(Error::NotSigned(why)), meta: None },
    };
    let mut form = vec![("grant_type", GRANT_TYPE), ("assertion", assertion.expose())];
    form.extend(client.token_params.pairs());
    // The assertion names the account, so the request has no client authentication (RFC 7521 §4.1).
    token::send(client, &Authentication::None, &form, Request::Unattended, now, timeout)
        .without_refresh_token()
}

fn sign(
    account: &ServiceAccount,
    audience: &Address,
    scopes: &Scopes,
    now: Timestamp,
) -> Result<Assertion, &'static str> {
    let mut header = json!({ "alg": "RS256", "typ": "JWT" });
    if let Some(key_id) = &account.key_id {
        header["kid"] = json!(key_id);
    }
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
    let part = |value: &serde_json::Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let key = key_pair(&account.private_key)?;
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| NO_RANDOMNESS)?;
    Ok(Assertion::from_trusted(format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))))
}

fn key_pair(key: &PrivateKey) -> Result<RsaKeyPair, &'static str> {
    let key = PrivatePkcs8KeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| NO_KEY)?;
    RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).map_err(|_| NO_KEY)
}
