//! The request with which a client of the Model Context Protocol begins (its `initialize`, as JSON-RPC
//! 2.0 over HTTP).
//!
//! Many MCP servers challenge nothing but a POST. So a resource that leaves a GET unchallenged is asked
//! in this way, without a token to find out what protects it, and with one to check it.

use serde_json::{Value, json};

use super::http::{self, Answer, Authentication, Fault};
use crate::model::address::Address;
use crate::model::client_certificate::TlsSettings;
use crate::model::credential::ApiHeader;
use crate::secret::SecretText;

/// The revision of the protocol that the request names. A server with another one says so after it has
/// looked at the token.
const REVISION: &str = "2025-06-18";

/// The media types of an answer, of which a server may insist on both.
const ACCEPTED: (&str, &str) = ("accept", "application/json, text/event-stream");

/// Begins at `address` without a token, and watches in which network it is found.
pub(super) fn begin_watched(
    address: &Address,
    trusted_certificates: Option<&str>,
) -> Result<Answer, Fault> {
    http::post_watched(address, trusted_certificates, &[ACCEPTED], &initialize())
}

/// Begins at `address` with the token of `authentication`, and with `headers` besides.
pub(super) fn begin(
    address: &Address,
    tls: TlsSettings<'_>,
    authentication: &Authentication<'_>,
    headers: &[ApiHeader],
) -> Result<Answer, Fault> {
    let mut all = vec![ACCEPTED];
    all.extend(headers.iter().map(|own| (own.name.as_str(), own.value.expose())));
    let timeout = http::REQUEST_TIMEOUT;
    http::post_document(address, tls, authentication, &all, &initialize(), timeout)
}

fn initialize() -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": REVISION,
            "capabilities": {},
            "clientInfo": { "name": "tokctl", "version": env!("CARGO_PKG_VERSION") },
        },
    })
}
