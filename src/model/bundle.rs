//! The content of a bundle, which moves credentials from one vault to another, and what stays
//! behind.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::credential::{ApiHeader, Credential, Grant, MovedOut, Status, is_field_name};
use super::scope::Scopes;
use super::without_secrets::KeptSecrets;
use crate::secret::SecretText;

/// The sealed content of a bundle.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) credentials: Vec<BundleEntry>,
}

/// One credential in a bundle.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BundleEntry {
    pub(crate) provider: String,
    pub(crate) user: String,
    pub(crate) load: Load,
    pub(crate) credential: Credential,
}

/// The part of a credential that travels in a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Load {
    /// All secrets; the vault that the credential came from keeps none.
    Moved,
    /// All secrets; both vaults can use the credential.
    Copied,
    /// The access token alone. A refresh token that rotates must have one holder: if two used it,
    /// one would end the other's grant.
    TokenAlone,
}

impl Load {
    /// Returns the part that travels. `rotates` says that each renewal replaces the refresh token,
    /// `moving` that the credential leaves this vault.
    pub(crate) fn of(rotates: bool, moving: bool) -> Self {
        match (moving, rotates) {
            (true, _) => Self::Moved,
            (false, false) => Self::Copied,
            (false, true) => Self::TokenAlone,
        }
    }
}

/// Returns the part of `credential` that travels.
pub(crate) fn transfer_copy(credential: &Credential, load: Load) -> Credential {
    match load {
        Load::Moved | Load::Copied => credential.clone(),
        Load::TokenAlone => credential.without_secrets(KeptSecrets::AccessToken),
    }
}

/// Returns the record that stays of a credential that was moved: all that can be shown, and no
/// secret. In a shared vault, `member` is the key of the one who moves it, in hex.
pub(crate) fn handed_over_copy(
    credential: &Credential,
    member: Option<String>,
    now: Timestamp,
) -> Credential {
    let moved_out = member.map(|member| MovedOut::of(&credential.grant, member));
    let without_secrets = credential.without_secrets(KeptSecrets::Nothing);
    Credential { status: Status::HandedOver, updated_at: now, moved_out, ..without_secrets }
}

/// Whether a vault of tokctl can have held `credential`.
///
/// Whoever knows a bundle's secret can seal anything in one. So text is refused that could
/// break out of a header or a line, values that would not be read back as they were written, and
/// grants that no vault exports, for which a program may have to run.
pub(crate) fn is_sound(credential: &Credential) -> bool {
    let is_plain = |text: &str| !text.contains(char::is_control);
    let is_whole = |time: Timestamp| time.subsec_nanosecond() == 0;
    let is_sound_header =
        |own: &ApiHeader| is_field_name(&own.name) && is_plain(own.value.expose());
    let grant = match &credential.grant {
        Grant::Static(_) => true,
        Grant::OAuth(grant) => {
            is_plain(&grant.token_type)
                && is_plain(&grant.client.id)
                && Scopes::parse(&grant.scopes.to_string()) == grant.scopes
        }
    };
    let times = [
        Some(credential.created_at),
        Some(credential.updated_at),
        credential.last_refreshed_at,
        credential.expiry().at(),
        credential.login_by(),
    ];
    grant
        && !credential.is_of_workload()
        && credential.token().is_none_or(|token| is_plain(token.expose()))
        && credential.api.username.as_deref().is_none_or(is_plain)
        && credential.api.headers.iter().all(is_sound_header)
        && times.into_iter().flatten().all(is_whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn credential() -> Credential {
        serde_json::from_value(json!({
            "grant": {
                "kind": "oauth", "access_token": "made-up-access", "token_type": "Bearer",
                "issued_at": "2026-01-01T00:00:00Z", "granted_at": "2026-01-01T00:00:00Z",
                "expiry": { "expiry": "unknown" }, "refresh_token": "made-up-refresh",
                "scopes": ["read"],
                "client": {
                    "id": "made-up", "auth_method": "client_secret_basic",
                    "secret": "made-up-secret", "token_endpoint": "https://as.example/token",
                    "revocation_endpoint": "https://as.example/revoke",
                },
            },
            "api": {
                "auth": "bearer",
                "headers": [{ "name": "x-api-key", "value": "made-up-key" }],
            },
            "status": "active",
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        }))
        .unwrap()
    }

    fn secrets_in(credential: &Credential) -> Vec<&'static str> {
        let text = serde_json::to_string(credential).unwrap();
        ["made-up-access", "made-up-refresh", "made-up-secret", "made-up-key"]
            .into_iter()
            .filter(|secret| text.contains(secret))
            .collect()
    }

    #[test]
    fn only_what_two_may_use_is_copied() {
        assert_eq!(Load::of(true, false), Load::TokenAlone);
        assert_eq!(Load::of(false, false), Load::Copied);
        assert_eq!(Load::of(true, true), Load::Moved);
        assert_eq!(Load::of(false, true), Load::Moved);
    }

    #[test]
    fn a_token_alone_travels_without_what_renews_or_revokes_it() {
        let alone = transfer_copy(&credential(), Load::TokenAlone);
        assert_eq!(secrets_in(&alone), ["made-up-access", "made-up-key"]);
        assert!(!alone.is_refreshable());
        assert!(!serde_json::to_string(&alone).unwrap().contains("/revoke"));
        assert_eq!(secrets_in(&transfer_copy(&credential(), Load::Copied)).len(), 4);
    }

    #[test]
    fn no_secret_stays_of_what_was_moved() {
        let now = Timestamp::UNIX_EPOCH;
        let stays = handed_over_copy(&credential(), None, now);
        assert_eq!(secrets_in(&stays), [""; 0]);
        assert_eq!(stays.status, Status::HandedOver);
        assert_eq!(stays.scopes().unwrap().to_string(), "read");

        let mut account = credential();
        let Grant::OAuth(grant) = &mut account.grant else { unreachable!() };
        grant.renewal = serde_json::from_value(json!({
            "grant": "jwt_bearer", "scopes": [],
            "account": serde_json::from_str::<serde_json::Value>(
                r#"{"email": "made-up", "key_id": "made-up", "private_key": "made-up-refresh"}"#
            ).unwrap(),
        }))
        .unwrap();
        assert_eq!(secrets_in(&handed_over_copy(&account, None, now)), [""; 0]);
    }
}
