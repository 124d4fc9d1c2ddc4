//! The search for an authorization server's metadata at its well-known addresses.
//!
//! Nothing but the issuer itself is asked: a redirect is followed within its origin alone, and a
//! document that names another issuer is not used.

use std::time::Instant;

use super::http::{self, Answer, Authentication, Fault};
use super::metadata::Metadata;
use crate::model::address::Address;
use crate::model::client_certificate::TlsSettings;
use crate::model::issuer::{is_issuer, is_issuer_but_for_slash};
use crate::untrusted::printable;

/// The most redirects from one address.
const MAX_REDIRECTS: usize = 3;

/// The reason why the metadata of a server can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// None of the well-known addresses has a document that can be read: the endpoints have to be
    /// configured.
    #[error("`{issuer}` publishes no metadata")]
    Missing { issuer: String },
    /// The document is another server's (RFC 8414 §3.3), or the issuer is not written exactly as
    /// the server writes it; a final slash counts.
    #[error("the metadata of `{issuer}` name another issuer, `{named}`")]
    ForeignIssuer { issuer: String, named: String },
    /// The metadata are elsewhere: what another server says of this one is not believed.
    #[error("the metadata of `{issuer}` are at another server, `{server}`")]
    Elsewhere { issuer: String, server: String },
    /// The server is in trouble: a later try may succeed.
    #[error("`{authority}` answered with HTTP {status} when asked for its metadata")]
    Trouble { authority: String, status: u16 },
    /// No answer came: a later try may succeed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Fetches the metadata of `issuer` from its well-known addresses, in turn until they are complete,
/// as `is_complete` says. What one document leaves out is taken from a later one of the same issuer.
pub(crate) fn discover(
    issuer: &Address,
    tls: TlsSettings<'_>,
    is_complete: &dyn Fn(&Metadata) -> bool,
) -> Result<Metadata, Error> {
    search(issuer, tls, is_complete, NamedBy::Person)
}

/// Fetches the metadata of `issuer`, which a protected resource named, as [`discover`] does. Its name
/// may differ by one final slash: many resources write it so. It may name addresses of the networks
/// in which it lies itself.
pub(crate) fn discover_named(
    issuer: &Address,
    trusted_certificates: Option<&str>,
    is_complete: &dyn Fn(&Metadata) -> bool,
) -> Result<Metadata, Error> {
    search(issuer, trusted_certificates.into(), is_complete, NamedBy::Resource)
}

/// The one who named an issuer.
#[derive(Debug, Clone, Copy)]
enum NamedBy {
    /// A person, in the configuration: that one is to be named exactly, and may lie anywhere.
    Person,
    /// A protected resource.
    Resource,
}

fn search(
    issuer: &Address,
    tls: TlsSettings<'_>,
    is_complete: &dyn Fn(&Metadata) -> bool,
    named_by: NamedBy,
) -> Result<Metadata, Error> {
    let began = Instant::now();
    let mut found: Option<Metadata> = None;
    let mut failures = Vec::new();
    for address in well_known_addresses(issuer) {
        match document(issuer, address, tls, named_by) {
            Ok(metadata) => {
                let metadata = match found.take() {
                    Some(earlier) => earlier.or(metadata),
                    None => metadata,
                };
                if is_complete(&metadata) {
                    return Ok(metadata);
                }
                found = Some(metadata);
            }
            Err(failure) => {
                // The next address is on the same host, and as long a wait each time is too long.
                let is_last = match failure {
                    Error::Fault(
                        Fault::NotSent { .. }
                        | Fault::CertificateRefused { .. }
                        | Fault::Setup { .. }
                        | Fault::Forbidden { .. },
                    ) => true,
                    Error::Fault(Fault::Unanswered { .. } | Fault::Unreadable { .. })
                    | Error::Missing { .. }
                    | Error::ForeignIssuer { .. }
                    | Error::Elsewhere { .. }
                    | Error::Trouble { .. } => began.elapsed() >= http::REQUEST_TIMEOUT,
                };
                failures.push(failure);
                if is_last {
                    break;
                }
            }
        }
    }
    let missing = Error::Missing { issuer: issuer.to_string() };
    found.ok_or_else(|| failures.into_iter().min_by_key(weight).unwrap_or(missing))
}

/// Returns the place of an error among those of several addresses: the least is told.
fn weight(error: &Error) -> u8 {
    match error {
        Error::ForeignIssuer { .. } => 0,
        Error::Elsewhere { .. } => 1,
        Error::Fault(_) => 2,
        Error::Trouble { .. } => 3,
        Error::Missing { .. } => 4,
    }
}

