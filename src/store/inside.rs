//! The inner parts of the store, for tests that edit a vault's file as an attacker without the key
//! could.

pub(crate) use super::record::Journal;
pub(crate) use super::spill::Spill;
pub(crate) use super::sqlite::{
    Access, Database, Sealing, Writing, bundles, credentials, evidence, examine, header, intents,
    listing, lookup, reseal, slots,
};
