//! Making a credential of what another tool kept: its tokens, with the addresses of the provider
//! as it is defined here.

use jiff::Timestamp;

use super::incoming::{Incoming, LeftOut};
use crate::importers::record::{Held, HeldGrant, IssuedTo, Record};
use crate::model::account::{Account, UserName};
use crate::model::address::Address;
use crate::model::client::{Client, ClientAuthentication};
use crate::model::credential::{
    Api, ApiAuth, Check, Credential, Expiry, Grant, OAuthGrant, StaticToken, Status,
};
use crate::model::definition::RefreshKind;
use crate::model::readiness::due_at;
use crate::ops::error::{ImportError, Reason};
use crate::ops::login::static_token;
use crate::providers::{self, AddressParameters, Endpoints, Provider};
use crate::secret::ClientSecret;

/// A provider, and the client that is configured for it.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) provider: Provider,
    /// Id and secret.
    pub(crate) client: Option<(String, Option<ClientSecret>)>,
    pub(crate) trusted_certificates: Option<String>,
}

/// Makes a credential for `user` of what another tool kept. `server` is the service's address where
/// the record has none.
pub(crate) fn assemble(
    record: Record,
    user: UserName,
    service: &Service,
    server: Option<&Address>,
    now: Timestamp,
) -> Result<Incoming, ImportError> {
    let Record { origin, username, held, inactive, .. } = record;
    let server = record.server.as_ref().or(server);
    let issued_at = match &held {
        Held::Static(_) => None,
        Held::Grant(held) => held.issued_at,
    };
    let made = match held {
        Held::Static(token) => {
            static_api(service, server, username).map(|api| (Grant::Static(token), api, None))
        }
        Held::Grant(held) => granted(*held, service, server, username, now),
    };
    let (grant, api, left_out) =
        made.map_err(|reason| ImportError::Unfit { origin: origin.clone(), reason })?;
    let forks = service.provider.definition.refresh.rotates.unwrap_or(true);
    let credential = Credential {
        grant,
        api,
        status: if inactive { Status::Inactive } else { Status::Active },
        created_at: now,
        updated_at: now,
        last_refreshed_at: None,
    };
    let account = Account { provider: service.provider.name.clone(), user };
    Ok(Incoming { account, credential, origin, forks, issued_at, left_out })
}

/// How the service takes a token of a person's own, as a login with one would have it.
fn static_api(
    service: &Service,
    server: Option<&Address>,
    username: Option<String>,
) -> Result<Api, Reason> {
    if username.as_ref().is_some_and(|name| name.contains(|c: char| c == ':' || c.is_control())) {
        return Err(Reason::UserName);
    }
    if service.provider.api_auth() == ApiAuth::Basic && username.is_none() {
        return Err(Reason::NoUserName);
    }
    let certificates = service.trusted_certificates.clone();
    static_token::api(&service.provider, server, username, certificates).map_err(Reason::Provider)
}

/// The grant with the client that can renew it; without one, its access token alone.
fn granted(
    held: HeldGrant,
    service: &Service,
    server: Option<&Address>,
    username: Option<String>,
    now: Timestamp,
) -> Result<(Grant, Api, Option<LeftOut>), Reason> {
    let renewable = held.refresh_token.is_some()
        || service.provider.definition.refresh.kind == RefreshKind::Exchange;
    let client = match endpoints(service, server).map_err(Reason::Provider)? {
        None => Err(LeftOut::NoEndpoint),
        Some(endpoints) => issued_to(&held.issued_to, service).and_then(|(id, secret)| {
            let client = client(id, secret.as_ref(), &held.issued_to, service, &endpoints)?;
            Ok((client, secret))
        }),
    };
    let (own, secret) = match &client {
        Ok((client, secret)) => (Some(client), secret.as_ref()),
        Err(_) => (None, None),
    };
    let api = api(service, server, username, own, secret)?;
    Ok(match client {
        Ok((client, _)) => (Grant::OAuth(Box::new(renewed(held, service, client, now))), api, None),
        Err(reason) => (alone(held, now), api, renewable.then_some(reason)),
    })
}

