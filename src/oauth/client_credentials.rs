//! The client credentials grant (RFC 6749 §4.4): the client asks for itself, and no person with it.

use std::time::Duration;

use jiff::Timestamp;

use super::token::{self, Asked};
use super::token_error::Request;
use crate::model::client::Client;
use crate::model::scope::Scopes;

/// Asks for a token, or gives up after `bound`. A refresh token has no place in the answer
/// (RFC 6749 §4.4.3).
pub(crate) fn request(client: &Client, scopes: &Scopes, now: Timestamp, bound: Duration) -> Asked {
    let scopes = scopes.to_string();
    let mut form = vec![("grant_type", "client_credentials")];
    if !scopes.is_empty() {
        form.push(("scope", scopes.as_str()));
    }
    token::request(client, form, Request::Exchange, now, bound).without_refresh_token()
}
