//! A round of the service, which finds the credentials to refresh.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::cli::commands::refresh::args::Args;
use crate::cli::commands::refresh::outcome::Verdict;
use crate::cli::commands::refresh::selection;
use crate::cli::error::CliError;
use crate::model::account::Account;
use crate::model::credential::Status;
use crate::ops;
use crate::ops::error::LoginReason;
use crate::ops::error::StoreError;
use crate::ops::{Opener, many};

/// The result of a round.
pub(super) struct RoundResult {
    /// The accounts to refresh now, each with its lane.
    pub(super) due: Vec<(String, Account)>,
    /// The end of each token.
    pub(super) expiries: BTreeMap<Account, Option<Timestamp>>,
    /// The due time of the tokens that are not refreshed now.
    pub(super) due_at: BTreeMap<Account, Timestamp>,
    /// The accounts that can't be refreshed until a user acts.
    pub(super) faults: Vec<(Account, CliError)>,
}

/// Opens all credentials that `args` select and decides about each.
///
/// They have to be opened because the due time is under the seal.
pub(super) fn look(
    args: &Args,
    opener: &Opener,
    every: SignedDuration,
    now: Timestamp,
) -> Result<RoundResult, CliError> {
    // Opened in each round, because the file may have been replaced.
    let vault = opener.open()?;
    let lanes = many::lanes(&vault, args.choice.provider.as_ref(), args.choice.user.as_ref())?;
    let mut result = RoundResult {
        due: Vec::new(),
        expiries: BTreeMap::new(),
        due_at: BTreeMap::new(),
        faults: Vec::new(),
    };
    for (lane, account) in lanes {
        let credential = match vault.read(&account) {
            Ok(Some(row)) => row.stored.credential,
            Ok(None) => continue,
            // An unreadable row must not stop the refresh of others.
            Err(
                error @ (StoreError::Tampered { .. }
                | StoreError::Damaged(_)
                | StoreError::Inconsistent(_)),
            ) => {
                result.expiries.insert(account.clone(), None);
                result.faults.push((account, error.into()));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        result.expiries.insert(account.clone(), credential.expiry().at());
        if credential.status == Status::LoginRequired {
            let reason = LoginReason::Refused;
            let error = ops::Error::LoginRequired { account: account.clone(), reason };
            result.faults.push((account, error.into()));
            continue;
        }
        match selection::decide_for_service(&credential, every, now) {
            Verdict::Renew(_) => result.due.push((lane, account)),
            Verdict::Leave(_) | Verdict::NeedsLogin => {
                result.due_at.extend(selection::due_at(&credential, now).map(|at| (account, at)));
            }
        }
    }
    Ok(result)
}
