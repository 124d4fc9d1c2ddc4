//! Token introspection (RFC 7662): an authorization server's own word on a token.

use jiff::Timestamp;
use serde_json::Value;

use super::client_proof;
use super::error_answer;
use super::http::{self, Answer, Fault};
use super::protected_resource::{CheckAnswer, NoVerdict, Verdict};
use super::token::ResponseMeta;
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::dialect::Dialect;
use crate::secret::{AccessToken, SecretText};

/// Asks the server at `endpoint` whether `token`, which it issued to `client`, is active.
pub(crate) fn ask(
    client: &Client,
    endpoint: &Address,
    token: &AccessToken,
    now: Timestamp,
) -> Result<CheckAnswer, Fault> {
    let proof = client_proof::prove(client, endpoint, now)
        .map_err(|error| Fault::Setup { why: error.to_string() })?;
    let mut form = vec![("token", token.expose()), ("token_type_hint", "access_token")];
    form.extend(proof.fields());
    let authentication = proof.authentication();
    let answer = http::post(endpoint, client.tls(), &authentication, &form, http::REQUEST_TIMEOUT)?;
    let meta = ResponseMeta { status: answer.status, date: answer.date };
    Ok(CheckAnswer { meta, verdict: verdict(&answer) })
}

fn verdict(answer: &Answer) -> Result<Verdict, NoVerdict> {
    let authority = answer.authority.clone();
    let other = |what: &str| NoVerdict::Other { authority: authority.clone(), what: what.into() };
    match answer.status {
        200..=299 => {
            let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
            match body.as_ref().and_then(|body| body.get("active")).and_then(Value::as_bool) {
                Some(true) => Ok(Verdict::Accepted),
                Some(false) => Ok(Verdict::Refused),
                None => Err(other("something that is no introspection")),
            }
        }
        // It is the client that is refused, and not the token.
        401 => {
            let told = error_answer::code_of(answer, &Dialect::default());
            let told = told.map(|code| answer.sent.redact(&code));
            let reason = told.unwrap_or_else(|| "HTTP 401".into());
            Err(NoVerdict::ClientRefused { authority, reason })
        }
        403 => Err(NoVerdict::Forbidden { authority }),
        429 => Err(NoVerdict::TooManyRequests { authority, retry_after: answer.retry_after }),
        status => Err(other(&format!("HTTP {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_word_of_the_server_counts() {
        let said = |status, body| verdict(&Answer::made_up(status, body)).ok();
        assert_eq!(said(200, r#"{"active":true,"scope":"a"}"#), Some(Verdict::Accepted));
        assert_eq!(said(200, r#"{"active":false}"#), Some(Verdict::Refused));
        for (status, body) in [
            (200, "{}"),
            (200, "<html>"),
            (200, r#"{"active":"yes"}"#),
            (401, r#"{"error":"invalid_client"}"#),
            (500, r#"{"active":false}"#),
        ] {
            assert_eq!(said(status, body), None, "{status} {body}");
        }
    }
}
