//! The origin of a token: a person made it, or an authorization server granted it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::expiry::Expiry;
use super::renewal::{RenewalGrant, RenewalProof};
use super::superseded::Superseded;
use crate::model::client::Client;
#[cfg(test)]
use crate::model::client::RevocationMethod;
#[cfg(test)]
use crate::model::client_authentication::ClientAuthentication;
#[cfg(test)]
use crate::model::dialect::Dialect;
use crate::model::grant_life::GrantLife;
#[cfg(test)]
use crate::model::request_params::RequestParams;
use crate::model::scope::{OFFLINE_ACCESS, Scopes};
#[cfg(test)]
use crate::secret::SecretText;
use crate::secret::{self, AccessToken, IdToken, RefreshToken};

/// The origin of a token, which decides how the next one is obtained.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Grant {
    /// A personal access token or API token that a person made: only a person can replace it.
    Static(StaticToken),
    /// An OAuth 2.0 grant. It is boxed, since it is many times larger than the other variant.
    OAuth(Box<OAuthGrant>),
}

/// A token that can't be renewed and is used until its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StaticToken {
    /// The token; `None` after it was handed over to another machine.
    #[serde(with = "secret::sealed::or_empty")]
    pub(crate) token: Option<AccessToken>,
    pub(crate) expiry: Expiry,
}

/// An access token, the proof that renews it, and the client for which it was issued.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OAuthGrant {
    /// The access token; `None` if only a refresh token was imported and not used yet, or after the
    /// grant was handed over.
    #[serde(with = "secret::sealed::or_empty")]
    pub(crate) access_token: Option<AccessToken>,
    pub(crate) token_type: String,
    pub(crate) issued_at: Timestamp,
    pub(crate) expiry: Expiry,
    /// The time from which on the token is renewed before it is handed out; `None` if its end is
    /// unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) due_at: Option<Timestamp>,
    #[serde(with = "secret::sealed::option", default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<RefreshToken>,
    /// The last ID token of this grant that passed its checks (OpenID Connect Core 1.0 §2).
    #[serde(with = "secret::sealed::option", default, skip_serializing_if = "Option::is_none")]
    pub(crate) id_token: Option<IdToken>,
    /// The grant that brings the next access token. Sealed grants without this field are older than
    /// the choice and have a refresh token.
    #[serde(default)]
    pub(crate) renewal: RenewalGrant,
    /// The way in which a person consented. The next login goes the same way.
    #[serde(default, skip_serializing_if = "Consent::is_usual")]
    pub(crate) consent: Consent,
    pub(crate) scopes: Scopes,
    pub(crate) client: Client,
    /// The time of a person's last consent, from which some providers count the end of the grant.
    pub(crate) granted_at: Timestamp,
    /// The end of the refresh token, where the server said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_expires_at: Option<Timestamp>,
    /// The provider's rules for how long it renews a grant. A copy, so that the end of the grant
    /// can be told without the configuration.
    #[serde(default)]
    pub(crate) life: GrantLife,
    /// The grants that this one replaced and that are still to be revoked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) superseded: Vec<Superseded>,
}

/// The way in which a person consents to a grant. A grant without a person has the usual one, which
/// means nothing there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Consent {
    /// Consent in a browser that comes back to this machine, the usual way.
    #[default]
    Browser,
    /// Consent with a code that is entered in any browser (RFC 8628).
    Device,
}

impl Consent {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl OAuthGrant {
    /// Keeps the scope `offline_access` of `asked` where a login by address has the refresh token that
    /// it is for, though the server does not list it: a later login asks for what is kept.
    pub(crate) fn keep_offline_access(&mut self, asked: &Scopes) {
        let has_it = self.client.by_address.is_some() && self.refresh_token.is_some();
        if has_it && asked.contains(OFFLINE_ACCESS) {
            self.scopes.add(OFFLINE_ACCESS);
        }
    }

    /// Returns the proof that renews the access token; `None` if the grant can't be renewed.
    pub(crate) fn renewal_proof(&self) -> Option<RenewalProof<'_>> {
        match &self.renewal {
            RenewalGrant::RefreshToken => {
                self.refresh_token.as_ref().map(RenewalProof::RefreshToken)
            }
            RenewalGrant::Exchange => self.access_token.as_ref().map(RenewalProof::Exchange),
            RenewalGrant::ClientCredentials { scopes } => {
                Some(RenewalProof::ClientCredentials { scopes })
            }
            RenewalGrant::JwtBearer { account, scopes } => {
                Some(RenewalProof::JwtBearer { account, scopes })
            }
            RenewalGrant::Workload { workload, scopes } => {
                Some(RenewalProof::Workload { workload, scopes })
            }
        }
    }

