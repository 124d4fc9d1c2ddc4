//! What each failure of an operation means to a user.

use std::io;

use super::error::{CliError, Kind};
use super::typed::{login_command, quoted, user_flag};
use crate::model::account::Account;
use crate::model::attempt::Outcome;
use crate::oauth::http::Fault;
use crate::oauth::protected_resource::{self, NoVerdict};
use crate::oauth::{listener, metadata, token_error};
use crate::ops::StillLocked;
use crate::ops::{BundleError, CheckError, Error as OpsError, ImportError, Reason, SlotError};
use crate::vault::slot::SlotKind;
use crate::vault::{bundle, keychain};
use crate::{config, foreign, private_file, providers, store};

const RESUME: &str = "tokctl export --resume --output FILE";

const RESUME_ELSEWHERE: &str =
    "name a file that is not there yet: tokctl export --resume --output FILE";

/// What helps a vault that is damaged.
pub(crate) const RESTORE: &str =
    "`tokctl doctor` says how far the damage goes; restore the vault's file from a backup";

const TRY_LATER: &str = "try again later; the stored credential is unchanged";

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
            // A login would make another grant, and leave the bundle where it is.
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
                token_kind(source, Kind::LoginRequired),
                Some(match source {
                    token_error::Error::ClientRefused { .. } => compare_settings(account),
                    _ => TRY_LATER.into(),
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
            OpsError::RedirectUri { .. } => (
                Kind::Usage,
                Some(
                    "set `redirect_uri` to an http address on 127.0.0.1, or to an https one".into(),
                ),
            ),
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

/// What it means that a server's metadata could not be had.
fn metadata_error(error: &metadata::Error) -> (Kind, Option<String>) {
    let (kind, hint) = match error {
        metadata::Error::Fault(_) => (Kind::ProviderUnavailable, "try again later"),
        metadata::Error::ForeignIssuer { .. } => {
            (Kind::Usage, "if that is the one you mean, set `issuer` to it in config.toml")
        }
        metadata::Error::Missing { .. } => {
            (Kind::Usage, "set `authorization_endpoint` and `token_endpoint` in config.toml")
        }
    };
    (kind, Some(hint.into()))
}

impl From<BundleError> for CliError {
    fn from(error: BundleError) -> Self {
        bundle_error(&error)
    }
}

impl From<store::Error> for CliError {
    fn from(error: store::Error) -> Self {
        OpsError::from(error).into()
    }
}

impl From<Box<StillLocked>> for CliError {
    fn from(locked: Box<StillLocked>) -> Self {
        OpsError::from(locked).into()
    }
}

impl From<providers::Error> for CliError {
    fn from(error: providers::Error) -> Self {
        provider_error(&error)
    }
}

impl From<config::Error> for CliError {
    fn from(error: config::Error) -> Self {
        match &error {
            config::Error::Line { .. } => Self::of(Kind::Usage, &error).hint("mend that line"),
            config::Error::Untrusted(source) => untrusted_file(Kind::Usage, source),
        }
    }
}

/// A failure with a file, of the kind that its place in the program gives it.
pub(crate) fn untrusted_file(kind: Kind, error: &private_file::Error) -> CliError {
    CliError::of(kind, error).hint(trust_hint(error))
}

/// What makes a file trustworthy.
fn trust_hint(error: &private_file::Error) -> String {
    let quoted = |path: &std::path::Path| quoted(&path.to_string_lossy());
    match error {
        private_file::Error::WritableByOthers { path } => format!("chmod go-w {}", quoted(path)),
        private_file::Error::Shared { .. } => "keep it in a directory of your own".into(),
        private_file::Error::ForeignOwner { path } => {
            format!("chown \"$(id -u)\" {}", quoted(path))
        }
        private_file::Error::NotAFile { .. } => "name a plain file".into(),
        private_file::Error::Denied { path } => format!("chmod u+rw {}", quoted(path)),
        private_file::Error::TooLarge { .. } => "name another file".into(),
        taken if is_taken(taken) => "name a file that is not there yet".into(),
        private_file::Error::Io { path, .. } => format!("ls -ld {}", quoted(path)),
    }
}

/// Whether a new file was to be made where something is.
fn is_taken(error: &private_file::Error) -> bool {
    matches!(error, private_file::Error::Io { source, .. }
        if source.kind() == io::ErrorKind::AlreadyExists)
}

fn store_error(error: &store::Error) -> CliError {
    let (kind, hint) = match error {
        // Told as the operations' own errors, before this is asked.
        store::Error::NoSuchSlot { .. }
        | store::Error::WrongSecret { .. }
        | store::Error::Keychain { .. }
        | store::Error::TamperedSlot { .. } => (Kind::KeyUnavailable, "tokctl doctor".into()),
        store::Error::NoVault { .. } => (Kind::NotFound, "tokctl login".into()),
        store::Error::ForeignFile { .. } => {
            (Kind::VaultDamaged, "name another file with `--vault`".into())
        }
        store::Error::NewerVersion { .. } => (Kind::VaultDamaged, "update tokctl".into()),
        store::Error::Damaged(_) | store::Error::Inconsistent(_) => {
            (Kind::VaultDamaged, RESTORE.into())
        }
        store::Error::Tampered { account } => (
            Kind::VaultDamaged,
            format!(
                "restore a backup, or `tokctl delete {} {} --no-revoke` and log in again",
                account.provider,
                user_flag(account.user.as_str())
            ),
        ),
        store::Error::Untrusted(source) => {
            let kind = match source {
                private_file::Error::WritableByOthers { .. }
                | private_file::Error::Shared { .. }
                | private_file::Error::ForeignOwner { .. } => Kind::VaultDamaged,
                private_file::Error::NotAFile { .. }
                | private_file::Error::Denied { .. }
                | private_file::Error::TooLarge { .. }
                | private_file::Error::Io { .. } => Kind::Failed,
            };
            (kind, trust_hint(source))
        }
        store::Error::NetworkFileSystem { .. } => {
            (Kind::Failed, "keep the vault on a local disk, named with `--vault`".into())
        }
        store::Error::Busy | store::Error::KeyRetired => (Kind::Busy, "try again".into()),
        store::Error::Io { .. } | store::Error::Sqlite(_) => (
            Kind::Failed,
            "look whether the disk is full, and whether the file may be written".into(),
        ),
        store::Error::Audit { path, .. } => {
            (Kind::Failed, format!("ls -l {}", quoted(&path.to_string_lossy())))
        }
        store::Error::Random(_) => (Kind::Failed, "try again".into()),
    };
    CliError::of(kind, error).hint(hint)
}

fn provider_error(error: &providers::Error) -> CliError {
    let (kind, hint) = match error {
        providers::Error::Unknown { .. } => {
            (Kind::NotFound, "`tokctl providers` lists them, and config.toml can define more")
        }
        providers::Error::NoServer { .. } | providers::Error::ForeignServer { .. } => {
            (Kind::Usage, "name it with `--server`")
        }
        providers::Error::ForbiddenScope { .. } => (Kind::Usage, "leave that scope out"),
        providers::Error::Address { .. } => (Kind::Usage, "use https, or http on loopback"),
        providers::Error::Circle { .. }
        | providers::Error::Malformed { .. }
        | providers::Error::Incomplete { .. } => (Kind::Usage, "mend its table in config.toml"),
    };
    CliError::of(kind, error).hint(hint)
}

fn not_redeemed(error: &token_error::Error) -> (Kind, Option<String>) {
    let hint = match error {
        token_error::Error::ClientRefused { .. } => {
            "compare client id, secret and redirect URI with those that are registered"
        }
        _ => "run `tokctl login` again",
    };
    (token_kind(error, Kind::LoginFailed), Some(hint.into()))
}

fn listener_error(error: &listener::Error) -> CliError {
    let (kind, hint) = match error {
        listener::Error::PortTaken { .. } => (
            Kind::Usage,
            "end the program that has it, or name another registered port with `--port`",
        ),
        listener::Error::TimedOut | listener::Error::Rejected(_) => {
            (Kind::LoginFailed, "run `tokctl login` again")
        }
        listener::Error::Bind { .. } | listener::Error::Io(_) => {
            (Kind::Failed, "run `tokctl login` again")
        }
    };
    CliError::of(kind, error).hint(hint)
}

fn compare_settings(account: &Account) -> String {
    format!(
        "compare client id and secret with those that are registered, then `{}`",
        login_command(account)
    )
}

fn check_error(error: &CheckError) -> CliError {
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
            protected_resource::Error::Fault(Fault::Setup { .. }) => {
                (Kind::Usage, "mend the definition's `ca_file`, then log in again".into())
            }
            protected_resource::Error::NoVerdict(NoVerdict::Forbidden { .. }) => (
                Kind::ProviderUnavailable,
                "`tokctl list` shows its scopes; the stored credential is unchanged".into(),
            ),
            protected_resource::Error::NoVerdict(_) | protected_resource::Error::Fault(_) => {
                (Kind::ProviderUnavailable, unchanged)
            }
        },
    };
    CliError::of(kind, error).hint(hint)
}

