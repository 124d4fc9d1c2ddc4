//! What is remembered of the last time that a provider was asked about a credential.
//!
//! It is evidence, for people and for processes that would ask the same a moment later. It stands
//! in the clear, and nothing that it says makes a secret go anywhere.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::credential::Status;

/// A clock that is further off than this makes good tokens look ended, or ended ones good.
pub(crate) const TOLERABLE_SKEW: SignedDuration = SignedDuration::from_mins(1);

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

/// No provider is left alone for longer than this, whatever it asks for.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// Until when a provider is left alone that asked for `pause` at `now`.
pub(crate) fn pause_until(pause: Option<Duration>, now: Timestamp) -> Option<Timestamp> {
    let pause = SignedDuration::try_from(pause?).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE);
    now.checked_add(pause).ok()
}

impl Attempt {
    /// Until when the provider is to be left alone. What is from the future, or farther off than it
    /// was ever set, binds nobody: a clock was set back, or the file edited.
    pub(crate) fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.not_before.filter(|&until| {
            self.ended_at <= now && until > now && until.duration_since(now) <= LONGEST_PAUSE
        })
    }

    /// Whether nothing else remembers what this attempt tells of a credential with `status`: until
    /// when the token endpoint is to be left alone, or how the grant came to its end.
    pub(crate) fn is_still_needed(&self, status: Status, now: Timestamp) -> bool {
        self.action == Action::Refresh
            && (status == Status::LoginRequired || self.not_before.is_some_and(|until| until > now))
    }
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
