//! The authorization code grant in the browser (RFC 6749 §4.1, RFC 7636, RFC 8252).
//!
//! In steps, so that the caller can talk to the person in between: [`start`] binds the port, and
//! only then is there an address to open; [`Pending::wait`] brings the code and redeems it;
//! [`Granted::finish`] stores the grant and tells the browser how it ended.

use std::time::Instant;

use jiff::Timestamp;
use url::Url;

use super::identity::{self, Identity};
use super::replaced::Replaced;
use super::store::Place;
use crate::model::account::{Account, UserName};
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::credential::{Api, Credential, Grant, OAuthGrant, RenewalGrant};
use crate::model::definition::{Pkce, RefreshKind};
use crate::model::readiness::due_at;
use crate::model::scope::Scopes;
use crate::oauth::authorization_response::{AuthorizationResponse, Expected};
use crate::oauth::http;
use crate::oauth::listener::{Arrived, Listener};
use crate::oauth::metadata;
use crate::oauth::pkce;
use crate::oauth::redirect_uri::RedirectUri;
use crate::oauth::revocation;
use crate::oauth::state::State;
use crate::oauth::token::{self, TokenAnswer};
use crate::ops::clock::Clock;
use crate::ops::error::Error;
use crate::providers::atlassian::{self, Site};
use crate::providers::{Endpoints, Places, Provider};
use crate::secret::{ClientSecret, CodeVerifier};

/// What a login in the browser is made of.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) provider: Provider,
    /// The service's own address, where one was named.
    pub(crate) server: Option<Address>,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<ClientSecret>,
    pub(crate) trusted_certificates: Option<String>,
    pub(crate) scopes: Scopes,
    /// The port to listen on, if it is not to be the one of the redirect URI.
    pub(crate) port: Option<u16>,
}

/// A login that waits for the browser.
pub(crate) struct Pending {
    plan: Plan,
    client: Client,
    listener: Listener,
    expected: Expected,
    verifier: Option<CodeVerifier>,
    address: Url,
}

/// A grant that was got and is not stored yet.
pub(crate) struct Granted {
    plan: Plan,
    client: Client,
    arrived: Arrived,
    answer: TokenAnswer,
    /// The sites at which it works, where the provider has sites.
    pub(crate) sites: Result<Vec<Site>, atlassian::Error>,
    now: Timestamp,
}

/// A login that was stored.
#[derive(Debug)]
pub(crate) struct LoggedIn {
    pub(crate) account: Account,
    pub(crate) credential: Credential,
    /// Scopes that were asked for and not granted.
    pub(crate) missing: Scopes,
    /// Scopes that were granted and not asked for.
    pub(crate) unasked: Scopes,
    /// What became of the grant that was stored before.
    pub(crate) replaced: Replaced,
}

/// Finds the endpoints and binds the listener.
pub(crate) fn start(plan: Plan, clock: Clock) -> Result<Pending, Error> {
    let server = plan.provider.server(plan.server.as_ref())?;
    let provider = plan.provider.name.to_string();
    let metadata = match plan.provider.issuer_to_discover()? {
        None => None,
        Some(issuer) => Some(
            metadata::discover(&issuer, plan.trusted_certificates.as_deref())
                .map_err(|source| Error::Metadata { provider: provider.clone(), source })?,
        ),
    };
    let endpoints = plan.provider.endpoints(server.as_ref(), metadata.as_ref())?;
    // Certificates that can't be read are found before a consent is asked for.
    http::check(&endpoints.token, plan.trusted_certificates.as_deref())
        .map_err(|fault| Error::NotRedeemed { source: fault.into() })?;
    let redirect_uri = plan
        .provider
        .redirect_uri()
        .parse::<RedirectUri>()
        .map_err(|source| Error::RedirectUri { provider, source })?;
    let redirect_uri = match plan.port {
        Some(port) => redirect_uri.with_port(port),
        None => redirect_uri,
    };
    let listener = Listener::bind(&redirect_uri)?;
    let state = State::fresh()?;
    let verifier = match plan.provider.pkce(metadata.as_ref()) {
        Pkce::Required | Pkce::Send => Some(pkce::code_verifier()?),
        Pkce::Off => None,
    };
    let redirect_uri = listener.redirect_uri().to_string();
    let address =
        authorization_request(&plan, &endpoints, &redirect_uri, &state, verifier.as_ref());
    let client = Client {
        auth_method: plan.provider.auth_method(plan.client_secret.is_some(), metadata.as_ref()),
        id: plan.client_id.clone(),
        secret: plan.client_secret.clone(),
        token_endpoint: endpoints.token,
        revocation_endpoint: endpoints.revocation,
        revocation_method: plan.provider.definition.revocation_method.unwrap_or_default(),
        dialect: plan.provider.definition.dialect.after_login(Some(&redirect_uri)),
        trusted_certificates: plan.trusted_certificates.clone(),
    };
    let secret = plan.client_secret.as_ref();
    let expected = Expected {
        state,
        issuer: endpoints.issuer,
        issuer_required: endpoints.names_itself,
        check: plan.provider.answer_check(server.as_ref(), secret, clock)?,
    };
    Ok(Pending { plan: Plan { server, ..plan }, client, listener, expected, verifier, address })
}

