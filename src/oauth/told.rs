//! The line that `-v` shows for a request: method, host, path, status and time.
//!
//! A query, a body and a header may hold secrets, so none of them is told. What a path repeats of
//! the secrets that the request carries is masked.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

use log::Level;

use super::sent_secrets::SentSecrets;
use crate::model::address::Address;

/// The number of different requests that are remembered, so that their repetitions are counted.
const MOST_REMEMBERED: usize = 10_000;

/// A request that was begun, if anybody wants to be told of it.
pub(super) struct ToldRequest(Option<(String, u32, Instant)>);

impl ToldRequest {
    /// Notes a request with the fields `fields`, which is sent now.
    pub(super) fn begin(
        method: &'static str,
        address: &Address,
        fields: &[(&str, &str)],
        sent: &SentSecrets,
    ) -> Self {
        if !log::log_enabled!(Level::Debug) {
            return Self(None);
        }
        let path = sent.redact(address.url().path());
        let line = format!("{method} {}{path}", address.authority());
        Self(Some((line, attempt(method, address, fields), Instant::now())))
    }

    /// Tells how the request ended: by a status, or by the reason why there is none.
    pub(super) fn end(self, outcome: impl std::fmt::Display) {
        let Self(Some((line, attempt, began))) = self else { return };
        let took = began.elapsed().as_millis();
        if attempt == 1 {
            log::debug!("{line} {outcome} {took} ms");
        } else {
            log::debug!("{line} {outcome} {took} ms, attempt {attempt}");
        }
    }
}

/// Returns how often this process has sent the same request, this time included.
fn attempt(method: &str, address: &Address, fields: &[(&str, &str)]) -> u32 {
    /// The number of times that each request was sent, by a hash that tells nothing of its fields.
    type Attempts = (RandomState, HashMap<u64, u32>);
    static ATTEMPTS: LazyLock<Mutex<Attempts>> = LazyLock::new(Mutex::default);
    let mut attempts = ATTEMPTS.lock().unwrap_or_else(PoisonError::into_inner);
    let request = attempts.0.hash_one((method, address.as_str(), fields));
    if attempts.1.len() >= MOST_REMEMBERED {
        attempts.1.clear();
    }
    let count = attempts.1.entry(request).or_insert(0);
    *count = count.saturating_add(1);
    *count
}
