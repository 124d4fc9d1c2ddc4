//! Requests to authorization servers and the APIs behind them.
//!
//! Every request has bounds: on time, on the size of the answer, and on where it goes. Redirects
//! are not followed, since they would carry secrets elsewhere; nothing is retried here, since only
//! the caller knows whether a request may be sent twice.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{self, HeaderName};
use reqwest::{Client, RequestBuilder, Response};
use tokio::runtime::{self, Runtime};
use zeroize::Zeroizing;

pub(crate) use super::authentication::Authentication;
use super::confidential::Confidential;
use crate::model::address::Address;
use crate::model::credential::ApiHeader;
use crate::name_service;
use crate::secret::SecretText;

/// For name resolution, TCP and TLS together.
const CONNECT: Duration = Duration::from_secs(5);

/// For the whole request. A token endpoint that needs longer does not answer at all.
pub(crate) const WHOLE: Duration = Duration::from_secs(25);

/// The largest answer that is read, in bytes.
const LARGEST: usize = 1024 * 1024;

/// No server is left alone for longer than this, whatever it asks for.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// Room for an answer to begin with, in bytes: most are shorter.
const ROOM: usize = 4 * 1024;

/// No answer, or none that can be used. What the caller may do next depends on whether the server
/// can have acted on the request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The request was never sent: the server did nothing.
    #[error("could not connect to `{authority}`")]
    NotSent { authority: String, source: Box<dyn Error + Send + Sync> },
    /// The request may have been received and acted upon.
    #[error("no answer from `{authority}`")]
    Unanswered { authority: String, source: reqwest::Error },
    /// The answer broke off, or is longer than any answer of this kind.
    #[error("the answer from `{authority}` could not be read")]
    Unreadable { authority: String, source: Box<dyn Error + Send + Sync> },
    /// A certificate in the definition's `ca_file` is malformed, or TLS can't be set up.
    #[error("could not set up TLS")]
    Setup { source: reqwest::Error },
}

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) authority: String,
    pub(crate) status: u16,
    /// How long the server asks to be left alone (RFC 9110 §10.2.3).
    pub(crate) retry_after: Option<Duration>,
    /// The server's own time (RFC 9110 §6.6.1).
    pub(crate) date: Option<Timestamp>,
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// What it must not be seen to repeat.
    pub(crate) sent: Confidential,
}

/// Sends `form` with POST, and gives it `bound` for everything.
pub(crate) fn post(
    address: &Address,
    trusted_certificates: Option<&str>,
    authentication: &Authentication<'_>,
    form: &[(&str, &str)],
    bound: Duration,
) -> Result<Answer, Fault> {
    let request = client(address, trusted_certificates)?.post(address.url().clone()).form(form);
    send(address, request, authentication, form, bound)
}

/// Sends `fields` with POST as a JSON object of texts, and gives it `bound` for everything.
pub(crate) fn post_json(
    address: &Address,
    trusted_certificates: Option<&str>,
    authentication: &Authentication<'_>,
    fields: &[(&str, &str)],
    bound: Duration,
) -> Result<Answer, Fault> {
    let object: BTreeMap<&str, &str> = fields.iter().copied().collect();
    let request = client(address, trusted_certificates)?.post(address.url().clone()).json(&object);
    send(address, request, authentication, fields, bound)
}

/// Sends a DELETE, with `fields` as a JSON object of texts if there are any.
pub(crate) fn delete(
    address: &Address,
    trusted_certificates: Option<&str>,
    authentication: &Authentication<'_>,
    fields: &[(&str, &str)],
) -> Result<Answer, Fault> {
    let request = client(address, trusted_certificates)?.delete(address.url().clone());
    let object: BTreeMap<&str, &str> = fields.iter().copied().collect();
    let request = if object.is_empty() { request } else { request.json(&object) };
    send(address, request, authentication, fields, WHOLE)
}

