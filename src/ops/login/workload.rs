//! A login of a job or workload with the identity token of its platform, without a person and
//! without a secret at rest.

use super::granted::Granted;
use super::id_token::Person;
use super::plan::{Plan, SealedClient};
pub(crate) use crate::importers::google::workload as in_file;
use crate::importers::record::HeldWorkload;
use crate::model::client::Client;
use crate::model::client_authentication::TokenEndpointAuthMethod;
use crate::model::client_key::ConfiguredKey;
use crate::model::credential::{Credential, Grant, RenewalGrant};
use crate::model::request_params::RequestParams;
use crate::model::scope::Scopes;
use crate::model::workload::{
    Identity, IdentityUse, Impersonation, JWT, LIFETIME, Proof, Workload,
};
use crate::oauth::impersonation::QUOTA_PROJECT;
use crate::oauth::{http, workload};
use crate::ops::clock::Clock;
use crate::ops::error::{Error, TokenError};
use crate::ops::identity::{self, Surroundings};
use crate::ops::retry::{Patience, Told};
use crate::providers::{self, FirstEndpoint, Provider};
use crate::secret::ClientSecret;

/// The scope for all of Google's services, where neither a file nor a definition names one.
const ALL_OF_GOOGLE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// A workload as a definition, a file of Google's or a stored credential describes it.
#[derive(Debug)]
pub(crate) struct Described {
    /// The provider, with the endpoint and the parameters for this workload.
    pub(crate) provider: Provider,
    pub(crate) workload: Workload,
    /// The client; `None` where the identity alone proves who asks.
    pub(crate) client: Option<NamedClient>,
    /// The scopes to ask for, where these are not the definition's.
    pub(crate) scopes: Option<Scopes>,
    /// The name to keep the workload under: that of the service account in whose name it acts, or the
    /// one that an import of its file would give it.
    own_name: Option<String>,
    /// The client of the stored credential that describes it.
    sealed: Option<SealedClient>,
}

/// The client of a workload, with its own proofs beside the identity.
#[derive(Debug, Default)]
pub(crate) struct NamedClient {
    pub(crate) id: String,
    pub(crate) secret: Option<ClientSecret>,
    pub(crate) key: Option<ConfiguredKey>,
}

impl Described {
    /// Returns the workload that the `assertion` of a definition describes, for the configured
    /// client. Fails if it describes none.
    pub(crate) fn defined(
        mut provider: Provider,
        client: Option<NamedClient>,
    ) -> Result<Self, providers::Error> {
        let definition = &mut provider.definition;
        let Some(assertion) = definition.assertion.clone() else {
            return Err(provider.incomplete("assertion"));
        };
        let source = assertion.source().map_err(|message| providers::Error::Malformed {
            name: provider.name.to_string(),
            message: message.to_owned(),
        })?;
        let kind = definition.refresh.kind;
        let used_as = kind.identity_use().unwrap_or(IdentityUse::TokenExchange);
        let exchange = definition.exchange_endpoint.take();
        let exchange = exchange.filter(|_| used_as == IdentityUse::TokenExchange);
        // Elsewhere than at the token endpoint nobody knows the client.
        let client = client.filter(|_| exchange.is_none());
        if exchange.is_some() {
            definition.token_endpoint = exchange;
            definition.token_endpoint_auth_method = None;
        }
        let identity = Identity {
            source,
            audience: assertion.audience,
            used_as,
            token_type: assertion.token_type.unwrap_or_else(|| JWT.into()),
            exchange_audience: None,
            acts_for: None,
        };
        let service_account = assertion.service_account;
        let impersonation = match &service_account {
            Some(account) => Some(Impersonation {
                endpoint: provider.impersonation_endpoint(account)?,
                lifetime: LIFETIME,
                delegates: None,
                quota_project: None,
            }),
            None => None,
        };
        let workload = Workload { proof: Proof::Identity(identity), impersonation };
        let own_name = service_account;
        Ok(Self { provider, workload, client, scopes: None, own_name, sealed: None })
    }

