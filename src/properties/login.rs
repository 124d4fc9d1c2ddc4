//! A login that waits, and an independent rule for what may count as its answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use url::form_urlencoded;

use super::input::{Setting, replace_all};
use super::printed_text;
use crate::model::jwt;
use crate::oauth::authorization_response::{
    self, AuthorizationResponse, ExpectedResponse, Rejection,
};
use crate::oauth::redirect_uri::RedirectUri;
use crate::oauth::unguessable::Unguessable;
use crate::providers::shopify::ResponseCheck;
use crate::secret::{ClientSecret, SecretText};

const ISSUER: &str = "https://as.example";
const SECRET: &str = "made-up-secret";
const SHOP: &str = "made-up.myshopify.com";
const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

pub(super) struct Login {
    pub(super) expected: ExpectedResponse,
    pub(super) redirect_uri: RedirectUri,
    signed: bool,
}

impl Login {
    /// Makes a login from the words of a setting: `issuer` (the issuer is known), `promised` (the
    /// response must name it), `shopify` (Shopify's check is made), and the host of the redirect
    /// URI.
    pub(super) fn new(setting: &Setting<'_>) -> Self {
        let host = ["localhost", "[::1]"].into_iter().find(|host| setting.has(host));
        let port = setting.number::<u16>().filter(|port| *port != 0).unwrap_or(4321);
        let uri = format!("http://{}:{port}/callback/acme", host.unwrap_or("127.0.0.1"));
        let signed = setting.has("shopify");
        let check = || {
            let secret = ClientSecret::from_trusted(SECRET.into());
            Arc::new(ResponseCheck { secret, shop: SHOP.into(), clock: || NOW }) as Arc<_>
        };
        Self {
            expected: ExpectedResponse {
                state: Unguessable::random().expect("random bytes"),
                issuer: setting.has("issuer").then(|| ISSUER.into()),
                issuer_required: setting.has("promised"),
                check: signed.then(check),
            },
            redirect_uri: uri.parse().expect("a redirect URI as tokctl makes it"),
            signed,
        }
    }

    /// Returns `text` with the login's state for `STATE`, and the right HMAC of the query in it for
    /// `HMAC`.
    pub(super) fn fill_in(&self, text: &[u8]) -> Vec<u8> {
        let text = replace_all(text, "STATE", self.expected.state.expose().as_bytes());
        let query = text.split(|byte| *byte == b'?').nth(1).unwrap_or_default();
        let query = query.split(|byte| b" #\r\n".contains(byte)).next().unwrap_or_default();
        replace_all(&text, "HMAC", hmac(&parameters(query)).as_bytes())
    }

    /// Parses `query`, and asserts that only this login's answer is accepted.
    pub(super) fn parse(&self, query: &str) -> Result<AuthorizationResponse, Rejection> {
        let outcome = authorization_response::parse(query, &self.expected);
        let sent = parameters(query.as_bytes());
        let all = |name: &str| -> Vec<&str> {
            sent.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect()
        };
        let filled = |name| all(name).into_iter().filter(|value| !value.is_empty()).count();
        let is_own = all("state") == [self.expected.state.expose()];
        match &outcome {
            Ok(AuthorizationResponse::Jwt) => {
                let claims = jwt::claims(&all("response").concat()).expect("a JWT that is signed");
                assert_eq!(claims["state"], self.expected.state.expose());
                assert!(filled("code") == 0 && filled("error") == 0);
            }
            Ok(answer) => {
                assert!(is_own, "accepted without the state");
                let issuer = all("iss").concat();
                assert!(
                    all("iss").len() <= 1 && !(self.expected.issuer_required && issuer.is_empty())
                );
                let known = self.expected.issuer.as_deref();
                assert!(issuer.is_empty() || known.is_none_or(|known| known == issuer));
                match answer {
                    AuthorizationResponse::Code(code) => {
                        assert_eq!(all("code"), [code.expose()], "exactly one code");
                        assert!(!code.expose().is_empty() && filled("error") == 0);
                        assert!(!self.signed || is_signed(&sent), "without Shopify's proof");
                    }
                    AuthorizationResponse::Refused { error, description } => {
                        assert!(filled("error") == 1 && filled("code") == 0);
                        printed_text::assert_harmless(error);
                        printed_text::assert_harmless(description.as_deref().unwrap_or_default());
                    }
                    AuthorizationResponse::Jwt => unreachable!("judged above"),
                }
            }
            Err(rejected) => {
                printed_text::assert_harmless(&rejected.to_string());
                assert!(is_own || !rejected.is_mix_up(), "a stranger ends the login");
            }
        }
        outcome
    }
}

/// Describes an outcome, so that two of them can be compared.
pub(super) fn describe(outcome: &Result<AuthorizationResponse, Rejection>) -> String {
    match outcome {
        Ok(AuthorizationResponse::Code(code)) => format!("code {}", code.expose()),
        Ok(AuthorizationResponse::Refused { error, description }) => {
            format!("refused {error} {description:?}")
        }
        Ok(AuthorizationResponse::Jwt) => "a JWT".to_owned(),
        Err(rejected) => format!("rejected {rejected}"),
    }
}

fn parameters(query: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(query).into_owned().collect()
}

/// Whether Shopify's rule holds: an HMAC over all other parameters, the right shop, and a time near
/// now.
fn is_signed(sent: &[(String, String)]) -> bool {
    let has = |name: &str, value: &str| sent.contains(&(name.to_owned(), value.to_owned()));
    let names = sent.iter().map(|(name, _)| name).collect::<std::collections::BTreeSet<_>>();
    let near = (NOW.as_second() - 90..=NOW.as_second() + 90).any(|second| {
        sent.iter().any(|(name, at)| name == "timestamp" && at.parse() == Ok(second))
    });
    names.len() == sent.len() && has("hmac", &hmac(sent)) && has("shop", SHOP) && near
}

fn hmac(sent: &[(String, String)]) -> String {
    let signed: BTreeMap<&String, &String> = sent
        .iter()
        .filter(|(name, _)| name != "hmac" && name != "signature")
        .map(|(name, value)| (name, value))
        .collect();
    let message = form_urlencoded::Serializer::new(String::new()).extend_pairs(signed).finish();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length will do");
    mac.update(message.as_bytes());
    HEXLOWER.encode(&mac.finalize().into_bytes())
}
