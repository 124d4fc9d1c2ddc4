//! The login by the address of a protected resource, such as an MCP server: nothing is registered or
//! configured beforehand.
//!
//! The resource names its authorization server (RFC 9728), whose metadata are read (RFC 8414). The
//! client is one that is configured, or has a metadata document, or was registered by an earlier
//! login, or is registered now (RFC 7591). The rest is a login in the browser, or by a code on another
//! device. Every request names the resource (RFC 8707), refreshes too.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::addressed::{Addressed, PlannedClient};
use super::plan::{Plan, SealedClient};
use crate::model::address::Address;
use crate::model::client::{Client, RevocationMethod};
use crate::model::client_key::ConfiguredKey;
use crate::model::registration::{ByAddress, ClientOrigin};
use crate::model::request_params::ParamValues;
use crate::model::scope::{OFFLINE_ACCESS, Scopes};
use crate::oauth::device_polling::DEVICE_CODE;
use crate::oauth::discovery;
use crate::oauth::metadata::Metadata;
use crate::oauth::resource_metadata::{self, Protection};
use crate::ops::error::Error;
use crate::providers::{self, Provider};
use crate::secret::ClientSecret;

/// A resource, and the authorization server that protects it.
#[derive(Debug)]
pub(crate) struct Protected {
    asked: Address,
    /// The identifier of the resource, which every request names.
    resource: String,
    /// The scopes that the resource asks for.
    pub(crate) scopes: Scopes,
    metadata: Metadata,
    refuses_strangers: bool,
    challenges_post: bool,
}

/// The client with which a login by address begins.
#[derive(Debug)]
pub(crate) enum Choice {
    /// A client that a person registered.
    Configured { id: String, secret: Option<ClientSecret>, key: Option<ConfiguredKey> },
    /// The client with this metadata document.
    Document(Address),
    /// The client of an earlier login, as the vault has it.
    Earlier(Box<SealedClient>),
    /// A client that this login registers.
    New,
}

impl Choice {
    /// Whether the client is one that this program registered, or registers now.
    fn is_own(&self) -> bool {
        match self {
            Self::Configured { .. } | Self::Document(_) => false,
            Self::Earlier(sealed) => sealed
                .client
                .by_address
                .as_ref()
                .is_some_and(|facts| matches!(facts.origin, ClientOrigin::Registered(_))),
            Self::New => true,
        }
    }
}

