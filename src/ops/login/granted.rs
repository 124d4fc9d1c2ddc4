//! A grant that was obtained by a login, in whichever way, and is not stored yet.
//!
//! The steps after obtaining it are the same for all grants: look up who logged in and which sites
//! the token reaches, store it, show the result in the waiting browser, revoke the old grant.

use jiff::Timestamp;

use super::id_token::{self, IdTokenWarning, Person, Received};
use super::identity::{self, Identity};
use super::plan::{OPENID, Plan};
use super::replaced::Replaced;
use super::target::LoginTarget;
use crate::model::account::{Account, ProviderName, UserName};
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::client_authentication::TokenEndpointAuthMethod;
use crate::model::credential::{
    Api, ApiAuth, Check, Consent, Credential, Grant, OAuthGrant, RenewalGrant, Status,
};
use crate::model::scope::Scopes;
use crate::oauth::http;
use crate::oauth::listener::Arrival;
use crate::oauth::revocation;
use crate::oauth::token;
use crate::oauth::token_answer::TokenAnswer;
use crate::ops::clock::Clock;
use crate::ops::error::Error;
use crate::ops::retry::Told;
use crate::ops::superseded::{self, Effort};
use crate::providers::AddressParameters;
use crate::providers::atlassian;
pub(crate) use crate::providers::atlassian::Site;
use crate::secret::IdToken;
use crate::untrusted::printable;

/// A grant that was obtained and is not stored yet. [`Self::finish`] stores it, [`Self::abandon`]
/// revokes it.
pub(crate) struct Granted {
    plan: Plan,
    client: Client,
    answer: TokenAnswer,
    id_token: Received,
    renewal: RenewalGrant,
    consent: Consent,
    /// The browser's connection, on which the result of the login is shown.
    arrived: Option<Arrival>,
    /// The sites that the token reaches. Empty if the provider has no sites.
    pub(crate) sites: Result<Vec<Site>, atlassian::Error>,
    now: Timestamp,
    clock: Clock,
}

/// A login that was stored.
#[derive(Debug)]
pub(crate) struct LoggedIn {
    pub(crate) account: Account,
    pub(crate) credential: Credential,
    /// The scopes that were requested and not granted.
    pub(crate) missing: Scopes,
    /// The scopes that were granted and not requested.
    pub(crate) unasked: Scopes,
    /// The reason why there is no ID token, where one was asked for or came.
    pub(crate) id_token_warning: Option<IdTokenWarning>,
    /// The state of the grant that was stored before.
    pub(crate) replaced: Replaced,
}

/// Asks the provider which sites the token reaches. Returns none if the provider has no sites.
fn sites(plan: &Plan, answer: &TokenAnswer) -> Result<Vec<Site>, atlassian::Error> {
    let Some(endpoint) = &plan.provider.definition.accessible_resources_endpoint else {
        return Ok(Vec::new());
    };
    let Ok(endpoint) = plan.provider.fill(endpoint, AddressParameters::default()) else {
        return Ok(Vec::new());
    };
    atlassian::list_sites(&endpoint, plan.trusted_certificates.as_deref(), &answer.access_token)
}

/// Exchanges the access token of `answer` for one that lives longer. If that fails, returns `answer`
/// unchanged: its token is due at once, and a refresh tries the exchange again.
fn exchange_for_longer(
    client: &Client,
    answer: TokenAnswer,
    auth: &ApiAuth,
    now: Timestamp,
) -> TokenAnswer {
    match token::exchange(client, &answer.access_token, now, http::REQUEST_TIMEOUT).answer {
        Ok(longer) if longer.token_type.suits(auth) => {
            TokenAnswer { scopes: longer.scopes.or(answer.scopes), ..longer }
        }
        Ok(_) | Err(_) => answer,
    }
}

/// Revokes what `answer` granted, where that is possible, because it will not be stored.
fn give_back(client: &Client, answer: &TokenAnswer, now: Timestamp) {
    if let Some(endpoint) = &client.revocation_endpoint {
        let refresh_token = answer.refresh_token.as_ref();
        // If this fails, nothing else can be done, and the login's own error counts more.
        let access_token = Some(&answer.access_token);
        let timeout = http::REQUEST_TIMEOUT;
        let _ = revocation::revoke(client, endpoint, refresh_token, access_token, now, timeout);
    }
}

