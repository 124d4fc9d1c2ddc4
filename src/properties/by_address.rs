//! The properties of what servers say in a login by address: challenges, the metadata of resources,
//! and registrations.

use url::Url;

use super::input::Setting;
use super::printed_text;
use crate::model::address::Address;
use crate::model::client_authentication::TokenEndpointAuthMethod;
use crate::model::reach::Reach;
use crate::model::resource::{covers, provider_name};
use crate::oauth::http::Answer;
use crate::oauth::{challenge, registration, resource_metadata};

const ASKED: &str = "https://mcp.example/made-up/mcp";
const ENDPOINT: &str = "https://id.example/register";
const REDIRECT_URI: &str = "http://127.0.0.1:5000/callback/acme";

/// Checks what is made of a server's words. The input is a setting, with one of the words `challenge`,
/// `resource`, `registration` and `name`, and perhaps an HTTP status; then what the server sent.
///
/// # Panics
///
/// If the token of one resource would be asked for on behalf of another, an address leaves the network
/// of the server that named it, a client is taken that was not asked for, or an error is not safe to
/// print.
pub fn by_address(data: &[u8]) {
    let Some((setting, body)) = Setting::split(data) else { return };
    if setting.has("challenge") {
        challenges(&String::from_utf8_lossy(body));
    } else if setting.has("resource") {
        resources(body);
    } else if setting.has("registration") {
        registrations(setting.number().unwrap_or(201), body);
    } else if setting.has("name") {
        names(&String::from_utf8_lossy(body));
    }
}

fn challenges(header: &str) {
    let Some(found) = challenge::bearer(header) else { return };
    let texts = [&found.resource_metadata, &found.scope, &found.error];
    for text in texts.into_iter().flatten() {
        // Every letter of a value stands in the header, in this order.
        let mut letters = header.chars();
        assert!(text.chars().all(|letter| letters.any(|other| other == letter)), "{text:?}");
    }
    assert!(header.to_ascii_lowercase().contains("bearer"));
}

fn resources(document: &[u8]) {
    let asked: Address = ASKED.parse().expect("an address");
    for reach in [Reach::Public, Reach::Private, Reach::Loopback] {
        let found = match resource_metadata::read(document, &asked, reach) {
            Ok(Some(found)) => found,
            Ok(None) => continue,
            Err(error) => return printed_text::assert_harmless(&error.to_string()),
        };
        let resource = Url::parse(&found.resource).expect("the identifier is an address");
        assert_eq!(resource.origin(), asked.url().origin(), "a token for another server");
        assert!(covers(&resource, asked.url()), "{resource} is another resource");
        let below = format!("{}/", resource.path().trim_end_matches('/'));
        assert!(format!("{}/", asked.url().path()).starts_with(&below));
        assert!(!found.servers.is_empty());
        for server in &found.servers {
            assert!(server.reach() <= reach, "{server} may lie nearer than who named it");
            assert!(server.url().scheme() == "https" || server.is_loopback());
        }
    }
}

fn registrations(status: u16, body: &[u8]) {
    let endpoint: Address = ENDPOINT.parse().expect("an address");
    let endpoint = endpoint.within(Reach::Public);
    let answer = Answer::of_bytes(status, body);
    let asked = TokenEndpointAuthMethod::None;
    let found = match registration::read(&answer, &endpoint, Some(REDIRECT_URI), asked) {
        Ok(found) => found,
        Err(error) => return printed_text::assert_harmless(&error.to_string()),
    };
    assert!([200, 201].contains(&status), "{status} is no registration");
    assert!(!found.id.is_empty() && !found.id.chars().any(char::is_control));
    assert_eq!(found.registration.redirect_uri.as_deref(), Some(REDIRECT_URI));
    match found.method {
        TokenEndpointAuthMethod::None => assert!(found.secret.is_none()),
        TokenEndpointAuthMethod::ClientSecretBasic | TokenEndpointAuthMethod::ClientSecretPost => {
            assert!(found.secret.is_some());
        }
        TokenEndpointAuthMethod::PrivateKeyJwt
        | TokenEndpointAuthMethod::TlsClientAuth
        | TokenEndpointAuthMethod::SelfSignedTlsClientAuth => {
            panic!("nobody offered a key or a certificate")
        }
    }
    if let Some(management) = &found.registration.management {
        assert_eq!(management.address.url().origin(), endpoint.url().origin());
        assert_eq!(management.address.reach(), Reach::Public);
    }
}

fn names(text: &str) {
    let Ok(address) = text.trim().parse::<Address>() else { return };
    // A host's own name may end in a number, too: the one of another service there is passed over then.
    let names = [1, 2, 3].map(|nth| provider_name(&address, nth));
    assert_ne!(names[1], names[2]);
    assert!(names[1].as_str().ends_with("-2"));
}