/// Fetches a JSON document from a service that wants `headers` beside the token.
pub(crate) fn fetch_with(
    address: &Address,
    trusted_certificates: Option<&str>,
    authentication: &Authentication<'_>,
    headers: &[ApiHeader],
) -> Result<Answer, Fault> {
    let mut request = client(address, trusted_certificates)?.get(address.url().clone());
    for header in headers {
        request = request.header(&header.name, header.value.expose().as_bytes());
    }
    let carried: Vec<_> =
        headers.iter().map(|header| (header.name.as_str(), header.value.expose())).collect();
    send(address, request, authentication, &carried, WHOLE)
}

/// Fetches a JSON document.
pub(crate) fn fetch(
    address: &Address,
    trusted_certificates: Option<&str>,
    authentication: &Authentication<'_>,
) -> Result<Answer, Fault> {
    fetch_with(address, trusted_certificates, authentication, &[])
}

/// Looks whether a client for `address` can be set up at all, such as with those certificates.
pub(crate) fn check(address: &Address, trusted_certificates: Option<&str>) -> Result<(), Fault> {
    client(address, trusted_certificates).map(drop)
}

/// How long a client is used again: the system's certificates and proxies are as it found them.
const CLIENT_LIFE: Duration = Duration::from_mins(10);

/// What a client is set up for.
#[derive(PartialEq)]
struct Setup {
    https: bool,
    loopback: bool,
    trusted_certificates: Option<String>,
}

/// A client for `address`. To set one up takes longer than a request, so all threads share those
/// there are.
fn client(address: &Address, trusted_certificates: Option<&str>) -> Result<Client, Fault> {
    static CLIENTS: Mutex<Vec<(Setup, Instant, Client)>> = Mutex::new(Vec::new());
    let wanted = Setup {
        https: address.url().scheme() == "https",
        loopback: address.is_loopback(),
        trusted_certificates: trusted_certificates.map(ToOwned::to_owned),
    };
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    clients.retain(|(_, since, _)| since.elapsed() < CLIENT_LIFE);
    if let Some((_, _, client)) = clients.iter().find(|(setup, _, _)| *setup == wanted) {
        return Ok(client.clone());
    }
    let client = new_client(address, trusted_certificates)?;
    clients.push((wanted, Instant::now(), client.clone()));
    Ok(client)
}

fn new_client(address: &Address, trusted_certificates: Option<&str>) -> Result<Client, Fault> {
    let setup = |source: reqwest::Error| Fault::Setup { source: source.without_url() };
    name_service::use_built_in_services();
    // Fails only where it was done before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("tokctl/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        // One that was kept may be closed under a request, and nobody would know what became of it.
        .pool_max_idle_per_host(0)
        .https_only(address.url().scheme() == "https");
    if let Some(pem) = trusted_certificates {
        let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(setup)?;
        builder = builder.tls_certs_merge(certificates);
    } else if address.url().scheme() == "http" {
        // Loading the system's certificates takes milliseconds and fails where there are none.
        builder = builder.tls_certs_only([]);
    }
    if address.is_loopback() {
        builder = builder.no_proxy();
    }
    builder.build().map_err(setup)
}

