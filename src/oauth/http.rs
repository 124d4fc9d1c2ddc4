//! HTTP requests to authorization servers and the APIs behind them.
//!
//! Every request is limited in time, in the size of its answer and in where it goes. Redirects are
//! not followed, since they would carry secrets elsewhere. Nothing is retried, since only the
//! caller knows whether a request may be sent twice.

use std::cell::Cell;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{self, HeaderName};
use reqwest::{RequestBuilder, Response};
use tokio::runtime::{self, Runtime};
use zeroize::Zeroizing;

pub(crate) use super::authentication::Authentication;
use super::body::Body;
use super::cause::cause;
pub(crate) use super::fault::Fault;
pub(crate) use super::http_client::check;
use super::http_client::{client, client_of, guard};
use super::json_object::json_object;
use super::network::{self, Guard};
use super::retry_after::{http_date, parse_retry_after};
use super::sent_secrets::SentSecrets;
use super::tls;
use super::told::ToldRequest;
use crate::boot_clock::Moment;
use crate::model::address::Address;
use crate::model::client_certificate::TlsSettings;
use crate::model::credential::ApiHeader;
use crate::model::reach::Reach;
use crate::secret::SecretText;

/// The time for the whole request. A token endpoint that needs longer does not answer at all.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(25);

/// The interval at which a request that has no answer looks whether the machine slept meanwhile.
const WAKE_CHECK: Duration = Duration::from_secs(1);

/// The answer of a server.
pub(crate) struct Answer {
    pub(crate) authority: String,
    pub(crate) status: u16,
    /// The pause that the server asks for (RFC 9110 §10.2.3).
    pub(crate) retry_after: Option<Duration>,
    /// The server's own time (RFC 9110 §6.6.1).
    pub(crate) date: Option<Timestamp>,
    /// The address that a redirect names (RFC 9110 §10.2.2), which is not followed here.
    pub(crate) location: Option<String>,
    /// The challenges that say what the server wants (RFC 9110 §11.6.1), those of several headers
    /// with commas between them.
    pub(crate) challenge: Option<String>,
    /// The media type that the server names (RFC 9110 §8.3).
    pub(crate) content_type: Option<String>,
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// The widest network in which the server was found, as far as that was watched: see
    /// [`fetch_watched`].
    pub(crate) reach: Reach,
    /// The secrets of the request, which are masked in any text of the answer.
    pub(crate) sent: SentSecrets,
}

#[cfg(any(test, fuzzing))]
impl Answer {
    /// Returns an answer to a request that held no secret.
    #[cfg(test)]
    pub(crate) fn made_up(status: u16, body: &str) -> Self {
        Self::of_bytes(status, body.as_bytes())
    }

    /// Returns an answer to a request that held no secret, of which any server may have sent the body.
    pub(crate) fn of_bytes(status: u16, body: &[u8]) -> Self {
        Self {
            authority: "id.example".into(),
            status,
            retry_after: None,
            date: None,
            location: None,
            challenge: None,
            content_type: None,
            body: Zeroizing::new(body.to_vec()),
            reach: Reach::Public,
            sent: SentSecrets::default(),
        }
    }
}

/// Sends `form` with POST, and gives up after `timeout`.
pub(crate) fn post<'tls>(
    address: &Address,
    tls: impl Into<TlsSettings<'tls>>,
    authentication: &Authentication<'_>,
    form: &[(&str, &str)],
    timeout: Duration,
) -> Result<Answer, Fault> {
    let request = client(address, tls.into())?.post(address.url().clone()).form(form);
    send("POST", address, request, authentication, form, timeout)
}

/// Sends `fields` with POST as a JSON object of texts, and gives up after `timeout`. A field that
/// comes several times is a list there.
pub(crate) fn post_json<'tls>(
    address: &Address,
    tls: impl Into<TlsSettings<'tls>>,
    authentication: &Authentication<'_>,
    fields: &[(&str, &str)],
    timeout: Duration,
) -> Result<Answer, Fault> {
    let request = client(address, tls.into())?.post(address.url().clone());
    let request = request.json(&json_object(fields));
    send("POST", address, request, authentication, fields, timeout)
}

/// Sends `document` with POST as JSON, with `headers` besides, and gives up after `timeout`.
pub(crate) fn post_document<'tls>(
    address: &Address,
    tls: impl Into<TlsSettings<'tls>>,
    authentication: &Authentication<'_>,
    headers: &[(&str, &str)],
    document: &serde_json::Value,
    timeout: Duration,
) -> Result<Answer, Fault> {
    let mut request = client(address, tls.into())?.post(address.url().clone());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send("POST", address, request.json(document), authentication, headers, timeout)
}

