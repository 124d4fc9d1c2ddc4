//! Whether everything is in order: facts about the vault and its surroundings, one area a file.
//!
//! Looks and changes nothing: the vault is not even migrated. The one thing that is written is an
//! entry in the keychain, which is deleted again. How each fact is told, and what to type,
//! is for the interface.

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

pub(crate) use clock::{ask_server, recorded_clock};
pub(crate) use credentials::{accounts, audit, credentials, interrupted};
pub(crate) use database::{database, sqlite, vault};
pub(crate) use disk::disk;
pub(crate) use facts::{
    AuditFact, ClockFact, CredentialsFact, DiskFact, EntriesFact, IntegrityFact, KeychainFact,
    LeftoversFact, LogFact, MemoryFact, PermissionsFact, PortsFact, RecoveryFact, RefreshesFact,
    Server, SlotTrial, SlotsFact, SqliteFact, VaultFact,
};
pub(crate) use finding::{Check, Fact, Finding, Remedy, Verdict};
pub(crate) use keychain::{entries, round_trip};
pub(crate) use leftovers::{beside, intents, unplaced};
pub(crate) use memory::memory;
pub(crate) use permissions::{private, vault_files};
pub(crate) use ports::{any_port, fixed_port, unusable_redirect_uri};
pub(crate) use slots::{recovery, slots};
