//! HTTP to authorization servers, one file per RFC; never opens the store.

pub(crate) mod http;
pub(crate) mod token_error;
pub(crate) mod token;
pub(crate) mod revocation;
pub(crate) mod metadata;
