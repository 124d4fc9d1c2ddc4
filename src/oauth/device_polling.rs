//! Polling for a token in the device authorization grant (RFC 8628 §3.4 and §3.5).
//!
//! Sends each request, and says how long to wait before the next one. The caller does the waiting.

use std::time::Duration;

use jiff::Timestamp;

use super::answer_fields::AnswerText;
use super::client_proof;
use super::device_authorization::{DeviceAuthorization, MAX_INTERVAL};
use super::error_answer;
use super::http::{self, Answer, Fault};
use super::token_answer::{self, TokenAnswer};
use super::token_error::{Error, Request};
use crate::model::client::Client;
use crate::model::dialect::Dialect;
use crate::secret::SecretText;

/// The grant type of a login by a code (RFC 8628 §3.4).
pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The time that a `slow_down` adds to the interval (RFC 8628 §3.5).
const SLOW_DOWN_STEP: Duration = Duration::from_secs(5);

/// The shortest interval, whatever the server says.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The longest pause after requests that got no answer, unless the server's interval is longer.
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// The outcome of one request to the token endpoint.
#[derive(Debug)]
pub(crate) enum PollOutcome {
    Granted(TokenAnswer),
    /// Nobody has entered the code yet.
    Pending,
    /// Nobody has entered the code yet, and the requests come too fast. The server may name the
    /// interval that it wants.
    SlowDown {
        interval: Option<Duration>,
    },
    /// There was no answer, or none that says anything of the code, which is still valid.
    Transient(Error),
    /// The person refused.
    Denied,
    /// The code is no longer valid.
    Expired,
    /// The server refuses for good.
    Failed(Error),
}

/// The interval between two polls, which grows as the server asks.
#[derive(Debug)]
pub(crate) struct PollInterval {
    interval: Duration,
    /// The number of requests in a row that got no answer.
    unanswered: u32,
    /// The pause that the server asked for with `Retry-After`.
    retry_after: Duration,
}

/// Asks once whether the code was entered (RFC 8628 §3.4).
pub(crate) fn poll(
    client: &Client,
    authorization: &DeviceAuthorization,
    now: Timestamp,
    timeout: Duration,
) -> PollOutcome {
    let device_code = authorization.device_code.expose();
    let mut form = vec![("grant_type", DEVICE_CODE), ("device_code", device_code)];
    form.extend(client.token_params.pairs());
    let proof = match client_proof::prove(client, &client.token_endpoint, now) {
        Ok(proof) => proof,
        Err(why) => return PollOutcome::Failed(why.into()),
    };
    form.extend(proof.fields());
    let authentication = proof.authentication();
    match http::post(&client.token_endpoint, client.tls(), &authentication, &form, timeout) {
        Ok(answer) => match judge(&answer, &client.dialect, now) {
            PollOutcome::Failed(error) => PollOutcome::Failed(proof.advise(error)),
            outcome @ (PollOutcome::Granted(_)
            | PollOutcome::Pending
            | PollOutcome::SlowDown { .. }
            | PollOutcome::Transient(_)
            | PollOutcome::Denied
            | PollOutcome::Expired) => outcome,
        },
        Err(
            fault @ (Fault::CertificateRefused { .. }
            | Fault::Setup { .. }
            | Fault::Forbidden { .. }),
        ) => PollOutcome::Failed(fault.into()),
        Err(
            fault @ (Fault::NotSent { .. } | Fault::Unanswered { .. } | Fault::Unreadable { .. }),
        ) => PollOutcome::Transient(fault.into()),
    }
}

/// Interprets an answer. The `error` in it counts, whatever its status: the RFC has 400, Google 428
/// and 403, GitHub 200.
fn judge(answer: &Answer, dialect: &Dialect, now: Timestamp) -> PollOutcome {
    let outcome = token_answer::read(answer, Request::Exchange, dialect, now);
    if outcome.is_err()
        && let Some(code) = error_answer::code_of(answer, dialect)
    {
        match code.as_str() {
            "authorization_pending" => return PollOutcome::Pending,
            "slow_down" => return PollOutcome::SlowDown { interval: named_interval(answer) },
            // The second one is Microsoft's word.
            "access_denied" | "authorization_declined" => return PollOutcome::Denied,
            "expired_token" | "code_expired" => return PollOutcome::Expired,
            _ => {}
        }
    }
    match outcome {
        Ok(granted) => PollOutcome::Granted(granted),
        Err(error) if is_transient(&error) => PollOutcome::Transient(error),
        Err(error) => PollOutcome::Failed(error),
    }
}

/// Returns the interval that a `slow_down` names, if it can be read.
fn named_interval(answer: &Answer) -> Option<Duration> {
    let seconds = AnswerText::of(answer).fields()?.seconds("interval")?;
    u64::try_from(seconds).ok().filter(|seconds| *seconds <= MAX_INTERVAL).map(Duration::from_secs)
}

