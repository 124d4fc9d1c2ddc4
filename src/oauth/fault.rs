//! Requests that have no usable answer.

use super::network::Forbidden;

/// The reason why a request has no usable answer. What the caller may do next depends on whether
/// the server can have acted on the request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The request was never sent: the server did nothing.
    #[error("could not connect to `{authority}`: {why}")]
    NotSent {
        authority: String,
        why: String,
        /// Whether the reason is that nobody who is trusted here issued the server's certificate: then
        /// no later try helps.
        is_untrusted: bool,
    },
    /// The server ended the handshake of TLS over the client's certificate, or for want of one, so
    /// it has read nothing of the request. Another certificate may help.
    #[error("could not connect to `{authority}`: {why}")]
    CertificateRefused { authority: String, why: String },
    /// The request may have been received and acted upon.
    #[error("no answer from `{authority}`: {why}")]
    Unanswered { authority: String, why: String },
    /// The answer broke off, or is longer than any answer of this kind.
    #[error("the answer from `{authority}` could not be read: {why}")]
    Unreadable { authority: String, why: String },
    /// A certificate in the definition's `ca_file` or `client_certificate_file` is malformed, or TLS
    /// can't be set up.
    #[error("could not set up TLS: {why}")]
    Setup { why: String },
    /// A server named the address, and may not name one in that network. Nothing was sent.
    #[error("`{authority}` is not asked: {why}")]
    Forbidden { authority: String, why: Forbidden },
}

impl Fault {
    /// Returns what `-v` shows in place of a status.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::NotSent { .. }
            | Self::CertificateRefused { .. }
            | Self::Setup { .. }
            | Self::Forbidden { .. } => "not sent",
            Self::Unanswered { .. } => "no answer",
            Self::Unreadable { .. } => "unreadable",
        }
    }
}
