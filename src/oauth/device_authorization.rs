//! The device authorization request (RFC 8628 §3.1 and §3.2): for the code that a person enters in a
//! browser elsewhere, while tokctl polls the token endpoint (`device_polling.rs`).

use std::time::Duration;

use jiff::Timestamp;

use super::answer_fields::{self, AnswerText};
use super::client_proof;
use super::error_answer;
use super::http::{self, Answer};
use super::token_error::{Error, Request};
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::dialect::Dialect;
use crate::model::request_params::RequestParams;
use crate::model::scope::Scopes;
use crate::secret::{DeviceCode, SecretText};
use crate::untrusted::printable;

/// The interval of polling, in seconds, where the server names none (RFC 8628 §3.2).
const DEFAULT_INTERVAL: u64 = 5;

/// The longest interval that is believed, in seconds: a code that is asked for less often ends first.
pub(super) const MAX_INTERVAL: u64 = 600;

/// The life of a code where the server names none that can be read: RFC 8628 requires one.
const DEFAULT_LIFE: Duration = Duration::from_secs(15 * 60);

/// The longest time that a code is waited for, whatever the server says.
const MAX_LIFE: Duration = Duration::from_secs(3600);

/// The answer of a device authorization endpoint (RFC 8628 §3.2).
#[derive(Debug)]
pub(crate) struct DeviceAuthorization {
    pub(super) device_code: DeviceCode,
    /// The code that the person enters, safe to print.
    pub(crate) user_code: String,
    /// The address at which the person enters the code.
    pub(crate) verification_uri: Address,
    /// The address with the code in it, if the server has one.
    pub(crate) verification_uri_complete: Option<Address>,
    /// The time for which the code is valid.
    pub(crate) expires_in: Duration,
    /// The interval that the server asks for.
    pub(super) interval: Duration,
}

/// Requests a code for a device (RFC 8628 §3.1), with the additional `params` that the server wants.
pub(crate) fn request(
    client: &Client,
    endpoint: &Address,
    scopes: &Scopes,
    params: &RequestParams,
    now: Timestamp,
) -> Result<DeviceAuthorization, Error> {
    let scopes = scopes.to_string();
    let mut form = Vec::new();
    if !scopes.is_empty() {
        form.push(("scope", scopes.as_str()));
    }
    form.extend(params.pairs());
    let proof = client_proof::prove(client, endpoint, now)?;
    form.extend(proof.fields());
    let authentication = proof.authentication();
    let tls = client.tls();
    let answer = http::post(endpoint, tls, &authentication, &form, http::REQUEST_TIMEOUT)?;
    read(&answer, &client.dialect).map_err(|no_code| {
        let error = error_answer::read(&answer, Request::Exchange, &client.dialect);
        proof.advise(error.unwrap_or(no_code))
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
}
