//! The nouns of tokctl and the rules about them: accounts, credentials, definitions, the audit.
//!
//! Pure data and pure decisions. Nothing here reads a file, a clock or the environment, sends a
//! request or knows where its values are kept.

pub(crate) mod nearest;
pub(crate) mod account;
pub(crate) mod reach;
pub(crate) mod address_secret;
pub(crate) mod address;
pub(crate) mod reference;
pub(crate) mod resource;
pub(crate) mod duration;
pub(crate) mod grant_life;
pub(crate) mod scope;
pub(crate) mod jwt;
pub(crate) mod id_token;
pub(crate) mod issuer;
pub(crate) mod request_params;
pub(crate) mod dialect;
pub(crate) mod registration;
pub(crate) mod signing;
pub(crate) mod client_key;
pub(crate) mod der;
pub(crate) mod certificate_life;
pub(crate) mod client_certificate;
pub(crate) mod client_authentication;
pub(crate) mod client;
pub(crate) mod service_account;
pub(crate) mod workload;
pub(crate) mod destination;
pub(crate) mod credential;
pub(crate) mod token_type;
pub(crate) mod without_secrets;
pub(crate) mod readiness;
pub(crate) mod summary;
pub(crate) mod attempt;
pub(crate) mod credential_health;
pub(crate) mod audit;
pub(crate) mod bundle;
pub(crate) mod definition;