fn import_error(error: &ImportError) -> CliError {
    let hint = match error {
        ImportError::Twice { .. } => {
            "take one of them out, or give the users names of their own".into()
        }
        ImportError::Unfit { reason, .. } => unfit_hint(reason),
    };
    let mut shown = CliError::of(Kind::Usage, error);
    shown.hint = Some(hint);
    shown
}

fn unfit_hint(reason: &Reason) -> String {
    match reason {
        // Where the record has one of its own, that counts.
        Reason::Provider(providers::Error::ForeignServer { .. }) => {
            "name another provider with `--provider`, or the server as that provider has it".into()
        }
        Reason::Provider(error) => provider_error(error).hint.unwrap_or_default(),
        Reason::UserName => "mend the name in it: nothing was stored".into(),
        Reason::NoUserName => {
            "take it out, and store that token with `tokctl login PROVIDER --token-stdin \
             --username NAME`"
                .into()
        }
    }
}

impl From<foreign::Error> for CliError {
    fn from(error: foreign::Error) -> Self {
        match &error {
            foreign::Error::File(source) => untrusted_file(Kind::Failed, source),
            foreign::Error::OtherKind { instead: Some(instead), .. } => {
                Self::of(Kind::Usage, &error).hint(instead)
            }
            foreign::Error::OtherKind { instead: None, .. } => {
                Self::of(Kind::Usage, &error).hint("`tokctl import --help` tells the sources apart")
            }
            foreign::Error::Malformed { .. } => {
                Self::of(Kind::Failed, &error).hint("mend that place: nothing was stored")
            }
            foreign::Error::NeedsKey { .. } | foreign::Error::NoSuchKey { .. } => {
                Self::of(Kind::Usage, &error)
                    .hint("give its key in a file with `--key-file`, or in TOKCTL_IMPORT_KEY")
            }
            foreign::Error::WrongKey { .. } => {
                Self::of(Kind::Usage, &error).hint("give the right key: nothing was stored")
            }
        }
    }
}

