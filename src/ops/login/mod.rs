//! Logins: obtaining a credential for an account and storing it.
//!
//! A login with OAuth starts from a [`Plan`], obtains a [`Granted`] by one of the grants, and stores
//! it in a [`LoginTarget`]. A static token is stored as it is. Waiting for a person is split into
//! steps, so that the caller can talk to the person in between. This folder knows neither the
//! terminal nor how a browser is opened.

mod replaced;
mod target;
pub(crate) mod static_token;
mod identity;
mod addressed;
mod plan;
mod secret_place;
mod id_token;
mod granted;
pub(crate) mod browser;
pub(crate) mod pages;
pub(crate) mod by_address;
pub(crate) mod device;
pub(crate) mod client_credentials;
pub(crate) mod service_account;
pub(crate) mod workload;

pub(crate) use granted::{Granted, LoggedIn, Site};
pub(crate) use id_token::IdTokenWarning;
pub(crate) use plan::{Plan, SealedClient};
pub(crate) use replaced::Replaced;
pub(crate) use target::LoginTarget;
