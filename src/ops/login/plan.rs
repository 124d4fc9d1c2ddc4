//! What a login with OAuth is made of, and where its requests go.

use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::definition::Pkce;
use crate::model::scope::Scopes;
use crate::oauth::http;
use crate::oauth::metadata::{self, Metadata};
use crate::ops::error::Error;
use crate::providers::{Endpoints, FirstEndpoint, Provider};
use crate::secret::ClientSecret;

/// What a login with OAuth is made of.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) provider: Provider,
    /// The service's own address, where one was named.
    pub(crate) server: Option<Address>,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<ClientSecret>,
    pub(crate) trusted_certificates: Option<String>,
    pub(crate) scopes: Scopes,
    /// What the provider says of itself, once it was asked.
    metadata: Option<Metadata>,
}

impl Plan {
    /// A plan for a client of `provider` that has no secret and asks for no scope.
    pub(crate) fn new(provider: Provider, client_id: String) -> Self {
        Self {
            provider,
            server: None,
            client_id,
            client_secret: None,
            trusted_certificates: None,
            scopes: Scopes::default(),
            metadata: None,
        }
    }

    /// Whether the browser's answer can only be pasted: the provider comes back to https alone,
    /// where nobody can listen.
    pub(crate) fn is_pasted(&self) -> bool {
        self.provider.redirect_uri().starts_with("https://")
    }

    /// Whether the provider takes the device authorization grant, as far as definition and
    /// metadata tell.
    pub(crate) fn offers_device(&mut self) -> Result<bool, Error> {
        self.discover(FirstEndpoint::DeviceAuthorization)?;
        let found = |metadata: &Metadata| metadata.device_authorization_endpoint.is_some();
        Ok(self.provider.definition.device_authorization_endpoint.is_some()
            || self.metadata.as_ref().is_some_and(found))
    }

    /// Finds the endpoints of a login that begins at `entry`, adds the scopes that it needs, and makes sure that requests can be
    /// sent there, such as with the certificates that were given.
    pub(super) fn endpoints(&mut self, first: FirstEndpoint) -> Result<Endpoints, Error> {
        self.server = self.provider.server(self.server.as_ref())?;
        self.scopes = match first {
            FirstEndpoint::Authorization | FirstEndpoint::DeviceAuthorization => {
                self.provider.with_required(&self.scopes)
            }
            FirstEndpoint::Token => self.scopes.clone(),
        };
        self.discover(first)?;
        let endpoints = self.provider.endpoints(self.server.as_ref(), self.metadata.as_ref())?;
        // Found before a person is asked for anything.
        http::check(&endpoints.token, self.trusted_certificates.as_deref())
            .map_err(|fault| Error::NotRedeemed { source: fault.into() })?;
        Ok(endpoints)
    }

    /// The client as it is known at `endpoints`, to which a browser comes back at `redirect_uri`,
    /// if one does.
    pub(super) fn client(&self, endpoints: &Endpoints, redirect_uri: Option<&str>) -> Client {
        let secret = self.client_secret.as_ref();
        Client {
            id: self.client_id.clone(),
            authentication: self.provider.authentication(secret, self.metadata.as_ref()),
            token_endpoint: endpoints.token.clone(),
            revocation_endpoint: endpoints.revocation.clone(),
            revocation_method: self.provider.definition.revocation_method.unwrap_or_default(),
            dialect: self.provider.definition.dialect.after_login(redirect_uri),
            trusted_certificates: self.trusted_certificates.clone(),
        }
    }

    /// Whether the authorization request carries a code challenge.
    pub(super) fn pkce(&self) -> Pkce {
        self.provider.pkce(self.metadata.as_ref())
    }

    fn discover(&mut self, first: FirstEndpoint) -> Result<(), Error> {
        if self.metadata.is_none()
            && let Some(issuer) = self.provider.issuer_to_discover(first)?
        {
            let found = metadata::discover(&issuer, self.trusted_certificates.as_deref());
            self.metadata = Some(found.map_err(|source| Error::Metadata {
                provider: self.provider.name.to_string(),
                source,
            })?);
        }
        Ok(())
    }
}
