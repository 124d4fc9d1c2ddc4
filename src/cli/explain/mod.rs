//! Explanations of failed operations to a user: exit code, message and what to type next. The
//! operations know none of these.

mod compare;
mod file;
mod provider;
mod server;
#[cfg(feature = "postgres")]
mod shared;
mod vault;
mod bundle;
mod import;

pub(crate) use self::compare::COMPARE;
pub(crate) use self::file::{keep_writers_out, untrusted_file};
pub(crate) use self::import::skip_reason;
pub(crate) use self::vault::{ACCEPT_OLDER, RESTORE, how_to_unlock, repair};

pub(crate) use self::bundle::RESUME;
use self::bundle::bundle_error;
use self::import::import_error;
use self::provider::provider_error;
use self::server::{
    COMPARE_IDENTITY, DENIED, LET_IMPERSONATE, MEND_CERTIFICATE, OWN_ENDPOINTS, REGISTER_BY_HAND,
    SET_CLOCK, TRUST_SERVER, WANT_BEARER_TOKENS, address_metadata_error, check_error,
    compare_settings, identity_hint, listener_error, metadata_error, not_redeemed,
    protection_error, refused_unattended, registration_error, token_kind, write_table,
};
use self::vault::{keychain_hint, secret_hint, slot_error, store_error};
use super::error::{CliError, Hint, Kind};
use super::typed::{command, login_command};
use crate::model::account::{Account, ProviderName};
use crate::model::address::Address;
use crate::model::attempt::{Attempt, Outcome};
use crate::model::destination::Destination;
use crate::ops::error::{Fault, NextTry, StoreError, TokenError};
use crate::ops::{Error as OpsError, StillLocked};
use crate::untrusted::printable;

/// The hint where a server does not know the resource for which others name it.
const ASK_OWNER: &str = "ask who runs the service to have that server know it";

const REDIRECT_URI: &str = "set `redirect_uri` to an http address on 127.0.0.1, or to an https one";

