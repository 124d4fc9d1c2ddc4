//! Obtaining a credential: a static token, or an OAuth grant in one of several ways.

mod store;
pub(crate) mod static_token;
mod identity;
mod plan;
mod granted;
pub(crate) mod browser;
pub(crate) mod device;
pub(crate) mod client_credentials;
pub(crate) mod service_account;

pub(crate) use granted::{Granted, LoggedIn};
pub(crate) use plan::Plan;
pub(crate) use store::Place;
