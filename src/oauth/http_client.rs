//! HTTP clients: what they trust, what they show, and the networks in which they look a host up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Client;
use zeroize::Zeroizing;

use super::cause::cause;
use super::fault::Fault;
use super::network::Guard;
use crate::model::address::Address;
use crate::model::client_certificate::{ClientCertificate, TlsSettings};
use crate::name_service;
use crate::secret::SecretText;

/// The time for name resolution, TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Checks that an HTTP client for `address` can be set up with `tls`, without a request.
pub(crate) fn check(address: &Address, tls: TlsSettings<'_>) -> Result<(), Fault> {
    client(address, tls).map(drop)
}

/// The time for which an HTTP client is reused: it keeps the system's certificates and proxies as
/// it found them.
const CLIENT_LIFE: Duration = Duration::from_secs(10 * 60);

/// The reason why a client has no certificate to show.
const NO_CERTIFICATE: &str = "`client_certificate_file` and `client_certificate_key_file` hold no \
    certificate in PEM with the key that belongs to it";

/// The settings of an HTTP client, by which it is found again.
#[derive(PartialEq)]
struct ClientSettings {
    https: bool,
    near: bool,
    guard: Option<Guard>,
    trusted_certificates: Option<String>,
    client_certificate: Option<ClientCertificate>,
}

/// Returns an HTTP client for `address`, which looks the host up within the networks that the
/// address may lie in.
pub(super) fn client(address: &Address, tls: TlsSettings<'_>) -> Result<Client, Fault> {
    client_of(address, tls, guard(address)?)
}

/// Returns the guard of a request to `address`, if it needs one.
pub(super) fn guard(address: &Address) -> Result<Option<Guard>, Fault> {
    Guard::of(address).map_err(|why| Fault::Forbidden { authority: address.authority(), why })
}

/// Returns an HTTP client for `address`. Setting one up takes longer than a request, so all threads
/// share those there are.
pub(super) fn client_of(
    address: &Address,
    tls: TlsSettings<'_>,
    guard: Option<Guard>,
) -> Result<Client, Fault> {
    static CLIENTS: Mutex<Vec<(ClientSettings, Instant, Client)>> = Mutex::new(Vec::new());
    let wanted = ClientSettings {
        https: address.url().scheme() == "https",
        near: address.is_near(),
        guard,
        trusted_certificates: tls.trusted_certificates.map(ToOwned::to_owned),
        client_certificate: tls.client_certificate.cloned(),
    };
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    clients.retain(|(_, since, _)| since.elapsed() < CLIENT_LIFE);
    if let Some((_, _, client)) = clients.iter().find(|(setup, _, _)| *setup == wanted) {
        return Ok(client.clone());
    }
    let client = new_client(address, tls, wanted.guard.as_ref())?;
    clients.push((wanted, Instant::now(), client.clone()));
    Ok(client)
}

/// Whether `certificate` can be shown to a server: it can be read, and the key is its own.
pub(crate) fn can_show(certificate: &ClientCertificate) -> bool {
    let tls = TlsSettings { trusted_certificates: None, client_certificate: Some(certificate) };
    // No authorities are loaded for such an address, which is not asked.
    "http://127.0.0.1".parse().is_ok_and(|nobody| new_client(&nobody, tls, None).is_ok())
}

fn new_client(
    address: &Address,
    tls: TlsSettings<'_>,
    guard: Option<&Guard>,
) -> Result<Client, Fault> {
    let setup = |error: reqwest::Error| Fault::Setup { why: cause(&error) };
    name_service::use_built_in_services();
    // This fails only if a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("tokctl/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        // An idle connection may be closed by the server under a request, and nobody would know
        // what became of the request.
        .pool_max_idle_per_host(0)
        .https_only(address.url().scheme() == "https");
    if let Some(pem) = tls.trusted_certificates {
        let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(setup)?;
        builder = builder.tls_certs_merge(certificates);
    } else if address.url().scheme() == "http" {
        // Loading the system's certificates takes milliseconds and fails where there are none.
        builder = builder.tls_certs_only([]);
    }
    if let Some(own) = tls.client_certificate {
        let pem = Zeroizing::new(format!("{}\n{}", own.key.expose(), own.certificate));
        // The library's own words may tell what is in the file.
        let identity = reqwest::Identity::from_pem(pem.as_bytes())
            .map_err(|_| Fault::Setup { why: NO_CERTIFICATE.into() })?;
        builder = builder.identity(identity);
    }
    if address.is_near() {
        builder = builder.no_proxy();
    }
    if let Some(guard) = guard {
        builder = builder.dns_resolver(Arc::new(guard.clone()));
    }
    builder.build().map_err(|error| match tls.client_certificate {
        // The one thing that is still unknown here is whether the key belongs to the certificate.
        Some(_) => Fault::Setup { why: NO_CERTIFICATE.into() },
        None => setup(error),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::PrivateKey;

    /// Two certificates, each with the body of its key.
    const PAIRS: [(&str, &str); 2] = [
        (include_str!("made_up_tls/client.pem"), include_str!("made_up_tls/client_key.base64")),
        (include_str!("made_up_tls/renewed.pem"), include_str!("made_up_tls/renewed_key.base64")),
    ];

    fn is_shown(certificate: &str, key: &str) -> bool {
        let own = ClientCertificate {
            certificate: certificate.to_owned(),
            key: PrivateKey::from_trusted(key.to_owned()),
            binds_tokens: false,
        };
        can_show(&own)
    }

    fn key(body: &str) -> String {
        let word = "PRIVATE KEY";
        format!("-----BEGIN {word}-----\n{body}-----END {word}-----\n")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_certificate_is_shown_with_its_own_key_alone(
            certificate in 0..2_usize, own in 0..2_usize, before in "[ -,.-~]{0,40}", spoilt in 0..180_usize
        ) {
            let (pem, body) = (PAIRS[certificate].0, PAIRS[own].1);
            let whole = key(body);
            prop_assert_eq!(is_shown(pem, &format!("{before}\n{whole}")), certificate == own);
            let other = |letter| if letter == 'A' { 'B' } else { 'A' };
            let spoilt: String = body
                .char_indices()
                .map(|(at, letter)| if at == spoilt && letter != '\n' { other(letter) } else { letter })
                .collect();
            prop_assert!(spoilt == body || !is_shown(PAIRS[own].0, &key(&spoilt)));
            prop_assert!(!is_shown(&before, &whole) && !is_shown(pem, &before));
        }
    }
}
