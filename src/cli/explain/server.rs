//! Explains servers that gave no token, no answer, or an unexpected one.

use crate::cli::error::{CliError, Kind};
use crate::cli::typed::login_command;
use crate::model::account::Account;
use crate::ops::CheckError;
use crate::ops::error::{
    Fault, ListenerError, MetadataError, NoVerdict, ResourceError, TokenError,
};

/// The hint where nobody knows what the server did with a request for a token.
pub(super) const IN_DOUBT: &str =
    "try again later; whether the server used up the stored login is not known";

/// The hint where a server refused a proof because of this machine's clock.
pub(super) const SET_CLOCK: &str =
    "set this machine's clock, then run the command again; the stored credential is unchanged";

pub(super) const TRY_LATER: &str = "try again later; the stored credential is unchanged";

/// Returns the kind and hint for a server's metadata that could not be fetched.
pub(super) fn metadata_error(error: &MetadataError) -> (Kind, Option<String>) {
    let (kind, hint) = match error {
        MetadataError::Fault(_) => (Kind::ProviderUnavailable, "try again later"),
        MetadataError::ForeignIssuer { .. } => {
            (Kind::Usage, "if that is the one you mean, set `issuer` to it in config.toml")
        }
        MetadataError::Missing { .. } => {
            (Kind::Usage, "set `authorization_endpoint` and `token_endpoint` in config.toml")
        }
    };
    (kind, Some(hint.into()))
}

pub(super) fn not_redeemed(error: &TokenError) -> (Kind, Option<String>) {
    let hint = match error {
        TokenError::ClientRefused { .. } => {
            "compare client id, secret and redirect URI with those that are registered"
        }
        TokenError::ClockRefused { .. } => SET_CLOCK,
        TokenError::GrantRefused { .. }
        | TokenError::TooManyRequests { .. }
        | TokenError::NoVerdict { .. }
        | TokenError::NotSigned(_)
        | TokenError::Fault(_) => "run `tokctl login` again",
    };
    (token_kind(error, Kind::LoginFailed), Some(hint.into()))
}

pub(super) fn listener_error(error: &ListenerError) -> CliError {
    let (kind, hint) = match error {
        ListenerError::PortTaken { .. } => (
            Kind::Usage,
            "end the program that has it, or name another registered port with `--port`",
        ),
        ListenerError::TimedOut | ListenerError::Rejected(_) => {
            (Kind::LoginFailed, "run `tokctl login` again")
        }
        ListenerError::Bind { .. } | ListenerError::Io(_) => {
            (Kind::Failed, "run `tokctl login` again")
        }
    };
    CliError::of(kind, error).hint(hint)
}

pub(super) fn check_error(error: &CheckError) -> CliError {
    let unchanged = "try again later; the stored credential is unchanged".to_owned();
    let (kind, hint) = match error {
        CheckError::NoRequest { account } => (
            Kind::Usage,
            format!(
                "set `check_url` for `{}` in config.toml, then `{}`",
                account.provider,
                login_command(account)
            ),
        ),
        CheckError::Elsewhere { account, .. } => {
            (Kind::Usage, format!("if it is to be sent there, `{}`", login_command(account)))
        }
        CheckError::Paused { .. } => (Kind::ProviderUnavailable, "try again after that".into()),
        CheckError::NoVerdict { source, .. } => match source {
            ResourceError::Fault(Fault::Setup { .. }) => {
                (Kind::Usage, "mend the definition's `ca_file`, then log in again".into())
            }
            ResourceError::NoVerdict(NoVerdict::Forbidden { .. }) => (
                Kind::ProviderUnavailable,
                "`tokctl list` shows its scopes; the stored credential is unchanged".into(),
            ),
            ResourceError::NoVerdict(_) | ResourceError::Fault(_) => {
                (Kind::ProviderUnavailable, unchanged)
            }
        },
    };
    CliError::of(kind, error).hint(hint)
}

/// Returns the kind for a failure at a token endpoint.
///
/// `grant_refused` is the kind of a refused grant, which differs between a login and a refresh.
pub(super) fn token_kind(error: &TokenError, grant_refused: Kind) -> Kind {
    match error {
        TokenError::GrantRefused { .. } => grant_refused,
        TokenError::ClientRefused { .. }
        | TokenError::NotSigned(_)
        | TokenError::Fault(Fault::Setup { .. }) => Kind::Usage,
        TokenError::TooManyRequests { .. }
        | TokenError::ClockRefused { .. }
        | TokenError::NoVerdict { .. }
        | TokenError::Fault(_) => Kind::ProviderUnavailable,
    }
}

/// Returns the hint for a grant without a person that was refused: the next call asks again.
pub(super) fn refused_unattended(account: &Account) -> String {
    format!(
        "the next call asks again; if the client or its key was withdrawn, `{}`",
        login_command(account)
    )
}

pub(super) fn compare_settings(account: &Account) -> String {
    format!(
        "compare client id and secret with those that are registered, then `{}`",
        login_command(account)
    )
}