fn slot_error(error: &SlotError) -> CliError {
    let (kind, hint) = match error {
        SlotError::Unknown { .. } => (Kind::Usage, "tokctl key list"),
        SlotError::Last { .. } => (Kind::Usage, "`tokctl key add` another one first"),
        SlotError::Changed => (Kind::Busy, "try again"),
        SlotError::NotKept(_) => {
            (Kind::KeyUnavailable, "see that the keychain is unlocked and works, then try again")
        }
        SlotError::Damaged(damage) if damage.nameless > 0 => (Kind::VaultDamaged, RESTORE),
        SlotError::Damaged(_) => {
            (Kind::VaultDamaged, "restore a backup, or delete them as said and log in again")
        }
    };
    let mut shown = CliError::of(kind, error).hint(hint);
    if let SlotError::Damaged(damage) = error {
        shown.causes = damage.accounts.iter().map(delete_command).collect();
    }
    shown
}

fn bundle_error(error: &BundleError) -> CliError {
    let (kind, hint) = match error {
        BundleError::NothingTravels { account } => (
            Kind::Failed,
            format!(
                "tokctl refresh {} {} first, or move it with `--move`",
                account.provider,
                user_flag(account.user.as_str())
            ),
        ),
        BundleError::Unplaced => (Kind::Failed, RESUME.into()),
        BundleError::NotPlaced { source } if is_taken(source) => {
            (Kind::Failed, RESUME_ELSEWHERE.into())
        }
        BundleError::NotPlaced { .. } => (Kind::Failed, format!("make room, then {RESUME}")),
        BundleError::NothingUnplaced => (Kind::NotFound, "tokctl list".into()),
        BundleError::TooLarge => (Kind::Failed, "export fewer at once".into()),
        BundleError::NotMade { source } => (Kind::Failed, trust_hint(source)),
        BundleError::Malformed(bundle::Malformed::Prefix) => {
            (Kind::Usage, "name what `tokctl export` wrote".into())
        }
        BundleError::Malformed(bundle::Malformed::Version) => {
            (Kind::Failed, "update tokctl".into())
        }
        BundleError::Malformed(bundle::Malformed::Damaged)
        | BundleError::Closed(bundle::Error::Damaged) => {
            (Kind::Failed, "fetch it once more from where it was made".into())
        }
        BundleError::Closed(bundle::Error::WrongSecret(kind)) => {
            let names = match kind {
                SlotKind::Passphrase => "TOKCTL_BUNDLE_PASSPHRASE to the passphrase",
                SlotKind::Key | SlotKind::Keychain | SlotKind::Recovery => {
                    "TOKCTL_BUNDLE_KEY or TOKCTL_BUNDLE_KEY_FILE to the key"
                }
            };
            (Kind::KeyUnavailable, format!("set {names} that it was sealed for"))
        }
        BundleError::Opened { .. } => {
            (Kind::Failed, "`tokctl list` shows what is there; another needs another export".into())
        }
        BundleError::InTheWay { .. } => (Kind::Failed, "give `--replace` to overwrite it".into()),
        BundleError::Newer { account } => (
            Kind::Failed,
            format!(
                "to take it in all the same, `tokctl delete {} {} --no-revoke` first",
                account.provider,
                user_flag(account.user.as_str())
            ),
        ),
    };
    CliError::of(kind, error).hint(hint)
}