impl From<OpsError> for CliError {
    fn from(error: OpsError) -> Self {
        let (kind, hint) = match &error {
            OpsError::Store(error) => return store_error(error),
            OpsError::Provider(error) => return provider_error(error),
            OpsError::Check(error) => return check_error(error),
            OpsError::Slots(error) => return slot_error(error),
            OpsError::Import(error) => return import_error(error),
            OpsError::Bundle(error) => return bundle_error(error),
            OpsError::NoSuchSlot { slots, .. } | OpsError::WrongSecret { slots, .. } => {
                (Kind::KeyUnavailable, Some(secret_hint(&error, slots)))
            }
            OpsError::Keychain { source, slots } => {
                (Kind::KeyUnavailable, Some(keychain_hint(source, slots)))
            }
            OpsError::TamperedSlot { .. } => (Kind::VaultDamaged, Some(RESTORE.into())),
            OpsError::Unrecorded { .. } => (Kind::Failed, Some("tokctl doctor".into())),
            OpsError::NoCredential { account } => {
                (Kind::NotFound, Some(Hint::Login(account.clone())))
            }
            OpsError::HandedOver { account, moved_to, moved_by, unplaced: false } => {
                let hint = handed_over_hint(account, moved_to.clone(), moved_by.as_deref());
                (Kind::LoginRequired, Some(hint))
            }
            OpsError::HandedOver { moved_to, .. } => {
                (Kind::LoginRequired, Some(moved_to.clone().map_or(RESUME.into(), Hint::GoOn)))
            }
            OpsError::LoginRequired { account, .. } => {
                (Kind::LoginRequired, Some(Hint::Login(account.clone())))
            }
            OpsError::Static { account }
            | OpsError::NeverLongEnough { account, .. }
            | OpsError::RefreshForbidden { account } => {
                (Kind::Failed, Some(command("get", account).into()))
            }
            OpsError::Spilled { account, source, .. } => {
                (unstored_kind(source), Some(stored_later(account, source)))
            }
            OpsError::NotRefreshed { account, source, registered, .. } => {
                not_refreshed(account, source, *registered)
            }
            OpsError::NotRefreshedBefore { account, last, registered } => {
                refused_before(account, last, *registered)
            }
            OpsError::Paused { account, .. } => {
                (Kind::ProviderUnavailable, Some(command("why", account).into()))
            }
            OpsError::Bug { .. } => (Kind::Failed, Some("report it with what stands above".into())),
            OpsError::Interrupted { account, holder, .. } => {
                (Kind::ProviderUnavailable, Some(answer_hint(account, holder.as_deref())))
            }
            OpsError::Lost { account, .. } => (Kind::Failed, Some(Hint::Login(account.clone()))),
            OpsError::LoginUnderWay { .. } => (Kind::Busy, Some(END_OTHER.into())),
            OpsError::Protection { provider, asked, source } => {
                protection_error(source, provider, asked)
            }
            OpsError::AddressMetadata { provider, asked, source } => {
                address_metadata_error(source, provider, asked)
            }
            OpsError::AddressLacks { provider, asked, .. } => own_endpoints(provider, asked),
            OpsError::NewClientRefused { .. } => (Kind::LoginFailed, Some(REGISTER_BY_HAND.into())),
            OpsError::NoClient { takes_documents, .. } => no_client(*takes_documents),
            OpsError::Registration { source, .. } => registration_error(source),
            OpsError::Metadata { source, .. } => metadata_error(source),
            OpsError::ForeignEndpoint { provider, .. } | OpsError::Unmet { provider, .. } => {
                (Kind::Usage, Some(format!("tokctl providers {provider}").into()))
            }
            OpsError::UnknownPkce { provider, .. } => unknown_pkce(provider),
            OpsError::RedirectUri { .. } => (Kind::Usage, Some(REDIRECT_URI.into())),
            OpsError::Listener(source) => return listener_error(source),
            OpsError::LoginUnanswered { .. } => (Kind::ProviderUnavailable, Some(Hint::Again(&[]))),
            OpsError::ResourceRefused { .. } => (Kind::LoginFailed, Some(ASK_OWNER.into())),
            OpsError::LoginRefused { .. }
            | OpsError::CodeRefused { .. }
            | OpsError::CodeExpired
            | OpsError::ForeignIdToken { .. } => (Kind::LoginFailed, Some(Hint::Again(&[]))),
            OpsError::NotRedeemed { source } => not_redeemed(source),
            OpsError::NoUser { .. } => (Kind::Usage, Some("name the user with `--user`".into())),
            OpsError::NeverRevocable { .. } => (Kind::Usage, Some(Hint::Again(&["--no-revoke"]))),
            OpsError::NotRevoked { source, .. } => {
                (token_kind(source, Kind::Failed), Some(Hint::Again(&["--no-revoke"])))
            }
            OpsError::RevokedNotUnregistered { source, .. } => not_unregistered(source),
            OpsError::RevokedNotForgotten { source, .. } => not_forgotten(source),
        };
        let mut shown = Self::of(kind, &error);
        if let OpsError::NotRefreshed { source, .. } = &error
            && source.is_ambiguous()
        {
            shown.message = format!(
                "{}, and whether the server used up the stored login is not known",
                shown.message
            );
        }
        if let Some(next) = next_try(&error) {
            shown.message = format!("{}; {next}", shown.message);
        }
        shown.hint = hint;
        shown
    }
}

/// The hint where another login keeps this one away.
const END_OTHER: &str = "finish that one, or end it with Ctrl-C";

/// Returns the kind and hint for metadata that lack an endpoint of the service at `asked`.
fn own_endpoints(provider: &ProviderName, asked: &Address) -> (Kind, Option<Hint>) {
    (Kind::Usage, Some(write_table(provider, asked, OWN_ENDPOINTS)))
}

/// Returns the kind and hint for a login that has no client.
fn no_client(takes_documents: bool) -> (Kind, Option<Hint>) {
    let hint = if takes_documents { "tokctl help mcp" } else { "tokctl login --help" };
    (Kind::Usage, Some(hint.into()))
}