/// Asks the resource at `asked` what protects it, and its authorization server for the metadata.
///
/// A `provider` whose definition has an issuer or endpoints says itself which server that is: what the
/// resource says is then asked for its scopes alone.
///
/// Fails with [`Error::Protection`], or with [`Error::AddressMetadata`] of the first server if none can
/// be used.
pub(crate) fn find(
    asked: &Address,
    trusted_certificates: Option<&str>,
    provider: &Provider,
) -> Result<Protected, Error> {
    let name = &provider.name;
    let told = |source| Error::Protection {
        provider: name.clone(),
        asked: Box::new(asked.clone()),
        source,
    };
    let found = resource_metadata::find(asked, trusted_certificates);
    let definition = &provider.definition;
    if definition.issuer.is_some() || definition.token_endpoint.is_some() {
        let found = match found {
            Err(
                source @ (resource_metadata::Error::Fault(_)
                | resource_metadata::Error::Trouble { .. }),
            ) => {
                return Err(told(source));
            }
            found => found.unwrap_or_else(|_| Protection::unpublished(asked)),
        };
        let metadata = defined(asked, trusted_certificates, provider, &found)?;
        return Ok(Protected::new(asked, found, metadata));
    }
    let mut found = found.map_err(told)?;
    let mut first = None;
    for server in &found.servers {
        match discovery::discover_named(server, trusted_certificates, &has_all) {
            Ok(metadata) => {
                return Ok(Protected::new(asked, found, metadata));
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(match (first, found.oddity.take()) {
        (Some(discovery::Error::Missing { .. }), Some(oddity)) => told(*oddity),
        (Some(source), _) => unpublished(asked, provider, source),
        (None, _) => told(resource_metadata::Error::NoServer { asked: asked.to_string() }),
    })
}

/// Whether `metadata` have all that a login by address may need.
fn has_all(metadata: &Metadata) -> bool {
    metadata.authorization_endpoint.is_some()
        && metadata.token_endpoint.is_some()
        && metadata.registration_endpoint().is_some()
}

fn unpublished(asked: &Address, provider: &Provider, source: discovery::Error) -> Error {
    Error::AddressMetadata {
        provider: provider.name.clone(),
        asked: Box::new(asked.clone()),
        source,
    }
}

/// Returns the metadata of the authorization server that a definition names: those of its issuer, or
/// its endpoints.
fn defined(
    asked: &Address,
    trusted_certificates: Option<&str>,
    provider: &Provider,
    found: &Protection,
) -> Result<Metadata, Error> {
    let definition = &provider.definition;
    if definition.token_endpoint.is_none()
        && let Some(issuer) = &definition.issuer
    {
        let issuer: Address = issuer.parse().map_err(|source| providers::Error::Address {
            name: provider.name.to_string(),
            source,
        })?;
        return discovery::discover(&issuer, trusted_certificates.into(), &has_all)
            .map_err(|source| unpublished(asked, provider, source));
    }
    let issuer = definition.issuer.clone();
    let issuer = issuer.or_else(|| Some(found.servers.first()?.as_str().to_owned()));
    let document = json!({
        "issuer": issuer.unwrap_or_else(|| asked.url().origin().ascii_serialization()),
        "authorization_endpoint": definition.authorization_endpoint,
        "token_endpoint": definition.token_endpoint,
        "device_authorization_endpoint": definition.device_authorization_endpoint,
        // Who protects a resource in this way has to know it.
        "code_challenge_methods_supported": ["S256"],
    });
    Ok(Metadata::read(document.to_string().as_bytes()).expect("an object with an issuer"))
}

impl Protected {
    fn new(asked: &Address, found: Protection, metadata: Metadata) -> Self {
        Self {
            asked: asked.clone(),
            resource: found.resource,
            scopes: Scopes::parse(found.scopes.as_deref().unwrap_or_default()),
            metadata,
            refuses_strangers: found.refuses_strangers,
            challenges_post: found.challenges_post,
        }
    }

    /// Whether the server takes clients that have a metadata document.
    pub(crate) fn takes_documents(&self) -> bool {
        self.metadata.client_id_metadata_document_supported
    }

    /// Whether the server registers clients itself.
    pub(crate) fn registers(&self) -> bool {
        self.metadata.registration_endpoint().is_some()
    }

    /// Returns the error for a login that has no client and can't register one.
    pub(crate) fn no_client(&self) -> Error {
        let issuer = self.metadata.issuer().parse::<Address>();
        let authority = issuer.map_or_else(|_| self.asked.authority(), |it| it.authority());
        Error::NoClient { authority, takes_documents: self.takes_documents() }
    }

    /// Whether the server has logins that go by a code on another device (RFC 8628).
    pub(crate) fn offers_codes(&self) -> bool {
        self.metadata.device_authorization_endpoint.is_some()
    }

    /// Whether `client`, which an earlier login had for `facts`, can be used again at `now`: the server
    /// and its token endpoint are the same, and a person registered the client; or it was registered
    /// by that login for one of this kind, `by_code` or in the browser, and its secret has not ended.
    pub(crate) fn knows(
        &self,
        client: &Client,
        facts: &ByAddress,
        by_code: bool,
        now: Timestamp,
    ) -> bool {
        let endpoint = self.metadata.token_endpoint.as_deref();
        let is_for_this = match &facts.origin {
            ClientOrigin::Configured => true,
            ClientOrigin::Document | ClientOrigin::Elsewhere => false,
            ClientOrigin::Registered(registration) => {
                by_code == registration.redirect_uri.is_none()
                    && registration.secret_ends_at.is_none_or(|end| end > now)
            }
        };
        is_for_this
            && facts.issuer == self.metadata.issuer()
            && endpoint == Some(client.token_endpoint.as_str())
    }

    /// Returns `scopes` with the one that brings a refresh token, where the server offers it.
    pub(crate) fn with_offline_access(&self, scopes: &Scopes) -> Scopes {
        if scopes.is_empty() || !self.metadata.offers_scope(OFFLINE_ACCESS) {
            return scopes.clone();
        }
        Scopes::parse(&format!("{scopes} {OFFLINE_ACCESS}"))
    }

    /// Returns the plan of a login with `client` that asks for `scopes`. `provider` has the settings
    /// that the person configured for this service, if any.
    pub(crate) fn plan(
        self,
        mut provider: Provider,
        client: Choice,
        scopes: Scopes,
        trusted_certificates: Option<String>,
    ) -> Plan {
        let definition = &mut provider.definition;
        let issuer = self.metadata.issuer().to_owned();
        definition.issuer.get_or_insert_with(|| issuer.clone());
        definition.resource.get_or_insert(ParamValues::One(self.resource));
        if scopes.contains(OFFLINE_ACCESS) && !definition.authorization_params.has("prompt") {
            // OpenID Connect Core 1.0 §11: else the scope may be ignored.
            definition.authorization_params.set("prompt", "consent");
        }
        if client.is_own() {
            // Servers that say they revoke nothing without a secret revoke for such clients all the
            // same, so it is tried.
            definition.revocation_method.get_or_insert(RevocationMethod::Rfc7009);
        }
        let mut client_key = None;
        let (id, secret, sealed, client) = match client {
            Choice::Configured { id, secret, key } => {
                client_key = key;
                (id, secret, None, PlannedClient::Known(ClientOrigin::Configured))
            }
            Choice::Document(address) => {
                // One document serves every login, so its redirect URI names no provider.
                definition.redirect_uri.get_or_insert_with(|| DOCUMENT_REDIRECT_URI.into());
                let id = address.as_str().to_owned();
                (id, None, None, PlannedClient::Known(ClientOrigin::Document))
            }
            Choice::Earlier(sealed) => {
                let authentication = &sealed.client.authentication;
                definition.token_endpoint_auth_method = Some(authentication.method());
                let secret = authentication.secret().cloned();
                client_key = authentication.key().cloned().map(ConfiguredKey::from);
                let origin = sealed.client.by_address.as_ref().map(|facts| facts.origin.clone());
                if let Some(ClientOrigin::Registered(registration)) = &origin {
                    definition.redirect_uri.clone_from(&registration.redirect_uri);
                }
                let origin = origin.unwrap_or(ClientOrigin::Configured);
                (sealed.client.id.clone(), secret, Some(*sealed), PlannedClient::Known(origin))
            }
            Choice::New => (String::new(), None, None, PlannedClient::New),
        };
        let mut plan = Plan::new(provider, id);
        plan.client_secret = secret;
        plan.client_key = client_key;
        plan.sealed = sealed;
        plan.server = Some(self.asked.clone());
        plan.scopes = scopes;
        plan.trusted_certificates = trusted_certificates;
        let addressed = Addressed {
            asked: self.asked,
            issuer,
            client,
            refuses_strangers: self.refuses_strangers,
            challenges_post: self.challenges_post,
        };
        plan.at(addressed, self.metadata)
    }
}

/// The redirect URI of a client with a metadata document: any port of this machine.
const DOCUMENT_REDIRECT_URI: &str = "http://127.0.0.1:0/callback";

/// Returns the Client ID Metadata Document of a client on a person's machine, which is published at
/// `url`. Servers leave the port out when they compare the redirect URI (RFC 8252 §7.3).
pub(crate) fn client_document(url: &str) -> Value {
    json!({
        "client_id": url,
        "client_name": "tokctl",
        "application_type": "native",
        "redirect_uris": [DOCUMENT_REDIRECT_URI.replace(":0/", "/")],
        "grant_types": ["authorization_code", DEVICE_CODE, "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    })
}