    /// Returns the workload that a file of Google's describes.
    ///
    /// Fails with [`providers::Error::Elsewhere`] if the file names a server that the definition
    /// does not know: whoever made the file could have an identity sent to one of their own.
    pub(crate) fn in_file(
        file: HeldWorkload,
        mut provider: Provider,
    ) -> Result<Self, providers::Error> {
        if let Some(impersonation) = &file.workload.impersonation {
            provider.expect_impersonation(&impersonation.endpoint)?;
        }
        if let Some(endpoint) = &file.token_endpoint {
            match &file.workload.proof {
                Proof::Identity(_) => provider.expect_exchange(endpoint)?,
                Proof::ServiceAccount(_) | Proof::RefreshToken { .. } => {
                    provider.expect_token_endpoint(endpoint)?;
                }
            }
        }
        let definition = &mut provider.definition;
        let exchange = definition.exchange_endpoint.take();
        let has_secret = file.client.as_ref().is_some_and(|(_, secret)| secret.is_some());
        if file.workload.identity().is_some() {
            let named = file.token_endpoint.as_ref().map(ToString::to_string);
            definition.token_endpoint = named.or(exchange);
            definition.token_endpoint_auth_method =
                has_secret.then_some(TokenEndpointAuthMethod::ClientSecretBasic);
        }
        (definition.audience, definition.resource) = (None, None);
        let params = file.params.into_iter();
        definition.token_params =
            params.fold(RequestParams::default(), |all, (name, value)| all.with(name, value));
        if let Some(project) = file.quota_project {
            definition.api_headers.insert(QUOTA_PROJECT.into(), project);
        }
        let own = definition.scopes.as_deref().unwrap_or_default();
        let scopes = match (file.scopes.is_empty(), own.is_empty()) {
            (false, _) => Some(file.scopes),
            (true, true) => Some(Scopes::parse(ALL_OF_GOOGLE)),
            (true, false) => None,
        };
        let client = file.client.map(|(id, secret)| NamedClient { id, secret, key: None });
        let (workload, own_name) = (file.workload, file.name);
        Ok(Self { provider, workload, client, scopes, own_name, sealed: None })
    }

    /// Returns the workload that `credential` of `provider` was made with; `None` if it was made
    /// otherwise.
    pub(crate) fn stored(credential: &Credential, mut provider: Provider) -> Option<Self> {
        let Grant::OAuth(grant) = &credential.grant else { return None };
        let RenewalGrant::Workload { workload, scopes } = &grant.renewal else { return None };
        let client = grant.client.clone();
        let definition = &mut provider.definition;
        // What was sealed for an endpoint is shown there and nowhere else.
        definition.token_endpoint = Some(client.token_endpoint.to_string());
        (definition.revocation_endpoint, definition.device_authorization_endpoint) = (None, None);
        (definition.audience, definition.resource) = (None, None);
        definition.token_params.clone_from(&client.token_params);
        definition.token_endpoint_auth_method = Some(client.authentication.method());
        let named = NamedClient {
            id: client.id.clone(),
            secret: client.authentication.secret().cloned(),
            key: client.authentication.key().cloned().map(ConfiguredKey::from),
        };
        Some(Self {
            provider,
            workload: (**workload).clone(),
            client: Some(named).filter(|client| !client.id.is_empty()),
            scopes: Some(scopes.clone()),
            own_name: None,
            sealed: Some(SealedClient {
                client,
                headers: credential.api.headers.clone(),
                base_url: credential.api.base_url.clone(),
            }),
        })
    }

    /// Returns a name for the workload, if it has one.
    pub(crate) fn name(&self) -> Option<&str> {
        let client = self.client.as_ref().map(|client| client.id.as_str());
        self.own_name.as_deref().or(client)
    }

    /// Returns the plan of a login that asks for `scopes`, and the workload that logs in.
    pub(crate) fn plan(self, scopes: Scopes) -> (Plan, Workload) {
        let client = self.client.unwrap_or_default();
        let mut plan = Plan::new(self.provider, client.id);
        (plan.client_secret, plan.client_key) = (client.secret, client.key);
        plan.sealed = self.sealed;
        plan.scopes = scopes;
        (plan, self.workload)
    }
}

/// Requests the first token. A refresh requests each further one with a new identity token. A
/// request that is sent again, since the server was too busy or broken, is told to `told`.
pub(crate) fn log_in(
    mut plan: Plan,
    workload: Workload,
    around: &dyn Surroundings,
    clock: Clock,
    told: Told<'_>,
) -> Result<Granted, Error> {
    let endpoints = plan.endpoints(FirstEndpoint::Token)?;
    // Its tokens end by themselves, and another is had at any time.
    let client = Client { revocation_endpoint: None, ..plan.client(&endpoints, None)? };
    let mut now = clock();
    let shown = identity::shown(&workload, around, now);
    // Nothing is spent by such a request.
    let answer = Patience::LOGIN
        .ask(TokenError::is_answer_of_trouble, told, || {
            now = clock();
            let timeout = http::REQUEST_TIMEOUT;
            workload::request(&client, &workload, &plan.scopes, &shown, now, timeout).answer
        })
        .map_err(|source| Error::NotRedeemed { source })?;
    let renewal =
        RenewalGrant::Workload { workload: Box::new(workload), scopes: plan.scopes.clone() };
    Ok(Granted::new(plan, client, Person::None, answer, now, clock)?.with_renewal(renewal))
}

/// Requests a token as [`log_in`] does, and returns the credential, which is stored nowhere.
pub(crate) fn log_in_unstored(
    plan: Plan,
    workload: Workload,
    around: &dyn Surroundings,
    clock: Clock,
    told: Told<'_>,
) -> Result<Credential, Error> {
    log_in(plan, workload, around, clock, told).map(Granted::unstored)
}
