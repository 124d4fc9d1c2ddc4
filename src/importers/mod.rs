//! The stores of other tools, as their documentation and their programs have them.
//!
//! Reads them and changes nothing: no file, and none beside it. What is in them is parsed whole
//! before any of it is used. Where they say that secrets are to be sent is not believed: addresses
//! of token endpoints are not even read.

mod error;
pub(crate) mod record;
mod text;
mod row;
mod write_ahead_log;
mod sqlite;
mod fernet;
pub(crate) mod google;
pub(crate) mod agentllm;
pub(crate) mod salla;
pub(crate) mod state_tokens;
pub(crate) mod pauth;
pub(crate) mod refresh_service;
pub(crate) mod rclone;

pub(crate) use error::Error;
