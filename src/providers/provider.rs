//! A provider that is ready to be used: its name and its complete definition.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::error::Error;
use super::shopify;
use crate::model::account::ProviderName;
use crate::model::address::Address;
use crate::model::credential::{ApiAuth, ApiHeader, Credential, Expiry, Grant};
use crate::model::definition::{
    CallbackCheck, Definition, Pkce, RefreshKind, Reuse, ScopeSeparator,
};
use crate::model::grant_life::GrantLife;
use crate::model::readiness::due_at;
use crate::model::scope::Scopes;
use crate::oauth::authorization_response::Check as AnswerCheck;
use crate::oauth::metadata::Metadata;
use crate::secret::{ApiKey, ClientSecret, SecretText};

/// A service, as its definition describes it.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    pub(crate) name: ProviderName,
    pub(crate) definition: Definition,
}

impl Provider {
    /// Returns the error for a definition that leaves out `field`, which this login needs.
    pub(crate) fn incomplete(&self, field: &'static str) -> Error {
        Error::Incomplete { name: self.name.to_string(), field }
    }

    /// Returns what is to be done before the first login, if the definition says it, with this
    /// provider's own name in the commands.
    pub(crate) fn setup(&self) -> Option<String> {
        let setup = self.definition.setup.as_deref()?;
        Some(setup.replace("{provider}", self.name.as_str()))
    }

    /// Returns the redirect URI of a login; each provider has a path of its own (RFC 8252 §8.10).
    pub(crate) fn redirect_uri(&self) -> String {
        self.definition
            .redirect_uri
            .clone()
            .unwrap_or_else(|| format!("http://127.0.0.1:0/callback/{}", self.name))
    }

    /// Returns the scopes that a login asks for: the `requested` ones, else the definition's own.
    /// Fails if one of them is forbidden.
    pub(crate) fn scopes(&self, requested: &[String]) -> Result<Scopes, Error> {
        let definition = &self.definition;
        let own = definition.scopes.as_deref().unwrap_or_default();
        let chosen = if requested.is_empty() { own } else { requested };
        let scopes = Scopes::parse(&chosen.join(" "));
        match definition.forbidden_scopes.iter().find(|scope| scopes.contains(scope)) {
            None => Ok(scopes),
            Some(scope) => {
                let name = self.name.to_string();
                Err(Error::ForbiddenScope { name, scope: scope.clone() })
            }
        }
    }

    /// Returns `scopes` with those that every login of a person needs.
    pub(crate) fn with_required(&self, scopes: &Scopes) -> Scopes {
        let required = &self.definition.required_scopes;
        Scopes::parse(&format!("{scopes} {}", required.join(" ")))
    }

    /// Returns the `scope` parameter of a request.
    pub(crate) fn scope_parameter(&self, scopes: &Scopes) -> String {
        let separator = match self.definition.scope_separator {
            ScopeSeparator::Space => " ",
            ScopeSeparator::Comma => ",",
        };
        scopes.iter().collect::<Vec<_>>().join(separator)
    }

    /// Decides whether the authorization request carries a code challenge. It does so as the
    /// definition says; without a word in it, always, unless the server names only other methods.
    pub(crate) fn pkce(&self, metadata: Option<&Metadata>) -> Pkce {
        match self.definition.pkce {
            Some(own) => own,
            None if metadata.is_some_and(Metadata::knows_no_s256) => Pkce::Off,
            None => Pkce::default(),
        }
    }

    /// Returns the way in which the API takes a token: as a bearer token, if the definition says nothing.
    pub(crate) fn api_auth(&self) -> ApiAuth {
        self.definition.api_auth.clone().unwrap_or(ApiAuth::Bearer)
    }

    /// Returns the service's own check that an authorization response is genuine, if it has one.
    pub(crate) fn answer_check(
        &self,
        server: Option<&Address>,
        secret: Option<&ClientSecret>,
        clock: fn() -> Timestamp,
    ) -> Result<Option<Arc<dyn AnswerCheck>>, Error> {
        let Some(CallbackCheck::Shopify) = self.definition.callback_check else { return Ok(None) };
        let server = server.ok_or_else(|| Error::NoServer { name: self.name.to_string() })?;
        let secret = secret.ok_or_else(|| Error::Incomplete {
            name: self.name.to_string(),
            field: "client_secret_file",
        })?;
        let shop = server.authority();
        Ok(Some(Arc::new(shopify::ResponseCheck { secret: secret.clone(), shop, clock })))
    }