/// Fetches the document at `address`, and follows redirects within its origin.
fn document(
    issuer: &Address,
    mut address: Address,
    tls: TlsSettings<'_>,
    named_by: NamedBy,
) -> Result<Metadata, Error> {
    for _ in 0..MAX_REDIRECTS {
        let answer = match named_by {
            NamedBy::Person => http::fetch(&address, tls, &Authentication::None)?,
            NamedBy::Resource => http::fetch_watched(&address, tls)?,
        };
        match next_address(issuer, &address, &answer)? {
            Some(next) => address = next,
            None => return read_as(issuer, &answer, named_by),
        }
    }
    Err(Error::Missing { issuer: issuer.to_string() })
}

/// Reads the metadata of `issuer` in an answer.
#[cfg(any(test, fuzzing))]
pub(crate) fn read(issuer: &Address, answer: &Answer) -> Result<Metadata, Error> {
    read_as(issuer, answer, NamedBy::Person)
}

fn read_as(issuer: &Address, answer: &Answer, named_by: NamedBy) -> Result<Metadata, Error> {
    let missing = || Error::Missing { issuer: issuer.to_string() };
    match answer.status {
        200..=299 => {}
        status @ (429 | 500..) => {
            return Err(Error::Trouble { authority: answer.authority.clone(), status });
        }
        _ => return Err(missing()),
    }
    let metadata = Metadata::read(&answer.body).ok_or_else(missing)?;
    // Some hosts with several issuers serve one document for all of them at one of the addresses.
    let (named, own) = (issuer.as_str(), metadata.issuer());
    match named_by {
        NamedBy::Person if is_issuer(named, own) => return Ok(metadata),
        NamedBy::Resource if is_issuer_but_for_slash(named, own) => {
            return Ok(metadata.within(issuer.reach().min(answer.reach)));
        }
        NamedBy::Person | NamedBy::Resource => {}
    }
    let named = printable(metadata.issuer());
    Err(Error::ForeignIssuer { issuer: issuer.to_string(), named })
}

/// Returns the address to which the answer of `address` sends on; `None` if it is the last one. Fails
/// if that is another server.
pub(crate) fn next_address(
    issuer: &Address,
    address: &Address,
    answer: &Answer,
) -> Result<Option<Address>, Error> {
    let location = answer.location.as_deref().filter(|_| is_redirect(answer.status));
    let Some(next) = location.and_then(|location| address.url().join(location).ok()) else {
        return Ok(None);
    };
    if next.origin() != address.url().origin() {
        let server = printable(&next.origin().ascii_serialization());
        return Err(Error::Elsewhere { issuer: issuer.to_string(), server });
    }
    let next: Option<Address> = next.as_str().parse().ok();
    Ok(next.map(|next| next.within(address.reach())))
}

fn is_redirect(status: u16) -> bool {
    [301, 302, 303, 307, 308].contains(&status)
}

/// Returns the addresses of the metadata: RFC 8414 §3.1 puts the well-known part between host and
/// path, OpenID Connect behind the path, and some servers put its name between host and path.
fn well_known_addresses(issuer: &Address) -> Vec<Address> {
    let path = issuer.url().path().trim_end_matches('/');
    let mut paths = vec![
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("{path}/.well-known/openid-configuration"),
    ];
    if !path.is_empty() {
        paths.push(format!("/.well-known/openid-configuration{path}"));
    }
    let at = |path: String| {
        let mut url = issuer.url().clone();
        url.set_path(&path);
        url.as_str().parse::<Address>().ok().map(|address| address.within(issuer.reach()))
    };
    paths.into_iter().filter_map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuers_path_is_kept() {
        let places = |issuer: &str| -> Vec<String> {
            let addresses = well_known_addresses(&issuer.parse().unwrap());
            addresses.into_iter().map(|address| address.to_string()).collect()
        };
        assert_eq!(
            places("https://id.example/tenant/"),
            [
                "https://id.example/.well-known/oauth-authorization-server/tenant",
                "https://id.example/tenant/.well-known/openid-configuration",
                "https://id.example/.well-known/openid-configuration/tenant",
            ]
        );
        assert_eq!(
            places("https://id.example"),
            [
                "https://id.example/.well-known/oauth-authorization-server",
                "https://id.example/.well-known/openid-configuration"
            ]
        );
    }
}
