//! The addresses of a provider: those of its definition, with the parameters filled in.

use super::error::Error;
use super::provider::Provider;
use crate::model::address::Address;
use crate::model::credential::{ApiAuth, Check};
use crate::model::scope::Scopes;
use crate::oauth::metadata::Metadata;
use crate::untrusted::printable;

/// The endpoint with which a login begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstEndpoint {
    /// The authorization endpoint, in a browser (RFC 6749 §3.1).
    Authorization,
    /// The device authorization endpoint (RFC 8628 §3.1).
    DeviceAuthorization,
    /// The token endpoint itself: nobody is asked for consent.
    Token,
}

/// The endpoints to which a login sends its requests.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    pub(crate) authorization: Option<Address>,
    pub(crate) device_authorization: Option<Address>,
    pub(crate) pushed_authorization_request: Option<Address>,
    pub(crate) token: Address,
    pub(crate) revocation: Option<Address>,
    /// The issuer that an authorization response must come from, where it is known.
    pub(crate) issuer: Option<String>,
    /// Whether the server promises to name itself in every authorization response (RFC 9207).
    pub(crate) names_itself: bool,
}

/// The values of the parameters in a definition's addresses, such as `{server}`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AddressParameters<'a> {
    pub(crate) server: Option<&'a Address>,
    pub(crate) site_id: Option<&'a str>,
    pub(crate) api_base_url: Option<&'a Address>,
}

impl Provider {
    /// Returns the address of the server: the requested one, else the definition's. Fails if it
    /// does not match the definition's `server_host`.
    pub(crate) fn server(&self, requested: Option<&Address>) -> Result<Option<Address>, Error> {
        let server = match (requested, &self.definition.server) {
            (Some(requested), _) => Some(requested.clone()),
            (None, Some(own)) => Some(self.address(own)?),
            (None, None) => None,
        };
        match (&server, &self.definition.server_host) {
            (Some(server), Some(pattern)) if !matches_host_pattern(server, pattern) => {
                Err(Error::ForeignServer {
                    name: self.name.to_string(),
                    server: server.to_string(),
                    expected: format!("https://{pattern}"),
                })
            }
            (_, _) => Ok(server),
        }
    }

