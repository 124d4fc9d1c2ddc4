//! The service's metrics, in the text format of Prometheus, for node_exporter's textfile collector.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;

use crate::model::account::Account;

/// Counters since the start of the service, and the latest values.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// The counters of each provider.
    counts: BTreeMap<String, Count>,
    /// The end of each token.
    expiries: BTreeMap<Account, Timestamp>,
}

#[derive(Debug, Default)]
struct Count {
    refreshed: u64,
    failed: u64,
}

impl Metrics {
    pub(super) fn refreshed(&mut self, account: &Account, until: Option<Timestamp>) {
        self.count(account).refreshed += 1;
        self.set_expiry(account, until);
    }

    pub(super) fn failed(&mut self, account: &Account) {
        self.count(account).failed += 1;
    }

    pub(super) fn set_expiry(&mut self, account: &Account, at: Option<Timestamp>) {
        match at {
            Some(at) => self.expiries.insert(account.clone(), at),
            None => self.expiries.remove(account),
        };
    }

    /// Removes the expiry of accounts that are gone.
    pub(super) fn retain(&mut self, is_there: impl Fn(&Account) -> bool) {
        self.expiries.retain(|account, _| is_there(account));
    }

    /// Returns the content of the metrics file for a round that ended at `now`.
    pub(super) fn render(&self, now: Timestamp) -> String {
        let mut text = String::from(
            "# HELP tokctl_refreshes_total Refreshes since the service started.\n\
             # TYPE tokctl_refreshes_total counter\n",
        );
        for (provider, Count { refreshed, failed }) in &self.counts {
            let provider = label(provider);
            for (outcome, count) in [("refreshed", refreshed), ("failed", failed)] {
                let labels = format!("provider=\"{provider}\",outcome=\"{outcome}\"");
                let _ = writeln!(text, "tokctl_refreshes_total{{{labels}}} {count}");
            }
        }
        text.push_str(
            "# HELP tokctl_next_expiry_timestamp_seconds When the first of a provider's tokens ends.\n\
             # TYPE tokctl_next_expiry_timestamp_seconds gauge\n",
        );
        let mut first: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for (account, &at) in &self.expiries {
            let earliest = first.entry(account.provider.as_str()).or_insert(at);
            *earliest = at.min(*earliest);
        }
        for (provider, at) in first {
            let (name, provider) = ("tokctl_next_expiry_timestamp_seconds", label(provider));
            let _ = writeln!(text, "{name}{{provider=\"{provider}\"}} {}", at.as_second());
        }
        let _ = write!(
            text,
            "# HELP tokctl_last_cycle_timestamp_seconds When the service last looked at all tokens.\n\
             # TYPE tokctl_last_cycle_timestamp_seconds gauge\n\
             tokctl_last_cycle_timestamp_seconds {}\n",
            now.as_second()
        );
        text
    }

    fn count(&mut self, account: &Account) -> &mut Count {
        self.counts.entry(account.provider.as_str().to_owned()).or_default()
    }
}

/// Escapes the value of a label.
fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_the_first_end_are_told_by_provider() {
        let account = |provider: &str, user: &str| Account {
            provider: provider.parse().unwrap(),
            user: user.parse().unwrap(),
        };
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        let mut metrics = Metrics::default();
        metrics.set_expiry(&account("acme", "x"), at(100));
        metrics.set_expiry(&account("acme", "y"), at(300));
        metrics.set_expiry(&account("gone", "x"), at(1));
        metrics.refreshed(&account("acme", "x"), at(400));
        metrics.failed(&account("jira", "x"));
        metrics.retain(|account| account.provider.as_str() != "gone");
        let text = metrics.render(at(50).unwrap());
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            lines,
            [
                r#"tokctl_refreshes_total{provider="acme",outcome="refreshed"} 1"#,
                r#"tokctl_refreshes_total{provider="acme",outcome="failed"} 0"#,
                r#"tokctl_refreshes_total{provider="jira",outcome="refreshed"} 0"#,
                r#"tokctl_refreshes_total{provider="jira",outcome="failed"} 1"#,
                r#"tokctl_next_expiry_timestamp_seconds{provider="acme"} 300"#,
                "tokctl_last_cycle_timestamp_seconds 50",
            ]
        );
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn a_label_can_not_end_itself() {
        assert_eq!(label("a\"b\\c\nd"), r#"a\"b\\c\nd"#);
    }
}