/// Whether a later request may bring another answer.
fn is_transient(error: &Error) -> bool {
    match error {
        Error::TooManyRequests { .. } => true,
        Error::NoVerdict { error, status, .. } => {
            *status >= 500 || error.is_none() && !(200..=299).contains(status)
        }
        Error::GrantRefused { .. }
        | Error::ClientRefused { .. }
        | Error::UnusableToken { .. }
        | Error::IdentityRefused { .. }
        | Error::ClockRefused { .. }
        | Error::NotSigned(_)
        | Error::NoIdentity(_)
        | Error::Fault(_) => false,
    }
}

impl PollInterval {
    /// Returns the interval that `authorization` asks for.
    pub(crate) fn of(authorization: &DeviceAuthorization) -> Self {
        Self {
            interval: authorization.interval.max(MIN_INTERVAL),
            unanswered: 0,
            retry_after: Duration::ZERO,
        }
    }

    /// Returns the time to wait before the next request, which also precedes the first.
    pub(crate) fn pause(&self) -> Duration {
        let longest = self.interval.max(MAX_BACKOFF);
        let doubled = self.interval.saturating_mul(2_u32.saturating_pow(self.unanswered));
        doubled.min(longest).max(self.retry_after)
    }

    /// Goes back to the server's interval after a request that was answered.
    pub(crate) fn reset(&mut self) {
        self.unanswered = 0;
        self.retry_after = Duration::ZERO;
    }

    /// Lengthens the interval from here on, by at least five seconds.
    pub(crate) fn slow_down(&mut self, wanted: Option<Duration>) {
        self.reset();
        self.interval =
            self.interval.saturating_add(SLOW_DOWN_STEP).max(wanted.unwrap_or_default());
    }

    /// Doubles the pause after each request that got no answer (RFC 8628 §3.5); it is never shorter
    /// than `retry_after`.
    pub(crate) fn back_off(&mut self, retry_after: Option<Duration>) {
        self.retry_after = retry_after.unwrap_or_default();
        self.unanswered = self.unanswered.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_is_waited_on_however_its_interval_is_written() {
        let now = Timestamp::UNIX_EPOCH;
        for interval in ["\"5\"", "5.5", "-1", "null", "{}", "1e999"] {
            let judged = |error| {
                let body = format!(r#"{{"error":"{error}","interval":{interval}}}"#);
                judge(&Answer::made_up(400, &body), &Dialect::default(), now)
            };
            assert!(matches!(judged("authorization_pending"), PollOutcome::Pending));
            assert!(matches!(judged("slow_down"), PollOutcome::SlowDown { .. }), "{interval}");
            assert!(matches!(judged("authorization_declined"), PollOutcome::Denied));
        }
    }

    #[test]
    fn a_poll_is_judged_by_its_error_whatever_the_status() {
        let now = Timestamp::UNIX_EPOCH;
        for status in [200, 400, 403, 428] {
            let judged = |error| {
                judge(
                    &Answer::made_up(status, &format!(r#"{{"error":"{error}"}}"#)),
                    &Dialect::default(),
                    now,
                )
            };
            assert!(matches!(judged("authorization_pending"), PollOutcome::Pending));
            assert!(matches!(judged("slow_down"), PollOutcome::SlowDown { interval: None }));
            assert!(matches!(judged("access_denied"), PollOutcome::Denied));
            assert!(matches!(judged("expired_token"), PollOutcome::Expired));
            assert!(matches!(judged("invalid_grant"), PollOutcome::Failed(_)));
            assert!(matches!(judged("incorrect_device_code"), PollOutcome::Failed(_)));
        }
    }

    #[test]
    fn an_answer_that_is_no_verdict_is_waited_out() {
        let now = Timestamp::UNIX_EPOCH;
        for (status, body) in [(502, "<h1>Bad gateway</h1>"), (429, ""), (503, "{}"), (404, "")] {
            assert!(
                matches!(
                    judge(&Answer::made_up(status, body), &Dialect::default(), now),
                    PollOutcome::Transient(_)
                ),
                "{status}"
            );
        }
        assert!(matches!(
            judge(&Answer::made_up(200, "<h1>Welcome</h1>"), &Dialect::default(), now),
            PollOutcome::Failed(_)
        ));
    }

    #[test]
    fn slowing_down_lasts_and_backing_off_does_not() {
        let seconds = |pace: &PollInterval| pace.pause().as_secs();
        let mut pace = PollInterval {
            interval: Duration::from_secs(5),
            unanswered: 0,
            retry_after: Duration::ZERO,
        };
        assert_eq!(seconds(&pace), 5);
        pace.slow_down(None);
        pace.slow_down(Some(Duration::from_secs(7)));
        assert_eq!(seconds(&pace), 15);
        pace.slow_down(Some(Duration::from_secs(30)));
        assert_eq!(seconds(&pace), 30);
        pace.back_off(None);
        assert_eq!(seconds(&pace), 60);
        pace.back_off(Some(Duration::from_secs(90)));
        assert_eq!(seconds(&pace), 90);
        pace.back_off(None);
        assert_eq!(seconds(&pace), 60);
        pace.reset();
        assert_eq!(seconds(&pace), 30);
    }
}
