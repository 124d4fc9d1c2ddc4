//! The facts that checks can find, without the words in which a user reads them.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::account::{Account, ProviderName};
pub(crate) use crate::ops::audit::Fault as AuditFault;
use crate::ops::error::{Fault, KeychainError, ListenerError};
use crate::private_file;
pub(crate) use crate::vault::slot::Cost;
use crate::vault::slot::{SlotId, SlotKind};

/// A fact about the ports to which a browser returns at the end of a login.
#[derive(Debug)]
pub(crate) enum PortsFact {
    /// A login can listen on this loopback address.
    Listens {
        on: &'static str,
    },
    /// A login can't listen on this loopback address.
    Refused {
        on: &'static str,
        error: ListenerError,
    },
    NotAnAddress {
        on: &'static str,
    },
    /// The machine has no IPv6 loopback address, and needs none.
    NoIpv6,
    /// The port that the provider's redirect URI names is free.
    Free {
        provider: ProviderName,
        port: u16,
    },
    /// A login at the provider can't listen on its redirect URI.
    Taken {
        provider: ProviderName,
        error: ListenerError,
    },
}

/// A fact about the protection of the process's memory.
#[derive(Debug)]
pub(crate) enum MemoryFact {
    Kept,
    /// The system would write the memory to a core file.
    CoreFile,
    /// Other programs of the same user can read the memory.
    OpenToDebuggers,
}

/// A fact about the version of SQLite.
#[derive(Debug)]
pub(crate) enum SqliteFact {
    Sound {
        version: &'static str,
    },
    /// The version may damage the write-ahead log.
    DamagesLogs {
        version: &'static str,
    },
}

/// A fact about the disk that the vault lies on.
#[derive(Debug)]
pub(crate) enum DiskFact {
    Fit,
    /// The disk is another machine's, reached by a network file system of this kind.
    Network {
        kind: String,
    },
    ReadOnly,
    /// The disk is full, or nearly.
    Full {
        /// The free space in bytes.
        free: u64,
        /// Whether a refresh can begin.
        refreshes: bool,
    },
    /// The system did not say how full the disk is.
    NotAsked(io::Error),
}

/// A fact about who can read and change the files that tokctl relies on.
#[derive(Debug)]
pub(crate) enum PermissionsFact {
    /// No other user can read or change the vault.
    Private,
    /// The file's owner can't write to it.
    NotWritable(PathBuf),
    ReadableByOthers(PathBuf),
    Untrusted(private_file::Error),
}

/// The vault's path and header.
#[derive(Debug)]
pub(crate) struct VaultFact {
    pub(crate) path: PathBuf,
    pub(crate) generation: u64,
    /// Whether the schema is the current one.
    pub(crate) current: bool,
}

/// A fact about the database of a shared vault.
#[derive(Debug)]
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
pub(crate) enum DatabaseFact {
    /// The database answers.
    Reached {
        place: String,
        version: String,
        /// Whether TLS proves who it is; if not, the connection ends on this machine.
        is_verified: bool,
        trip: Duration,
    },
    /// The user of the database has what this member needs.
    Allowed { user: String },
    /// The user of the database lacks these privileges, as in `UPDATE ON tokctl_rows`.
    Lacks { user: String, privileges: Vec<String> },
    /// The user of a member who may only read could write all the same, or delete.
    WritesForReader { user: String },
}

