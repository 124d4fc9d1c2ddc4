//! Obtaining a credential: a static token, or an OAuth grant through the browser.

mod store;
mod replaced;
pub(crate) mod static_token;
pub(crate) mod identity;
pub(crate) mod browser;
pub(crate) mod pages;

pub(crate) use replaced::Replaced;
pub(crate) use store::Place;
