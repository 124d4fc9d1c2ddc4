//! The rules of a provider for how long it renews a grant.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::duration;

/// The two limits of a grant's life; a limit that the provider does not have is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GrantLife {
    /// The longest time without a refresh. Each refresh begins it anew.
    #[serde(deserialize_with = "duration::optional", skip_serializing_if = "Option::is_none")]
    pub(crate) idle: Option<SignedDuration>,
    /// The longest time after the consent, used or not.
    #[serde(deserialize_with = "duration::optional", skip_serializing_if = "Option::is_none")]
    pub(crate) absolute: Option<SignedDuration>,
}

impl GrantLife {
    /// Returns the time until which a grant can be renewed that a person gave at `granted_at` and
    /// that was last used at `used_at`; `None` where no rule sets an end.
    ///
    /// `refresh_expires_at` is what the server said of this grant's refresh token. It replaces the
    /// provider's general rule for idle grants; the absolute limit holds as well.
    pub(crate) fn ends_at(
        self,
        granted_at: Timestamp,
        used_at: Timestamp,
        refresh_expires_at: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let after = |from: Timestamp, life: Option<SignedDuration>| {
            life.and_then(|life| from.checked_add(life).ok())
        };
        let idle = refresh_expires_at.or_else(|| after(used_at, self.idle));
        [idle, after(granted_at, self.absolute)].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86_400).unwrap()
    }

    fn life(idle: i64, absolute: i64) -> GrantLife {
        let days = |days: i64| Some(SignedDuration::from_hours(24 * days));
        GrantLife { idle: days(idle), absolute: days(absolute) }
    }

    #[test]
    fn a_grant_ends_at_the_first_of_its_ends() {
        let life = life(90, 365);
        assert_eq!(life.ends_at(at(0), at(0), None), Some(at(90)));
        assert_eq!(life.ends_at(at(0), at(200), None), Some(at(290)));
        assert_eq!(life.ends_at(at(0), at(300), None), Some(at(365)));
        assert_eq!(GrantLife::default().ends_at(at(0), at(0), None), None);
    }

    #[test]
    fn the_servers_own_word_comes_before_the_rule_for_idle_grants() {
        let life = life(180, 365);
        assert_eq!(life.ends_at(at(0), at(0), Some(at(7))), Some(at(7)));
        assert_eq!(life.ends_at(at(0), at(0), Some(at(300))), Some(at(300)));
        assert_eq!(life.ends_at(at(0), at(0), Some(at(400))), Some(at(365)));
        assert_eq!(GrantLife::default().ends_at(at(0), at(0), Some(at(7))), Some(at(7)));
    }

    #[test]
    fn a_rule_that_was_sealed_is_read_back() {
        let written = "idle = '90d'\nabsolute = '365d'";
        let life: GrantLife = toml::from_str(written).unwrap();
        assert_eq!(life, self::life(90, 365));
        let sealed = serde_json::to_string(&life).unwrap();
        assert_eq!(serde_json::from_str::<GrantLife>(&sealed).unwrap(), life);
        assert!(toml::from_str::<GrantLife>("idle = '90d'\nidel = '1d'").is_err());
    }
}
