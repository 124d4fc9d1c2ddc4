//! A time limit for calls to the keychain.

use super::entry::Patience;
use super::error::Error;
use crate::bounded::{self, Unfinished};

/// Runs `work` for at most [`Patience::limit`]; fails with [`Error::NoAnswer`] after that.
pub(super) fn within<T: Send + 'static>(
    patience: &Patience,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    bounded::within(patience.limit, work).unwrap_or_else(|unfinished| match unfinished {
        Unfinished::TimedOut => Err(Error::NoAnswer(patience.limit)),
        Unfinished::BrokeOff => Err(Error::Other("the call to it broke off".into())),
    })
}
