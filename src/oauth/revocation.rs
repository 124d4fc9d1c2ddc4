//! Token revocation (RFC 7009).

use super::http::{self, Fault};
use super::token::authenticate;
use super::token_error::{self, Error, Request};
use crate::model::address::Address;
use crate::model::client::Client;
use crate::secret::{AccessToken, RefreshToken, SecretText};

/// Ends a grant: the refresh token first, which takes the access token with it at most servers,
/// then the access token, for those where it does not.
///
/// A token that the server does not know any more counts as revoked (RFC 7009 §2.2).
pub(crate) fn revoke(
    client: &Client,
    endpoint: &Address,
    refresh_token: Option<&RefreshToken>,
    access_token: &AccessToken,
) -> Result<(), Error> {
    if let Some(token) = refresh_token {
        revoke_one(client, endpoint, token.expose(), "refresh_token")?;
        // With it the grant is over, whatever becomes of an access token that ends soon.
        let _ = revoke_one(client, endpoint, access_token.expose(), "access_token");
        return Ok(());
    }
    revoke_one(client, endpoint, access_token.expose(), "access_token")
}

fn revoke_one(client: &Client, endpoint: &Address, token: &str, hint: &str) -> Result<(), Error> {
    let mut form = vec![("token", token), ("token_type_hint", hint)];
    let authentication = authenticate(client, &mut form);
    let certificates = client.trusted_certificates.as_deref();
    let answer = http::post(endpoint, certificates, &authentication, &form, http::WHOLE)
        .map_err(|fault: Fault| Error::Fault(fault))?;
    if (200..=299).contains(&answer.status) {
        return Ok(());
    }
    match token_error::read(&answer, Request::Refresh) {
        // Two words for a token that is gone already; the second is Google's.
        Some(Error::GrantRefused { error, .. }) if error == "invalid_grant" => Ok(()),
        Some(Error::NoVerdict { error: Some(error), .. }) if error == "invalid_token" => Ok(()),
        Some(error) => Err(error),
        None => Err(token_error::no_verdict(&answer)),
    }
}
