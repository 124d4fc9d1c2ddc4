//! A round of the service, which finds the credentials to refresh.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::metrics::CredentialState;
use crate::cli::commands::refresh::args::Args;
use crate::cli::commands::refresh::outcome::{Verdict, needs_login};
use crate::cli::commands::refresh::selection;
use crate::cli::error::CliError;
use crate::model::account::Account;
use crate::model::credential::{Credential, Status};
use crate::ops::Opener;
use crate::ops::many::{self, Waiting};

/// The result of a round.
pub(super) struct RoundResult {
    /// The credentials to refresh now.
    pub(super) due: Waiting,
    /// The state of each credential that is watched.
    pub(super) states: BTreeMap<Account, CredentialState>,
    /// The watched credentials whose token is due later.
    pub(super) in_order: Vec<Account>,
    /// The time at which the first of the tokens is due that are not refreshed now.
    pub(super) first_due: Option<Timestamp>,
    /// The number of credentials that were handed over: another vault renews them.
    pub(super) elsewhere: u64,
    /// The accounts that can't be refreshed until a user acts.
    pub(super) faults: Vec<(Account, CliError)>,
}

/// The state of one credential, as a round found it.
struct Looked {
    state: CredentialState,
    verdict: Verdict,
    due_at: Option<Timestamp>,
    since: Timestamp,
    lane: Option<String>,
    status: Status,
}

/// Opens all credentials that `args` select and decides about each. Of those that `is_watched` does
/// not name, only what is to be done is kept.
///
/// They have to be opened because the due time is under the seal.
pub(super) fn look(
    args: &Args,
    opener: &Opener,
    is_watched: impl Fn(&Account) -> bool,
    now: Timestamp,
) -> Result<RoundResult, CliError> {
    // Opened in each round, because the file may have been replaced.
    let vault = opener.open()?;
    let choice = args.choice.located(&vault)?;
    let mut result = RoundResult {
        due: Waiting::default(),
        states: BTreeMap::new(),
        in_order: Vec::new(),
        first_due: None,
        elsewhere: 0,
        faults: Vec::new(),
    };
    let look = |account: &Account, credential: &Credential| {
        let verdict = selection::decide_for_service(credential, args.every, now);
        let is_due = matches!(verdict, Verdict::Renew(_));
        Looked {
            state: state(credential, now),
            verdict,
            due_at: selection::due_at(credential, now),
            since: selection::waits_since(credential),
            lane: is_due.then(|| many::lane(account, credential)),
            status: credential.status,
        }
    };
    vault.each_credential(choice.filter(), look, |account, looked| {
        let is_watched = is_watched(&account);
        let mut note = |state| {
            if is_watched {
                result.states.insert(account.clone(), state);
            }
        };
        let Looked { state, verdict, due_at, since, lane, status } = match looked {
            Ok(looked) => looked,
            // An unreadable row must not stop the refresh of others.
            Err(error) => {
                note(CredentialState::Unknown);
                result.faults.push((account, error.into()));
                return;
            }
        };
        note(state);
        match status {
            Status::LoginRequired => {
                let error = needs_login(&account);
                result.faults.push((account, error));
                return;
            }
            Status::HandedOver => result.elsewhere += 1,
            Status::Active | Status::Inactive => {}
        }
        match verdict {
            Verdict::Renew(_) => result.due.add(since, account, lane.unwrap_or_default()),
            Verdict::Leave(_) | Verdict::NeedsLogin => {
                let Some(due_at) = due_at else { return };
                result.first_due = Some(result.first_due.map_or(due_at, |first| first.min(due_at)));
                if is_watched {
                    result.in_order.push(account);
                }
            }
        }
    })?;
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
