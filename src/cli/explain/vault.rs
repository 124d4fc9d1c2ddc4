//! Explains failures of the vault, its key slots and the keychain.

use super::file::trust_hint;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::typed::{command, quoted};
use crate::model::account::Account;
use crate::ops::error::{KeychainError, StoreError};
use crate::ops::{self, SlotError, SlotKind};
use crate::private_file;

/// The hint for a damaged vault: the command that says how far the damage goes and what to do.
pub(crate) const RESTORE: &str = "tokctl doctor";

/// The hint for a vault that was restored or put back.
pub(crate) const ACCEPT_OLDER: &str = "if you restored it, or used a copy of it here, \
    `tokctl doctor --accept-older --yes`; it says what that means";

pub(super) fn store_error(error: &StoreError) -> CliError {
    let (kind, hint): (Kind, Hint) = match error {
        // The operations report these as their own errors, so they do not arrive here.
        StoreError::NoSuchSlot { .. }
        | StoreError::WrongSecret { .. }
        | StoreError::Keychain { .. }
        | StoreError::TamperedSlot { .. } => (Kind::KeyUnavailable, "tokctl doctor".into()),
        #[cfg(feature = "postgres")]
        StoreError::Shared(error) => return super::shared::shared_error(error),
        StoreError::NoVault { .. } => (Kind::NotFound, Hint::FirstLogin),
        StoreError::ForeignFile { .. } => {
            (Kind::VaultDamaged, "name another file with `--vault`".into())
        }
        StoreError::NewerVersion { .. } => (Kind::VaultDamaged, "update tokctl".into()),
        StoreError::Emptied { .. }
        | StoreError::Damaged(_)
        | StoreError::Inconsistent(_)
        | StoreError::Tampered { .. } => (Kind::VaultDamaged, RESTORE.into()),
        StoreError::Older { .. } => (Kind::VaultDamaged, ACCEPT_OLDER.into()),
        StoreError::ForeignSchema { .. } => {
            (Kind::VaultDamaged, Hint::within("{} takes it out", repair()))
        }
        StoreError::Unindexed => (Kind::VaultDamaged, Hint::within("{} makes it anew", repair())),
        StoreError::HeaderDamaged => {
            (Kind::VaultDamaged, Hint::within("{} seals a new one", repair()))
        }
        StoreError::RollbackJournal { path } => (
            Kind::VaultDamaged,
            format!(
                "somebody may have planted it: `rm {}` once no other tokctl runs",
                quoted(&path.to_string_lossy())
            )
            .into(),
        ),
        StoreError::AuditCut => {
            (Kind::VaultDamaged, "`tokctl audit --verify` says what is missing".into())
        }
        StoreError::Untrusted(source) => {
            let kind = match source {
                private_file::Error::Shared { .. } => Kind::Usage,
                private_file::Error::WritableByOthers { .. }
                | private_file::Error::ForeignOwner { .. }
                | private_file::Error::NotAFile { .. }
                | private_file::Error::Denied { .. }
                | private_file::Error::TooLarge { .. }
                | private_file::Error::Io { .. } => Kind::Failed,
            };
            (kind, trust_hint(source).into())
        }
        StoreError::NetworkFileSystem { .. } => {
            (Kind::Failed, "keep the vault on a local disk, named with `--vault`".into())
        }
        StoreError::Busy | StoreError::KeyRetired => (Kind::Busy, Hint::Again(&[])),
        StoreError::Unwritable(fault) => (Kind::Failed, Hint::Disk(*fault)),
        StoreError::Io { .. } | StoreError::Engine(_) => (Kind::Failed, "tokctl doctor".into()),
        StoreError::Audit { path, .. } => {
            (Kind::Failed, format!("ls -l {}", quoted(&path.to_string_lossy())).into())
        }
        StoreError::Random(_) => (Kind::Failed, Hint::Again(&[])),
    };
    CliError::of(kind, error).hint(hint)
}

/// Returns the hint for what `tokctl doctor --repair` mends.
pub(crate) fn repair() -> Hint {
    Hint::Confirmed("tokctl doctor --repair".into())
}

