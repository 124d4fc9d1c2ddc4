//! The plan of a login with OAuth: client, scopes and provider, and from those the endpoints.

use super::addressed::Addressed;
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::client_authentication::ClientProofs;
use crate::model::client_key::ConfiguredKey;
use crate::model::credential::ApiHeader;
use crate::model::definition::Pkce;
use crate::model::scope::Scopes;
use crate::oauth::discovery;
use crate::oauth::http;
use crate::oauth::metadata::Metadata;
use crate::ops::error::Error;
use crate::providers::{Endpoints, FirstEndpoint, Provider};
use crate::secret::ClientSecret;

/// The settings of a login with OAuth.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) provider: Provider,
    /// The service's own address, if the user named one.
    pub(crate) server: Option<Address>,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<ClientSecret>,
    pub(crate) client_key: Option<ConfiguredKey>,
    pub(crate) trusted_certificates: Option<String>,
    pub(crate) scopes: Scopes,
    /// The client in the vault that a secret or key of this login comes from, if one does.
    pub(crate) sealed: Option<SealedClient>,
    /// The authorization server's metadata, after it was fetched.
    metadata: Option<Metadata>,
    /// The facts of a login by address; `None` for a login to a service that is defined.
    pub(super) by_address: Option<Addressed>,
}

/// A client as a stored credential has it, for a login that uses its secret or key again.
///
/// Its proof is sent nowhere but to where it was sent before.
#[derive(Debug)]
pub(crate) struct SealedClient {
    pub(crate) client: Client,
    /// The headers of requests to the API at `base_url`, one of which may hold the secret.
    pub(crate) headers: Vec<ApiHeader>,
    pub(crate) base_url: Option<Address>,
}

impl SealedClient {
    /// Returns one of `endpoints` to which the secret must not be sent, if there is one.
    ///
    /// The token endpoint has to be the sealed one. The others may also have its origin: they are
    /// the same server.
    fn foreign<'a>(&self, endpoints: &'a Endpoints) -> Option<&'a Address> {
        let client = &self.client;
        let is_known = |address: &&Address| {
            Some(*address) == client.revocation_endpoint.as_ref()
                || address.url().origin() == client.token_endpoint.url().origin()
        };
        let others = [&endpoints.revocation, &endpoints.device_authorization];
        Some(&endpoints.token)
            .filter(|token| **token != client.token_endpoint)
            .or_else(|| others.into_iter().flatten().find(|address| !is_known(address)))
    }
}

impl Plan {
    /// Makes a plan for a client of `provider` without a secret and without scopes.
    pub(crate) fn new(provider: Provider, client_id: String) -> Self {
        Self {
            provider,
            server: None,
            client_id,
            client_secret: None,
            client_key: None,
            trusted_certificates: None,
            scopes: Scopes::default(),
            sealed: None,
            metadata: None,
            by_address: None,
        }
    }

    /// Returns this plan as that of a login by address, which found `metadata`.
    pub(super) fn at(self, addressed: Addressed, metadata: Metadata) -> Self {
        Self { by_address: Some(addressed), metadata: Some(metadata), ..self }
    }

    /// Returns a copy of this plan for a client that is to be registered; `None` if the client is not
    /// one that an earlier login registered.
    pub(crate) fn with_new_client(&self) -> Option<Self> {
        let addressed = self.by_address.as_ref()?.with_new_client()?;
        let mut provider = self.provider.clone();
        provider.definition.redirect_uri = None;
        provider.definition.token_endpoint_auth_method = None;
        Some(Self {
            provider,
            server: self.server.clone(),
            client_id: String::new(),
            client_secret: None,
            client_key: None,
            trusted_certificates: self.trusted_certificates.clone(),
            scopes: self.scopes.clone(),
            sealed: None,
            metadata: self.metadata.clone(),
            by_address: Some(addressed),
        })
    }

    /// Registers the client, if this login is to have a new one, for a browser that comes back to
    /// `redirect_uri`.
    pub(super) fn settle_client(&mut self, redirect_uri: &str) -> Result<(), Error> {
        let (Some(addressed), Some(metadata)) = (&mut self.by_address, &self.metadata) else {
            return Ok(());
        };
        let certificates = self.trusted_certificates.as_deref();
        let scopes = self.provider.scope_parameter(&self.scopes);
        let registered = addressed.register(metadata, certificates, redirect_uri, &scopes);
        let registered = registered.map_err(|source| Error::Registration {
            provider: self.provider.name.to_string(),
            source,
        })?;
        if let Some((id, secret, method)) = registered {
            self.client_id = id;
            self.client_secret = secret;
            self.provider.definition.token_endpoint_auth_method = Some(method);
        }
        Ok(())
    }

    /// Unregisters the client, if this login registered it and stores nothing. No failure here counts:
    /// the login's own error is told.
    pub(super) fn give_back_client(&self) {
        self.given_back()();
    }

