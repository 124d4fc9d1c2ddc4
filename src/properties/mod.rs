//! Properties that hold for any input from outside, each a function that panics where its property
//! fails.
//!
//! The fuzz targets in `tests/fuzz/` call them without end, the unit tests for a moment. An input
//! is text as far as possible, so that people can read the examples in `seeds/`. Its
//! first line describes the setting in words; the rest is the input itself.

mod printed_text;
mod input;
mod login;
mod callback;
mod pasted;
mod token_answer;
mod metadata;
mod by_address;
mod config;
mod seal;
mod sample_vault;
mod price;
mod credential;
mod row_edits;
mod vault_rows;
mod file_edits;
mod file_facts;
mod vault_file;
mod audit_file;
mod bundle;
mod fernet;
mod import;
#[cfg(test)]
mod tests;

pub use audit_file::AuditFile;
pub use bundle::bundle;
pub use by_address::by_address;
pub use callback::callback;
pub use config::config;
pub use import::Import;
pub use metadata::metadata;
pub use pasted::pasted;
pub use token_answer::token_answer;
pub use vault_file::VaultFile;
pub use vault_rows::VaultRows;
