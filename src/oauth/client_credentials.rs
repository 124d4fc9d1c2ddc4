//! The client credentials grant (RFC 6749 §4.4), with which a client asks for a token without a
//! person.

use std::time::Duration;

use jiff::Timestamp;

use super::token::{self, TokenOutcome};
use super::token_error::Request;
use crate::model::client::Client;
use crate::model::scope::Scopes;

/// Requests a token, and gives up after `timeout`. A refresh token in the answer is dropped (RFC
/// 6749 §4.4.3).
pub(crate) fn request(
    client: &Client,
    scopes: &Scopes,
    now: Timestamp,
    timeout: Duration,
) -> TokenOutcome {
    let scopes = scopes.to_string();
    let mut form = vec![("grant_type", "client_credentials")];
    if !scopes.is_empty() {
        form.push(("scope", scopes.as_str()));
    }
    form.extend(client.token_params.pairs());
    token::request(client, form, Request::Unattended, now, timeout).without_refresh_token()
}
