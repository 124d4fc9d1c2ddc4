//! A provider that is ready to be used: its definition with the addresses filled in.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::error::Error;
use super::shopify;
use crate::model::account::ProviderName;
use crate::model::address::Address;
use crate::model::client::{Client, TokenEndpointAuthMethod};
use crate::model::credential::{ApiAuth, ApiHeader, Check, Credential, Grant};
use crate::model::definition::{
    CallbackCheck, Definition, Pkce, RefreshKind, Reuse, ScopeSeparator,
};
use crate::model::grant_life::GrantLife;
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

/// Where a way to log in begins: the endpoint that it needs first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The authorization endpoint, in a browser (RFC 6749 §3.1).
    Authorization,
    /// The device authorization endpoint (RFC 8628 §3.1).
    DeviceAuthorization,
    /// The token endpoint itself: nobody is asked for consent.
    Token,
}

/// Where a login's requests go.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    pub(crate) authorization: Option<Address>,
    pub(crate) device_authorization: Option<Address>,
    pub(crate) token: Address,
    pub(crate) revocation: Option<Address>,
    /// Who has to have written the authorization response, where that is known.
    pub(crate) issuer: Option<String>,
    /// Whether the server promises to name itself in every authorization response (RFC 9207).
    pub(crate) names_itself: bool,
}

/// What fills in the addresses of a definition.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Places<'a> {
    pub(crate) server: Option<&'a Address>,
    pub(crate) site_id: Option<&'a str>,
    pub(crate) api_base_url: Option<&'a Address>,
}

impl Provider {
    /// The server's own address: the one that was asked for, else the definition's.
    pub(crate) fn server(&self, asked: Option<&Address>) -> Result<Option<Address>, Error> {
        let server = match (asked, &self.definition.server) {
            (Some(asked), _) => Some(asked.clone()),
            (None, Some(own)) => Some(self.address(own)?),
            (None, None) => None,
        };
        match (&server, &self.definition.server_host) {
            (Some(server), Some(pattern)) if !is_at(server, pattern) => Err(Error::ForeignServer {
                name: self.name.to_string(),
                server: server.to_string(),
                expected: format!("https://{pattern}"),
            }),
            (_, _) => Ok(server),
        }
    }

