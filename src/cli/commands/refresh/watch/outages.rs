//! Servers in trouble: since when, and which credentials each of them holds back.
//!
//! Who reads the log wants to know of a server that is down once, and not for each credential in
//! each round.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::account::Account;

/// The servers in trouble, by host and port.
#[derive(Debug, Default)]
pub(super) struct Outages(BTreeMap<String, Outage>);

#[derive(Debug)]
struct Outage {
    since: Timestamp,
    /// The credentials that could not be renewed since then.
    held_back: BTreeSet<Account>,
    /// The number of them that was told last.
    told: usize,
}

/// The end of an outage.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) server: String,
    pub(super) lasted: SignedDuration,
}

impl Outages {
    /// Records that `server` did not renew the token of `account`. Returns whether the outage of
    /// the server begins with that.
    pub(super) fn add(&mut self, server: &str, account: &Account, now: Timestamp) -> bool {
        let is_new = !self.0.contains_key(server);
        let outage = self.0.entry(server.to_owned()).or_insert_with(|| Outage {
            since: now,
            held_back: BTreeSet::new(),
            // The line about the beginning tells of the first one.
            told: 1,
        });
        outage.held_back.insert(account.clone());
        is_new
    }

    /// Returns whether a server in trouble holds back `account`.
    pub(super) fn hold_back(&self, account: &Account) -> bool {
        self.0.values().any(|outage| outage.held_back.contains(account))
    }

    /// Records that `account` waits for no server any more, and returns the outage that ends with
    /// that: the last credential that it held back was renewed, deleted or refused.
    pub(super) fn clear(&mut self, account: &Account, now: Timestamp) -> Option<Ended> {
        self.retain(|held| held != account, now).pop()
    }

    /// Keeps the accounts that are still `there`, and returns the outages that end with that.
    pub(super) fn retain(
        &mut self,
        there: impl Fn(&Account) -> bool,
        now: Timestamp,
    ) -> Vec<Ended> {
        let mut ended = Vec::new();
        self.0.retain(|server, outage| {
            outage.held_back.retain(|account| there(account));
            if outage.held_back.is_empty() {
                let lasted = now.duration_since(outage.since);
                ended.push(Ended { server: server.clone(), lasted });
            }
            !outage.held_back.is_empty()
        });
        ended
    }

    /// Returns each server for which the number of credentials that it holds back is another one
    /// than was told, with that number.
    pub(super) fn untold(&mut self) -> Vec<(String, usize)> {
        let changed = self.0.iter_mut().filter(|(_, outage)| outage.told != outage.held_back.len());
        changed
            .map(|(server, outage)| {
                outage.told = outage.held_back.len();
                (server.clone(), outage.told)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn account(user: &str) -> Account {
        Account { provider: "acme".parse().unwrap(), user: user.parse().unwrap() }
    }

    #[test]
    fn an_outage_is_told_once_then_how_many_it_holds_back_then_its_end() {
        let mut outages = Outages::default();
        assert!(outages.add("one", &account("x"), at(0)));
        assert_eq!(outages.untold(), []);
        assert!(!outages.add("one", &account("y"), at(1)));
        assert!(outages.add("two", &account("z"), at(2)));
        assert_eq!(outages.untold(), [("one".to_owned(), 2)]);
        // The next round finds the same.
        assert!(!outages.add("one", &account("x"), at(100)));
        assert_eq!(outages.untold(), []);
        assert_eq!(outages.clear(&account("x"), at(150)), None);
        let lasted = SignedDuration::from_secs(200);
        let ended = Ended { server: "one".into(), lasted };
        assert_eq!(outages.clear(&account("y"), at(200)), Some(ended));
        assert_eq!(outages.clear(&account("y"), at(201)), None);
        assert_eq!(outages.retain(|_| false, at(202)).len(), 1);
        assert!(outages.add("one", &account("x"), at(300)), "another outage");
    }
}
