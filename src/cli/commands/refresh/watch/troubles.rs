//! Accounts in trouble: the last fault of each, and when to try again.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::cli::error::Kind;
use crate::model::account::Account;
use crate::model::attempt::is_pause;

/// The accounts in trouble, with their last faults.
#[derive(Debug, Default)]
pub(super) struct Troubles(HashMap<Account, Trouble>);

#[derive(Debug)]
struct Trouble {
    kind: Kind,
    since: Timestamp,
    /// The end of the pause that the server asked for.
    not_before: Option<Timestamp>,
}

impl Troubles {
    /// Records a fault of `account` and returns whether it needs a line in the log.
    ///
    /// A fault that lasts until a user acts is logged once.
    pub(super) fn add(
        &mut self,
        account: &Account,
        kind: Kind,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        let trouble = Trouble { kind, since: now, not_before };
        let before = self.0.insert(account.clone(), trouble);
        let lasts = match kind {
            Kind::LoginRequired | Kind::Usage | Kind::VaultDamaged => true,
            Kind::Failed
            | Kind::NotFound
            | Kind::KeyUnavailable
            | Kind::ProviderUnavailable
            | Kind::LoginFailed
            | Kind::Busy
            | Kind::VaultUnreachable
            | Kind::VaultBusy
            | Kind::CommandNotExecutable
            | Kind::CommandNotFound => false,
        };
        !lasts || before.is_none_or(|before| before.kind != kind)
    }

    /// Removes the fault of `account`, which is in order again.
    pub(super) fn clear(&mut self, account: &Account) {
        self.0.remove(account);
    }

    /// Returns whether `account` was tried so recently that another try is useless, or its server
    /// is to be left alone.
    pub(super) fn is_recent(
        &self,
        account: &Account,
        every: SignedDuration,
        now: Timestamp,
    ) -> bool {
        self.0.get(account).is_some_and(|trouble| {
            if let Some(until) = trouble.not_before {
                return is_pause(until, now);
            }
            let age = now.duration_since(trouble.since);
            // Eight tenths, because jitter can make a round early. A negative age means that the
            // clock went back.
            !age.is_negative() && age.as_millis() < every.as_millis() * 8 / 10
        })
    }

    pub(super) fn contains(&self, account: &Account) -> bool {
        self.0.contains_key(account)
    }

    /// Removes accounts that are gone.
    pub(super) fn retain(&mut self, is_there: impl Fn(&Account) -> bool) {
        self.0.retain(|account, _| is_there(account));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_only_a_person_can_mend_is_told_once_until_it_changes() {
        let account = Account { provider: "acme".parse().unwrap(), user: "x".parse().unwrap() };
        let mut troubles = Troubles::default();
        for (kind, is_told) in [
            (Kind::ProviderUnavailable, true),
            (Kind::ProviderUnavailable, true),
            (Kind::LoginRequired, true),
            (Kind::LoginRequired, false),
            (Kind::Usage, true),
            (Kind::Usage, false),
            (Kind::LoginRequired, true),
        ] {
            assert_eq!(troubles.add(&account, kind, None, at(0)), is_told, "{kind:?}");
        }
        troubles.clear(&account);
        assert!(troubles.add(&account, Kind::LoginRequired, None, at(0)));
    }

    #[test]
    fn a_fault_is_not_repeated_before_the_usual_time() {
        let account = Account { provider: "acme".parse().unwrap(), user: "x".parse().unwrap() };
        let every = SignedDuration::from_secs(100);
        let mut troubles = Troubles::default();
        assert!(!troubles.is_recent(&account, every, at(1000)));
        troubles.add(&account, Kind::ProviderUnavailable, None, at(1000));
        assert!(troubles.is_recent(&account, every, at(1079)));
        assert!(!troubles.is_recent(&account, every, at(1080)));
        assert!(!troubles.is_recent(&account, every, at(900)), "the clock went back");
        // A server says for itself when it is to be asked again.
        troubles.add(&account, Kind::ProviderUnavailable, Some(at(1300)), at(1000));
        assert!(troubles.is_recent(&account, every, at(1299)));
        assert!(!troubles.is_recent(&account, every, at(1300)));
    }
}
