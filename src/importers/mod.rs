//! The stores of other tools, a file for each.
//!
//! Reads them and changes nothing: no file, and none beside it. A store is parsed as a whole before
//! any of it is used. The addresses of token endpoints in it are not even read, so a store can't
//! say where secrets are sent. What becomes of its records is not known here.

mod error;
pub(crate) mod record;
mod text;
mod times;
mod row;
mod write_ahead_log;
mod sqlite;
mod dump;
mod table;
mod fernet;
mod google_grant;
mod google_keyless;
pub(crate) mod google;
pub(crate) mod agentllm;
pub(crate) mod salla;
pub(crate) mod state_tokens;
pub(crate) mod pauth;
pub(crate) mod refresh_service;
pub(crate) mod rclone;

pub(crate) use error::Error;
