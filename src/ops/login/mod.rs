//! Obtaining a credential: a static token, or an OAuth grant in one of several ways.

mod store;
mod replaced;
pub(crate) mod static_token;
mod identity;
mod plan;
mod granted;
pub(crate) mod browser;
pub(crate) mod pages;
pub(crate) mod device;
pub(crate) mod client_credentials;
pub(crate) mod service_account;

pub(crate) use granted::{Granted, LoggedIn, Site};
pub(crate) use plan::Plan;
pub(crate) use replaced::Replaced;
pub(crate) use store::Place;
