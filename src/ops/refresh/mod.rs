//! Renewing a token: exactly once, and never lost.
//!
//! Two processes that spend one rotating refresh token make the provider revoke the whole grant;
//! so does a process that dies between the provider's answer and the save, once the next one tries
//! again. Hence the order here: the credential's lock, the row read again, a journal and room for
//! the answer on the disk, the request, the commit, and only then a word to the caller.

mod trigger;
mod pace;
mod evidence;
mod settled;
mod turn;
mod answer;
mod attempt;

use std::time::Instant;

use super::access_token::Handed;
use super::clock::Clock;
use super::error::Error;
use super::open_vault::{OpenVault, Row};
use crate::model::account::Account;
use crate::model::readiness::{Need, lasts};
use crate::store::locks;
use crate::store::spill::Spill;

pub(crate) use self::attempt::Today;
pub(crate) use self::trigger::Trigger;
pub(super) use self::turn::WAIT;
use self::turn::{Arrival, Turn};

/// Renews the token of `account`, or takes what another process renewed meanwhile.
///
/// `vault` has to be writable.
pub(crate) fn renew(
    vault: &mut OpenVault,
    account: &Account,
    trigger: Trigger,
    today: &Today,
    clock: Clock,
) -> Result<Handed, Error> {
    let (revision, last) = vault.revision(account)?;
    let arrival = Arrival { revision, last };
    let _lock = match turn::wait(vault, account, trigger, &arrival, clock)? {
        Turn::Mine(lock) => lock,
        Turn::Done(handed) => return Ok(*handed),
    };
    let _key_in_use = locks::key_in_use(vault.file(), Instant::now() + WAIT)?;
    let (row, last) = vault.expect_with_attempt(account)?;
    let row = adopt_spill(vault, account, row)?;
    let spared = if today.client_secret.is_some() {
        // What failed was tried with another secret.
        None
    } else {
        turn::spared(account, &row, last, trigger, &arrival, clock)?
    };
    let handed = match spared {
        Some(handed) => handed,
        None => attempt::attempt(vault, account, row, trigger, today, clock)?,
    };
    keep_promise(account, trigger, handed, clock)
}

/// Stores the answer of a process that could not do so itself, and gives the row as it is then.
pub(super) fn adopt_spill(
    vault: &mut OpenVault,
    account: &Account,
    row: Row,
) -> Result<Row, Error> {
    let Some(journal) = &row.journal else { return Ok(row) };
    let spill = Spill::open(vault.file(), account, &row.stored.credential)?;
    let place = (journal.revision, &journal.attempt);
    let Some(credential) = spill.read(vault.key(), account, place) else { return Ok(row) };
    answer::store(vault, account, &credential, journal.revision, None)?;
    // What is left in the file opens for no other attempt.
    let _ = spill.clear();
    vault.expect(account)
}

/// A token that was renewed may still not live as long as was asked; it is stored all the same.
fn keep_promise(
    account: &Account,
    trigger: Trigger,
    handed: Handed,
    clock: Clock,
) -> Result<Handed, Error> {
    match trigger {
        Trigger::Need(need @ Need::AtLeast(asked))
            if !lasts(handed.credential.expiry(), need, clock()) =>
        {
            Err(Error::NeverLongEnough { account: account.clone(), asked })
        }
        Trigger::Need(_) | Trigger::Asked => Ok(handed),
    }
}
