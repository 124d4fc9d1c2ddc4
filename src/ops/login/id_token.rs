//! The ID token that comes at the end of a login (OpenID Connect Core 1.0 §3.1.3).

use jiff::Timestamp;

use super::plan::{OPENID, Plan};
use crate::model::id_token::Claims;
use crate::oauth::id_token::{self, Error, Expected};
use crate::oauth::token_answer::TokenAnswer;
use crate::oauth::unguessable::Unguessable;
use crate::secret::IdToken;

/// Whether a person took part in a login, about whom an ID token would speak.
#[derive(Debug, Clone, Copy)]
pub(super) enum Person<'a> {
    /// A person consented. The nonce is that of the request, where it could carry one.
    Consented { nonce: Option<&'a Unguessable> },
    /// The client logged in for itself.
    None,
}

/// A problem of an ID token that does not stop a login.
#[derive(Debug)]
pub(crate) enum IdTokenWarning {
    /// The server was asked for an ID token and gave none.
    Missing,
    /// The token is not kept.
    Dropped(Error),
}

/// The ID token of a login, and what it claims.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) token: Option<IdToken>,
    pub(super) claims: Claims,
    pub(super) warning: Option<IdTokenWarning>,
}

/// Whether the scopes of `plan` ask for an ID token.
pub(super) fn is_asked_for(plan: &Plan) -> bool {
    plan.scopes.contains(OPENID)
}

/// Takes the ID token out of `answer` and checks it. Fails if the token says that the answer is not
/// one to this login.
pub(super) fn receive(
    plan: &Plan,
    person: Person<'_>,
    answer: &mut TokenAnswer,
    now: Timestamp,
) -> Result<Received, Error> {
    let nonce = match person {
        Person::Consented { nonce } => nonce,
        Person::None => None,
    };
    let Some(token) = answer.id_token.take() else {
        let is_granted = answer.scopes.as_ref().is_none_or(|granted| granted.contains(OPENID));
        let is_missing = match person {
            Person::Consented { .. } => is_asked_for(plan) && is_granted,
            Person::None => false,
        };
        let warning = is_missing.then_some(IdTokenWarning::Missing);
        return Ok(Received { warning, ..Received::default() });
    };
    let expected = Expected { issuer: plan.issuer(), client_id: &plan.client_id, nonce };
    match id_token::check(&token, expected, now) {
        Ok(claims) => Ok(Received { token: Some(token), claims, warning: None }),
        Err(error) if error.refuses_login() => Err(error),
        Err(error) => {
            Ok(Received { warning: Some(IdTokenWarning::Dropped(error)), ..Received::default() })
        }
    }
}
