//! The device authorization grant (RFC 8628): a person enters a code in a browser elsewhere, while
//! tokctl polls the token endpoint.
//!
//! Sends each request, and says how long to wait before the next one. The caller does the waiting.

use std::time::Duration;

use jiff::Timestamp;

use super::answer_fields::{self, AnswerText};
use super::error_answer;
use super::http::{self, Answer, Fault};
use super::token::authenticate;
use super::token_answer::{self, TokenAnswer};
use super::token_error::{Error, Request};
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::dialect::Dialect;
use crate::model::request_params::RequestParams;
use crate::model::scope::Scopes;
use crate::secret::{DeviceCode, SecretText};
use crate::untrusted::printable;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The interval of polling, in seconds, where the server names none (RFC 8628 §3.2).
const DEFAULT_INTERVAL: u64 = 5;

/// The time that a `slow_down` adds to the interval (RFC 8628 §3.5).
const SLOW_DOWN_STEP: Duration = Duration::from_secs(5);

/// The shortest interval, whatever the server says.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The longest interval that is believed, in seconds: a code that is asked for less often ends first.
const MAX_INTERVAL: u64 = 600;

/// The life of a code where the server names none that can be read: RFC 8628 requires one.
const DEFAULT_LIFE: Duration = Duration::from_mins(15);

/// The longest time that a code is waited for, whatever the server says.
const MAX_LIFE: Duration = Duration::from_hours(1);

/// The longest pause after requests that got no answer, unless the server's interval is longer.
const MAX_BACKOFF: Duration = Duration::from_mins(1);

/// The answer of a device authorization endpoint (RFC 8628 §3.2).
#[derive(Debug)]
pub(crate) struct DeviceAuthorization {
    device_code: DeviceCode,
    /// The code that the person enters, safe to print.
    pub(crate) user_code: String,
    /// The address at which the person enters the code.
    pub(crate) verification_uri: Address,
    /// The address with the code in it, if the server has one.
    pub(crate) verification_uri_complete: Option<Address>,
    /// The time for which the code is valid.
    pub(crate) expires_in: Duration,
    interval: Duration,
}

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

/// Requests a code for a device (RFC 8628 §3.1), with the additional `params` that the server wants.
pub(crate) fn request(
    client: &Client,
    endpoint: &Address,
    scopes: &Scopes,
    params: &RequestParams,
) -> Result<DeviceAuthorization, Error> {
    let scopes = scopes.to_string();
    let mut form = Vec::new();
    if !scopes.is_empty() {
        form.push(("scope", scopes.as_str()));
    }
    form.extend(params.pairs());
    let authentication = authenticate(client, &mut form);
    let certificates = client.trusted_certificates.as_deref();
    let answer = http::post(endpoint, certificates, &authentication, &form, http::REQUEST_TIMEOUT)?;
    read(&answer, &client.dialect).map_err(|no_code| {
        error_answer::read(&answer, Request::Exchange, &client.dialect).unwrap_or(no_code)
    })
}

/// Reads the answer of a device authorization endpoint. A number that can't be read counts as left
/// out. An answer without a code, or without an address that can be opened safely, is an error.
pub(crate) fn read(answer: &Answer, dialect: &Dialect) -> Result<DeviceAuthorization, Error> {
    let unusable = |what: &str| Error::NoVerdict {
        authority: answer.authority.clone(),
        status: answer.status,
        error: None,
        retry_after: None,
        what: what.into(),
    };
    if !(200..=299).contains(&answer.status) {
        return Err(error_answer::no_verdict(answer));
    }
    let text = AnswerText::of(answer);
    let fields = text
        .fields()
        .map(|fields| fields.with_named(&dialect.answer_fields))
        .and_then(|fields| fields.holding("device_code"))
        .ok_or_else(|| unusable(&error_answer::unreadable(answer, "no code for a device")))?;
    let word = |name: &str| fields.text(name).map(answer_fields::trimmed).unwrap_or_default();
    let (device_code, user_code) = (word("device_code"), printable(&word("user_code")));
    if user_code.is_empty() || device_code.is_empty() {
        return Err(unusable("an empty code"));
    }
    // Google's name for it is the second one. The address is printed and opened: neither another
    // scheme nor a control character gets through.
    let address = |names: [&str; 2]| names.iter().find_map(|name| safe_address(&word(name)));
    let seconds = |name: &str| fields.seconds(name).and_then(|seconds| u64::try_from(seconds).ok());
    let life = seconds("expires_in").filter(|life| *life > 0);
    Ok(DeviceAuthorization {
        device_code: DeviceCode::from_trusted(device_code),
        user_code,
        verification_uri: address(["verification_uri", "verification_url"])
            .ok_or_else(|| unusable("an address that can't be opened"))?,
        verification_uri_complete: address([
            "verification_uri_complete",
            "verification_url_complete",
        ]),
        expires_in: life.map_or(DEFAULT_LIFE, Duration::from_secs).min(MAX_LIFE),
        interval: Duration::from_secs(
            seconds("interval")
                .filter(|seconds| *seconds <= MAX_INTERVAL)
                .unwrap_or(DEFAULT_INTERVAL),
        ),
    })
}

