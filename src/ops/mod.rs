//! The operations of tokctl: what a user can ask for, each as one function that has a name.
//!
//! This is the only folder where the vault, authorization servers, provider definitions and the
//! files of other tools meet. An operation takes what it needs as arguments, the time included
//! ([`Clock`](clock::Clock)), and returns its result or its [`Error`] as a value. It refuses to
//! know the terminal, the command line, the environment, exit codes, and how a result is worded.

pub(crate) mod error;
mod clock;
pub(crate) mod identity;
pub(crate) mod providers;
pub(crate) mod audit;
pub(crate) mod addressed;
#[cfg(feature = "postgres")]
pub(crate) mod shared;
pub(crate) mod credential;
pub(crate) mod retry;
pub(crate) mod superseded;
pub(crate) mod key_text;
mod create;
mod live_token;
pub(crate) mod refresh;
#[cfg(feature = "postgres")]
pub(crate) mod member_identity;
pub(crate) mod token;
pub(crate) mod check;
pub(crate) mod gateway;
pub(crate) mod git_servers;
pub(crate) mod login;
pub(crate) mod delete;
#[cfg(feature = "postgres")]
pub(crate) mod exposure;
pub(crate) mod export;
pub(crate) mod import;
#[cfg(feature = "postgres")]
pub(crate) mod carry;
mod keychain_entry;
pub(crate) mod key_slots;
pub(crate) mod rotation;
pub(crate) mod diagnosis;
pub(crate) mod doctor;
pub(crate) mod fair_queue;
pub(crate) mod many;

pub(crate) use crate::store::{ListedSlot, OpenVault, Opener, StillLocked, Vault, Watermarks};
pub(crate) use crate::vault::slot::SlotKind;
pub(crate) use crate::vault::slot_secret::SlotSecret;
pub(crate) use create::open_or_create;
pub(crate) use error::{
    BundleError, CheckError, Error, ImportError, Reason, SkipReason, SlotError,
};
