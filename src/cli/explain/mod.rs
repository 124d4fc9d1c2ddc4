//! Explanations of failed operations to a user: exit code, message and what to type next. The
//! operations know none of these.

mod file;
mod provider;
mod server;
mod vault;
mod bundle;
mod import;

pub(crate) use self::file::{keep_writers_out, untrusted_file};
pub(crate) use self::vault::{ACCEPT_OLDER, RESTORE};

use self::bundle::{RESUME, bundle_error};
use self::import::import_error;
use self::provider::provider_error;
use self::server::{
    IN_DOUBT, SET_CLOCK, TRY_LATER, check_error, compare_settings, listener_error, metadata_error,
    not_redeemed, refused_unattended, token_kind,
};
use self::vault::{how_to_unlock, keychain_hint, slot_error, store_error};
use super::error::{CliError, Kind};
use super::typed::{login_command, user_flag};
use crate::model::attempt::Outcome;
use crate::ops::error::{StoreError, TokenError};
use crate::ops::{Error as OpsError, StillLocked};

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
                (Kind::KeyUnavailable, Some(how_to_unlock(slots)))
            }
            OpsError::Keychain { source, slots } => {
                (Kind::KeyUnavailable, Some(keychain_hint(source, slots)))
            }
            OpsError::TamperedSlot { .. } => {
                (Kind::VaultDamaged, Some(RESTORE.into()))
            }
            OpsError::Unrecorded { .. } => (
                Kind::Failed,
                Some(
                    "see that the audit can be written, or set `audit = \"best-effort\"` in config.toml, then `tokctl audit --verify`"
                        .into(),
                ),
            ),
            OpsError::NoCredential { account } => (Kind::NotFound, Some(login_command(account))),
            // A login would make a new grant and leave the old bundle unplaced.
            OpsError::HandedOver { unplaced: true, .. } => {
                (Kind::LoginRequired, Some(RESUME.into()))
            }
            OpsError::LoginRequired { account, .. }
            | OpsError::HandedOver { account, unplaced: false } => {
                (Kind::LoginRequired, Some(login_command(account)))
            }
            OpsError::NeverLongEnough { .. } => {
                (Kind::Failed, Some("ask for less with `--min-ttl`, or leave it out".into()))
            }
            OpsError::RefreshForbidden { .. } => {
                (Kind::Failed, Some("leave out `--no-refresh`".into()))
            }
            OpsError::NotRefreshed { account, source } => (
                token_kind(source, Kind::ProviderUnavailable),
                Some(match source {
                    TokenError::ClientRefused { .. } => compare_settings(account),
                    TokenError::ClockRefused { .. } => SET_CLOCK.into(),
                    // A grant that a person has to renew is `LoginRequired` by now.
                    TokenError::GrantRefused { .. } => refused_unattended(account),
                    source if source.is_ambiguous() => IN_DOUBT.into(),
                    TokenError::TooManyRequests { .. }
                    | TokenError::NoVerdict { .. }
                    | TokenError::NotSigned(_)
                    | TokenError::Fault(_) => TRY_LATER.into(),
                }),
            ),
            OpsError::NotRefreshedBefore { account, last } => match last.outcome {
                Outcome::Configuration => (Kind::Usage, Some(compare_settings(account))),
                Outcome::Refused => (Kind::LoginRequired, Some(login_command(account))),
                Outcome::Done | Outcome::Transient => {
                    (Kind::ProviderUnavailable, Some(TRY_LATER.into()))
                }
            },
            OpsError::Paused { .. } => (Kind::ProviderUnavailable, Some(TRY_LATER.into())),
            OpsError::Bug { .. } => (Kind::Failed, Some("report it with what stands above".into())),
            OpsError::Interrupted { account, .. } => (
                Kind::ProviderUnavailable,
                Some(format!(
                    "use the token in hand until it ends, or `{}`",
                    login_command(account)
                )),
            ),
            OpsError::Spilled { account, .. } => (
                Kind::Failed,
                Some(format!(
                    "see that the vault can be written, then `tokctl get {} {}` stores it",
                    account.provider,
                    user_flag(account.user.as_str())
                )),
            ),
            OpsError::Lost { account, .. } => (
                Kind::Failed,
                Some(format!("make room on the disk, then `{}`", login_command(account))),
            ),
            OpsError::LoginUnderWay { .. } => {
                (Kind::Busy, Some("finish that one, or end it with Ctrl-C".into()))
            }
            OpsError::Metadata { source, .. } => metadata_error(source),
            OpsError::ForeignEndpoint { provider, .. } => {
                (Kind::Usage, Some(format!("tokctl providers {provider}")))
            }
            OpsError::RedirectUri { .. } => (Kind::Usage, Some(REDIRECT_URI.into())),
            OpsError::Listener(source) => return listener_error(source),
            OpsError::LoginRefused { .. } | OpsError::CodeExpired => {
                (Kind::LoginFailed, Some("run `tokctl login` again".into()))
            }
            OpsError::NotRedeemed { source } => not_redeemed(source),
            OpsError::NoUser { .. } => (Kind::Usage, Some("name the user with `--user`".into())),
            OpsError::NotRevoked { source, .. } => (
                token_kind(source, Kind::Failed),
                Some("try again later, or forget it alone with `--no-revoke`".into()),
            ),
        };
        let mut shown = Self::of(kind, &error);
        shown.hint = hint;
        shown
    }
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
