//! Explains servers that gave no token, no answer, or an unexpected one.

use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::typed::{command, login_command, quoted};
use crate::model::account::{Account, ProviderName};
use crate::model::address::Address;
use crate::model::issuer::has_any_tenant;
use crate::ops::CheckError;
use crate::ops::error::{
    Fault, ListenerError, MetadataError, NoVerdict, ProtectionError, RegistrationError,
    ResourceError, TokenError,
};
use crate::ops::identity::IdentityError;

/// The hint where a server refused a proof because of this machine's clock.
pub(super) const SET_CLOCK: &str =
    "set this machine's clock, then run the command again; the stored credential is unchanged";

/// Returns the kind and hint for a server's metadata that could not be fetched.
pub(super) fn metadata_error(error: &MetadataError) -> (Kind, Option<Hint>) {
    let (kind, hint) = match error {
        MetadataError::Fault(fault) => return fault_hint(fault),
        MetadataError::Trouble { .. } => {
            (Kind::ProviderUnavailable, Hint::Again(&[]))
        }
        MetadataError::ForeignIssuer { named, .. } if has_any_tenant(named) => (
            Kind::Usage,
            "set `issuer` to it in config.toml, with the name of your tenant or `common` in place of `{tenantid}`"
                .into(),
        ),
        MetadataError::Elsewhere { .. } => (
            Kind::Usage,
            "set `issuer` to the one of that server, or both endpoints, in config.toml".into(),
        ),
        MetadataError::ForeignIssuer { .. } => {
            (Kind::Usage, "if that is the one you mean, set `issuer` to it in config.toml".into())
        }
        MetadataError::Missing { .. } => {
            (Kind::Usage, "set `authorization_endpoint` and `token_endpoint` in config.toml".into())
        }
    };
    (kind, Some(hint))
}

/// Returns the kind and hint for the metadata of a login by address, of the service `provider` at
/// `asked`.
pub(super) fn address_metadata_error(
    error: &MetadataError,
    provider: &ProviderName,
    asked: &Address,
) -> (Kind, Option<Hint>) {
    let lines = match error {
        MetadataError::ForeignIssuer { named, .. } if !has_any_tenant(named) => {
            format!("`issuer = \"{named}\"`, if that is the one you mean")
        }
        MetadataError::ForeignIssuer { .. } => {
            "`issuer` with that address and the name of your tenant in it".to_owned()
        }
        MetadataError::Elsewhere { .. } => "`issuer` with the one of that server".to_owned(),
        MetadataError::Missing { .. } => OWN_ENDPOINTS.to_owned(),
        MetadataError::Fault(Fault::Forbidden { .. }) => {
            return (Kind::LoginFailed, Some(write_table(provider, asked, TRUSTED)));
        }
        MetadataError::Fault(_) | MetadataError::Trouble { .. } => return metadata_error(error),
    };
    (Kind::Usage, Some(write_table(provider, asked, &lines)))
}

/// What a table says where no metadata do.
pub(super) const OWN_ENDPOINTS: &str = "`authorization_endpoint`, `token_endpoint` and `client_id`";

/// What a table says if a person trusts an address that a server may not name.
const TRUSTED: &str = "`issuer` with that address, if you trust it";

/// Returns the hint to define the service at `asked` by a table with `lines`.
pub(super) fn write_table(provider: &ProviderName, asked: &Address, lines: &str) -> Hint {
    format!(
        "in config.toml, write `[providers.{provider}]` with `resource = \"{asked}\"` and {lines}, \
         then run the command again"
    )
    .into()
}

/// Returns the kind and hint for an address of which it is not known what protects it.
pub(super) fn protection_error(
    error: &ProtectionError,
    provider: &ProviderName,
    asked: &Address,
) -> (Kind, Option<Hint>) {
    match error {
        ProtectionError::Unprotected { .. } | ProtectionError::NothingThere { .. } => {
            (Kind::Usage, Some("tokctl providers".into()))
        }
        ProtectionError::NoServer { .. }
        | ProtectionError::UnusableServer { .. }
        | ProtectionError::NoMetadata { .. } => (
            Kind::Usage,
            Some(write_table(provider, asked, "`issuer` with the server that you trust")),
        ),
        ProtectionError::Fault(Fault::Forbidden { .. }) => {
            (Kind::LoginFailed, Some(write_table(provider, asked, TRUSTED)))
        }
        ProtectionError::ForeignResource { .. } => (
            Kind::LoginFailed,
            Some("log in to that address, if it is the one you mean and you trust it".into()),
        ),
        ProtectionError::Fault(fault) => fault_hint(fault),
        ProtectionError::Trouble { .. } => (Kind::ProviderUnavailable, Some(Hint::Again(&[]))),
    }
}

