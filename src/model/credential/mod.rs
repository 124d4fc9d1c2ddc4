//! A credential: an OAuth grant or a static token, and all that is kept with it.

mod expiry;
mod api;
mod renewal;
mod superseded;
mod grant;
mod moved_out;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

pub(crate) use self::api::{Api, ApiAuth, ApiHeader, Check, is_field_name};
pub(crate) use self::expiry::Expiry;
pub(crate) use self::grant::{Consent, Grant, OAuthGrant, StaticToken};
pub(crate) use self::moved_out::MovedOut;
#[cfg(feature = "postgres")]
pub(crate) use self::moved_out::RenewedBy;
pub(crate) use self::renewal::{RenewalGrant, RenewalProof};
pub(crate) use self::superseded::Superseded;
use super::address::Address;
use super::client_certificate::TlsSettings;
use super::destination::Destination;
use super::jwt;
use super::registration::{ByAddress, ClientOrigin};
use super::scope::Scopes;
use super::workload::Workload;
use crate::secret::{AccessToken, IdToken, SecretText};
use crate::untrusted::printable;

/// Everything that tokctl keeps for one [`Account`](super::account::Account). It is sealed as a
/// whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Credential {
    pub(crate) grant: Grant,
    pub(crate) api: Api,
    pub(crate) status: Status,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_refreshed_at: Option<Timestamp>,
    /// The vault that took the credential over, if it was moved from this vault into another one;
    /// `None` too if it went into a bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) moved_to: Option<Box<Destination>>,
    /// The record of who moved the credential out of a shared vault; `None` for one that is here, or
    /// left a vault in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) moved_out: Option<MovedOut>,
}

/// The state of a credential, apart from its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// No server has refused the credential.
    Active,
    /// The provider no longer renews the credential: a person has to log in again.
    LoginRequired,
    /// The service refused the token when it was asked.
    Inactive,
    /// The refresh token was moved to another machine, which alone may use it.
    HandedOver,
}

impl Credential {
    /// Returns the token that a service is shown, if there is one: see [`StaticToken::token`] and
    /// [`OAuthGrant::access_token`].
    pub(crate) fn token(&self) -> Option<&AccessToken> {
        match &self.grant {
            Grant::Static(token) => token.token.as_ref(),
            Grant::OAuth(grant) => grant.access_token.as_ref(),
        }
    }

    /// Whether `token` is the one that a service is shown now.
    pub(crate) fn has_token(&self, token: &AccessToken) -> bool {
        let given = token.expose().as_bytes();
        self.token().is_some_and(|own| given.ct_eq(own.expose().as_bytes()).into())
    }

    /// Returns the ID token, if the credential has one.
    pub(crate) fn id_token(&self) -> Option<&IdToken> {
        match &self.grant {
            Grant::Static(_) => None,
            Grant::OAuth(grant) => grant.id_token.as_ref(),
        }
    }

    /// Returns the end of [`Credential::id_token`], which may come before that of the access token.
    pub(crate) fn id_token_expiry(&self) -> Option<Timestamp> {
        jwt::expiry(self.id_token()?.expose())
    }

    /// Whether the grant is renewed by the identity of a job or workload.
    pub(crate) fn is_of_workload(&self) -> bool {
        match &self.grant {
            Grant::OAuth(grant) => matches!(grant.renewal, RenewalGrant::Workload { .. }),
            Grant::Static(_) => false,
        }
    }

    /// Returns the end of [`Credential::token`].
    pub(crate) fn expiry(&self) -> Expiry {
        match &self.grant {
            Grant::Static(token) => token.expiry,
            Grant::OAuth(grant) => grant.expiry,
        }
    }

    /// Returns the word for the token's kind in an `Authorization` header, as the server named it.
    pub(crate) fn token_type(&self) -> &str {
        match (&self.grant, &self.api.auth) {
            (Grant::OAuth(grant), _) => &grant.token_type,
            (Grant::Static(_), ApiAuth::Bearer) => "Bearer",
            (Grant::Static(_), ApiAuth::Basic) => "Basic",
            (Grant::Static(_), ApiAuth::Header(_)) => "token",
        }
    }

    pub(crate) fn scopes(&self) -> Option<&Scopes> {
        match &self.grant {
            Grant::Static(_) => None,
            Grant::OAuth(grant) => Some(&grant.scopes),
        }
    }

