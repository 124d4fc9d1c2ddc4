//! A credential: an OAuth grant or a static token, and all that is kept with it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::address::Address;
use super::client::Client;
#[cfg(test)]
use super::client::{RevocationMethod, TokenEndpointAuthMethod};
#[cfg(test)]
use super::dialect::Dialect;
use super::grant_life::GrantLife;
use super::scope::Scopes;
use super::service_account::ServiceAccount;
#[cfg(test)]
use crate::secret::SecretText;
use crate::secret::{self, AccessToken, ApiKey, RefreshToken};

/// Everything that tokctl keeps for one account; it is sealed as a whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Credential {
    pub(crate) grant: Grant,
    pub(crate) api: Api,
    pub(crate) status: Status,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_refreshed_at: Option<Timestamp>,
}

/// How the token was come by, which decides how a new one is got.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", try_from = "Fields")]
pub(crate) enum Grant {
    /// A PAT or API token that a person made: only a person can replace it.
    Static(StaticToken),
    /// An OAuth 2.0 grant. Boxed, since it is many times larger than the other.
    OAuth(Box<OAuthGrant>),
}

/// A token that is used as it is until its end.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StaticToken {
    #[serde(with = "secret::sealed")]
    pub(crate) token: AccessToken,
    pub(crate) expiry: Expiry,
}

/// An access token, what renews it, and where.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OAuthGrant {
    #[serde(with = "secret::sealed")]
    pub(crate) access_token: AccessToken,
    pub(crate) token_type: String,
    pub(crate) issued_at: Timestamp,
    pub(crate) expiry: Expiry,
    /// From when on the token is renewed before it is handed out; never, if its end is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due_at: Option<Timestamp>,
    #[serde(with = "secret::sealed::option", skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<RefreshToken>,
    pub(crate) renewal: RenewalGrant,
    pub(crate) scopes: Scopes,
    pub(crate) client: Client,
    /// When a person last consented: some providers count the grant's end from here.
    pub(crate) granted_at: Timestamp,
    /// When the refresh token ends, where the server said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_expires_at: Option<Timestamp>,
    /// The provider's rules for how long it renews a grant, as they were last known: so that what
    /// they lead to can be told without the configuration.
    pub(crate) life: GrantLife,
}

/// The fields of both kinds of grant, as they are read. What serde would make of a tag by itself
/// takes all of them in before it looks at one: a tenth of what a change of keys costs.
#[derive(Deserialize)]
struct Fields {
    kind: Kind,
    expiry: Expiry,
    #[serde(with = "secret::sealed::option", default)]
    token: Option<AccessToken>,
    #[serde(with = "secret::sealed::option", default)]
    access_token: Option<AccessToken>,
    token_type: Option<String>,
    issued_at: Option<Timestamp>,
    due_at: Option<Timestamp>,
    #[serde(with = "secret::sealed::option", default)]
    refresh_token: Option<RefreshToken>,
    /// Grants from before there was a choice have a refresh token.
    #[serde(default)]
    renewal: RenewalGrant,
    scopes: Option<Scopes>,
    client: Option<Client>,
    granted_at: Option<Timestamp>,
    refresh_expires_at: Option<Timestamp>,
    #[serde(default)]
    life: GrantLife,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Static,
    OAuth,
}

impl TryFrom<Fields> for Grant {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, &'static str> {
        let grant = match fields.kind {
            Kind::Static => {
                fields.token.map(|token| Self::Static(StaticToken { token, expiry: fields.expiry }))
            }
            Kind::OAuth => fields.granted().map(|grant| Self::OAuth(Box::new(grant))),
        };
        grant.ok_or("a field of the grant is missing")
    }
}

impl Fields {
    fn granted(self) -> Option<OAuthGrant> {
        Some(OAuthGrant {
            access_token: self.access_token?,
            token_type: self.token_type?,
            issued_at: self.issued_at?,
            expiry: self.expiry,
            due_at: self.due_at,
            refresh_token: self.refresh_token,
            renewal: self.renewal,
            scopes: self.scopes?,
            client: self.client?,
            granted_at: self.granted_at?,
            refresh_expires_at: self.refresh_expires_at,
            life: self.life,
        })
    }
}

/// The grant that brings the next access token.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(tag = "grant", rename_all = "snake_case")]
pub(crate) enum RenewalGrant {
    /// The refresh token, if there is one (RFC 6749 §6).
    #[default]
    RefreshToken,
    /// The access token itself, as long as it works: Facebook exchanges it for a new one.
    Exchange,
    /// The client's own id and secret (RFC 6749 §4.4).
    ClientCredentials {
        /// What is asked for each time.
        scopes: Scopes,
    },
    /// An assertion that a service account signs (RFC 7523 §2.1).
    JwtBearer { account: Box<ServiceAccount>, scopes: Scopes },
}

