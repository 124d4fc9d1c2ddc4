//! The property of what an authorization server publishes of itself.

use serde::Deserialize;
use zeroize::Zeroizing;

use super::input::Setting;
use super::printed_text;
use crate::model::address::Address;
use crate::model::definition::Definition;
use crate::model::reach::Reach;
use crate::oauth::discovery::{self, Error};
use crate::oauth::http::Answer;
use crate::oauth::sent_secrets::SentSecrets;
use crate::providers::Provider;

const ISSUER: &str = "https://login.example/made-up/v2.0";
const ANY_TENANT: &str = "https://login.example/{tenantid}/v2.0";

/// The part of a document that decides whether it counts.
#[derive(Deserialize)]
struct Named {
    issuer: String,
}

/// Checks that a document counts only for the issuer that it names, and that no endpoint in it is an
/// address to which a secret must not be sent. The input is a setting, with the HTTP status and the
/// word `location`, and the document, or with that word the address that a redirect names.
///
/// # Panics
///
/// If a document of another issuer is believed, or a redirect leads to another server.
pub fn metadata(data: &[u8]) {
    let Some((setting, body)) = Setting::split(data) else { return };
    let issuer: Address = ISSUER.parse().expect("an issuer");
    let location = setting.has("location").then(|| String::from_utf8_lossy(body).into_owned());
    let answer = Answer {
        authority: "login.example".into(),
        status: setting.number().unwrap_or(200),
        retry_after: None,
        date: None,
        location,
        challenge: None,
        content_type: None,
        body: Zeroizing::new(body.to_vec()),
        reach: Reach::Public,
        sent: SentSecrets::default(),
    };
    match discovery::next_address(&issuer, &issuer, &answer) {
        Ok(Some(next)) => {
            assert!((300..=399).contains(&answer.status));
            assert_eq!(next.url().origin(), issuer.url().origin(), "another server is asked");
        }
        Ok(None) => {}
        Err(error) => assert_is_harmless(&error),
    }
    let found = match discovery::read(&issuer, &answer) {
        Ok(found) => found,
        Err(error) => return assert_is_harmless(&error),
    };
    assert!((200..=299).contains(&answer.status));
    let document = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    // Fields that nobody reads may hold what is not text.
    let Named { issuer: named } = serde_json::from_slice(document).expect("it was read");
    assert!(named == ISSUER || named == ANY_TENANT, "{named:?} is believed");
    let definition = Definition { issuer: Some(ISSUER.into()), ..Definition::default() };
    let provider = Provider { name: "acme".parse().expect("a name"), definition };
    let Ok(endpoints) = provider.endpoints(None, Some(&found)) else { return };
    let others = [&endpoints.authorization, &endpoints.device_authorization, &endpoints.revocation];
    for address in others.into_iter().flatten().chain([&endpoints.token]) {
        let url = address.url();
        assert!(url.scheme() == "https" || address.is_loopback(), "{url} is not safe");
        assert!(url.username().is_empty() && url.password().is_none(), "{url} names a user");
    }
}

fn assert_is_harmless(error: &Error) {
    printed_text::assert_harmless(&error.to_string());
}
