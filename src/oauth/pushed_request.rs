//! Pushed authorization requests (RFC 9126): the parameters of an authorization request go to the
//! server before the browser does, with the client's proof.

use std::time::Duration;

use jiff::Timestamp;

use super::answer_fields::{self, AnswerText};
use super::client_proof;
use super::error_answer;
use super::http::{self, Answer};
use super::token_error::{Error, Request};
use crate::model::address::Address;
use crate::model::client::Client;
use crate::untrusted::printable;

/// The reference to a pushed request (RFC 9126 §2.2).
#[derive(Debug)]
pub(crate) struct PushedRequest {
    /// The value of `request_uri` for the browser.
    request_uri: String,
    /// The time within which a browser has to come with it, where the server names one.
    pub(crate) expires_in: Option<Duration>,
}

impl PushedRequest {
    /// Returns the parameters with which the browser of the client `id` comes (RFC 9126 §4).
    pub(crate) fn params(&self, id: &str) -> Vec<(String, String)> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![pair("client_id", id), pair("request_uri", &self.request_uri)]
    }
}

/// Pushes the request of `client` with `params` to `endpoint`.
pub(crate) fn push(
    client: &Client,
    endpoint: &Address,
    params: &[(String, String)],
    now: Timestamp,
) -> Result<PushedRequest, Error> {
    let proof = client_proof::prove(client, endpoint, now)?;
    let mut form: Vec<(&str, &str)> =
        params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // Of the client's id there is one already, which every authorization request names.
    form.extend(proof.fields().into_iter().filter(|(name, _)| *name != "client_id"));
    let tls = client.tls();
    let authentication = proof.authentication();
    let answer = http::post(endpoint, tls, &authentication, &form, http::REQUEST_TIMEOUT)?;
    read(&answer).ok_or_else(|| {
        let error = error_answer::read(&answer, Request::Exchange, &client.dialect);
        proof.advise(error.unwrap_or_else(|| no_reference(&answer)))
    })
}

fn read(answer: &Answer) -> Option<PushedRequest> {
    if !(200..=299).contains(&answer.status) {
        return None;
    }
    let text = AnswerText::of(answer);
    let fields = text.fields()?;
    let request_uri = answer_fields::trimmed(fields.text("request_uri")?);
    if request_uri.is_empty() || printable(&request_uri) != request_uri {
        return None;
    }
    let seconds = fields.seconds("expires_in").and_then(|seconds| u64::try_from(seconds).ok());
    Some(PushedRequest { request_uri, expires_in: seconds.map(Duration::from_secs) })
}

fn no_reference(answer: &Answer) -> Error {
    match answer.status {
        200..=299 => {
            error_answer::unexpected(answer, error_answer::unreadable(answer, "no `request_uri`"))
        }
        _ => error_answer::no_verdict(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_and_none_that_could_not_be_printed() {
        let good = r#"{"request_uri":"urn:made-up:1","expires_in":"60"}"#;
        let pushed = read(&Answer::made_up(201, good)).unwrap();
        assert_eq!(pushed.request_uri, "urn:made-up:1");
        assert_eq!(pushed.expires_in, Some(Duration::from_secs(60)));
        for (status, body) in [
            (201, "{}"),
            (200, r#"{"request_uri":""}"#),
            (200, "{\"request_uri\":\"urn:\\u001b[2J\"}"),
            (400, good),
            (302, ""),
        ] {
            assert!(read(&Answer::made_up(status, body)).is_none(), "{body}");
        }
        let told = no_reference(&Answer::made_up(200, "{\"a\":1}")).to_string();
        assert!(told.contains("no `request_uri`"), "{told}");
    }
}