/// The address of the authorization request (RFC 6749 §4.1.1).
fn authorization_request(
    plan: &Plan,
    endpoints: &Endpoints,
    redirect_uri: &str,
    state: &State,
    verifier: Option<&CodeVerifier>,
) -> Url {
    let mut address = endpoints.authorization.url().clone();
    let mut query = address.query_pairs_mut();
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &plan.client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", state.expose());
    if !plan.scopes.is_empty() {
        query.append_pair("scope", &plan.provider.scope_parameter(&plan.scopes));
    }
    if let Some(verifier) = verifier {
        query
            .append_pair("code_challenge", &pkce::code_challenge(verifier))
            .append_pair("code_challenge_method", "S256");
    }
    for (name, value) in &plan.provider.definition.authorization_params {
        query.append_pair(name, value);
    }
    drop(query);
    address
}

impl Pending {
    /// The address for the browser.
    pub(crate) fn address(&self) -> &Url {
        &self.address
    }

    /// Waits for the browser until `deadline`, and redeems the code that it brings.
    pub(crate) fn wait(self, deadline: Instant, clock: Clock) -> Result<Granted, Error> {
        let redirect_uri = self.listener.redirect_uri().to_string();
        let arrived = self.listener.wait(self.expected, deadline)?;
        let code = match &arrived.response {
            AuthorizationResponse::Code(code) => code,
            AuthorizationResponse::Refused { error, description } => {
                let reason = match description {
                    Some(description) => format!("{error}, {description}"),
                    None => error.clone(),
                };
                return Err(Error::LoginRefused { reason });
            }
        };
        let now = clock();
        let params = &self.plan.provider.definition.token_params;
        let verifier = self.verifier.as_ref();
        let answer = token::redeem(&self.client, code, &redirect_uri, verifier, params, now)
            .map_err(|source| Error::NotRedeemed { source })?;
        let answer = match self.plan.provider.definition.refresh.kind {
            RefreshKind::Exchange => lengthened(&self.client, answer, now),
            RefreshKind::RefreshToken | RefreshKind::None => answer,
        };
        let sites = sites(&self.plan, &answer);
        Ok(Granted { plan: self.plan, client: self.client, arrived, answer, sites, now })
    }
}

/// The same with the token exchanged for one that lives longer. If that fails, the first use of
/// the short-lived one tries again: it is due at once.
fn lengthened(client: &Client, answer: TokenAnswer, now: Timestamp) -> TokenAnswer {
    match token::exchange(client, &answer.access_token, now, http::WHOLE).answer {
        Ok(longer) => TokenAnswer { scopes: longer.scopes.or(answer.scopes), ..longer },
        Err(_) => answer,
    }
}

/// The sites that the grant reaches, where the provider has sites.
fn sites(plan: &Plan, answer: &TokenAnswer) -> Result<Vec<Site>, atlassian::Error> {
    let Some(endpoint) = &plan.provider.definition.accessible_resources_endpoint else {
        return Ok(Vec::new());
    };
    let Ok(endpoint) = plan.provider.fill(endpoint, Places::default()) else {
        return Ok(Vec::new());
    };
    atlassian::sites(&endpoint, plan.trusted_certificates.as_deref(), &answer.access_token)
}

impl Granted {
    /// The server that was named for this login.
    pub(crate) fn server(&self) -> Option<&Address> {
        self.plan.server.as_ref()
    }

