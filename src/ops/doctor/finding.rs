//! What a look at one thing comes to: a fact, how grave it is, and what mends it.

use std::path::PathBuf;

use super::facts::{
    AuditFact, ClockFact, CredentialsFact, DiskFact, EntriesFact, IntegrityFact, KeychainFact,
    LeftoversFact, LogFact, MemoryFact, PermissionsFact, PortsFact, RecoveryFact, RefreshesFact,
    SlotsFact, SqliteFact, VaultFact,
};
use crate::model::account::Account;
use crate::ops::error::Error;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    Environment,
    Configuration,
    Providers,
    Programs,
    Browser,
    Ports,
    Memory,
    Sqlite,
    Disk,
    Permissions,
    Vault,
    Integrity,
    Log,
    Unlock,
    Slots,
    Recovery,
    Keychain,
    KeychainEntries,
    Credentials,
    Logins,
    Refreshes,
    Leftovers,
    Audit,
    Clock,
}

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// In order.
    Fine,
    /// In order, and could be better.
    Hint,
    /// Something is to be mended.
    ToMend,
    /// The vault is damaged, or somebody else could have changed it.
    Damaged,
    /// It could not be looked at.
    Unknown,
}

/// What a look at one thing came to.
#[derive(Debug)]
pub(crate) enum Finding {
    Seen {
        fact: Fact,
        verdict: Verdict,
        remedy: Option<Remedy>,
    },
    /// The vault, or a part of it, can't be used: every command says so in the same words.
    Failure {
        check: Check,
        error: Box<Error>,
    },
}

/// What was seen, by what was looked at.
#[derive(Debug)]
pub(crate) enum Fact {
    Ports(PortsFact),
    Memory(MemoryFact),
    Sqlite(SqliteFact),
    Disk(DiskFact),
    Permissions(PermissionsFact),
    Vault(VaultFact),
    Integrity(IntegrityFact),
    Log(LogFact),
    Slots(SlotsFact),
    Recovery(RecoveryFact),
    Keychain(KeychainFact),
    KeychainEntries(EntriesFact),
    Credentials(CredentialsFact),
    Refreshes(RefreshesFact),
    Leftovers(LeftoversFact),
    Audit(AuditFact),
    Clock(ClockFact),
}

/// What mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Take the permission to write from others.
    KeepWritersOut(PathBuf),
    /// Take every permission from others.
    KeepReadersOut(PathBuf),
    /// Let its owner write.
    LetOwnerWrite(PathBuf),
    /// Make it one's own.
    Own(PathBuf),
    /// See for oneself.
    LookAt(PathBuf),
    Remove(PathBuf),
    MakeRoom,
    UseLocalDisk,
    RestoreBackup,
    /// Forget a credential that does not open, and log in again.
    Forget(Account),
    Why(Account),
    /// Store an answer that lies beside the vault.
    TakeUp(Account),
    /// Put the bundle of an interrupted hand-over in its place.
    PlaceBundle,
    /// Any command that opens the vault as usual.
    AnyCommand,
    RotateKey,
    AddRecovery,
    RemoveSlot(String),
    DeleteEntry(String),
    ShowAudit,
    UpdateTokctl,
    SetClock,
    AskServer,
    FreePort,
    LookAtLoopback,
    Report,
}

impl Fact {
    /// What was looked at.
    pub(crate) fn check(&self) -> Check {
        match self {
            Self::Ports(_) => Check::Ports,
            Self::Memory(_) => Check::Memory,
            Self::Sqlite(_) => Check::Sqlite,
            Self::Disk(_) => Check::Disk,
            Self::Permissions(_) => Check::Permissions,
            Self::Vault(_) => Check::Vault,
            Self::Integrity(_) => Check::Integrity,
            Self::Log(_) => Check::Log,
            Self::Slots(_) => Check::Slots,
            Self::Recovery(_) => Check::Recovery,
            Self::Keychain(_) => Check::Keychain,
            Self::KeychainEntries(_) => Check::KeychainEntries,
            Self::Credentials(_) => Check::Credentials,
            Self::Refreshes(_) => Check::Refreshes,
            Self::Leftovers(_) => Check::Leftovers,
            Self::Audit(_) => Check::Audit,
            Self::Clock(_) => Check::Clock,
        }
    }
}

impl Finding {
    pub(super) fn fine(fact: Fact) -> Self {
        Self::Seen { fact, verdict: Verdict::Fine, remedy: None }
    }

    pub(super) fn hint(fact: Fact, remedy: Remedy) -> Self {
        Self::Seen { fact, verdict: Verdict::Hint, remedy: Some(remedy) }
    }

    /// A fact that is worth knowing, and asks for nothing to be done.
    pub(super) fn noted(fact: Fact) -> Self {
        Self::Seen { fact, verdict: Verdict::Hint, remedy: None }
    }

    pub(super) fn to_mend(fact: Fact, remedy: Remedy) -> Self {
        Self::Seen { fact, verdict: Verdict::ToMend, remedy: Some(remedy) }
    }

    pub(super) fn damaged(fact: Fact, remedy: Remedy) -> Self {
        Self::Seen { fact, verdict: Verdict::Damaged, remedy: Some(remedy) }
    }

    /// A fact that says why something could not be looked at.
    pub(super) fn unknown(fact: Fact) -> Self {
        Self::Seen { fact, verdict: Verdict::Unknown, remedy: None }
    }

    /// A fact that says why something could not be looked at, with what lets it be looked at.
    pub(super) fn unknown_until(fact: Fact, remedy: Remedy) -> Self {
        Self::Seen { fact, verdict: Verdict::Unknown, remedy: Some(remedy) }
    }

    pub(crate) fn failure(check: Check, error: impl Into<Error>) -> Self {
        Self::Failure { check, error: Box::new(error.into()) }
    }
}
