//! The device authorization grant (RFC 8628): a person enters a code in a browser elsewhere, while
//! the token endpoint is asked whether they have.
//!
//! Asks, and says how long to wait before asking again. Waiting is the caller's business.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::http::{self, Answer, Fault};
use super::token::authenticate;
use super::token_answer::{self, TokenAnswer};
use super::token_error::{self, Error, Request};
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::dialect::Dialect;
use crate::model::scope::Scopes;
use crate::secret::{DeviceCode, SecretText};
use crate::untrusted::printable;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What is waited between two requests where the server does not say (RFC 8628 §3.2).
const USUAL_INTERVAL: u64 = 5;

/// What a `slow_down` adds (RFC 8628 §3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// No server is asked more often, whatever it says.
const SHORTEST: Duration = Duration::from_secs(1);

/// No code is waited for longer than this, whatever the server says.
const LONGEST_LIFE: Duration = Duration::from_hours(1);

/// A server that can't be reached is tried again after no more than this, or its own interval.
const LONGEST_BACK_OFF: Duration = Duration::from_mins(1);

/// What a device authorization endpoint gave.
#[derive(Debug)]
pub(crate) struct DeviceAuthorization {
    device_code: DeviceCode,
    /// What the person enters, safe to print.
    pub(crate) user_code: String,
    /// Where they enter it.
    pub(crate) verification_uri: Address,
    /// The same with the code in it, where the server has such an address.
    pub(crate) verification_uri_complete: Option<Address>,
    /// How long the code counts.
    pub(crate) expires_in: Duration,
    interval: Duration,
}

/// What the token endpoint said to one request.
#[derive(Debug)]
pub(crate) enum Polled {
    Granted(TokenAnswer),
    /// Nobody has entered the code yet.
    Pending,
    /// The same, and the requests come too fast; the server may name the interval that it wants.
    SlowDown {
        interval: Option<Duration>,
    },
    /// No answer, or one that is no verdict: the code is as good as before.
    Trouble(Error),
    /// The person said no.
    Denied,
    /// The code no longer counts.
    Expired,
    /// The server refuses for good.
    Failed(Error),
}

/// When to ask next.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    /// How many requests in a row got no answer.
    unanswered: u32,
    /// How long the server asked to be left alone.
    asked_for: Duration,
}

/// Asks for a code (RFC 8628 §3.1).
pub(crate) fn request(
    client: &Client,
    endpoint: &Address,
    scopes: &Scopes,
) -> Result<DeviceAuthorization, Error> {
    let scopes = scopes.to_string();
    let mut form = Vec::new();
    if !scopes.is_empty() {
        form.push(("scope", scopes.as_str()));
    }
    let authentication = authenticate(client, &mut form);
    let certificates = client.trusted_certificates.as_deref();
    let answer = http::post(endpoint, certificates, &authentication, &form, http::WHOLE)?;
    match token_error::read(&answer, Request::Exchange, &client.dialect.grant_errors) {
        Some(error) => Err(error),
        None => read(&answer),
    }
}