impl Granted {
    /// Makes a grant of what `client` got at `now`, and asks which sites it reaches.
    ///
    /// Fails with [`Error::ForeignIdToken`] if an ID token says that the answer is not one to this
    /// login, and with [`Error::NotRedeemed`] if the token is of a type that can't be used. What was
    /// granted is then revoked, where that is possible.
    pub(super) fn new(
        plan: Plan,
        client: Client,
        person: Person<'_>,
        mut answer: TokenAnswer,
        now: Timestamp,
        clock: Clock,
    ) -> Result<Self, Error> {
        let id_token = match id_token::receive(&plan, person, &mut answer, now) {
            Ok(received) => received,
            Err(source) => {
                give_back(&client, &answer, clock());
                return Err(Error::ForeignIdToken { source });
            }
        };
        if !answer.token_type.suits(&plan.provider.api_auth()) {
            give_back(&client, &answer, clock());
            return Err(Error::NotRedeemed { source: answer.unusable(&client) });
        }
        let renewal = plan.provider.definition.refresh.kind.renewal_after_consent();
        let answer = match renewal {
            RenewalGrant::Exchange => {
                exchange_for_longer(&client, answer, &plan.provider.api_auth(), now)
            }
            RenewalGrant::RefreshToken
            | RenewalGrant::ClientCredentials { .. }
            | RenewalGrant::JwtBearer { .. }
            | RenewalGrant::Workload { .. } => answer,
        };
        let sites = sites(&plan, &answer);
        let consent = Consent::default();
        let arrived = None;
        Ok(Self { plan, client, answer, id_token, renewal, consent, arrived, sites, now, clock })
    }

    /// Sets the means that renew the token, where that is not the definition's.
    pub(super) fn with_renewal(self, renewal: RenewalGrant) -> Self {
        Self { renewal, ..self }
    }

    /// Sets the way in which the person consented, where that is not the usual one.
    pub(super) fn with_consent(self, consent: Consent) -> Self {
        Self { consent, ..self }
    }

    /// Sets the browser's connection, on which [`Self::finish`] shows the result.
    pub(super) fn with_browser(self, arrived: Arrival) -> Self {
        Self { arrived: Some(arrived), ..self }
    }

    pub(crate) fn provider(&self) -> &ProviderName {
        &self.plan.provider.name
    }

    /// Returns the server that the user named for this login.
    pub(crate) fn server(&self) -> Option<&Address> {
        self.plan.server.as_ref()
    }

    /// Asks the service who logged in. If it does not say or the request fails, returns the person
    /// that the ID token names, or `None`.
    pub(crate) fn identify(&self, site: Option<&Site>) -> Option<Identity> {
        let api = self.api(site, None);
        let provider = &self.plan.provider;
        let found = provider.other_service(self.scopes()).is_none().then(|| {
            let (places, tls) = (places(&api, site), self.plan.tls());
            identity::look_up(provider, places, tls, &api, &self.answer.access_token)
        });
        let found = found.flatten();
        let claims = &self.id_token.claims;
        found
            .or_else(|| Identity::claimed(claims))
            .or_else(|| self.at_userinfo(claims.subject.as_deref()))
            .or_else(|| {
                let has_own = self.plan.provider.definition.identity.is_some();
                (!has_own).then(|| Identity::numbered(claims)).flatten()
            })
    }

    /// Asks the server's userinfo endpoint who logged in, where there is one.
    fn at_userinfo(&self, subject: Option<&str>) -> Option<Identity> {
        let address = self.userinfo()?;
        identity::at_userinfo(&address, self.plan.tls(), &self.answer.access_token, subject)
    }

    /// Returns the userinfo endpoint, if the token opens it.
    fn userinfo(&self) -> Option<Address> {
        let granted = self.answer.scopes.as_ref().unwrap_or(&self.plan.scopes);
        self.plan.userinfo().filter(|_| granted.contains(OPENID))
    }

    /// Returns the request that tells whether the token works, where the definition has none: at the
    /// userinfo endpoint for a person's token, else by introspection, for a client with a proof.
    fn published_check(&self) -> Option<Check> {
        let check = |url, introspects| Check {
            url,
            fields: if introspects { Vec::new() } else { vec!["/sub".into()] },
            refusals: Vec::new(),
            introspects,
            trusted_certificates: None,
        };
        if self.plan.by_address.is_some() {
            // The resource itself is asked, whose address the person named.
            return None;
        }
        if let Some(url) = self.userinfo() {
            return Some(check(url, false));
        }
        let has_proof = self.client.authentication.method() != TokenEndpointAuthMethod::None;
        self.plan.introspection().filter(|_| has_proof).map(|url| check(url, true))
    }

    /// Revokes the grant, where that is possible, because it will not be stored. Returns
    /// [`Error::NoUser`], the reason for that.
    pub(crate) fn abandon(self) -> Error {
        give_back(&self.client, &self.answer, (self.clock)());
        self.plan.give_back_client();
        Error::NoUser { provider: self.plan.provider.name.to_string() }
    }