    /// Returns the issuer if its metadata are needed: a login that begins at `first` needs
    /// endpoints that the definition leaves out.
    pub(crate) fn issuer_to_discover(
        &self,
        first: FirstEndpoint,
    ) -> Result<Option<Address>, Error> {
        let definition = &self.definition;
        let configured = match first {
            FirstEndpoint::Authorization => &definition.authorization_endpoint,
            FirstEndpoint::DeviceAuthorization => &definition.device_authorization_endpoint,
            FirstEndpoint::Token => &definition.token_endpoint,
        };
        let complete = configured.is_some() && definition.token_endpoint.is_some();
        match &definition.issuer {
            Some(issuer) if !complete => self.address(issuer).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// Whether `metadata` and the definition have the endpoints of a login that begins at `first`.
    pub(crate) fn is_complete(&self, first: FirstEndpoint, metadata: &Metadata) -> bool {
        let definition = &self.definition;
        let has_token = definition.token_endpoint.is_some() || metadata.token_endpoint.is_some();
        let has_browser = definition.authorization_endpoint.is_some()
            || metadata.authorization_endpoint.is_some();
        let has_device = definition.device_authorization_endpoint.is_some()
            || metadata.device_authorization_endpoint.is_some();
        has_token
            && match first {
                FirstEndpoint::Authorization => has_browser,
                FirstEndpoint::DeviceAuthorization => has_device,
                FirstEndpoint::Token => true,
            }
    }

    /// Returns the endpoints of a login; the definition's own come before those of the metadata.
    pub(crate) fn endpoints(
        &self,
        server: Option<&Address>,
        metadata: Option<&Metadata>,
    ) -> Result<Endpoints, Error> {
        let parameters = AddressParameters { server, ..AddressParameters::default() };
        let definition = &self.definition;
        let reach = metadata.map(Metadata::reach).unwrap_or_default();
        // One that is not needed may be broken: only what is missing where it is needed is told.
        let endpoint = |own: &Option<String>, found: Option<&String>| match (own, found) {
            (Some(own), _) => self.fill(own, parameters).map(Some),
            (None, Some(found)) => Ok(found.parse().ok().map(|found: Address| found.within(reach))),
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
            pushed_authorization_request: endpoint(
                &definition.pushed_authorization_request_endpoint,
                found(|metadata| metadata.pushed_authorization_request_endpoint.as_ref()),
            )?,
            token: endpoint(
                &definition.token_endpoint,
                found(|metadata| metadata.token_endpoint.as_ref()),
            )?
            .ok_or_else(|| self.lacks("token_endpoint", metadata))?,
            revocation: endpoint(
                &definition.revocation_endpoint,
                found(|metadata| metadata.revocation_endpoint.as_ref()),
            )?,
            issuer: metadata
                .map(|found| found.issuer().to_owned())
                .or_else(|| definition.issuer.clone()),
            names_itself: metadata
                .is_some_and(|found| found.authorization_response_iss_parameter_supported),
        })
    }

    /// Returns the error for an endpoint that a login needs, and that neither the definition nor the
    /// `metadata` name so that it can be used. Where there are metadata, they are at fault.
    pub(crate) fn lacks(&self, field: &'static str, metadata: Option<&Metadata>) -> Error {
        let Some(metadata) = metadata else { return self.incomplete(field) };
        let named = match field {
            "authorization_endpoint" => metadata.authorization_endpoint.as_deref(),
            "token_endpoint" => metadata.token_endpoint.as_deref(),
            "device_authorization_endpoint" => metadata.device_authorization_endpoint.as_deref(),
            "pushed_authorization_request_endpoint" => {
                metadata.pushed_authorization_request_endpoint.as_deref()
            }
            _ => None,
        };
        let source = named.and_then(|text| text.parse::<Address>().err());
        Error::Published { issuer: printable(metadata.issuer()), field, source }
    }

    /// Returns the endpoint that gives the token of `service_account` to who may act in its name.
    pub(crate) fn impersonation_endpoint(&self, service_account: &str) -> Result<Address, Error> {
        let Some(template) = &self.definition.impersonation_endpoint else {
            return Err(self.incomplete("impersonation_endpoint"));
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@.-_".contains(&byte);
        if service_account.is_empty() || !service_account.bytes().all(is_plain) {
            return Err(Error::Malformed {
                name: self.name.to_string(),
                message: "`service_account` in `assertion` is no account's address".into(),
            });
        }
        self.address(&template.replace("{service_account}", service_account))
    }

    /// Returns the address of the API; `None` if the definition names none.
    pub(crate) fn api_base_url(
        &self,
        parameters: AddressParameters<'_>,
    ) -> Result<Option<Address>, Error> {
        self.definition.api_base_url.as_deref().map(|text| self.fill(text, parameters)).transpose()
    }

    /// Returns the request that tells whether a token works; `None` if the definition has none.
    pub(crate) fn check(&self, parameters: AddressParameters<'_>) -> Result<Option<Check>, Error> {
        let Some(template) = &self.definition.check_url else { return Ok(None) };
        self.check_at(template, &self.definition.check_fields, parameters).map(Some)
    }

    /// Returns the request that tells whether a token with `scopes` works; `None` if there is none, or
    /// it is for a token of another service.
    pub(crate) fn check_for(
        &self,
        scopes: &Scopes,
        parameters: AddressParameters<'_>,
    ) -> Result<Option<Check>, Error> {
        match self.other_service(scopes) {
            Some(_) => Ok(None),
            None => self.check(parameters),
        }
    }

    /// Returns the service that a token with `scopes` is for, if it is another than the one that can be
    /// asked about tokens: the scope that is an address elsewhere, up to its path.
    pub(crate) fn other_service<'a>(&self, scopes: &'a Scopes) -> Option<&'a str> {
        let own = self.definition.check_resource.as_deref()?;
        let is_elsewhere = |scope: &&str| {
            scope.contains("://")
                && !scope
                    .strip_prefix(own.trim_end_matches('/'))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let scope = scopes.iter().find(is_elsewhere)?;
        let after_scheme = scope.find("://")? + "://".len();
        let end = scope[after_scheme..].find('/').map_or(scope.len(), |path| after_scheme + path);
        Some(&scope[..end])
    }

    /// Returns the request that tells whether a token that a person made works, which is carried by
    /// `auth`.
    pub(crate) fn static_check(
        &self,
        auth: &ApiAuth,
        parameters: AddressParameters<'_>,
    ) -> Result<Option<Check>, Error> {
        match (&self.definition.pat_check, auth) {
            (Some(own), ApiAuth::Bearer) => {
                self.check_at(&own.url, &own.fields, parameters).map(Some)
            }
            (_, ApiAuth::Bearer | ApiAuth::Basic | ApiAuth::Header(_)) => self.check(parameters),
        }
    }

    fn check_at(
        &self,
        template: &str,
        fields: &[String],
        parameters: AddressParameters<'_>,
    ) -> Result<Check, Error> {
        let url = self.fill(template, parameters)?;
        let refusals = self.definition.check_refusals.clone();
        let (introspects, trusted_certificates) = (false, None);
        Ok(Check { url, fields: fields.to_vec(), refusals, introspects, trusted_certificates })
    }

    /// Fills the parameters into one of the definition's addresses.
    pub(crate) fn fill(
        &self,
        template: &str,
        parameters: AddressParameters<'_>,
    ) -> Result<Address, Error> {
        let trimmed = |address: &Address| address.as_str().trim_end_matches('/').to_owned();
        let mut filled = template.to_owned();
        for (mark, value) in [
            ("{api_base_url}", parameters.api_base_url.map(trimmed)),
            ("{server}", parameters.server.map(trimmed)),
            ("{site_id}", parameters.site_id.map(encode_segment)),
        ] {
            if filled.contains(mark) {
                let value = value.ok_or_else(|| Error::NoServer { name: self.name.to_string() })?;
                filled = filled.replace(mark, &value);
            }
        }
        self.address(&filled)
    }

    fn address(&self, text: &str) -> Result<Address, Error> {
        text.parse().map_err(|source| Error::Address { name: self.name.to_string(), source })
    }
}

/// Whether `server` is `https` and a host that matches `pattern`, and nothing more.
fn matches_host_pattern(server: &Address, pattern: &str) -> bool {
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

/// Encodes a site's id as one segment of a path: the id comes from a server.
fn encode_segment(site_id: &str) -> String {
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
        let parameters =
            AddressParameters { site_id: Some("../../evil?x"), ..AddressParameters::default() };
        let base = acme.api_base_url(parameters).unwrap().unwrap();
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
    fn plain_http_is_refused_for_any_endpoint() {
        let acme = provider(
            "token_endpoint = 'http://id.example/t'\nauthorization_endpoint = 'https://id.example/a'",
        );
        assert!(matches!(acme.endpoints(None, None), Err(Error::Address { .. })));
    }
}
