//! The token of a service account of Google's, for somebody who may act in its name
//! (`generateAccessToken` of the IAM Service Account Credentials API).

use std::time::Duration;

use serde_json::{Value, json};

use super::error_answer;
use super::http::{self, Answer, Authentication};
use super::token::{ResponseMeta, TokenOutcome};
use super::token_answer::TokenAnswer;
use super::token_error::Error;
use crate::model::client::Client;
use crate::model::credential::Expiry;
use crate::model::scope::Scopes;
use crate::model::token_type::TokenType;
use crate::model::workload::Impersonation;
use crate::secret::AccessToken;
use crate::untrusted::printable;

/// The scope of a token with which one may ask for the token of a service account.
pub(super) const SCOPE: &str = "https://www.googleapis.com/auth/iam";

/// The header that names the project for which a request counts.
pub(crate) const QUOTA_PROJECT: &str = "x-goog-user-project";

/// Requests a token with `scopes` as the bearer of `token`, and gives up after `timeout`.
pub(super) fn request(
    client: &Client,
    impersonation: &Impersonation,
    token: &AccessToken,
    scopes: &Scopes,
    timeout: Duration,
) -> TokenOutcome {
    let document = json!({
        "delegates": impersonation.delegates,
        "scope": scopes.iter().collect::<Vec<_>>(),
        "lifetime": format!("{}s", impersonation.lifetime),
    });
    let project = impersonation.quota_project.as_deref();
    let headers: Vec<(&str, &str)> =
        project.into_iter().map(|project| (QUOTA_PROJECT, project)).collect();
    let certificates = client.trusted_certificates.as_deref();
    let authentication = Authentication::Bearer(token);
    let endpoint = &impersonation.endpoint;
    match http::post_document(endpoint, certificates, &authentication, &headers, &document, timeout)
    {
        Err(fault) => TokenOutcome { answer: Err(fault.into()), meta: None },
        Ok(answer) => TokenOutcome {
            meta: Some(ResponseMeta { status: answer.status, date: answer.date }),
            answer: read(&answer),
        },
    }
}

/// Reads the token in an answer, or the error (AIP-193).
fn read(answer: &Answer) -> Result<TokenAnswer, Error> {
    let object: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let authority = answer.authority.clone();
    match answer.status {
        200..=299 => {}
        429 => {
            return Err(Error::TooManyRequests { authority, retry_after: answer.retry_after });
        }
        400..=428 | 430..=499 if object["error"].is_object() => {
            let code = text(&object["error"]["status"]).unwrap_or_default().to_lowercase();
            let message = text(&object["error"]["message"]).unwrap_or_default();
            let reason = answer.sent.redact(&format!("{code}, {message}"));
            return Err(Error::ClientRefused { authority, error: printable(&code), reason });
        }
        _ => return Err(error_answer::no_verdict(answer)),
    }
    let token = text(&object["accessToken"]).and_then(|text| AccessToken::parse_issued(text).ok());
    let Some(access_token) = token else { return Err(error_answer::no_verdict(answer)) };
    let end = object["expireTime"].as_str().and_then(|text| text.parse().ok());
    Ok(TokenAnswer {
        access_token,
        token_type: TokenType::Bearer,
        expiry: end.map_or(Expiry::Unknown, Expiry::Known),
        refresh_token: None,
        id_token: None,
        refresh_expires_at: None,
        scopes: None,
        api_base_url: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_token_with_its_end_or_says_what_is_missing() {
        let body = r#"{"accessToken":"made-up","expireTime":"2026-01-01T00:00:00Z"}"#;
        let token = read(&Answer::made_up(200, body)).unwrap();
        assert_eq!(token.expiry, Expiry::Known("2026-01-01T00:00:00Z".parse().unwrap()));
        let denied = r#"{"error":{"code":403,"message":"No","status":"PERMISSION_DENIED"}}"#;
        match read(&Answer::made_up(403, denied)) {
            Err(Error::ClientRefused { error, reason, .. }) => {
                assert_eq!((&*error, &*reason), ("permission_denied", "permission_denied, No"));
            }
            other => panic!("{other:?}"),
        }
        for (status, body) in [(200, "{}"), (403, "<html>"), (503, denied)] {
            let found = read(&Answer::made_up(status, body));
            assert!(matches!(found, Err(Error::NoVerdict { .. })), "{status}");
        }
    }
}
