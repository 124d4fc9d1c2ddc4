//! Dynamic client registration (RFC 7591), and its end (RFC 7592).
//!
//! A registration is sent once and never again by itself: each one that a server takes is a client
//! more there.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer_fields::{AnswerText, Fields};
use super::device_polling::DEVICE_CODE;
use super::http::{self, Answer, Authentication, Fault};
use super::metadata::Metadata;
use crate::model::address::Address;
use crate::model::client_authentication::TokenEndpointAuthMethod;
use crate::model::reach::Reach;
use crate::model::registration::{Management, Registration};
use crate::secret::{AccessToken, ClientSecret, SecretText};
use crate::untrusted::printable;

/// The reason why a server registered no client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The server refuses it: another try would fare no better.
    #[error("`{authority}` registers no client: {reason}")]
    Refused { authority: String, reason: String },
    /// The answer is no registration, or one that tokctl can't use.
    #[error("the registration at `{authority}` can't be used: {why}")]
    Unusable { authority: String, why: &'static str },
    /// The server is in trouble, or wants fewer requests: a later try may succeed.
    #[error("`{authority}` answered with HTTP {status} when asked to register a client")]
    Trouble { authority: String, status: u16 },
    /// No answer came: a later try may succeed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The fault of a registration whose client has to prove itself in a way that nobody offered.
const UNKNOWN_METHOD: &str = "it wants another authentication than was asked for";

/// A client that was registered.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) id: String,
    pub(crate) secret: Option<ClientSecret>,
    pub(crate) method: TokenEndpointAuthMethod,
    pub(crate) registration: Registration,
}

/// Registers a client at `endpoint` that asks for `scopes`. The browser comes back to it at
/// `redirect_uri`; without one, its logins go by a code on another device (RFC 8628).
pub(crate) fn register(
    endpoint: &Address,
    trusted_certificates: Option<&str>,
    metadata: &Metadata,
    redirect_uri: Option<&str>,
    scopes: &str,
) -> Result<Registered, Error> {
    let asked = method(metadata);
    let send = |scopes| {
        let document = request(asked, redirect_uri, scopes);
        let (nobody, timeout) = (Authentication::None, http::REQUEST_TIMEOUT);
        http::post_document(endpoint, trusted_certificates, &nobody, &[], &document, timeout)
    };
    let mut answer = send(scopes)?;
    if !scopes.is_empty() && refuses_scopes(&answer) {
        // A server that knows none of a resource's scopes as its own: the login asks for them.
        answer = send("")?;
    }
    read(&answer, endpoint, redirect_uri, asked)
}

/// Whether a server refuses a client for the scopes that it would ask for: then it has registered
/// none.
fn refuses_scopes(answer: &Answer) -> bool {
    let text = AnswerText::of(answer);
    let said = words(text.fields().as_ref()).unwrap_or_default();
    answer.status == 400 && said.starts_with("invalid_client_metadata") && said.contains("scope")
}

/// Returns the authentication that a client on a person's machine asks for: none, where the server
/// takes such clients; else a secret in the form, which no server decodes in a way of its own; else
/// one in the header, which a server that names no method takes (RFC 8414 §2).
fn method(metadata: &Metadata) -> TokenEndpointAuthMethod {
    let known = metadata.auth_methods().unwrap_or_default();
    let takes = |method: &str| known.iter().any(|one| one == method);
    if takes("none") {
        TokenEndpointAuthMethod::None
    } else if takes("client_secret_post") {
        TokenEndpointAuthMethod::ClientSecretPost
    } else {
        TokenEndpointAuthMethod::ClientSecretBasic
    }
}

/// Returns the metadata of the client (RFC 7591 §2).
fn request(method: TokenEndpointAuthMethod, redirect_uri: Option<&str>, scopes: &str) -> Value {
    // Without an authorization endpoint nothing is redirected, and there is no type of a response.
    let (grant, response_types) = match redirect_uri {
        Some(_) => ("authorization_code", &["code"][..]),
        None => (DEVICE_CODE, &[][..]),
    };
    let mut document = json!({
        "client_name": "tokctl",
        "application_type": "native",
        "redirect_uris": redirect_uri.as_slice(),
        "grant_types": [grant, "refresh_token"],
        "response_types": response_types,
        "token_endpoint_auth_method": method,
        "software_id": "tokctl",
        "software_version": env!("CARGO_PKG_VERSION"),
    });
    if !scopes.is_empty() {
        document["scope"] = scopes.into();
    }
    document
}