/// What the next token request presents.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Renewing<'a> {
    RefreshToken(&'a RefreshToken),
    Exchange(&'a AccessToken),
    ClientCredentials { scopes: &'a Scopes },
    JwtBearer { account: &'a ServiceAccount, scopes: &'a Scopes },
}

impl OAuthGrant {
    /// What renews the access token, if anything does.
    pub(crate) fn renewing(&self) -> Option<Renewing<'_>> {
        match &self.renewal {
            RenewalGrant::RefreshToken => self.refresh_token.as_ref().map(Renewing::RefreshToken),
            RenewalGrant::Exchange => Some(Renewing::Exchange(&self.access_token)),
            RenewalGrant::ClientCredentials { scopes } => {
                Some(Renewing::ClientCredentials { scopes })
            }
            RenewalGrant::JwtBearer { account, scopes } => {
                Some(Renewing::JwtBearer { account, scopes })
            }
        }
    }

    /// Whether it can be renewed only as long as its access token works.
    pub(crate) fn ends_with_its_token(&self) -> bool {
        matches!(self.renewal, RenewalGrant::Exchange)
    }
}

/// When a token stops working, as far as anybody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "expiry", content = "at", rename_all = "lowercase")]
pub(crate) enum Expiry {
    /// At this time.
    Known(Timestamp),
    /// It has no end of its own.
    None,
    /// Nobody said; it is not guessed.
    Unknown,
}

impl Expiry {
    /// The end, where it is known.
    pub(crate) fn at(self) -> Option<Timestamp> {
        match self {
            Self::Known(at) => Some(at),
            Self::None | Self::Unknown => None,
        }
    }

    /// Whether the end has come.
    pub(crate) fn is_past(self, now: Timestamp) -> bool {
        self.at().is_some_and(|at| at <= now)
    }
}

/// The service that the token is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Api {
    pub(crate) auth: ApiAuth,
    /// What every request carries beside the token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) headers: Vec<ApiHeader>,
    /// The service's own address, as a person knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) server_url: Option<Address>,
    /// Where its API is, if that is another place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base_url: Option<Address>,
    /// The account's name at the service, where it differs from the user or is part of the
    /// authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    /// How the service is asked whether the token works, if it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) check: Option<Check>,
}

/// A header that a service wants beside the token, such as a key of the client's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ApiHeader {
    pub(crate) name: String,
    #[serde(with = "secret::sealed")]
    pub(crate) value: ApiKey,
}

/// The request that tells whether a token works.
///
/// It carries the token, so where it goes is decided at login and kept under the seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Check {
    pub(crate) url: Address,
    /// JSON pointers (RFC 6901), one of which has to lead to something in the answer: some
    /// services answer whom they don't know as well. Empty: any answer of success will do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<String>,
    /// Codes of an error object, as Facebook sends it, that refuse the token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) refusals: Vec<String>,
    /// Certificates in PEM that are trusted beside the system's. Only for a static token: an OAuth
    /// grant has those of its client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trusted_certificates: Option<String>,
}

/// How a request to the service carries the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum ApiAuth {
    /// `Authorization: Bearer TOKEN` (RFC 6750 §2.1).
    Bearer,
    /// `Authorization: Basic base64(USERNAME:TOKEN)` (RFC 7617).
    Basic,
    /// A header of the service's own.
    Header(String),
}

/// Whether `name` can be a header's (RFC 9110 §5.1).
pub(crate) fn is_field_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

impl TryFrom<String> for ApiAuth {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "bearer" => Ok(Self::Bearer),
            "basic" => Ok(Self::Basic),
            other => match other.strip_prefix("header:") {
                Some(name) if is_field_name(name) => Ok(Self::Header(name.to_owned())),
                _ => Err("`api_auth` is one of bearer, basic and header:NAME".into()),
            },
        }
    }
}

impl From<ApiAuth> for String {
    fn from(auth: ApiAuth) -> Self {
        match auth {
            ApiAuth::Bearer => "bearer".into(),
            ApiAuth::Basic => "basic".into(),
            ApiAuth::Header(name) => format!("header:{name}"),
        }
    }
}

/// What is known of the credential beyond its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Nothing speaks against it.
    Active,
    /// The provider will not renew it: a person has to log in again.
    LoginRequired,
    /// The service refused the token when asked.
    Inactive,
    /// Its refresh token was moved to another machine, which alone may use it.
    HandedOver,
}

impl Credential {
    /// What a service is shown.
    pub(crate) fn token(&self) -> &AccessToken {
        match &self.grant {
            Grant::Static(token) => &token.token,
            Grant::OAuth(grant) => &grant.access_token,
        }
    }

    /// When [`Credential::token`] stops working.
    pub(crate) fn expiry(&self) -> Expiry {
        match &self.grant {
            Grant::Static(token) => token.expiry,
            Grant::OAuth(grant) => grant.expiry,
        }
    }

