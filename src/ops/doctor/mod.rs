//! The checks of `doctor`: each looks at one part of the vault or its environment and returns
//! [`Finding`]s.
//!
//! Checks change nothing: they do not even migrate the vault. The only thing that is written is a
//! trial entry in the keychain, which is deleted again. How a finding is worded, and which command
//! mends it, is not known here.

mod facts;
mod finding;
mod ports;
mod memory;
mod disk;
mod permissions;
mod database;
mod keychain;
mod slots;
mod credentials;
mod clock;
mod leftovers;
#[cfg(feature = "postgres")]
mod shared;

pub(crate) use crate::store::Differences;
pub(crate) use clock::{ask_server, recorded_clock};
pub(crate) use credentials::{audit, credentials, freshness, interrupted_refreshes};
pub(crate) use database::{database, sqlite, vault};
pub(crate) use disk::disk;
pub(crate) use facts::{
    AuditFact, ClockFact, CredentialsFact, DatabaseFact, DiskFact, EntriesFact, FreshnessFact,
    IntegrityFact, KeychainFact, LeftoversFact, LogFact, MembersFact, MemoryFact, PermissionsFact,
    PortsFact, RecoveryFact, RefreshesFact, Server, SlotTrial, SlotsFact, SqliteFact, VaultFact,
};
pub(crate) use finding::{Check, Fact, Finding, Remedy, Verdict};
pub(crate) use keychain::{entries, round_trip};
pub(crate) use leftovers::{keychain_leftovers, sidecar_files, waiting_bundle};
pub(crate) use memory::memory;
pub(crate) use permissions::{private_file, vault_files};
pub(crate) use ports::{any_port, fixed_port, unusable_redirect_uri};
#[cfg(feature = "postgres")]
pub(crate) use shared::{
    database_clock, database_health, kept_answers, lacks_to_read, members, memory_of, shared_files,
};
pub(crate) use slots::{recovery, slots};
