//! The device authorization grant (RFC 8628).
//!
//! A login has two steps, so that the caller can show the code in between: [`start`] requests a
//! code, and [`Pending::wait`] polls the server until a person has entered it.

use std::time::{Duration, Instant};

use super::granted::Granted;
use super::id_token::Person;
use super::plan::Plan;
use super::secret_place;
use crate::model::client::Client;
use crate::model::credential::Consent;
use crate::oauth::device_authorization;
pub(crate) use crate::oauth::device_authorization::DeviceAuthorization;
use crate::oauth::device_polling::{self, PollInterval, PollOutcome};
use crate::oauth::http;
use crate::ops::clock::Clock;
use crate::ops::error::{Error, TokenError};
use crate::ops::retry::{Patience, Told};
use crate::providers::FirstEndpoint;

/// A login that waits until a person has entered its code.
pub(crate) struct Pending {
    plan: Plan,
    client: Client,
    authorization: DeviceAuthorization,
    received: Instant,
}

/// Finds the endpoints and requests a code. Fails with [`Error::Provider`] if the provider has no
/// device authorization endpoint. A request that is sent again, since the server was too busy or
/// broken, is told to `told`.
pub(crate) fn start(mut plan: Plan, clock: Clock, told: Told<'_>) -> Result<Pending, Error> {
    let endpoints = plan.endpoints(FirstEndpoint::DeviceAuthorization)?;
    let endpoint = endpoints
        .device_authorization
        .as_ref()
        .ok_or_else(|| plan.lacks("device_authorization_endpoint"))?;
    plan.settle_client(None)?;
    let mut client = plan.client(&endpoints, None)?;
    let params = plan.provider.device_params();
    let authorization = secret_place::ask(&plan, &mut client, |client| {
        Patience::LOGIN.ask(TokenError::is_answer_of_trouble, &mut *told, || {
            device_authorization::request(client, endpoint, &plan.scopes, &params, clock())
        })
    });
    let authorization = authorization
        .map_err(|source| Error::NotRedeemed { source })
        .inspect_err(|_| plan.give_back_client())?;
    Ok(Pending { plan, client, authorization, received: Instant::now() })
}

impl Pending {
    /// Returns the code and the address to show to the person.
    pub(crate) fn authorization(&self) -> &DeviceAuthorization {
        &self.authorization
    }

    /// Polls the server until it answers, the code expires, or `timeout` is over.
    ///
    /// Fails with [`Error::CodeExpired`], [`Error::LoginRefused`], [`Error::ForeignIdToken`] or
    /// [`Error::NotRedeemed`]. A client that was registered for this login is then unregistered, where
    /// that is possible.
    pub(crate) fn wait(self, timeout: Option<Duration>, clock: Clock) -> Result<Granted, Error> {
        let client = self.plan.given_back();
        let granted = self.polled(timeout, clock);
        if granted.is_err() {
            client();
        }
        granted
    }

    fn polled(self, timeout: Option<Duration>, clock: Clock) -> Result<Granted, Error> {
        let life = timeout.unwrap_or(Duration::MAX).min(self.authorization.expires_in);
        let mut poll_interval = PollInterval::of(&self.authorization);
        let mut trouble = None;
        let mut client = self.client;
        loop {
            let left = life.saturating_sub(self.received.elapsed());
            let pause = poll_interval.pause();
            if pause >= left {
                std::thread::sleep(left);
                // If the last poll failed, it is not known whether the code was entered. So the
                // poll's error is returned, not `CodeExpired`.
                return Err(
                    trouble.map_or(Error::CodeExpired, |source| Error::NotRedeemed { source })
                );
            }
            std::thread::sleep(pause);
            let now = clock();
            match device_polling::poll(&client, &self.authorization, now, http::REQUEST_TIMEOUT) {
                PollOutcome::Granted(answer) => {
                    let person = Person::Consented { nonce: None };
                    let granted = Granted::new(self.plan, client, person, answer, now, clock)?;
                    return Ok(granted.with_consent(Consent::Device));
                }
                PollOutcome::Pending => {
                    trouble = None;
                    poll_interval.reset();
                }
                PollOutcome::SlowDown { interval } => {
                    trouble = None;
                    poll_interval.slow_down(interval);
                }
                PollOutcome::Transient(error) => {
                    poll_interval.back_off(error.retry_after());
                    trouble = Some(error);
                }
                PollOutcome::Denied => {
                    return Err(Error::LoginRefused { reason: "access_denied".into() });
                }
                PollOutcome::Expired => return Err(Error::CodeExpired),
                PollOutcome::Failed(source) => {
                    let in_form = self.plan.with_secret_in_form(&client);
                    match in_form.filter(|_| source.is_invalid_client()) {
                        Some(in_form) => client = in_form,
                        None => return Err(Error::NotRedeemed { source }),
                    }
                }
            }
        }
    }
}