    /// The word for the token's kind in an `Authorization` header, as the server named it.
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

    /// Whether tokctl can get a new token by itself.
    pub(crate) fn is_refreshable(&self) -> bool {
        matches!(&self.grant, Grant::OAuth(grant) if grant.renewing().is_some())
            && self.status != Status::HandedOver
    }

    /// Whether what renews it may be sent any number of times: no refresh token is spent.
    pub(crate) fn spends_nothing(&self) -> bool {
        match &self.grant {
            Grant::OAuth(grant) => match grant.renewal {
                RenewalGrant::RefreshToken => false,
                RenewalGrant::Exchange
                | RenewalGrant::ClientCredentials { .. }
                | RenewalGrant::JwtBearer { .. } => true,
            },
            Grant::Static(_) => false,
        }
    }

    /// When a person has to log in again, as far as anybody said; it may be past.
    ///
    /// What can be renewed needs a login when the provider stops renewing it, and what can't be,
    /// when it ends; but once the provider or the service has refused it, from the moment at which
    /// that was written down. A refused token that can be renewed is no matter for a person yet.
    pub(crate) fn login_by(&self) -> Option<Timestamp> {
        match (self.status, &self.grant) {
            // That is up to the machine that has it now.
            (Status::HandedOver, _) => None,
            (Status::LoginRequired, _) => Some(self.updated_at),
            (Status::Active | Status::Inactive, Grant::OAuth(grant))
                if grant.ends_with_its_token() =>
            {
                self.expiry().at()
            }
            // Where no person consented, none has to do so again.
            (Status::Active | Status::Inactive, Grant::OAuth(_)) if self.spends_nothing() => None,
            (Status::Active | Status::Inactive, Grant::OAuth(grant)) if self.is_refreshable() => {
                grant.life.ends_at(grant.granted_at, grant.issued_at, grant.refresh_expires_at)
            }
            (Status::Active, _) => self.expiry().at(),
            (Status::Inactive, _) => {
                Some(self.expiry().at().map_or(self.updated_at, |end| end.min(self.updated_at)))
            }
        }
    }

    /// Whether its end has come, and with it the time in which it could be renewed.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        let renewable_still = match &self.grant {
            Grant::OAuth(grant) => self.is_refreshable() && !grant.ends_with_its_token(),
            Grant::Static(_) => false,
        };
        !renewable_still && self.expiry().is_past(now)
    }

    /// The certificates that are trusted beside the system's when the service is asked.
    pub(crate) fn trusted_certificates(&self) -> Option<&str> {
        match &self.grant {
            Grant::OAuth(grant) => grant.client.trusted_certificates.as_deref(),
            Grant::Static(_) => {
                self.api.check.as_ref().and_then(|check| check.trusted_certificates.as_deref())
            }
        }
    }

    /// The address for requests: the API's own where there is one, else the server's.
    pub(crate) fn api_base_url(&self) -> Option<&Address> {
        self.api.base_url.as_ref().or(self.api.server_url.as_ref())
    }
}

#[cfg(test)]
impl Credential {
    /// One for unit tests: made at the epoch, for an API that takes it as `Bearer`.
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
        }
    }

    /// The same with a static token that nothing speaks against.
    pub(crate) fn made_up_static(expiry: Expiry) -> Self {
        let token = SecretText::from_trusted("made-up".into());
        Self::made_up(Grant::Static(StaticToken { token, expiry }), Status::Active)
    }
}

#[cfg(test)]
impl OAuthGrant {
    /// One for unit tests: issued to a public client at the epoch, and never due by itself.
    pub(crate) fn made_up(expiry: Expiry) -> Self {
        Self {
            access_token: SecretText::from_trusted("made-up".into()),
            token_type: "Bearer".into(),
            issued_at: Timestamp::UNIX_EPOCH,
            expiry,
            due_at: None,
            refresh_token: Some(SecretText::from_trusted("made-up".into())),
            renewal: RenewalGrant::RefreshToken,
            scopes: Scopes::default(),
            client: Client {
                id: "made-up".into(),
                secret: None,
                auth_method: TokenEndpointAuthMethod::None,
                token_endpoint: "https://id.example/token".parse().unwrap(),
                revocation_endpoint: None,
                revocation_method: RevocationMethod::Rfc7009,
                dialect: Dialect::default(),
                trusted_certificates: None,
            },
            granted_at: Timestamp::UNIX_EPOCH,
            refresh_expires_at: None,
            life: GrantLife::default(),
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
        assert!(matches!(before.renewing(), Some(Renewing::RefreshToken(_))));
        let after = sealed(json!({ "grant": "client_credentials", "scopes": ["read"] }));
        assert!(matches!(after.renewing(), Some(Renewing::ClientCredentials { .. })));
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
}
