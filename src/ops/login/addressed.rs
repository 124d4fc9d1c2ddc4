//! The part of a login's plan that a login by address adds: where its client comes from.

use crate::model::address::Address;
use crate::model::client_authentication::TokenEndpointAuthMethod;
use crate::model::registration::{ByAddress, ClientOrigin};
use crate::oauth::metadata::Metadata;
use crate::oauth::registration::{self, Error, Reading, Registered};
use crate::secret::ClientSecret;

/// The facts of a login by address, before it is stored.
#[derive(Debug, Clone)]
pub(super) struct Addressed {
    /// The address that the person named.
    pub(super) asked: Address,
    /// The issuer, as its metadata has it.
    pub(super) issuer: String,
    pub(super) client: PlannedClient,
    /// See [`ByAddress::refuses_strangers`].
    pub(super) refuses_strangers: bool,
    /// See [`ByAddress::challenges_post`].
    pub(super) challenges_post: bool,
}

/// The client of a login by address.
#[derive(Debug, Clone)]
pub(super) enum PlannedClient {
    /// A client that exists, with its origin.
    Known(ClientOrigin),
    /// A client that is registered once it is known where the browser comes back to.
    New,
    /// A client that this login registered. No other one is registered in its place.
    JustRegistered(ClientOrigin),
}

/// The id of a client, its secret, and how it is shown.
type Settled = (String, Option<ClientSecret>, TokenEndpointAuthMethod);

impl Addressed {
    /// Registers the client if it is a new one, at most once; without a `redirect_uri`, for a login by
    /// a code.
    pub(super) fn register(
        &mut self,
        metadata: &Metadata,
        trusted_certificates: Option<&str>,
        redirect_uri: Option<&str>,
        scopes: &str,
    ) -> Result<Option<Settled>, Error> {
        let (PlannedClient::New, Some(endpoint)) = (&self.client, metadata.registration_endpoint())
        else {
            return Ok(None);
        };
        let Registered { id, secret, method, registration } = registration::register(
            &endpoint,
            trusted_certificates,
            metadata,
            redirect_uri,
            scopes,
        )?;
        self.client = PlannedClient::JustRegistered(ClientOrigin::Registered(registration));
        Ok(Some((id, secret, method)))
    }

    /// Returns these facts for a client that is to be registered in place of one that an earlier login
    /// registered.
    pub(super) fn with_new_client(&self) -> Option<Self> {
        match &self.client {
            PlannedClient::Known(ClientOrigin::Registered(_)) => {
                Some(Self { client: PlannedClient::New, ..self.clone() })
            }
            PlannedClient::Known(
                ClientOrigin::Configured | ClientOrigin::Document | ClientOrigin::Elsewhere,
            )
            | PlannedClient::New
            | PlannedClient::JustRegistered(_) => None,
        }
    }

    /// Asks the server for the client that an earlier login registered, where that is possible.
    pub(super) fn look_up(&mut self, trusted_certificates: Option<&str>) -> Option<Reading> {
        let PlannedClient::Known(ClientOrigin::Registered(registration)) = &mut self.client else {
            return None;
        };
        let own = registration.management.as_mut()?;
        let reading = registration::look_up(own, trusted_certificates);
        if let Reading::Kept { management: Some(renewed), .. } = &reading {
            own.clone_from(renewed);
        }
        Some(reading)
    }

    /// Returns what is sealed with the client; `None` before it is registered.
    pub(super) fn sealed(&self) -> Option<ByAddress> {
        let origin = match &self.client {
            PlannedClient::Known(origin) | PlannedClient::JustRegistered(origin) => origin.clone(),
            PlannedClient::New => return None,
        };
        Some(ByAddress {
            asked: self.asked.clone(),
            issuer: self.issuer.clone(),
            origin,
            refuses_strangers: self.refuses_strangers,
            challenges_post: self.challenges_post,
        })
    }

    /// Whether this login registered the client.
    pub(super) fn has_just_registered(&self) -> bool {
        matches!(self.client, PlannedClient::JustRegistered(_))
    }

    /// Unregisters the client if this login registered it.
    pub(super) fn give_back(&self, trusted_certificates: Option<&str>) {
        let PlannedClient::JustRegistered(ClientOrigin::Registered(registration)) = &self.client
        else {
            return;
        };
        if let Some(management) = &registration.management {
            let _ = registration::unregister(management, trusted_certificates);
        }
    }
}