    /// Returns what [`Self::give_back_client`] does, for when the plan is used up.
    pub(super) fn given_back(&self) -> impl FnOnce() + use<> {
        let (addressed, certificates) =
            (self.by_address.clone(), self.trusted_certificates.clone());
        move || {
            if let Some(addressed) = addressed {
                addressed.give_back(certificates.as_deref());
            }
        }
    }

    /// Returns whether the client has a secret or a key to prove itself with.
    pub(crate) fn has_proof(&self) -> bool {
        self.client_secret.is_some() || self.client_key.is_some()
    }

    /// Returns whether the browser's answer has to be pasted, because the redirect URI is https and
    /// no listener on this machine can answer there.
    pub(crate) fn is_pasted(&self) -> bool {
        self.provider.redirect_uri().starts_with("https://")
    }

    /// Returns whether the definition or the metadata names a device authorization endpoint. Fetches
    /// the metadata if the definition leaves endpoints to it.
    pub(crate) fn offers_device(&mut self) -> Result<bool, Error> {
        self.discover(FirstEndpoint::DeviceAuthorization)?;
        let found = |metadata: &Metadata| metadata.device_authorization_endpoint.is_some();
        Ok(self.provider.definition.device_authorization_endpoint.is_some()
            || self.metadata.as_ref().is_some_and(found))
    }

    /// Returns the endpoints of a login that begins at `entry`, and adds the scopes that the provider
    /// requires.
    ///
    /// Fails with [`Error::NotRedeemed`] if no request can be sent to the token endpoint, for
    /// example because the configured certificates can't be read, and with
    /// [`Error::ForeignEndpoint`] if the client's secret is sealed for another server.
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
        if let Some(sealed) = &self.sealed
            && let Some(foreign) = sealed.foreign(&endpoints)
        {
            return Err(Error::ForeignEndpoint {
                provider: self.provider.name.to_string(),
                endpoint: foreign.to_string(),
                sealed: sealed.client.token_endpoint.to_string(),
            });
        }
        // Checked here, so that it fails before a person is asked for anything.
        http::check(&endpoints.token, self.trusted_certificates.as_deref())
            .map_err(|fault| Error::NotRedeemed { source: fault.into() })?;
        Ok(endpoints)
    }

    /// Returns the client with its `endpoints`, as it is sealed with the credential. `redirect_uri`
    /// is that of a login in the browser. Fails with [`Error::Provider`] if the client's key signs
    /// nothing that the server takes.
    pub(super) fn client(
        &self,
        endpoints: &Endpoints,
        redirect_uri: Option<&str>,
    ) -> Result<Client, Error> {
        let metadata = self.metadata.as_ref();
        let key = self.client_key.as_ref();
        let key = key.map(|key| self.provider.client_key(key, metadata)).transpose()?;
        let proofs = ClientProofs { secret: self.client_secret.clone(), key };
        let authentication = self.provider.authentication(proofs, &endpoints.token, metadata);
        Ok(Client {
            revocation_method: self.provider.revocation_method(&authentication, metadata),
            id: self.client_id.clone(),
            authentication,
            token_endpoint: endpoints.token.clone(),
            revocation_endpoint: endpoints.revocation.clone(),
            dialect: self.provider.definition.dialect.after_login(redirect_uri),
            token_params: self.provider.token_params(redirect_uri),
            trusted_certificates: self.trusted_certificates.clone(),
            by_address: self.by_address.as_ref().and_then(Addressed::sealed).map(Box::new),
        })
    }

    /// Returns the headers of requests to the API at `base_url`.
    ///
    /// Those of the vault are used where they hold a secret that this login does not have, at the
    /// address for which they were sealed.
    pub(super) fn api_headers(&self, base_url: Option<&Address>) -> Vec<ApiHeader> {
        match &self.sealed {
            Some(sealed)
                if self.client_secret.is_none() && sealed.base_url.as_ref() == base_url =>
            {
                sealed.headers.clone()
            }
            Some(_) | None => {
                self.provider.api_headers(Some(&self.client_id), self.client_secret.as_ref())
            }
        }
    }

    /// Returns the issuer that ID tokens name: the one in the metadata, if these were fetched, else
    /// the definition's.
    pub(super) fn issuer(&self) -> Option<&str> {
        let found = self.metadata.as_ref().map(Metadata::issuer);
        found.or(self.provider.definition.issuer.as_deref())
    }

    /// Returns whether the authorization request carries a code challenge (RFC 7636).
    pub(super) fn pkce(&self) -> Pkce {
        self.provider.pkce(self.metadata.as_ref())
    }

    /// Fetches the metadata, once, if a login at `entry` needs it.
    fn discover(&mut self, first: FirstEndpoint) -> Result<(), Error> {
        if self.metadata.is_none()
            && let Some(issuer) = self.provider.issuer_to_discover(first)?
        {
            let certificates = self.trusted_certificates.as_deref();
            let is_complete = |found: &Metadata| self.provider.is_complete(first, found);
            let found = discovery::discover(&issuer, certificates, &is_complete);
            self.metadata = Some(found.map_err(|source| Error::Metadata {
                provider: self.provider.name.to_string(),
                source,
            })?);
        }
        Ok(())
    }
}