    /// Returns the headers that every request to the service carries in addition to the token, with
    /// the client's id and secret filled in. A header is left out if a value for it is unknown: the
    /// service then says what it wants.
    pub(crate) fn api_headers(
        &self,
        client_id: Option<&str>,
        secret: Option<&ClientSecret>,
    ) -> Vec<ApiHeader> {
        let secret = secret.map(SecretText::expose);
        let fill = |template: &String| {
            let mut filled = template.clone();
            for (mark, value) in [(CLIENT_ID, client_id), (CLIENT_SECRET, secret)] {
                if filled.contains(mark) {
                    filled = filled.replace(mark, value?);
                }
            }
            Some(ApiKey::from_trusted(filled))
        };
        let headers = self.definition.api_headers.iter();
        headers
            .filter_map(|(name, value)| Some(ApiHeader { name: name.clone(), value: fill(value)? }))
            .collect()
    }

    /// Whether a header for the service holds the client's secret.
    pub(super) fn has_secret_in_api_headers(&self) -> bool {
        self.definition.api_headers.values().any(|value| value.contains(CLIENT_SECRET))
    }

    /// Returns the rules by which the provider's tokens are renewed.
    pub(crate) fn renewal(&self) -> RenewalRules {
        let refresh = &self.definition.refresh;
        let life = Some(self.definition.grant_life);
        RenewalRules {
            kind: refresh.kind,
            rotates: refresh.rotates,
            reuse: refresh.reuse,
            margin: refresh.margin,
            assumed_life: refresh.assumed_life,
            life,
        }
    }
}

/// The rules for renewing a provider's tokens, by today's definition.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RenewalRules {
    pub(crate) kind: RefreshKind,
    /// Whether each renewal brings another refresh token, where the definition says so.
    pub(crate) rotates: Option<bool>,
    pub(crate) reuse: Reuse,
    pub(crate) margin: Option<SignedDuration>,
    /// The life of a token whose end nobody said.
    pub(crate) assumed_life: Option<SignedDuration>,
    /// The rules for how long the provider renews a grant; `None` without a definition.
    pub(crate) life: Option<GrantLife>,
}

impl RenewalRules {
    /// Returns the time from which on a token issued at `issued_at` is renewed before it is handed
    /// out; `None` if nobody said when it ends, the definition included.
    pub(crate) fn due_at(self, issued_at: Timestamp, expiry: Expiry) -> Option<Timestamp> {
        let assumed = match (expiry, self.assumed_life) {
            (Expiry::Unknown, Some(life)) => {
                issued_at.checked_add(life).map_or(expiry, Expiry::Known)
            }
            (Expiry::Unknown | Expiry::Known(_) | Expiry::None, _) => expiry,
        };
        due_at(issued_at, assumed, self.margin)
    }

    /// Returns the server's reaction if the proof that renews `credential` is sent a second time.
    pub(crate) fn reuse_of(self, credential: &Credential) -> Reuse {
        if credential.renewal_is_repeatable() { Reuse::Tolerant } else { self.reuse }
    }

    /// Whether each renewal of `credential` replaces its refresh token, so that of two holders one
    /// would end the other's grant. It may, if the definition does not say.
    pub(crate) fn rotates(self, credential: &Credential) -> bool {
        let has_refresh_token =
            matches!(&credential.grant, Grant::OAuth(grant) if grant.refresh_token.is_some());
        has_refresh_token && !credential.renewal_is_repeatable() && self.rotates != Some(false)
    }
}

/// The placeholders for the client's id and secret in `api_headers`.
const CLIENT_ID: &str = "{client_id}";
const CLIENT_SECRET: &str = "{client_secret}";

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(text: &str) -> Provider {
        Provider { name: "acme".parse().unwrap(), definition: toml::from_str(text).unwrap() }
    }

    #[test]
    fn every_login_asks_for_what_is_required_and_never_for_what_is_forbidden() {
        let acme = provider(
            "scopes = ['read']\nrequired_scopes = ['offline']\nforbidden_scopes = ['openid']\n\
             scope_separator = 'comma'",
        );
        let scopes = acme.with_required(&acme.scopes(&[]).unwrap());
        assert_eq!(acme.scope_parameter(&scopes), "read,offline");
        assert_eq!(acme.scopes(&["write".into()]).unwrap().to_string(), "write");
        assert_eq!(acme.with_required(&scopes), scopes, "each once");
        let refused = acme.scopes(&["write openid".into()]);
        assert!(matches!(refused, Err(Error::ForbiddenScope { .. })));
    }
}