/// The hint where a server's own registration brings no client that works.
pub(super) const REGISTER_BY_HAND: &str =
    "register a client there by hand, and give its id with `--client-id`";

/// Returns the kind and hint for a server that registered no client.
pub(super) fn registration_error(error: &RegistrationError) -> (Kind, Option<Hint>) {
    match error {
        RegistrationError::Refused { .. } | RegistrationError::Unusable { .. } => {
            (Kind::LoginFailed, Some(REGISTER_BY_HAND.into()))
        }
        RegistrationError::Fault(fault) => fault_hint(fault),
        RegistrationError::Trouble { .. } => (Kind::ProviderUnavailable, Some(Hint::Again(&[]))),
    }
}

fn fault_hint(fault: &Fault) -> (Kind, Option<Hint>) {
    match fault {
        Fault::NotSent { is_untrusted: true, .. } => {
            (Kind::ProviderUnavailable, Some(TRUST_SERVER.into()))
        }
        Fault::Forbidden { .. } => (Kind::LoginFailed, Some(DEFINE_IT.into())),
        Fault::Setup { .. } => {
            (Kind::Usage, Some("mend `ca_file` or `client_certificate_file` in config.toml".into()))
        }
        Fault::CertificateRefused { .. } => (Kind::Usage, Some(MEND_CERTIFICATE.into())),
        Fault::NotSent { .. } | Fault::Unanswered { .. } | Fault::Unreadable { .. } => {
            (Kind::ProviderUnavailable, Some(Hint::Again(&[])))
        }
    }
}

/// The hint where a server takes no such certificate of the client.
pub(super) const MEND_CERTIFICATE: &str =
    "name one that the server takes as `client_certificate_file` in config.toml";

/// The hint where nobody who is trusted here issued a server's certificate.
pub(super) const TRUST_SERVER: &str = "name a file with the certificate of its authority as `ca_file` \
    in config.toml and log in, or in SSL_CERT_FILE for all commands";

/// The hint where a server named an address that it may not name.
const DEFINE_IT: &str =
    "if you trust that address, define the service with it as `issuer` in config.toml";

/// The hint where a server issues tokens of a type that tokctl can't use.
pub(super) const WANT_BEARER_TOKENS: &str = "have the service issue bearer tokens to this client, \
    or add the type to `dialect.bearer_token_types` in config.toml if its API takes it as `Bearer`";

/// The word with which Google refuses a service account's token to whoever may not act as it.
pub(super) const DENIED: &str = "permission_denied";

/// The hint where an identity may not act as a service account.
pub(super) const LET_IMPERSONATE: &str = "give this identity the role Workload Identity User (or \
    Service Account Token Creator) on the service account";

/// The hint where a server does not trust an identity token.
pub(super) const COMPARE_IDENTITY: &str = "compare what the provider trusts (issuer, subject, \
    audience) with what the platform says of this job: tokctl help ci";

pub(super) fn not_redeemed(error: &TokenError) -> (Kind, Option<Hint>) {
    let hint = match error {
        TokenError::ClientRefused { error, .. } if error == DENIED => LET_IMPERSONATE.into(),
        TokenError::IdentityRefused { .. } => COMPARE_IDENTITY.into(),
        TokenError::ClientRefused { .. } => {
            "compare client id, secret or key, and redirect URI with those that are registered"
                .into()
        }
        TokenError::UnusableToken { .. } => {
            format!("{WANT_BEARER_TOKENS}, then run the command again").into()
        }
        TokenError::ClockRefused { .. } => SET_CLOCK.into(),
        error if error.retry_after().is_some() => {
            let pause = error.retry_after().unwrap_or_default();
            format!("try again after {} s", pause.as_secs()).into()
        }
        TokenError::NotSigned(_) => "give the key file as the service made it".into(),
        TokenError::NoIdentity(why) => identity_hint(why),
        TokenError::Fault(Fault::NotSent { is_untrusted: true, .. }) => TRUST_SERVER.into(),
        TokenError::Fault(Fault::CertificateRefused { .. }) => MEND_CERTIFICATE.into(),
        TokenError::Fault(Fault::Setup { .. }) => {
            "mend `ca_file` or `client_certificate_file` in config.toml".into()
        }
        TokenError::GrantRefused { .. }
        | TokenError::TooManyRequests { .. }
        | TokenError::NoVerdict { .. }
        | TokenError::Fault(_) => Hint::Again(&[]),
    };
    (token_kind(error, Kind::LoginFailed), Some(hint))
}

