//! Token revocation (RFC 7009), and the services with a way of their own.

use std::time::Duration;

use jiff::Timestamp;

use super::client_proof;
use super::error_answer;
use super::http::{self, Answer, Authentication, Fault};
use super::token_error::{Error, Request, is_about_the_client};
use crate::model::address::Address;
use crate::model::client::{Client, RevocationMethod};
use crate::model::client_authentication::ClientAuthentication;
use crate::secret::{AccessToken, RefreshToken, SecretText};

/// Revokes a grant: the refresh token first, which at most servers ends the access token too, then
/// the access token, for servers where it does not.
///
/// A token that the server does not know counts as revoked (RFC 7009 §2.2), and so does a grant
/// without any token. Gives up on each request after `timeout`. Sending it all again does no harm.
/// What [`is_permanent`] says of an error helps to decide that.
pub(crate) fn revoke(
    client: &Client,
    endpoint: &Address,
    refresh_token: Option<&RefreshToken>,
    access_token: Option<&AccessToken>,
    now: Timestamp,
    timeout: Duration,
) -> Result<(), Error> {
    let revoke_one = |token: &str, hint| revoke_one(client, endpoint, token, hint, now, timeout);
    match (client.revocation_method, refresh_token, access_token) {
        (RevocationMethod::Rfc7009, Some(token), access_token) => {
            revoke_one(token.expose(), "refresh_token")?;
            // Without its refresh token the grant is over; an access token that stays ends soon.
            if let Some(token) = access_token {
                let _ = revoke_one(token.expose(), "access_token");
            }
            Ok(())
        }
        (RevocationMethod::Rfc7009, None, Some(token)) => {
            revoke_one(token.expose(), "access_token")
        }
        // GitHub would answer as it does about a token that it does not know.
        (RevocationMethod::Github, _, Some(_)) if client.authentication.secret().is_none() => {
            Err(without_secret(endpoint))
        }
        (RevocationMethod::Github, _, Some(token)) => delete_at_github(client, endpoint, token),
        (RevocationMethod::None, ..) => Err(without_secret(endpoint)),
        (RevocationMethod::Delete, _, Some(token)) => {
            let tls = client.tls();
            let authentication = Authentication::Bearer(token);
            judge(client, http::delete(endpoint, tls, &authentication, &[]))
        }
        (
            RevocationMethod::Rfc7009 | RevocationMethod::Github | RevocationMethod::Delete,
            _,
            None,
        ) => Ok(()),
    }
}

/// Returns the error of a request that is not sent, since the server is known to refuse it.
fn without_secret(endpoint: &Address) -> Error {
    Error::ClientRefused {
        authority: endpoint.authority(),
        error: "invalid_client".into(),
        reason: "it revokes nothing for a client without a secret".into(),
    }
}

/// Whether a revocation for `client` that failed with `error` will never succeed: the server wants a
/// secret, and the client has none.
pub(crate) fn is_permanent(client: &Client, error: &Error) -> bool {
    let refused = match error {
        Error::ClientRefused { .. } | Error::GrantRefused { .. } => {
            error.code().is_some_and(is_about_the_client)
        }
        Error::NoVerdict { status, .. } => [401, 403].contains(status),
        Error::ClockRefused { .. }
        | Error::TooManyRequests { .. }
        | Error::NotSigned(_)
        | Error::NoIdentity(_)
        | Error::UnusableToken { .. }
        | Error::IdentityRefused { .. }
        | Error::Fault(_) => false,
    };
    refused && matches!(client.authentication, ClientAuthentication::None)
}

fn revoke_one(
    client: &Client,
    endpoint: &Address,
    token: &str,
    hint: &str,
    now: Timestamp,
    timeout: Duration,
) -> Result<(), Error> {
    let mut form = vec![("token", token), ("token_type_hint", hint)];
    let proof = client_proof::prove(client, endpoint, now)?;
    form.extend(proof.fields());
    let tls = client.tls();
    let answer = http::post(endpoint, tls, &proof.authentication(), &form, timeout);
    judge(client, answer).map_err(|error| proof.advise(error))
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
    let tls = client.tls();
    let fields = [("access_token", token.expose())];
    let answer = http::delete(&address, tls, &authentication, &fields);
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
    match error_answer::read(&answer, Request::Refresh, &client.dialect) {
        // The token was revoked before; Google's word for it is `invalid_token`.
        Some(Error::GrantRefused { error, .. })
            if error == "invalid_grant"
                || error == "invalid_token"
                || client.dialect.grant_errors.contains(&error) =>
        {
            Ok(())
        }
        Some(error) => Err(error),
        None => Err(error_answer::no_verdict(&answer)),
    }
}
