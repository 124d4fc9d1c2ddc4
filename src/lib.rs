//! tokctl: a live token for every service, now.
//!
//! A module uses only modules declared before it, so this list is also the reading order; inside
//! a folder, `mod.rs` lists its children in the same way. `tests/it/layers.rs` checks it.

mod secret;
mod untrusted;
mod private_file;
mod atomic_file;
mod paths;
mod file_system;
mod name_service;
mod signals;
mod bounded;
mod executable;
mod model;
mod config;
mod vault;
mod store;
mod oauth;
mod providers;
mod importers;
mod ops;
mod cli;
#[cfg(any(test, fuzzing))]
pub mod properties;

pub use cli::run;