fn authenticated(request: RequestBuilder, authentication: &Authentication<'_>) -> RequestBuilder {
    let request = request.header(header::ACCEPT, "application/json");
    match authentication {
        Authentication::None => request,
        Authentication::Client { id, secret } => {
            let encoded = |text: &str| -> Zeroizing<String> {
                // Room from the start: a buffer that grows leaves copies of its content behind.
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
    /// Each thread has its own: many that shared one would wait for its thread, and it for them.
    static RUNTIME: Cell<Option<Runtime>> = const { Cell::new(None) };
}

/// Sends `request`, which carries `fields` in its body or its head, and waits for all of the answer.
fn send(
    address: &Address,
    request: RequestBuilder,
    authentication: &Authentication<'_>,
    fields: &[(&str, &str)],
    bound: Duration,
) -> Result<Answer, Fault> {
    let request = authenticated(request, authentication).timeout(bound);
    let sent = Confidential::of(authentication, fields);
    let build = || runtime::Builder::new_current_thread().enable_all().build();
    let runtime = RUNTIME.take().map_or_else(build, Ok).map_err(|source| Fault::NotSent {
        authority: address.authority(),
        source: source.into(),
    })?;
    // The bound is on the request, where it covers the body as well.
    let answer = runtime.block_on(answer(address.authority(), request, sent));
    if answer.is_ok() {
        RUNTIME.set(Some(runtime));
    } else {
        // A name that is still being looked up is not waited for, nor is a connection kept.
        runtime.shutdown_background();
    }
    answer
}

async fn answer(
    authority: String,
    request: RequestBuilder,
    sent: Confidential,
) -> Result<Answer, Fault> {
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) => {
            // An error prints the URL, which may hold a secret.
            let not_sent = error.is_connect() || error.is_builder();
            let source = error.without_url();
            return Err(if not_sent {
                Fault::NotSent { authority, source: source.into() }
            } else {
                Fault::Unanswered { authority, source }
            });
        }
    };
    let status = response.status().as_u16();
    let date = field(&response, &header::DATE).and_then(http_date);
    let retry_after = field(&response, &header::RETRY_AFTER).and_then(|value| pause(value, date));
    let mut body = Body::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.add(&chunk) => {}
            Ok(Some(_)) => {
                let source = "it is longer than 1 MiB".into();
                return Err(Fault::Unreadable { authority, source });
            }
            Ok(None) => {
                return Ok(Answer { authority, status, retry_after, date, body: body.0, sent });
            }
            Err(error) => {
                let source = error.without_url().into();
                return Err(Fault::Unreadable { authority, source });
            }
        }
    }
}

/// A body as far as it was read. Room that proves too small is wiped before it goes.
struct Body(Zeroizing<Vec<u8>>);

impl Body {
    fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(ROOM)))
    }

    /// Adds what came next; returns whether the body may be that long.
    fn add(&mut self, chunk: &[u8]) -> bool {
        let length = self.0.len() + chunk.len();
        if length > LARGEST {
            return false;
        }
        if length > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(4 * length));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(chunk);
        true
    }
}

fn field<'a>(response: &'a Response, name: &HeaderName) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// How long a `Retry-After` asks to wait: seconds, or a date (RFC 9110 §10.2.3), which counts by
/// the server's own clock.
fn pause(value: &str, server_time: Option<Timestamp>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds).min(LONGEST_PAUSE));
    }
    let wait: SignedDuration = http_date(value)?.duration_since(server_time?);
    Some(wait.try_into().unwrap_or(Duration::ZERO).min(LONGEST_PAUSE))
}

/// Reads an HTTP date (RFC 9110 §5.6.7) in the form that every server has to send.
fn http_date(value: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_up_to_its_bound() {
        for length in [0, 1, ROOM - 1, ROOM, ROOM + 1, 100_000, LARGEST] {
            let sent: Vec<u8> = (0..=255).cycle().take(length).collect();
            let mut body = Body::new();
            assert!(sent.chunks(1000).all(|chunk| body.add(chunk)));
            assert_eq!(body.0.as_slice(), sent, "{length}");
        }
        let mut body = Body::new();
        assert!(body.add(&vec![7; LARGEST]));
        assert!(!body.add(&[7]));
    }

    #[test]
    fn a_pause_is_read_as_seconds_or_as_a_date() {
        let now = http_date("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(now.unwrap().as_second(), 784_111_777);
        assert_eq!(pause(" 90 ", now), Some(Duration::from_secs(90)));
        assert_eq!(pause("Sun, 06 Nov 1994 08:50:07 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(pause("Sun, 06 Nov 1994 08:49:07 GMT", now), Some(Duration::ZERO));
        assert_eq!(pause("Sun, 06 Nov 1994 08:50:07 GMT", None), None);
        assert_eq!(pause("soon", now), None);
        assert_eq!(pause("-1", now), None);
    }
}