pub(super) fn listener_error(error: &ListenerError) -> CliError {
    let (kind, hint) = match error {
        ListenerError::PortTaken { .. } => (
            Kind::Usage,
            "end the program that has it, or name another registered port with `--port`".into(),
        ),
        ListenerError::TimedOut => (Kind::LoginFailed, Hint::Again(&["--timeout", "15m"])),
        ListenerError::Unanswered | ListenerError::Rejected(_) => {
            (Kind::LoginFailed, Hint::Again(&[]))
        }
        ListenerError::Bind { .. } | ListenerError::Io(_) => (Kind::Failed, Hint::Again(&[])),
    };
    CliError::of(kind, error).hint(hint)
}

pub(super) fn check_error(error: &CheckError) -> CliError {
    let (kind, hint): (Kind, Hint) = match error {
        CheckError::NoRequest { account } => {
            let what = format!("set `check_url` for `{}` in config.toml", account.provider);
            (Kind::Usage, what.into())
        }
        // The authorization server at least is asked whether the login works.
        CheckError::OtherService { account, .. } => {
            (Kind::Usage, command("refresh", account).into())
        }
        CheckError::Elsewhere { account, .. } => (Kind::Usage, Hint::Login(account.clone())),
        CheckError::Paused { .. } => (Kind::ProviderUnavailable, "try again after that".into()),
        CheckError::NoVerdict { account, source } => match source {
            ResourceError::Fault(Fault::Setup { .. }) => (
                Kind::Usage,
                "mend the definition's `ca_file` or `client_certificate_file`, and log in again"
                    .into(),
            ),
            ResourceError::Fault(Fault::NotSent { is_untrusted: true, .. }) => {
                (Kind::ProviderUnavailable, TRUST_SERVER.into())
            }
            ResourceError::NoVerdict(NoVerdict::ScopeMissing { scopes, .. })
                if !scopes.is_empty() =>
            {
                let scopes = format!("--scope {}", quoted(&scopes.to_string()));
                (Kind::Failed, Hint::LoginWith(account.clone(), scopes))
            }
            ResourceError::NoVerdict(NoVerdict::ClientRefused { .. }) => {
                (Kind::Usage, compare_settings(account).into())
            }
            ResourceError::NoVerdict(no) if !no.is_passing() => {
                (Kind::Failed, Hint::Login(account.clone()))
            }
            ResourceError::NoVerdict(_) | ResourceError::Fault(_) => {
                (Kind::ProviderUnavailable, command("why", account).into())
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
        TokenError::NoIdentity(why) => identity_kind(why),
        TokenError::ClientRefused { .. }
        | TokenError::IdentityRefused { .. }
        | TokenError::UnusableToken { .. }
        | TokenError::NotSigned(_)
        | TokenError::Fault(
            Fault::CertificateRefused { .. } | Fault::Setup { .. } | Fault::Forbidden { .. },
        ) => Kind::Usage,
        TokenError::TooManyRequests { .. }
        | TokenError::ClockRefused { .. }
        | TokenError::NoVerdict { .. }
        | TokenError::Fault(_) => Kind::ProviderUnavailable,
    }
}

/// Returns the kind for an identity token that is not there, or must not be shown.
fn identity_kind(why: &IdentityError) -> Kind {
    match why {
        IdentityError::Missing { .. } => Kind::NotFound,
        IdentityError::Expired { .. } => Kind::LoginRequired,
        IdentityError::WrongAudience { .. } | IdentityError::Unusable { .. } => Kind::Usage,
        IdentityError::Unavailable { .. } => Kind::ProviderUnavailable,
    }
}

/// Returns what helps where there is no identity token, or none that may be shown.
pub(super) fn identity_hint(why: &IdentityError) -> Hint {
    match why {
        IdentityError::Missing { .. } | IdentityError::Unusable { .. } => "tokctl help ci".into(),
        IdentityError::Expired { .. } => {
            "have the platform issue a new one: run the job again, or see what renews the file"
                .into()
        }
        IdentityError::WrongAudience { .. } => {
            "give the platform and `assertion` in config.toml one audience".into()
        }
        IdentityError::Unavailable { .. } => Hint::Again(&[]),
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
        "compare client id and its secret or key with those that are registered, then `{}`",
        login_command(account)
    )
}