    /// Returns what revokes this grant, and none of those that it replaced.
    pub(crate) fn as_superseded(&self) -> Superseded {
        Superseded {
            client: self.client.clone(),
            refresh_token: self.refresh_token.clone(),
            access_token: self.access_token.clone(),
            tries: 0,
        }
    }

    /// Whether the grant can be renewed only as long as its access token works.
    pub(crate) fn ends_with_its_token(&self) -> bool {
        matches!(self.renewal, RenewalGrant::Exchange)
    }
}

#[cfg(test)]
impl OAuthGrant {
    /// Returns a grant for unit tests: issued to a public client at the epoch, and never due.
    pub(crate) fn made_up(expiry: Expiry) -> Self {
        Self {
            access_token: Some(SecretText::from_trusted("made-up".into())),
            token_type: "Bearer".into(),
            issued_at: Timestamp::UNIX_EPOCH,
            expiry,
            due_at: None,
            refresh_token: Some(SecretText::from_trusted("made-up".into())),
            id_token: None,
            renewal: RenewalGrant::RefreshToken,
            consent: Consent::Browser,
            scopes: Scopes::default(),
            client: Client {
                id: "made-up".into(),
                authentication: ClientAuthentication::None,
                token_endpoint: "https://id.example/token".parse().unwrap(),
                revocation_endpoint: None,
                revocation_method: RevocationMethod::Rfc7009,
                end_session_endpoint: None,
                dialect: Dialect::default(),
                token_params: RequestParams::default(),
                trusted_certificates: None,
                certificate: None,
                by_address: None,
            },
            granted_at: Timestamp::UNIX_EPOCH,
            refresh_expires_at: None,
            life: GrantLife::default(),
            superseded: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_grant_from_before_there_was_a_choice_is_renewed_by_its_refresh_token() {
        let sealed = |renewal: Value| {
            let mut sealed = json!({
                "kind": "oauth", "access_token": "made-up", "token_type": "Bearer",
                "issued_at": "2026-01-01T00:00:00Z", "granted_at": "2026-01-01T00:00:00Z",
                "expiry": { "expiry": "unknown" }, "refresh_token": "made-up", "scopes": [],
                "client": {
                    "id": "made-up", "auth_method": "none",
                    "token_endpoint": "https://as.example/token",
                },
            });
            if !renewal.is_null() {
                sealed["renewal"] = renewal;
            }
            match serde_json::from_value(sealed).unwrap() {
                Grant::OAuth(grant) => grant,
                Grant::Static(_) => panic!("of another kind"),
            }
        };
        let before = sealed(Value::Null);
        assert!(matches!(before.renewal_proof(), Some(RenewalProof::RefreshToken(_))));
        let after = sealed(json!({ "grant": "client_credentials", "scopes": ["read"] }));
        assert!(matches!(after.renewal_proof(), Some(RenewalProof::ClientCredentials { .. })));
    }

    #[test]
    fn a_grant_has_all_fields_of_its_kind() {
        let sealed = json!({
            "kind": "static", "token": "made-up", "expiry": { "expiry": "none" },
            "token_type": "of no meaning here",
        });
        let grant: Grant = serde_json::from_value(sealed.clone()).unwrap();
        assert!(matches!(grant, Grant::Static(_)));
        for (kind, without) in [("oauth", "nothing"), ("static", "token"), ("static", "expiry")] {
            let mut sealed = sealed.clone();
            sealed["kind"] = kind.into();
            sealed.as_object_mut().unwrap().remove(without);
            assert!(serde_json::from_value::<Grant>(sealed).is_err(), "{kind} without {without}");
        }
    }

    #[test]
    fn no_token_is_an_empty_one_under_the_seal() {
        let mut grant = OAuthGrant::made_up(Expiry::Unknown);
        grant.access_token = None;
        let none = StaticToken { token: None, expiry: Expiry::None };
        for (grant, field) in
            [(Grant::OAuth(Box::new(grant)), "access_token"), (Grant::Static(none), "token")]
        {
            let sealed = serde_json::to_value(&grant).unwrap();
            assert_eq!(sealed[field], "");
            match serde_json::from_value(sealed).unwrap() {
                Grant::OAuth(grant) => assert!(grant.access_token.is_none()),
                Grant::Static(token) => assert!(token.token.is_none()),
            }
        }
    }
}
