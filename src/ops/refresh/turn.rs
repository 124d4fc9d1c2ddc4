//! Waiting for one's turn to renew a credential.

use std::time::{Duration, Instant};

use super::settled::settled;
use super::trigger::Trigger;
use crate::model::account::Account;
use crate::oauth::http;
use crate::ops::access_token::{Handed, Warning};
use crate::ops::clock::Clock;
use crate::ops::error::Error;
use crate::ops::open_vault::OpenVault;
use crate::store::{self, locks};

/// How long a waiter gives the process that has the lock: the request's own bound, and some.
pub(in crate::ops) const WAIT: Duration = http::WHOLE.saturating_add(Duration::from_secs(15));

/// The same where the token in hand works still.
const SHORT_WAIT: Duration = Duration::from_secs(5);

/// How often a waiter looks whether the work was done.
const POLL: Duration = Duration::from_millis(10);

/// How the wait ended.
pub(super) enum Turn {
    /// The lock is ours.
    Mine(locks::Guard),
    /// There is nothing to do under it any more, or the token in hand has to do.
    Done(Box<Handed>),
}

/// Waits for the lock of `account`, whose row was at revision `before` when the command started.
pub(super) fn wait(
    vault: &mut OpenVault,
    account: &Account,
    trigger: Trigger,
    before: u64,
    clock: Clock,
) -> Result<Turn, Error> {
    let started = Instant::now();
    loop {
        if let Some(lock) = locks::try_credential(vault.file(), account)? {
            return Ok(Turn::Mine(lock));
        }
        // What was renewed meanwhile needs no lock to be read: a crowd goes on all at once.
        let row = vault.expect(account)?;
        let done_meanwhile = row.stored.revision != before;
        if let Some(handed) = settled(account, &row, trigger, done_meanwhile, clock)? {
            return Ok(Turn::Done(Box::new(handed)));
        }
        let credential = row.stored.credential;
        if started.elapsed() >= SHORT_WAIT && trigger.could_do_with(&credential, clock()) {
            let warning = Some(Warning::Busy);
            return Ok(Turn::Done(Box::new(Handed { credential, refreshed: false, warning })));
        }
        if started.elapsed() >= WAIT {
            return Err(store::Error::Busy.into());
        }
        std::thread::sleep(POLL);
    }
}
