//! A round: one look at all credentials, which finds those to refresh.

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

/// What a look found.
pub(super) struct Found {
    /// What is to be refreshed, with its lane.
    pub(super) due: Vec<(String, Account)>,
    /// When each token ends.
    pub(super) expiries: BTreeMap<Account, Option<Timestamp>>,
    /// When each of the others is due.
    pub(super) due_at: BTreeMap<Account, Timestamp>,
    /// What can't be refreshed until a person does something.
    pub(super) faults: Vec<(Account, CliError)>,
}

/// Looks at all credentials that `args` name, opened: when one is due stands under the seal.
pub(super) fn look(
    args: &Args,
    opener: &Opener,
    every: SignedDuration,
    now: Timestamp,
) -> Result<Found, CliError> {
    // Opened anew each time, since the file may be another one by now.
    let vault = opener.open()?;
    let lanes = many::lanes(&vault, args.choice.provider.as_ref(), args.choice.user.as_ref())?;
    let mut found = Found {
        due: Vec::new(),
        expiries: BTreeMap::new(),
        due_at: BTreeMap::new(),
        faults: Vec::new(),
    };
    for (lane, account) in lanes {
        let credential = match vault.read(&account) {
            Ok(Some(row)) => row.stored.credential,
            Ok(None) => continue,
            // One row that can't be read keeps no other from being refreshed.
            Err(
                error @ (StoreError::Tampered { .. }
                | StoreError::Damaged(_)
                | StoreError::Inconsistent(_)),
            ) => {
                found.expiries.insert(account.clone(), None);
                found.faults.push((account, error.into()));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        found.expiries.insert(account.clone(), credential.expiry().at());
        if credential.status == Status::LoginRequired {
            let reason = LoginReason::Refused;
            let error = ops::Error::LoginRequired { account: account.clone(), reason };
            found.faults.push((account, error.into()));
            continue;
        }
        match selection::upcoming(&credential, every, now) {
            Verdict::Renew(_) => found.due.push((lane, account)),
            Verdict::Leave(_) | Verdict::NeedsLogin => {
                found.due_at.extend(selection::due_at(&credential, now).map(|at| (account, at)));
            }
        }
    }
    Ok(found)
}