/// Returns the address in a form that may be both opened and printed.
fn safe_address(text: &str) -> Option<Address> {
    let address: Address = match text.parse() {
        Ok(address) => address,
        // Some servers leave the scheme out: `as.example/device`.
        Err(_) if is_bare(text) => format!("https://{text}").parse().ok()?,
        Err(_) => return None,
    };
    let opened = address.url().as_str();
    if printable(opened) == opened { opened.parse().ok() } else { None }
}

/// Whether `text` is a host with a path, and no scheme.
fn is_bare(text: &str) -> bool {
    let host = text.split(['/', '?', '#']).next().unwrap_or_default();
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    name.contains('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        && port.parse::<u16>().is_ok()
}

/// Asks once whether the code was entered (RFC 8628 §3.4).
pub(crate) fn poll(
    client: &Client,
    authorization: &DeviceAuthorization,
    now: Timestamp,
    timeout: Duration,
) -> PollOutcome {
    let device_code = authorization.device_code.expose();
    let mut form = vec![("grant_type", GRANT_TYPE), ("device_code", device_code)];
    form.extend(client.token_params.pairs());
    let authentication = authenticate(client, &mut form);
    let certificates = client.trusted_certificates.as_deref();
    match http::post(&client.token_endpoint, certificates, &authentication, &form, timeout) {
        Ok(answer) => judge(&answer, &client.dialect, now),
        Err(fault @ Fault::Setup { .. }) => PollOutcome::Failed(fault.into()),
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
        | Error::ClockRefused { .. }
        | Error::NotSigned(_)
        | Error::Fault(_) => false,
    }
}

impl PollInterval {
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

    fn given(changes: &str) -> Result<DeviceAuthorization, Error> {
        let whole = r#"{"device_code":"made-up","user_code":"WDJB-MJHT","expires_in":900"#;
        read(&Answer::made_up(200, &format!("{whole}{changes}}}")), &Dialect::default())
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
    fn a_code_is_shown_however_odd_the_answer_is() {
        let rest = r#""device_code":"made-up","user_code":1234,"verification_uri""#;
        for body in [
            format!(r#"{{{rest}:"https://as.example/d","expires_in":"900","interval":"5"}}"#),
            format!(r#"{{{rest}:"https://as.example/d","expires_in":900.5,"interval":-1}}"#),
            format!(r#"{{{rest}:"https://as.example/d","interval":5.0}}"#),
            format!(
                r#"{{{rest}:"https://as.example/d","verification_url":"https://as.example/e"}}"#
            ),
            format!(r#"{{{rest}:"as.example/d","expires_in":-1}}"#),
            format!("\u{feff}{{{rest}:\"https://as.example/d\"}}"),
        ] {
            let read = read(&Answer::made_up(200, &body), &Dialect::default());
            let read = read.unwrap_or_else(|error| panic!("{body}: {error}"));
            assert_eq!(read.user_code, "1234", "{body}");
            assert_eq!(read.verification_uri.as_str(), "https://as.example/d", "{body}");
            assert_eq!((read.interval.as_secs(), read.expires_in.as_secs()), (5, 900), "{body}");
        }
    }

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
