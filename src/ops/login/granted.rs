//! A grant that was got, whichever way, and is not stored yet.
//!
//! Looks up who logged in and where the grant reaches, stores it, and tells the browser that
//! brought it, if one did.

use jiff::Timestamp;

use super::identity::{self, Identity};
use super::plan::Plan;
use super::replaced::Replaced;
use super::store::Place;
use crate::model::account::{Account, ProviderName, UserName};
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::credential::{Api, Credential, Grant, OAuthGrant, RenewalGrant};
use crate::model::readiness::due_at;
use crate::model::scope::Scopes;
use crate::oauth::http;
use crate::oauth::listener::Arrival;
use crate::oauth::revocation;
use crate::oauth::token;
use crate::oauth::token_answer::TokenAnswer;
use crate::ops::error::Error;
use crate::providers::AddressParameters;
use crate::providers::atlassian;
pub(crate) use crate::providers::atlassian::Site;

/// A grant that was got and is not stored yet.
pub(crate) struct Granted {
    plan: Plan,
    client: Client,
    answer: TokenAnswer,
    renewal: RenewalGrant,
    /// The browser that waits to hear how the login went.
    arrived: Option<Arrival>,
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

/// The sites that the grant reaches, where the provider has sites.
fn sites(plan: &Plan, answer: &TokenAnswer) -> Result<Vec<Site>, atlassian::Error> {
    let Some(endpoint) = &plan.provider.definition.accessible_resources_endpoint else {
        return Ok(Vec::new());
    };
    let Ok(endpoint) = plan.provider.fill(endpoint, AddressParameters::default()) else {
        return Ok(Vec::new());
    };
    atlassian::list_sites(&endpoint, plan.trusted_certificates.as_deref(), &answer.access_token)
}

/// The same with the token exchanged for one that lives longer. If that fails, the first use of
/// the short-lived one tries again: it is due at once.
fn lengthened(client: &Client, answer: TokenAnswer, now: Timestamp) -> TokenAnswer {
    match token::exchange(client, &answer.access_token, now, http::REQUEST_TIMEOUT).answer {
        Ok(longer) => TokenAnswer { scopes: longer.scopes.or(answer.scopes), ..longer },
        Err(_) => answer,
    }
}

impl Granted {
    /// What `client` was granted at `now`, with the sites that it reaches.
    pub(super) fn new(plan: Plan, client: Client, answer: TokenAnswer, now: Timestamp) -> Self {
        let renewal = plan.provider.definition.refresh.kind.renewal_after_consent();
        let answer = match renewal {
            RenewalGrant::Exchange => lengthened(&client, answer, now),
            RenewalGrant::RefreshToken
            | RenewalGrant::ClientCredentials { .. }
            | RenewalGrant::JwtBearer { .. } => answer,
        };
        let sites = sites(&plan, &answer);
        Self { plan, client, answer, renewal, arrived: None, sites, now }
    }

    /// The same where something else than a refresh token brings the next access token.
    pub(super) fn renewed_by(self, renewal: RenewalGrant) -> Self {
        Self { renewal, ..self }
    }

    /// The same with the browser that brought it.
    pub(super) fn arrived_in(self, arrived: Arrival) -> Self {
        Self { arrived: Some(arrived), ..self }
    }

    pub(crate) fn provider(&self) -> &ProviderName {
        &self.plan.provider.name
    }

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
                Some(&self.answer.access_token),
            );
        }
        Error::NoUser { provider: self.plan.provider.name.to_string() }
    }

    /// Stores the grant for `user` and `site`, then tells the browser, if there is one. `username` is the account's
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
            access_token: Some(self.answer.access_token),
            token_type: self.answer.token_type,
            issued_at: self.now,
            expiry: self.answer.expiry,
            due_at: due_at(self.now, self.answer.expiry, renewal.margin),
            refresh_token: renewal.kind.accept_refresh_token(self.answer.refresh_token),
            renewal: self.renewal,
            scopes,
            client: self.client,
            granted_at: self.now,
            refresh_expires_at: self.answer.refresh_expires_at,
            life: provider.definition.grant_life,
        };
        let scope = provider.definition.revocation_scope;
        let (credential, earlier) =
            place.fill(&account, Grant::OAuth(Box::new(grant)), api, self.now)?;
        if let Some(arrived) = self.arrived {
            arrived.show_logged_in();
        }
        let replaced = Replaced::revoke(earlier.as_ref(), &credential, scope);
        Ok(LoggedIn { account, credential, missing, unasked, replaced })
    }

    /// The service that the token is for.
    fn api(&self, site: Option<&Site>, username: Option<String>) -> Api {
        let (server_url, base_url) = self.addresses(site);
        let provider = &self.plan.provider;
        let auth = provider.api_auth();
        let headers = provider.api_headers(Some(&self.client.id), self.plan.client_secret.as_ref());
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
        let places = AddressParameters { server: server_url.as_ref(), site_id, api_base_url: None };
        // Without a site there is no address to be filled in, and the token is as good.
        let base_url = provider.api_base_url(places).unwrap_or_default();
        (server_url, base_url)
    }
}

fn places<'a>(api: &'a Api, site: Option<&'a Site>) -> AddressParameters<'a> {
    AddressParameters {
        server: api.server_url.as_ref(),
        site_id: site.map(|site| site.id.as_str()),
        api_base_url: api.base_url.as_ref(),
    }
}
