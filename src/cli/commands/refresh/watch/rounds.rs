//! A round of the service, which finds the credentials to refresh.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::metrics::CredentialState;
use crate::cli::commands::refresh::args::Args;
use crate::cli::commands::refresh::outcome::Verdict;
use crate::cli::commands::refresh::selection;
use crate::cli::error::CliError;
use crate::model::account::Account;
use crate::model::credential::{Credential, Status};
use crate::ops;
use crate::ops::error::LoginReason;
use crate::ops::error::StoreError;
use crate::ops::{Opener, many};

/// The result of a round.
pub(super) struct RoundResult {
    /// The accounts to refresh now, each with its lane.
    pub(super) due: Vec<(String, Account)>,
    /// The state of each credential.
    pub(super) states: BTreeMap<Account, CredentialState>,
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
    let choice = args.choice.located(&vault)?;
    let lanes = many::lanes(&vault, choice.provider.as_ref(), choice.user.as_ref())?;
    let mut result = RoundResult {
        due: Vec::new(),
        states: BTreeMap::new(),
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
                result.states.insert(account.clone(), CredentialState::Unknown);
                result.faults.push((account, error.into()));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        result.states.insert(account.clone(), state(&credential, now));
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

/// Returns what the metrics tell of `credential` at `now`.
fn state(credential: &Credential, now: Timestamp) -> CredentialState {
    let alive = CredentialState::Alive { expires_at: credential.expiry().at() };
    match credential.status {
        Status::HandedOver => CredentialState::Unknown,
        Status::LoginRequired => CredentialState::LoginRequired,
        Status::Active | Status::Inactive if credential.is_over(now) => {
            CredentialState::LoginRequired
        }
        Status::Inactive if !credential.is_refreshable() => CredentialState::LoginRequired,
        Status::Active | Status::Inactive => alive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::credential::{Expiry, Grant, OAuthGrant};

    #[test]
    fn what_nothing_renews_needs_a_login_once_it_is_over() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let alive = CredentialState::Alive { expires_at: Some(at(100)) };
        let needed = CredentialState::LoginRequired;
        let pat = Credential::made_up_static(Expiry::Known(at(100)));
        let refused = Credential { status: Status::Inactive, ..pat.clone() };
        let oauth = |status| {
            let grant = OAuthGrant::made_up(Expiry::Known(at(100)));
            Credential::made_up(Grant::OAuth(Box::new(grant)), status)
        };
        for (credential, second, expected) in [
            (&pat, 99, alive),
            (&pat, 100, needed),
            (&refused, 99, needed),
            (&oauth(Status::Active), 99, alive),
            (&oauth(Status::Active), 100, alive),
            (&oauth(Status::Inactive), 99, alive),
            (&oauth(Status::LoginRequired), 99, needed),
            (&oauth(Status::HandedOver), 99, CredentialState::Unknown),
        ] {
            assert_eq!(state(credential, at(second)), expected, "{:?}", credential.status);
        }
    }
}
