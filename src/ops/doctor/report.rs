//! What a look at one thing comes to.

use std::path::PathBuf;

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

impl Check {
    /// Its name in what `--json` prints, which scripts rely on.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Configuration => "configuration",
            Self::Providers => "providers",
            Self::Programs => "programs",
            Self::Browser => "browser",
            Self::Ports => "ports",
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Disk => "disk",
            Self::Permissions => "permissions",
            Self::Vault => "vault",
            Self::Integrity => "integrity",
            Self::Log => "log",
            Self::Unlock => "unlock",
            Self::Slots => "slots",
            Self::Recovery => "recovery",
            Self::Keychain => "keychain",
            Self::KeychainEntries => "keychain_entries",
            Self::Credentials => "credentials",
            Self::Logins => "logins",
            Self::Refreshes => "refreshes",
            Self::Leftovers => "leftovers",
            Self::Audit => "audit",
            Self::Clock => "clock",
        }
    }

    /// What is being done, for somebody who waits for it.
    pub(crate) fn doing(self) -> &'static str {
        match self {
            Self::Environment | Self::Unlock => "unlocking the vault",
            Self::Configuration | Self::Providers => "reading the configuration",
            Self::Programs | Self::Browser => "looking for programs",
            Self::Ports => "trying ports",
            Self::Memory | Self::Sqlite => "looking at this program",
            Self::Disk => "looking at the disk",
            Self::Permissions => "looking at the files' permissions",
            Self::Vault | Self::Log => "opening the vault",
            Self::Integrity => "checking the vault's pages",
            Self::Slots | Self::Recovery => "opening the key slots",
            Self::Keychain => "trying the keychain",
            Self::KeychainEntries => "searching the keychain",
            Self::Credentials | Self::Logins => "opening every credential",
            Self::Refreshes | Self::Leftovers => "looking for what was left behind",
            Self::Audit => "verifying the audit",
            Self::Clock => "comparing clocks",
        }
    }
}

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// In order.
    Fine,
    /// In order, and could be better.
    Hint,
    /// Something is to be mended.
    Finding,
    /// The vault is damaged, or somebody else could have changed it.
    Damaged,
    /// It could not be looked at.
    Unknown,
}

/// What a look came to: a sentence of tokctl's own, or why the vault can't be used.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) check: Check,
    pub(crate) seen: Seen,
}

#[derive(Debug)]
pub(crate) enum Seen {
    Fact {
        verdict: Verdict,
        message: String,
        remedy: Option<Remedy>,
    },
    /// What every command says of it.
    Failure(Box<Error>),
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
    SetBrowser,
    InstallProgram,
    FreePort,
    LookAtLoopback,
    Report,
}

impl Told {
    pub(super) fn fine(check: Check, message: impl Into<String>) -> Self {
        Self::of(check, Verdict::Fine, message, None)
    }

    pub(super) fn hint(check: Check, message: impl Into<String>, remedy: Remedy) -> Self {
        Self::of(check, Verdict::Hint, message, Some(remedy))
    }

    /// What is worth knowing, and asks for nothing to be done.
    pub(super) fn noted(check: Check, message: impl Into<String>) -> Self {
        Self::of(check, Verdict::Hint, message, None)
    }

    pub(super) fn finding(check: Check, message: impl Into<String>, remedy: Remedy) -> Self {
        Self::of(check, Verdict::Finding, message, Some(remedy))
    }

    pub(super) fn damaged(check: Check, message: impl Into<String>, remedy: Remedy) -> Self {
        Self::of(check, Verdict::Damaged, message, Some(remedy))
    }

    /// What could not be looked at, and why.
    pub(crate) fn unknown(check: Check, message: impl Into<String>) -> Self {
        Self::of(check, Verdict::Unknown, message, None)
    }

    /// The same where somebody can see to it that it can be looked at.
    pub(super) fn unknown_until(check: Check, message: &str, remedy: Remedy) -> Self {
        Self::of(check, Verdict::Unknown, message, Some(remedy))
    }

    pub(crate) fn failure(check: Check, error: impl Into<Error>) -> Self {
        Self { check, seen: Seen::Failure(Box::new(error.into())) }
    }

    fn of(
        check: Check,
        verdict: Verdict,
        message: impl Into<String>,
        remedy: Option<Remedy>,
    ) -> Self {
        Self { check, seen: Seen::Fact { verdict, message: message.into(), remedy } }
    }
}
