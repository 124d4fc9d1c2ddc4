//! HTTP to authorization servers, one file per RFC; never opens the store.

/// Requests, and the bounds that all of them have.
mod authentication;
pub(crate) mod confidential;
pub(crate) mod http;
/// Why there is no token.
pub(crate) mod token_error;
/// What a token endpoint gives.
pub(crate) mod token_answer;
/// The token endpoint.
pub(crate) mod token;
/// A client that asks for itself.
pub(crate) mod client_credentials;
/// An assertion in place of a secret.
pub(crate) mod jwt_bearer;
/// A code that is entered on another device.
pub(crate) mod device_authorization;
/// Ending a grant.
pub(crate) mod revocation;
/// Whether a service takes a token.
pub(crate) mod protected_resource;
/// What a server says of itself.
pub(crate) mod metadata;
/// Where the browser comes back to.
pub(crate) mod redirect_uri;
/// Proof that the one who redeems the code asked for it.
pub(crate) mod pkce;
/// What ties an answer to its login.
pub(crate) mod state;
/// What the browser brings back.
pub(crate) mod authorization_response;
/// What a person brings back.
pub(crate) mod pasted;
/// Waiting for the browser.
pub(crate) mod listener;
