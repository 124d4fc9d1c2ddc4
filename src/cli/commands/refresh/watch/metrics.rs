//! The service's metrics, in the text format of Prometheus, for node_exporter's textfile collector.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;

use crate::model::account::Account;

/// The name of the counter.
const REFRESHES: &str = "tokctl_refreshes_total";

/// The name of the gauge that tells whom to send to a login.
const LOGIN_REQUIRED: &str = "tokctl_login_required";

/// The name of the gauge that tells when tokens end.
const NEXT_EXPIRY: &str = "tokctl_next_expiry_timestamp_seconds";

/// The name of the gauge that tells whether the service is at work.
const LAST_CYCLE: &str = "tokctl_last_cycle_timestamp_seconds";

/// Counters since the start of the service, and the latest values.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// The counters of each provider. They stay when its last credential is gone.
    counts: BTreeMap<String, Count>,
    states: BTreeMap<Account, CredentialState>,
}

/// The state of a credential, as far as the metrics tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CredentialState {
    /// The token works, or a refresh can bring one that does. `expires_at` is its end, if it has
    /// one.
    Alive { expires_at: Option<Timestamp> },
    /// A person has to log in, or to make a new token.
    LoginRequired,
    /// The state is not known: the row is damaged, or the credential was handed over.
    Unknown,
}

#[derive(Debug, Default)]
struct Count {
    refreshed: u64,
    failed: u64,
}

impl Metrics {
    /// Takes in the states of all credentials there are. Each provider's counters begin with 0, so
    /// that the first failure is an increase.
    pub(super) fn set_all(&mut self, states: BTreeMap<Account, CredentialState>) {
        for account in states.keys() {
            self.count(account);
        }
        self.states = states;
    }

    pub(super) fn refreshed(&mut self, account: &Account, expires_at: Option<Timestamp>) {
        self.count(account).refreshed += 1;
        self.states.insert(account.clone(), CredentialState::Alive { expires_at });
    }

    /// Counts a refresh that failed; `needs_login` if only a person can help.
    pub(super) fn failed(&mut self, account: &Account, needs_login: bool) {
        self.count(account).failed += 1;
        if needs_login {
            self.states.insert(account.clone(), CredentialState::LoginRequired);
        }
    }

    /// Returns the content of the metrics file at `now`.
    pub(super) fn render(&self, now: Timestamp) -> String {
        let mut text = String::new();
        let counts = self.counts.iter().flat_map(|(provider, Count { refreshed, failed })| {
            [("refreshed", refreshed), ("failed", failed)].map(|(outcome, count)| {
                (labels(&[("provider", provider), ("outcome", outcome)]), count.to_string())
            })
        });
        let what = "Refreshes since the service started: a request was sent, or could not be.";
        family(&mut text, REFRESHES, "counter", what, counts);
        let needed = self.states.iter().filter_map(|(account, state)| {
            let value = match state {
                CredentialState::Alive { .. } => "0",
                CredentialState::LoginRequired => "1",
                CredentialState::Unknown => return None,
            };
            let Account { provider, user } = account;
            let whose = [("provider", provider.as_str()), ("user", user.as_str())];
            Some((labels(&whose), value.to_owned()))
        });
        let what = "Whether a person has to log in to this credential, or to make a new token.";
        family(&mut text, LOGIN_REQUIRED, "gauge", what, needed);
        let ends = self
            .first_ends()
            .into_iter()
            .map(|(provider, at)| (labels(&[("provider", provider)]), at.as_second().to_string()));
        let what = "When the first of a provider's tokens ends, without those that need a login: \
                    in the past while a refresh fails.";
        family(&mut text, NEXT_EXPIRY, "gauge", what, ends);
        let what = "When the service last looked at all tokens.";
        family(
            &mut text,
            LAST_CYCLE,
            "gauge",
            what,
            [(String::new(), now.as_second().to_string())],
        );
        text
    }

    /// Returns the first end among the live tokens of each provider.
    fn first_ends(&self) -> BTreeMap<&str, Timestamp> {
        let mut first: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for (account, state) in &self.states {
            if let CredentialState::Alive { expires_at: Some(at) } = *state {
                let earliest = first.entry(account.provider.as_str()).or_insert(at);
                *earliest = at.min(*earliest);
            }
        }
        first
    }