/// Sends `document` with POST as JSON, with `headers` and without a token, to a server that is watched
/// as by [`fetch_watched`].
pub(crate) fn post_watched<'tls>(
    address: &Address,
    tls: impl Into<TlsSettings<'tls>>,
    headers: &[(&str, &str)],
    document: &serde_json::Value,
) -> Result<Answer, Fault> {
    let guard = guard(address)?.or_else(|| Guard::watching(address));
    let mut request = client_of(address, tls.into(), guard)?.post(address.url().clone());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send("POST", address, request.json(document), &Authentication::None, &[], REQUEST_TIMEOUT)
}

/// Sends a DELETE, with `fields` as a JSON object of texts if there are any.
pub(crate) fn delete<'tls>(
    address: &Address,
    tls: impl Into<TlsSettings<'tls>>,
    authentication: &Authentication<'_>,
    fields: &[(&str, &str)],
) -> Result<Answer, Fault> {
    let request = client(address, tls.into())?.delete(address.url().clone());
    let object = json_object(fields);
    let request = if object.is_empty() { request } else { request.json(&object) };
    send("DELETE", address, request, authentication, fields, REQUEST_TIMEOUT)
}

/// Fetches a JSON document from a service that wants `headers` in addition to the token.
pub(crate) fn fetch_with<'tls>(
    address: &Address,
    tls: impl Into<TlsSettings<'tls>>,
    authentication: &Authentication<'_>,
    headers: &[ApiHeader],
) -> Result<Answer, Fault> {
    let mut request = client(address, tls.into())?.get(address.url().clone());
    for header in headers {
        request = request.header(&header.name, header.value.expose().as_bytes());
    }
    let carried: Vec<_> =
        headers.iter().map(|header| (header.name.as_str(), header.value.expose())).collect();
    send("GET", address, request, authentication, &carried, REQUEST_TIMEOUT)
}

/// Fetches a JSON document.
pub(crate) fn fetch<'tls>(
    address: &Address,
    tls: impl Into<TlsSettings<'tls>>,
    authentication: &Authentication<'_>,
) -> Result<Answer, Fault> {
    fetch_with(address, tls, authentication, &[])
}

/// Fetches a document from a server, and watches in which network it is found: its answer may then
/// name addresses of that network.
pub(crate) fn fetch_watched<'tls>(
    address: &Address,
    tls: impl Into<TlsSettings<'tls>>,
) -> Result<Answer, Fault> {
    let guard = guard(address)?.or_else(|| Guard::watching(address));
    let client = client_of(address, tls.into(), guard)?;
    let request = client.get(address.url().clone());
    send("GET", address, request, &Authentication::None, &[], REQUEST_TIMEOUT)
}

fn add_authentication(
    request: RequestBuilder,
    authentication: &Authentication<'_>,
) -> RequestBuilder {
    let request = request.header(header::ACCEPT, "application/json");
    match authentication {
        Authentication::None => request,
        Authentication::Client { id, secret } => {
            let encoded = |text: &str| -> Zeroizing<String> {
                // The buffer is large enough from the start: one that grows leaves copies of its
                // content behind.
                let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
                encoded.extend(url::form_urlencoded::byte_serialize(text.as_bytes()));
                encoded
            };
            request.basic_auth(encoded(id).as_str(), Some(encoded(secret.expose()).as_str()))
        }
        Authentication::Bearer(token) => request.bearer_auth(token.expose()),
        Authentication::Basic { username, token } => {
            request.basic_auth(username, Some(token.expose()))
        }
        Authentication::Header { name, token } => request.header(*name, token.expose().as_bytes()),
    }
}

thread_local! {
    /// A runtime for each thread: if threads shared one, each would wait for the others' requests.
    static RUNTIME: Cell<Option<Runtime>> = const { Cell::new(None) };
}

/// Sends `request`, which carries `fields` in its body or its head, and reads the whole answer.
fn send(
    method: &'static str,
    address: &Address,
    request: RequestBuilder,
    authentication: &Authentication<'_>,
    fields: &[(&str, &str)],
    timeout: Duration,
) -> Result<Answer, Fault> {
    let request = add_authentication(request, authentication).timeout(timeout);
    let sent = SentSecrets::of(authentication, fields);
    let build = || runtime::Builder::new_current_thread().enable_all().build();
    let runtime = RUNTIME.take().map_or_else(build, Ok).map_err(|error| Fault::NotSent {
        authority: address.authority(),
        why: cause(&error),
        is_untrusted: false,
    })?;
    let told = ToldRequest::begin(method, address, fields, &sent);
    // The timeout of the request covers the body as well. It does not count the time for which the
    // machine sleeps, but other processes do: for them the request is over by then.
    let reading = read_answer(address, request, sent);
    let answer = runtime.block_on(awake_within(timeout, reading, Moment::now));
    let answer = answer.unwrap_or_else(|| {
        let (authority, why) = (address.authority(), "the machine slept meanwhile".to_owned());
        Err(Fault::Unanswered { authority, why })
    });
    match &answer {
        Ok(answer) => told.end(answer.status),
        Err(fault) => told.end(fault.word()),
    }
    if answer.is_ok() {
        RUNTIME.set(Some(runtime));
    } else {
        // Does not wait for a name that is still being looked up, and keeps no connection.
        runtime.shutdown_background();
    }
    answer
}