/// The body of a device authorization response (RFC 8628 §3.2).
#[derive(Deserialize)]
struct Body {
    device_code: String,
    user_code: String,
    /// The second name is Google's.
    #[serde(alias = "verification_url")]
    verification_uri: String,
    #[serde(alias = "verification_url_complete")]
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

/// Reads what a device authorization endpoint gave.
pub(crate) fn read(answer: &Answer) -> Result<DeviceAuthorization, Error> {
    let unusable = |what: &str| Error::NoVerdict {
        authority: answer.authority.clone(),
        status: answer.status,
        error: None,
        retry_after: None,
        what: what.into(),
    };
    if !(200..=299).contains(&answer.status) {
        return Err(token_error::no_verdict(answer));
    }
    let body: Body = serde_json::from_slice(&answer.body)
        .map_err(|_| unusable("something that is no code for a device"))?;
    let user_code = printable(&body.user_code);
    if user_code.is_empty() || body.device_code.is_empty() {
        return Err(unusable("an empty code"));
    }
    let interval = Duration::from_secs(body.interval.unwrap_or(USUAL_INTERVAL));
    Ok(DeviceAuthorization {
        device_code: DeviceCode::from_trusted(body.device_code),
        user_code,
        // It is shown and opened: neither another scheme nor a control character gets through.
        verification_uri: safe_address(&body.verification_uri)
            .ok_or_else(|| unusable("an address that can't be opened"))?,
        verification_uri_complete: body.verification_uri_complete.as_deref().and_then(safe_address),
        expires_in: Duration::from_secs(body.expires_in).min(LONGEST_LIFE),
        interval,
    })
}

/// An address that may be opened, and printed as it is: both are done with the same text.
fn safe_address(text: &str) -> Option<Address> {
    let address: Address = text.parse().ok()?;
    let opened = address.url().as_str();
    if printable(opened) == opened { opened.parse().ok() } else { None }
}

/// Asks once whether the code was entered (RFC 8628 §3.4).
pub(crate) fn poll(
    client: &Client,
    authorization: &DeviceAuthorization,
    now: Timestamp,
    bound: Duration,
) -> Polled {
    let device_code = authorization.device_code.expose();
    let mut form = vec![("grant_type", GRANT_TYPE), ("device_code", device_code)];
    let authentication = authenticate(client, &mut form);
    let certificates = client.trusted_certificates.as_deref();
    match http::post(&client.token_endpoint, certificates, &authentication, &form, bound) {
        Ok(answer) => judge(&answer, &client.dialect, now),
        Err(fault @ Fault::Setup { .. }) => Polled::Failed(fault.into()),
        Err(
            fault @ (Fault::NotSent { .. } | Fault::Unanswered { .. } | Fault::Unreadable { .. }),
        ) => Polled::Trouble(fault.into()),
    }
}

/// What an answer means. The error counts, whatever its status: the RFC has 400, Google 428 and
/// 403, GitHub 200.
fn judge(answer: &Answer, dialect: &Dialect, now: Timestamp) -> Polled {
    #[derive(Deserialize)]
    struct Body {
        error: String,
        interval: Option<u64>,
    }
    if let Ok(body) = serde_json::from_slice::<Body>(&answer.body) {
        match body.error.as_str() {
            "authorization_pending" => return Polled::Pending,
            "slow_down" => {
                return Polled::SlowDown { interval: body.interval.map(Duration::from_secs) };
            }
            "access_denied" => return Polled::Denied,
            "expired_token" => return Polled::Expired,
            _ => {}
        }
    }
    let outcome = match token_error::read(answer, Request::Exchange, &dialect.grant_errors) {
        Some(error) => Err(error),
        None => token_answer::parse(answer, dialect, now),
    };
    match outcome {
        Ok(granted) => Polled::Granted(granted),
        Err(error) if is_passing(&error) => Polled::Trouble(error),
        Err(error) => Polled::Failed(error),
    }
}

/// Whether another answer may come to the same request.
fn is_passing(error: &Error) -> bool {
    match error {
        Error::TooManyRequests { .. } => true,
        Error::NoVerdict { error, status, .. } => {
            *status >= 500 || error.is_none() && !(200..=299).contains(status)
        }
        Error::GrantRefused { .. }
        | Error::ClientRefused { .. }
        | Error::NotSigned(_)
        | Error::Fault(_) => false,
    }
}

impl Pace {
    pub(crate) fn of(authorization: &DeviceAuthorization) -> Self {
        Self {
            interval: authorization.interval.max(SHORTEST),
            unanswered: 0,
            asked_for: Duration::ZERO,
        }
    }

    /// How long to wait before the next request; the first one waits as well.
    pub(crate) fn pause(&self) -> Duration {
        let longest = self.interval.max(LONGEST_BACK_OFF);
        let doubled = self.interval.saturating_mul(2_u32.saturating_pow(self.unanswered));
        doubled.min(longest).max(self.asked_for)
    }

    /// Goes on as fast as before.
    pub(crate) fn pending(&mut self) {
        self.unanswered = 0;
        self.asked_for = Duration::ZERO;
    }