    /// Whether tokctl can get a new token without a person.
    pub(crate) fn is_refreshable(&self) -> bool {
        matches!(&self.grant, Grant::OAuth(grant) if grant.renewal_proof().is_some())
            && self.status != Status::HandedOver
    }

    /// Whether the proof that renews the token can be sent any number of times: no refresh token is
    /// spent.
    pub(crate) fn renewal_is_repeatable(&self) -> bool {
        match &self.grant {
            Grant::OAuth(grant) => match grant.renewal {
                RenewalGrant::RefreshToken => false,
                RenewalGrant::Exchange
                | RenewalGrant::ClientCredentials { .. }
                | RenewalGrant::JwtBearer { .. }
                | RenewalGrant::Workload { .. } => true,
            },
            Grant::Static(_) => false,
        }
    }

    /// Whether the token is renewed by the client's or service account's own proof, so that no person
    /// has to log in, whatever the server answers.
    pub(crate) fn needs_no_person(&self) -> bool {
        match &self.grant {
            Grant::OAuth(grant) => match grant.renewal {
                RenewalGrant::ClientCredentials { .. } | RenewalGrant::JwtBearer { .. } => true,
                RenewalGrant::Workload { ref workload, .. } => workload.needs_no_person(),
                RenewalGrant::RefreshToken | RenewalGrant::Exchange => false,
            },
            Grant::Static(_) => false,
        }
    }

    /// Returns the workload whose proof renews the token, if one does.
    pub(crate) fn workload(&self) -> Option<&Workload> {
        match &self.grant {
            Grant::OAuth(grant) => match &grant.renewal {
                RenewalGrant::Workload { workload, .. } => Some(workload),
                RenewalGrant::RefreshToken
                | RenewalGrant::Exchange
                | RenewalGrant::ClientCredentials { .. }
                | RenewalGrant::JwtBearer { .. } => None,
            },
            Grant::Static(_) => None,
        }
    }

    /// Returns this credential with the status that it has by today's rules: an earlier version
    /// stored [`Status::LoginRequired`] for grants that need no person, too.
    pub(crate) fn with_status_of_today(mut self) -> Self {
        if self.status == Status::LoginRequired && self.needs_no_person() {
            self.status = Status::Active;
        }
        self
    }

    /// Returns this credential with an access token that has ended, because the service refused it at
    /// `now`, or earlier, and the provider no longer renews it. Nobody is handed out such a token.
    pub(crate) fn with_dead_token(mut self, now: Timestamp) -> Self {
        if let Grant::OAuth(grant) = &mut self.grant {
            let end = grant.expiry.at().map_or(now, |at| at.min(now));
            grant.expiry = Expiry::Known(end);
            grant.due_at = Some(end);
        }
        self
    }

    /// Returns the time at which a person has to log in again, as far as anybody said; it may be
    /// past.
    ///
    /// A credential that can be renewed needs a login when the provider stops renewing it; one that
    /// can't, when its token ends. Once the provider or the service has refused it, the time is the
    /// one at which the refusal was recorded. A refused token that can be renewed needs no person
    /// yet.
    pub(crate) fn login_by(&self) -> Option<Timestamp> {
        match (self.status, &self.grant) {
            // The machine that holds the grant now answers for it.
            (Status::HandedOver, _) => None,
            (Status::LoginRequired, _) => Some(self.updated_at),
            (Status::Active | Status::Inactive, Grant::OAuth(grant))
                if grant.ends_with_its_token() =>
            {
                self.expiry().at()
            }
            // Where no person consented, none has to do so again.
            (Status::Active | Status::Inactive, Grant::OAuth(_))
                if self.renewal_is_repeatable() =>
            {
                None
            }
            (Status::Active | Status::Inactive, Grant::OAuth(grant)) if self.is_refreshable() => {
                let consent =
                    grant.life.ends_at(grant.granted_at, grant.issued_at, grant.refresh_expires_at);
                let secret = grant.client.by_address.as_ref().and_then(|it| it.secret_ends_at());
                consent.into_iter().chain(secret).min()
            }
            (Status::Active, _) => self.expiry().at(),
            (Status::Inactive, _) => {
                Some(self.expiry().at().map_or(self.updated_at, |end| end.min(self.updated_at)))
            }
        }
    }