    /// The issuer, if its metadata are to fill in endpoints that a login which begins at `entry`
    /// needs and the definition leaves out.
    pub(crate) fn issuer_to_discover(&self, entry: Entry) -> Result<Option<Address>, Error> {
        let definition = &self.definition;
        let first = match entry {
            Entry::Authorization => &definition.authorization_endpoint,
            Entry::DeviceAuthorization => &definition.device_authorization_endpoint,
            Entry::Token => &definition.token_endpoint,
        };
        let complete = first.is_some() && definition.token_endpoint.is_some();
        match &definition.issuer {
            Some(issuer) if !complete => self.address(issuer).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// The endpoints of a login; the definition's own come before those of the metadata.
    pub(crate) fn endpoints(
        &self,
        server: Option<&Address>,
        metadata: Option<&Metadata>,
    ) -> Result<Endpoints, Error> {
        let places = Places { server, ..Places::default() };
        let definition = &self.definition;
        let endpoint = |own: &Option<String>, found: Option<&String>| match (own, found) {
            (Some(own), _) => self.fill(own, places).map(Some),
            (None, Some(found)) => self.address(found).map(Some),
            (None, None) => Ok(None),
        };
        let found = |field: fn(&Metadata) -> Option<&String>| metadata.and_then(field);
        Ok(Endpoints {
            authorization: endpoint(
                &definition.authorization_endpoint,
                found(|metadata| metadata.authorization_endpoint.as_ref()),
            )?,
            device_authorization: endpoint(
                &definition.device_authorization_endpoint,
                found(|metadata| metadata.device_authorization_endpoint.as_ref()),
            )?,
            token: endpoint(
                &definition.token_endpoint,
                found(|metadata| metadata.token_endpoint.as_ref()),
            )?
            .ok_or_else(|| self.incomplete("token_endpoint"))?,
            revocation: endpoint(
                &definition.revocation_endpoint,
                found(|metadata| metadata.revocation_endpoint.as_ref()),
            )?,
            issuer: definition.issuer.clone(),
            names_itself: metadata
                .is_some_and(|found| found.authorization_response_iss_parameter_supported),
        })
    }

    /// The error for a definition that leaves `field` out, which this login needs.
    pub(crate) fn incomplete(&self, field: &'static str) -> Error {
        Error::Incomplete { name: self.name.to_string(), field }
    }

    /// The API's address. `None` where the definition names none.
    pub(crate) fn api_base_url(&self, places: Places<'_>) -> Result<Option<Address>, Error> {
        self.definition.api_base_url.as_deref().map(|text| self.fill(text, places)).transpose()
    }

    /// How the service is asked whether a token works. `None` where the definition does not say.
    pub(crate) fn check(&self, places: Places<'_>) -> Result<Option<Check>, Error> {
        let Some(template) = &self.definition.check_url else { return Ok(None) };
        self.check_at(template, &self.definition.check_fields, places).map(Some)
    }

    /// The same for a token that a person made, which is carried by `auth`.
    pub(crate) fn static_check(
        &self,
        auth: &ApiAuth,
        places: Places<'_>,
    ) -> Result<Option<Check>, Error> {
        match (&self.definition.pat_check, auth) {
            (Some(own), ApiAuth::Bearer) => self.check_at(&own.url, &own.fields, places).map(Some),
            (_, ApiAuth::Bearer | ApiAuth::Basic | ApiAuth::Header(_)) => self.check(places),
        }
    }

    fn check_at(
        &self,
        template: &str,
        fields: &[String],
        places: Places<'_>,
    ) -> Result<Check, Error> {
        let url = self.fill(template, places)?;
        let refusals = self.definition.check_refusals.clone();
        Ok(Check { url, fields: fields.to_vec(), refusals, trusted_certificates: None })
    }

    /// Fills in one of the definition's addresses.
    pub(crate) fn fill(&self, template: &str, places: Places<'_>) -> Result<Address, Error> {
        let trimmed = |address: &Address| address.as_str().trim_end_matches('/').to_owned();
        let mut filled = template.to_owned();
        for (mark, value) in [
            ("{api_base_url}", places.api_base_url.map(trimmed)),
            ("{server}", places.server.map(trimmed)),
            ("{site_id}", places.site_id.map(encoded)),
        ] {
            if filled.contains(mark) {
                let value = value.ok_or_else(|| Error::NoServer { name: self.name.to_string() })?;
                filled = filled.replace(mark, &value);
            }
        }
        self.address(&filled)
    }

    /// Where the browser comes back to; each provider has a path of its own (RFC 8252 §8.10).
    pub(crate) fn redirect_uri(&self) -> String {
        self.definition
            .redirect_uri
            .clone()
            .unwrap_or_else(|| format!("http://127.0.0.1:0/callback/{}", self.name))
    }

    /// The scopes that a login asks for: those in `asked`, else the definition's own.
    pub(crate) fn scopes(&self, asked: &[String]) -> Result<Scopes, Error> {
        let definition = &self.definition;
        let own = definition.scopes.as_deref().unwrap_or_default();
        let chosen = if asked.is_empty() { own } else { asked };
        let scopes = Scopes::parse(&chosen.join(" "));
        match definition.forbidden_scopes.iter().find(|scope| scopes.contains(scope)) {
            None => Ok(scopes),
            Some(scope) => {
                let name = self.name.to_string();
                Err(Error::ForbiddenScope { name, scope: scope.clone() })
            }
        }
    }

    /// `scopes` with those that every login of a person needs.
    pub(crate) fn with_required(&self, scopes: &Scopes) -> Scopes {
        let required = &self.definition.required_scopes;
        Scopes::parse(&format!("{scopes} {}", required.join(" ")))
    }

    /// The `scope` parameter of a request.
    pub(crate) fn scope_parameter(&self, scopes: &Scopes) -> String {
        let separator = match self.definition.scope_separator {
            ScopeSeparator::Space => " ",
            ScopeSeparator::Comma => ",",
        };
        scopes.iter().collect::<Vec<_>>().join(separator)
    }

    /// Whether the authorization request carries a code challenge: as defined; else it does,
    /// unless the server says that it knows other methods alone.
    pub(crate) fn pkce(&self, metadata: Option<&Metadata>) -> Pkce {
        match self.definition.pkce {
            Some(own) => own,
            None if metadata.is_some_and(Metadata::knows_no_s256) => Pkce::Off,
            None => Pkce::default(),
        }
    }

    /// Whether a login needs the client's secret: at the token endpoint, for the service's API, or
    /// to check the answer.
    pub(crate) fn needs_secret(&self) -> bool {
        let definition = &self.definition;
        definition
            .token_endpoint_auth_method
            .is_some_and(|method| method != TokenEndpointAuthMethod::None)
            || definition.callback_check.is_some()
            || definition.api_headers.values().any(|value| value.contains(CLIENT_SECRET))
    }

    /// How the client names itself: as defined; else, if it has a secret, in the way that the
    /// metadata name, which is the header unless they say otherwise (RFC 8414 §2).
    pub(crate) fn auth_method(
        &self,
        has_secret: bool,
        metadata: Option<&Metadata>,
    ) -> TokenEndpointAuthMethod {
        match self.definition.token_endpoint_auth_method {
            Some(method) => method,
            None if !has_secret => TokenEndpointAuthMethod::None,
            None if metadata.is_some_and(Metadata::wants_secret_in_form) => {
                TokenEndpointAuthMethod::ClientSecretPost
            }
            None => TokenEndpointAuthMethod::ClientSecretBasic,
        }
    }

    pub(crate) fn api_auth(&self) -> ApiAuth {
        self.definition.api_auth.clone().unwrap_or(ApiAuth::Bearer)
    }

    /// The service's own proof that an answer in the browser is from it, where it has one.
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
        Ok(Some(Arc::new(shopify::Signed { secret: secret.clone(), shop, clock })))
    }

    /// What every request to the service carries beside the token. A header of which something is
    /// not known is left out: the service says what it wants.
    pub(crate) fn api_headers(&self, client: Option<&Client>) -> Vec<ApiHeader> {
        let secret = client.and_then(|client| client.secret.as_ref()).map(SecretText::expose);
        let fill = |template: &String| {
            let mut filled = template.clone();
            for (mark, value) in
                [(CLIENT_ID, client.map(|client| &*client.id)), (CLIENT_SECRET, secret)]
            {
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

    pub(crate) fn renewal(&self) -> Renewal {
        let refresh = &self.definition.refresh;
        let life = Some(self.definition.grant_life);
        Renewal {
            kind: refresh.kind,
            rotates: refresh.rotates,
            reuse: refresh.reuse,
            margin: refresh.margin,
            life,
        }
    }

    fn address(&self, text: &str) -> Result<Address, Error> {
        text.parse().map_err(|source| Error::Address { name: self.name.to_string(), source })
    }
}

/// How the provider's tokens are renewed, by today's definition.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Renewal {
    pub(crate) kind: RefreshKind,
    /// Whether each renewal brings another refresh token, where the definition says so.
    pub(crate) rotates: Option<bool>,
    pub(crate) reuse: Reuse,
    pub(crate) margin: Option<SignedDuration>,
    /// How long the provider renews a grant; `None` where there is no definition to say so.
    pub(crate) life: Option<GrantLife>,
}

impl Renewal {
    /// What becomes of what `credential` is renewed with, if it is sent a second time.
    pub(crate) fn reuse_of(self, credential: &Credential) -> Reuse {
        if credential.spends_nothing() { Reuse::Tolerant } else { self.reuse }
    }

    /// Whether each use of what `credential` is renewed with replaces that, so that of two holders
    /// one would end the other's grant. Where nobody said so, it may.
    pub(crate) fn rotates(self, credential: &Credential) -> bool {
        let has_refresh_token =
            matches!(&credential.grant, Grant::OAuth(grant) if grant.refresh_token.is_some());
        has_refresh_token && !credential.spends_nothing() && self.rotates != Some(false)
    }
}

/// Stand for the client's id and secret in `api_headers`.
const CLIENT_ID: &str = "{client_id}";
const CLIENT_SECRET: &str = "{client_secret}";

/// Whether `server` is nothing but `https` and a host as `pattern` has it.
fn is_at(server: &Address, pattern: &str) -> bool {
    let url = server.url();
    let bare = url.scheme() == "https"
        && url.port().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    let host = url.host_str().unwrap_or_default();
    let matches = match pattern.strip_prefix('*') {
        None => host == pattern,
        Some(suffix) => host.strip_suffix(suffix).is_some_and(|name| {
            name.starts_with(|first: char| first.is_ascii_alphanumeric())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        }),
    };
    bare && matches
}

/// A site's id as one segment of a path: it comes from a server.
fn encoded(site_id: &str) -> String {
    url::form_urlencoded::byte_serialize(site_id.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(text: &str) -> Provider {
        Provider { name: "acme".parse().unwrap(), definition: toml::from_str(text).unwrap() }
    }

    #[test]
    fn a_servers_path_is_kept() {
        let acme =
            provider("token_endpoint = '{server}/token'\nauthorization_endpoint = '{server}/a'");
        let server = "https://host.example/jira/".parse().unwrap();
        let endpoints = acme.endpoints(Some(&server), None).unwrap();
        assert_eq!(endpoints.token.as_str(), "https://host.example/jira/token");
        assert!(matches!(acme.endpoints(None, None), Err(Error::NoServer { .. })));
    }

    #[test]
    fn a_site_can_not_lead_out_of_its_segment() {
        let acme = provider("api_base_url = 'https://api.example/ex/{site_id}'");
        let places = Places { site_id: Some("../../evil?x"), ..Places::default() };
        let base = acme.api_base_url(places).unwrap().unwrap();
        assert_eq!(base.as_str(), "https://api.example/ex/..%2F..%2Fevil%3Fx");
    }

    #[test]
    fn a_server_has_to_be_one_that_the_service_can_have() {
        let shop = provider("server_host = '*.myshopify.com'");
        for server in ["https://made-up.myshopify.com", "https://MADE-UP.myshopify.com/"] {
            assert!(shop.server(Some(&server.parse().unwrap())).is_ok(), "{server}");
        }
        for server in [
            "https://evil.com",
            "https://evil.com/made-up.myshopify.com",
            "https://evil.com#.myshopify.com",
            "https://evil.com?.myshopify.com",
            "https://made-up.myshopify.com.evil.com",
            "https://a.b.myshopify.com",
            "https://.myshopify.com",
            "https://myshopify.com",
            "https://evilmyshopify.com",
            "https://made-up.myshopify.com/admin",
            "https://made-up.myshopify.com:8443",
            "https://-x.myshopify.com",
            "http://127.0.0.1",
        ] {
            let found = shop.server(Some(&server.parse().unwrap()));
            assert!(matches!(found, Err(Error::ForeignServer { .. })), "{server}");
        }
        let own = provider("server_host = '*.myshopify.com'\nserver = 'https://evil.com'");
        assert!(matches!(own.server(None), Err(Error::ForeignServer { .. })));
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

    #[test]
    fn plain_http_is_refused_for_any_endpoint() {
        let acme = provider(
            "token_endpoint = 'http://id.example/t'\nauthorization_endpoint = 'https://id.example/a'",
        );
        assert!(matches!(acme.endpoints(None, None), Err(Error::Address { .. })));
    }
}
