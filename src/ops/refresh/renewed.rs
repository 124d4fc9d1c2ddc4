//! The credential that a refresh leaves in the vault.

use jiff::Timestamp;

use super::plan::Today;
use crate::model::credential::{Credential, Grant, OAuthGrant, Status};
use crate::oauth::token_answer::TokenAnswer;
use crate::secret::{RefreshToken, SecretText};

/// Returns `credential` with its `grant` and the tokens of the server's `answer`.
pub(super) fn renewed_credential(
    credential: &Credential,
    mut grant: OAuthGrant,
    answer: TokenAnswer,
    today: &Today,
    now: Timestamp,
) -> Credential {
    // An API that moved, as Salesforce's do from instance to instance, is where the answer says.
    let api = match answer.api_base_url {
        Some(base) => credential.api.clone().moved_to(base),
        None => credential.api.clone(),
    };
    grant.access_token = Some(answer.access_token);
    answer.token_type.word().clone_into(&mut grant.token_type);
    grant.expiry = answer.expiry.or_as_long_as(grant.issued_at, grant.expiry, now);
    grant.issued_at = now;
    grant.due_at = today.renewal.due_at(now, grant.expiry);
    replace_refresh_token(&mut grant, answer.refresh_token, answer.refresh_expires_at);
    grant.life = today.renewal.life.unwrap_or(grant.life);
    if let Some(scopes) = answer.scopes {
        let before = std::mem::replace(&mut grant.scopes, scopes);
        grant.keep_offline_access(&before);
    }
    let authentication = grant.client.authentication;
    grant.client.authentication =
        authentication.with_proofs(today.client_proofs.clone().unwrap_or_default());
    Credential {
        api,
        grant: Grant::OAuth(Box::new(grant)),
        status: Status::Active,
        updated_at: now,
        last_refreshed_at: Some(now),
        moved_out: None,
        ..credential.clone()
    }
}

/// Returns `credential` with the refresh token of an `answer` whose access token can't be used. The
/// stored access token stays.
pub(super) fn with_refresh_token(
    credential: &Credential,
    answer: TokenAnswer,
    now: Timestamp,
) -> Credential {
    let mut credential = Credential { updated_at: now, ..credential.clone() };
    if let Grant::OAuth(grant) = &mut credential.grant {
        replace_refresh_token(grant, answer.refresh_token, answer.refresh_expires_at);
    }
    credential
}

/// Puts the refresh token `new` into `grant`, with the end that the server told. Without a new one
/// the old one stays good (RFC 6749 §6).
fn replace_refresh_token(
    grant: &mut OAuthGrant,
    new: Option<RefreshToken>,
    ends_at: Option<Timestamp>,
) {
    // A new refresh token has its own end; the old one's does not apply to it.
    let old = grant.refresh_token.as_ref().map(SecretText::expose);
    let is_another = new.as_ref().is_some_and(|new| Some(new.expose()) != old);
    let earlier_end = grant.refresh_expires_at.filter(|_| !is_another);
    grant.refresh_expires_at = ends_at.or(earlier_end);
    if new.is_some() {
        grant.refresh_token = new;
    }
}
