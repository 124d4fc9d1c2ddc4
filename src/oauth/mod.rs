//! HTTP to authorization servers, one file for each RFC.
//!
//! Owns what is sent, how long an answer may take and what it means. Does not know the store, nor
//! whether a token is due; it never prints.

mod authentication;
pub(crate) mod sent_secrets;
mod tls;
mod proxy;
mod network;
mod fault;
mod cause;
mod told;
mod retry_after;
mod json_object;
mod body;
pub(crate) mod http_client;
pub(crate) mod http;
mod answer_fields;
mod refusal;
pub(crate) mod demands;
pub(crate) mod signing_key;
mod signed_jwt;
mod client_assertion;
pub(crate) mod identity_token;
pub(crate) mod token_error;
mod client_proof;
pub(crate) mod error_answer;
pub(crate) mod token_answer;
pub(crate) mod token;
pub(crate) mod client_credentials;
pub(crate) mod jwt_bearer;
pub(crate) mod impersonation;
pub(crate) mod workload;
pub(crate) mod device_authorization;
pub(crate) mod device_polling;
pub(crate) mod pushed_request;
pub(crate) mod revocation;
mod mcp;
pub(crate) mod challenge;
pub(crate) mod resource_metadata;
pub(crate) mod protected_resource;
pub(crate) mod introspection;
pub(crate) mod metadata;
pub(crate) mod discovery;
pub(crate) mod registration;
pub(crate) mod redirect_uri;
pub(crate) mod pkce;
pub(crate) mod unguessable;
pub(crate) mod id_token;
pub(crate) mod authorization_response;
pub(crate) mod pasted;
pub(crate) mod listener;
