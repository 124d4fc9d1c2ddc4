//! A login of the client itself with its own secret or key (RFC 6749 §4.4).

use super::granted::Granted;
use super::id_token::Person;
use super::plan::Plan;
use super::secret_place;
use crate::model::credential::RenewalGrant;
use crate::oauth::client_credentials;
use crate::oauth::http;
use crate::ops::clock::Clock;
use crate::ops::error::{Error, TokenError};
use crate::ops::retry::{Patience, Told};
use crate::providers::FirstEndpoint;

/// Requests the first token. A refresh requests each further one in the same way. A request that is
/// sent again, since the server was too busy or broken, is told to `told`.
pub(crate) fn log_in(mut plan: Plan, clock: Clock, told: Told<'_>) -> Result<Granted, Error> {
    let endpoints = plan.endpoints(FirstEndpoint::Token)?;
    let mut client = plan.client(&endpoints, None)?;
    let mut now = clock();
    // Nothing is spent by such a request.
    let answer = secret_place::ask(&plan, &mut client, |client| {
        Patience::LOGIN.ask(TokenError::is_answer_of_trouble, &mut *told, || {
            now = clock();
            client_credentials::request(client, &plan.scopes, now, http::REQUEST_TIMEOUT).answer
        })
    });
    let answer = answer.map_err(|source| Error::NotRedeemed { source })?;
    let renewal = RenewalGrant::ClientCredentials { scopes: plan.scopes.clone() };
    Ok(Granted::new(plan, client, Person::None, answer, now, clock)?.with_renewal(renewal))
}
