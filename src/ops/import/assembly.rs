//! Making a credential from a record of another tool: its tokens, with the endpoints of today's
//! definition of the provider.

use jiff::Timestamp;

use super::incoming::{Incoming, LeftOut};
use crate::importers::record::{Held, HeldGrant, HeldWorkload, IssuedTo, Record};
use crate::model::account::{Account, UserName};
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::client_authentication::ClientProofs;
use crate::model::client_certificate::ClientCertificate;
use crate::model::client_key::ConfiguredKey;
use crate::model::credential::{
    Api, ApiAuth, Check, Consent, Credential, Expiry, Grant, OAuthGrant, RenewalGrant, StaticToken,
    Status,
};
use crate::model::definition::RefreshKind;
use crate::model::scope::Scopes;
use crate::oauth::impersonation::QUOTA_PROJECT;
use crate::ops::error::Reason;
use crate::ops::login::static_token;
use crate::ops::login::workload::Described;
use crate::providers::{self, AddressParameters, Endpoints, Provider};
use crate::secret::ClientSecret;

/// A provider, and the client that is configured for it.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) provider: Provider,
    /// The id and secret of the configured client.
    pub(crate) client: Option<(String, Option<ClientSecret>)>,
    /// The key of the configured client.
    pub(crate) key: Option<ConfiguredKey>,
    pub(crate) trusted_certificates: Option<String>,
    /// The certificate of the configured client.
    pub(crate) certificate: Option<ClientCertificate>,
}

impl Service {
    /// Returns this service with requests that count for `project` of Google's.
    fn counting_for(&self, project: Option<&str>) -> Self {
        let mut service = self.clone();
        if let Some(project) = project {
            let headers = &mut service.provider.definition.api_headers;
            headers.insert(QUOTA_PROJECT.into(), project.to_owned());
        }
        service
    }
}

/// Makes a credential for `user` from `record`. `server` is the service's address if the record has
/// none.
///
/// Fails if the record does not fit the provider.
pub(crate) fn assemble(
    record: Record,
    user: UserName,
    service: &Service,
    server: Option<&Address>,
    now: Timestamp,
) -> Result<Incoming, Reason> {
    let Record { label, username, held, inactive, .. } = record;
    let server = record.server.as_ref().or(server);
    let issued_at = match &held {
        Held::Static(_) | Held::Workload(_) => None,
        Held::Grant(held) => held.issued_at,
    };
    let made = match held {
        Held::Static(token) => {
            static_api(service, server, username).map(|api| (Grant::Static(token), api, None))
        }
        Held::Grant(held) => grant(*held, service, server, username, now),
        Held::Workload(held) => workload_grant(*held, service, server, now),
    };
    let (grant, api, left_out) = made?;
    let forks = service.provider.definition.refresh.rotates.unwrap_or(true);
    let credential = Credential {
        grant,
        api,
        status: if inactive { Status::Inactive } else { Status::Active },
        created_at: now,
        updated_at: now,
        last_refreshed_at: None,
        moved_out: None,
    };
    let account = Account { provider: service.provider.name.clone(), user };
    let origin = label.origin;
    Ok(Incoming { account, credential, origin, forks, issued_at, left_out })
}

/// Returns how the service takes a static token, as a login with that token would store it.
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

/// Makes a grant with the client that can renew it. If that client is not known, makes a static
/// token of the access token, and returns the reason.
fn grant(
    held: HeldGrant,
    service: &Service,
    server: Option<&Address>,
    username: Option<String>,
    now: Timestamp,
) -> Result<(Grant, Api, Option<LeftOut>), Reason> {
    let service = &service.counting_for(held.quota_project.as_deref());
    let renewable = held.refresh_token.is_some()
        || service.provider.definition.refresh.kind == RefreshKind::Exchange;
    let client = match endpoints(service, server).map_err(Reason::Provider)? {
        None => Err(LeftOut::NoEndpoint),
        Some(endpoints) => issued_to(&held.issued_to, service).and_then(|(id, secret)| {
            let client = client(id, secret.as_ref(), &held.issued_to, service, server, &endpoints)?;
            Ok((client, secret))
        }),
    };
    let (own, secret) = match &client {
        Ok((client, secret)) => (Some(client), secret.as_ref()),
        Err(_) => (None, None),
    };
    let api = api(service, server, username, (own, secret), &held.scopes)?;
    Ok(match client {
        Ok((client, _)) => {
            (Grant::OAuth(Box::new(oauth_grant(held, service, client, now))), api, None)
        }
        Err(reason) => (static_grant(held, now), api, renewable.then_some(reason)),
    })
}

/// Makes a grant that has no token yet: the first use requests one.
fn workload_grant(
    held: HeldWorkload,
    service: &Service,
    server: Option<&Address>,
    now: Timestamp,
) -> Result<(Grant, Api, Option<LeftOut>), Reason> {
    let Described { provider, workload, client: named, scopes, .. } =
        Described::in_file(held, service.provider.clone()).map_err(Reason::Provider)?;
    let named = named.unwrap_or_default();
    let scopes = match scopes {
        Some(scopes) => scopes,
        None => provider.scopes(&[]).map_err(Reason::Provider)?,
    };
    let trusted_certificates = service.trusted_certificates.clone();
    let service =
        Service { provider, client: None, key: None, trusted_certificates, certificate: None };
    let Some(endpoints) = endpoints(&service, server).map_err(Reason::Provider)? else {
        return Err(Reason::Provider(service.provider.incomplete("token_endpoint")));
    };
    let proofs = ClientProofs { secret: named.secret, key: None, method: None };
    let authentication =
        service.provider.authentication(proofs, false, server, &endpoints.token, None);
    let client = Client {
        id: named.id,
        authentication,
        token_endpoint: endpoints.token,
        revocation_endpoint: None,
        revocation_method: service.provider.definition.revocation_method.unwrap_or_default(),
        dialect: service.provider.definition.dialect.after_login(None),
        token_params: service.provider.token_params(None),
        trusted_certificates: service.trusted_certificates.clone(),
        end_session_endpoint: None,
        certificate: None,
        by_address: None,
    };
    let api = api(&service, server, None, (Some(&client), None), &scopes)?;
    let renewal = RenewalGrant::Workload { workload: Box::new(workload), scopes: scopes.clone() };
    let grant = OAuthGrant {
        access_token: None,
        token_type: "Bearer".into(),
        issued_at: now,
        expiry: Expiry::Known(now),
        due_at: Some(now),
        refresh_token: None,
        id_token: None,
        renewal,
        consent: Consent::default(),
        scopes,
        client,
        granted_at: now,
        refresh_expires_at: None,
        life: service.provider.definition.grant_life,
        superseded: Vec::new(),
    };
    Ok((Grant::OAuth(Box::new(grant)), api, None))
}

