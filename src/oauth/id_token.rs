//! The checks of an ID token (OpenID Connect Core 1.0 §3.1.3.7 and §12.2).
//!
//! tokctl takes ID tokens from the token endpoint and from nowhere else: over TLS, which vouches for
//! the server in place of the signature (§3.1.3.7, item 6), or from a server on this machine. So no
//! signature is checked, and no key is fetched. A token from anywhere else must not be given to this
//! module before its signature was checked.

use jiff::Timestamp;

use super::unguessable::Unguessable;
use crate::model::attempt::TOLERABLE_SKEW;
use crate::model::id_token::Claims;
use crate::secret::IdToken;
use crate::untrusted::printable;

/// The values that the claims of an ID token must have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// The issuer, as it is configured or as the server's metadata name it; `None` where nobody
    /// said it.
    pub(crate) issuer: Option<&'a str>,
    pub(crate) client_id: &'a str,
    /// The nonce of the authorization request; `None` for a request that can't carry one.
    pub(crate) nonce: Option<&'a Unguessable>,
}

/// The reason why an ID token is not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The token is no signed JWT, or it is encrypted: nothing can be said about it.
    #[error("it can't be read")]
    Unreadable,
    /// The token has ended by more than two clocks differ.
    #[error("it had ended when it came, at {0}")]
    Ended(Timestamp),
    /// Another server issued the token.
    #[error("it is from {}, and not from `{expected}`", quoted(named.as_deref()))]
    Issuer { named: Option<String>, expected: String },
    /// The token is for other clients.
    #[error("it is for {}, and not for the client `{client_id}`", quoted(named.as_deref()))]
    Audience { named: Option<String>, client_id: String },
    /// The token does not answer the request of this login: a code or a token of another login was
    /// slipped in.
    #[error("it answers another login")]
    Nonce,
    /// The token that came with a refresh is about another person than the one before it.
    #[error("it is about another person than before")]
    Subject,
}

impl Error {
    /// Whether the answer that held the token is not an answer to this login, so that none of its
    /// tokens may be kept.
    pub(crate) fn refuses_login(&self) -> bool {
        match self {
            Self::Issuer { .. } | Self::Audience { .. } | Self::Nonce => true,
            Self::Unreadable | Self::Ended(_) | Self::Subject => false,
        }
    }
}

/// Returns a claim for an error's text.
fn quoted(named: Option<&str>) -> String {
    named.map_or_else(|| "nobody that it names".to_owned(), |named| format!("`{named}`"))
}

/// Checks the ID token that came at the end of a login, and returns its claims.
pub(crate) fn check(
    token: &IdToken,
    expected: Expected<'_>,
    now: Timestamp,
) -> Result<Claims, Error> {
    let claims = Claims::of(token).ok_or(Error::Unreadable)?;
    if let Some(issuer) = expected.issuer {
        check_issuer(&claims, issuer)?;
    }
    check_audience(&claims, expected.client_id)?;
    let is_answer =
        |nonce: &Unguessable| claims.nonce.as_ref().is_some_and(|text| nonce.matches(text));
    // A token without a nonce could be that of any login, so it is as bad as a wrong one.
    if expected.nonce.is_some_and(|nonce| !is_answer(nonce)) {
        return Err(Error::Nonce);
    }
    check_end(&claims, now)?;
    Ok(claims)
}

/// Checks the ID token that came with a refresh by the one that is stored, which may be missing.
pub(crate) fn check_renewed(
    token: &IdToken,
    stored: Option<&IdToken>,
    client_id: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let claims = Claims::of(token).ok_or(Error::Unreadable)?;
    check_audience(&claims, client_id)?;
    if let Some(stored) = stored.and_then(Claims::of) {
        if let Some(expected) = &stored.issuer {
            check_issuer(&claims, expected)?;
        }
        if claims.subject != stored.subject {
            return Err(Error::Subject);
        }
        // Without a nonce the token is in order (§12.2): no person was asked.
        if claims.nonce.is_some() && claims.nonce != stored.nonce {
            return Err(Error::Nonce);
        }
        if claims.audience.iter().any(|client| !stored.audience.contains(client)) {
            return Err(audience_error(&claims, client_id));
        }
    }
    check_end(&claims, now)
}

/// The names that stand for a person's own tenant in Microsoft's issuers.
const ANY_TENANT: [&str; 4] = ["{tenantid}", "common", "organizations", "consumers"];

/// Whether the claims name the issuer `expected`, letter by letter. Microsoft's common issuer stands
/// for that of the person's tenant, which the token names.
fn check_issuer(claims: &Claims, expected: &str) -> Result<(), Error> {
    let named = claims.issuer.as_deref();
    let of_tenant = |tenant: &str| {
        let is_microsofts = expected.contains("{tenantid}")
            || expected.starts_with("https://login.microsoftonline.");
        let parts = expected.split('/');
        let own = parts.map(|part| if ANY_TENANT.contains(&part) { tenant } else { part });
        is_microsofts.then(|| own.collect::<Vec<_>>().join("/"))
    };
    let of_tenant = claims.tenant.as_deref().and_then(of_tenant);
    if named == Some(expected) || named.is_some() && named == of_tenant.as_deref() {
        return Ok(());
    }
    Err(Error::Issuer { named: named.map(printable), expected: printable(expected) })
}

