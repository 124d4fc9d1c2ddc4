//! The plan of a login with OAuth: client, scopes and provider, and from those the endpoints.

use super::addressed::Addressed;
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::client_authentication::ClientProofs;
use crate::model::client_certificate::{ClientCertificate, TlsSettings};
use crate::model::client_key::ConfiguredKey;
use crate::model::credential::ApiHeader;
use crate::model::definition::Pkce;
use crate::model::scope::Scopes;
use crate::oauth::discovery;
use crate::oauth::http::{self, Fault};
use crate::oauth::metadata::Metadata;
use crate::oauth::registration::Reading;
use crate::ops::error::{Error, TokenError};
use crate::providers::{self, Endpoints, FirstEndpoint, Provider};
use crate::secret::ClientSecret;
use crate::untrusted::printable;

/// The settings of a login with OAuth.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) provider: Provider,
    /// The service's own address, if the user named one.
    pub(crate) server: Option<Address>,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<ClientSecret>,
    pub(crate) client_key: Option<ConfiguredKey>,
    pub(crate) client_certificate: Option<ClientCertificate>,
    pub(crate) trusted_certificates: Option<String>,
    pub(crate) scopes: Scopes,
    /// The client in the vault that a secret or key of this login comes from, if one does.
    pub(crate) sealed: Option<SealedClient>,
    /// The authorization server's metadata, after it was fetched.
    metadata: Option<Metadata>,
    /// The facts of a login by address; `None` for a login to a service that is defined.
    pub(super) by_address: Option<Addressed>,
}

/// The scope that asks for an ID token (OpenID Connect Core 1.0 §3.1.2.1).
pub(super) const OPENID: &str = "openid";

/// The refusal of a resource (RFC 8707 §2).
const INVALID_TARGET: &str = "invalid_target";

