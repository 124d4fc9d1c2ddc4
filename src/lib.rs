//! tokctl: a live token for every service, now.
//!
//! A module uses only modules declared before it, so this list is also the reading order; inside
//! a folder, `mod.rs` lists its children in the same way. `tests/it/layers.rs` checks it.

#[allow(dead_code)]
mod secret;
#[allow(dead_code)]
mod untrusted;
#[allow(dead_code)]
mod private_file;
#[allow(dead_code)]
mod paths;
#[allow(dead_code)]
mod model;
#[allow(dead_code)]
mod config;
#[allow(dead_code)]
mod vault;
#[allow(dead_code)]
mod store;
#[allow(dead_code)]
mod oauth;
#[allow(dead_code)]
mod providers;
mod cli;

pub use cli::run;