/// Whether the token is for this client, and was asked for by it.
fn check_audience(claims: &Claims, client_id: &str) -> Result<(), Error> {
    let is_ours = |client: &String| client == client_id;
    let is_asked_for_by_us = claims.authorized_party.as_ref().is_none_or(is_ours);
    if claims.audience.iter().any(is_ours) && is_asked_for_by_us {
        return Ok(());
    }
    Err(audience_error(claims, client_id))
}

fn audience_error(claims: &Claims, client_id: &str) -> Error {
    let others = claims.authorized_party.iter().chain(&claims.audience);
    let named = others.into_iter().find(|client| *client != client_id);
    Error::Audience {
        named: named.map(|client| printable(client)),
        client_id: client_id.to_owned(),
    }
}

fn check_end(claims: &Claims, now: Timestamp) -> Result<(), Error> {
    match claims.expires_at {
        Some(at) if now.duration_since(at) > TOLERABLE_SKEW => Err(Error::Ended(at)),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;
    use serde_json::{Value, json};

    use super::*;
    use crate::secret::SecretText;

    const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

    fn token(claims: &Value) -> IdToken {
        let claims = BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
        IdToken::from_trusted(format!("e30.{claims}.c2ln"))
    }

    /// Returns the claims of a token that is in order, changed by `change`.
    fn claims(nonce: &Unguessable, change: &Value) -> Value {
        let mut claims = json!({
            "iss": "https://id.example", "sub": "1", "aud": "me", "nonce": nonce.expose(),
            "exp": NOW.as_second() + 300,
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    #[test]
    fn a_token_of_another_server_client_or_login_refuses_the_login() {
        let nonce = Unguessable::random().unwrap();
        let expected =
            Expected { issuer: Some("https://id.example"), client_id: "me", nonce: Some(&nonce) };
        let checked = |change: Value| check(&token(&claims(&nonce, &change)), expected, NOW);
        for fine in [
            json!({}),
            json!({ "aud": ["you", "me"], "azp": "me" }),
            json!({ "aud": ["you", "me"] }),
            json!({ "exp": NOW.as_second() - 59 }),
            json!({ "exp": null }),
        ] {
            checked(fine).unwrap();
        }
        for wrong in [
            json!({ "iss": "https://id.example/" }),
            json!({ "iss": null }),
            json!({ "aud": "you" }),
            json!({ "aud": [] }),
            json!({ "azp": "you" }),
            json!({ "nonce": "another" }),
            json!({ "nonce": null }),
        ] {
            assert!(checked(wrong.clone()).unwrap_err().refuses_login(), "{wrong}");
        }
        let ended = checked(json!({ "exp": NOW.as_second() - 61 })).unwrap_err();
        assert!(!ended.refuses_login());
    }

    #[test]
    fn a_person_of_any_tenant_comes_with_the_issuer_of_that_tenant() {
        let issuer = |expected: &str, named: &str, tenant: Option<&str>| {
            let issuer = Some(named.to_owned());
            let claims =
                Claims { issuer, tenant: tenant.map(ToOwned::to_owned), ..Claims::default() };
            check_issuer(&claims, expected).is_ok()
        };
        let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
        let common = "https://login.microsoftonline.com/common/v2.0";
        let own = "https://login.microsoftonline.com/made-up/v2.0";
        for expected in [template, common] {
            assert!(issuer(expected, own, Some("made-up")));
            assert!(!issuer(expected, own, Some("another")));
            assert!(!issuer(expected, own, None));
        }
        assert!(!issuer("https://id.example/common", "https://id.example/x", Some("x")));
    }

    #[test]
    fn a_renewed_token_is_about_the_same_person_at_the_same_server_for_the_same_client() {
        let nonce = Unguessable::random().unwrap();
        let stored = token(&claims(&nonce, &json!({})));
        let renewed = |change: Value| {
            check_renewed(&token(&claims(&nonce, &change)), Some(&stored), "me", NOW)
        };
        renewed(json!({})).unwrap();
        renewed(json!({ "nonce": null })).unwrap();
        for wrong in [
            json!({ "sub": "2" }),
            json!({ "iss": "https://other.example" }),
            json!({ "aud": "you" }),
            json!({ "aud": ["me", "you"] }),
            json!({ "nonce": "another" }),
            json!({ "exp": 1 }),
        ] {
            renewed(wrong.clone()).expect_err(&wrong.to_string());
        }
        check_renewed(&stored, None, "me", NOW).unwrap();
        check_renewed(&stored, None, "you", NOW).unwrap_err();
    }
}
