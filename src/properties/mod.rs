//! What must hold whatever comes in from outside, each a function that panics where it does not.
//!
//! The fuzz targets in `tests/fuzz/` call them without end, and the unit tests for a moment. An
//! input is text as far as possible, so that the examples in `tests/fuzz/seeds/` can be read: its
//! first line says in words what the setting is, and the rest is what came in.

mod shown;
mod input;
mod login;
mod callback;
mod pasted;
mod token_answer;
mod config;
mod seal;
mod world;
mod price;
mod credential;
mod vault_rows;
mod audit_file;
mod bundle;
mod fernet;
mod import;
#[cfg(test)]
mod tests;

pub use audit_file::AuditFile;
pub use bundle::bundle;
pub use callback::callback;
pub use config::config;
pub use import::Import;
pub use pasted::pasted;
pub use token_answer::token_answer;
pub use vault_rows::VaultRows;