/// Returns the endpoints of the provider's definition, or `None` if it leaves them to discovery.
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

/// Returns the id and secret of the client that the grant was issued to. Fails if the id is not
/// known; the secret may be missing.
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

/// Makes the client with `id` and `secret`. A client that the record names may lack its secret,
/// which may be configured later; any other fails with [`LeftOut::NoClientSecret`].
fn client(
    id: String,
    secret: Option<&ClientSecret>,
    issued_to: &IssuedTo,
    service: &Service,
    server: Option<&Address>,
    endpoints: &Endpoints,
) -> Result<Client, LeftOut> {
    let provider = &service.provider;
    let is_own = service.client.as_ref().is_some_and(|(own, _)| *own == id);
    let key = service.key.as_ref().filter(|_| is_own);
    // A key that signs nothing is as good as none.
    let key = key.and_then(|key| provider.client_key(key, None).ok());
    let proofs = ClientProofs { secret: secret.cloned(), key, method: None };
    let authentication = provider.authentication(
        proofs,
        service.certificate.is_some(),
        server,
        &endpoints.token,
        None,
    );
    match issued_to {
        IssuedTo::Configured | IssuedTo::Tool if authentication.lacks_proof() => {
            return Err(LeftOut::NoClientSecret);
        }
        IssuedTo::Configured | IssuedTo::Tool | IssuedTo::Named { .. } => {}
    }
    Ok(Client {
        id,
        authentication,
        token_endpoint: endpoints.token.clone(),
        revocation_endpoint: endpoints.revocation.clone(),
        end_session_endpoint: None,
        revocation_method: provider.definition.revocation_method.unwrap_or_default(),
        dialect: provider.definition.dialect.after_login(None),
        token_params: provider.token_params(None),
        trusted_certificates: service.trusted_certificates.clone(),
        certificate: service.certificate.clone(),
        by_address: None,
    })
}

/// Makes a grant that `client` renews.
fn oauth_grant(held: HeldGrant, service: &Service, client: Client, now: Timestamp) -> OAuthGrant {
    let renewal = service.provider.renewal();
    let refresh_token = renewal.kind.accept_refresh_token(held.refresh_token);
    let issued_at = held.issued_at.filter(|at| *at <= now).unwrap_or(now);
    let (access_token, expiry) = match held.access_token {
        Some(token) => (Some(token), held.expiry),
        // Counts as expired, so that the first use requests a token.
        None => (None, Expiry::Known(now)),
    };
    let due = match expiry {
        // The token may have expired already, so the first use renews it.
        Expiry::Unknown if refresh_token.is_some() => Some(now),
        Expiry::Known(_) | Expiry::None | Expiry::Unknown => renewal.due_at(issued_at, expiry),
    };
    OAuthGrant {
        access_token,
        token_type: held.token_type.unwrap_or_else(|| "Bearer".into()),
        issued_at,
        expiry,
        due_at: due,
        refresh_token,
        id_token: None,
        renewal: renewal.kind.renewal_after_consent(),
        consent: Consent::default(),
        scopes: held.scopes,
        client,
        granted_at: issued_at,
        refresh_expires_at: None,
        life: service.provider.definition.grant_life,
        superseded: Vec::new(),
    }
}

/// Makes a static token of the access token, which nothing renews.
fn static_grant(held: HeldGrant, now: Timestamp) -> Grant {
    Grant::Static(match held.access_token {
        Some(token) => StaticToken { token: Some(token), expiry: held.expiry },
        None => StaticToken { token: None, expiry: Expiry::Known(now) },
    })
}

/// Returns the description of the service that a granted token is for.
fn api(
    service: &Service,
    server: Option<&Address>,
    username: Option<String>,
    (client, secret): (Option<&Client>, Option<&ClientSecret>),
    scopes: &Scopes,
) -> Result<Api, Reason> {
    let provider = &service.provider;
    let server_url = provider.server(server).map_err(Reason::Provider)?;
    let places = AddressParameters { server: server_url.as_ref(), ..AddressParameters::default() };
    // Without a site these addresses can't be filled in. The token works anyway.
    let base_url = provider.api_base_url(places).unwrap_or_default();
    let places = AddressParameters { api_base_url: base_url.as_ref(), ..places };
    let check = provider.check_for(scopes, places).unwrap_or_default();
    let trusted_certificates = match client {
        Some(_) => None,
        None => service.trusted_certificates.clone(),
    };
    let check = check.map(|check| Check { trusted_certificates, ..check });
    let auth = provider.api_auth();
    let headers = provider.api_headers(client.map(|client| &*client.id), secret);
    Ok(Api { auth, headers, server_url, base_url, username, check })
}