/// Returns the kind and hint for a server of which it is not known that it knows PKCE.
fn unknown_pkce(provider: &ProviderName) -> (Kind, Option<Hint>) {
    let hint = format!(
        "if it does, set `pkce = \"required\"` in `[providers.{provider}]` of config.toml, then run the command again"
    );
    (Kind::Usage, Some(hint.into()))
}

/// Returns the kind and hint for a deletion whose client stayed registered because of `source`.
fn not_unregistered(source: &TokenError) -> (Kind, Option<Hint>) {
    (token_kind(source, Kind::Failed), Some(Hint::Again(&[])))
}

/// Returns the kind and hint for a deletion that the store failed with `source`.
fn not_forgotten(source: &StoreError) -> (Kind, Option<Hint>) {
    let CliError { kind, hint, .. } = store_error(source);
    (kind, hint)
}

/// Returns the kind and hint for a refresh that brought no token; `registered` says that a login by
/// address registered the client.
fn not_refreshed(account: &Account, source: &TokenError, registered: bool) -> (Kind, Option<Hint>) {
    let kind = token_kind(source, Kind::ProviderUnavailable);
    if registered && source.is_about_the_client() {
        return (Kind::LoginRequired, Some(register_anew(account)));
    }
    (kind, Some(not_refreshed_hint(account, source)))
}

/// Returns the hint for a registered client that the server refused. The server may know it again at the
/// next command; a login after such a refusal registers another.
fn register_anew(account: &Account) -> Hint {
    Hint::within("if that lasts, {} registers another client", Hint::Login(account.clone()))
}

/// Returns the kind and hint for a refresh that is not tried, since the last one failed.
fn refused_before(account: &Account, last: &Attempt, registered: bool) -> (Kind, Option<Hint>) {
    match last.outcome {
        Outcome::Configuration if registered && last.was_about_the_client() => {
            (Kind::LoginRequired, Some(register_anew(account)))
        }
        Outcome::Configuration if last.brought_unusable_token() => {
            (Kind::Usage, Some(want_bearer_tokens(account).into()))
        }
        Outcome::Configuration => (Kind::Usage, Some(compare_settings(account).into())),
        Outcome::Refused => (Kind::LoginRequired, Some(Hint::Login(account.clone()))),
        Outcome::Done | Outcome::Transient => {
            (Kind::ProviderUnavailable, Some(command("why", account).into()))
        }
    }
}

/// Returns the hint for a credential that is at `to` or on another machine, where the other member `by`
/// of a shared vault moved it.
fn handed_over_hint(account: &Account, to: Option<Box<Destination>>, by: Option<&str>) -> Hint {
    let account = account.clone();
    let login = match by {
        Some(by) => Hint::within(
            format!("let `{by}` bring it back, or take another grant with {{}}"),
            Hint::Login(account.clone()),
        ),
        None => Hint::Login(account.clone()),
    };
    match to {
        Some(to) => Hint::MovedTo { account, to, alone: false, elsewhere: Box::new(login) },
        None => login,
    }
}

/// Returns the hint for a refresh of `account` that was interrupted; the member `holder` of a shared vault
/// began it.
fn answer_hint(account: &Account, holder: Option<&str>) -> Hint {
    let get = command("get", account);
    match holder {
        Some(holder) => Hint::within(
            format!("a machine of `{}` that has the answer stores it with {{}}", printable(holder)),
            get.into(),
        ),
        None => get.into(),
    }
}

/// Returns the kind of the failure of a refresh whose new token this machine keeps, since `source` kept
/// it from being stored: where the database of a shared vault is away or busy, that is all that is wrong.
fn unstored_kind(source: &OpsError) -> Kind {
    #[cfg(feature = "postgres")]
    if let OpsError::Store(StoreError::Shared(source)) = source {
        let kind = shared::shared_error(source).kind;
        let is_passing = matches!(kind, Kind::VaultUnreachable | Kind::VaultBusy);
        return if is_passing { kind } else { Kind::Failed };
    }
    let _ = source;
    Kind::Failed
}

