//! Requests to the token endpoint (RFC 6749 §3.2).
//!
//! Whether a token needs renewing and where the new one is stored is the caller's business.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::client_proof;
use super::error_answer;
use super::http::{self, Authentication};
use super::token_answer::{self, TokenAnswer};
use super::token_error::{Error, Request};
use crate::model::client::Client;
use crate::model::dialect::Encoding;
use crate::model::request_params::RequestParams;
use crate::secret::{AccessToken, AuthorizationCode, CodeVerifier, RefreshToken, SecretText};

/// The outcome of a request for a new token.
#[derive(Debug)]
pub(crate) struct TokenOutcome {
    pub(crate) answer: Result<TokenAnswer, Error>,
    /// The status and date of the answer, if one came.
    pub(crate) meta: Option<ResponseMeta>,
}

impl TokenOutcome {
    /// Drops the refresh token of a grant that is simply requested again.
    pub(super) fn without_refresh_token(mut self) -> Self {
        if let Ok(answer) = &mut self.answer {
            answer.refresh_token = None;
        }
        self
    }
}

/// The status and the date of an HTTP answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResponseMeta {
    pub(crate) status: u16,
    /// The server's own time.
    pub(crate) date: Option<Timestamp>,
}

/// Redeems an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5), with the additional `params`
/// that the server wants of this grant alone.
pub(crate) fn redeem(
    client: &Client,
    code: &AuthorizationCode,
    redirect_uri: &str,
    verifier: Option<&CodeVerifier>,
    params: &RequestParams,
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
    let params = client.token_params.clone().overlaid(params);
    form.extend(params.pairs());
    request(client, form, Request::Exchange, now, http::REQUEST_TIMEOUT).answer
}

/// Renews an access token (RFC 6749 §6), and gives up after `timeout`.
pub(crate) fn refresh(
    client: &Client,
    refresh_token: &RefreshToken,
    now: Timestamp,
    timeout: Duration,
) -> TokenOutcome {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())];
    let params = renewal_params(client);
    form.extend(params.pairs());
    request(client, form, Request::Refresh, now, timeout)
}

/// Exchanges an access token that still works for one that lives longer, as Facebook offers in
/// place of a refresh; gives up after `timeout`.
pub(crate) fn exchange(
    client: &Client,
    access_token: &AccessToken,
    now: Timestamp,
    timeout: Duration,
) -> TokenOutcome {
    let mut form =
        vec![("grant_type", "fb_exchange_token"), ("fb_exchange_token", access_token.expose())];
    let params = renewal_params(client);
    form.extend(params.pairs());
    request(client, form, Request::Refresh, now, timeout)
}

/// Returns the additional parameters of a request that renews a token by an earlier one.
fn renewal_params(client: &Client) -> RequestParams {
    client.token_params.clone().overlaid(&client.dialect.refresh_params)
}

/// Sends `form` with the proof of `client`.
pub(super) fn request(
    client: &Client,
    form: Vec<(&str, &str)>,
    kind: Request,
    now: Timestamp,
    timeout: Duration,
) -> TokenOutcome {
    let proof = match client_proof::prove(client, &client.token_endpoint, now) {
        Ok(proof) => proof,
        Err(why) => return TokenOutcome { answer: Err(why.into()), meta: None },
    };
    let form = [form, proof.fields()].concat();
    let TokenOutcome { answer, meta } =
        send(client, &proof.authentication(), &form, kind, now, timeout);
    TokenOutcome { answer: answer.map_err(|error| proof.advise(error)), meta }
}

/// Sends `form` unchanged to the client's token endpoint.
pub(super) fn send(
    client: &Client,
    authentication: &Authentication<'_>,
    form: &[(&str, &str)],
    kind: Request,
    now: Timestamp,
    timeout: Duration,
) -> TokenOutcome {
    let sent_at = Instant::now();
    let (endpoint, tls) = (&client.token_endpoint, client.tls());
    let answer = match client.dialect.request {
        Encoding::Form => http::post(endpoint, tls, authentication, form, timeout),
        Encoding::Json => http::post_json(endpoint, tls, authentication, form, timeout),
    };
    match answer {
        Err(fault) => TokenOutcome { answer: Err(fault.into()), meta: None },
        Ok(answer) => TokenOutcome {
            meta: Some(ResponseMeta { status: answer.status, date: answer.date }),
            answer: token_answer::read(&answer, kind, &client.dialect, now).map_err(|error| {
                match kind {
                    Request::Unattended => {
                        let elapsed = SignedDuration::try_from(sent_at.elapsed());
                        let now = now.saturating_add(elapsed.unwrap_or_default());
                        error_answer::blame_clock(error, answer.date, now.unwrap_or(Timestamp::MAX))
                    }
                    Request::Exchange | Request::Refresh => error,
                }
            }),
        },
    }
}
