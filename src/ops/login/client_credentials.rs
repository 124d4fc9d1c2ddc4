//! A login of the client itself with its id and secret (RFC 6749 §4.4).

use super::granted::Granted;
use super::id_token::Person;
use super::plan::Plan;
use crate::model::credential::RenewalGrant;
use crate::oauth::client_credentials;
use crate::oauth::http;
use crate::ops::clock::Clock;
use crate::ops::error::Error;
use crate::providers::FirstEndpoint;

/// Requests the first token. A refresh requests each further one in the same way.
pub(crate) fn log_in(mut plan: Plan, clock: Clock) -> Result<Granted, Error> {
    let endpoints = plan.endpoints(FirstEndpoint::Token)?;
    let client = plan.client(&endpoints, None);
    let now = clock();
    let answer = client_credentials::request(&client, &plan.scopes, now, http::REQUEST_TIMEOUT)
        .answer
        .map_err(|source| Error::NotRedeemed { source })?;
    let renewal = RenewalGrant::ClientCredentials { scopes: plan.scopes.clone() };
    Ok(Granted::new(plan, client, Person::None, answer, now)?.with_renewal(renewal))
}