    /// Who logged in, as the service itself says; a look-up that fails says nothing.
    pub(crate) fn identify(&self, site: Option<&Site>) -> Option<Identity> {
        let api = self.api(site, None);
        identity::look_up(
            &self.plan.provider,
            places(&api, site),
            self.plan.trusted_certificates.as_deref(),
            &api,
            &self.answer.access_token,
        )
    }

    /// Revokes the grant as far as that is possible, since it will not be stored.
    pub(crate) fn abandon(self) -> Error {
        if let Some(endpoint) = &self.client.revocation_endpoint {
            // There is nobody to tell if it fails, and nothing else to do.
            let _ = revocation::revoke(
                &self.client,
                endpoint,
                self.answer.refresh_token.as_ref(),
                &self.answer.access_token,
            );
        }
        Error::NoUser { provider: self.plan.provider.name.to_string() }
    }

    /// Stores the grant for `user` and `site`, then tells the browser. `username` is the account's
    /// own name at the service.
    pub(crate) fn finish(
        self,
        place: &mut Place,
        user: UserName,
        username: Option<String>,
        site: Option<&Site>,
    ) -> Result<LoggedIn, Error> {
        let api = self.api(site, username);
        let provider = &self.plan.provider;
        let renewal = provider.renewal();
        let account = Account { provider: provider.name.clone(), user };
        let asked = self.plan.scopes;
        // RFC 6749 §5.1: no word about the scopes means those that were asked for.
        let scopes = self.answer.scopes.unwrap_or_else(|| asked.clone());
        let (missing, unasked) = (asked.without(&scopes), scopes.without(&asked));
        let grant = OAuthGrant {
            access_token: self.answer.access_token,
            token_type: self.answer.token_type,
            issued_at: self.now,
            expiry: self.answer.expiry,
            due_at: due_at(self.now, self.answer.expiry, renewal.margin),
            refresh_token: self
                .answer
                .refresh_token
                .filter(|_| renewal.kind == RefreshKind::RefreshToken),
            renewal: match renewal.kind {
                RefreshKind::Exchange => RenewalGrant::Exchange,
                RefreshKind::RefreshToken | RefreshKind::None => RenewalGrant::RefreshToken,
            },
            scopes,
            client: self.client,
            granted_at: self.now,
            refresh_expires_at: self.answer.refresh_expires_at,
            life: provider.definition.grant_life,
        };
        let scope = provider.definition.revocation_scope;
        let (credential, earlier) =
            place.fill(&account, Grant::OAuth(Box::new(grant)), api, self.now)?;
        self.arrived.show_logged_in();
        let replaced = Replaced::revoke(earlier.as_ref(), &credential, scope);
        Ok(LoggedIn { account, credential, missing, unasked, replaced })
    }

    /// The service that the token is for.
    fn api(&self, site: Option<&Site>, username: Option<String>) -> Api {
        let (server_url, base_url) = self.addresses(site);
        let provider = &self.plan.provider;
        let (auth, headers) = (provider.api_auth(), provider.api_headers(Some(&self.client)));
        let api = Api { auth, headers, server_url, base_url, username, check: None };
        // Without a site there is nothing to ask, and the token is as good.
        let check = provider.check(places(&api, site)).unwrap_or_default();
        Api { check, ..api }
    }

    /// The server's address and that of its API. Where the provider has sites, both are the
    /// site's: a token of the gateway never works at the site itself.
    fn addresses(&self, site: Option<&Site>) -> (Option<Address>, Option<Address>) {
        let provider = &self.plan.provider;
        let has_sites = provider.definition.accessible_resources_endpoint.is_some();
        let server_url = match site {
            Some(site) => Some(site.url.clone()),
            None if has_sites => None,
            None => self.plan.server.clone(),
        };
        let site_id = site.map(|site| site.id.as_str());
        let places = Places { server: server_url.as_ref(), site_id, api_base_url: None };
        // Without a site there is no address to be filled in, and the token is as good.
        let base_url = provider.api_base_url(places).unwrap_or_default();
        (server_url, base_url)
    }
}

fn places<'a>(api: &'a Api, site: Option<&'a Site>) -> Places<'a> {
    Places {
        server: api.server_url.as_ref(),
        site_id: site.map(|site| site.id.as_str()),
        api_base_url: api.base_url.as_ref(),
    }
}