/// Returns an address that the metadata name; `None` for one to which nothing would be sent.
fn published(
    metadata: Option<&Metadata>,
    field: fn(&Metadata) -> Option<&String>,
) -> Option<Address> {
    let address: Address = metadata.and_then(field)?.parse().ok()?;
    Some(address.within(metadata.map(Metadata::reach).unwrap_or_default()))
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
        let others = [
            &endpoints.revocation,
            &endpoints.device_authorization,
            &endpoints.pushed_authorization_request,
        ];
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
            client_certificate: None,
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
            client_certificate: None,
            trusted_certificates: self.trusted_certificates.clone(),
            scopes: self.scopes.clone(),
            sealed: None,
            metadata: self.metadata.clone(),
            by_address: Some(addressed),
        })
    }

    /// Returns whether the server has forgotten the client that an earlier login registered, as far as it
    /// can be asked. What it replaces in its answer is taken.
    pub(crate) fn is_client_forgotten(&mut self) -> bool {
        let certificates = self.trusted_certificates.as_deref();
        let Some(reading) =
            self.by_address.as_mut().and_then(|addressed| addressed.look_up(certificates))
        else {
            return false;
        };
        match reading {
            Reading::Forgotten => true,
            Reading::Kept { secret, .. } => {
                if self.client_secret.is_some() {
                    self.client_secret = secret.or(self.client_secret.take());
                }
                false
            }
        }
    }

    /// Registers the client, if this login is to have a new one, for a browser that comes back to
    /// `redirect_uri`, or for a code on another device.
    pub(super) fn settle_client(&mut self, redirect_uri: Option<&str>) -> Result<(), Error> {
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

    /// Returns the error for a code of the browser that brought no token.
    pub(super) fn not_redeemed(&self, source: TokenError) -> Error {
        let is_new = self.by_address.as_ref().is_some_and(Addressed::has_just_registered);
        match source {
            TokenError::GrantRefused { authority, reason, .. } => {
                Error::CodeRefused { authority, reason }
            }
            TokenError::ClientRefused { authority, error, reason }
                if error == INVALID_TARGET && self.by_address.is_some() =>
            {
                Error::ResourceRefused { authority, reason }
            }
            TokenError::ClientRefused { authority, reason, .. } if is_new => {
                Error::NewClientRefused { authority, reason }
            }
            source => Error::NotRedeemed { source },
        }
    }

    /// Whether this is the plan of a login by address.
    pub(crate) fn is_by_address(&self) -> bool {
        self.by_address.is_some()
    }

    /// Returns whether the client has a secret, a key or a certificate to prove itself with.
    pub(crate) fn has_proof(&self) -> bool {
        self.client_secret.is_some()
            || self.client_key.is_some()
            || self.client_certificate.is_some()
    }

    /// Returns whether the browser's answer has to be pasted, because the redirect URI is https and
    /// no listener on this machine can answer there.
    pub(crate) fn is_pasted(&self) -> bool {
        self.provider.redirect_uri().starts_with("https://")
    }

    /// Returns the error for an endpoint that this login needs and nobody names.
    pub(super) fn lacks(&self, field: &'static str) -> Error {
        self.lacking(self.provider.lacks(field, self.metadata.as_ref()))
    }

    /// Returns `source`, with the address of a login by address if the server's metadata are at fault.
    fn lacking(&self, source: providers::Error) -> Error {
        match (&self.by_address, source) {
            (Some(addressed), source @ providers::Error::Published { .. }) => Error::AddressLacks {
                provider: self.provider.name.clone(),
                asked: Box::new(addressed.asked.clone()),
                source,
            },
            (_, source) => source.into(),
        }
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
        self.expect_no_demand(first)?;
        let endpoints = self.provider.endpoints(self.server.as_ref(), self.metadata.as_ref());
        let endpoints = endpoints.map_err(|source| self.lacking(source))?;
        if let Some(sealed) = &self.sealed
            && let Some(foreign) = sealed.foreign(&endpoints)
        {
            return Err(Error::ForeignEndpoint {
                provider: self.provider.name.to_string(),
                endpoint: foreign.to_string(),
                sealed: sealed.client.token_endpoint.to_string(),
            });
        }
        if let Some(addressed) = &self.by_address {
            let told = |fault: Fault| Error::Protection {
                provider: self.provider.name.clone(),
                asked: Box::new(addressed.asked.clone()),
                source: fault.into(),
            };
            let named =
                [&endpoints.authorization, &endpoints.device_authorization, &endpoints.revocation];
            for address in named.into_iter().flatten().chain([&endpoints.token]) {
                http::check(address, self.tls()).map_err(told)?;
            }
        }
        // Checked here, so that it fails before a person is asked for anything.
        http::check(&endpoints.token, self.tls())
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
        let proofs = ClientProofs { secret: self.client_secret.clone(), key, method: None };
        let has_certificate = self.client_certificate.is_some();
        let authentication = self.provider.authentication(
            proofs,
            has_certificate,
            self.server.as_ref(),
            &endpoints.token,
            metadata,
        );
        Ok(Client {
            revocation_method: self.provider.revocation_method(&authentication, metadata),
            id: self.client_id.clone(),
            authentication,
            token_endpoint: endpoints.token.clone(),
            revocation_endpoint: endpoints.revocation.clone(),
            end_session_endpoint: published(metadata, |found| found.end_session_endpoint.as_ref()),
            dialect: self.provider.definition.dialect.after_login(redirect_uri),
            token_params: self.provider.token_params(redirect_uri),
            trusted_certificates: self.trusted_certificates.clone(),
            certificate: self.client_certificate.clone().map(|own| ClientCertificate {
                binds_tokens: metadata
                    .is_some_and(|found| found.tls_client_certificate_bound_access_tokens),
                ..own
            }),
            by_address: self.by_address.as_ref().and_then(Addressed::sealed).map(Box::new),
        })
    }

    /// Returns `client` with its secret in the form, where that can help against a refusal: neither
    /// the definition nor the metadata say where the server wants it.
    pub(super) fn with_secret_in_form(&self, client: &Client) -> Option<Client> {
        let is_free = self.provider.definition.token_endpoint_auth_method.is_none()
            && self.metadata.as_ref().is_none_or(Metadata::may_take_secret_in_form);
        is_free.then(|| client.with_secret_in_form()).flatten()
    }

    /// Returns the endpoint to which the authorization request is pushed (RFC 9126), if the server
    /// or the definition wants that.
    ///
    /// Fails with [`Error::Provider`] if nobody names the endpoint.
    pub(super) fn pushes_to<'a>(
        &self,
        endpoints: &'a Endpoints,
    ) -> Result<Option<&'a Address>, Error> {
        let definition = &self.provider.definition;
        let is_demanded = self.metadata.as_ref().is_some_and(Metadata::demands_pushed_requests);
        let is_wanted = match definition.require_pushed_authorization_requests {
            Some(own) => own,
            None => is_demanded || definition.pushed_authorization_request_endpoint.is_some(),
        };
        match &endpoints.pushed_authorization_request {
            _ if !is_wanted => Ok(None),
            Some(endpoint) => Ok(Some(endpoint)),
            None => Err(self.lacks("pushed_authorization_request_endpoint")),
        }
    }

    /// Fails with [`Error::Unmet`] if the metadata demand what this login does not have, and with
    /// [`Error::UnknownPkce`] if those of a login by address do not say that the server knows PKCE.
    fn expect_no_demand(&self, first: FirstEndpoint) -> Result<(), Error> {
        let Some(metadata) = &self.metadata else { return Ok(()) };
        let unmet = |demand: String| {
            let provider = self.provider.name.to_string();
            Err(Error::Unmet { provider, demand })
        };
        if first == FirstEndpoint::Authorization
            && let Some(demand) = metadata.demand()
        {
            return unmet(demand.words().into());
        }
        // What nobody defined is known by its metadata alone, and a client of the Model Context Protocol
        // must refuse a server that does not say so there (its revision 2025-11-25).
        if first == FirstEndpoint::Authorization
            && self.by_address.is_some()
            && self.provider.definition.pkce.is_none()
            && !metadata.knows_s256()
        {
            let (provider, issuer) = (self.provider.name.clone(), metadata.issuer().to_owned());
            return Err(Error::UnknownPkce { provider, issuer: printable(&issuer) });
        }
        let by_secret = self.client_secret.is_some()
            && self.client_key.is_none()
            && self.client_certificate.is_none();
        match metadata.methods_without_secret() {
            Some(methods)
                if by_secret && self.provider.definition.token_endpoint_auth_method.is_none() =>
            {
                unmet(format!("it takes no client secret, but {methods}"))
            }
            Some(_) | None => Ok(()),
        }
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

    /// Returns whether the server tells who logged in: the definition says where, or an issuer is
    /// asked for an ID token.
    pub(crate) fn names_person(&self) -> bool {
        let definition = &self.provider.definition;
        let asks = self.provider.with_required(&self.scopes).contains(OPENID);
        definition.identity.is_some() || definition.issuer.is_some() && asks
    }

    /// Returns the endpoint that tells who a token is about, where the metadata name one.
    pub(super) fn userinfo(&self) -> Option<Address> {
        published(self.metadata.as_ref(), |found| found.userinfo_endpoint.as_ref())
    }

    /// Returns the endpoint that tells whether a token is active, where the metadata name one.
    pub(super) fn introspection(&self) -> Option<Address> {
        published(self.metadata.as_ref(), |found| found.introspection_endpoint.as_ref())
    }

    /// Returns the settings of TLS connections for this login.
    pub(super) fn tls(&self) -> TlsSettings<'_> {
        TlsSettings {
            trusted_certificates: self.trusted_certificates.as_deref(),
            client_certificate: self.client_certificate.as_ref(),
        }
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
            let is_complete = |found: &Metadata| self.provider.is_complete(first, found);
            let found = discovery::discover(&issuer, self.tls(), &is_complete);
            let found = found.map_err(|source| Error::Metadata {
                provider: self.provider.name.to_string(),
                source,
            })?;
            self.metadata = Some(match self.client_certificate {
                Some(_) => found.for_certificate(),
                None => found,
            });
        }
        Ok(())
    }
}
