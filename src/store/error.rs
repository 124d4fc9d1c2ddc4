//! Failures of the vault.

use std::io;
use std::path::PathBuf;

use crate::model::account::Account;
use crate::private_file;
use crate::vault::keychain;
use crate::vault::slot::{SlotId, SlotKind};

/// The reason why the vault could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no file, or an empty one: a login creates the vault.
    #[error("there is no vault at `{}`", path.display())]
    NoVault { path: PathBuf },
    /// The file is empty, and there was a vault in it: something cut it off.
    #[error("`{}` is empty, and what lies beside it is of a vault", path.display())]
    Emptied { path: PathBuf },
    /// The file is another program's database: the caller named the wrong file.
    #[error("`{}` is a database of another application", path.display())]
    ForeignFile { path: PathBuf },
    /// A newer tokctl wrote the file: this one must not change it.
    #[error("`{}` was written by a newer tokctl", path.display())]
    NewerVersion { path: PathBuf },
    /// SQLite finds the file malformed: restore a backup.
    #[error("the vault's file is damaged")]
    Damaged(#[source] EngineError),
    /// The file holds something that tokctl does not write.
    #[error("the vault's file is not as tokctl wrote it: {0}")]
    Inconsistent(&'static str),
    /// The sealed part of the header does not open, though the key is the right one: `tokctl doctor
    /// --repair` seals a new one.
    #[error("the header of the vault's file is damaged or was tampered with")]
    HeaderDamaged,
    /// The schema holds something that tokctl did not make and that could act by itself, such as a
    /// trigger: `tokctl doctor --repair` takes it out.
    #[error("the vault's file has a {kind} `{name}` that tokctl did not make")]
    ForeignSchema { kind: String, name: String },
    /// An index is missing, or was changed: `tokctl doctor --repair` makes it anew.
    #[error("the vault's file misses an index that tokctl made")]
    Unindexed,
    /// A rollback journal lies beside the vault, which SQLite would play into it.
    #[error("`{}` lies beside the vault, and tokctl writes no such file", path.display())]
    RollbackJournal { path: PathBuf },
    /// The end of the audit is gone, and the settings require the audit.
    #[error("the audit ends before the last entry that the vault remembers")]
    AuditCut,
    /// A credential's seal is broken, or its clear columns differ from what is under the seal.
    #[error("the credential for `{account}` is damaged or was tampered with")]
    Tampered { account: Account },
    /// The file, or the row of a credential, is older than one that this machine has seen: it was
    /// restored, or put back. The user has to accept it before anything is sent or written.
    #[error("{} is older than one that this machine has seen", older(account.as_ref()))]
    Older { account: Option<Account> },
    /// The file or its directory can't be trusted.
    #[error(transparent)]
    Untrusted(#[from] private_file::Error),
    /// The file is on a network file system: SQLite's write-ahead log needs memory that all its
    /// users share.
    #[error("`{}` is on a network file system, where SQLite can't work safely", path.display())]
    NetworkFileSystem { path: PathBuf },
    /// Another process kept the vault busy for too long: try again.
    #[error("the vault stayed busy")]
    Busy,
    /// The vault has no key slot of the kind whose secret was given.
    #[error("this vault has no `{kind}` key slot")]
    NoSuchSlot { kind: SlotKind, slots: Vec<SlotKind> },
    /// The given secret opens no key slot of its kind.
    #[error("the given secret opens no `{kind}` key slot of this vault")]
    WrongSecret { kind: SlotKind, slots: Vec<SlotKind> },
    /// The keychain did not return the secret.
    #[error("the keychain did not give the vault's key")]
    Keychain { source: keychain::Error, slots: Vec<SlotKind> },
    /// Somebody edited a key slot.
    #[error("the key slot {id} is damaged or was tampered with")]
    TamperedSlot { id: SlotId },
    /// Another process replaced the data key after the vault was unlocked: unlock it again.
    #[error("the vault's key was rotated meanwhile")]
    KeyRetired,
    /// The audit's file can't be read or written. The vault itself is not affected.
    #[error("can't use the audit `{}`", path.display())]
    Audit { path: PathBuf, source: io::Error },
    /// The disk is full, read-only, or failing.
    #[error("can't {doing} the vault's file")]
    Io { doing: &'static str, source: io::Error },
    /// Nothing can be written where the vault lies. The operations that only read go on.
    #[error("nothing can be written beside the vault: {0}")]
    Unwritable(DiskFault),
    /// SQLite could not read or write, for a reason outside the file's content.
    #[error("can't use the vault's file")]
    Engine(#[source] EngineError),
    /// The vault is a shared one, in a database, and something of that failed.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Shared(#[from] super::shared_error::Error),
    /// The operating system gave no random bytes.
    #[error("no random numbers from the operating system")]
    Random(#[from] getrandom::Error),
}

impl Error {
    /// Whether the vault can't be written because of the disk: it is full, or may only be read.
    pub(crate) fn is_of_disk(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Engine(_) | Self::Unwritable(_))
    }

    /// Whether a token that still works is handed out in spite of this failure of its refresh.
    pub(crate) fn leaves_token(&self) -> bool {
        #[cfg(feature = "postgres")]
        if let Self::Shared(error) = self {
            return error.leaves_token();
        }
        self.is_of_disk()
    }

    /// Makes the error of a failure of the operating system while `doing` something to the vault's
    /// files.
    pub(crate) fn io(doing: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Unwritable(DiskFault::Full),
            io::ErrorKind::ReadOnlyFilesystem => Self::Unwritable(DiskFault::ReadOnly),
            _ => Self::Io { doing, source },
        }
    }
}

/// The state of a disk that takes no writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DiskFault {
    #[error("the disk is full")]
    Full,
    #[error("the disk or the directory is read-only")]
    ReadOnly,
}

/// The error of the engine. Its own type stays in its folder.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct EngineError(pub(super) Box<dyn std::error::Error + Send + Sync>);

/// The thing that is older, as an error names it.
fn older(account: Option<&Account>) -> String {
    match account {
        Some(account) => format!("the credential for `{account}`"),
        None => "the vault's file".to_owned(),
    }
}
