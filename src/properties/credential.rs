//! The properties of a credential, wherever it came from.

use jiff::{SignedDuration, Timestamp};

use super::sample_vault::NOW;
use crate::model::credential::Credential;
use crate::model::readiness::{Need, readiness};
use crate::model::scope::Scopes;
use crate::model::summary::Summary;
use crate::secret::SecretText;

/// Asserts that a decision is possible for any credential, and that no secret is printed.
pub(super) fn assert_decidable(credential: &Credential) {
    for need in [Need::Usual, Need::AtLeast(SignedDuration::MAX)] {
        for now in [NOW, Timestamp::MIN, Timestamp::MAX] {
            let _ = (readiness(credential, need, now), credential.is_over(now));
        }
    }
    assert!(!format!("{credential:?}").contains("made-up-1"), "a secret is shown");
}

/// Whether tokctl can have stored the values: times are in whole seconds, and scopes have no
/// spaces.
pub(super) fn can_be_kept(summary: &Summary) -> bool {
    let times = [
        Some(summary.created_at),
        Some(summary.updated_at),
        summary.expires_at,
        summary.last_refreshed_at,
        summary.login_by,
    ];
    times.into_iter().flatten().all(|time| time.subsec_nanosecond() == 0)
        && Scopes::parse(&summary.scopes.to_string()) == summary.scopes
}

/// Whether the values that go into a header or are printed as they are stay on one line.
pub(super) fn can_be_sent(credential: &Credential) -> bool {
    let token = credential.token().map(SecretText::expose);
    let headers = &credential.api.headers;
    let headers = headers.iter().flat_map(|own| [own.name.as_str(), own.value.expose()]);
    let username = credential.api.username.as_deref();
    let own = token.into_iter().chain([credential.token_type()]);
    own.chain(headers).chain(username).all(|text| !text.contains(char::is_control))
}

pub(super) fn serialized(credential: &Credential) -> String {
    serde_json::to_string(credential).expect("a credential can be serialized")
}