/// Reads the answer to a registration (RFC 7591 §3.2). `asked` is the method that was asked for, which
/// a server may replace.
pub(crate) fn read(
    answer: &Answer,
    endpoint: &Address,
    redirect_uri: Option<&str>,
    asked: TokenEndpointAuthMethod,
) -> Result<Registered, Error> {
    let authority = || answer.authority.clone();
    let text = AnswerText::of(answer);
    let fields = text.fields();
    match answer.status {
        200 | 201 => {}
        status @ (429 | 500..) => return Err(Error::Trouble { authority: authority(), status }),
        status => {
            let reason = words(fields.as_ref()).unwrap_or_else(|| format!("HTTP {status}"));
            return Err(Error::Refused { authority: authority(), reason });
        }
    }
    let unusable = |why| Error::Unusable { authority: authority(), why };
    let fields = fields.ok_or_else(|| unusable("it is no JSON object"))?;
    let id = filled(&fields, "client_id").ok_or_else(|| unusable("it has no client id"))?;
    if id.chars().any(char::is_control) {
        return Err(unusable("its client id holds a control character"));
    }
    let method = match fields.value("token_endpoint_auth_method") {
        None => asked,
        Some(word) => serde_json::from_str(word.get()).map_err(|_| unusable(UNKNOWN_METHOD))?,
    };
    let secret = match method {
        TokenEndpointAuthMethod::None => None,
        TokenEndpointAuthMethod::PrivateKeyJwt
        | TokenEndpointAuthMethod::TlsClientAuth
        | TokenEndpointAuthMethod::SelfSignedTlsClientAuth => {
            return Err(unusable(UNKNOWN_METHOD));
        }
        TokenEndpointAuthMethod::ClientSecretBasic | TokenEndpointAuthMethod::ClientSecretPost => {
            let secret = filled(&fields, "client_secret")
                .ok_or_else(|| unusable("it has no client secret, and wants one"))?;
            Some(ClientSecret::from_trusted(secret))
        }
    };
    let taken: Option<Vec<String>> =
        fields.value("redirect_uris").and_then(|list| serde_json::from_str(list.get()).ok());
    let is_other = |taken: Vec<String>, own| taken.iter().all(|one| one != own);
    if taken.zip(redirect_uri).is_some_and(|(taken, own)| is_other(taken, own)) {
        return Err(unusable("it is for another redirect URI"));
    }
    Ok(Registered {
        id,
        secret,
        method,
        registration: Registration {
            redirect_uri: redirect_uri.map(str::to_owned),
            secret_ends_at: ends_at(&fields),
            management: management(&fields, endpoint, answer.reach),
        },
    })
}

/// Returns the server's own words in a refusal (RFC 7591 §3.2.2), safe to print.
fn words(fields: Option<&Fields<'_>>) -> Option<String> {
    let text = |name| filled(fields?, name);
    let (error, description) = (text("error"), text("error_description"));
    let words: Vec<String> = error.into_iter().chain(description).collect();
    (!words.is_empty()).then(|| printable(&words.join(", ")))
}

/// Returns a text that is not empty.
fn filled(fields: &Fields<'_>, name: &str) -> Option<String> {
    let mut text = fields.text(name).filter(|text| !text.is_empty())?;
    Some(std::mem::take(&mut *text))
}

/// Reads the end of a secret, in seconds since the epoch; 0 stands for none (RFC 7591 §3.2.1).
fn ends_at(fields: &Fields<'_>) -> Option<Timestamp> {
    let seconds = fields.seconds("client_secret_expires_at").filter(|seconds| *seconds > 0)?;
    Timestamp::from_second(seconds).ok()
}

/// Returns the means to unregister the client. An endpoint at another origin than that of the
/// registration is not used.
fn management(fields: &Fields<'_>, endpoint: &Address, reach: Reach) -> Option<Management> {
    let address: Address = filled(fields, "registration_client_uri")?.parse().ok()?;
    if address.url().origin() != endpoint.url().origin() {
        return None;
    }
    let token = filled(fields, "registration_access_token")?;
    let token = AccessToken::parse_issued(token).ok()?;
    Some(Management { address: address.within(endpoint.reach().min(reach)), token })
}

