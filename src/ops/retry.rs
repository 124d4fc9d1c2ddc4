//! Requests that are sent again after a passing fault, where sending them twice spends nothing.
//!
//! A refresh, which may spend its refresh token, has rules of its own: see `refresh/backoff.rs`.

use std::time::{Duration, Instant};

use crate::oauth::token_error::Error;

/// The pause before the second request; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The function that hears of each error after which another request is sent, and of the pause before
/// it.
pub(crate) type Told<'a> = &'a mut dyn FnMut(&Error, Duration);

/// The limits of one kind of request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The time in which requests may be repeated.
    window: Duration,
    /// The largest number of requests.
    requests: u32,
}

impl Patience {
    /// The patience of a login, at which a person waits, and which may be the last chance of a code.
    pub(crate) const LOGIN: Self = Self { window: Duration::from_secs(60), requests: 5 };
    /// The patience of a revocation, when everything else is done already.
    pub(crate) const REVOCATION: Self = Self { window: Duration::from_secs(10), requests: 3 };
    /// The patience of a request in passing, which nobody waits for.
    pub(crate) const ONCE: Self = Self { window: Duration::ZERO, requests: 1 };

    /// Sends `request`, and sends it again as long as `may_repeat` says so of its error and these
    /// limits allow it. Each pause is told to `told` before it begins.
    ///
    /// A server that asks for a longer pause than the limits allow is not asked again.
    pub(crate) fn ask<T>(
        self,
        may_repeat: fn(&Error) -> bool,
        told: Told<'_>,
        mut request: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        for _ in 1..self.requests {
            let error = match request() {
                Err(error) if may_repeat(&error) => error,
                answer => return answer,
            };
            let length = with_jitter(pause).max(error.retry_after().unwrap_or_default());
            if began.elapsed().saturating_add(length) >= self.window {
                return Err(error);
            }
            told(&error, length);
            std::thread::sleep(length);
            pause *= 2;
        }
        request()
    }
}

/// Returns a random time between half of `pause` and all of it, so that many processes do not
/// repeat their requests at the same moment.
pub(super) fn with_jitter(pause: Duration) -> Duration {
    let mut byte = [0];
    // If the system gives no random number, the whole pause is good enough.
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

    /// Returns the number of requests that are made where each fails with `error`, and the pauses.
    fn made(patience: Patience, error: fn() -> Error) -> (u32, Vec<Duration>) {
        let (mut count, mut pauses) = (0, Vec::new());
        let refused: Result<(), Error> =
            patience.ask(Error::is_worth_retrying, &mut |_, pause| pauses.push(pause), || {
                count += 1;
                Err(error())
            });
        refused.unwrap_err();
        (count, pauses)
    }

    #[test]
    fn a_server_that_asks_for_more_time_than_there_is_is_not_asked_again() {
        assert_eq!(made(Patience::LOGIN, || busy(Some(61))).0, 1);
        assert_eq!(made(Patience::ONCE, || busy(None)).0, 1);
    }

    #[test]
    fn a_request_is_repeated_a_few_times_with_the_pause_that_was_asked_for() {
        let patience = Patience { window: Duration::from_secs(3), requests: 2 };
        let (count, pauses) = made(patience, || busy(Some(1)));
        assert_eq!((count, pauses), (2, vec![Duration::from_secs(1)]));
    }
}