/// A fact about the members of a shared vault.
#[derive(Debug)]
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
pub(crate) enum MembersFact {
    /// Every entry was verified from the one on that this machine trusts.
    Verified { entries: u64, generation: u64, members: usize, own: String, role: &'static str },
    /// The vault has one admin: if that identity is lost, nobody can change who the members are.
    OneAdmin,
    /// There is no data key for this member.
    NoKey { label: String },
}

/// A fact about the integrity of the vault's file.
#[derive(Debug)]
pub(crate) enum IntegrityFact {
    Whole,
    /// The file is damaged, as SQLite describes it in these texts.
    Damaged {
        faults: Vec<String>,
    },
    /// These tables are missing, or not as tokctl made them.
    MissesTables {
        names: Vec<&'static str>,
    },
    /// These indexes are missing, or not as tokctl made them.
    MissesIndexes {
        names: Vec<&'static str>,
    },
    /// The schema holds something that tokctl did not make. If it is `inert`, it is a plain table,
    /// which nothing reads.
    NotOurs {
        kind: String,
        name: String,
        inert: bool,
    },
}

/// The length of the write-ahead log, in KiB.
#[derive(Debug)]
pub(crate) enum LogFact {
    Short {
        kib: u64,
    },
    /// The log is long: it grows while a process reads the vault all the time.
    Long {
        kib: u64,
    },
}

/// A key slot, and whether it opens with the secrets on this machine.
#[derive(Debug)]
pub(crate) struct SlotsFact {
    pub(crate) id: SlotId,
    pub(crate) kind: SlotKind,
    pub(crate) made: Timestamp,
    pub(crate) cost: Cost,
    pub(crate) trial: SlotTrial,
}

/// The outcome of trying to open a key slot.
#[derive(Debug)]
pub(crate) enum SlotTrial {
    Opens,
    /// The keychain did not give the slot's secret.
    NotGiven(KeychainError),
    /// The keychain has another secret than this slot's.
    Lost,
    /// The given secret belongs to another slot.
    OtherSecret,
    /// The slot is a keychain slot, and the keychain was not asked.
    NotTried,
    /// No secret of the slot's kind was given.
    NoSecret,
}

/// A fact about the slots that remain if one secret is lost.
#[derive(Debug)]
pub(crate) enum RecoveryFact {
    Several {
        slots: usize,
    },
    Only(SlotKind),
    None,
    /// Two slots open with the same secret.
    OneSecret {
        first: SlotId,
        second: SlotId,
    },
    /// The secrets of the other slots are lost already.
    OneLeft(SlotKind),
    /// All slots open with entries of one keychain.
    OneKeychain,
}

/// A fact about the keychain, found with a trial entry.
#[derive(Debug)]
pub(crate) enum KeychainFact {
    /// The keychain works. `keeper` is the name of the program that provides it, where known.
    Works { keeper: Option<String> },
    /// The keychain is open. No trial entry was made, because it would stay in its recycle bin.
    Open { keeper: Option<String> },
    /// The keychain does not work, and this vault does not need it.
    NotNeeded(KeychainError),
    /// The keychain still has an entry that was deleted.
    KeepsDeleted,
}

/// A fact about tokctl's entries in the keychain.
#[derive(Debug)]
pub(crate) enum EntriesFact {
    /// There are this many entries of one name, which a slot of this vault uses: each is tried.
    Several {
        name: String,
        count: usize,
    },
    /// All entries are in use: so many by this vault, and so many by others.
    InUse {
        own: u32,
        others: u32,
    },
    NotSearched(KeychainError),
    /// An interrupted change of keys left this entry.
    Interrupted {
        name: String,
    },
    /// No key slot of this file needs the entry; another copy of the vault may.
    NoSlot {
        name: String,
    },
    /// The entry was made to try the keychain.
    Trial {
        name: String,
    },
}

/// A fact about the sealed credentials.
#[derive(Debug)]
pub(crate) enum CredentialsFact {
    AllOpen {
        count: u64,
    },
    /// The seal of this account's credential does not open.
    Closed(Account),
    /// Damaged rows, with names that no credential can have.
    Nameless {
        count: usize,
    },
}

/// Whether the vault is as new as this machine has seen it.
#[derive(Debug)]
pub(crate) enum FreshnessFact {
    /// Nothing is older than this machine has seen.
    Newest,
    /// This machine can't remember what it sees of the vault.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    NoMemory,
    /// The vault's file is older.
    OlderFile,
    /// The credential of an account is older.
    OlderCredential(Account),
}

/// A fact about interrupted refreshes.
#[derive(Debug)]
pub(crate) enum RefreshesFact {
    NoneInterrupted,
    /// The request of a refresh may still be on its way.
    UnderWay {
        account: Account,
        since: Timestamp,
    },
    /// A refresh was interrupted, and its outcome is not known.
    InDoubt {
        account: Account,
        since: Timestamp,
    },
}

/// A fact about what interrupted commands left behind.
#[derive(Debug)]
pub(crate) enum LeftoversFact {
    /// Nothing was left, apart from this number of lock files.
    Locks { count: u32 },
    /// An interrupted change of keys left entries in the keychain.
    Entries { count: usize },
    /// The creation of a vault was interrupted and left entries in the keychain.
    EntriesOfNoVault { count: usize },
    /// The bundle of a move may not have reached its target file.
    Unplaced { since: Timestamp },
    /// The machine keeps no answer that the database lacks, but so many that it has.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    Kept { count: usize },
    /// The directory of the vault can't be listed.
    NotListed(io::Error),
    /// The answer to a refresh is in a spill file, and not in its row yet.
    Answer(Account),
    /// A spill file belongs to no interrupted refresh.
    SpentAnswer(PathBuf),
    /// A temporary file never replaced its target.
    Temporary(PathBuf),
    /// A file in the vault's directory is not tokctl's.
    NotOurs(PathBuf),
}

/// A fact about the audit.
#[derive(Debug)]
pub(crate) enum AuditFact {
    Whole {
        entries: u64,
    },
    /// Nothing says whether the audit was tampered with.
    NotVerifiable(AuditFault),
    TamperedWith {
        first: AuditFault,
        more: usize,
    },
}

/// A fact about this machine's clock, compared with a server's.
#[derive(Debug)]
pub(crate) enum ClockFact {
    /// The clock is `ahead` seconds ahead of the server's (behind, if negative), which is harmless.
    InStep {
        ahead: i64,
        of: Server,
    },
    /// The clock is `ahead` seconds ahead of the server's (behind, if negative).
    Off {
        ahead: i64,
        of: Server,
    },
    /// No recorded answer of a server had the time.
    NeverTold,
    /// The server answered without the time.
    NotTold {
        authority: String,
    },
    NoAnswer(Fault),
    /// No credential is renewed at a server.
    NobodyToAsk,
}

/// The server whose time the clock was compared with.
#[derive(Debug)]
pub(crate) enum Server {
    /// The server that a refresh or check asked last, at that time.
    AskedLast(Timestamp),
    AskedNow {
        authority: String,
    },
    /// The database of a shared vault, just now.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    Database,
}
