//! What tokctl is about: pure data and pure decisions, no input or output.

pub(crate) mod account;
pub(crate) mod reference;
pub(crate) mod address;
pub(crate) mod duration;
pub(crate) mod grant_life;
pub(crate) mod scope;
pub(crate) mod dialect;
pub(crate) mod client;
pub(crate) mod service_account;
pub(crate) mod credential;
pub(crate) mod stripped;
pub(crate) mod readiness;
pub(crate) mod summary;
pub(crate) mod attempt;
pub(crate) mod credential_health;
pub(crate) mod audit;
pub(crate) mod bundle;
pub(crate) mod definition;
