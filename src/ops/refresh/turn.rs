//! Waiting for one's turn to renew a credential.

use std::time::{Duration, Instant};

use super::evidence::taken_over;
use super::pace;
use super::settled::settled;
use super::trigger::Trigger;
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::ops::access_token::{Handed, Warning};
use crate::ops::clock::Clock;
use crate::ops::error::Error;
use crate::ops::open_vault::{OpenVault, Row};
use crate::store::{self, locks};

/// How long a waiter gives the process that has the lock: the longest turn, and some.
pub(in crate::ops) const WAIT: Duration = pace::LONGEST.saturating_add(Duration::from_secs(10));

/// The same where the token in hand works still.
const SHORT_WAIT: Duration = Duration::from_secs(5);

/// How often a waiter looks whether its turn has come.
const POLL: Duration = Duration::from_millis(10);

/// What a command found when it came.
pub(super) struct Arrival {
    /// The revision of the credential's row.
    pub(super) revision: u64,
    /// The attempt before.
    pub(super) last: Option<Attempt>,
}

/// How the wait ended.
pub(super) enum Turn {
    /// The lock is ours.
    Mine(locks::Guard),
    /// There is nothing to do under it any more, or the token in hand has to do.
    Done(Box<Handed>),
}

/// Waits for the lock of `account`.
pub(super) fn wait(
    vault: &mut OpenVault,
    account: &Account,
    trigger: Trigger,
    arrival: &Arrival,
    clock: Clock,
) -> Result<Turn, Error> {
    let started = Instant::now();
    let mut queue = locks::Queue::of(vault.file(), account)?;
    loop {
        if let Some(lock) = queue.take()? {
            return Ok(Turn::Mine(lock));
        }
        std::thread::sleep(POLL);
        if queue.is_free()? {
            // What was done meanwhile needs no lock to be read: a crowd goes on all at once.
            let (row, last) = vault.expect_with_attempt(account)?;
            if let Some(handed) = spared(account, &row, last, trigger, arrival, clock)? {
                return Ok(Turn::Done(Box::new(handed)));
            }
        } else if started.elapsed() >= SHORT_WAIT {
            let credential = vault.expect(account)?.stored.credential;
            if trigger.could_do_with(&credential, clock()) {
                let warning = Some(Warning::Busy);
                let handed = Handed { credential, refreshed: false, warning };
                return Ok(Turn::Done(Box::new(handed)));
            }
        }
        if started.elapsed() >= WAIT {
            return Err(store::Error::Busy.into());
        }
    }
}

/// What another process did since `arrival`, if that leaves nothing to do.
pub(super) fn spared(
    account: &Account,
    row: &Row,
    last: Option<Attempt>,
    trigger: Trigger,
    arrival: &Arrival,
    clock: Clock,
) -> Result<Option<Handed>, Error> {
    let done_meanwhile = row.stored.revision != arrival.revision;
    if let Some(handed) = settled(account, row, trigger, done_meanwhile, clock)? {
        return Ok(Some(handed));
    }
    let Some(last) = last else { return Ok(None) };
    let credential = &row.stored.credential;
    taken_over(account, credential, last, arrival.last.as_ref(), trigger, clock()).transpose()
}
