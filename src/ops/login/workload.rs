//! A login of a job or workload with the identity token of its platform, without a person and
//! without a secret at rest.

use super::granted::Granted;
use super::id_token::Person;
use super::plan::{Plan, SealedClient};
use crate::model::client::Client;
use crate::model::credential::{Credential, Grant, RenewalGrant};
use crate::model::scope::Scopes;
use crate::model::workload::{Identity, IdentityUse, Impersonation, JWT, Proof, Workload};
use crate::oauth::{http, workload};
use crate::ops::clock::Clock;
use crate::ops::error::{Error, TokenError};
use crate::ops::identity::{self, Surroundings};
use crate::ops::retry::{Patience, Told};
use crate::providers::{self, FirstEndpoint, Provider};
use crate::secret::ClientSecret;

/// The life of a service account's token, in seconds, where nobody asks for another.
pub(crate) const LIFETIME: u32 = 3600;

/// A workload as a definition or a stored credential describes it.
pub(crate) struct Described {
    workload: Workload,
    /// The client's id, and its secret; none where the identity alone proves who asks.
    client_id: Option<String>,
    client_secret: Option<ClientSecret>,
    /// The name of the service account in whose name the workload acts.
    service_account: Option<String>,
    /// The client of the stored credential that describes it.
    sealed: Option<SealedClient>,
}

/// Returns the workload that the `assertion` of a definition describes, for the configured client.
/// Fails if it describes none.
pub(crate) fn defined(
    provider: &Provider,
    client_id: Option<String>,
    client_secret: Option<ClientSecret>,
) -> Result<Described, Error> {
    let definition = &provider.definition;
    let Some(assertion) = &definition.assertion else {
        return Err(provider.incomplete("assertion").into());
    };
    let source = assertion.source().map_err(|message| providers::Error::Malformed {
        name: provider.name.to_string(),
        message: message.to_owned(),
    })?;
    let used_as = definition.refresh.kind.identity_use().unwrap_or(IdentityUse::TokenExchange);
    let identity = Identity {
        source,
        audience: assertion.audience.clone(),
        used_as,
        token_type: assertion.token_type.clone().unwrap_or_else(|| JWT.into()),
        exchange_audience: None,
        acts_for: None,
    };
    let service_account = assertion.service_account.clone();
    let impersonation = match &service_account {
        Some(account) => Some(Impersonation {
            endpoint: provider.impersonation_endpoint(account)?,
            lifetime: LIFETIME,
            delegates: None,
            quota_project: None,
        }),
        None => None,
    };
    // Elsewhere than at the token endpoint nobody knows the client.
    let is_known =
        definition.exchange_endpoint.is_none() || used_as != IdentityUse::TokenExchange;
    Ok(Described {
        workload: Workload { proof: Proof::Identity(identity), impersonation },
        client_id: client_id.filter(|_| is_known),
        client_secret: client_secret.filter(|_| is_known),
        service_account,
        sealed: None,
    })
}

impl Described {
    /// Returns the workload that `credential` was made with; `None` if it was made otherwise.
    pub(crate) fn of_stored(credential: &Credential) -> Option<Self> {
        let Grant::OAuth(grant) = &credential.grant else { return None };
        let RenewalGrant::Workload { workload, .. } = &grant.renewal else { return None };
        let client = grant.client.clone();
        Some(Self {
            workload: (**workload).clone(),
            client_id: Some(client.id.clone()).filter(|id| !id.is_empty()),
            client_secret: client.authentication.secret().cloned(),
            service_account: None,
            sealed: Some(SealedClient {
                client,
                headers: credential.api.headers.clone(),
                base_url: credential.api.base_url.clone(),
            }),
        })
    }

    /// Returns a name for the workload, if it has one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.service_account.as_deref().or(self.client_id.as_deref())
    }

    /// Returns the plan of a login that asks for `scopes`, and the workload that logs in.
    pub(crate) fn plan(self, mut provider: Provider, scopes: Scopes) -> (Plan, Workload) {
        let definition = &mut provider.definition;
        if let Some(sealed) = &self.sealed {
            // What was sealed for an endpoint is shown there and nowhere else.
            definition.token_endpoint = Some(sealed.client.token_endpoint.to_string());
            (definition.audience, definition.resource) = (None, None);
            definition.token_params.clone_from(&sealed.client.token_params);
            definition.token_endpoint_auth_method = Some(sealed.client.authentication.method());
        } else if let Some(identity) = self.workload.identity()
            && identity.used_as == IdentityUse::TokenExchange
            && let Some(exchange) = definition.exchange_endpoint.take()
        {
            definition.token_endpoint = Some(exchange);
            definition.token_endpoint_auth_method = None;
        }
        let mut plan = Plan::new(provider, self.client_id.unwrap_or_default());
        plan.client_secret = self.client_secret;
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
    let client = Client { revocation_endpoint: None, ..plan.client(&endpoints, None) };
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
    Ok(Granted::new(plan, client, Person::None, answer, now)?.with_renewal(renewal))
}
