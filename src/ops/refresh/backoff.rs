//! The number of requests that one command makes for a new token, and the pauses between them.

use std::time::{Duration, Instant};

use crate::oauth::http;
use crate::oauth::token_error::Error;
use crate::ops::retry::with_jitter;

/// The time after the start of a turn in which requests may be repeated.
pub(super) const WINDOW: Duration = Duration::from_secs(5);

/// The longest time that one turn takes.
pub(super) const LONGEST: Duration = WINDOW.saturating_add(http::REQUEST_TIMEOUT);

/// The largest number of requests that one command makes.
const REQUESTS: u32 = 4;

/// The pause before the second request; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The shortest time limit of a request.
const SHORTEST: Duration = Duration::from_secs(1);

/// The state of one turn's requests: how many were made, and since when.
pub(super) struct Backoff {
    began: Instant,
    requests: u32,
    /// Whether a request may be given up early.
    hurried: bool,
}

impl Backoff {
    /// Starts the backoff of a turn. With `hurried`, requests get a short time limit: the caller
    /// accepts the stored token, and the provider allows a second use of a refresh token. Without
    /// it, each request waits for its answer to the end, because giving up could lose a new token.
    pub(super) fn new(hurried: bool) -> Self {
        Self { began: Instant::now(), requests: 0, hurried }
    }

    /// Counts a request, and returns its time limit.
    pub(super) fn request(&mut self) -> Duration {
        self.requests += 1;
        if self.hurried {
            WINDOW.saturating_sub(self.began.elapsed()).max(SHORTEST)
        } else {
            http::REQUEST_TIMEOUT
        }
    }

    /// Returns the pause before the request is repeated after `error`, or `None` if it must not be
    /// repeated. `may_repeat` says whether the provider allows sending a refresh token again that
    /// may have been spent.
    pub(super) fn pause(&self, error: &Error, may_repeat: bool) -> Option<Duration> {
        let can_help = error.is_worth_retrying() || (error.is_ambiguous() && may_repeat);
        let doubled = FIRST_PAUSE * 2_u32.pow(self.requests.saturating_sub(1));
        let pause = with_jitter(doubled).max(error.retry_after().unwrap_or_default());
        let in_time =
            self.requests < REQUESTS && self.began.elapsed().saturating_add(pause) < WINDOW;
        (can_help && in_time).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(retry_after: Option<u64>) -> Error {
        let retry_after = retry_after.map(Duration::from_secs);
        Error::TooManyRequests { authority: "id.example".into(), retry_after }
    }

    fn broken() -> Error {
        Error::NoVerdict {
            authority: "id.example".into(),
            status: 502,
            error: None,
            retry_after: None,
            what: "a page".into(),
        }
    }

    #[test]
    fn pauses_grow_and_come_to_an_end() {
        let mut backoff = Backoff::new(false);
        for longest in [500, 1000, 2000] {
            assert_eq!(backoff.request(), http::REQUEST_TIMEOUT);
            let pause = backoff.pause(&busy(None), false).unwrap();
            let longest = Duration::from_millis(longest);
            assert!(longest / 2 <= pause && pause <= longest, "{pause:?}");
        }
        backoff.request();
        assert_eq!(backoff.pause(&busy(None), false), None);
    }

    #[test]
    fn a_server_is_left_alone_as_long_as_it_asks_or_altogether() {
        let mut backoff = Backoff::new(false);
        backoff.request();
        assert!(backoff.pause(&busy(Some(3)), false).unwrap() >= Duration::from_secs(3));
        assert_eq!(backoff.pause(&busy(Some(60)), false), None);
    }

    #[test]
    fn what_may_have_been_done_is_repeated_only_where_that_is_harmless() {
        let mut backoff = Backoff::new(true);
        assert!(backoff.request() <= WINDOW);
        assert!(backoff.pause(&broken(), true).is_some());
        assert_eq!(backoff.pause(&broken(), false), None);
    }
}