/// Returns the hint for a new token of `account` that this machine keeps, since `source` kept it from
/// being stored.
fn stored_later(account: &Account, source: &OpsError) -> Hint {
    let get = command("get", account);
    #[cfg(feature = "postgres")]
    if let OpsError::Store(StoreError::Shared(source)) = source {
        return shared::stored_later(source, &get).into();
    }
    let _ = source;
    get.into()
}

/// Returns the hint for a token of `account` that `source` kept from being renewed.
fn not_refreshed_hint(account: &Account, source: &TokenError) -> Hint {
    match source {
        TokenError::ClientRefused { error, .. } if error == DENIED => LET_IMPERSONATE.into(),
        TokenError::IdentityRefused { .. } => COMPARE_IDENTITY.into(),
        TokenError::ClientRefused { .. } => compare_settings(account).into(),
        TokenError::UnusableToken { .. } => want_bearer_tokens(account).into(),
        TokenError::Fault(Fault::CertificateRefused { .. }) => {
            format!("{MEND_CERTIFICATE}, then `{}`", command("refresh", account)).into()
        }
        TokenError::Fault(Fault::NotSent { is_untrusted: true, .. }) => TRUST_SERVER.into(),
        TokenError::ClockRefused { .. } => SET_CLOCK.into(),
        // A grant that a person has to renew is `LoginRequired` by now.
        TokenError::GrantRefused { .. } => refused_unattended(account).into(),
        TokenError::NoIdentity(why) => identity_hint(why),
        // It does what the journal allows: the token in hand, or one more try.
        source if source.is_ambiguous() => command("get", account).into(),
        TokenError::TooManyRequests { .. }
        | TokenError::NoVerdict { .. }
        | TokenError::NotSigned(_)
        | TokenError::Fault(_) => command("why", account).into(),
    }
}

/// Returns the hint for a token of `account` whose type can't be used: what is in config.toml is sealed
/// with the credential by a login.
fn want_bearer_tokens(account: &Account) -> String {
    format!("{WANT_BEARER_TOKENS}, then `{}`", login_command(account))
}

/// Returns a sentence that says when tokctl itself will ask the provider again, after a fault that
/// passes.
fn next_try(error: &OpsError) -> Option<String> {
    let after_token =
        |until| format!("tokctl asks again after {until}, when the token in hand has ended");
    if let OpsError::Interrupted { until: Some(until), .. } = error {
        return Some(after_token(until));
    }
    let OpsError::NotRefreshed { source, next, .. } = error else { return None };
    match next {
        NextTry::EndOfToken { at: Some(at) } => return Some(after_token(at)),
        NextTry::EndOfToken { at: None } => {
            return Some("tokctl asks again when the token in hand has ended".into());
        }
        NextTry::NextCommand => {}
    }
    let when = match source {
        TokenError::TooManyRequests { retry_after: Some(pause), .. }
        | TokenError::NoVerdict { retry_after: Some(pause), .. } => {
            format!("with the first command after {} s", pause.as_secs())
        }
        TokenError::NoVerdict { .. }
        | TokenError::TooManyRequests { .. }
        | TokenError::Fault(
            Fault::NotSent { .. } | Fault::Unanswered { .. } | Fault::Unreadable { .. },
        ) => "with the next command".into(),
        TokenError::Fault(
            Fault::CertificateRefused { .. } | Fault::Setup { .. } | Fault::Forbidden { .. },
        )
        | TokenError::GrantRefused { .. }
        | TokenError::ClientRefused { .. }
        | TokenError::IdentityRefused { .. }
        | TokenError::UnusableToken { .. }
        | TokenError::ClockRefused { .. }
        | TokenError::NoIdentity(_)
        | TokenError::NotSigned(_) => return None,
    };
    Some(format!("tokctl asks again {when}"))
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        OpsError::from(error).into()
    }
}

impl From<Box<StillLocked>> for CliError {
    fn from(locked: Box<StillLocked>) -> Self {
        OpsError::from(locked).into()
    }
}
