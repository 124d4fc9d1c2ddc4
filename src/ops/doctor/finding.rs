//! The result of one check: a fact, how grave it is, and what mends it.

use std::path::PathBuf;

use super::facts::{
    AuditFact, ClockFact, CredentialsFact, DatabaseFact, DiskFact, EntriesFact, FreshnessFact,
    IntegrityFact, KeychainFact, LeftoversFact, LogFact, MembersFact, MemoryFact, PermissionsFact,
    PortsFact, RecoveryFact, RefreshesFact, SlotsFact, SqliteFact, VaultFact,
};
use crate::model::account::Account;
use crate::ops::error::Error;

/// The subject of a check.
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
    Database,
    Members,
    Integrity,
    Log,
    Unlock,
    Slots,
    Recovery,
    Keychain,
    KeychainEntries,
    Credentials,
    Freshness,
    Logins,
    Refreshes,
    Leftovers,
    Audit,
    Clock,
}

/// The gravity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The subject is in order.
    Fine,
    /// The subject is in order, and could be better.
    Hint,
    /// Something is wrong, and the user can mend it.
    ToMend,
    /// The vault is damaged, or another user could have changed it.
    Damaged,
    /// The check could not be made.
    Unknown,
}

/// The result of one check.
#[derive(Debug)]
pub(crate) enum Finding {
    /// The check found a fact.
    Assessed { fact: Fact, verdict: Verdict, remedy: Option<Remedy> },
    /// The check failed with an error that other commands would meet too, and explain in the same
    /// words.
    Failure { check: Check, error: Box<Error> },
}

/// A fact that a check found, by its subject.
#[derive(Debug)]
pub(crate) enum Fact {
    Ports(PortsFact),
    Memory(MemoryFact),
    Sqlite(SqliteFact),
    Disk(DiskFact),
    Permissions(PermissionsFact),
    Vault(VaultFact),
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    Database(DatabaseFact),
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    Members(MembersFact),
    Integrity(IntegrityFact),
    Log(LogFact),
    Slots(SlotsFact),
    Recovery(RecoveryFact),
    Keychain(KeychainFact),
    KeychainEntries(EntriesFact),
    Credentials(CredentialsFact),
    Freshness(FreshnessFact),
    Refreshes(RefreshesFact),
    Leftovers(LeftoversFact),
    Audit(AuditFact),
    Clock(ClockFact),
}

/// The action that mends what a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Remove the permission to write from other users.
    KeepWritersOut(PathBuf),
    /// Remove every permission from other users.
    KeepReadersOut(PathBuf),
    /// Give the owner the permission to write.
    LetOwnerWrite(PathBuf),
    /// Change the owner to the user.
    RunAs(String),
    /// Look at the file: the user has to decide.
    LookAt(PathBuf),
    Remove(PathBuf),
    MakeRoom(PathBuf),
    UseLocalDisk,
    RestoreBackup,
    /// Restore the database of a shared vault.
    RestoreDatabase,
    /// Let whoever runs the database grant these privileges to the user.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    Grant {
        user: String,
        privileges: Vec<String>,
    },
    /// Read how to keep readers from writing.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    ReadShared,
    /// Make another member an admin.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    AddAdmin,
    /// Remove the member, and add them again.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    AddAgain(String),
    /// Delete a credential that does not open, and log in again.
    Forget(Account),
    /// Accept what is older than this machine has seen, if the user restored it.
    AcceptOlder,
    Why(Account),
    /// Run `get`, which stores the answer that is in a spill file.
    TakeUp(Account),
    /// Write the bundle of an interrupted move to a file.
    PlaceBundle,
    RotateKey,
    /// Run `doctor --repair`.
    Repair,
    AddRecovery,
    RemoveSlot(String),
    DeleteEntry(String),
    ShowAudit,
    UpdateTokctl,
    SetClock,
    AskServer,
    FreePort,
    LookAtLoopback,
    /// Report a bug of tokctl.
    ReportBug,
}

impl Fact {
    /// Returns the subject of the check that found this fact.
    pub(crate) fn check(&self) -> Check {
        match self {
            Self::Ports(_) => Check::Ports,
            Self::Memory(_) => Check::Memory,
            Self::Sqlite(_) => Check::Sqlite,
            Self::Disk(_) => Check::Disk,
            Self::Permissions(_) => Check::Permissions,
            Self::Vault(_) => Check::Vault,
            Self::Database(_) => Check::Database,
            Self::Members(_) => Check::Members,
            Self::Integrity(_) => Check::Integrity,
            Self::Log(_) => Check::Log,
            Self::Slots(_) => Check::Slots,
            Self::Recovery(_) => Check::Recovery,
            Self::Keychain(_) => Check::Keychain,
            Self::KeychainEntries(_) => Check::KeychainEntries,
            Self::Credentials(_) => Check::Credentials,
            Self::Freshness(_) => Check::Freshness,
            Self::Refreshes(_) => Check::Refreshes,
            Self::Leftovers(_) => Check::Leftovers,
            Self::Audit(_) => Check::Audit,
            Self::Clock(_) => Check::Clock,
        }
    }
}

impl Finding {
    /// Makes a finding about something that is in order.
    pub(super) fn fine(fact: Fact) -> Self {
        Self::Assessed { fact, verdict: Verdict::Fine, remedy: None }
    }

    /// Makes a finding about something that is in order, and that `remedy` would improve.
    pub(super) fn hint(fact: Fact, remedy: Remedy) -> Self {
        Self::Assessed { fact, verdict: Verdict::Hint, remedy: Some(remedy) }
    }

    /// Makes a finding that the user should know, and that needs no action.
    pub(super) fn noted(fact: Fact) -> Self {
        Self::Assessed { fact, verdict: Verdict::Hint, remedy: None }
    }

    /// Makes a finding about something wrong that `remedy` mends.
    pub(super) fn to_mend(fact: Fact, remedy: Remedy) -> Self {
        Self::Assessed { fact, verdict: Verdict::ToMend, remedy: Some(remedy) }
    }

    /// Makes a finding about damage, or about something that another user could have changed.
    pub(super) fn damaged(fact: Fact, remedy: Remedy) -> Self {
        Self::Assessed { fact, verdict: Verdict::Damaged, remedy: Some(remedy) }
    }

    /// Makes a finding whose fact says why a check could not be made.
    pub(super) fn unknown(fact: Fact) -> Self {
        Self::Assessed { fact, verdict: Verdict::Unknown, remedy: None }
    }

    /// Makes a finding whose fact says why a check could not be made. `remedy` makes it possible.
    pub(super) fn unknown_until(fact: Fact, remedy: Remedy) -> Self {
        Self::Assessed { fact, verdict: Verdict::Unknown, remedy: Some(remedy) }
    }

    /// Makes a finding about an error that ended a check.
    pub(crate) fn failure(check: Check, error: impl Into<Error>) -> Self {
        Self::Failure { check, error: Box::new(error.into()) }
    }
}
