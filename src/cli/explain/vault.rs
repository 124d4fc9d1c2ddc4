//! Explains failures of the vault, its key slots and the keychain.

use super::file::trust_hint;
use crate::cli::error::{CliError, Kind};
use crate::cli::typed::{quoted, user_flag};
use crate::model::account::Account;
use crate::ops::error::{KeychainError, StoreError};
use crate::ops::{SlotError, SlotKind};
use crate::private_file;

/// The hint for a damaged vault.
pub(crate) const RESTORE: &str =
    "`tokctl doctor` says how far the damage goes; restore the vault's file from a backup";

/// The hint for a vault that was restored or put back.
pub(crate) const ACCEPT_OLDER: &str =
    "if you restored it, `tokctl doctor --accept-older --yes`; it says what that means";

pub(super) fn store_error(error: &StoreError) -> CliError {
    let (kind, hint) = match error {
        // The operations report these as their own errors, so they do not arrive here.
        StoreError::NoSuchSlot { .. }
        | StoreError::WrongSecret { .. }
        | StoreError::Keychain { .. }
        | StoreError::TamperedSlot { .. } => (Kind::KeyUnavailable, "tokctl doctor".into()),
        StoreError::NoVault { .. } => (Kind::NotFound, "tokctl login".into()),
        StoreError::ForeignFile { .. } => {
            (Kind::VaultDamaged, "name another file with `--vault`".into())
        }
        StoreError::NewerVersion { .. } => (Kind::VaultDamaged, "update tokctl".into()),
        StoreError::Damaged(_) | StoreError::Inconsistent(_) => {
            (Kind::VaultDamaged, RESTORE.into())
        }
        StoreError::Older { .. } => (Kind::VaultDamaged, ACCEPT_OLDER.into()),
        StoreError::ForeignSchema { .. } => {
            (Kind::VaultDamaged, "`tokctl doctor --repair` takes it out".into())
        }
        StoreError::RollbackJournal { path } => (
            Kind::VaultDamaged,
            format!(
                "somebody may have planted it: `rm {}` once no other tokctl runs",
                quoted(&path.to_string_lossy())
            ),
        ),
        StoreError::AuditCut => {
            (Kind::VaultDamaged, "`tokctl audit --verify` says what is missing".into())
        }
        StoreError::Tampered { account } => (
            Kind::VaultDamaged,
            format!(
                "restore a backup, or `tokctl delete {} {} --no-revoke` and log in again",
                account.provider,
                user_flag(account.user.as_str())
            ),
        ),
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
            (kind, trust_hint(source))
        }
        StoreError::NetworkFileSystem { .. } => {
            (Kind::Failed, "keep the vault on a local disk, named with `--vault`".into())
        }
        StoreError::Busy | StoreError::KeyRetired => (Kind::Busy, "try again".into()),
        StoreError::Io { .. } | StoreError::Engine(_) => (
            Kind::Failed,
            "look whether the disk is full, and whether the file may be written".into(),
        ),
        StoreError::Audit { path, .. } => {
            (Kind::Failed, format!("ls -l {}", quoted(&path.to_string_lossy())))
        }
        StoreError::Random(_) => (Kind::Failed, "try again".into()),
    };
    CliError::of(kind, error).hint(hint)
}

pub(super) fn slot_error(error: &SlotError) -> CliError {
    let (kind, hint) = match error {
        SlotError::Unknown { .. } => (Kind::Usage, "tokctl key list"),
        SlotError::Last { .. } => (Kind::Usage, "`tokctl key add` another one first"),
        SlotError::TooMany => (Kind::Usage, "`tokctl key remove` one of them first"),
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

/// Returns the line that names an unreadable credential and the command that deletes it.
fn delete_command(account: &Account) -> String {
    let user = user_flag(account.user.as_str());
    format!("`{account}` does not open: tokctl delete {} {user} --no-revoke", account.provider)
}

/// Returns the hint that says how the slots of a vault are opened.
pub(super) fn how_to_unlock(slots: &[SlotKind]) -> String {
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

pub(super) fn keychain_hint(error: &KeychainError, slots: &[SlotKind]) -> String {
    let others: Vec<SlotKind> =
        slots.iter().copied().filter(|slot| *slot != SlotKind::Keychain).collect();
    let first = match error {
        KeychainError::Missing if others.is_empty() => {
            return "nothing else opens this vault: move its file away, then `tokctl login`".into();
        }
        KeychainError::Missing => "the keychain no longer has the key",
        KeychainError::Locked | KeychainError::NoAnswer(_) => {
            "unlock the keychain, such as by logging in to the desktop"
        }
        KeychainError::NoService(_)
        | KeychainError::NoCollection
        | KeychainError::Mismatch
        | KeychainError::Malformed
        | KeychainError::Exists
        | KeychainError::Other(_) => "log in to a desktop whose keychain works",
    };
    if slots.is_empty() {
        return format!("{first}, or choose `--key-slot key` or `--key-slot passphrase`");
    }
    if others.is_empty() { first.into() } else { format!("{first}, or {}", how_to_unlock(&others)) }
}