/// What a server says of a client that it registered.
pub(crate) enum Reading {
    /// The server does not know the client, or its registration, any more.
    Forgotten,
    /// The client is known, or nothing was learned. A server may replace the means of later requests and
    /// the secret with each reading: these count from now on.
    Kept { management: Option<Management>, secret: Option<ClientSecret> },
}

/// Reads the registration of a client (RFC 7592 §2.1).
pub(crate) fn look_up(management: &Management, trusted_certificates: Option<&str>) -> Reading {
    let authentication = Authentication::Bearer(&management.token);
    let asked = http::fetch_with(&management.address, trusted_certificates, &authentication, &[]);
    match asked {
        // A 403 is about a client that is there, and may not read its registration.
        Ok(answer) if matches!(answer.status, 401 | 404) => Reading::Forgotten,
        Ok(answer) if answer.status == 200 => {
            let text = AnswerText::of(&answer);
            let fields = text.fields();
            let renewed = |fields| self::management(fields, &management.address, answer.reach);
            let secret = |fields| filled(fields, "client_secret").map(ClientSecret::from_trusted);
            Reading::Kept {
                management: fields.as_ref().and_then(renewed),
                secret: fields.as_ref().and_then(secret),
            }
        }
        Ok(_) | Err(_) => Reading::Kept { management: None, secret: None },
    }
}

/// Unregisters a client (RFC 7592 §2.3). One that the server does not know counts as unregistered.
pub(crate) fn unregister(
    management: &Management,
    trusted_certificates: Option<&str>,
) -> Result<(), Error> {
    let authentication = Authentication::Bearer(&management.token);
    let answer = http::delete(&management.address, trusted_certificates, &authentication, &[])?;
    match answer.status {
        200..=299 | 401 | 403 | 404 => Ok(()),
        status @ (429 | 500..) => Err(Error::Trouble { authority: answer.authority, status }),
        status => Err(Error::Refused {
            authority: answer.authority,
            reason: printable(&format!("HTTP {status}")),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REDIRECT: &str = "http://127.0.0.1:5000/callback/a";

    fn endpoint() -> Address {
        "https://id.example/register".parse().unwrap()
    }

    fn registered(status: u16, body: &str) -> Result<Registered, Error> {
        let asked = TokenEndpointAuthMethod::None;
        read(&Answer::made_up(status, body), &endpoint(), Some(REDIRECT), asked)
    }

    #[test]
    fn a_registration_is_read_with_what_the_server_changed() {
        let whole = r#"{"client_id":"made-up","client_secret":"made-up-secret","client_secret_expires_at":0,
            "token_endpoint_auth_method":"client_secret_post","registration_access_token":"made-up-token",
            "registration_client_uri":"https://id.example/register/made-up"}"#;
        let found = registered(201, whole).unwrap();
        assert_eq!(found.method, TokenEndpointAuthMethod::ClientSecretPost);
        assert!(found.secret.is_some() && found.registration.secret_ends_at.is_none());
        assert!(found.registration.management.is_some());
        let elsewhere = whole.replace("https://id.example/register/", "https://evil.example/");
        assert!(registered(201, &elsewhere).unwrap().registration.management.is_none());
        let public = registered(200, r#"{"client_id":"made-up","client_secret":"unwanted"}"#);
        assert!(public.unwrap().secret.is_none());
    }

    #[test]
    fn what_can_not_be_used_is_told() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"client_id":""}"#,
            r#"{"client_id":"a\u001b"}"#,
            r#"{"client_id":"a","token_endpoint_auth_method":"private_key_jwt"}"#,
            r#"{"client_id":"a","token_endpoint_auth_method":"client_secret_basic"}"#,
            r#"{"client_id":"a","redirect_uris":["https://evil.example"]}"#,
        ] {
            assert!(matches!(registered(201, body), Err(Error::Unusable { .. })), "{body}");
        }
        let refusal = r#"{"error":"invalid_redirect_uri","error_description":"no loopback"}"#;
        match registered(400, refusal).unwrap_err() {
            Error::Refused { reason, .. } => {
                assert_eq!(reason, "invalid_redirect_uri, no loopback");
            }
            other => panic!("{other}"),
        }
        assert!(matches!(registered(503, ""), Err(Error::Trouble { .. })));
    }
}