pub(super) fn slot_error(error: &SlotError) -> CliError {
    let (kind, hint): (Kind, Hint) = match error {
        SlotError::Unknown { .. }
        | SlotError::TooMany
        | SlotError::Full
        | SlotError::Opens { .. } => (Kind::Usage, "tokctl key list".into()),
        SlotError::Last { .. } => (Kind::Usage, "tokctl key add --help".into()),
        SlotError::Changed => (Kind::Busy, Hint::Again(&[])),
        SlotError::NotKept(_) => (Kind::KeyUnavailable, "tokctl doctor".into()),
        SlotError::Damaged(_) => (Kind::VaultDamaged, RESTORE.into()),
    };
    let mut shown = CliError::of(kind, error).hint(hint);
    if let SlotError::Damaged(damage) = error {
        shown.causes = damage.accounts.iter().map(delete_command).collect();
    }
    shown
}

/// Returns the line that names an unreadable credential and the command that deletes it.
fn delete_command(account: &Account) -> String {
    format!("`{account}` does not open: {} --no-revoke --yes", command("delete", account))
}

/// Returns the hint that says how the slots of a vault are opened.
pub(crate) fn how_to_unlock(slots: &[SlotKind]) -> Hint {
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
    if ways.is_empty() { Hint::FirstLogin } else { ways.join(", or ").into() }
}

/// Returns the hint for `error`, that a secret opens none of the `slots`. What they are bound to may
/// be damaged too, which nobody can tell from a wrong secret.
pub(super) fn secret_hint(error: &ops::Error, slots: &[SlotKind]) -> Hint {
    if slots.is_empty() {
        return RESTORE.into();
    }
    match (error, how_to_unlock(slots)) {
        (ops::Error::WrongSecret { .. }, Hint::Text(ways)) => {
            let sentence = "if that is what it is, put a backup in the place of the vault's file";
            format!("{ways}; {sentence}").into()
        }
        (_, ways) => ways,
    }
}

pub(super) fn keychain_hint(error: &KeychainError, slots: &[SlotKind]) -> Hint {
    let others: Vec<SlotKind> =
        slots.iter().copied().filter(|slot| *slot != SlotKind::Keychain).collect();
    let first = match error {
        KeychainError::Missing { .. } if others.is_empty() => {
            return "another session or another keychain program may have it: log out and in again, \
                    or run this where the vault was made; if none has it any more, begin another \
                    vault with `--vault FILE`"
                .into();
        }
        KeychainError::Missing { .. } => "the keychain does not have the key",
        KeychainError::OutOfDate { .. } => {
            "end other sessions of yours, then log out and in again, so that the keychain reads its \
             files anew"
        }
        KeychainError::Confirms { .. } => {
            "run it on a terminal and allow it, or in KeePassXC's settings, at Secret Service \
             Integration, switch off `Confirm when passwords are retrieved by clients`"
        }
        KeychainError::NoCollection => {
            "create a default keyring, such as in `seahorse` or in KWallet's settings"
        }
        KeychainError::Locked | KeychainError::NoAnswer(_) => {
            "unlock the keychain, such as by logging in to the desktop"
        }
        KeychainError::NoService
        | KeychainError::Mismatch
        | KeychainError::Malformed
        | KeychainError::Exists
        | KeychainError::Other(_) => "log in to a desktop whose keychain works",
    };
    // A server or a job of cron has no desktop, and never will.
    let no_desktop = matches!(error, KeychainError::NoService);
    if slots.is_empty() && no_desktop {
        return Hint::OtherSlot;
    }
    if others.is_empty() && no_desktop {
        return "give this vault a key too, where its keychain works: `tokctl key add --help`, then \
                set TOKCTL_KEY_FILE here"
            .into();
    }
    if slots.is_empty() {
        return Hint::within(format!("{first}, or {{}}"), Hint::OtherSlot);
    }
    if others.is_empty() {
        return first.into();
    }
    Hint::within(format!("{first}, or {{}}"), how_to_unlock(&others))
}
