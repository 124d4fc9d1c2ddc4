//! HTTP to authorization servers, one file per RFC; never opens the store.

/// Where the browser comes back to.
pub(crate) mod redirect_uri;
/// Proof that the one who redeems the code asked for it.
pub(crate) mod pkce;
/// What ties an answer to its login.
pub(crate) mod state;
/// What the browser brings back.
pub(crate) mod authorization_response;
/// What waits for the browser.
pub(crate) mod listener;