/// What takes away a credential that does not open.
fn delete_command(account: &Account) -> String {
    let user = user_flag(account.user.as_str());
    format!("`{account}` does not open: tokctl delete {} {user} --no-revoke", account.provider)
}

/// What a token endpoint's refusal means; a refused grant means something else in a login than in
/// a refresh.
fn token_kind(error: &token_error::Error, grant_refused: Kind) -> Kind {
    match error {
        token_error::Error::GrantRefused { .. } => grant_refused,
        token_error::Error::ClientRefused { .. }
        | token_error::Error::NotSigned(_)
        | token_error::Error::Fault(Fault::Setup { .. }) => Kind::Usage,
        token_error::Error::TooManyRequests { .. }
        | token_error::Error::NoVerdict { .. }
        | token_error::Error::Fault(_) => Kind::ProviderUnavailable,
    }
}

/// How the slots that a vault has are opened.
fn how_to_unlock(slots: &[SlotKind]) -> String {
    let mut ways: Vec<&str> = Vec::new();
    for slot in slots {
        let way = match slot {
            SlotKind::Keychain => "unlock the keychain and unset TOKCTL_KEY and TOKCTL_PASSPHRASE",
            SlotKind::Key => "set TOKCTL_KEY or TOKCTL_KEY_FILE to the vault's key",
            SlotKind::Passphrase => "set TOKCTL_PASSPHRASE to the vault's passphrase",
            SlotKind::Recovery => "set TOKCTL_KEY or TOKCTL_KEY_FILE to a recovery code",
        };
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    if ways.is_empty() { "tokctl login".into() } else { ways.join(", or ") }
}

fn keychain_hint(error: &keychain::Error, slots: &[SlotKind]) -> String {
    let others: Vec<SlotKind> =
        slots.iter().copied().filter(|slot| *slot != SlotKind::Keychain).collect();
    let first = match error {
        keychain::Error::Missing if others.is_empty() => {
            return "nothing else opens this vault: move its file away, then `tokctl login`".into();
        }
        keychain::Error::Missing => "the keychain no longer has the key",
        keychain::Error::Locked | keychain::Error::NoAnswer(_) => {
            "unlock the keychain, such as by logging in to the desktop"
        }
        keychain::Error::NoService(_)
        | keychain::Error::NoCollection
        | keychain::Error::Mismatch
        | keychain::Error::Malformed
        | keychain::Error::Exists
        | keychain::Error::Other(_) => "log in to a desktop whose keychain works",
    };
    if slots.is_empty() {
        return format!("{first}, or choose `--key-slot key` or `--key-slot passphrase`");
    }
    if others.is_empty() { first.into() } else { format!("{first}, or {}", how_to_unlock(&others)) }
}