    /// Goes slower from here on, by five seconds at least.
    pub(crate) fn slow_down(&mut self, wanted: Option<Duration>) {
        self.pending();
        self.interval = self.interval.saturating_add(SLOWER).max(wanted.unwrap_or_default());
    }

    /// Waits twice as long after each request that got no answer (RFC 8628 §3.5), and no less than
    /// the server asked for.
    pub(crate) fn back_off(&mut self, asked_for: Option<Duration>) {
        self.asked_for = asked_for.unwrap_or_default();
        self.unanswered = self.unanswered.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::oauth::confidential::Confidential;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            authority: "as.example".into(),
            status,
            retry_after: None,
            date: None,
            body: Zeroizing::new(body.as_bytes().to_vec()),
            sent: Confidential::default(),
        }
    }

    fn given(changes: &str) -> Result<DeviceAuthorization, Error> {
        let whole = r#"{"device_code":"made-up","user_code":"WDJB-MJHT","expires_in":900"#;
        read(&answer(200, &format!("{whole}{changes}}}")))
    }

    #[test]
    fn an_address_has_two_names_and_an_interval_a_default() {
        let named = given(r#","verification_uri":"https://as.example/device""#).unwrap();
        assert_eq!(named.interval, Duration::from_secs(5));
        let google = given(r#","verification_url":"https://as.example/device","interval":7"#);
        let google = google.unwrap();
        assert_eq!(google.verification_uri.as_str(), "https://as.example/device");
        assert_eq!(google.interval, Duration::from_secs(7));
    }

    #[test]
    fn an_address_that_is_not_safe_to_open_is_not_shown_either() {
        for uri in [
            "javascript:alert(1)",
            "http://as.example/",
            "https://as.example/\\u001b[2J",
            "https://as.example/###[error]",
        ] {
            assert!(given(&format!(r#","verification_uri":"{uri}""#)).is_err(), "{uri}");
            let good = r#","verification_uri":"https://as.example/""#;
            let given = given(&format!(r#"{good},"verification_uri_complete":"{uri}""#)).unwrap();
            assert_eq!(given.verification_uri_complete, None, "{uri}");
        }
    }

    #[test]
    fn a_poll_is_judged_by_its_error_whatever_the_status() {
        let now = Timestamp::UNIX_EPOCH;
        for status in [200, 400, 403, 428] {
            let judged = |error| {
                judge(
                    &answer(status, &format!(r#"{{"error":"{error}"}}"#)),
                    &Dialect::default(),
                    now,
                )
            };
            assert!(matches!(judged("authorization_pending"), Polled::Pending));
            assert!(matches!(judged("slow_down"), Polled::SlowDown { interval: None }));
            assert!(matches!(judged("access_denied"), Polled::Denied));
            assert!(matches!(judged("expired_token"), Polled::Expired));
            assert!(matches!(judged("invalid_grant"), Polled::Failed(_)));
            assert!(matches!(judged("incorrect_device_code"), Polled::Failed(_)));
        }
    }

    #[test]
    fn an_answer_that_is_no_verdict_is_waited_out() {
        let now = Timestamp::UNIX_EPOCH;
        for (status, body) in [(502, "<h1>Bad gateway</h1>"), (429, ""), (503, "{}"), (404, "")] {
            assert!(
                matches!(
                    judge(&answer(status, body), &Dialect::default(), now),
                    Polled::Trouble(_)
                ),
                "{status}"
            );
        }
        assert!(matches!(
            judge(&answer(200, "<h1>Welcome</h1>"), &Dialect::default(), now),
            Polled::Failed(_)
        ));
    }

    #[test]
    fn slowing_down_lasts_and_backing_off_does_not() {
        let seconds = |pace: &Pace| pace.pause().as_secs();
        let mut pace =
            Pace { interval: Duration::from_secs(5), unanswered: 0, asked_for: Duration::ZERO };
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
        pace.pending();
        assert_eq!(seconds(&pace), 30);
    }
}
