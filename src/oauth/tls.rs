//! The failures of TLS, in words.

use std::error::Error as StdError;

use rustls::{AlertDescription, CertificateError, Error};

use crate::causes;

/// Returns why TLS failed if that is among the causes of `error`.
pub(super) fn fault(error: &(dyn StdError + 'static)) -> Option<String> {
    causes::find(error).map(words)
}

/// Whether the server ended the handshake over the client's certificate, or for want of one. With
/// TLS 1.3 it says so after the request was sent, of which it has read nothing.
pub(super) fn is_about_client_certificate(error: &(dyn StdError + 'static)) -> bool {
    matches!(causes::find(error), Some(Error::AlertReceived(alert)) if is_about_certificate(*alert))
}

/// Whether nobody who is trusted here issued the server's certificate.
pub(super) fn is_untrusted_server(error: &(dyn StdError + 'static)) -> bool {
    matches!(causes::find(error), Some(Error::InvalidCertificate(CertificateError::UnknownIssuer)))
}

/// Whether a server says with `alert` that it takes no such certificate (RFC 8446 §6.2).
fn is_about_certificate(alert: AlertDescription) -> bool {
    [
        AlertDescription::CertificateRequired,
        AlertDescription::BadCertificate,
        AlertDescription::UnsupportedCertificate,
        AlertDescription::CertificateRevoked,
        AlertDescription::CertificateExpired,
        AlertDescription::CertificateUnknown,
        AlertDescription::UnknownCA,
        AlertDescription::AccessDenied,
    ]
    .contains(&alert)
}

fn words(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => certificate(error),
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server demands a client certificate: set `client_certificate_file` and log in"
                .to_owned()
        }
        Error::AlertReceived(alert) if is_about_certificate(*alert) => format!(
            "the server refuses the client's certificate (`client_certificate_file`): {}",
            spaced(&format!("{alert:?}"))
        ),
        Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            "the server ended TLS with: handshake failure, perhaps for want of a client certificate (`client_certificate_file`)"
                .to_owned()
        }
        Error::AlertReceived(alert) => {
            format!("the server ended TLS with: {}", spaced(&format!("{alert:?}")))
        }
        Error::PeerIncompatible(why) => {
            format!("the server has no TLS in common: {}", spaced(&format!("{why:?}")))
        }
        Error::PeerMisbehaved(why) => {
            format!("the server breaks the rules of TLS: {}", spaced(&format!("{why:?}")))
        }
        Error::InvalidMessage(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. } => "the server does not speak TLS".to_owned(),
        // The enum may grow: its other variants print as sentences.
        other => other.to_string(),
    }
}

fn certificate(error: &CertificateError) -> String {
    let why = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired, or this machine's clock is wrong"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet, or this machine's clock is wrong"
        }
        CertificateError::Revoked => "was revoked",
        CertificateError::UnknownIssuer => {
            "was issued by nobody who is trusted here (`ca_file`, SSL_CERT_FILE)"
        }
        CertificateError::BadSignature => "is not signed by its issuer",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name"
        }
        // A self-signed certificate is often an authority's as well, and has an error of its own.
        CertificateError::Other(other) => return refused(&other.to_string()),
        // The enum may grow.
        other => return refused(&format!("{other:?}")),
    };
    format!("the server's certificate {why}")
}

fn refused(why: &str) -> String {
    format!("the server's certificate is refused: {}", spaced(why))
}

/// Returns the name of a variant, without its fields, as words: `UnknownCA` becomes `unknown ca`.
fn spaced(variant: &str) -> String {
    let name = variant.split([' ', '{', '(']).next().unwrap_or(variant);
    let mut words = String::new();
    let mut after_small = false;
    for letter in name.chars() {
        if letter.is_uppercase() && after_small {
            words.push(' ');
        }
        after_small = letter.is_lowercase() || letter.is_numeric();
        words.extend(letter.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use std::io;

    use std::sync::Arc;
    use std::time::Duration;

    use rustls::pki_types::UnixTime;
    use rustls::{OtherError, PeerIncompatible};

    use super::*;

    #[test]
    fn no_failure_is_told_as_a_struct() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let expired = CertificateError::ExpiredContext { time: at(9), not_after: at(1) };
        let own = io::Error::other("CaUsedAsEndEntity");
        for (error, shown) in [
            (
                expired.into(),
                "the server's certificate has expired, or this machine's clock is wrong",
            ),
            (
                CertificateError::Other(OtherError(Arc::new(own))).into(),
                "the server's certificate is refused: ca used as end entity",
            ),
            (
                CertificateError::InvalidPurpose.into(),
                "the server's certificate is refused: invalid purpose",
            ),
            (
                Error::AlertReceived(AlertDescription::UnknownCA),
                "the server refuses the client's certificate (`client_certificate_file`): unknown ca",
            ),
            (
                Error::AlertReceived(AlertDescription::InternalError),
                "the server ended TLS with: internal error",
            ),
            (
                Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                "the server has no TLS in common: no cipher suites in common",
            ),
        ] {
            let wrapped = io::Error::other(error);
            assert_eq!(fault(&wrapped).as_deref(), Some(shown));
        }
        assert_eq!(fault(&io::Error::other("refused")), None);
    }
}