/// Runs `work` to its end; returns `None` if it is not done once `bound` has passed by `clock`,
/// which goes on while the machine sleeps.
///
/// `work` has a time limit of its own, by a clock that stands still then. What is done when the
/// machine wakes counts, however late it is.
async fn awake_within<T>(
    bound: Duration,
    work: impl Future<Output = T>,
    clock: impl Fn() -> Moment,
) -> Option<T> {
    let began = clock();
    let mut work = std::pin::pin!(work);
    loop {
        if let Ok(done) = tokio::time::timeout(WAKE_CHECK, &mut work).await {
            return Some(done);
        }
        if began.elapsed(&clock()).is_none_or(|elapsed| elapsed > bound + WAKE_CHECK) {
            return None;
        }
    }
}

async fn read_answer(
    address: &Address,
    request: RequestBuilder,
    sent: SentSecrets,
) -> Result<Answer, Fault> {
    let authority = address.authority();
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) => {
            let not_sent = error.is_connect() || error.is_builder();
            if let Some(why) = network::refusal(&error) {
                return Err(Fault::Forbidden { authority, why });
            }
            let why = cause(&error);
            return Err(if tls::is_about_client_certificate(&error) {
                Fault::CertificateRefused { authority, why }
            } else if not_sent {
                let is_untrusted = tls::is_untrusted_server(&error);
                Fault::NotSent { authority, why, is_untrusted }
            } else {
                Fault::Unanswered { authority, why }
            });
        }
    };
    let status = response.status().as_u16();
    let date = header_text(&response, &header::DATE).and_then(http_date);
    let retry_after = header_text(&response, &header::RETRY_AFTER)
        .and_then(|value| parse_retry_after(value, date));
    let location = header_text(&response, &header::LOCATION).map(ToOwned::to_owned);
    let challenge = challenges(&response);
    let content_type = header_text(&response, &header::CONTENT_TYPE).map(ToOwned::to_owned);
    let mut body = Body::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.add(&chunk) => {}
            Ok(Some(_)) => {
                let why = "it is longer than 1 MiB".into();
                return Err(Fault::Unreadable { authority, why });
            }
            Ok(None) => {
                let (body, reach) = (body.whole(), network::seen(address));
                return Ok(Answer {
                    authority,
                    status,
                    retry_after,
                    date,
                    location,
                    challenge,
                    content_type,
                    body,
                    reach,
                    sent,
                });
            }
            Err(error) => {
                let why = cause(&error);
                return Err(Fault::Unreadable { authority, why });
            }
        }
    }
}

/// Returns the values of all headers with a challenge, with commas between them (RFC 9110 §5.3).
fn challenges(response: &Response) -> Option<String> {
    let values = response.headers().get_all(header::WWW_AUTHENTICATE);
    let texts: Vec<&str> = values.iter().filter_map(|value| value.to_str().ok()).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

fn header_text<'a>(response: &'a Response, name: &HeaderName) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Runs `work` with a time limit of 25 s on a machine that sleeps for an hour meanwhile.
    fn while_the_machine_sleeps<T>(work: impl Future<Output = T>) -> Option<T> {
        let readings = Cell::new(0);
        let clock = || Moment::made_up("a", 3_600_000 * readings.replace(readings.get() + 1));
        let runtime = runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(awake_within(REQUEST_TIMEOUT, work, clock))
    }

    #[test]
    fn a_request_that_was_begun_before_a_sleep_ends_once_the_machine_is_awake() {
        let began = Instant::now();
        assert_eq!(while_the_machine_sleeps(std::future::pending::<()>()), None);
        assert!(began.elapsed() < REQUEST_TIMEOUT);
    }

    #[test]
    fn an_answer_that_came_before_the_machine_slept_counts() {
        assert_eq!(while_the_machine_sleeps(async { 7 }), Some(7));
    }

    #[test]
    fn a_request_that_takes_its_time_is_waited_for() {
        let clock = || Moment::made_up("a", 0);
        let runtime = runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let slow = async { tokio::time::sleep(WAKE_CHECK * 2).await };
        assert_eq!(runtime.block_on(awake_within(REQUEST_TIMEOUT, slow, clock)), Some(()));
    }
}
