//! A login of a service account, which signs its requests with its own key (RFC 7523).

use super::granted::Granted;
use super::id_token::Person;
use super::plan::Plan;
use crate::model::client::Client;
use crate::model::client_authentication::ClientAuthentication;
use crate::model::credential::RenewalGrant;
use crate::model::service_account::ServiceAccount;
use crate::oauth::{http, jwt_bearer};
use crate::ops::clock::Clock;
use crate::ops::error::{Error, TokenError};
use crate::ops::retry::{Patience, Told};
use crate::providers::FirstEndpoint;

/// Google's token endpoint, for definitions that name neither one nor an issuer.
pub(crate) const GOOGLE: &str = "https://oauth2.googleapis.com/token";

/// Requests the first token. A refresh requests each further one with a new signature. A request
/// that is sent again, since the server was too busy or broken, is told to `told`.
pub(crate) fn log_in(
    mut plan: Plan,
    account: ServiceAccount,
    clock: Clock,
    told: Told<'_>,
) -> Result<Granted, Error> {
    let definition = &mut plan.provider.definition;
    if definition.issuer.is_none() {
        definition.token_endpoint.get_or_insert_with(|| GOOGLE.into());
    }
    let endpoints = plan.endpoints(FirstEndpoint::Token)?;
    // A service account has no client secret, and its tokens expire within an hour, so they need
    // no revocation.
    let client = Client {
        authentication: ClientAuthentication::None,
        revocation_endpoint: None,
        ..plan.client(&endpoints, None)?
    };
    let mut now = clock();
    // Nothing is spent by such a request.
    let answer = Patience::LOGIN
        .ask(TokenError::is_answer_of_trouble, told, || {
            now = clock();
            jwt_bearer::request(&client, &account, &plan.scopes, now, http::REQUEST_TIMEOUT).answer
        })
        .map_err(|source| Error::NotRedeemed { source })?;
    let account = Box::new(account);
    let renewal = RenewalGrant::JwtBearer { account, scopes: plan.scopes.clone() };
    Ok(Granted::new(plan, client, Person::None, answer, now, clock)?.with_renewal(renewal))
}
