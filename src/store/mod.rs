//! The vault, and the only way to the credentials in it.
//!
//! A [`Vault`] does what needs no key. [`Vault::unlock`] turns it into an [`OpenVault`], which reads
//! (`reads.rs`) and writes (`writes.rs`) credentials. Each method takes and returns types of
//! [`crate::model`], and is one consistent read or one transaction. A write is a value,
//! [`Change`](change::Change), that an [`Engine`](engine::Engine) carries out: a SQLite file on this
//! machine (`sqlite/`), or a PostgreSQL database that many machines share (`postgres/`). In a
//! directory on this machine, beside the file if there is one, are the files of locks, on which turns
//! such as [`RefreshTurn`] are built, the spill files and the audit.
//!
//! No SQL, key, lock or spill file leaves this folder. It knows neither where keys come from nor
//! why a row is read or written.

#[cfg(feature = "postgres")]
pub(crate) mod address;
#[cfg(feature = "postgres")]
pub(crate) mod shared_error;
pub(crate) mod error;
mod file;
mod lease;
mod record;
mod evidence;
mod change;
pub(crate) mod sidecar;
mod locks;
mod watermark;
mod watermarks;
#[cfg(feature = "postgres")]
mod roster_memory;
mod turn;
pub(crate) mod audit;
mod sqlite;
#[cfg(feature = "postgres")]
mod postgres;
mod spill;
mod engine;
mod vault;
mod accounts;
mod examination;
mod unlock;
mod open_vault;
mod vault_name;
mod reads;
mod older;
mod refresh_terms;
mod writes;
#[cfg(feature = "postgres")]
mod kept_answers;
mod refresh_turn;
mod keys;
mod client_pause;
mod record_use;
#[cfg(feature = "postgres")]
pub(crate) mod shared;
#[cfg(any(test, fuzzing))]
pub(crate) mod inside;

pub(crate) use self::change::Placement;
pub(crate) use self::error::Error;
pub(crate) use self::examination::{
    KnownEntries, LeftoverIntents, UnansweredRefresh, engine_version, parts, sidecars,
};
#[cfg(feature = "postgres")]
pub(crate) use self::kept_answers::KeptAnswer;
pub(crate) use self::keys::FirstSlot;
pub(crate) use self::open_vault::{OpenVault, Opener, StillLocked};
pub(crate) use self::record::{Adopted, Journal, ListedSlot, Row, Stored};
pub(crate) use self::record_use::{UseRecorded, VerifiedAudit};
pub(crate) use self::refresh_turn::{RefreshTurn, Saved};
pub(crate) use self::sqlite::examine::Damage;
pub(crate) use self::sqlite::rotate::{NewSlot, Rotation, Step};
pub(crate) use self::sqlite::slots::MOST as MOST_SLOTS;
pub(crate) use self::sqlite::{Differences, ForeignObject};
pub(crate) use self::turn::Turn;
pub(crate) use self::vault::Vault;
pub(crate) use self::watermarks::Watermarks;
pub(crate) use self::writes::{Amended, CheckRecorded, Imported};