    fn count(&mut self, account: &Account) -> &mut Count {
        self.counts.entry(account.provider.as_str().to_owned()).or_default()
    }
}

/// Writes the metric `name` with its samples, each with its labels and its value.
fn family(
    text: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    samples: impl IntoIterator<Item = (String, String)>,
) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for (labels, value) in samples {
        let _ = writeln!(text, "{name}{labels} {value}");
    }
}

/// Formats the labels of a sample.
fn labels(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", label(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// Escapes the value of a label.
fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_series_is_there_from_the_start() {
        let account = |provider: &str, user: &str| Account {
            provider: provider.parse().unwrap(),
            user: user.parse().unwrap(),
        };
        let alive = |second| CredentialState::Alive {
            expires_at: Some(Timestamp::from_second(second).unwrap()),
        };
        let states = [
            (account("acme", "x"), alive(100)),
            (account("acme", "y"), alive(300)),
            (account("github", "x"), CredentialState::Alive { expires_at: None }),
            (account("jira", "x"), alive(100)),
            (account("jira", "moved"), CredentialState::Unknown),
        ];
        let mut metrics = Metrics::default();
        metrics.set_all(states.into_iter().collect());
        let lines = |metrics: &Metrics| {
            let text = metrics.render(Timestamp::from_second(50).unwrap());
            assert!(text.ends_with('\n'));
            let lines = text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned);
            lines.collect::<Vec<String>>()
        };
        assert_eq!(
            lines(&metrics),
            [
                r#"tokctl_refreshes_total{provider="acme",outcome="refreshed"} 0"#,
                r#"tokctl_refreshes_total{provider="acme",outcome="failed"} 0"#,
                r#"tokctl_refreshes_total{provider="github",outcome="refreshed"} 0"#,
                r#"tokctl_refreshes_total{provider="github",outcome="failed"} 0"#,
                r#"tokctl_refreshes_total{provider="jira",outcome="refreshed"} 0"#,
                r#"tokctl_refreshes_total{provider="jira",outcome="failed"} 0"#,
                r#"tokctl_login_required{provider="acme",user="x"} 0"#,
                r#"tokctl_login_required{provider="acme",user="y"} 0"#,
                r#"tokctl_login_required{provider="github",user="x"} 0"#,
                r#"tokctl_login_required{provider="jira",user="x"} 0"#,
                r#"tokctl_next_expiry_timestamp_seconds{provider="acme"} 100"#,
                r#"tokctl_next_expiry_timestamp_seconds{provider="jira"} 100"#,
                "tokctl_last_cycle_timestamp_seconds 50",
            ]
        );
        metrics.refreshed(&account("acme", "x"), Some(Timestamp::from_second(400).unwrap()));
        metrics.failed(&account("acme", "y"), false);
        metrics.failed(&account("jira", "x"), true);
        let now = lines(&metrics);
        for line in [
            r#"tokctl_refreshes_total{provider="acme",outcome="refreshed"} 1"#,
            r#"tokctl_refreshes_total{provider="acme",outcome="failed"} 1"#,
            r#"tokctl_refreshes_total{provider="jira",outcome="failed"} 1"#,
            r#"tokctl_login_required{provider="acme",user="y"} 0"#,
            r#"tokctl_login_required{provider="jira",user="x"} 1"#,
            r#"tokctl_next_expiry_timestamp_seconds{provider="acme"} 300"#,
        ] {
            assert!(now.iter().any(|shown| shown == line), "{line} in {now:?}");
        }
        // A token that nobody renews any more has no end that somebody could wait for.
        assert!(!now.iter().any(|line| line.starts_with("tokctl_next") && line.contains("jira")));
        // What is gone is told no more, and what was counted stays.
        metrics.set_all(BTreeMap::new());
        let left = lines(&metrics);
        assert!(!left.iter().any(|line| line.starts_with("tokctl_login_required")));
        let counted = r#"tokctl_refreshes_total{provider="jira",outcome="failed"} 1"#;
        assert!(left.iter().any(|line| line == counted));
    }

    #[test]
    fn a_label_can_not_end_itself() {
        assert_eq!(label("a\"b\\c\nd"), r#"a\"b\\c\nd"#);
    }
}
