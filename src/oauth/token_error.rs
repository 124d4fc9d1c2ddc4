//! The errors with which an authorization server gives no token (RFC 6749 §5.2).
//!
//! Says what each means for the request that failed, in a sentence and for the next request.

use std::time::Duration;

use jiff::SignedDuration;

use super::http::Fault;
use super::identity_token;
pub(crate) use super::refusal::Request;
pub(crate) use super::signed_jwt::NotSigned;

/// The reason why a token endpoint gave no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The grant is spent, revoked or expired: only a new login helps.
    #[error("`{authority}` no longer accepts this login: {reason}")]
    GrantRefused { authority: String, error: String, reason: String },
    /// The client's settings are not those that the server knows; the grant is still valid.
    #[error("`{authority}` does not accept the client's settings: {reason}")]
    ClientRefused { authority: String, error: String, reason: String },
    /// The server does not accept the identity token of a job or workload: what it trusts and what the
    /// platform says differ. The next call asks again.
    #[error("`{authority}` does not accept the identity token: {reason}")]
    IdentityRefused { authority: String, error: String, reason: String },
    /// The server refused a signed or secret proof while this machine's clock is wrong: the grant is
    /// still valid, and a later try helps once the clock is right. `ahead` is the server's lead.
    #[error("`{authority}` refused the request while {}: {reason}", off(*ahead))]
    ClockRefused { authority: String, error: String, reason: String, ahead: SignedDuration },
    /// The server issued a token of a type that tokctl can't use, such as one that is bound to a key
    /// (RFC 6749 §7.1). The grant is valid, and what else the answer brought counts.
    #[error(
        "`{authority}` issued a token of the type `{token_type}`, and tokctl uses bearer tokens alone"
    )]
    UnusableToken { authority: String, token_type: String },
    /// The server asks for a pause; it did nothing.
    #[error("`{authority}` asks for fewer requests")]
    TooManyRequests { authority: String, retry_after: Option<Duration> },
    /// The answer is no verdict, such as a proxy's page: a later try may help.
    #[error("`{authority}` answered with {what}")]
    NoVerdict {
        authority: String,
        status: u16,
        error: Option<String>,
        retry_after: Option<Duration>,
        what: String,
    },
    /// The assertion could not be signed, so nothing was sent.
    #[error(transparent)]
    NotSigned(#[from] NotSigned),
    /// There is no identity token to show, so nothing was sent to the server.
    #[error(transparent)]
    NoIdentity(#[from] identity_token::Error),
    /// No answer came: a later try may help.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Error {
    /// Whether the server did not act on the request, so that it may be sent again.
    pub(crate) fn was_not_processed(&self) -> bool {
        match self {
            Self::NoVerdict { error, status, .. } => {
                // The code is from RFC 6749 §4.1.2.1; a request that was redirected or refused was
                // not carried out.
                // 408 and 499 are a proxy's, which no longer waits for the server behind it.
                error.as_deref() == Some("temporarily_unavailable")
                    || (300..=499).contains(status) && ![408, 499].contains(status)
            }
            Self::Fault(
                Fault::NotSent { .. }
                | Fault::CertificateRefused { .. }
                | Fault::Setup { .. }
                | Fault::Forbidden { .. },
            )
            | Self::NotSigned(_)
            | Self::NoIdentity(_)
            | Self::ClockRefused { .. }
            | Self::TooManyRequests { .. } => true,
            Self::Fault(Fault::Unanswered { .. } | Fault::Unreadable { .. })
            | Self::GrantRefused { .. }
            | Self::ClientRefused { .. }
            | Self::UnusableToken { .. }
            | Self::IdentityRefused { .. } => false,
        }
    }

    /// Whether the same request may bring a token a moment later: it was never sent, or the server
    /// was too busy.
    pub(crate) fn is_worth_retrying(&self) -> bool {
        match self {
            Self::NoVerdict { error, .. } => error.as_deref() == Some("temporarily_unavailable"),
            Self::Fault(Fault::NotSent { .. }) | Self::TooManyRequests { .. } => true,
            Self::Fault(
                Fault::CertificateRefused { .. }
                | Fault::Unanswered { .. }
                | Fault::Unreadable { .. }
                | Fault::Setup { .. }
                | Fault::Forbidden { .. },
            )
            | Self::NotSigned(_)
            | Self::NoIdentity(_)
            | Self::ClockRefused { .. }
            | Self::GrantRefused { .. }
            | Self::ClientRefused { .. }
            | Self::UnusableToken { .. }
            | Self::IdentityRefused { .. } => false,
        }
    }

    /// Whether the fault passes by itself: the server was too busy or broken, or no answer came. The
    /// server may have acted on the request.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::NoVerdict { status, .. } => *status >= 500 || self.is_worth_retrying(),
            Self::TooManyRequests { .. } => true,
            Self::Fault(fault) => match fault {
                Fault::NotSent { .. } | Fault::Unanswered { .. } | Fault::Unreadable { .. } => true,
                Fault::CertificateRefused { .. }
                | Fault::Setup { .. }
                | Fault::Forbidden { .. } => false,
            },
            Self::NoIdentity(why) => matches!(why, identity_token::Error::Unavailable { .. }),
            Self::NotSigned(_)
            | Self::ClockRefused { .. }
            | Self::GrantRefused { .. }
            | Self::ClientRefused { .. }
            | Self::UnusableToken { .. }
            | Self::IdentityRefused { .. } => false,
        }
    }

    /// Whether the server answered that it is too busy or broken: see [`Self::is_passing`].
    pub(crate) fn is_answer_of_trouble(&self) -> bool {
        self.is_passing() && !matches!(self, Self::Fault(_) | Self::NoIdentity(_))
    }

    /// Whether the trouble is the server's, or lies on the way to it, and not the login's or the
    /// client's.
    pub(crate) fn is_of_server(&self) -> bool {
        match self {
            Self::NoVerdict { .. } | Self::TooManyRequests { .. } => true,
            Self::Fault(fault) => match fault {
                Fault::NotSent { .. } | Fault::Unanswered { .. } | Fault::Unreadable { .. } => true,
                Fault::CertificateRefused { .. }
                | Fault::Setup { .. }
                | Fault::Forbidden { .. } => false,
            },
            Self::NotSigned(_)
            | Self::NoIdentity(_)
            | Self::ClockRefused { .. }
            | Self::GrantRefused { .. }
            | Self::ClientRefused { .. }
            | Self::UnusableToken { .. }
            | Self::IdentityRefused { .. } => false,
        }
    }

    /// Whether the server may have acted on the request without saying so.
    pub(crate) fn is_ambiguous(&self) -> bool {
        match self {
            Self::GrantRefused { .. }
            | Self::ClientRefused { .. }
            | Self::UnusableToken { .. }
            | Self::IdentityRefused { .. } => false,
            Self::TooManyRequests { .. }
            | Self::ClockRefused { .. }
            | Self::NoVerdict { .. }
            | Self::NotSigned(_)
            | Self::NoIdentity(_)
            | Self::Fault(_) => !self.was_not_processed(),
        }
    }

    /// Returns the pause that the server asks for.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyRequests { retry_after, .. } | Self::NoVerdict { retry_after, .. } => {
                *retry_after
            }
            Self::GrantRefused { .. }
            | Self::ClientRefused { .. }
            | Self::UnusableToken { .. }
            | Self::IdentityRefused { .. }
            | Self::ClockRefused { .. }
            | Self::NotSigned(_)
            | Self::NoIdentity(_)
            | Self::Fault(_) => None,
        }
    }

    /// Returns the code of the OAuth error, if the answer held one.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::GrantRefused { error, .. }
            | Self::ClientRefused { error, .. }
            | Self::IdentityRefused { error, .. }
            | Self::ClockRefused { error, .. } => Some(error),
            Self::NoVerdict { error, .. } => error.as_deref(),
            Self::TooManyRequests { .. }
            | Self::UnusableToken { .. }
            | Self::NotSigned(_)
            | Self::NoIdentity(_)
            | Self::Fault(_) => None,
        }
    }

    /// Whether the server refused the client in the standard's own word (RFC 6749 §5.2), and so did
    /// nothing with a grant.
    pub(crate) fn is_invalid_client(&self) -> bool {
        matches!(self, Self::ClientRefused { error, .. } if error == INVALID_CLIENT)
    }

    /// Whether the server refused the client's id, secret, key or certificate, before it looked at
    /// the grant.
    pub(crate) fn is_about_the_client(&self) -> bool {
        match self {
            Self::ClientRefused { error, .. } => is_about_the_client(error),
            Self::Fault(fault) => matches!(fault, Fault::CertificateRefused { .. }),
            Self::GrantRefused { .. }
            | Self::UnusableToken { .. }
            | Self::IdentityRefused { .. }
            | Self::ClockRefused { .. }
            | Self::TooManyRequests { .. }
            | Self::NoVerdict { .. }
            | Self::NotSigned(_)
            | Self::NoIdentity(_) => false,
        }
    }
}

/// The code of an error about the client's proof (RFC 6749 §5.2).
pub(crate) const INVALID_CLIENT: &str = "invalid_client";

/// Returns in words how far this machine's clock is off, where the server's is `ahead`.
fn off(ahead: SignedDuration) -> String {
    let side = if ahead.is_negative() { "ahead" } else { "behind" };
    format!("this machine's clock is {} s {side}", ahead.as_secs().unsigned_abs())
}

/// Whether an OAuth error's code says that the client's id or secret was refused.
pub(crate) fn is_about_the_client(code: &str) -> bool {
    // `access_denied` is Atlassian's word for it, `unauthorized_client` Keycloak's.
    [INVALID_CLIENT, "incorrect_client_credentials", "access_denied", "unauthorized_client"]
        .contains(&code)
}
