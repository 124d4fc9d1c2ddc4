//! What is remembered of the last time that a provider was asked about a credential.
//!
//! It is evidence, for people and for processes that would ask the same a moment later. It stands
//! in the clear, and nothing that it says makes a secret go anywhere.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One question to a provider, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// The random name of a refresh, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) action: Action,
    pub(crate) began_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    pub(crate) outcome: Outcome,
    /// The HTTP status of the answer, if one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// The code of the OAuth error (RFC 6749 §5.2), if the answer held one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// What went wrong, as a sentence, printable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// The provider asked to be left alone until then (RFC 9110 §10.2.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_before: Option<Timestamp>,
    /// How far the server's clock was ahead of this one, in seconds (RFC 9110 §6.6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) clock_skew: Option<i64>,
}

/// What the provider was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// A new token.
    Refresh,
    /// Whether the token works.
    Check,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// A new token was stored; or the token works.
    Done,
    /// The provider no longer accepts the grant or the token: only a person can help.
    Refused,
    /// The provider does not accept the client's settings.
    Configuration,
    /// It could not be reached, or gave no verdict: trying later may help.
    Passing,
}