    /// Whether the token has ended and can't be renewed any more.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        let renewable_still = match &self.grant {
            Grant::OAuth(grant) => self.is_refreshable() && !grant.ends_with_its_token(),
            Grant::Static(_) => false,
        };
        !renewable_still && self.expiry().is_past(now)
    }

    /// Returns the certificates that are trusted in addition to the system's when the service is
    /// asked.
    pub(crate) fn trusted_certificates(&self) -> Option<&str> {
        match &self.grant {
            Grant::OAuth(grant) => grant.client.trusted_certificates.as_deref(),
            Grant::Static(_) => {
                self.api.check.as_ref().and_then(|check| check.trusted_certificates.as_deref())
            }
        }
    }

    /// Returns the settings of TLS connections to the service.
    pub(crate) fn tls(&self) -> TlsSettings<'_> {
        match &self.grant {
            Grant::OAuth(grant) => grant.client.tls(),
            Grant::Static(_) => self.trusted_certificates().into(),
        }
    }

    /// Returns the thumbprint of the certificate that the access token is bound to (RFC 8705 §3.1),
    /// if the token is a JWT that names one.
    pub(crate) fn certificate_thumbprint(&self) -> Option<String> {
        let claims = jwt::claims(self.token()?.expose())?;
        let thumbprint = claims.pointer("/cnf/x5t#S256")?.as_str()?;
        Some(printable(thumbprint))
    }

    /// Whether the access token works only for a client that shows its certificate, as far as the
    /// token or the metadata of its server tell.
    pub(crate) fn is_certificate_bound(&self) -> bool {
        let binds = match &self.grant {
            Grant::OAuth(grant) => {
                grant.client.certificate.as_ref().is_some_and(|own| own.binds_tokens)
            }
            Grant::Static(_) => false,
        };
        binds || self.certificate_thumbprint().is_some()
    }

    /// Returns the facts of a login by address; `None` if the credential came in another way.
    pub(crate) fn by_address(&self) -> Option<&ByAddress> {
        match &self.grant {
            Grant::OAuth(grant) => grant.client.by_address.as_deref(),
            Grant::Static(_) => None,
        }
    }

    /// Whether a login by address registered the client.
    pub(crate) fn has_registered_client(&self) -> bool {
        self.by_address().is_some_and(|facts| matches!(facts.origin, ClientOrigin::Registered(_)))
    }

    /// Returns the address for requests: the API's own where there is one, else the server's.
    pub(crate) fn api_base_url(&self) -> Option<&Address> {
        self.api.base_url.as_ref().or(self.api.server_url.as_ref())
    }
}

#[cfg(test)]
impl Credential {
    /// Returns a credential for unit tests: made at the epoch, for an API that takes it as
    /// `Bearer`.
    pub(crate) fn made_up(grant: Grant, status: Status) -> Self {
        let api = Api {
            auth: ApiAuth::Bearer,
            headers: Vec::new(),
            server_url: None,
            base_url: None,
            username: None,
            check: None,
        };
        Self {
            grant,
            api,
            status,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            last_refreshed_at: None,
            moved_to: None,
            moved_out: None,
        }
    }

    /// Returns an active credential for unit tests with a static token.
    pub(crate) fn made_up_static(expiry: Expiry) -> Self {
        let token = Some(SecretText::from_trusted("made-up".into()));
        Self::made_up(Grant::Static(StaticToken { token, expiry }), Status::Active)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_sealed_again_as_it_was_read() {
        let oauth = concat!(
            r#"{"grant":{"kind":"oauth","access_token":"made-up","token_type":"Bearer","#,
            r#""issued_at":"2026-01-01T00:00:00Z","#,
            r#""expiry":{"expiry":"known","at":"2026-01-01T01:00:00Z"},"#,
            r#""due_at":"2026-01-01T00:55:00Z","refresh_token":"made-\"up\"","#,
            r#""renewal":{"grant":"refresh_token"},"scopes":["read"],"#,
            r#""client":{"id":"made-up","secret":"made-up","auth_method":"client_secret_basic","#,
            r#""token_endpoint":"https://as.example/token","revocation_method":"rfc7009"},"#,
            r#""granted_at":"2026-01-01T00:00:00Z","life":{}},"#,
            r#""api":{"auth":"bearer"},"status":"active","#,
            r#""created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}"#,
        );
        let handed_over = concat!(
            r#"{"grant":{"kind":"static","token":"","expiry":{"expiry":"none"}},"#,
            r#""api":{"auth":"basic","username":"x"},"status":"handed_over","#,
            r#""created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}"#,
        );
        for sealed in [oauth, handed_over] {
            let read: Credential = serde_json::from_str(sealed).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), sealed);
        }
    }
}
