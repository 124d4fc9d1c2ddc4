//! How often one command asks for a new token, and how long it waits between two requests.

use std::time::{Duration, Instant};

use crate::oauth::http;
use crate::oauth::token_error::Error;

/// No request is repeated later than this after the command's turn came.
const WINDOW: Duration = Duration::from_secs(5);

/// The longest that one turn takes.
pub(super) const LONGEST: Duration = WINDOW.saturating_add(http::REQUEST_TIMEOUT);

/// How many requests one command makes at most.
const REQUESTS: u32 = 4;

/// The pause before the second request; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The shortest time that a request gets.
const SHORTEST: Duration = Duration::from_secs(1);

/// The backoff of one turn.
pub(super) struct Backoff {
    began: Instant,
    requests: u32,
    /// Whether there is a token that will do, and a lost answer costs nothing.
    hurried: bool,
}

impl Backoff {
    /// `hurried`: there is a token that will do, and the provider lets a refresh token be used
    /// again. Elsewhere an answer is waited for to the end, since giving it up would lose it.
    pub(super) fn new(hurried: bool) -> Self {
        Self { began: Instant::now(), requests: 0, hurried }
    }

    /// Counts a request, and says how long it may take.
    pub(super) fn request(&mut self) -> Duration {
        self.requests += 1;
        if self.hurried {
            WINDOW.saturating_sub(self.began.elapsed()).max(SHORTEST)
        } else {
            http::REQUEST_TIMEOUT
        }
    }

    /// How long to wait before the request is made again after `error`; `None`: it is not.
    ///
    /// `may_repeat`: a refresh token that may have been spent may be sent again.
    pub(super) fn pause(&self, error: &Error, may_repeat: bool) -> Option<Duration> {
        let can_help = error.is_worth_retrying() || (error.is_ambiguous() && may_repeat);
        let doubled = FIRST_PAUSE * 2_u32.pow(self.requests.saturating_sub(1));
        let pause = jittered(doubled).max(error.retry_after().unwrap_or_default());
        let in_time =
            self.requests < REQUESTS && self.began.elapsed().saturating_add(pause) < WINDOW;
        (can_help && in_time).then_some(pause)
    }
}

/// Between half of `pause` and all of it, so that a crowd does not come back all at once.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0];
    // Without a random number nobody is hurt: the pause is the whole one.
    let part = getrandom::fill(&mut byte).map_or(255, |()| u32::from(byte[0]));
    pause / 2 + pause * part / 510
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
