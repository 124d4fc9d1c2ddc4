//! The vault's file: SQLite tables, one a file, and the locks and spill files that lie beside it.
//!
//! Takes a data key and hands out model types. Knows neither where keys come from nor why a row is
//! read or written.

pub(crate) mod error;
pub(crate) mod file;
mod schema;
pub(crate) mod connection;
pub(crate) mod header;
pub(crate) mod intents;
pub(crate) mod plaintext;
pub(crate) mod credentials;
pub(crate) mod reseal;
pub(crate) mod slots;
pub(crate) mod journal;
pub(crate) mod bundles;
pub(crate) mod standings;
pub(crate) mod attempts;
pub(crate) mod locks;
pub(crate) mod audit;
pub(crate) mod spill;
pub(crate) mod pool;
pub(crate) mod group_commit;
pub(crate) mod beside;

pub(crate) use connection::Store;
pub(crate) use error::Error;
pub(crate) use schema::missing_tables;
