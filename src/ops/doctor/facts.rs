//! The facts that the looks can find, without a word of how they are told.

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::model::account::{Account, ProviderName};
pub(crate) use crate::ops::audit::Fault as AuditFault;
use crate::ops::error::{Fault, KeychainError, ListenerError};
use crate::private_file;
pub(crate) use crate::vault::slot::Cost;
use crate::vault::slot::{SlotId, SlotKind};

/// Whether a browser could come back from a login.
#[derive(Debug)]
pub(crate) enum PortsFact {
    /// A login can listen on this address of the machine's own.
    Listens {
        on: &'static str,
    },
    /// No login can listen on this address of the machine's own.
    Refused {
        on: &'static str,
        error: ListenerError,
    },
    NotAnAddress {
        on: &'static str,
    },
    /// The machine's own address is IPv4 alone, which is enough.
    NoIpv6,
    /// The port that the provider's redirect URI names is free.
    Free {
        provider: ProviderName,
        port: u16,
    },
    /// A login at the provider could not listen.
    Taken {
        provider: ProviderName,
        error: ListenerError,
    },
}

/// Whether the process keeps its memory to itself.
#[derive(Debug)]
pub(crate) enum MemoryFact {
    Kept,
    /// The system would write it to a core file.
    CoreFile,
    /// Other programs of the user's can read it.
    OpenToDebuggers,
}

/// The version of SQLite.
#[derive(Debug)]
pub(crate) enum SqliteFact {
    Sound {
        version: &'static str,
    },
    /// One that may damage the write-ahead log.
    DamagesLogs {
        version: &'static str,
    },
}

/// Whether the vault's disk is fit for it.
#[derive(Debug)]
pub(crate) enum DiskFact {
    Fit,
    /// It is another machine's, by a file system of this kind.
    Network {
        kind: String,
    },
    ReadOnly,
    Full,
    /// How full it is can't be found out.
    NotAsked(io::Error),
}

/// Who can read and change the files that count.
#[derive(Debug)]
pub(crate) enum PermissionsFact {
    /// Nobody else can read or change the vault.
    Private,
    /// Its owner can't write to it.
    NotWritable(PathBuf),
    ReadableByOthers(PathBuf),
    Untrusted(private_file::Error),
}

/// What the vault says of itself.
#[derive(Debug)]
pub(crate) struct VaultFact {
    pub(crate) path: PathBuf,
    pub(crate) generation: u64,
    /// Whether its tables are today's.
    pub(crate) current: bool,
}

/// Whether the vault's file is whole.
#[derive(Debug)]
pub(crate) enum IntegrityFact {
    Whole,
    /// SQLite says what is wrong with it.
    Damaged {
        faults: Vec<String>,
    },
    MissesTables {
        names: Vec<&'static str>,
    },
}

/// How long the write-ahead log is, in KiB.
#[derive(Debug)]
pub(crate) enum LogFact {
    Short {
        kib: u64,
    },
    /// It grows while somebody reads the vault all the time.
    Long {
        kib: u64,
    },
}

/// One key slot, and whether it opens here.
#[derive(Debug)]
pub(crate) struct SlotsFact {
    pub(crate) id: SlotId,
    pub(crate) kind: SlotKind,
    pub(crate) made: Timestamp,
    pub(crate) cost: Cost,
    pub(crate) trial: SlotTrial,
}

/// What came of opening a key slot.
#[derive(Debug)]
pub(crate) enum SlotTrial {
    Opens,
    /// The keychain did not give its secret.
    NotGiven(KeychainError),
    /// The keychain has another secret than this slot's.
    Lost,
    /// The secret at hand is another slot's.
    OtherSecret,
    /// There was no keychain to be asked.
    NotTried,
    /// Its secret is not at hand.
    NoSecret,
}

/// Whether the vault still opens when one secret is lost.
#[derive(Debug)]
pub(crate) enum RecoveryFact {
    Several { slots: usize },
    Only(SlotKind),
    None,
}

/// Whether the keychain keeps and gives back what it is given.
#[derive(Debug)]
pub(crate) enum KeychainFact {
    /// It does all of that; with the name of the program that keeps it, where that is known.
    Works {
        keeper: Option<String>,
    },
    /// It could not be tried, and nothing needs it.
    NotNeeded(KeychainError),
    KeepsDeleted,
}

/// What tokctl has in the keychain.
#[derive(Debug)]
pub(crate) enum EntriesFact {
    /// So many of this vault and of others, none of them of no use.
    InUse {
        own: u32,
        others: u32,
    },
    NotSearchable,
    NotSearched(KeychainError),
    /// An interrupted change of keys left it.
    Interrupted {
        name: String,
    },
    /// No key slot of this file needs it; another copy of the vault may.
    NoSlot {
        name: String,
    },
    /// It was made to try the keychain.
    Trial {
        name: String,
    },
}

/// Whether what is under the vault's seals opens.
#[derive(Debug)]
pub(crate) enum CredentialsFact {
    AllOpen {
        count: u64,
    },
    Closed(Account),
    /// So many rows have names that no credential can have.
    Nameless {
        count: usize,
    },
}

/// Whether refreshes were interrupted.
#[derive(Debug)]
pub(crate) enum RefreshesFact {
    NoneInterrupted,
    /// It began so recently that it may still have its answer to come.
    UnderWay {
        account: Account,
        since: Timestamp,
    },
    InDoubt {
        account: Account,
        since: Timestamp,
    },
}

/// What interrupted commands left behind.
#[derive(Debug)]
pub(crate) enum LeftoversFact {
    /// Nothing but so many lock files.
    Locks {
        count: u32,
    },
    /// Keychain entries that a change of keys still has to clear up.
    Entries {
        count: usize,
    },
    /// Keychain entries that were for a vault which was never finished.
    EntriesOfNoVault {
        count: usize,
    },
    /// A bundle of credentials that were handed over is not known to be in its place.
    Unplaced {
        since: Timestamp,
    },
    /// What lies beside the vault can't be listed.
    NotListed(io::Error),
    /// The sealed answer of a refresh lies beside the vault.
    Answer(Account),
    /// A sealed answer that nothing waits for.
    SpentAnswer(PathBuf),
    /// A file that was never put in its place.
    Temporary(PathBuf),
    NotOurs(PathBuf),
}

/// Whether the audit is as tokctl wrote it.
#[derive(Debug)]
pub(crate) enum AuditFact {
    Whole {
        entries: u64,
    },
    /// Nothing tells whether it is.
    NotVerifiable(AuditFault),
    TamperedWith {
        first: AuditFault,
        more: usize,
    },
}

/// This machine's clock beside those of the servers.
#[derive(Debug)]
pub(crate) enum ClockFact {
    /// So many seconds ahead of a server's, if positive, which does no harm.
    InStep {
        ahead: i64,
        of: Server,
    },
    /// So many seconds ahead of a server's, if positive.
    Off {
        ahead: i64,
        of: Server,
    },
    NeverTold,
    /// The server answered without the time.
    NotTold {
        authority: String,
    },
    NoAnswer(Fault),
    NobodyToAsk,
}

/// The server that told the time.
#[derive(Debug)]
pub(crate) enum Server {
    /// The one that a refresh or check asked last, at that time.
    AskedLast(Timestamp),
    AskedNow {
        authority: String,
    },
}