    /// Stores the grant for `user` and `site` in `target`, shows that in the browser, if there is
    /// one, and revokes the grant that was stored before. `username` is the account's own name at
    /// the service. A revocation that is tried again is told to `told`.
    pub(crate) fn finish(
        self,
        target: &mut LoginTarget,
        user: UserName,
        username: Option<String>,
        site: Option<&Site>,
        told: Told<'_>,
    ) -> Result<LoggedIn, Error> {
        let who = username.as_deref().unwrap_or(user.as_str());
        let shown = format!("{} as {}", self.plan.provider.name, printable(who));
        let api = self.api(site, username);
        let provider = &self.plan.provider;
        let scope = provider.definition.revocation_scope;
        let account = Account { provider: provider.name.clone(), user };
        let Self { plan, client, answer, renewal, consent, now, .. } = self;
        let grant =
            oauth_grant(&plan, client, answer, self.id_token.token, (renewal, consent), now);
        let (requested, granted) = (&plan.scopes, &grant.scopes);
        let (missing, unasked) = (requested.without(granted), granted.without(requested));
        let (credential, earlier) =
            target.store(&account, Grant::OAuth(Box::new(grant)), api, scope, now)?;
        if let Some(arrived) = self.arrived {
            arrived.show_logged_in(&shown);
        }
        let effort = Effort::of_login(self.clock, told);
        let outcome = superseded::revoke_all(&target.vault, &account, &credential, effort);
        let replaced = match &credential.grant {
            Grant::OAuth(new) => Replaced::after(outcome, earlier.as_ref(), new, scope),
            Grant::Static(_) => Replaced::Nothing,
        };
        let id_token_warning = self.id_token.warning;
        Ok(LoggedIn { account, credential, missing, unasked, id_token_warning, replaced })
    }

    /// Returns the credential of a login that is stored nowhere.
    pub(super) fn unstored(self) -> Credential {
        let api = self.api(None, None);
        let Self { plan, client, answer, renewal, consent, now, .. } = self;
        let grant =
            oauth_grant(&plan, client, answer, self.id_token.token, (renewal, consent), now);
        Credential {
            grant: Grant::OAuth(Box::new(grant)),
            api,
            status: Status::Active,
            created_at: now,
            updated_at: now,
            last_refreshed_at: None,
            moved_to: None,
            moved_out: None,
        }
    }

    /// Returns the description of the service that the token is for.
    fn api(&self, site: Option<&Site>, username: Option<String>) -> Api {
        let (server_url, base_url) = self.addresses(site);
        let provider = &self.plan.provider;
        let auth = provider.api_auth();
        let headers = self.plan.api_headers(base_url.as_ref());
        let api = Api { auth, headers, server_url, base_url, username, check: None };
        // Without a site there is no address to ask at. The token works anyway.
        let own = provider.check_for(self.scopes(), places(&api, site)).unwrap_or_default();
        let check = own.or_else(|| self.published_check());
        Api { check, ..api }
    }

    /// Returns the scopes that were granted.
    fn scopes(&self) -> &Scopes {
        self.answer.scopes.as_ref().unwrap_or(&self.plan.scopes)
    }

    /// Returns the server's address and that of its API. If the provider has sites, the first is the
    /// site's own, and the second that of the gateway for it, where alone the token works.
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
        // Without a site the address can't be filled in. The token works anyway.
        let named = self.answer.api_base_url.clone();
        let base_url = named.or_else(|| provider.api_base_url(places).unwrap_or_default());
        (server_url, base_url)
    }
}

/// Returns what `client` got at `now` by the login of `plan`, with what renews it and how a person
/// consented.
fn oauth_grant(
    plan: &Plan,
    client: Client,
    answer: TokenAnswer,
    id_token: Option<IdToken>,
    (renewal, consent): (RenewalGrant, Consent),
    now: Timestamp,
) -> OAuthGrant {
    let rules = plan.provider.renewal();
    let mut grant = OAuthGrant {
        access_token: Some(answer.access_token),
        token_type: answer.token_type.word().to_owned(),
        issued_at: now,
        expiry: answer.expiry,
        due_at: rules.due_at(now, answer.expiry),
        refresh_token: rules.kind.accept_refresh_token(answer.refresh_token),
        id_token,
        renewal,
        consent,
        // RFC 6749 §5.1: an answer without scopes grants those that were requested.
        scopes: answer.scopes.unwrap_or_else(|| plan.scopes.clone()),
        client,
        granted_at: now,
        refresh_expires_at: answer.refresh_expires_at,
        life: plan.provider.definition.grant_life,
        superseded: Vec::new(),
    };
    grant.keep_offline_access(&plan.scopes);
    grant
}

/// Returns the values for the placeholders in a definition's addresses.
fn places<'a>(api: &'a Api, site: Option<&'a Site>) -> AddressParameters<'a> {
    AddressParameters {
        server: api.server_url.as_ref(),
        site_id: site.map(|site| site.id.as_str()),
        api_base_url: api.base_url.as_ref(),
    }
}
