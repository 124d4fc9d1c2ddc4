//! The ID token that comes with a refresh (OpenID Connect Core 1.0 §12.2).

use jiff::Timestamp;

use crate::model::credential::OAuthGrant;
use crate::oauth::id_token::{self, Error};
use crate::secret::IdToken;

/// Returns the ID token that `grant` holds from now on: the `new` one if it passes its checks, else
/// the stored one. With it comes the reason why a new one was dropped.
///
/// A wrong ID token never costs the access token: the old refresh token may be spent by now.
pub(super) fn accept(
    grant: &OAuthGrant,
    new: Option<IdToken>,
    now: Timestamp,
) -> (Option<IdToken>, Option<Error>) {
    let stored = grant.id_token.as_ref();
    let Some(new) = new else { return (stored.cloned(), None) };
    match id_token::check_renewed(&new, stored, &grant.client.id, now) {
        Ok(()) => (Some(new), None),
        Err(error) => (stored.cloned(), Some(error)),
    }
}
