//! Opening the bundle of another vault.

use super::incoming::Incoming;
use crate::model::account::Account;
use crate::model::bundle::{BundleEntry, Content, Load, is_sound};
use crate::model::destination::Destination;
use crate::ops::error::{BundleError, Error};
use crate::vault::bundle::{Bundle, BundleSecret, Malformed};
pub(crate) use crate::vault::bundle::{BundleId, LONGEST as LONGEST_BUNDLE};

/// The content of a bundle.
pub(crate) struct OpenedBundle {
    pub(crate) incoming: Vec<Incoming>,
    /// Whether at least one of its credentials was moved, so that no other vault has it.
    pub(crate) moved: bool,
    /// The vault that the bundle is on its way to, if it was made for a move from vault to vault: that
    /// one may have it already.
    pub(crate) destination: Option<Destination>,
}

/// Parses the text of a bundle, without opening it.
pub(crate) fn read_bundle(text: &str) -> Result<Bundle, BundleError> {
    Ok(Bundle::parse(text)?)
}

/// Opens a bundle with `secret` and returns its credentials.
///
/// No credential in it can cost another vault its login: a rotating refresh token is in a bundle
/// only after its vault has handed it over. The endpoints in it are trusted, because only somebody
/// who has the secret can seal a bundle. Fails with [`BundleError::Closed`] or
/// [`BundleError::Malformed`].
pub(crate) fn open(bundle: &Bundle, secret: &BundleSecret) -> Result<OpenedBundle, Error> {
    let damaged = || BundleError::Malformed(Malformed::Damaged);
    let content = bundle.open(secret).map_err(BundleError::Closed)?;
    let content: Content = serde_json::from_slice(&content).map_err(|_| damaged())?;
    let moved = content.credentials.iter().any(|carried| carried.load == Load::Moved);
    let incoming = |carried: BundleEntry| {
        if !is_sound(&carried.credential) {
            return Err(damaged().into());
        }
        let provider = carried.provider.parse().map_err(|_| damaged())?;
        let user = carried.user.parse().map_err(|_| damaged())?;
        let account = Account { provider, user };
        let origin = format!("`{account}` in the bundle");
        let credential = carried.credential;
        Ok(Incoming { account, credential, origin, forks: false, issued_at: None, left_out: None })
    };
    let incoming: Result<Vec<Incoming>, Error> =
        content.credentials.into_iter().map(incoming).collect();
    Ok(OpenedBundle { incoming: incoming?, moved, destination: content.destination })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::vault::Key;
    use crate::vault::bundle::seal;

    /// Seals a bundle with one credential, changed at `pointer`, and opens it.
    fn open_with(pointer: &str, value: Value) -> Result<OpenedBundle, Error> {
        let mut content = json!({ "credentials": [{
            "provider": "acme", "user": "x", "load": "copied",
            "credential": {
                "grant": {
                    "kind": "oauth", "access_token": "made-up-1", "token_type": "Bearer",
                    "issued_at": "2026-01-01T00:00:00Z", "granted_at": "2026-01-01T00:00:00Z",
                    "expiry": { "expiry": "known", "at": "2026-01-01T01:00:00Z" },
                    "scopes": ["read"],
                    "client": {
                        "id": "made-up", "auth_method": "none",
                        "token_endpoint": "https://as.example/token",
                    },
                },
                "api": {
                    "auth": "bearer", "username": "alice",
                    "headers": [{ "name": "x-api-key", "value": "made-up-2" }],
                },
                "status": "active",
                "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
            },
        }] });
        *content.pointer_mut(pointer).unwrap() = value;
        let secret = BundleSecret::Key(Key::from_bytes(&[7; 32]).unwrap());
        let (_, text) = seal(&secret, content.to_string().as_bytes()).unwrap();
        open(&Bundle::parse(&text).unwrap(), &secret)
    }

    #[test]
    fn what_a_vault_would_not_keep_does_not_come_in_under_the_right_seal_either() {
        assert_eq!(open_with("/credentials/0/user", json!("y")).unwrap().incoming.len(), 1);
        for (field, value) in [
            ("grant/access_token", "made\nup"),
            ("grant/token_type", "Bearer\u{1b}[31m"),
            ("grant/client/id", "made\rup"),
            ("grant/scopes/0", "read write"),
            ("grant/scopes/0", "read\u{7}"),
            ("grant/expiry/at", "2026-01-01T01:00:00.5Z"),
            ("api/username", "alice\nbob"),
            ("api/headers/0/name", "x: y\r\nx"),
            ("api/headers/0/value", "made-up\r\nx: y"),
            ("updated_at", "2026-01-01T00:00:00.000000001Z"),
        ] {
            let pointer = format!("/credentials/0/credential/{field}");
            assert!(open_with(&pointer, json!(value)).is_err(), "{field} {value:?}");
        }
        assert!(open_with("/credentials/0/user", json!("a\nb")).is_err());
        assert!(open_with("/credentials/0/provider", json!("Acme")).is_err());
    }
}
