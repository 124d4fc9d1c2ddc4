//! Token revocation (RFC 7009), and the services with a way of their own.

use super::http::{self, Answer, Authentication, Fault};
use super::token::authenticate;
use super::token_error::{self, Error, Request};
use crate::model::address::Address;
use crate::model::client::{Client, RevocationMethod};
use crate::secret::{AccessToken, RefreshToken, SecretText};

/// Revokes a grant: the refresh token first, which at most servers ends the access token too, then
/// the access token, for servers where it does not.
///
/// A token that the server does not know counts as revoked (RFC 7009 §2.2), and so does a grant
/// without any token.
pub(crate) fn revoke(
    client: &Client,
    endpoint: &Address,
    refresh_token: Option<&RefreshToken>,
    access_token: Option<&AccessToken>,
) -> Result<(), Error> {
    match (client.revocation_method, refresh_token, access_token) {
        (RevocationMethod::Rfc7009, Some(token), access_token) => {
            revoke_one(client, endpoint, token.expose(), "refresh_token")?;
            // Without its refresh token the grant is over; an access token that stays ends soon.
            if let Some(token) = access_token {
                let _ = revoke_one(client, endpoint, token.expose(), "access_token");
            }
            Ok(())
        }
        (RevocationMethod::Rfc7009, None, Some(token)) => {
            revoke_one(client, endpoint, token.expose(), "access_token")
        }
        (RevocationMethod::Github, _, Some(token)) => delete_at_github(client, endpoint, token),
        (RevocationMethod::Delete, _, Some(token)) => {
            let certificates = client.trusted_certificates.as_deref();
            let authentication = Authentication::Bearer(token);
            judge(client, http::delete(endpoint, certificates, &authentication, &[]))
        }
        (
            RevocationMethod::Rfc7009 | RevocationMethod::Github | RevocationMethod::Delete,
            _,
            None,
        ) => Ok(()),
    }
}

fn revoke_one(client: &Client, endpoint: &Address, token: &str, hint: &str) -> Result<(), Error> {
    let mut form = vec![("token", token), ("token_type_hint", hint)];
    let authentication = authenticate(client, &mut form);
    let certificates = client.trusted_certificates.as_deref();
    judge(client, http::post(endpoint, certificates, &authentication, &form, http::REQUEST_TIMEOUT))
}

/// Revokes a token at GitHub, where `endpoint` is the list of applications and the client's own
/// entry takes the token.
fn delete_at_github(client: &Client, endpoint: &Address, token: &AccessToken) -> Result<(), Error> {
    let mut url = endpoint.url().clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(&client.id).push("token");
    }
    let address: Address =
        url.as_str().parse().expect("an address with segments more, each encoded, is still one");
    let authentication = match client.authentication.secret() {
        Some(secret) => Authentication::Client { id: &client.id, secret },
        None => Authentication::None,
    };
    let certificates = client.trusted_certificates.as_deref();
    let fields = [("access_token", token.expose())];
    let answer = http::delete(&address, certificates, &authentication, &fields);
    // GitHub answers so about a token that it does not know.
    match answer {
        Ok(answer) if [404, 422].contains(&answer.status) => Ok(()),
        answer => judge(client, answer),
    }
}

fn judge(client: &Client, answer: Result<Answer, Fault>) -> Result<(), Error> {
    let answer = answer?;
    if (200..=299).contains(&answer.status) {
        return Ok(());
    }
    match token_error::read(&answer, Request::Refresh, &client.dialect) {
        // The token was revoked before; Google's word for it is `invalid_token`.
        Some(Error::GrantRefused { error, .. })
            if error == "invalid_grant"
                || error == "invalid_token"
                || client.dialect.grant_errors.contains(&error) =>
        {
            Ok(())
        }
        Some(error) => Err(error),
        None => Err(token_error::no_verdict(&answer)),
    }
}
