//! Commands, each with its arguments, help, handler and output. What a command does to the vault or
//! the network is not known here, but in `ops`.

pub(super) mod key;
#[cfg(feature = "postgres")]
pub(super) mod vault;
#[cfg(feature = "postgres")]
pub(super) mod member;
pub(super) mod login;
pub(super) mod get;
pub(super) mod refresh;
pub(super) mod list;
pub(super) mod status;
pub(super) mod delete;
pub(super) mod why;
pub(super) mod check;
pub(super) mod audit;
pub(super) mod providers;
pub(super) mod rotate_key;
pub(super) mod backup;
pub(super) mod import;
pub(super) mod export;
pub(super) mod run;
pub(super) mod env;
pub(super) mod use_account;
pub(super) mod git_credential;
pub(super) mod docker_credential;
pub(super) mod doctor;
pub(super) mod completions;
pub(super) mod manual;
