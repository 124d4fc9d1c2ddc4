//! The tokens that are masked in the command's output.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use super::forms;
use super::needles::Needles;

/// The length of the shortest token that is masked, in characters. A shorter one occurs by chance.
const SHORTEST: usize = 8;

/// The secrets to mask, which several streams share. Old ones stay, because they may still be
/// printed.
#[derive(Default)]
pub(super) struct Secrets {
    all: Mutex<Vec<Zeroizing<String>>>,
    count: AtomicUsize,
}

impl Secrets {
    /// Adds a token, unless it is too short to be masked.
    pub(super) fn add(&self, token: &str) {
        if is_too_short(token) {
            return;
        }
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.iter().any(|known| known.as_str() == token) {
            all.push(Zeroizing::new(token.to_owned()));
            self.count.store(all.len(), Ordering::SeqCst);
        }
    }

    /// Adds to `needles` the forms of the tokens that were added since the last call.
    pub(super) fn teach(&self, needles: &mut Needles) {
        if self.count.load(Ordering::SeqCst) == needles.tokens {
            return;
        }
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        needles.add(all[needles.tokens..].iter().flat_map(|token| forms::of(token)));
        needles.tokens = all.len();
    }
}

/// Returns whether `token` is so short that it may occur in a text by chance.
pub(super) fn is_too_short(token: &str) -> bool {
    token.chars().count() < SHORTEST
}
