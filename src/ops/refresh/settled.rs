//! Whether another process did the work.

use super::trigger::Trigger;
use crate::model::account::Account;
use crate::model::credential::Status;
use crate::ops::access_token::{Found, Handed, hand_out, judge};
use crate::ops::clock::Clock;
use crate::ops::error::Error;
use crate::ops::open_vault::Row;

/// What another process left, if there is nothing to do any more.
pub(super) fn settled(
    account: &Account,
    row: &Row,
    trigger: Trigger,
    done_meanwhile: bool,
    clock: Clock,
) -> Result<Option<Handed>, Error> {
    match trigger {
        Trigger::Asked => {
            let renewed = done_meanwhile
                && row.journal.is_none()
                && row.stored.credential.status != Status::LoginRequired;
            Ok(renewed.then(|| hand_out(row.stored.credential.clone(), false)))
        }
        Trigger::Need(_) if row.journal.is_some() => Ok(None),
        Trigger::Need(need) => match judge(account, &row.stored.credential, need, clock())? {
            Found::Good(handed) => Ok(Some(*handed)),
            Found::Due => Ok(None),
        },
    }
}