/// The provider's own endpoints; `None` where its definition leaves them to be discovered.
fn endpoints(
    service: &Service,
    server: Option<&Address>,
) -> Result<Option<Endpoints>, providers::Error> {
    let server = service.provider.server(server)?;
    match service.provider.endpoints(server.as_ref(), None) {
        Ok(endpoints) => Ok(Some(endpoints)),
        Err(providers::Error::Incomplete { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Id and secret of the client that the grant was issued to, as far as they are known.
fn issued_to(
    issued_to: &IssuedTo,
    service: &Service,
) -> Result<(String, Option<ClientSecret>), LeftOut> {
    let configured = service.client.as_ref();
    match issued_to {
        IssuedTo::Named { id, secret } => {
            let same = configured.filter(|(own, _)| own == id);
            let secret = secret.clone().or_else(|| same.and_then(|(_, secret)| secret.clone()));
            Ok((id.clone(), secret))
        }
        IssuedTo::Configured => configured.cloned().ok_or(LeftOut::NoClient),
        IssuedTo::Tool => Err(LeftOut::ToolsClient),
    }
}

/// The client with `id` and `secret`. One that the record itself names may lack its secret: that
/// may be configured later.
fn client(
    id: String,
    secret: Option<&ClientSecret>,
    issued_to: &IssuedTo,
    service: &Service,
    endpoints: &Endpoints,
) -> Result<Client, LeftOut> {
    let provider = &service.provider;
    let authentication = provider.authentication(secret, None);
    match (&authentication, issued_to) {
        (ClientAuthentication::SecretMissing(_), IssuedTo::Configured | IssuedTo::Tool) => {
            return Err(LeftOut::NoClientSecret);
        }
        (ClientAuthentication::SecretMissing(_), IssuedTo::Named { .. })
        | (
            ClientAuthentication::None
            | ClientAuthentication::SecretBasic(_)
            | ClientAuthentication::SecretPost(_),
            _,
        ) => {}
    }
    Ok(Client {
        id,
        authentication,
        token_endpoint: endpoints.token.clone(),
        revocation_endpoint: endpoints.revocation.clone(),
        revocation_method: provider.definition.revocation_method.unwrap_or_default(),
        dialect: provider.definition.dialect.after_login(None),
        trusted_certificates: service.trusted_certificates.clone(),
    })
}

/// The grant with what renews it.
fn renewed(held: HeldGrant, service: &Service, client: Client, now: Timestamp) -> OAuthGrant {
    let renewal = service.provider.renewal();
    let refresh_token = renewal.kind.accept_refresh_token(held.refresh_token);
    let issued_at = held.issued_at.filter(|at| *at <= now).unwrap_or(now);
    let (access_token, expiry) = match held.access_token {
        Some(token) => (Some(token), held.expiry),
        // It is over, and the first use brings one.
        None => (None, Expiry::Known(now)),
    };
    let due = match expiry {
        // Whether it works still is found out at its first use.
        Expiry::Unknown if refresh_token.is_some() => Some(now),
        Expiry::Known(_) | Expiry::None | Expiry::Unknown => {
            due_at(issued_at, expiry, renewal.margin)
        }
    };
    OAuthGrant {
        access_token,
        token_type: held.token_type.unwrap_or_else(|| "Bearer".into()),
        issued_at,
        expiry,
        due_at: due,
        refresh_token,
        renewal: renewal.kind.renewal_after_consent(),
        scopes: held.scopes,
        client,
        granted_at: issued_at,
        refresh_expires_at: None,
        life: service.provider.definition.grant_life,
    }
}

/// The access token alone, which nothing renews.
fn alone(held: HeldGrant, now: Timestamp) -> Grant {
    Grant::Static(match held.access_token {
        Some(token) => StaticToken { token: Some(token), expiry: held.expiry },
        None => StaticToken { token: None, expiry: Expiry::Known(now) },
    })
}

/// The service that a granted token is for.
fn api(
    service: &Service,
    server: Option<&Address>,
    username: Option<String>,
    client: Option<&Client>,
    secret: Option<&ClientSecret>,
) -> Result<Api, Reason> {
    let provider = &service.provider;
    let server_url = provider.server(server).map_err(Reason::Provider)?;
    let places = AddressParameters { server: server_url.as_ref(), ..AddressParameters::default() };
    // Where a site is missing, the token is as good without these addresses.
    let base_url = provider.api_base_url(places).unwrap_or_default();
    let places = AddressParameters { api_base_url: base_url.as_ref(), ..places };
    let check = provider.check(places).unwrap_or_default();
    let trusted_certificates = match client {
        Some(_) => None,
        None => service.trusted_certificates.clone(),
    };
    let check = check.map(|check| Check { trusted_certificates, ..check });
    let auth = provider.api_auth();
    let headers = provider.api_headers(client.map(|client| &*client.id), secret);
    Ok(Api { auth, headers, server_url, base_url, username, check })
}
