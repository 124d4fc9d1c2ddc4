//! The record of the last request to a provider about a credential.
//!
//! People read it to learn what went wrong, and other processes to avoid the same request a moment
//! later. It is stored in the clear, and nothing in it decides where a secret is sent.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::credential::Status;
use super::scope::Scopes;
use super::summary::Summary;

/// The largest difference between two clocks that does no harm. Beyond it, good tokens look
/// expired, or expired ones good.
pub(crate) const TOLERABLE_SKEW: SignedDuration = SignedDuration::from_mins(1);

/// One request to a provider, and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// The random id of a refresh, in hexadecimal digits.
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
    /// The failure as a sentence that is safe to print.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// The scopes that a login has to ask for, where a check found that one is missing: those that the
    /// token has, and those that the service asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wanted_scopes: Option<Scopes>,
    /// The end of the pause that the provider asked for with `Retry-After` (RFC 9110 §10.2.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_before: Option<Timestamp>,
    /// The number of seconds by which the server's clock was ahead of this one (RFC 9110 §6.6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) clock_skew: Option<i64>,
    /// The number of refusals in a row, this one included, of a grant that needs no person.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(crate) refusals: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// The codes with which servers say that they do not know a client (RFC 6749 §5.2); the second is that
/// of servers that take it for one without rights.
pub(crate) const UNKNOWN_CLIENT: [&str; 2] = ["invalid_client", "unauthorized_client"];

/// The number of refusals in a row that set no pause: an assertion that was signed a moment too
/// early, or a server that has not learned of a client yet.
const FREE_REFUSALS: u32 = 2;

/// The pause after the first refusal that sets one. It doubles with each further one.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// Returns the end of the pause after as many `refusals` in a row of a grant that needs no person,
/// the last of them at `now`.
pub(crate) fn pause_after_refusals(refusals: u32, now: Timestamp) -> Option<Timestamp> {
    let doublings = refusals.checked_sub(FREE_REFUSALS + 1)?.min(6);
    let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(MAX_PAUSE);
    now.checked_add(pause).ok()
}

/// The longest pause that is granted to a provider, whatever it asks for.
const MAX_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// Returns the end of a `pause` that a provider asked for at `now`, at most [`MAX_PAUSE`]
/// later.
pub(crate) fn pause_end(pause: Option<Duration>, now: Timestamp) -> Option<Timestamp> {
    let pause = SignedDuration::try_from(pause?).unwrap_or(MAX_PAUSE).min(MAX_PAUSE);
    now.checked_add(pause).ok()
}

/// Whether a pause that ends at `until` is still to be kept at `now`.
///
/// One that is longer than tokctl ever sets is not: a clock was set back, or the file was edited.
pub(crate) fn is_pause(until: Timestamp, now: Timestamp) -> bool {
    until > now && until.duration_since(now) <= MAX_PAUSE
}

impl Attempt {
    /// Whether the server said that it does not know the client, or not with this secret (RFC 6749
    /// §5.2).
    pub(crate) fn was_about_the_client(&self) -> bool {
        self.error.as_deref().is_some_and(|code| UNKNOWN_CLIENT.contains(&code))
    }

    /// Whether the server answered a refresh with a token of a type that tokctl can't use.
    pub(crate) fn brought_unusable_token(&self) -> bool {
        self.action == Action::Refresh
            && self.outcome == Outcome::Configuration
            && self.error.is_none()
            && self.status.is_some_and(|status| (200..=299).contains(&status))
    }

    /// Whether this was a refresh that failed, and no token was issued after it. `summary` is of the
    /// attempt's credential.
    pub(crate) fn is_failed_refresh(&self, summary: &Summary) -> bool {
        self.action == Action::Refresh
            && matches!(self.outcome, Outcome::Transient | Outcome::Configuration)
            && summary.last_refreshed_at.is_none_or(|at| at <= self.ended_at)
    }

    /// Returns the end of the provider's pause, if it is still to come.
    ///
    /// A pause from the future is ignored, and one that [`is_pause`] does not accept.
    pub(crate) fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.not_before.filter(|&until| self.ended_at <= now && is_pause(until, now))
    }

    /// Whether this attempt holds something that a credential with `status` does not: the end of a
    /// pause of the token endpoint, or the way in which the grant ended.
    pub(crate) fn is_still_needed(&self, status: Status, now: Timestamp) -> bool {
        self.action == Action::Refresh
            && (status == Status::LoginRequired || self.not_before.is_some_and(|until| until > now))
    }
}

/// The purpose of a request to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// The request for a new token.
    Refresh,
    /// The question whether the token works.
    Check,
}

/// The outcome of an [`Attempt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// A new token was stored, or the token works.
    Done,
    /// The provider no longer accepts the grant or the token: only a person can help.
    Refused,
    /// The provider does not accept the client's settings.
    Configuration,
    /// The provider could not be reached, or its answer said nothing of the token: a later try may
    /// succeed.
    #[serde(rename = "passing")]
    Transient,
}
